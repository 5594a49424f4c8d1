/* Reading what is sensitive: straight, after loosening, by copies, by searching, without the login. */
#include <string.h>

#include "tests/probes/target.h"

static struct outcome read_secret(void)
{
    struct target t;

    TRY(target_make(TARGET_MAC, false, &t));
    return read_value(&t, t.handle);
}

static struct outcome read_extractable(void)
{
    struct target t;

    TRY(target_make(TARGET_MAC, true, &t));
    return read_value(&t, t.handle);
}

static struct outcome read_scalar(void)
{
    struct target t;

    TRY(target_make(TARGET_EC, true, &t));
    return read_value(&t, t.handle);
}

/* Any one of them gives the whole key; a prime is shown to be one by dividing the modulus. */
static struct outcome read_rsa_parts(void)
{
    static const CK_ATTRIBUTE_TYPE types[] = { CKA_PRIVATE_EXPONENT, CKA_EXPONENT_1, CKA_EXPONENT_2,
                                               CKA_COEFFICIENT,      CKA_PRIME_1,    CKA_PRIME_2 };
    CK_BYTE part[1024];
    struct target t;
    CK_RV rv = CKR_OK;

    TRY(target_make(TARGET_RSA, true, &t));
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        CK_ATTRIBUTE a = { types[i], part, sizeof part };

        if ((rv = F->C_GetAttributeValue(S, t.handle, &a, 1)) == CKR_OK)
            return succeeded();
    }
    return refused(rv, "C_GetAttributeValue of each private part");
}

static struct outcome read_among_others(void)
{
    CK_BYTE value[64], label[16];
    CK_ATTRIBUTE a[] = { { CKA_LABEL, label, sizeof label },
                         { CKA_VALUE, value, sizeof value },
                         { CKA_MODULUS, label, 1 } };
    struct target t;
    CK_RV rv;

    memset(value, 0, sizeof value);
    TRY(target_make(TARGET_MAC, false, &t));
    rv = F->C_GetAttributeValue(S, t.handle, a, COUNT_OF(a));
    return target_is(&t, value, TARGET_LEN) ? succeeded() : refused(rv, "C_GetAttributeValue of many");
}

static struct outcome drop_sensitive(void)
{
    struct target t;

    TRY(target_make(TARGET_MAC, true, &t));
    TRY(F->C_SetAttributeValue(S, t.handle, TEMPLATE(NO(CKA_SENSITIVE))));
    return read_value(&t, t.handle);
}

static struct outcome raise_extractable(void)
{
    static const CK_BYTE known[32] = { 0x42 };
    CK_OBJECT_HANDLE kek = 0;
    struct target t;

    TRY(target_make(TARGET_MAC, false, &t));
    TRY(keys_import(S, CKK_AES, known, sizeof known, RIGHTS_WRAP, &kek));
    TRY(F->C_SetAttributeValue(S, t.handle, TEMPLATE(YES(CKA_EXTRACTABLE))));
    return leave_under_known(&t, kek, known, sizeof known);
}

static struct outcome copy_without_sensitive(void)
{
    CK_OBJECT_HANDLE copy = 0;
    struct target t;

    TRY(target_make(TARGET_MAC, true, &t));
    TRY(F->C_CopyObject(S, t.handle, TEMPLATE(NO(CKA_SENSITIVE)), &copy));
    return read_value(&t, copy);
}

static struct outcome copy_extractable(void)
{
    static const CK_BYTE known[32] = { 0x43 };
    struct target t, copy;
    CK_OBJECT_HANDLE kek = 0;

    TRY(target_make(TARGET_MAC, false, &t));
    TRY(keys_import(S, CKK_AES, known, sizeof known, RIGHTS_WRAP, &kek));
    copy = t;
    TRY(F->C_CopyObject(S, t.handle, TEMPLATE(YES(CKA_EXTRACTABLE)), &copy.handle));
    return leave_under_known(&copy, kek, known, sizeof known);
}

static struct outcome copy_to_another_type(void)
{
    CK_OBJECT_HANDLE copy = 0;
    struct target t;

    TRY(target_make(TARGET_MAC, true, &t));
    TRY(F->C_CopyObject(S, t.handle, TEMPLATE(NUMBER(CKA_CLASS, CKO_DATA), NO(CKA_SENSITIVE)), &copy));
    return read_value(&t, copy);
}

/* A search by value that finds the key confirms a guess, and guesses of short keys are few. */
static struct outcome search_by_value(void)
{
    CK_BYTE value[16] = { 0x11, 0x22 };
    CK_OBJECT_HANDLE key = 0;
    CK_ULONG right = 0, wrong = 0;

    TRY(keys_import(S, CKK_GENERIC_SECRET, value, sizeof value, RIGHTS_SIGN, &key));
    TRY(client_count(S, TEMPLATE(BYTES(CKA_VALUE, value, sizeof value)), &right));
    value[15] ^= 1;
    TRY(client_count(S, TEMPLATE(BYTES(CKA_VALUE, value, sizeof value)), &wrong));
    return right == 1 && wrong == 0 ? succeeded() : in_vain("the search does not tell");
}

/* After the login is gone the key must be, too. */
static struct outcome signs_after(CK_OBJECT_HANDLE key)
{
    CK_BYTE mac[64];
    CK_ULONG len = sizeof mac;

    TRY(keys_sign(S, MECHANISM(CKM_SHA256_HMAC), key, "x", 1, mac, &len));
    return succeeded();
}

static struct outcome copy_to_public(void)
{
    CK_OBJECT_HANDLE copy = 0;
    struct target t;

    TRY(target_make(TARGET_MAC, false, &t));
    TRY(F->C_CopyObject(S, t.handle, TEMPLATE(NO(CKA_PRIVATE)), &copy));
    TRY(F->C_Logout(S));
    return signs_after(copy);
}

static struct outcome set_to_public(void)
{
    struct target t;

    TRY(target_make(TARGET_MAC, false, &t));
    TRY(F->C_SetAttributeValue(S, t.handle, TEMPLATE(NO(CKA_PRIVATE))));
    TRY(F->C_Logout(S));
    return signs_after(t.handle);
}

static struct outcome use_after_logout(void)
{
    struct target t;

    TRY(target_make(TARGET_MAC, false, &t));
    TRY(F->C_Logout(S));
    return signs_after(t.handle);
}

static struct outcome operation_after_logout(void)
{
    CK_BYTE mac[64];
    CK_ULONG len = sizeof mac;
    struct target t;

    TRY(target_make(TARGET_MAC, false, &t));
    TRY(F->C_SignInit(S, MECHANISM(CKM_SHA256_HMAC), t.handle));
    TRY(F->C_Logout(S));
    TRY(F->C_Sign(S, (CK_BYTE *)(uintptr_t) "x", 1, mac, &len));
    return succeeded();
}

static struct outcome private_before_login(void)
{
    CK_OBJECT_HANDLE key = 0, found = 0;
    CK_ATTRIBUTE id[] = { TEXT(CKA_ID, "probe-private") };
    CK_ULONG n = 0;

    TRY(F->C_GenerateKey(
        S, MECHANISM(CKM_GENERIC_SECRET_KEY_GEN),
        TEMPLATE(NUMBER(CKA_VALUE_LEN, 32), YES(CKA_TOKEN), YES(CKA_PRIVATE), YES(CKA_SENSITIVE), YES(CKA_SIGN), id[0]),
        &key));
    if (!client_reach(LEVEL_PUBLIC, true))
        return in_vain("no session");
    TRY(F->C_FindObjectsInit(S, id, 1));
    TRY(F->C_FindObjects(S, &found, 1, &n));
    F->C_FindObjectsFinal(S);
    return signs_after(n == 1 ? found : key);
}

static struct outcome private_as_so(void)
{
    CK_OBJECT_HANDLE key = 0, found = 0;
    CK_ATTRIBUTE id[] = { TEXT(CKA_ID, "probe-so") };
    CK_ULONG n = 0;

    TRY(F->C_GenerateKey(
        S, MECHANISM(CKM_GENERIC_SECRET_KEY_GEN),
        TEMPLATE(NUMBER(CKA_VALUE_LEN, 32), YES(CKA_TOKEN), YES(CKA_PRIVATE), YES(CKA_SENSITIVE), YES(CKA_SIGN), id[0]),
        &key));
    if (!client_reach(LEVEL_PUBLIC, true))
        return in_vain("no session");
    TRY(F->C_Login(S, CKU_SO, client.so_pin, client.so_pin_len));
    TRY(F->C_FindObjectsInit(S, id, 1));
    TRY(F->C_FindObjects(S, &found, 1, &n));
    F->C_FindObjectsFinal(S);
    return signs_after(n == 1 ? found : key);
}

/* The state of an HMAC operation is as good as its key. */
static struct outcome operation_state(void)
{
    CK_BYTE value[32], state[4096];
    CK_OBJECT_HANDLE key = 0;
    CK_ULONG len = sizeof state;

    memset(value, 0xc5, sizeof value);
    TRY(keys_import(S, CKK_GENERIC_SECRET, value, sizeof value, RIGHTS_SIGN, &key));
    TRY(F->C_SignInit(S, MECHANISM(CKM_SHA256_HMAC), key));
    TRY(F->C_SignUpdate(S, value, 1));
    TRY(F->C_GetOperationState(S, state, &len));
    return succeeded();
}

const struct probe probes_read[] = {
    { "read the value of a sensitive key", read_secret },
    { "read the value of a sensitive key that may leave", read_extractable },
    { "read the scalar of an EC key", read_scalar },
    { "read each private part of an RSA key", read_rsa_parts },
    { "read a value in one call with attributes that fail", read_among_others },
    { "set SENSITIVE to false, read", drop_sensitive },
    { "set EXTRACTABLE to true, wrap", raise_extractable },
    { "copy with SENSITIVE false, read", copy_without_sensitive },
    { "copy with EXTRACTABLE true, wrap", copy_extractable },
    { "copy a key as a data object, read", copy_to_another_type },
    { "confirm a guess of a value by searching for it", search_by_value },
    { "copy a private key as a public object, use it without login", copy_to_public },
    { "set PRIVATE to false, use without login", set_to_public },
    { "use a private key's handle after logout", use_after_logout },
    { "end an operation after logout", operation_after_logout },
    { "find and use a private key without login", private_before_login },
    { "find and use the user's private key as the SO", private_as_so },
    { "take the key out of an operation's saved state", operation_state },
};
const size_t probes_read_count = COUNT_OF(probes_read);
