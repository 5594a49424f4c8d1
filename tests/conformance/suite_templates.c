/* Hostile templates: counts and lengths that point past the caller's memory, values of the wrong size, the same
 * attribute twice, templates inside templates, attributes nobody knows; through every function that takes a template.
 */
#include <string.h>

#include "tests/conformance/keys.h"
#include "tests/conformance/suites.h"

/* A way into the token: the attribute is put behind a template that would be fine without it. */
struct way {
    const char *name;
    CK_RV (*run)(CK_ATTRIBUTE *extra, CK_ULONG count); /* the extra attributes; count may lie */
};

#define ROOM 24

static CK_ULONG put(CK_ATTRIBUTE *t, const CK_ATTRIBUTE *first, CK_ULONG n, const CK_ATTRIBUTE *extra, CK_ULONG count)
{
    CK_ULONG real = count > ROOM - n ? 0 : count;

    memcpy(t, first, n * sizeof *t);
    if (real > 0)
        memcpy(t + n, extra, real * sizeof *t);
    return count == real ? n + count : count; /* a lying count stays one */
}

static CK_RV by_create(CK_ATTRIBUTE *extra, CK_ULONG count)
{
    CK_BYTE value[32] = { 9 };
    CK_ATTRIBUTE t[ROOM], good[] = { NUMBER(CKA_CLASS, CKO_SECRET_KEY), NUMBER(CKA_KEY_TYPE, CKK_AES),
                                     BYTES(CKA_VALUE, value, sizeof value) };
    CK_OBJECT_HANDLE o = 0;
    CK_ULONG n = put(t, good, COUNT_OF(good), extra, count);

    return F->C_CreateObject(S, t, n, &o);
}

static CK_RV by_generate(CK_ATTRIBUTE *extra, CK_ULONG count)
{
    CK_ATTRIBUTE t[ROOM], good[] = { NUMBER(CKA_VALUE_LEN, 32) };
    CK_OBJECT_HANDLE o = 0;
    CK_ULONG n = put(t, good, COUNT_OF(good), extra, count);

    return F->C_GenerateKey(S, MECHANISM(CKM_AES_KEY_GEN), t, n, &o);
}

static CK_RV by_pair_public(CK_ATTRIBUTE *extra, CK_ULONG count)
{
    CK_ATTRIBUTE t[ROOM], good[] = { CURVE("P-256") }, private[] = { NO(CKA_TOKEN) };
    CK_OBJECT_HANDLE a = 0, b = 0;
    CK_ULONG n = put(t, good, COUNT_OF(good), extra, count);

    return F->C_GenerateKeyPair(S, MECHANISM(CKM_EC_KEY_PAIR_GEN), t, n, private, 1, &a, &b);
}

static CK_RV by_pair_private(CK_ATTRIBUTE *extra, CK_ULONG count)
{
    CK_ATTRIBUTE t[ROOM], good[] = { YES(CKA_SIGN) }, public[] = { CURVE("P-256"), NO(CKA_TOKEN) };
    CK_OBJECT_HANDLE a = 0, b = 0;
    CK_ULONG n = put(t, good, COUNT_OF(good), extra, count);

    return F->C_GenerateKeyPair(S, MECHANISM(CKM_EC_KEY_PAIR_GEN), public, 2, t, n, &a, &b);
}

static CK_RV by_copy(CK_ATTRIBUTE *extra, CK_ULONG count)
{
    CK_ATTRIBUTE t[ROOM], good[] = { NO(CKA_TOKEN) };
    CK_OBJECT_HANDLE key = 0, o = 0;
    CK_ULONG n = put(t, good, COUNT_OF(good), extra, count);

    REQUIRE_OK(keys_aes(S, 32, RIGHTS_ENCRYPT, false, &key));
    return F->C_CopyObject(S, key, t, n, &o);
}

static CK_RV by_set(CK_ATTRIBUTE *extra, CK_ULONG count)
{
    CK_ATTRIBUTE t[ROOM], good[] = { TEXT(CKA_ID, "id") };
    CK_OBJECT_HANDLE key = 0;
    CK_ULONG n = put(t, good, COUNT_OF(good), extra, count);

    REQUIRE_OK(keys_aes(S, 32, RIGHTS_ENCRYPT, false, &key));
    return F->C_SetAttributeValue(S, key, t, n);
}

static CK_RV by_find(CK_ATTRIBUTE *extra, CK_ULONG count)
{
    CK_ATTRIBUTE t[ROOM], good[] = { NUMBER(CKA_CLASS, CKO_DATA) };
    CK_ULONG n = put(t, good, COUNT_OF(good), extra, count);
    CK_RV rv = F->C_FindObjectsInit(S, t, n);

    if (rv == CKR_OK)
        F->C_FindObjectsFinal(S);
    return rv;
}

static CK_RV by_unwrap(CK_ATTRIBUTE *extra, CK_ULONG count)
{
    CK_ATTRIBUTE t[ROOM], good[] = { NUMBER(CKA_CLASS, CKO_SECRET_KEY), NUMBER(CKA_KEY_TYPE, CKK_AES), NO(CKA_TOKEN),
                                     YES(CKA_SENSITIVE), YES(CKA_ENCRYPT) };
    CK_OBJECT_HANDLE kek = 0, key = 0, o = 0;
    CK_BYTE blob[64];
    CK_ULONG len = sizeof blob, n = put(t, good, COUNT_OF(good), extra, count);

    REQUIRE_OK(keys_aes(S, 32, RIGHTS_WRAP, false, &kek));
    REQUIRE_OK(keys_aes(S, 32, RIGHTS_ENCRYPT, true, &key));
    REQUIRE_OK(F->C_WrapKey(S, MECHANISM(CKM_AES_KEY_WRAP), kek, key, blob, &len));
    return F->C_UnwrapKey(S, MECHANISM(CKM_AES_KEY_WRAP), kek, blob, len, t, n, &o);
}

static CK_RV by_derive(CK_ATTRIBUTE *extra, CK_ULONG count)
{
    CK_ATTRIBUTE t[ROOM], good[] = { NUMBER(CKA_CLASS, CKO_SECRET_KEY), NUMBER(CKA_KEY_TYPE, CKK_GENERIC_SECRET),
                                     NUMBER(CKA_VALUE_LEN, 32), NO(CKA_TOKEN), YES(CKA_SENSITIVE) };
    struct pair a = { 0 }, b = { 0 };
    CK_BYTE point[128];
    CK_ECDH1_DERIVE_PARAMS p = { .kdf = CKD_NULL, .pPublicData = point };
    CK_OBJECT_HANDLE o = 0;
    CK_ULONG n = put(t, good, COUNT_OF(good), extra, count);

    REQUIRE_OK(keys_ec(S, "P-256", JOB_DERIVE, &a));
    REQUIRE_OK(keys_ec(S, "P-256", JOB_DERIVE, &b));
    p.ulPublicDataLen = client_attribute(S, b.public_key, CKA_EC_POINT, point, sizeof point);
    return F->C_DeriveKey(S, MECHANISM_WITH(CKM_ECDH1_DERIVE, &p, sizeof p), a.private_key, t, n, &o);
}

static const struct way ways[] = {
    { "C_CreateObject", by_create },
    { "C_GenerateKey", by_generate },
    { "C_GenerateKeyPair, public", by_pair_public },
    { "C_GenerateKeyPair, private", by_pair_private },
    { "C_CopyObject", by_copy },
    { "C_SetAttributeValue", by_set },
    { "C_FindObjectsInit", by_find },
    { "C_UnwrapKey", by_unwrap },
    { "C_DeriveKey", by_derive },
};

static void as_it_should_be(const void *row)
{
    const struct way *w = row;

    CHECK_OK(w->run(NULL, 0));
}

static void count_of_all_ones(const void *row)
{
    const struct way *w = row;

    CHECK_ONE(w->run(NULL, (CK_ULONG)-1), CKR_ARGUMENTS_BAD, CKR_TEMPLATE_INCONSISTENT, CKR_HOST_MEMORY);
}

static void huge_count(const void *row)
{
    const struct way *w = row;

    CHECK_ONE(w->run(NULL, (CK_ULONG)1 << 40), CKR_ARGUMENTS_BAD, CKR_TEMPLATE_INCONSISTENT, CKR_HOST_MEMORY);
}

static void length_of_all_ones(const void *row)
{
    const struct way *w = row;
    CK_BYTE label[4] = "abc";
    CK_ATTRIBUTE a = { CKA_LABEL, label, (CK_ULONG)-1 };

    CHECK_ONE(w->run(&a, 1), CKR_ARGUMENTS_BAD, CKR_ATTRIBUTE_VALUE_INVALID);
}

static void huge_length(const void *row)
{
    const struct way *w = row;
    CK_BYTE label[4] = "abc";
    CK_ATTRIBUTE a = { CKA_LABEL, label, (CK_ULONG)1 << 40 };

    CHECK_ONE(w->run(&a, 1), CKR_ARGUMENTS_BAD, CKR_ATTRIBUTE_VALUE_INVALID);
}

static void null_with_length(const void *row)
{
    const struct way *w = row;
    CK_ATTRIBUTE a = { CKA_LABEL, NULL, 5 };

    CHECK_ONE(w->run(&a, 1), CKR_ARGUMENTS_BAD, CKR_ATTRIBUTE_VALUE_INVALID);
}

static void same_twice(const void *row)
{
    const struct way *w = row;
    CK_ATTRIBUTE a[] = { TEXT(CKA_LABEL, "one"), TEXT(CKA_LABEL, "two") };

    CHECK_ONE(w->run(a, 2), CKR_TEMPLATE_INCONSISTENT, CKR_ARGUMENTS_BAD);
}

static void unknown_attribute(const void *row)
{
    const struct way *w = row;
    CK_ATTRIBUTE a = NUMBER(CKA_VENDOR_DEFINED | 0x4711, 1);

    CHECK_ONE(w->run(&a, 1), CKR_ATTRIBUTE_TYPE_INVALID);
}

static void flag_of_two_bytes(const void *row)
{
    const struct way *w = row;
    CK_BYTE value[2] = { 0, 0 };
    CK_ATTRIBUTE a = { CKA_EXTRACTABLE, value, 2 };

    CHECK_ONE(w->run(&a, 1), CKR_ATTRIBUTE_VALUE_INVALID);
}

static void flag_of_seven(const void *row)
{
    const struct way *w = row;
    CK_BYTE value = 7;
    CK_ATTRIBUTE a = { CKA_DERIVE, &value, 1 };

    CHECK_ONE(w->run(&a, 1), CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCONSISTENT);
}

static void number_of_four_bytes(const void *row)
{
    const struct way *w = row;
    CK_BYTE value[4] = { 0 };
    CK_ATTRIBUTE a = { CKA_CERTIFICATE_TYPE, value, 4 };

    CHECK_ONE(w->run(&a, 1), CKR_ATTRIBUTE_VALUE_INVALID, CKR_ATTRIBUTE_TYPE_INVALID, CKR_TEMPLATE_INCONSISTENT,
              CKR_ATTRIBUTE_READ_ONLY);
}

static void template_too_deep(const void *row)
{
    const struct way *w = row;
    CK_ATTRIBUTE leaf[] = { NO(CKA_EXTRACTABLE) };
    CK_ATTRIBUTE inner[] = { BYTES(CKA_UNWRAP_TEMPLATE, leaf, sizeof leaf) };
    CK_ATTRIBUTE a = BYTES(CKA_UNWRAP_TEMPLATE, inner, sizeof inner);

    CHECK_ONE(w->run(&a, 1), CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCONSISTENT, CKR_ATTRIBUTE_TYPE_INVALID,
              CKR_ARGUMENTS_BAD, CKR_ATTRIBUTE_READ_ONLY);
}

static void template_of_a_part(const void *row)
{
    const struct way *w = row;
    CK_ATTRIBUTE leaf[] = { NO(CKA_EXTRACTABLE) };
    CK_ATTRIBUTE a = BYTES(CKA_UNWRAP_TEMPLATE, leaf, sizeof leaf - 1);

    CHECK_ONE(w->run(&a, 1), CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCONSISTENT, CKR_ATTRIBUTE_TYPE_INVALID,
              CKR_ARGUMENTS_BAD, CKR_ATTRIBUTE_READ_ONLY);
}

static void template_with_null(const void *row)
{
    const struct way *w = row;
    CK_ATTRIBUTE leaf[] = { { CKA_LABEL, NULL, 8 } };
    CK_ATTRIBUTE a = BYTES(CKA_WRAP_TEMPLATE, leaf, sizeof leaf);

    CHECK_ONE(w->run(&a, 1), CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCONSISTENT, CKR_ATTRIBUTE_TYPE_INVALID,
              CKR_ARGUMENTS_BAD, CKR_ATTRIBUTE_READ_ONLY);
}

static const struct hostile {
    const char *name;
    void (*run)(const void *row);
} hostile[] = {
    { "a template as it should be", as_it_should_be },
    { "a count of all ones", count_of_all_ones },
    { "a huge count", huge_count },
    { "a length of all ones", length_of_all_ones },
    { "a huge length", huge_length },
    { "NULL with a length", null_with_length },
    { "the same attribute twice", same_twice },
    { "an unknown attribute", unknown_attribute },
    { "a CK_BBOOL of two bytes", flag_of_two_bytes },
    { "a CK_BBOOL of 7", flag_of_seven },
    { "a CK_ULONG of four bytes", number_of_four_bytes },
    { "templates three deep", template_too_deep },
    { "a template in a template with a broken length", template_of_a_part },
    { "a template in a template with NULL", template_with_null },
};

/* A search is no request to make something: unknown attributes and strange values simply match nothing. */
static bool is_question_alone(const struct hostile *h)
{
    return h->run == unknown_attribute || h->run == flag_of_two_bytes || h->run == flag_of_seven ||
           h->run == number_of_four_bytes || h->run == same_twice || h->run == template_too_deep ||
           h->run == template_of_a_part || h->run == template_with_null;
}

void suite_templates(struct suite *s)
{
    for (size_t k = 0; k < COUNT_OF(hostile); k++)
        for (size_t i = 0; i < COUNT_OF(ways); i++)
            if (ways[i].run != by_find || !is_question_alone(&hostile[k]))
                suite_row(s, LEVEL_USER, hostile[k].run, &ways[i], "%s: %s", ways[i].name, hostile[k].name);
}
