#include "firmware/template.h"

#include "firmware/object.h"
#include "firmware/wire/limits.h"

enum kind { BOOL, ULONG, BYTES, DATE, MECHANISMS, NESTED };

enum class_bit { D = 1 << 0, X = 1 << 1, P = 1 << 2, V = 1 << 3, S = 1 << 4, KEYS = P | V | S, ALL = D | X | KEYS };

enum { NEW = TEMPLATE_CREATE | TEMPLATE_GENERATE | TEMPLATE_ARRIVE, ANY = NEW | TEMPLATE_COPY | TEMPLATE_SET };
enum {
    COPY = TEMPLATE_COPY,
    CHANGE = TEMPLATE_COPY | TEMPLATE_SET,
    CREATE = TEMPLATE_CREATE,
    MAKE = TEMPLATE_GENERATE
};

enum mark {
    SECRET = 1 << 0, /* closed by CKA_SENSITIVE, in private and secret keys */
    RISES = 1 << 1,  /* may only become true */
    FALLS = 1 << 2,  /* may only become false */
    SO = 1 << 3,     /* true by the security officer alone */
    ON = 1 << 4,     /* what it is when a template does not say: true, */
    OFF = 1 << 5,    /* false, */
    EMPTY = 1 << 6,  /* empty */
};

static const struct rule {
    CK_ATTRIBUTE_TYPE type;
    enum kind kind;
    unsigned classes, uses, marks;
} rules[] = {
    { CKA_CLASS, ULONG, ALL, NEW, 0 },
    { CKA_TOKEN, BOOL, ALL, NEW | COPY, OFF },
    { CKA_PRIVATE, BOOL, V | S, NEW | COPY, RISES | ON },
    { CKA_PRIVATE, BOOL, D | X | P, NEW | COPY, RISES | OFF },
    { CKA_MODIFIABLE, BOOL, ALL, NEW | COPY, FALLS | ON },
    { CKA_COPYABLE, BOOL, ALL, ANY, FALLS | ON },
    { CKA_DESTROYABLE, BOOL, ALL, ANY, FALLS | ON },
    { CKA_LABEL, BYTES, ALL, ANY, EMPTY },
    { CKA_UNIQUE_ID, BYTES, ALL, 0, 0 },
    { CKA_APPLICATION, BYTES, D, ANY, EMPTY },
    { CKA_OBJECT_ID, BYTES, D, ANY, EMPTY },
    { CKA_VALUE, BYTES, D, CREATE | CHANGE, EMPTY },
    { CKA_VALUE, BYTES, X, CREATE, 0 },
    { CKA_CERTIFICATE_TYPE, ULONG, X, CREATE, 0 },
    { CKA_CERTIFICATE_CATEGORY, ULONG, X, CREATE, 0 },
    { CKA_CHECK_VALUE, BYTES, X, CREATE, 0 },
    { CKA_URL, BYTES, X, CREATE, 0 },
    { CKA_HASH_OF_SUBJECT_PUBLIC_KEY, BYTES, X, CREATE, 0 },
    { CKA_HASH_OF_ISSUER_PUBLIC_KEY, BYTES, X, CREATE, 0 },
    { CKA_JAVA_MIDP_SECURITY_DOMAIN, ULONG, X, CREATE, 0 },
    { CKA_ISSUER, BYTES, X, ANY, EMPTY },
    { CKA_SERIAL_NUMBER, BYTES, X, ANY, EMPTY },
    { CKA_SUBJECT, BYTES, X, NEW, EMPTY },
    { CKA_SUBJECT, BYTES, P | V, ANY, EMPTY },
    { CKA_ID, BYTES, X | KEYS, ANY, EMPTY },
    { CKA_START_DATE, DATE, X | KEYS, ANY, EMPTY },
    { CKA_END_DATE, DATE, X | KEYS, ANY, EMPTY },
    { CKA_PUBLIC_KEY_INFO, BYTES, X | P | V, CREATE | TEMPLATE_ARRIVE, 0 },
    { CKA_KEY_TYPE, ULONG, KEYS, NEW, 0 },
    { CKA_ALLOWED_MECHANISMS, MECHANISMS, KEYS, NEW, 0 },
    { CKA_LOCAL, BOOL, KEYS, 0, 0 },
    { CKA_STRONGROOM_ORIGIN, BYTES, KEYS, 0, 0 },
    { CKA_KEY_GEN_MECHANISM, ULONG, KEYS, 0, 0 },
    { CKA_SENSITIVE, BOOL, V | S, ANY, RISES | ON },
    { CKA_EXTRACTABLE, BOOL, V | S, ANY, FALLS | OFF },
    { CKA_ALWAYS_SENSITIVE, BOOL, V | S, 0, 0 },
    { CKA_NEVER_EXTRACTABLE, BOOL, V | S, 0, 0 },
    { CKA_WRAP_WITH_TRUSTED, BOOL, V | S, ANY, RISES | OFF },
    { CKA_TRUSTED, BOOL, X | P | S, ANY, SO | OFF },
    { CKA_ALWAYS_AUTHENTICATE, BOOL, V, NEW | COPY, RISES | OFF },
    { CKA_ENCRYPT, BOOL, P | S, ANY, OFF },
    { CKA_DECRYPT, BOOL, V | S, ANY, OFF },
    { CKA_SIGN, BOOL, V | S, ANY, OFF },
    { CKA_SIGN_RECOVER, BOOL, V, ANY, OFF },
    { CKA_VERIFY, BOOL, P | S, ANY, OFF },
    { CKA_VERIFY_RECOVER, BOOL, P, ANY, OFF },
    { CKA_WRAP, BOOL, P | S, ANY, OFF },
    { CKA_UNWRAP, BOOL, V | S, ANY, OFF },
    { CKA_DERIVE, BOOL, KEYS, ANY, OFF },
    { CKA_ENCAPSULATE, BOOL, P, ANY, OFF },
    { CKA_DECAPSULATE, BOOL, V, ANY, OFF },
    { CKA_WRAP_TEMPLATE, NESTED, P | S, NEW, 0 },
    { CKA_UNWRAP_TEMPLATE, NESTED, V | S, NEW, 0 },
    { CKA_DERIVE_TEMPLATE, NESTED, V | S, NEW, 0 },
    { CKA_ENCAPSULATE_TEMPLATE, NESTED, P, NEW, 0 },
    { CKA_DECAPSULATE_TEMPLATE, NESTED, V, NEW, 0 },
    { CKA_MODULUS, BYTES, P | V, CREATE, 0 },
    { CKA_MODULUS_BITS, ULONG, P, MAKE | CREATE, 0 },
    { CKA_PUBLIC_EXPONENT, BYTES, P | V, CREATE | MAKE, 0 },
    { CKA_PRIVATE_EXPONENT, BYTES, V, CREATE, SECRET },
    { CKA_PRIME_1, BYTES, V, CREATE, SECRET },
    { CKA_PRIME_2, BYTES, V, CREATE, SECRET },
    { CKA_EXPONENT_1, BYTES, V, CREATE, SECRET },
    { CKA_EXPONENT_2, BYTES, V, CREATE, SECRET },
    { CKA_COEFFICIENT, BYTES, V, CREATE, SECRET },
    { CKA_EC_PARAMS, BYTES, P | V, CREATE | MAKE, 0 },
    { CKA_EC_POINT, BYTES, P | V, CREATE, 0 },
    { CKA_PARAMETER_SET, ULONG, P | V, CREATE | MAKE, 0 },
    { CKA_SEED, BYTES, V, CREATE, SECRET },
    { CKA_VALUE, BYTES, P, CREATE, 0 },
    { CKA_VALUE, BYTES, V | S, CREATE, SECRET },
    { CKA_VALUE_LEN, ULONG, S, MAKE | TEMPLATE_ARRIVE, 0 },
};

static unsigned class_bit(CK_OBJECT_CLASS class)
{
    switch (class) {
    case CKO_DATA:
        return D;
    case CKO_CERTIFICATE:
        return X;
    case CKO_PUBLIC_KEY:
        return P;
    case CKO_PRIVATE_KEY:
        return V;
    case CKO_SECRET_KEY:
        return S;
    default:
        return 0;
    }
}

/* The rule for an attribute in objects of these classes. */
static const struct rule *rule_for(CK_ATTRIBUTE_TYPE type, unsigned classes)
{
    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        if (rules[i].type == type && (rules[i].classes & classes) != 0)
            return &rules[i];
    return NULL;
}

bool template_is_secret(CK_ATTRIBUTE_TYPE type, CK_OBJECT_CLASS class)
{
    const struct rule *r = rule_for(type, class_bit(class));

    return r != NULL && (r->marks & SECRET) != 0;
}

bool template_is_right(CK_ATTRIBUTE_TYPE type)
{
    const struct rule *r = rule_for(type, ALL);

    return r != NULL && r->kind == BOOL;
}

bool template_is_nested(CK_ATTRIBUTE_TYPE type)
{
    const struct rule *r = rule_for(type, ALL);

    return r != NULL && r->kind == NESTED;
}

static bool value_fits(const struct rule *r, struct span v)
{
    switch (r->kind) {
    case BOOL:
        return v.len == sizeof(CK_BBOOL) && v.p[0] <= CK_TRUE;
    case ULONG:
        return v.len == sizeof(CK_ULONG);
    case DATE:
        return v.len == 0 || v.len == sizeof(CK_DATE);
    case MECHANISMS:
        return v.len % sizeof(CK_MECHANISM_TYPE) == 0 && v.len <= 64 * sizeof(CK_MECHANISM_TYPE);
    case BYTES:
    case NESTED:
        return v.len <= (r->type == CKA_VALUE ? ATTRIBUTE_LARGE_MAX : ATTRIBUTE_VALUE_MAX);
    }
    return false;
}

static CK_RV read_template(const Ks__Template *t, struct budget *b, struct attributes *out);

/* Kept as packed attributes. No template inside a template. */
static CK_RV read_nested(CK_ATTRIBUTE_TYPE type, struct span packed, struct budget *b, struct attributes *out)
{
    struct attributes inner = { 0 };
    uint8_t *canonical;
    Ks__Template *t;
    CK_RV rv;

    if (b == NULL)
        return CKR_ATTRIBUTE_TYPE_INVALID;
    if (template_unpack(packed, b, &t) != ST_OK)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    if ((rv = read_template(t, NULL, &inner)) == CKR_OK) {
        size_t len = attributes_packed_len(&inner);

        if ((canonical = budget_take(b, len)) == NULL) {
            rv = CKR_HOST_MEMORY;
        } else {
            attributes_pack(&inner, canonical);
            rv = attributes_set(out, type, span_of(canonical, len));
        }
    }
    attributes_clear(&inner);
    return rv;
}

/* `b` is NULL inside a template: there is none deeper. */
static CK_RV read_template(const Ks__Template *t, struct budget *b, struct attributes *out)
{
    size_t count = t != NULL ? t->n_attributes : 0;
    CK_RV rv = CKR_OK;

    *out = (struct attributes){ 0 };
    for (size_t i = 0; i < count && rv == CKR_OK; i++) {
        const Ks__Attribute *a = t->attributes[i];
        struct span value = span_of(a->value.data, a->value.len);
        const struct rule *r = rule_for(a->type, ALL);

        if (r == NULL)
            rv = CKR_ATTRIBUTE_TYPE_INVALID;
        else if (attributes_has(out, a->type))
            rv = CKR_TEMPLATE_INCONSISTENT;
        else if (!value_fits(r, value))
            rv = CKR_ATTRIBUTE_VALUE_INVALID;
        else
            rv = r->kind == NESTED ? read_nested(a->type, value, b, out) : attributes_set(out, a->type, value);
    }
    if (rv != CKR_OK)
        attributes_clear(out);
    return rv;
}

CK_RV template_read(const Ks__Template *t, struct budget *b, struct attributes *out)
{
    return read_template(t, b, out);
}

/* A wrapping key that also decrypts gives away what it wraps (THREATS.md C7). */
static bool rights_conflict(unsigned rights)
{
    return (rights & (RIGHT_WRAP | RIGHT_UNWRAP)) != 0 &&
           (rights & (RIGHT_ENCRYPT | RIGHT_DECRYPT | RIGHT_SIGN | RIGHT_DERIVE)) != 0;
}

CK_RV template_check_new(const struct attributes *a, enum template_use use, const struct actor *who)
{
    CK_OBJECT_CLASS class = attributes_ulong(a, CKA_CLASS, (CK_ULONG)-1);
    unsigned bit = class_bit(class);

    if (bit == 0)
        return attributes_has(a, CKA_CLASS) ? CKR_ATTRIBUTE_VALUE_INVALID : CKR_TEMPLATE_INCOMPLETE;
    if ((bit & KEYS) != 0 && !attributes_has(a, CKA_KEY_TYPE))
        return CKR_TEMPLATE_INCOMPLETE;
    for (unsigned i = 0; i < a->count; i++) {
        const struct rule *r = rule_for(a->items[i].type, bit);

        if (r == NULL)
            return CKR_ATTRIBUTE_TYPE_INVALID;
        if ((r->uses & use) == 0)
            return r->uses == 0 ? CKR_ATTRIBUTE_READ_ONLY : CKR_TEMPLATE_INCONSISTENT;
        if ((r->marks & SO) != 0 && attributes_bool(a, r->type) && !who->so)
            return CKR_ATTRIBUTE_READ_ONLY;
    }
    if (who->policy == POLICY_STRICT && rights_conflict(rights_of(a)))
        return CKR_TEMPLATE_INCONSISTENT;
    /* PKCS#11 3.0, 4.9: CKA_ALWAYS_AUTHENTICATE is for private objects. */
    return attributes_bool(a, CKA_ALWAYS_AUTHENTICATE) && attributes_has(a, CKA_PRIVATE) &&
                   !attributes_bool(a, CKA_PRIVATE)
               ? CKR_TEMPLATE_INCONSISTENT
               : CKR_OK;
}

/* Rights that a template does not name: none under the strict policy; under the compatible one what the type is for. */
static unsigned default_rights(const struct attributes *a, enum policy policy)
{
    CK_KEY_TYPE type = attributes_ulong(a, CKA_KEY_TYPE, (CK_ULONG)-1);
    bool exchange = type == CKK_EC_MONTGOMERY || type == CKK_ML_KEM;
    bool cipher = type == CKK_RSA || type == CKK_AES;
    unsigned rights = 0;

    if (policy == POLICY_STRICT || rights_conflict(rights_of(a) | RIGHT_SIGN))
        return 0;
    if (!exchange && type != CKK_HKDF)
        rights |= RIGHT_SIGN | RIGHT_VERIFY;
    if (cipher)
        rights |= RIGHT_ENCRYPT | RIGHT_DECRYPT;
    if (type == CKK_EC || type == CKK_EC_MONTGOMERY || type == CKK_HKDF)
        rights |= RIGHT_DERIVE;
    if (type == CKK_ML_KEM)
        rights |= RIGHT_ENCAPSULATE | RIGHT_DECAPSULATE;
    return rights;
}

static CK_RV complete_rights(struct attributes *a, unsigned class, enum policy policy)
{
    unsigned given = default_rights(a, policy);
    CK_ATTRIBUTE_TYPE type;
    CK_RV rv = CKR_OK;

    for (unsigned i = 0; rv == CKR_OK && (type = right_attribute(i)) != 0; i++)
        if ((given & BIT(i)) != 0 && !attributes_has(a, type) && rule_for(type, class) != NULL)
            rv = attributes_set_bool(a, type, true);
    return rv;
}

static CK_RV complete_by_rules(struct attributes *a, unsigned class)
{
    CK_RV rv = CKR_OK;

    for (const struct rule *r = rules; r < rules + ARRAY_LEN(rules) && rv == CKR_OK; r++) {
        if ((r->classes & class) == 0 || attributes_has(a, r->type))
            continue;
        if ((r->marks & EMPTY) != 0)
            rv = attributes_set(a, r->type, span_of(NULL, 0));
        else if ((r->marks & (ON | OFF)) != 0)
            rv = attributes_set_bool(a, r->type, (r->marks & ON) != 0);
    }
    return rv;
}

/* ALWAYS_SENSITIVE and NEVER_EXTRACTABLE tell a key's whole history (PKCS#11 3.0, 4.9): of a derived one, also its
 * base's. */
static CK_RV complete_history(struct attributes *a, enum template_use use, const struct attributes *base)
{
    bool kept = use == TEMPLATE_GENERATE || base != NULL;
    bool sensitive = kept && attributes_bool(a, CKA_SENSITIVE);
    bool inside = kept && !attributes_bool(a, CKA_EXTRACTABLE);
    CK_RV rv;

    if (base != NULL) {
        sensitive = sensitive && attributes_bool(base, CKA_ALWAYS_SENSITIVE);
        inside = inside && attributes_bool(base, CKA_NEVER_EXTRACTABLE);
    }
    if ((rv = attributes_set_bool(a, CKA_ALWAYS_SENSITIVE, sensitive)) == CKR_OK)
        rv = attributes_set_bool(a, CKA_NEVER_EXTRACTABLE, inside);
    return rv;
}

CK_RV template_complete(struct attributes *a, enum template_use use, const struct actor *who,
                        const struct attributes *base, CK_MECHANISM_TYPE mechanism)
{
    /* Where the base came to be, what is derived of it could be made, too. */
    struct span origin = base != NULL ? attributes_get(base, CKA_STRONGROOM_ORIGIN) : who->origin;
    unsigned class = class_bit(attributes_ulong(a, CKA_CLASS, (CK_ULONG)-1));
    CK_RV rv;

    if (class == X && (!attributes_has(a, CKA_CERTIFICATE_TYPE) || !attributes_has(a, CKA_VALUE) ||
                       (attributes_ulong(a, CKA_CERTIFICATE_TYPE, 0) == CKC_X_509 && !attributes_has(a, CKA_SUBJECT))))
        return CKR_TEMPLATE_INCOMPLETE;
    if (((class & KEYS) != 0 && (rv = complete_rights(a, class, who->policy)) != CKR_OK) ||
        (rv = complete_by_rules(a, class)) != CKR_OK || (class & KEYS) == 0)
        return rv;
    if ((rv = attributes_set(a, CKA_STRONGROOM_ORIGIN, origin)) != CKR_OK ||
        (rv = attributes_set_bool(a, CKA_LOCAL, use == TEMPLATE_GENERATE)) != CKR_OK ||
        (rv = attributes_set_ulong(a, CKA_KEY_GEN_MECHANISM, mechanism)) != CKR_OK || class == P)
        return rv;
    return complete_history(a, use, base);
}

static CK_RV check_one_change(const struct rule *r, const struct attributes *now, const struct attributes *changes,
                              const struct actor *who)
{
    bool before = attributes_bool(now, r->type), after = attributes_bool(changes, r->type);

    if (r->kind != BOOL || before == after)
        return CKR_OK;
    if (((r->marks & RISES) != 0 && before) || ((r->marks & FALLS) != 0 && after) ||
        ((r->marks & SO) != 0 && after && !who->so))
        return CKR_ATTRIBUTE_READ_ONLY;
    return CKR_OK;
}

/* Rights after the change: those of wrapping keys stay as they were made, whatever the policy. Otherwise a key could
 * wrap today, lose that right, and decrypt what it wrapped tomorrow. */
static CK_RV check_rights_change(const struct attributes *now, const struct attributes *changes)
{
    unsigned before = rights_of(now), after = before;
    CK_ATTRIBUTE_TYPE type;

    for (unsigned i = 0; (type = right_attribute(i)) != 0; i++)
        if (attributes_has(changes, type))
            after = attributes_bool(changes, type) ? after | BIT(i) : after & ~BIT(i);
    if (after == before)
        return CKR_OK;
    if (rights_conflict(before | after))
        return CKR_TEMPLATE_INCONSISTENT;
    return ((before ^ after) & (RIGHT_WRAP | RIGHT_UNWRAP)) != 0 ? CKR_ATTRIBUTE_READ_ONLY : CKR_OK;
}

CK_RV template_check_change(const struct attributes *now, const struct attributes *changes, enum template_use use,
                            const struct actor *who)
{
    unsigned bit = class_bit(attributes_ulong(now, CKA_CLASS, (CK_ULONG)-1));
    CK_RV rv;

    for (unsigned i = 0; i < changes->count; i++) {
        const struct attribute *c = &changes->items[i];
        const struct rule *r = rule_for(c->type, bit);

        if (r == NULL)
            return CKR_ATTRIBUTE_TYPE_INVALID;
        /* A copy's template may repeat what is so already. */
        if (use == TEMPLATE_COPY && !template_is_secret(c->type, attributes_ulong(now, CKA_CLASS, 0)) &&
            span_equal(attributes_get(now, c->type), span_of(c->p, c->len)))
            continue;
        if ((r->uses & use) == 0)
            return CKR_ATTRIBUTE_READ_ONLY;
        if ((rv = check_one_change(r, now, changes, who)) != CKR_OK)
            return rv;
    }
    return check_rights_change(now, changes);
}

bool template_matches(const struct attributes *a, const struct attributes *wanted)
{
    CK_OBJECT_CLASS class = attributes_ulong(a, CKA_CLASS, (CK_ULONG)-1);

    for (unsigned i = 0; i < wanted->count; i++) {
        const struct attribute *w = &wanted->items[i];

        if (template_is_secret(w->type, class) || !attributes_has(a, w->type) ||
            !span_equal(attributes_get(a, w->type), span_of(w->p, w->len)))
            return false;
    }
    return true;
}

bool template_nested_met(const struct attributes *key, CK_ATTRIBUTE_TYPE nested, const struct attributes *a)
{
    struct span packed = attributes_get(key, nested);
    struct attributes demands;
    bool met;

    if (packed.len == 0)
        return true;
    if (attributes_unpack(&demands, packed) != CKR_OK)
        return false;
    met = template_matches(a, &demands);
    attributes_clear(&demands);
    return met;
}
