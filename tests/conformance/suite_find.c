/* PKCS#11 3.0, 5.7.7 to 5.7.9: finding objects. */
#include <string.h>

#include "tests/conformance/keys.h"
#include "tests/conformance/suites.h"

#define MADE 10

static CK_OBJECT_HANDLE made[MADE];

static void make_objects(void)
{
    for (CK_ULONG i = 0; i < MADE; i++)
        REQUIRE_OK(F->C_CreateObject(S,
                                     TEMPLATE(NUMBER(CKA_CLASS, CKO_DATA), TEXT(CKA_APPLICATION, "find"),
                                              BYTES(CKA_LABEL, "abcdefghij", i + 1),
                                              BYTES(CKA_VALUE, "0123456789", 1 + i % 2)),
                                     &made[i]));
}

static void expect(CK_ATTRIBUTE *t, CK_ULONG n, CK_ULONG want)
{
    CK_ULONG count = 0;

    CHECK_OK(client_count(S, t, n, &count));
    CHECK(count == want);
}

static void by_one_attribute(const void *row)
{
    (void)row;
    make_objects();
    expect(TEMPLATE(TEXT(CKA_APPLICATION, "find")), MADE);
}

static void by_many_attributes(const void *row)
{
    (void)row;
    make_objects();
    expect(TEMPLATE(TEXT(CKA_APPLICATION, "find"), TEXT(CKA_VALUE, "0")), MADE / 2);
    expect(TEMPLATE(NUMBER(CKA_CLASS, CKO_DATA), TEXT(CKA_APPLICATION, "find"), TEXT(CKA_LABEL, "abc")), 1);
}

static void whole_values_only(const void *row)
{
    (void)row;
    make_objects();
    expect(TEMPLATE(TEXT(CKA_APPLICATION, "fin")), 0);
    expect(TEMPLATE(TEXT(CKA_APPLICATION, "findx")), 0);
    expect(TEMPLATE(TEXT(CKA_APPLICATION, "find"), TEXT(CKA_LABEL, "")), 0);
}

static void nothing_found(const void *row)
{
    (void)row;
    expect(TEMPLATE(TEXT(CKA_LABEL, "no object has this label")), 0);
    expect(TEMPLATE(NUMBER(CKA_CLASS, 0x7777)), 0);
    expect(TEMPLATE(NUMBER(CKA_KEY_TYPE, CKK_DSA), TEXT(CKA_APPLICATION, "find")), 0);
}

static void by_nothing(const void *row)
{
    CK_ULONG count = 0;

    (void)row;
    make_objects();
    CHECK_OK(client_count(S, NULL, 0, &count));
    CHECK(count >= MADE);
}

static void in_parts(const void *row)
{
    CK_OBJECT_HANDLE found[3];
    CK_ULONG n = 0, total = 0;

    (void)row;
    make_objects();
    REQUIRE_OK(F->C_FindObjectsInit(S, TEMPLATE(TEXT(CKA_APPLICATION, "find"))));
    do {
        REQUIRE_OK(F->C_FindObjects(S, found, 3, &n));
        CHECK(n <= 3);
        total += n;
    } while (n > 0 && total < 100);
    CHECK(total == MADE);
    CHECK_OK(F->C_FindObjects(S, found, 3, &n));
    CHECK(n == 0);
    CHECK_OK(F->C_FindObjectsFinal(S));
}

static void search_is_active(const void *row)
{
    CK_OBJECT_HANDLE found[3];
    CK_ULONG n = 0;

    (void)row;
    REQUIRE_OK(F->C_FindObjectsInit(S, NULL, 0));
    CHECK_RV(F->C_FindObjectsInit(S, NULL, 0), CKR_OPERATION_ACTIVE);
    CHECK_OK(F->C_FindObjectsFinal(S));
    CHECK_RV(F->C_FindObjects(S, found, 3, &n), CKR_OPERATION_NOT_INITIALIZED);
}

static void search_beside_signing(const void *row)
{
    CK_OBJECT_HANDLE key = 0;
    CK_BYTE value[32] = { 1 }, mac[64];
    CK_ULONG len = sizeof mac;

    (void)row;
    REQUIRE_OK(keys_import(S, CKK_GENERIC_SECRET, value, sizeof value, RIGHTS_SIGN, &key));
    REQUIRE_OK(F->C_FindObjectsInit(S, NULL, 0));
    CHECK_OK(keys_sign(S, MECHANISM(CKM_SHA256_HMAC), key, value, 4, mac, &len));
    CHECK_OK(F->C_FindObjectsFinal(S));
}

static void destroyed_while_searching(const void *row)
{
    CK_OBJECT_HANDLE found[MADE];
    CK_ULONG n = 0;

    (void)row;
    make_objects();
    REQUIRE_OK(F->C_FindObjectsInit(S, TEMPLATE(TEXT(CKA_APPLICATION, "find"))));
    for (size_t i = 0; i < MADE; i++)
        REQUIRE_OK(F->C_DestroyObject(S, made[i]));
    CHECK_OK(F->C_FindObjects(S, found, MADE, &n)); /* gone or stale, but no crash */
    CHECK(n <= MADE);
    CHECK_OK(F->C_FindObjectsFinal(S));
}

static void not_by_a_sensitive_value(const void *row)
{
    CK_BYTE value[32] = { 0x42, 1, 2, 3 };
    CK_OBJECT_HANDLE key = 0;

    (void)row;
    REQUIRE_OK(keys_import(S, CKK_AES, value, sizeof value, RIGHTS_ENCRYPT, &key));
    expect(TEMPLATE(BYTES(CKA_VALUE, value, sizeof value)), 0); /* or a guess could be tested */
}

static void by_key_type(const void *row)
{
    CK_OBJECT_HANDLE key = 0;

    (void)row;
    REQUIRE_OK(F->C_GenerateKey(S, MECHANISM(CKM_AES_KEY_GEN),
                                TEMPLATE(NUMBER(CKA_VALUE_LEN, 16), NO(CKA_TOKEN), TEXT(CKA_LABEL, "by type")), &key));
    expect(TEMPLATE(NUMBER(CKA_KEY_TYPE, CKK_AES), TEXT(CKA_LABEL, "by type"), NUMBER(CKA_VALUE_LEN, 16)), 1);
    expect(TEMPLATE(NUMBER(CKA_KEY_TYPE, CKK_RSA), TEXT(CKA_LABEL, "by type")), 0);
}

static void many_results(const void *row)
{
    CK_OBJECT_HANDLE o;
    CK_ULONG count = 0;

    (void)row;
    for (unsigned i = 0; i < 1500; i++)
        REQUIRE_OK(F->C_CreateObject(S, TEMPLATE(NUMBER(CKA_CLASS, CKO_DATA), TEXT(CKA_LABEL, "one of many")), &o));
    CHECK_OK(client_count(S, TEMPLATE(TEXT(CKA_LABEL, "one of many")), &count));
    CHECK(count == 1500);
}

static const struct test_case cases[] = {
    { "by one attribute", LEVEL_USER, by_one_attribute, 0 },
    { "by many attributes", LEVEL_USER, by_many_attributes, 0 },
    { "whole values only", LEVEL_USER, whole_values_only, 0 },
    { "nothing found", LEVEL_USER, nothing_found, 0 },
    { "by nothing at all", LEVEL_USER, by_nothing, 0 },
    { "in parts", LEVEL_USER, in_parts, 0 },
    { "one search at a time", LEVEL_USER, search_is_active, 0 },
    { "a search beside a signature", LEVEL_USER, search_beside_signing, 0 },
    { "objects destroyed while searching", LEVEL_USER, destroyed_while_searching, 0 },
    { "not by a sensitive value", LEVEL_USER, not_by_a_sensitive_value, 0 },
    { "by key type and length", LEVEL_USER, by_key_type, 0 },
    { "1,500 results", LEVEL_USER, many_results, 60 },
};

void suite_find(struct suite *s)
{
    suite_cases(s, cases, COUNT_OF(cases));
}
