/* Every function, called wrongly. */
#include "tests/unit/pkcs11/module/module_rig.h"

#define WITH_SESSION 100

/* Call number `i` of all functions that take a session, with a good mechanism and no other pointers. */
static CK_RV call(unsigned i, CK_SESSION_HANDLE h)
{
    const CK_FUNCTION_LIST_3_2 *f = rig.p11;

    switch (i) {
    case 0:
        return f->C_CloseSession(h);
    case 1:
        return f->C_GetSessionInfo(h, NULL);
    case 2:
        return f->C_GetOperationState(h, NULL, NULL);
    case 3:
        return f->C_SetOperationState(h, NULL, 0, 0, 0);
    case 4:
        return f->C_Login(h, CKU_USER, NULL, 0);
    case 5:
        return f->C_InitPIN(h, NULL, 0);
    case 6:
        return f->C_SetPIN(h, NULL, 0, NULL, 0);
    case 7:
        return f->C_CreateObject(h, NULL, 0, NULL);
    case 8:
        return f->C_CopyObject(h, 0, NULL, 0, NULL);
    case 9:
        return f->C_GetObjectSize(h, 0, NULL);
    case 10:
        return f->C_GetAttributeValue(h, 0, NULL, 0);
    case 11:
        return f->C_SetAttributeValue(h, 0, NULL, 0);
    case 12:
        return f->C_FindObjectsInit(h, NULL, 1);
    case 13:
        return f->C_EncryptInit(h, NULL, 0);
    case 14:
        return f->C_DecryptInit(h, NULL, 0);
    case 15:
        return f->C_DigestInit(h, NULL);
    case 16:
        return f->C_SignInit(h, NULL, 0);
    case 17:
        return f->C_SignRecoverInit(h, NULL, 0);
    case 18:
        return f->C_VerifyInit(h, NULL, 0);
    case 19:
        return f->C_VerifyRecoverInit(h, NULL, 0);
    case 20:
        return f->C_GenerateKey(h, NULL, NULL, 0, NULL);
    case 21:
        return f->C_GenerateKeyPair(h, NULL, NULL, 0, NULL, 0, NULL, NULL);
    case 22:
        return f->C_WrapKey(h, NULL, 0, 0, NULL, NULL);
    case 23:
        return f->C_UnwrapKey(h, NULL, 0, NULL, 0, NULL, 0, NULL);
    case 24:
        return f->C_DeriveKey(h, NULL, 0, NULL, 0, NULL);
    case 25:
        return f->C_SeedRandom(h, NULL, 0);
    case 26:
        return f->C_GenerateRandom(h, NULL, 1);
    case 27:
        return f->C_EncapsulateKey(h, NULL, 0, NULL, 0, NULL, NULL, NULL);
    case 28:
        return f->C_DecapsulateKey(h, NULL, 0, NULL, 0, NULL, 0, NULL);
    case 29:
        return f->C_VerifySignatureInit(h, NULL, 0, NULL, 0);
    case 30:
        return f->C_GetSessionValidationFlags(h, CKS_LAST_VALIDATION_OK, NULL);
    case 31:
        return f->C_LoginUser(h, CKU_USER, NULL, 0, NULL, 3);
    default:
        return WITH_SESSION;
    }
}

/* What needs an operation that has begun. */
static CK_RV call_operation(unsigned i, CK_SESSION_HANDLE h)
{
    const CK_FUNCTION_LIST_3_2 *f = rig.p11;
    CK_BYTE b[16];
    CK_ULONG n = sizeof b;

    switch (i) {
    case 0:
        return f->C_FindObjects(h, NULL, 0, &n);
    case 1:
        return f->C_FindObjectsFinal(h);
    case 2:
        return f->C_Encrypt(h, b, 16, b, &n);
    case 3:
        return f->C_EncryptUpdate(h, b, 16, b, &n);
    case 4:
        return f->C_EncryptFinal(h, b, &n);
    case 5:
        return f->C_Decrypt(h, b, 16, b, &n);
    case 6:
        return f->C_DecryptUpdate(h, b, 16, b, &n);
    case 7:
        return f->C_DecryptFinal(h, b, &n);
    case 8:
        return f->C_Digest(h, b, 16, b, &n);
    case 9:
        return f->C_DigestUpdate(h, b, 16);
    case 10:
        return f->C_DigestKey(h, 1);
    case 11:
        return f->C_DigestFinal(h, b, &n);
    case 12:
        return f->C_Sign(h, b, 16, b, &n);
    case 13:
        return f->C_SignUpdate(h, b, 16);
    case 14:
        return f->C_SignFinal(h, b, &n);
    case 15:
        return f->C_SignRecover(h, b, 16, b, &n);
    case 16:
        return f->C_Verify(h, b, 16, b, 16);
    case 17:
        return f->C_VerifyUpdate(h, b, 16);
    case 18:
        return f->C_VerifyFinal(h, b, 16);
    case 19:
        return f->C_VerifyRecover(h, b, 16, b, &n);
    case 20:
        return f->C_DigestEncryptUpdate(h, b, 16, b, &n);
    case 21:
        return f->C_DecryptDigestUpdate(h, b, 16, b, &n);
    case 22:
        return f->C_SignEncryptUpdate(h, b, 16, b, &n);
    case 23:
        return f->C_DecryptVerifyUpdate(h, b, 16, b, &n);
    case 24:
        return f->C_VerifySignature(h, b, 16);
    case 25:
        return f->C_VerifySignatureUpdate(h, b, 16);
    case 26:
        return f->C_VerifySignatureFinal(h);
    case 27:
        return f->C_Login(h, CKU_CONTEXT_SPECIFIC, b, 4);
    default:
        return WITH_SESSION;
    }
}

static const struct {
    unsigned number;
    CK_RV rv;
} refused[] = {
    { 0, CKR_FUNCTION_NOT_PARALLEL },        { 1, CKR_FUNCTION_NOT_PARALLEL },
    { 2, CKR_FUNCTION_NOT_SUPPORTED },       { 3, CKR_FUNCTION_NOT_SUPPORTED },
    { 4, CKR_FUNCTION_NOT_SUPPORTED },       { 5, CKR_FUNCTION_NOT_SUPPORTED },
    { 6, CKR_FUNCTION_NOT_SUPPORTED },       { 7, CKR_FUNCTION_NOT_SUPPORTED },
    { 8, CKR_FUNCTION_NOT_SUPPORTED },       { 9, CKR_FUNCTION_NOT_SUPPORTED },
    { 10, CKR_SESSION_ASYNC_NOT_SUPPORTED }, { 11, CKR_SESSION_ASYNC_NOT_SUPPORTED },
    { 12, CKR_SESSION_ASYNC_NOT_SUPPORTED },
};

static CK_RV call_refused(unsigned i, CK_SESSION_HANDLE h)
{
    const CK_FUNCTION_LIST_3_2 *f = rig.p11;

    switch (i) {
    case 0:
        return f->C_GetFunctionStatus(h);
    case 1:
        return f->C_CancelFunction(h);
    case 2:
        return f->C_MessageEncryptInit(h, NULL, 0);
    case 3:
        return f->C_DecryptMessage(h, NULL, 0, NULL, 0, NULL, 0, NULL, NULL);
    case 4:
        return f->C_EncryptMessageNext(h, NULL, 0, NULL, 0, NULL, NULL, 0);
    case 5:
        return f->C_SignMessage(h, NULL, 0, NULL, 0, NULL, NULL);
    case 6:
        return f->C_VerifyMessage(h, NULL, 0, NULL, 0, NULL, 0);
    case 7:
        return f->C_MessageVerifyFinal(h);
    case 8:
        return f->C_WrapKeyAuthenticated(h, NULL, 0, 0, NULL, 0, NULL, NULL);
    case 9:
        return f->C_UnwrapKeyAuthenticated(h, NULL, 0, NULL, 0, NULL, 0, NULL, 0, NULL);
    case 10:
        return f->C_AsyncComplete(h, NULL, NULL);
    case 11:
        return f->C_AsyncGetID(h, NULL, NULL);
    default:
        return f->C_AsyncJoin(h, NULL, 0, NULL, 0);
    }
}

static void before_initialise_nothing_works(void)
{
    CK_SESSION_HANDLE s;
    CK_ULONG n = 0;

    for (unsigned i = 0; call(i, 1) != WITH_SESSION; i++)
        CU_ASSERT(call(i, 1) == CKR_CRYPTOKI_NOT_INITIALIZED);
    for (unsigned i = 0; call_operation(i, 1) != WITH_SESSION; i++)
        CU_ASSERT(call_operation(i, 1) == CKR_CRYPTOKI_NOT_INITIALIZED);
    for (unsigned i = 0; i < ARRAY_LEN(refused); i++)
        CU_ASSERT(call_refused(i, 1) == CKR_CRYPTOKI_NOT_INITIALIZED);
    CU_ASSERT(rig.p11->C_GetInfo(NULL) == CKR_CRYPTOKI_NOT_INITIALIZED);
    CU_ASSERT(rig.p11->C_GetSlotList(1, NULL, &n) == CKR_CRYPTOKI_NOT_INITIALIZED);
    CU_ASSERT(rig.p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &s) == CKR_CRYPTOKI_NOT_INITIALIZED);
    CU_ASSERT(rig.p11->C_CloseAllSessions(0) == CKR_CRYPTOKI_NOT_INITIALIZED);
    CU_ASSERT(rig.p11->C_Logout(1) == CKR_CRYPTOKI_NOT_INITIALIZED);
    CU_ASSERT(rig.p11->C_SessionCancel(1, 0) == CKR_CRYPTOKI_NOT_INITIALIZED);
    CU_ASSERT(rig.p11->C_DestroyObject(1, 1) == CKR_CRYPTOKI_NOT_INITIALIZED);
    CU_ASSERT(rig.p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, &n, NULL) == CKR_CRYPTOKI_NOT_INITIALIZED);
    CU_ASSERT(rig.p11->C_Finalize(NULL) == CKR_CRYPTOKI_NOT_INITIALIZED);
}

static CK_RV no_mutex(void **m)
{
    (void)m;
    return CKR_OK;
}

static CK_RV no_lock(void *m)
{
    (void)m;
    return CKR_OK;
}

static CK_RV initialise(CK_C_INITIALIZE_ARGS args)
{
    CK_RV rv = rig.p11->C_Initialize(&args);

    if (rv == CKR_OK)
        CU_ASSERT(rig.p11->C_Finalize(NULL) == CKR_OK);
    return rv;
}

static void arguments_of_initialise(void)
{
    int something;

    CU_ASSERT(initialise((CK_C_INITIALIZE_ARGS){ .flags = CKF_OS_LOCKING_OK }) == CKR_OK);
    CU_ASSERT(initialise((CK_C_INITIALIZE_ARGS){ .flags = CKF_LIBRARY_CANT_CREATE_OS_THREADS }) == CKR_OK);
    CU_ASSERT(initialise((CK_C_INITIALIZE_ARGS){ .pReserved = &something }) == CKR_ARGUMENTS_BAD);
    CU_ASSERT(initialise((CK_C_INITIALIZE_ARGS){ .CreateMutex = no_mutex }) == CKR_ARGUMENTS_BAD);
    CU_ASSERT(initialise((CK_C_INITIALIZE_ARGS){ no_mutex, no_lock, no_lock, no_lock, 0, NULL }) == CKR_CANT_LOCK);
    CU_ASSERT(initialise((CK_C_INITIALIZE_ARGS){ no_mutex, no_lock, no_lock, no_lock, CKF_OS_LOCKING_OK, NULL }) ==
              CKR_OK);
    CU_ASSERT(rig.p11->C_Initialize(NULL) == CKR_OK);
    CU_ASSERT(rig.p11->C_Initialize(NULL) == CKR_CRYPTOKI_ALREADY_INITIALIZED);
    CU_ASSERT(rig.p11->C_Finalize(&something) == CKR_ARGUMENTS_BAD);
    CU_ASSERT(rig.p11->C_Finalize(NULL) == CKR_OK);
}

static void a_bad_configuration_is_refused(void)
{
    char other[128];

    snprintf(other, sizeof other, "%s/other.conf", scratch_directory());
    rig_write(other, "socket = /s\nno = sense\n", 0600);
    setenv("STRONGROOM_PKCS11_CONF", other, 1);
    CU_ASSERT(rig.p11->C_Initialize(NULL) == CKR_GENERAL_ERROR);
    setenv("STRONGROOM_PKCS11_CONF", rig.conf, 1);
    setenv("STRONGROOM_PKCS11_KEY", "/nowhere", 1);
    CU_ASSERT(rig.p11->C_Initialize(NULL) == CKR_GENERAL_ERROR);
    snprintf(other, sizeof other, "%s/keystore.pem", scratch_directory()); /* a certificate is no key */
    setenv("STRONGROOM_PKCS11_KEY", other, 1);
    CU_ASSERT(rig.p11->C_Initialize(NULL) == CKR_GENERAL_ERROR);
    unsetenv("STRONGROOM_PKCS11_KEY");
    CU_ASSERT(rig.p11->C_Initialize(NULL) == CKR_OK);
    rig_finalize();
}

static void a_key_that_others_may_read_is_refused(void)
{
    struct bytes key = { 0 };
    char path[128], open_path[128];

    snprintf(path, sizeof path, "%s/client.key", scratch_directory());
    snprintf(open_path, sizeof open_path, "%s/open.key", scratch_directory());
    read_file(path, &key);
    setenv("STRONGROOM_PKCS11_KEY", open_path, 1);
    rig_write(open_path, bytes_text(&key), 0640);
    CU_ASSERT(rig.p11->C_Initialize(NULL) == CKR_GENERAL_ERROR);
    rig_write(open_path, bytes_text(&key), 0600);
    CU_ASSERT(rig.p11->C_Initialize(NULL) == CKR_OK);
    CU_ASSERT(rig.p11->C_Finalize(NULL) == CKR_OK);
    unsetenv("STRONGROOM_PKCS11_KEY");
    bytes_clear(&key);
}

static void handles_of_nobody(void)
{
    CK_SESSION_HANDLE s = rig_session(), closed = rig_session();
    CK_SESSION_HANDLE bad[] = { 0, (CK_SESSION_HANDLE)-1, closed, s + 1, s ^ ((CK_SESSION_HANDLE)1 << 40) };

    CU_ASSERT_FATAL(rig.p11->C_CloseSession(closed) == CKR_OK);
    for (unsigned k = 0; k < ARRAY_LEN(bad); k++) {
        for (unsigned i = 0; call(i, 0) != WITH_SESSION; i++)
            CU_ASSERT(call(i, bad[k]) == CKR_SESSION_HANDLE_INVALID);
        for (unsigned i = 0; call_operation(i, 0) != WITH_SESSION; i++)
            CU_ASSERT(call_operation(i, bad[k]) == CKR_SESSION_HANDLE_INVALID);
        for (unsigned i = 0; i < ARRAY_LEN(refused); i++)
            CU_ASSERT(call_refused(i, bad[k]) == CKR_SESSION_HANDLE_INVALID);
    }
    CU_ASSERT(rig.p11->C_GetSlotInfo(1, NULL) == CKR_SLOT_ID_INVALID);
    CU_ASSERT(rig.p11->C_GetTokenInfo((CK_SLOT_ID)-1, NULL) == CKR_SLOT_ID_INVALID);
    rig_finalize();
}

static void pointers_that_are_missing(void)
{
    CK_SESSION_HANDLE s = rig_session();
    CK_UTF8CHAR pin[300] = "1234";

    for (unsigned i = 1; call(i, 0) != WITH_SESSION; i++)
        CU_ASSERT(call(i, s) == CKR_ARGUMENTS_BAD);
    CU_ASSERT(rig.p11->C_GetInfo(NULL) == CKR_ARGUMENTS_BAD);
    CU_ASSERT(rig.p11->C_GetSlotList(0, NULL, NULL) == CKR_ARGUMENTS_BAD);
    CU_ASSERT(rig.p11->C_GetSlotInfo(0, NULL) == CKR_ARGUMENTS_BAD);
    CU_ASSERT(rig.p11->C_GetTokenInfo(0, NULL) == CKR_ARGUMENTS_BAD);
    CU_ASSERT(rig.p11->C_GetMechanismList(0, NULL, NULL) == CKR_ARGUMENTS_BAD);
    CU_ASSERT(rig.p11->C_GetMechanismInfo(0, CKM_ECDSA, NULL) == CKR_ARGUMENTS_BAD);
    CU_ASSERT(rig.p11->C_InitToken(0, NULL, 0, NULL) == CKR_ARGUMENTS_BAD);
    CU_ASSERT(rig.p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, NULL) == CKR_ARGUMENTS_BAD);
    CU_ASSERT(rig.p11->C_OpenSession(0, 0, NULL, NULL, &s) == CKR_SESSION_PARALLEL_NOT_SUPPORTED);
    CU_ASSERT(rig.p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, NULL, NULL) == CKR_ARGUMENTS_BAD);
    CU_ASSERT(rig.p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, &s, NULL) == CKR_NO_EVENT);
    CU_ASSERT(rig.p11->C_WaitForSlotEvent(0, &s, NULL) == CKR_FUNCTION_NOT_SUPPORTED);
    s = rig_session();
    CU_ASSERT(rig.p11->C_Login(s, 9, pin, 4) == CKR_USER_TYPE_INVALID);
    CU_ASSERT(rig.p11->C_Login(s, CKU_USER, pin, 256) == CKR_PIN_LEN_RANGE);
    CU_ASSERT(rig.p11->C_InitPIN(s, pin, (CK_ULONG)-1) == CKR_PIN_LEN_RANGE);
    CU_ASSERT(rig.p11->C_InitToken(0, pin, 4, pin) == CKR_SESSION_EXISTS);
    rig_finalize();
}

static void what_is_not_offered_says_so(void)
{
    CK_SESSION_HANDLE s = rig_session();
    CK_MECHANISM other = { CKM_SHA512, NULL, 0 };
    CK_ULONG n = 0;

    for (unsigned i = 0; i < ARRAY_LEN(refused); i++)
        CU_ASSERT(call_refused(i, s) == refused[i].rv);
    for (unsigned i = 0; call_operation(i, 0) != WITH_SESSION; i++)
        CU_ASSERT(call_operation(i, s) == CKR_OPERATION_NOT_INITIALIZED);
    CU_ASSERT(rig.p11->C_DigestInit(s, &other) == CKR_MECHANISM_INVALID); /* the keystore does not list it */
    CU_ASSERT(rig.p11->C_GetOperationState(s, NULL, &n) == CKR_STATE_UNSAVEABLE);
    rig_finalize();
}

int main(void)
{
    static CU_TestInfo cases[] = { { "before C_Initialize nothing works", before_initialise_nothing_works },
                                   { "arguments of C_Initialize", arguments_of_initialise },
                                   { "a bad configuration is refused", a_bad_configuration_is_refused },
                                   { "a key that others may read is refused", a_key_that_others_may_read_is_refused },
                                   { "handles of nobody, closed and made up", handles_of_nobody },
                                   { "pointers that are missing", pointers_that_are_missing },
                                   { "what is not offered says so", what_is_not_offered_says_so },
                                   CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = { { "pkcs11 arguments", rig_open, rig_close, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
