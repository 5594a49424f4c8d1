#include <dlfcn.h>

#include "firmware/wire/body.h"
#include "tests/unit/pkcs11/module/module_rig.h"

static CK_STRONGROOM_ATTESTATION_FUNCTION_LIST *attestation;
static CK_BYTE nonce[STRONGROOM_NONCE_MAX + 1] = "a nonce that was drawn by nobody", out[STRONGROOM_ATTESTATION_MAX];

static int open_interface(void)
{
    CK_RV (*get)(CK_UTF8CHAR_PTR, CK_VERSION_PTR, CK_INTERFACE_PTR_PTR, CK_FLAGS);
    CK_INTERFACE_PTR i = NULL;

    if (rig_open() != 0)
        return 1;
    *(void **)&get = dlsym(rig.library, "C_GetInterface");
    if (get((CK_UTF8CHAR_PTR)STRONGROOM_ATTESTATION_INTERFACE, NULL, &i, 0) != CKR_OK)
        return 1;
    attestation = i->pFunctionList;
    return attestation->version.major != 1;
}

static CK_RV ask(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, CK_ULONG nonce_len, CK_BYTE_PTR to, CK_ULONG_PTR len)
{
    return attestation->C_StrongroomAttest(session, key, nonce, nonce_len, to, len);
}

static void the_answer_is_the_keystores(void)
{
    CK_SESSION_HANDLE session = rig_session();
    CK_ULONG len = sizeof out;
    Ks__SignedStatement *s;

    CU_ASSERT_FATAL(ask(session, 7, 32, out, &len) == CKR_OK);
    CU_ASSERT_FATAL((s = ks__signed_statement__unpack(NULL, len, out)) != NULL);
    CU_ASSERT(s->statement.len == 32 && memcmp(s->statement.data, nonce, 32) == 0);
    CU_ASSERT(s->signature.len == 2 && s->signature.data[1] == 7);
    ks__signed_statement__free_unpacked(s, NULL);
    rig_finalize();
}

static void lengths_are_told(void)
{
    CK_SESSION_HANDLE session = rig_session();
    CK_ULONG needed = 0, len = 3;

    CU_ASSERT(ask(session, 7, 32, NULL, &needed) == CKR_OK && needed > 34);
    memset(out, 0x5a, sizeof out);
    CU_ASSERT(ask(session, 7, 32, out, &len) == CKR_BUFFER_TOO_SMALL && len == needed);
    CU_ASSERT(out[0] == 0x5a && out[3] == 0x5a);
    CU_ASSERT(ask(session, 7, 32, out, &len) == CKR_OK && len <= needed);
    CU_ASSERT(out[len] == 0x5a);
    rig_finalize();
}

static void arguments_are_checked(void)
{
    CK_ULONG len = sizeof out;
    CK_SESSION_HANDLE session;

    CU_ASSERT(ask(1, 7, 32, out, &len) == CKR_CRYPTOKI_NOT_INITIALIZED);
    session = rig_session();
    CU_ASSERT(ask(session + 1, 7, 32, out, &len) == CKR_SESSION_HANDLE_INVALID);
    CU_ASSERT(ask(session, 7, STRONGROOM_NONCE_MIN - 1, out, &len) == CKR_ARGUMENTS_BAD);
    CU_ASSERT(ask(session, 7, STRONGROOM_NONCE_MAX + 1, out, &len) == CKR_ARGUMENTS_BAD);
    CU_ASSERT(ask(session, 7, (CK_ULONG)-1, out, &len) == CKR_ARGUMENTS_BAD);
    CU_ASSERT(ask(session, 7, 32, out, NULL) == CKR_ARGUMENTS_BAD);
    CU_ASSERT(attestation->C_StrongroomAttest(session, 7, NULL, 32, out, &len) == CKR_ARGUMENTS_BAD);
    CU_ASSERT(ask(session, CK_INVALID_HANDLE, 32, out, &len) == CKR_KEY_HANDLE_INVALID);
    CU_ASSERT(ask(session, 7, STRONGROOM_NONCE_MIN, out, &len) == CKR_OK);
    rig_finalize();
}

static void a_keystore_that_is_gone_is_said_so(void)
{
    CK_SESSION_HANDLE session = rig_session();
    CK_ULONG len = sizeof out;

    rig_kill();
    CU_ASSERT(ask(session, 7, 32, out, &len) == CKR_DEVICE_REMOVED);
    rig_revive();
    rig_finalize();
}

int main(void)
{
    static CU_TestInfo cases[] = { { "the answer is the keystore's", the_answer_is_the_keystores },
                                   { "lengths are told, and nothing is written beyond", lengths_are_told },
                                   { "arguments are checked", arguments_are_checked },
                                   { "a keystore that is gone is said so", a_keystore_that_is_gone_is_said_so },
                                   CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = { { "pkcs11 attestation", open_interface, rig_close, NULL, NULL, cases },
                              CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
