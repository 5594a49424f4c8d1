/* Which key carries which one out or in: policy x wrapping key x target x mechanism, said again from THREATS.md 5.7. */
#include "firmware/transfer.h"
#include "tests/unit/harness.h"

static const uint8_t p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
static const uint8_t p384[] = { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22 };
static const uint8_t p521[] = { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23 };

enum { TRUSTED = 1, IMPORTED = 2, EXTRACTABLE = 4, READABLE = 8, NEEDS_TRUST = 16, DECRYPTS = 32, DERIVES = 64 };

/* Enough of an object for the rules: they look at attributes alone. */
static struct object object_of(CK_OBJECT_CLASS class, CK_KEY_TYPE type, size_t bytes, unsigned marks)
{
    static const uint8_t zeros[2048];
    struct object o = { 0 };
    struct attributes *a = &o.attributes;
    bool ok = attributes_set_ulong(a, CKA_CLASS, class) == CKR_OK &&
              attributes_set_ulong(a, CKA_KEY_TYPE, type) == CKR_OK &&
              attributes_set_bool(a, CKA_EXTRACTABLE, (marks & EXTRACTABLE) != 0) == CKR_OK &&
              attributes_set_bool(a, CKA_SENSITIVE, (marks & READABLE) == 0) == CKR_OK &&
              attributes_set_bool(a, CKA_ALWAYS_SENSITIVE, (marks & (READABLE | IMPORTED)) == 0) == CKR_OK &&
              attributes_set_bool(a, CKA_NEVER_EXTRACTABLE, (marks & (EXTRACTABLE | IMPORTED)) == 0) == CKR_OK &&
              attributes_set_bool(a, CKA_LOCAL, (marks & IMPORTED) == 0) == CKR_OK &&
              attributes_set_bool(a, CKA_TRUSTED, (marks & TRUSTED) != 0) == CKR_OK &&
              attributes_set_bool(a, CKA_WRAP_WITH_TRUSTED, (marks & NEEDS_TRUST) != 0) == CKR_OK &&
              attributes_set_bool(a, CKA_DECRYPT, (marks & DECRYPTS) != 0) == CKR_OK &&
              attributes_set_bool(a, CKA_DERIVE, (marks & DERIVES) != 0) == CKR_OK &&
              attributes_set(a, type == CKK_RSA ? CKA_MODULUS : CKA_VALUE, span_of(zeros, bytes)) == CKR_OK;

    CU_ASSERT_FATAL(ok);
    object_refresh(&o);
    return o;
}

static struct object aes(size_t bytes, unsigned marks)
{
    return object_of(CKO_SECRET_KEY, CKK_AES, bytes, marks);
}

static struct object ec(const void *params, size_t len)
{
    struct object o = object_of(CKO_PRIVATE_KEY, CKK_EC, 32, EXTRACTABLE);

    CU_ASSERT_FATAL(attributes_set(&o.attributes, CKA_EC_PARAMS, span_of(params, len)) == CKR_OK);
    return o;
}

static struct object of_set(CK_KEY_TYPE type, CK_ULONG set)
{
    struct object o = object_of(CKO_PRIVATE_KEY, type, 32, EXTRACTABLE);

    CU_ASSERT_FATAL(attributes_set_ulong(&o.attributes, CKA_PARAMETER_SET, set) == CKR_OK);
    return o;
}

static CK_RV wrap(enum policy policy, struct object kek, struct object target, CK_MECHANISM_TYPE mechanism)
{
    CK_RV rv = transfer_check_wrap(policy, &kek, &target, mechanism);

    attributes_clear(&kek.attributes);
    attributes_clear(&target.attributes);
    return rv;
}

static const CK_MECHANISM_TYPE good[] = { CKM_AES_KEY_WRAP, CKM_AES_KEY_WRAP_PAD, CKM_AES_KEY_WRAP_KWP,
                                          CKM_RSA_PKCS_OAEP, CKM_RSA_AES_KEY_WRAP };
static const CK_MECHANISM_TYPE bad[] = { CKM_AES_ECB, CKM_AES_CBC,  CKM_AES_CBC_PAD, CKM_AES_CTR,
                                         CKM_AES_GCM, CKM_RSA_PKCS, CKM_RSA_X_509 };
static const enum policy policies[] = { POLICY_STRICT, POLICY_COMPATIBLE };

static void mechanisms(void)
{
    for (size_t p = 0; p < ARRAY_LEN(policies); p++) {
        for (size_t i = 0; i < ARRAY_LEN(good); i++)
            CU_ASSERT_EQUAL(wrap(policies[p], aes(32, 0), aes(32, EXTRACTABLE), good[i]), CKR_OK);
        for (size_t i = 0; i < ARRAY_LEN(bad); i++)
            CU_ASSERT_EQUAL(wrap(policies[p], aes(32, 0), aes(32, EXTRACTABLE), bad[i]), CKR_MECHANISM_INVALID);
    }
}

static const struct {
    unsigned kek, target;
    CK_RV strict, compatible;
} marks[] = {
    { 0, EXTRACTABLE, CKR_OK, CKR_OK },
    { 0, 0, CKR_KEY_UNEXTRACTABLE, CKR_KEY_UNEXTRACTABLE },
    { 0, READABLE, CKR_KEY_UNEXTRACTABLE, CKR_KEY_UNEXTRACTABLE },
    { IMPORTED, EXTRACTABLE, CKR_KEY_NOT_WRAPPABLE, CKR_KEY_NOT_WRAPPABLE }, /* its value is known outside */
    { READABLE, EXTRACTABLE, CKR_KEY_NOT_WRAPPABLE, CKR_KEY_NOT_WRAPPABLE },
    { EXTRACTABLE, EXTRACTABLE, CKR_KEY_NOT_WRAPPABLE, CKR_KEY_NOT_WRAPPABLE },
    { DECRYPTS, EXTRACTABLE, CKR_KEY_NOT_WRAPPABLE, CKR_KEY_NOT_WRAPPABLE },
    { DERIVES, EXTRACTABLE, CKR_KEY_NOT_WRAPPABLE, CKR_KEY_NOT_WRAPPABLE },
    { TRUSTED | IMPORTED, EXTRACTABLE, CKR_OK, CKR_OK },
    { TRUSTED | IMPORTED | DECRYPTS, EXTRACTABLE, CKR_KEY_NOT_WRAPPABLE, CKR_KEY_NOT_WRAPPABLE },
    { TRUSTED | IMPORTED | EXTRACTABLE, EXTRACTABLE, CKR_KEY_NOT_WRAPPABLE, CKR_KEY_NOT_WRAPPABLE },
    { 0, EXTRACTABLE | NEEDS_TRUST, CKR_KEY_NOT_WRAPPABLE, CKR_KEY_NOT_WRAPPABLE },
    { TRUSTED, EXTRACTABLE | NEEDS_TRUST, CKR_OK, CKR_OK },
    { IMPORTED, EXTRACTABLE | READABLE, CKR_KEY_NOT_WRAPPABLE, CKR_OK }, /* it can be read as it is */
    { DECRYPTS, EXTRACTABLE | READABLE, CKR_KEY_NOT_WRAPPABLE, CKR_OK },
    { IMPORTED, EXTRACTABLE | READABLE | NEEDS_TRUST, CKR_KEY_NOT_WRAPPABLE, CKR_KEY_NOT_WRAPPABLE },
};

static void wrapping_keys_and_targets(void)
{
    for (size_t i = 0; i < ARRAY_LEN(marks); i++)
        for (size_t m = 0; m < ARRAY_LEN(good); m++) {
            CU_ASSERT_EQUAL(wrap(POLICY_STRICT, aes(32, marks[i].kek), aes(16, marks[i].target), good[m]),
                            marks[i].strict);
            CU_ASSERT_EQUAL(wrap(POLICY_COMPATIBLE, aes(32, marks[i].kek), aes(16, marks[i].target), good[m]),
                            marks[i].compatible);
        }
    CU_ASSERT_EQUAL(wrap(POLICY_COMPATIBLE, aes(32, 0), aes(16, EXTRACTABLE | READABLE), CKM_AES_CBC_PAD), CKR_OK);
    CU_ASSERT_EQUAL(wrap(POLICY_STRICT, aes(32, 0), aes(16, EXTRACTABLE | READABLE), CKM_AES_CBC_PAD),
                    CKR_MECHANISM_INVALID);
}

static void public_keys_wrap_when_they_are_trusted(void)
{
    struct object own = object_of(CKO_PUBLIC_KEY, CKK_RSA, 1920, 0);
    struct object trusted = object_of(CKO_PUBLIC_KEY, CKK_RSA, 1920, TRUSTED);

    CU_ASSERT_EQUAL(wrap(POLICY_STRICT, own, aes(16, EXTRACTABLE), CKM_RSA_PKCS_OAEP), CKR_KEY_NOT_WRAPPABLE);
    CU_ASSERT_EQUAL(wrap(POLICY_STRICT, trusted, aes(16, EXTRACTABLE), CKM_RSA_PKCS_OAEP), CKR_OK);
    CU_ASSERT_EQUAL(
        wrap(POLICY_COMPATIBLE, object_of(CKO_PUBLIC_KEY, CKK_RSA, 256, 0), aes(16, EXTRACTABLE), CKM_RSA_PKCS_OAEP),
        CKR_KEY_NOT_WRAPPABLE);
}

/* SP 800-57 part 1, table 2. */
static void a_weaker_key_carries_nothing(void)
{
    struct {
        size_t kek;
        struct object target;
        bool carried;
    } pairs[] = {
        { 16, aes(16, EXTRACTABLE), true },
        { 16, aes(24, EXTRACTABLE), false },
        { 24, aes(32, EXTRACTABLE), false },
        { 32, aes(32, EXTRACTABLE), true },
        { 32, object_of(CKO_SECRET_KEY, CKK_GENERIC_SECRET, 64, EXTRACTABLE), true },
        { 24, object_of(CKO_SECRET_KEY, CKK_GENERIC_SECRET, 64, EXTRACTABLE), false },
        { 16, object_of(CKO_PRIVATE_KEY, CKK_RSA, 384, EXTRACTABLE), true },
        { 16, object_of(CKO_PRIVATE_KEY, CKK_RSA, 960, EXTRACTABLE), false },
        { 16, ec(p256, sizeof p256), true },
        { 16, ec(p384, sizeof p384), false },
        { 24, ec(p384, sizeof p384), true },
        { 24, ec(p521, sizeof p521), false },
        { 32, ec(p521, sizeof p521), true },
        { 32, ec("?", 1), true },
        { 24, ec("?", 1), false },
        { 16, of_set(CKK_ML_DSA, CKP_ML_DSA_44), true },
        { 16, of_set(CKK_ML_DSA, CKP_ML_DSA_65), false },
        { 24, of_set(CKK_ML_DSA, CKP_ML_DSA_65), true },
        { 24, of_set(CKK_ML_DSA, CKP_ML_DSA_87), false },
        { 24, of_set(CKK_ML_KEM, CKP_ML_KEM_1024), false },
        { 16, of_set(CKK_ML_KEM, CKP_ML_KEM_512), true },
        { 16, of_set(CKK_SLH_DSA, CKP_SLH_DSA_SHAKE_128F), true },
        { 16, of_set(CKK_SLH_DSA, CKP_SLH_DSA_SHA2_192S), false },
        { 24, of_set(CKK_SLH_DSA, CKP_SLH_DSA_SHAKE_192F), true },
        { 24, of_set(CKK_SLH_DSA, CKP_SLH_DSA_SHA2_256S), false },
        { 32, of_set(CKK_SLH_DSA, CKP_SLH_DSA_SHAKE_256F), true },
    };

    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        CK_RV rv = wrap(POLICY_STRICT, aes(pairs[i].kek, 0), pairs[i].target, CKM_AES_KEY_WRAP_KWP);

        if ((rv == CKR_OK) != pairs[i].carried)
            printf("pair %zu: %#lx\n", i, rv);
        CU_ASSERT_EQUAL(rv, pairs[i].carried ? CKR_OK : CKR_WRAPPING_KEY_SIZE_RANGE);
    }
}

static void nothing_else_is_wrapped(void)
{
    static const CK_OBJECT_CLASS classes[] = { CKO_PUBLIC_KEY, CKO_DATA, CKO_CERTIFICATE };

    for (size_t i = 0; i < ARRAY_LEN(classes); i++)
        CU_ASSERT_EQUAL(wrap(POLICY_COMPATIBLE, aes(32, 0), object_of(classes[i], CKK_AES, 16, EXTRACTABLE | READABLE),
                             CKM_AES_KEY_WRAP),
                        CKR_KEY_NOT_WRAPPABLE);
}

/* --- in --- */

enum say { NOTHING, NO, YES };

static const struct {
    enum say sensitive, extractable;
    CK_RV strict;
} arrivals[] = {
    { NOTHING, NOTHING, CKR_OK },
    { YES, NO, CKR_OK },
    { YES, NOTHING, CKR_OK },
    { NO, NO, CKR_TEMPLATE_INCONSISTENT },
    { NO, NOTHING, CKR_TEMPLATE_INCONSISTENT },
    { NOTHING, YES, CKR_TEMPLATE_INCONSISTENT },
    { YES, YES, CKR_TEMPLATE_INCONSISTENT },
    { NO, YES, CKR_TEMPLATE_INCONSISTENT },
};

static CK_RV arrive(enum policy policy, CK_MECHANISM_TYPE mechanism, enum say sensitive, enum say extractable,
                    bool *readable)
{
    struct object kek = aes(32, 0);
    struct attributes a = { 0 };
    CK_RV rv;

    if (sensitive != NOTHING)
        CU_ASSERT_FATAL(attributes_set_bool(&a, CKA_SENSITIVE, sensitive == YES) == CKR_OK);
    if (extractable != NOTHING)
        CU_ASSERT_FATAL(attributes_set_bool(&a, CKA_EXTRACTABLE, extractable == YES) == CKR_OK);
    rv = transfer_check_unwrap(policy, &kek, mechanism, &a);
    *readable = attributes_has(&a, CKA_SENSITIVE) && !attributes_bool(&a, CKA_SENSITIVE);
    attributes_clear(&a);
    attributes_clear(&kek.attributes);
    return rv;
}

static void what_arrives_is_never_readable(void)
{
    bool readable;

    for (size_t i = 0; i < ARRAY_LEN(arrivals); i++) {
        CU_ASSERT_EQUAL(
            arrive(POLICY_STRICT, CKM_AES_KEY_WRAP, arrivals[i].sensitive, arrivals[i].extractable, &readable),
            arrivals[i].strict);
        CU_ASSERT_EQUAL(
            arrive(POLICY_COMPATIBLE, CKM_AES_KEY_WRAP, arrivals[i].sensitive, arrivals[i].extractable, &readable),
            CKR_OK);
        CU_ASSERT_FALSE(readable);
    }
}

static void only_what_authenticates_carries_in(void)
{
    bool unused;

    for (size_t p = 0; p < ARRAY_LEN(policies); p++) {
        for (size_t i = 0; i < ARRAY_LEN(good); i++)
            CU_ASSERT_EQUAL(arrive(policies[p], good[i], NOTHING, NOTHING, &unused), CKR_OK);
        for (size_t i = 0; i < ARRAY_LEN(bad); i++)
            CU_ASSERT_EQUAL(arrive(policies[p], bad[i], NOTHING, NOTHING, &unused),
                            policies[p] == POLICY_COMPATIBLE && bad[i] == CKM_RSA_PKCS ? CKR_OK
                                                                                       : CKR_MECHANISM_INVALID);
    }
}

static void an_unwrapping_key_demands(void)
{
    struct object kek = aes(32, 0);
    struct attributes demands = { 0 }, a = { 0 };
    uint8_t packed[128];

    CU_ASSERT_FATAL(attributes_set_bool(&demands, CKA_SIGN, true) == CKR_OK);
    attributes_pack(&demands, packed);
    CU_ASSERT_FATAL(attributes_set(&kek.attributes, CKA_UNWRAP_TEMPLATE,
                                   span_of(packed, attributes_packed_len(&demands))) == CKR_OK);
    CU_ASSERT_EQUAL(transfer_check_unwrap(POLICY_STRICT, &kek, CKM_AES_KEY_WRAP, &a), CKR_OK);
    CU_ASSERT(attributes_bool(&a, CKA_SIGN));
    CU_ASSERT_FATAL(attributes_set_bool(&a, CKA_SIGN, false) == CKR_OK);
    CU_ASSERT_EQUAL(transfer_check_unwrap(POLICY_STRICT, &kek, CKM_AES_KEY_WRAP, &a), CKR_TEMPLATE_INCONSISTENT);
    attributes_clear(&a);
    attributes_clear(&demands);
    attributes_clear(&kek.attributes);
}

static CU_TestInfo cases[] = {
    { "keys leave by mechanisms that authenticate", mechanisms },
    { "wrapping keys x targets, each policy", wrapping_keys_and_targets },
    { "public keys wrap when they are trusted", public_keys_wrap_when_they_are_trusted },
    { "a weaker key carries nothing", a_weaker_key_carries_nothing },
    { "nothing but private and secret keys is wrapped", nothing_else_is_wrapped },
    { "what arrives is never readable", what_arrives_is_never_readable },
    { "only what authenticates carries in", only_what_authenticates_carries_in },
    { "an unwrapping key's template demands", an_unwrapping_key_demands },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { "transfer", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
