/* Who may set which attribute when: THREATS.md 5.7 and PKCS#11 3.0, tables 10 and on, said again, case by case. */
#include "firmware/object.h"
#include "firmware/template.h"
#include "firmware/wire/limits.h"
#include "tests/unit/harness.h"

enum who { USER, SO, NOBODY };

static struct actor actor_of(enum who who, enum policy policy)
{
    return (struct actor){ .policy = policy, .user = who == USER, .so = who == SO };
}

static void set_flag(struct attributes *a, CK_ATTRIBUTE_TYPE type, bool value)
{
    CU_ASSERT_FATAL(attributes_set_bool(a, type, value) == CKR_OK);
}

static void set_number(struct attributes *a, CK_ATTRIBUTE_TYPE type, CK_ULONG value)
{
    CU_ASSERT_FATAL(attributes_set_ulong(a, type, value) == CKR_OK);
}

/* A template's bare minimum. */
static struct attributes key_of(CK_OBJECT_CLASS class)
{
    struct attributes a = { 0 };

    set_number(&a, CKA_CLASS, class);
    if (class == CKO_PUBLIC_KEY || class == CKO_PRIVATE_KEY)
        set_number(&a, CKA_KEY_TYPE, CKK_RSA);
    else if (class == CKO_SECRET_KEY)
        set_number(&a, CKA_KEY_TYPE, CKK_AES);
    return a;
}

/* A whole object, as the keystore makes it. */
static struct attributes object_of(CK_OBJECT_CLASS class, enum policy policy)
{
    struct attributes a = key_of(class);
    struct actor who = actor_of(USER, policy);

    if (class == CKO_CERTIFICATE) {
        set_number(&a, CKA_CERTIFICATE_TYPE, CKC_X_509);
        CU_ASSERT_FATAL(attributes_set(&a, CKA_VALUE, span_text("certificate")) == CKR_OK);
        CU_ASSERT_FATAL(attributes_set(&a, CKA_SUBJECT, span_text("subject")) == CKR_OK);
    }
    CU_ASSERT_FATAL(template_complete(&a, TEMPLATE_GENERATE, &who, NULL, CKM_AES_KEY_GEN) == CKR_OK);
    return a;
}

#define DATA   CKO_DATA
#define CERT   CKO_CERTIFICATE
#define PUBLIC CKO_PUBLIC_KEY
#define PRIV   CKO_PRIVATE_KEY
#define SECRET CKO_SECRET_KEY

/* --- new objects: one flag on top of the minimum --- */

static const struct {
    CK_OBJECT_CLASS class;
    enum template_use use;
    enum who who;
    CK_ATTRIBUTE_TYPE type;
    bool value;
    CK_RV expected;
} flags[] = {
    { SECRET, TEMPLATE_CREATE, USER, CKA_SENSITIVE, false, CKR_OK },
    { SECRET, TEMPLATE_GENERATE, USER, CKA_EXTRACTABLE, true, CKR_OK },
    { PUBLIC, TEMPLATE_GENERATE, USER, CKA_SENSITIVE, true, CKR_ATTRIBUTE_TYPE_INVALID },
    { PUBLIC, TEMPLATE_GENERATE, USER, CKA_EXTRACTABLE, false, CKR_ATTRIBUTE_TYPE_INVALID },
    { DATA, TEMPLATE_CREATE, USER, CKA_SIGN, true, CKR_ATTRIBUTE_TYPE_INVALID },
    { CERT, TEMPLATE_CREATE, USER, CKA_VERIFY, true, CKR_ATTRIBUTE_TYPE_INVALID },
    { PUBLIC, TEMPLATE_GENERATE, USER, CKA_SIGN, true, CKR_ATTRIBUTE_TYPE_INVALID },
    { PRIV, TEMPLATE_GENERATE, USER, CKA_VERIFY, true, CKR_ATTRIBUTE_TYPE_INVALID },
    { PRIV, TEMPLATE_GENERATE, USER, CKA_WRAP, true, CKR_ATTRIBUTE_TYPE_INVALID },
    { PUBLIC, TEMPLATE_GENERATE, USER, CKA_UNWRAP, true, CKR_ATTRIBUTE_TYPE_INVALID },
    { SECRET, TEMPLATE_GENERATE, USER, CKA_ALWAYS_AUTHENTICATE, true, CKR_ATTRIBUTE_TYPE_INVALID },
    /* history is the keystore's to write */
    { SECRET, TEMPLATE_CREATE, USER, CKA_LOCAL, true, CKR_ATTRIBUTE_READ_ONLY },
    { SECRET, TEMPLATE_CREATE, SO, CKA_LOCAL, true, CKR_ATTRIBUTE_READ_ONLY },
    { SECRET, TEMPLATE_GENERATE, USER, CKA_ALWAYS_SENSITIVE, true, CKR_ATTRIBUTE_READ_ONLY },
    { PRIV, TEMPLATE_ARRIVE, USER, CKA_NEVER_EXTRACTABLE, true, CKR_ATTRIBUTE_READ_ONLY },
    { DATA, TEMPLATE_CREATE, USER, CKA_UNIQUE_ID, true, CKR_ATTRIBUTE_READ_ONLY },
    /* trust is the security officer's to give */
    { SECRET, TEMPLATE_CREATE, USER, CKA_TRUSTED, true, CKR_ATTRIBUTE_READ_ONLY },
    { SECRET, TEMPLATE_GENERATE, USER, CKA_TRUSTED, true, CKR_ATTRIBUTE_READ_ONLY },
    { SECRET, TEMPLATE_ARRIVE, USER, CKA_TRUSTED, true, CKR_ATTRIBUTE_READ_ONLY },
    { PUBLIC, TEMPLATE_CREATE, USER, CKA_TRUSTED, true, CKR_ATTRIBUTE_READ_ONLY },
    { CERT, TEMPLATE_CREATE, USER, CKA_TRUSTED, true, CKR_ATTRIBUTE_READ_ONLY },
    { CERT, TEMPLATE_CREATE, NOBODY, CKA_TRUSTED, true, CKR_ATTRIBUTE_READ_ONLY },
    { SECRET, TEMPLATE_CREATE, SO, CKA_TRUSTED, true, CKR_OK },
    { PUBLIC, TEMPLATE_CREATE, SO, CKA_TRUSTED, true, CKR_OK },
    { SECRET, TEMPLATE_CREATE, USER, CKA_TRUSTED, false, CKR_OK },
    { PRIV, TEMPLATE_GENERATE, SO, CKA_TRUSTED, true, CKR_ATTRIBUTE_TYPE_INVALID },
};

static void new_objects_take_the_flags_of_their_class(void)
{
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        struct attributes a = key_of(flags[i].class);
        struct actor who = actor_of(flags[i].who, POLICY_STRICT);
        CK_RV rv;

        set_flag(&a, flags[i].type, flags[i].value);
        rv = template_check_new(&a, flags[i].use, &who);
        if (rv != flags[i].expected)
            printf("case %zu: %#lx\n", i, rv);
        CU_ASSERT_EQUAL(rv, flags[i].expected);
        attributes_clear(&a);
    }
}

static void values_come_with_creation_alone(void)
{
    static const CK_ATTRIBUTE_TYPE values[] = { CKA_VALUE, CKA_PRIVATE_EXPONENT, CKA_PRIME_1, CKA_SEED, CKA_MODULUS };
    static const enum template_use uses[] = { TEMPLATE_GENERATE, TEMPLATE_ARRIVE };
    struct actor who = actor_of(USER, POLICY_COMPATIBLE);

    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        struct attributes a = key_of(CKO_PRIVATE_KEY);

        CU_ASSERT_FATAL(attributes_set(&a, values[i], span_text("value")) == CKR_OK);
        CU_ASSERT_EQUAL(template_check_new(&a, TEMPLATE_CREATE, &who), CKR_OK);
        for (size_t u = 0; u < ARRAY_LEN(uses); u++)
            CU_ASSERT_EQUAL(template_check_new(&a, uses[u], &who), CKR_TEMPLATE_INCONSISTENT);
        attributes_clear(&a);
    }
}

static void what_is_missing_is_said(void)
{
    struct actor who = actor_of(USER, POLICY_STRICT);
    struct attributes a = { 0 };

    CU_ASSERT_EQUAL(template_check_new(&a, TEMPLATE_CREATE, &who), CKR_TEMPLATE_INCOMPLETE);
    set_number(&a, CKA_CLASS, CKO_SECRET_KEY);
    CU_ASSERT_EQUAL(template_check_new(&a, TEMPLATE_CREATE, &who), CKR_TEMPLATE_INCOMPLETE);
    set_number(&a, CKA_CLASS, CKO_HW_FEATURE);
    CU_ASSERT_EQUAL(template_check_new(&a, TEMPLATE_CREATE, &who), CKR_ATTRIBUTE_VALUE_INVALID);
    set_number(&a, CKA_CLASS, CKO_CERTIFICATE);
    CU_ASSERT_EQUAL(template_complete(&a, TEMPLATE_CREATE, &who, NULL, CK_UNAVAILABLE_INFORMATION),
                    CKR_TEMPLATE_INCOMPLETE);
    attributes_clear(&a);
}

static void always_authenticate_is_for_private_objects(void)
{
    struct actor who = actor_of(USER, POLICY_STRICT);
    struct attributes a = key_of(CKO_PRIVATE_KEY);

    set_flag(&a, CKA_ALWAYS_AUTHENTICATE, true);
    CU_ASSERT_EQUAL(template_check_new(&a, TEMPLATE_GENERATE, &who), CKR_OK);
    set_flag(&a, CKA_PRIVATE, false);
    CU_ASSERT_EQUAL(template_check_new(&a, TEMPLATE_GENERATE, &who), CKR_TEMPLATE_INCONSISTENT);
    attributes_clear(&a);
}

/* --- rights that together are an extraction --- */

static const CK_ATTRIBUTE_TYPE carrying[] = { CKA_WRAP, CKA_UNWRAP };
static const CK_ATTRIBUTE_TYPE working[] = { CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN, CKA_DERIVE };

static void a_key_that_carries_does_nothing_else(void)
{
    static const enum template_use uses[] = { TEMPLATE_CREATE, TEMPLATE_GENERATE, TEMPLATE_ARRIVE };
    struct actor strict = actor_of(USER, POLICY_STRICT), compatible = actor_of(USER, POLICY_COMPATIBLE);

    for (size_t w = 0; w < ARRAY_LEN(carrying); w++)
        for (size_t r = 0; r < ARRAY_LEN(working); r++)
            for (size_t u = 0; u < ARRAY_LEN(uses); u++) {
                struct attributes a = key_of(CKO_SECRET_KEY);

                set_flag(&a, carrying[w], true);
                CU_ASSERT_EQUAL(template_check_new(&a, uses[u], &strict), CKR_OK);
                set_flag(&a, working[r], true);
                CU_ASSERT_EQUAL(template_check_new(&a, uses[u], &strict), CKR_TEMPLATE_INCONSISTENT);
                CU_ASSERT_EQUAL(template_check_new(&a, uses[u], &compatible), CKR_OK);
                attributes_clear(&a);
            }
}

/* Neither by C_SetAttributeValue nor by C_CopyObject, under either policy. */
static void rights_of_carriers_never_change(void)
{
    static const enum template_use uses[] = { TEMPLATE_SET, TEMPLATE_COPY };
    static const enum policy policies[] = { POLICY_STRICT, POLICY_COMPATIBLE };

    for (size_t p = 0; p < ARRAY_LEN(policies); p++)
        for (size_t u = 0; u < ARRAY_LEN(uses); u++)
            for (size_t w = 0; w < ARRAY_LEN(carrying); w++) {
                struct actor who = actor_of(USER, policies[p]);
                struct attributes key = object_of(CKO_SECRET_KEY, POLICY_STRICT), change = { 0 };

                set_flag(&change, carrying[w], true); /* a plain key does not begin to carry */
                CU_ASSERT_NOT_EQUAL(template_check_change(&key, &change, uses[u], &who), CKR_OK);
                set_flag(&key, carrying[w], true);
                set_flag(&change, carrying[w], false); /* a carrier does not cease to be one */
                CU_ASSERT_NOT_EQUAL(template_check_change(&key, &change, uses[u], &who), CKR_OK);
                attributes_clear(&change);
                for (size_t r = 0; r < ARRAY_LEN(working); r++) {
                    set_flag(&change, working[r], true);
                    CU_ASSERT_NOT_EQUAL(template_check_change(&key, &change, uses[u], &who), CKR_OK);
                    attributes_clear(&change);
                }
                attributes_clear(&key);
            }
}

static void plain_rights_come_and_go(void)
{
    struct actor who = actor_of(USER, POLICY_STRICT);
    struct attributes key = object_of(CKO_SECRET_KEY, POLICY_STRICT), change = { 0 };

    set_flag(&change, CKA_SIGN, true);
    set_flag(&change, CKA_DERIVE, true);
    CU_ASSERT_EQUAL(template_check_change(&key, &change, TEMPLATE_SET, &who), CKR_OK);
    CU_ASSERT_EQUAL(template_check_change(&key, &change, TEMPLATE_COPY, &who), CKR_OK);
    attributes_clear(&change);
    attributes_clear(&key);
}

/* --- changes --- */

static const struct {
    CK_OBJECT_CLASS class;
    enum who who;
    CK_ATTRIBUTE_TYPE type;
    bool before, after;
    CK_RV set, copy;
} changes[] = {
    { SECRET, USER, CKA_SENSITIVE, true, false, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_READ_ONLY },
    { SECRET, SO, CKA_SENSITIVE, true, false, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_READ_ONLY },
    { PRIV, USER, CKA_SENSITIVE, true, false, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_READ_ONLY },
    { SECRET, USER, CKA_SENSITIVE, false, true, CKR_OK, CKR_OK },
    { SECRET, USER, CKA_EXTRACTABLE, false, true, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_READ_ONLY },
    { PRIV, SO, CKA_EXTRACTABLE, false, true, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_READ_ONLY },
    { SECRET, USER, CKA_EXTRACTABLE, true, false, CKR_OK, CKR_OK },
    { SECRET, USER, CKA_WRAP_WITH_TRUSTED, true, false, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_READ_ONLY },
    { SECRET, USER, CKA_WRAP_WITH_TRUSTED, false, true, CKR_OK, CKR_OK },
    { SECRET, USER, CKA_TRUSTED, false, true, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_READ_ONLY },
    { SECRET, NOBODY, CKA_TRUSTED, false, true, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_READ_ONLY },
    { SECRET, SO, CKA_TRUSTED, false, true, CKR_OK, CKR_OK },
    { CERT, USER, CKA_TRUSTED, false, true, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_READ_ONLY },
    { SECRET, USER, CKA_TRUSTED, true, false, CKR_OK, CKR_OK },
    { PRIV, USER, CKA_ALWAYS_AUTHENTICATE, true, false, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_READ_ONLY },
    { PRIV, USER, CKA_ALWAYS_AUTHENTICATE, false, true, CKR_ATTRIBUTE_READ_ONLY, CKR_OK },
    { SECRET, USER, CKA_PRIVATE, true, false, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_READ_ONLY },
    { SECRET, USER, CKA_PRIVATE, false, true, CKR_ATTRIBUTE_READ_ONLY, CKR_OK },
    { SECRET, USER, CKA_TOKEN, false, true, CKR_ATTRIBUTE_READ_ONLY, CKR_OK },
    { SECRET, USER, CKA_MODIFIABLE, true, false, CKR_ATTRIBUTE_READ_ONLY, CKR_OK },
    { SECRET, USER, CKA_MODIFIABLE, false, true, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_READ_ONLY },
    { SECRET, USER, CKA_COPYABLE, true, false, CKR_OK, CKR_OK },
    { SECRET, USER, CKA_COPYABLE, false, true, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_READ_ONLY },
    { SECRET, USER, CKA_DESTROYABLE, false, true, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_READ_ONLY },
    { SECRET, USER, CKA_LOCAL, false, true, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_READ_ONLY },
    { SECRET, USER, CKA_ALWAYS_SENSITIVE, false, true, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_READ_ONLY },
    { SECRET, USER, CKA_NEVER_EXTRACTABLE, false, true, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_READ_ONLY },
    /* what is so already may be repeated by a copy */
    { SECRET, USER, CKA_LOCAL, true, true, CKR_ATTRIBUTE_READ_ONLY, CKR_OK },
    { SECRET, USER, CKA_TRUSTED, true, true, CKR_OK, CKR_OK },
};

static void flags_only_tighten(void)
{
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        struct attributes now = object_of(changes[i].class, POLICY_STRICT), change = { 0 };
        struct actor who = actor_of(changes[i].who, POLICY_COMPATIBLE);
        CK_RV set, copy;

        set_flag(&now, changes[i].type, changes[i].before);
        set_flag(&change, changes[i].type, changes[i].after);
        set = template_check_change(&now, &change, TEMPLATE_SET, &who);
        copy = template_check_change(&now, &change, TEMPLATE_COPY, &who);
        if (set != changes[i].set || copy != changes[i].copy)
            printf("case %zu: set %#lx, copy %#lx\n", i, set, copy);
        CU_ASSERT_EQUAL(set, changes[i].set);
        CU_ASSERT_EQUAL(copy, changes[i].copy);
        attributes_clear(&now);
        attributes_clear(&change);
    }
}

static const struct {
    CK_OBJECT_CLASS class;
    CK_ATTRIBUTE_TYPE type;
    CK_RV set, copy;
} new_bytes[] = {
    { DATA, CKA_VALUE, CKR_OK, CKR_OK },
    { DATA, CKA_LABEL, CKR_OK, CKR_OK },
    { CERT, CKA_ID, CKR_OK, CKR_OK },
    { CERT, CKA_VALUE, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_READ_ONLY }, /* what was trusted stays what it was */
    { CERT, CKA_SUBJECT, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_READ_ONLY },
    { SECRET, CKA_VALUE, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_READ_ONLY },
    { SECRET, CKA_CLASS, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_READ_ONLY },
    { SECRET, CKA_KEY_TYPE, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_READ_ONLY },
    { SECRET, CKA_VALUE_LEN, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_READ_ONLY },
    { SECRET, CKA_KEY_GEN_MECHANISM, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_READ_ONLY },
    { SECRET, CKA_ALLOWED_MECHANISMS, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_READ_ONLY },
    { SECRET, CKA_WRAP_TEMPLATE, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_READ_ONLY },
    { SECRET, CKA_UNWRAP_TEMPLATE, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_READ_ONLY },
    { SECRET, CKA_DERIVE_TEMPLATE, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_READ_ONLY },
    { SECRET, CKA_UNIQUE_ID, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_READ_ONLY },
    { SECRET, CKA_MODULUS, CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_TYPE_INVALID },
    { PRIV, CKA_PRIVATE_EXPONENT, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_READ_ONLY },
    { PRIV, CKA_PUBLIC_KEY_INFO, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_READ_ONLY },
    { PRIV, CKA_SUBJECT, CKR_OK, CKR_OK },
};

static void values_stay_what_they_are(void)
{
    struct actor who = actor_of(USER, POLICY_COMPATIBLE);

    for (size_t i = 0; i < ARRAY_LEN(new_bytes); i++) {
        struct attributes now = object_of(new_bytes[i].class, POLICY_STRICT), change = { 0 };
        CK_RV set, copy;

        CU_ASSERT_FATAL(attributes_set(&change, new_bytes[i].type, span_text("new bytes")) == CKR_OK);
        set = template_check_change(&now, &change, TEMPLATE_SET, &who);
        copy = template_check_change(&now, &change, TEMPLATE_COPY, &who);
        if (set != new_bytes[i].set || copy != new_bytes[i].copy)
            printf("case %zu: set %#lx, copy %#lx\n", i, set, copy);
        CU_ASSERT_EQUAL(set, new_bytes[i].set);
        CU_ASSERT_EQUAL(copy, new_bytes[i].copy);
        attributes_clear(&now);
        attributes_clear(&change);
    }
}

/* That a copy's template may repeat what is so must not become a way to ask whether a guess at a secret is right. */
static void a_copy_does_not_compare_values(void)
{
    struct actor who = actor_of(USER, POLICY_COMPATIBLE);
    struct attributes now = object_of(CKO_SECRET_KEY, POLICY_STRICT), change = { 0 };

    CU_ASSERT_FATAL(attributes_set(&now, CKA_VALUE, span_text("the value")) == CKR_OK);
    CU_ASSERT_FATAL(attributes_set(&change, CKA_VALUE, span_text("the value")) == CKR_OK);
    CU_ASSERT_EQUAL(template_check_change(&now, &change, TEMPLATE_COPY, &who), CKR_ATTRIBUTE_READ_ONLY);
    CU_ASSERT_FALSE(template_matches(&now, &change));
    attributes_clear(&now);
    attributes_clear(&change);
}

/* --- what a template leaves out --- */

static void defaults_are_the_tight_ones(void)
{
    static const CK_ATTRIBUTE_TYPE on[] = { CKA_PRIVATE,     CKA_SENSITIVE,        CKA_MODIFIABLE,        CKA_COPYABLE,
                                            CKA_DESTROYABLE, CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE, CKA_LOCAL };
    static const CK_ATTRIBUTE_TYPE off[] = { CKA_TOKEN, CKA_EXTRACTABLE, CKA_WRAP_WITH_TRUSTED, CKA_TRUSTED };
    struct attributes a = object_of(CKO_SECRET_KEY, POLICY_STRICT);

    for (size_t i = 0; i < ARRAY_LEN(on); i++)
        CU_ASSERT(attributes_bool(&a, on[i]));
    for (size_t i = 0; i < ARRAY_LEN(off); i++)
        CU_ASSERT(attributes_has(&a, off[i]) && !attributes_bool(&a, off[i]));
    CU_ASSERT_EQUAL(rights_of(&a), 0);
    attributes_clear(&a);
}

static void compatible_gives_rights_but_never_conflicting_ones(void)
{
    struct actor who = actor_of(USER, POLICY_COMPATIBLE);
    struct attributes a = object_of(CKO_SECRET_KEY, POLICY_COMPATIBLE);

    CU_ASSERT_EQUAL(rights_of(&a), RIGHT_ENCRYPT | RIGHT_DECRYPT | RIGHT_SIGN | RIGHT_VERIFY);
    attributes_clear(&a);
    a = key_of(CKO_SECRET_KEY);
    set_flag(&a, CKA_WRAP, true);
    CU_ASSERT_FATAL(template_complete(&a, TEMPLATE_GENERATE, &who, NULL, CKM_AES_KEY_GEN) == CKR_OK);
    CU_ASSERT_EQUAL(rights_of(&a), RIGHT_WRAP);
    attributes_clear(&a);
}

static const struct {
    enum template_use use;
    bool with_base, base_always, sensitive, extractable;
    bool always_sensitive, never_extractable, local;
} histories[] = {
    { TEMPLATE_GENERATE, false, false, true, false, true, true, true },
    { TEMPLATE_GENERATE, false, false, false, false, false, true, true },
    { TEMPLATE_GENERATE, false, false, true, true, true, false, true },
    { TEMPLATE_CREATE, false, false, true, false, false, false, false },
    { TEMPLATE_ARRIVE, false, false, true, false, false, false, false },
    { TEMPLATE_ARRIVE, true, true, true, false, true, true, false },
    { TEMPLATE_ARRIVE, true, false, true, false, false, false, false },
    { TEMPLATE_ARRIVE, true, true, false, true, false, false, false },
};

static void history_is_never_better_than_it_was(void)
{
    struct actor who = actor_of(USER, POLICY_STRICT);

    for (size_t i = 0; i < ARRAY_LEN(histories); i++) {
        struct attributes a = key_of(CKO_SECRET_KEY), base = { 0 };

        set_flag(&base, CKA_ALWAYS_SENSITIVE, histories[i].base_always);
        set_flag(&base, CKA_NEVER_EXTRACTABLE, histories[i].base_always);
        set_flag(&a, CKA_SENSITIVE, histories[i].sensitive);
        set_flag(&a, CKA_EXTRACTABLE, histories[i].extractable);
        CU_ASSERT_FATAL(template_complete(&a, histories[i].use, &who, histories[i].with_base ? &base : NULL,
                                          CK_UNAVAILABLE_INFORMATION) == CKR_OK);
        CU_ASSERT_EQUAL(attributes_bool(&a, CKA_ALWAYS_SENSITIVE), histories[i].always_sensitive);
        CU_ASSERT_EQUAL(attributes_bool(&a, CKA_NEVER_EXTRACTABLE), histories[i].never_extractable);
        CU_ASSERT_EQUAL(attributes_bool(&a, CKA_LOCAL), histories[i].local);
        attributes_clear(&a);
        attributes_clear(&base);
    }
}

/* A derived key can be made wherever its base is. */
static void a_key_comes_from_where_its_base_does(void)
{
    struct attributes a = key_of(CKO_SECRET_KEY), b = key_of(CKO_SECRET_KEY), c = key_of(CKO_SECRET_KEY);
    struct actor who = actor_of(USER, POLICY_STRICT);

    who.origin = span_text("elsewhere");
    CU_ASSERT_FATAL(template_complete(&a, TEMPLATE_GENERATE, &who, NULL, CKM_AES_KEY_GEN) == CKR_OK);
    CU_ASSERT(span_is(attributes_get(&a, CKA_STRONGROOM_ORIGIN), "elsewhere"));
    who.origin = span_text("here");
    CU_ASSERT_FATAL(template_complete(&b, TEMPLATE_ARRIVE, &who, &a, CK_UNAVAILABLE_INFORMATION) == CKR_OK);
    CU_ASSERT(span_is(attributes_get(&b, CKA_STRONGROOM_ORIGIN), "elsewhere"));
    attributes_remove(&a, CKA_STRONGROOM_ORIGIN);
    CU_ASSERT_FATAL(template_complete(&c, TEMPLATE_ARRIVE, &who, &a, CK_UNAVAILABLE_INFORMATION) == CKR_OK);
    CU_ASSERT_EQUAL(attributes_get(&c, CKA_STRONGROOM_ORIGIN).len, 0);
    CU_ASSERT_EQUAL(template_check_change(&b, &b, TEMPLATE_SET, &who), CKR_ATTRIBUTE_READ_ONLY);
    attributes_clear(&a);
    attributes_clear(&b);
    attributes_clear(&c);
}

/* --- reading --- */

static uint8_t block[BUDGET_SIZE];

static CK_RV read_one(CK_ATTRIBUTE_TYPE type, const void *p, size_t len, unsigned times, struct attributes *out)
{
    Ks__Template t = KS__TEMPLATE__INIT;
    Ks__Attribute items[2] = { KS__ATTRIBUTE__INIT, KS__ATTRIBUTE__INIT }, *list[] = { &items[0], &items[1] };
    struct budget b;

    budget_init(&b, block, sizeof block);
    for (unsigned i = 0; i < times; i++) {
        items[i].type = type;
        items[i].value = (ProtobufCBinaryData){ len, (uint8_t *)(uintptr_t)p };
    }
    t.attributes = list;
    t.n_attributes = times;
    return template_read(&t, &b, out);
}

static const struct {
    CK_ATTRIBUTE_TYPE type;
    size_t len;
    uint8_t first;
    unsigned times;
    CK_RV expected;
} readings[] = {
    { CKA_TOKEN, 1, 1, 1, CKR_OK },
    { CKA_TOKEN, 1, 2, 1, CKR_ATTRIBUTE_VALUE_INVALID },
    { CKA_TOKEN, 0, 0, 1, CKR_ATTRIBUTE_VALUE_INVALID },
    { CKA_TOKEN, 8, 0, 1, CKR_ATTRIBUTE_VALUE_INVALID },
    { CKA_TOKEN, 1, 1, 2, CKR_TEMPLATE_INCONSISTENT },
    { CKA_CLASS, 8, 0, 1, CKR_OK },
    { CKA_CLASS, 4, 0, 1, CKR_ATTRIBUTE_VALUE_INVALID },
    { CKA_START_DATE, 0, 0, 1, CKR_OK },
    { CKA_START_DATE, 8, '2', 1, CKR_OK },
    { CKA_START_DATE, 7, '2', 1, CKR_ATTRIBUTE_VALUE_INVALID },
    { CKA_ALLOWED_MECHANISMS, 16, 0, 1, CKR_OK },
    { CKA_ALLOWED_MECHANISMS, 12, 0, 1, CKR_ATTRIBUTE_VALUE_INVALID },
    { CKA_ALLOWED_MECHANISMS, 65 * 8, 0, 1, CKR_ATTRIBUTE_VALUE_INVALID },
    { CKA_WRAP_TEMPLATE, 5, 0xff, 1, CKR_ATTRIBUTE_VALUE_INVALID },
    { CKA_LABEL, ATTRIBUTE_VALUE_MAX, 'a', 1, CKR_OK },
    { CKA_LABEL, ATTRIBUTE_VALUE_MAX + 1, 'a', 1, CKR_ATTRIBUTE_VALUE_INVALID },
    { CKA_VALUE, ATTRIBUTE_LARGE_MAX, 'a', 1, CKR_OK },
    { CKA_VENDOR_DEFINED | 1, 1, 1, 1, CKR_ATTRIBUTE_TYPE_INVALID },
    { CKA_HW_FEATURE_TYPE, 8, 0, 1, CKR_ATTRIBUTE_TYPE_INVALID },
};

static void lengths_and_kinds_are_checked(void)
{
    static uint8_t value[ATTRIBUTE_LARGE_MAX];

    for (size_t i = 0; i < ARRAY_LEN(readings); i++) {
        struct attributes a = { 0 };
        CK_RV rv;

        value[0] = readings[i].first;
        rv = read_one(readings[i].type, value, readings[i].len, readings[i].times, &a);
        if (rv != readings[i].expected)
            printf("case %zu: %#lx\n", i, rv);
        CU_ASSERT_EQUAL(rv, readings[i].expected);
        CU_ASSERT_EQUAL(a.count, rv == CKR_OK ? 1 : 0);
        attributes_clear(&a);
    }
}

static void templates_nest_once(void)
{
    Ks__Template inner = KS__TEMPLATE__INIT, outer = KS__TEMPLATE__INIT;
    Ks__Attribute flag = KS__ATTRIBUTE__INIT, nested = KS__ATTRIBUTE__INIT;
    Ks__Attribute *flags_list[] = { &flag }, *nested_list[] = { &nested };
    uint8_t yes = 1, packed_inner[64], packed_outer[128];
    struct attributes a = { 0 }, key = { 0 };

    flag.type = CKA_EXTRACTABLE;
    flag.value = (ProtobufCBinaryData){ 1, &yes };
    inner.n_attributes = 1;
    inner.attributes = flags_list;
    nested.type = CKA_WRAP_TEMPLATE;
    nested.value = (ProtobufCBinaryData){ ks__template__pack(&inner, packed_inner), packed_inner };
    outer.n_attributes = 1;
    outer.attributes = nested_list;
    CU_ASSERT_EQUAL(read_one(CKA_WRAP_TEMPLATE, packed_inner, nested.value.len, 1, &key), CKR_OK);
    set_flag(&a, CKA_EXTRACTABLE, true);
    CU_ASSERT(template_nested_met(&key, CKA_WRAP_TEMPLATE, &a));
    set_flag(&a, CKA_EXTRACTABLE, false);
    CU_ASSERT_FALSE(template_nested_met(&key, CKA_WRAP_TEMPLATE, &a));
    CU_ASSERT(template_nested_met(&key, CKA_UNWRAP_TEMPLATE, &a)); /* none: nothing is demanded */
    attributes_clear(&a);
    CU_ASSERT_FALSE(template_nested_met(&key, CKA_WRAP_TEMPLATE, &a)); /* an attribute that is not there */
    CU_ASSERT_NOT_EQUAL(read_one(CKA_WRAP_TEMPLATE, packed_outer, ks__template__pack(&outer, packed_outer), 1, &a),
                        CKR_OK);
    attributes_clear(&key);
}

static CU_TestInfo cases[] = {
    { "new objects take the flags of their class", new_objects_take_the_flags_of_their_class },
    { "values come with creation alone", values_come_with_creation_alone },
    { "what is missing is said", what_is_missing_is_said },
    { "CKA_ALWAYS_AUTHENTICATE is for private objects", always_authenticate_is_for_private_objects },
    { "a key that carries does nothing else", a_key_that_carries_does_nothing_else },
    { "rights of carriers never change", rights_of_carriers_never_change },
    { "plain rights come and go", plain_rights_come_and_go },
    { "flags only tighten", flags_only_tighten },
    { "values stay what they are", values_stay_what_they_are },
    { "a copy does not compare values", a_copy_does_not_compare_values },
    { "defaults are the tight ones", defaults_are_the_tight_ones },
    { "compatible gives rights but never conflicting ones", compatible_gives_rights_but_never_conflicting_ones },
    { "history is never better than it was", history_is_never_better_than_it_was },
    { "a key comes from where its base does", a_key_comes_from_where_its_base_does },
    { "lengths and kinds are checked", lengths_and_kinds_are_checked },
    { "templates nest once", templates_nest_once },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { "template", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
