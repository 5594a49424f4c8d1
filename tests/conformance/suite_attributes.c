/* PKCS#11 3.0, 5.7.5 and 5.7.6: reading and changing attributes; and section 4's rules of who sets which. */
#include <string.h>

#include "tests/conformance/keys.h"
#include "tests/conformance/suites.h"

static CK_OBJECT_HANDLE data_object(void)
{
    CK_OBJECT_HANDLE o = 0;

    REQUIRE_OK(F->C_CreateObject(
        S, TEMPLATE(NUMBER(CKA_CLASS, CKO_DATA), TEXT(CKA_LABEL, "label"), TEXT(CKA_VALUE, "value")), &o));
    return o;
}

static CK_OBJECT_HANDLE sensitive_key(void)
{
    CK_OBJECT_HANDLE o = 0;

    REQUIRE_OK(keys_aes(S, 32, RIGHTS_ENCRYPT, false, &o));
    return o;
}

static void length_query(const void *row)
{
    CK_ATTRIBUTE a[] = { { CKA_LABEL, NULL, 0 }, { CKA_VALUE, NULL, 99 } };

    (void)row;
    CHECK_OK(F->C_GetAttributeValue(S, data_object(), a, 2));
    CHECK(a[0].ulValueLen == 5 && a[1].ulValueLen == 5);
}

static void buffer_too_small(const void *row)
{
    CK_BYTE room[8] = { 0x77, 0x77, 0x77, 0x77, 0x77 }, label[8];
    CK_ATTRIBUTE a[] = { { CKA_VALUE, room, 4 }, { CKA_LABEL, label, sizeof label } };

    (void)row;
    CHECK_RV(F->C_GetAttributeValue(S, data_object(), a, 2), CKR_BUFFER_TOO_SMALL);
    CHECK(a[0].ulValueLen == CK_UNAVAILABLE_INFORMATION);
    CHECK(room[4] == 0x77);
    CHECK(a[1].ulValueLen == 5 && memcmp(label, "label", 5) == 0); /* the others are served */
}

static void no_such_attribute(const void *row)
{
    CK_BYTE room[8], label[8];
    CK_ATTRIBUTE a[] = { { CKA_MODULUS, room, sizeof room }, { CKA_LABEL, label, sizeof label } };

    (void)row;
    CHECK_RV(F->C_GetAttributeValue(S, data_object(), a, 2), CKR_ATTRIBUTE_TYPE_INVALID);
    CHECK(a[0].ulValueLen == CK_UNAVAILABLE_INFORMATION && a[1].ulValueLen == 5);
}

static void sensitive_value(const void *row)
{
    CK_BYTE room[64] = { 0 };
    CK_ULONG type = 0;
    CK_ATTRIBUTE a[] = { { CKA_VALUE, room, sizeof room }, { CKA_KEY_TYPE, &type, sizeof type } };

    (void)row;
    CHECK_RV(F->C_GetAttributeValue(S, sensitive_key(), a, 2), CKR_ATTRIBUTE_SENSITIVE);
    CHECK(a[0].ulValueLen == CK_UNAVAILABLE_INFORMATION && a[1].ulValueLen == sizeof type && type == CKK_AES);
    for (size_t i = 0; i < sizeof room; i++)
        CHECK(room[i] == 0);
}

static void sensitive_length(const void *row)
{
    CK_ATTRIBUTE a = { CKA_VALUE, NULL, 0 };

    (void)row;
    CHECK_RV(F->C_GetAttributeValue(S, sensitive_key(), &a, 1), CKR_ATTRIBUTE_SENSITIVE);
    CHECK(a.ulValueLen == CK_UNAVAILABLE_INFORMATION);
}

static void no_attributes_asked(const void *row)
{
    CK_ATTRIBUTE a = { CKA_LABEL, NULL, 0 };

    (void)row;
    CHECK_ONE(F->C_GetAttributeValue(S, data_object(), &a, 0), CKR_OK, CKR_ARGUMENTS_BAD);
}

static void set_label(const void *row)
{
    CK_OBJECT_HANDLE o = data_object();
    CK_BYTE label[16];

    (void)row;
    CHECK_OK(F->C_SetAttributeValue(S, o, TEMPLATE(TEXT(CKA_LABEL, "another one"))));
    CHECK(client_attribute(S, o, CKA_LABEL, label, sizeof label) == 11 && memcmp(label, "another one", 11) == 0);
}

static void set_of_token_object(const void *row)
{
    CK_ATTRIBUTE find[] = { TEXT(CKA_LABEL, "changed on the token"), YES(CKA_TOKEN) };
    CK_OBJECT_HANDLE o = 0;
    CK_ULONG count = 0;

    (void)row;
    REQUIRE_OK(
        F->C_CreateObject(S, TEMPLATE(NUMBER(CKA_CLASS, CKO_DATA), YES(CKA_TOKEN), TEXT(CKA_LABEL, "before")), &o));
    REQUIRE_OK(F->C_SetAttributeValue(S, o, find, 1));
    REQUIRE(client_reach(LEVEL_USER, true));
    CHECK_OK(client_count(S, find, 2, &count));
    CHECK(count == 1);
    client_clean(S);
}

static void set_all_or_nothing(const void *row)
{
    CK_OBJECT_HANDLE o = data_object();
    CK_BYTE label[16];

    (void)row;
    CHECK(F->C_SetAttributeValue(S, o, TEMPLATE(TEXT(CKA_LABEL, "half"), NUMBER(CKA_CLASS, CKO_SECRET_KEY))) != CKR_OK);
    CHECK(client_attribute(S, o, CKA_LABEL, label, sizeof label) == 5 && memcmp(label, "label", 5) == 0);
}

static void tightening(const void *row)
{
    CK_OBJECT_HANDLE o = 0;

    (void)row;
    REQUIRE_OK(keys_aes(S, 32, RIGHTS_ENCRYPT, true, &o));
    CHECK_OK(F->C_SetAttributeValue(S, o, TEMPLATE(NO(CKA_EXTRACTABLE))));
    CHECK(client_flag(S, o, CKA_EXTRACTABLE) == 0);
    CHECK(client_flag(S, o, CKA_NEVER_EXTRACTABLE) == 0);
    CHECK_RV(F->C_SetAttributeValue(S, o, TEMPLATE(YES(CKA_EXTRACTABLE))), CKR_ATTRIBUTE_READ_ONLY);
}

static void loosening(const void *row)
{
    CK_OBJECT_HANDLE o = sensitive_key();

    (void)row;
    CHECK_RV(F->C_SetAttributeValue(S, o, TEMPLATE(NO(CKA_SENSITIVE))), CKR_ATTRIBUTE_READ_ONLY);
    CHECK_RV(F->C_SetAttributeValue(S, o, TEMPLATE(YES(CKA_EXTRACTABLE))), CKR_ATTRIBUTE_READ_ONLY);
    CHECK(client_flag(S, o, CKA_SENSITIVE) == 1 && client_flag(S, o, CKA_EXTRACTABLE) == 0);
}

static void loosening_by_copy(const void *row)
{
    CK_OBJECT_HANDLE o = sensitive_key(), copy = 0;

    (void)row;
    CHECK_ONE(F->C_CopyObject(S, o, TEMPLATE(NO(CKA_SENSITIVE)), &copy), CKR_ATTRIBUTE_READ_ONLY,
              CKR_TEMPLATE_INCONSISTENT);
    CHECK_ONE(F->C_CopyObject(S, o, TEMPLATE(YES(CKA_EXTRACTABLE)), &copy), CKR_ATTRIBUTE_READ_ONLY,
              CKR_TEMPLATE_INCONSISTENT);
    CHECK_ONE(F->C_CopyObject(S, o, TEMPLATE(NO(CKA_PRIVATE)), &copy), CKR_ATTRIBUTE_READ_ONLY,
              CKR_TEMPLATE_INCONSISTENT);
}

static void generated_facts(const void *row)
{
    CK_OBJECT_HANDLE o = sensitive_key();

    (void)row;
    CHECK(client_flag(S, o, CKA_LOCAL) == 1);
    CHECK(client_flag(S, o, CKA_ALWAYS_SENSITIVE) == 1);
    CHECK(client_flag(S, o, CKA_NEVER_EXTRACTABLE) == 1);
    CHECK(client_number(S, o, CKA_KEY_GEN_MECHANISM) == CKM_AES_KEY_GEN);
    CHECK(client_number(S, o, CKA_CLASS) == CKO_SECRET_KEY);
    CHECK(client_flag(S, o, CKA_DERIVE) == 0);
}

static void pair_facts(const void *row)
{
    struct pair p = { 0 };
    CK_ULONG bits;

    (void)row;
    REQUIRE_OK(keys_ec(S, "P-256", JOB_SIGN, &p));
    CHECK(client_flag(S, p.private_key, CKA_LOCAL) == 1 && client_flag(S, p.public_key, CKA_LOCAL) == 1);
    CHECK(client_flag(S, p.private_key, CKA_ALWAYS_SENSITIVE) == 1);
    CHECK(client_flag(S, p.private_key, CKA_NEVER_EXTRACTABLE) == 1);
    CHECK(client_number(S, p.private_key, CKA_KEY_GEN_MECHANISM) == CKM_EC_KEY_PAIR_GEN);
    CHECK(client_number(S, p.public_key, CKA_CLASS) == CKO_PUBLIC_KEY);
    CHECK(client_number(S, p.private_key, CKA_CLASS) == CKO_PRIVATE_KEY);
    bits = client_number(S, p.private_key, CKA_KEY_TYPE);
    CHECK(bits == CKK_EC);
    CHECK(client_flag(S, p.private_key, CKA_ALWAYS_AUTHENTICATE) == 0);
    CHECK(client_flag(S, p.private_key, CKA_WRAP_WITH_TRUSTED) == 0);
}

static void imported_facts(const void *row)
{
    CK_BYTE value[32] = { 5 };
    CK_OBJECT_HANDLE o = 0;

    (void)row;
    REQUIRE_OK(keys_import(S, CKK_GENERIC_SECRET, value, sizeof value, RIGHTS_SIGN, &o));
    CHECK(client_flag(S, o, CKA_LOCAL) == 0);
    CHECK(client_number(S, o, CKA_KEY_GEN_MECHANISM) == CK_UNAVAILABLE_INFORMATION);
    CHECK(client_flag(S, o, CKA_ALWAYS_SENSITIVE) == 0 && client_flag(S, o, CKA_NEVER_EXTRACTABLE) == 0);
}

/* Parts of private keys, each of which is as good as the key. */
static const CK_ATTRIBUTE_TYPE rsa_parts[] = { CKA_PRIVATE_EXPONENT, CKA_PRIME_1,    CKA_PRIME_2,
                                               CKA_EXPONENT_1,       CKA_EXPONENT_2, CKA_COEFFICIENT };

static void rsa_part(const void *row)
{
    const CK_ATTRIBUTE_TYPE *type = row;
    struct pair p = keys_shared_rsa(JOB_SIGN);
    CK_BYTE room[512] = { 0 };
    CK_ATTRIBUTE a = { *type, room, sizeof room };

    CHECK_RV(F->C_GetAttributeValue(S, p.private_key, &a, 1), CKR_ATTRIBUTE_SENSITIVE);
    CHECK(a.ulValueLen == CK_UNAVAILABLE_INFORMATION && room[0] == 0 && room[64] == 0);
}

static void ec_part(const void *row)
{
    struct pair p = keys_shared_ec("P-256", JOB_SIGN);
    CK_BYTE room[64] = { 0 };
    CK_ATTRIBUTE a = { CKA_VALUE, room, sizeof room };

    (void)row;
    CHECK_RV(F->C_GetAttributeValue(S, p.private_key, &a, 1), CKR_ATTRIBUTE_SENSITIVE);
    CHECK(a.ulValueLen == CK_UNAVAILABLE_INFORMATION && room[0] == 0);
}

static void trusted_by_user(const void *row)
{
    CK_OBJECT_HANDLE o = sensitive_key(), made = 0;

    (void)row;
    CHECK_RV(F->C_SetAttributeValue(S, o, TEMPLATE(YES(CKA_TRUSTED))), CKR_ATTRIBUTE_READ_ONLY);
    CHECK_RV(F->C_GenerateKey(S, MECHANISM(CKM_AES_KEY_GEN),
                              TEMPLATE(NUMBER(CKA_VALUE_LEN, 32), NO(CKA_TOKEN), YES(CKA_TRUSTED)), &made),
             CKR_ATTRIBUTE_READ_ONLY);
    CHECK_ONE(F->C_CopyObject(S, o, TEMPLATE(YES(CKA_TRUSTED)), &made), CKR_ATTRIBUTE_READ_ONLY);
}

/* Attributes that only the token sets, or that are set once. */
static const struct fixed {
    const char *name;
    CK_ATTRIBUTE_TYPE type;
    CK_ULONG number; /* when len is 8 */
    CK_ULONG len;
} fixed[] = {
    { "CLASS", CKA_CLASS, CKO_DATA, 8 },
    { "KEY_TYPE", CKA_KEY_TYPE, CKK_GENERIC_SECRET, 8 },
    { "LOCAL", CKA_LOCAL, 0, 1 },
    { "ALWAYS_SENSITIVE", CKA_ALWAYS_SENSITIVE, 1, 1 },
    { "NEVER_EXTRACTABLE", CKA_NEVER_EXTRACTABLE, 1, 1 },
    { "KEY_GEN_MECHANISM", CKA_KEY_GEN_MECHANISM, CKM_AES_KEY_GEN, 8 },
    { "VALUE_LEN", CKA_VALUE_LEN, 16, 8 },
    { "VALUE", CKA_VALUE, 0x1111, 16 },
    { "TOKEN", CKA_TOKEN, 1, 1 },
    { "PRIVATE", CKA_PRIVATE, 0, 1 },
};

static void set_fixed(const void *row)
{
    const struct fixed *f = row;
    CK_BYTE bytes[16] = { 0 };
    CK_ATTRIBUTE a = { f->type, bytes, f->len };

    memcpy(bytes, &f->number, sizeof f->number);
    CHECK_RV(F->C_SetAttributeValue(S, sensitive_key(), &a, 1), CKR_ATTRIBUTE_READ_ONLY);
}

static void create_fixed(const void *row)
{
    const struct fixed *f = row;
    CK_BYTE bytes[16] = { 0 };
    CK_OBJECT_HANDLE o = 0;
    CK_ATTRIBUTE t[] = { NUMBER(CKA_VALUE_LEN, 32), NO(CKA_TOKEN), { f->type, bytes, f->len } };

    memcpy(bytes, &f->number, sizeof f->number);
    CHECK_ONE(F->C_GenerateKey(S, MECHANISM(CKM_AES_KEY_GEN), t, COUNT_OF(t), &o), CKR_ATTRIBUTE_READ_ONLY,
              CKR_TEMPLATE_INCONSISTENT, CKR_ATTRIBUTE_VALUE_INVALID);
}

static const struct test_case cases[] = {
    { "NULL asks for the length", LEVEL_USER, length_query, 0 },
    { "a buffer too small", LEVEL_USER, buffer_too_small, 0 },
    { "an attribute the object does not have", LEVEL_USER, no_such_attribute, 0 },
    { "the value of a sensitive key", LEVEL_USER, sensitive_value, 0 },
    { "the length of a sensitive key's value", LEVEL_USER, sensitive_length, 0 },
    { "no attributes asked for", LEVEL_USER, no_attributes_asked, 0 },
    { "changing a label", LEVEL_USER, set_label, 0 },
    { "changing a token object", LEVEL_USER, set_of_token_object, 0 },
    { "a refused change changes nothing", LEVEL_USER, set_all_or_nothing, 0 },
    { "EXTRACTABLE only tightens", LEVEL_USER, tightening, 0 },
    { "SENSITIVE and EXTRACTABLE are not loosened", LEVEL_USER, loosening, 0 },
    { "nor by a copy", LEVEL_USER, loosening_by_copy, 0 },
    { "what a generated key says of itself", LEVEL_USER, generated_facts, 0 },
    { "what a generated pair says of itself", LEVEL_USER, pair_facts, 0 },
    { "what an imported key says of itself", LEVEL_USER, imported_facts, 0 },
    { "the scalar of an EC private key", LEVEL_USER, ec_part, 0 },
    { "TRUSTED set by the user", LEVEL_USER, trusted_by_user, 0 },
};

void suite_attributes(struct suite *s)
{
    suite_cases(s, cases, COUNT_OF(cases));
    for (size_t i = 0; i < COUNT_OF(rsa_parts); i++)
        suite_row(s, LEVEL_USER, rsa_part, &rsa_parts[i], "part 0x%lx of an RSA private key", rsa_parts[i]);
    for (size_t i = 0; i < COUNT_OF(fixed); i++)
        suite_row(s, LEVEL_USER, set_fixed, &fixed[i], "changing %s", fixed[i].name);
    for (size_t i = 0; i < COUNT_OF(fixed); i++)
        if (fixed[i].type != CKA_TOKEN && fixed[i].type != CKA_PRIVATE && fixed[i].type != CKA_VALUE_LEN)
            suite_row(s, LEVEL_USER, create_fixed, &fixed[i], "generating with %s", fixed[i].name);
}
