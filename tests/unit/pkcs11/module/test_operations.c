/* The states of operations and the rules for output (PKCS#11 5.2; THREATS.md 5.7), and how often the keystore is asked.
 */
#include "tests/unit/pkcs11/module/module_rig.h"

static CK_MECHANISM ecdsa = { CKM_ECDSA, NULL, 0 }, sha256 = { CKM_SHA256, NULL, 0 };
static CK_BYTE iv[16], data[64] = "x";
static CK_MECHANISM cbc_pad = { CKM_AES_CBC_PAD, iv, sizeof iv };
static CK_SESSION_HANDLE s;

static void begin(void)
{
    s = rig_session();
}

static void a_signature_is_one_round_trip(void)
{
    CK_BYTE sig[64];
    CK_ULONG n = sizeof sig;
    unsigned before, asked;

    begin();
    CU_ASSERT_FATAL(rig.p11->C_SignInit(s, &ecdsa, FAKE_EC_KEY) == CKR_OK);
    CU_ASSERT(rig.p11->C_Sign(s, data, 32, sig, &n) == CKR_OK && n == 64 && sig[63] == 'x');
    before = fake_count(rig.fake, MESSAGE_COMPUTE);
    asked = fake_count(rig.fake, MESSAGE_GET_ATTRIBUTES);
    for (unsigned i = 0; i < 10; i++) {
        n = sizeof sig;
        CU_ASSERT(rig.p11->C_SignInit(s, &ecdsa, FAKE_EC_KEY) == CKR_OK);
        CU_ASSERT(rig.p11->C_Sign(s, data, 32, sig, &n) == CKR_OK);
    }
    CU_ASSERT(fake_count(rig.fake, MESSAGE_COMPUTE) == before + 10);
    CU_ASSERT(fake_count(rig.fake, MESSAGE_GET_ATTRIBUTES) == asked);
    CU_ASSERT(fake_count(rig.fake, MESSAGE_OPERATION_BEGIN) == 0);
    CU_ASSERT(fake_connections(rig.fake) == 1);
    rig_finalize();
}

static void init_checks_the_key(void)
{
    CK_MECHANISM generation = { CKM_EC_KEY_PAIR_GEN, NULL, 0 }, short_iv = { CKM_AES_CBC_PAD, iv, 15 };

    begin();
    CU_ASSERT(rig.p11->C_SignInit(s, &ecdsa, 999) == CKR_KEY_HANDLE_INVALID);
    CU_ASSERT(rig.p11->C_SignInit(s, &ecdsa, 0) == CKR_KEY_HANDLE_INVALID);
    CU_ASSERT(rig.p11->C_SignInit(s, &ecdsa, FAKE_AES_KEY) == CKR_KEY_TYPE_INCONSISTENT);
    CU_ASSERT(rig.p11->C_SignInit(s, &ecdsa, FAKE_EC_PUBLIC) == CKR_KEY_FUNCTION_NOT_PERMITTED);
    CU_ASSERT(rig.p11->C_VerifyInit(s, &ecdsa, FAKE_EC_KEY) == CKR_KEY_FUNCTION_NOT_PERMITTED);
    CU_ASSERT(rig.p11->C_EncryptInit(s, &ecdsa, FAKE_EC_KEY) == CKR_MECHANISM_INVALID);
    CU_ASSERT(rig.p11->C_SignInit(s, &generation, FAKE_EC_KEY) == CKR_MECHANISM_INVALID);
    CU_ASSERT(rig.p11->C_EncryptInit(s, &short_iv, FAKE_AES_KEY) == CKR_MECHANISM_PARAM_INVALID);
    CU_ASSERT(rig.p11->C_SignRecoverInit(s, &ecdsa, FAKE_EC_KEY) == CKR_MECHANISM_INVALID);
    CU_ASSERT(rig.p11->C_SignInit(s, NULL, FAKE_EC_KEY) == CKR_ARGUMENTS_BAD);
    CU_ASSERT(rig.p11->C_SignInit(s, &ecdsa, FAKE_EC_KEY) == CKR_OK);
    CU_ASSERT(rig.p11->C_SignInit(s, &ecdsa, FAKE_EC_KEY) == CKR_OPERATION_ACTIVE);
    CU_ASSERT(rig.p11->C_SignInit(s, NULL, 0) == CKR_OK); /* 3.0: ends it */
    CU_ASSERT(rig.p11->C_SignInit(s, &ecdsa, FAKE_EC_KEY) == CKR_OK);
    CU_ASSERT(rig.p11->C_SessionCancel(s, CKF_SIGN) == CKR_OK);
    CU_ASSERT(rig.p11->C_SignInit(s, &ecdsa, FAKE_EC_KEY) == CKR_OK);
    rig_finalize();
}

static void lengths_are_told_without_the_keystore(void)
{
    CK_BYTE sig[64];
    CK_ULONG n = 0;
    unsigned before;

    begin();
    CU_ASSERT_FATAL(rig.p11->C_SignInit(s, &ecdsa, FAKE_EC_KEY) == CKR_OK);
    before = fake_count(rig.fake, MESSAGE_COMPUTE);
    CU_ASSERT(rig.p11->C_Sign(s, data, 32, NULL, &n) == CKR_OK && n == 64);
    n = 63;
    CU_ASSERT(rig.p11->C_Sign(s, data, 32, sig, &n) == CKR_BUFFER_TOO_SMALL && n == 64);
    CU_ASSERT(fake_count(rig.fake, MESSAGE_COMPUTE) == before);
    CU_ASSERT(rig.p11->C_Sign(s, data, 32, sig, &n) == CKR_OK);
    CU_ASSERT(rig.p11->C_Sign(s, data, 32, sig, &n) == CKR_OPERATION_NOT_INITIALIZED);
    rig_finalize();
}

static void whole_and_parts_do_not_mix(void)
{
    CK_BYTE out[64];
    CK_ULONG n = sizeof out;

    begin();
    CU_ASSERT_FATAL(rig.p11->C_DigestInit(s, &sha256) == CKR_OK);
    CU_ASSERT(rig.p11->C_DigestUpdate(s, data, 10) == CKR_OK);
    CU_ASSERT(rig.p11->C_Digest(s, data, 10, out, &n) == CKR_OPERATION_ACTIVE);
    CU_ASSERT(rig.p11->C_DigestUpdate(s, data, 10) == CKR_OPERATION_NOT_INITIALIZED); /* an error ends it */
    CU_ASSERT_FATAL(rig.p11->C_DigestInit(s, &sha256) == CKR_OK);
    CU_ASSERT(rig.p11->C_Digest(s, data, 10, NULL, &n) == CKR_OK && n == 32);
    CU_ASSERT(rig.p11->C_DigestUpdate(s, data, 10) == CKR_OPERATION_ACTIVE);
    CU_ASSERT(rig.p11->C_DigestFinal(s, out, &n) == CKR_OPERATION_NOT_INITIALIZED);
    CU_ASSERT(fake_count(rig.fake, MESSAGE_OPERATION_CANCEL) > 0); /* the keystore was told */
    rig_finalize();
}

static void missing_pointers_end_an_operation(void)
{
    CK_ULONG n = 64;

    begin();
    CU_ASSERT_FATAL(rig.p11->C_SignInit(s, &ecdsa, FAKE_EC_KEY) == CKR_OK);
    CU_ASSERT(rig.p11->C_Sign(s, NULL, 5, data, &n) == CKR_ARGUMENTS_BAD);
    CU_ASSERT_FATAL(rig.p11->C_SignInit(s, &ecdsa, FAKE_EC_KEY) == CKR_OK);
    CU_ASSERT(rig.p11->C_Sign(s, data, 5, data, NULL) == CKR_ARGUMENTS_BAD);
    CU_ASSERT_FATAL(rig.p11->C_SignInit(s, &ecdsa, FAKE_EC_KEY) == CKR_OK);
    CU_ASSERT(rig.p11->C_SignFinal(s, data, NULL) == CKR_ARGUMENTS_BAD);
    CU_ASSERT_FATAL(rig.p11->C_VerifyInit(s, &ecdsa, FAKE_EC_PUBLIC) == CKR_OK);
    CU_ASSERT(rig.p11->C_Verify(s, data, 5, NULL, 64) == CKR_ARGUMENTS_BAD);
    CU_ASSERT_FATAL(rig.p11->C_VerifyInit(s, &ecdsa, FAKE_EC_PUBLIC) == CKR_OK);
    CU_ASSERT(rig.p11->C_Verify(s, data, 5, data, SIGNATURE_MAX + 1) == CKR_SIGNATURE_LEN_RANGE);
    CU_ASSERT_FATAL(rig.p11->C_VerifyInit(s, &ecdsa, FAKE_EC_PUBLIC) == CKR_OK);
    rig_finalize();
}

static void output_that_does_not_fit_waits(void)
{
    CK_BYTE in[48] = "0123456789abcdef0123456789abcdef0123456789abcde", out[64] = { 0 };
    CK_ULONG n = 20;

    begin();
    CU_ASSERT_FATAL(rig.p11->C_EncryptInit(s, &cbc_pad, FAKE_AES_KEY) == CKR_OK);
    CU_ASSERT(rig.p11->C_EncryptUpdate(s, in, 32, NULL, &n) == CKR_OK && n >= 32);
    n = 20;
    CU_ASSERT(rig.p11->C_EncryptUpdate(s, in, 32, out, &n) == CKR_BUFFER_TOO_SMALL && n == 32);
    CU_ASSERT(out[0] == 0); /* nothing of it is there */
    CU_ASSERT(rig.p11->C_EncryptUpdate(s, in, 32, out, &n) == CKR_OK && n == 32 && memcmp(out, in, 32) == 0);
    CU_ASSERT(fake_count(rig.fake, MESSAGE_OPERATION_UPDATE) > 0);
    n = 15;
    CU_ASSERT(rig.p11->C_EncryptFinal(s, NULL, &n) == CKR_OK && n >= 16);
    n = 15;
    CU_ASSERT(rig.p11->C_EncryptFinal(s, out, &n) == CKR_BUFFER_TOO_SMALL && n == 16);
    CU_ASSERT(rig.p11->C_EncryptUpdate(s, in, 16, out, &n) == CKR_OPERATION_ACTIVE); /* the end has begun */
    CU_ASSERT_FATAL(rig.p11->C_EncryptInit(s, &cbc_pad, FAKE_AES_KEY) == CKR_OK);
    n = 15;
    CU_ASSERT(rig.p11->C_EncryptFinal(s, out, &n) == CKR_BUFFER_TOO_SMALL && n == 16);
    CU_ASSERT(rig.p11->C_EncryptFinal(s, out, &n) == CKR_OK && n == 16 && out[15] == 'f');
    CU_ASSERT(rig.p11->C_EncryptFinal(s, out, &n) == CKR_OPERATION_NOT_INITIALIZED);
    rig_finalize();
}

static void waiting_output_belongs_to_its_input(void)
{
    CK_BYTE out[64];
    CK_ULONG n = 1;

    begin();
    CU_ASSERT_FATAL(rig.p11->C_EncryptInit(s, &cbc_pad, FAKE_AES_KEY) == CKR_OK);
    CU_ASSERT(rig.p11->C_EncryptUpdate(s, data, 32, out, &n) == CKR_BUFFER_TOO_SMALL);
    n = sizeof out;
    CU_ASSERT(rig.p11->C_EncryptUpdate(s, data, 16, out, &n) == CKR_ARGUMENTS_BAD);
    CU_ASSERT(rig.p11->C_EncryptUpdate(s, data, 32, out, &n) == CKR_OPERATION_NOT_INITIALIZED);
    rig_finalize();
}

static void long_data_goes_in_parts(void)
{
    size_t len = 1000 * 1000;
    CK_BYTE *in = malloc(len), *out = malloc(len + 16), digest[32];
    CK_ULONG n = len + 16;

    CU_ASSERT_FATAL(in != NULL && out != NULL);
    memset(in, 7, len);
    begin();
    CU_ASSERT_FATAL(rig.p11->C_DecryptInit(s, &cbc_pad, FAKE_AES_KEY) == CKR_OK);
    CU_ASSERT(rig.p11->C_Decrypt(s, in, len, out, &n) == CKR_OK && n == len + 16);
    CU_ASSERT(memcmp(in, out, len) == 0 && out[len] == 'f');
    CU_ASSERT_FATAL(rig.p11->C_DecryptInit(s, &cbc_pad, FAKE_AES_KEY) == CKR_OK);
    n = len;
    memset(out, 0, len);
    CU_ASSERT(rig.p11->C_Decrypt(s, in, len, out, &n) == CKR_BUFFER_TOO_SMALL && n == len + 16);
    CU_ASSERT(out[0] == 0 && out[len - 1] == 0); /* what had been there already is gone */
    CU_ASSERT(rig.p11->C_Decrypt(s, in, len, out, &n) == CKR_OK && n == len + 16);
    CU_ASSERT_FATAL(rig.p11->C_DigestInit(s, &sha256) == CKR_OK);
    n = 32;
    CU_ASSERT(rig.p11->C_Digest(s, in, len, digest, &n) == CKR_OK && n == 32 && digest[0] == 'd');
    free(in);
    free(out);
    rig_finalize();
}

static void two_operations_fed_by_one_call(void)
{
    CK_BYTE out[64];
    CK_ULONG n = 1;
    unsigned before;

    begin();
    CU_ASSERT(rig.p11->C_EncryptInit(s, &cbc_pad, FAKE_AES_KEY) == CKR_OK);
    CU_ASSERT(rig.p11->C_DigestEncryptUpdate(s, data, 16, out, &n) == CKR_OPERATION_NOT_INITIALIZED);
    CU_ASSERT(rig.p11->C_DigestInit(s, &sha256) == CKR_OK);
    before = fake_count(rig.fake, MESSAGE_OPERATION_UPDATE);
    CU_ASSERT(rig.p11->C_DigestEncryptUpdate(s, data, 16, out, &n) == CKR_BUFFER_TOO_SMALL);
    CU_ASSERT(rig.p11->C_DigestEncryptUpdate(s, data, 16, out, &n) == CKR_OK && n == 16);
    CU_ASSERT(fake_count(rig.fake, MESSAGE_OPERATION_UPDATE) == before + 2); /* each got it once */
    n = sizeof out;
    CU_ASSERT(rig.p11->C_EncryptFinal(s, out, &n) == CKR_OK);
    n = sizeof out;
    CU_ASSERT(rig.p11->C_DigestFinal(s, out, &n) == CKR_OK && n == 32);
    rig_finalize();
}

static void the_signature_may_come_first(void)
{
    begin();
    CU_ASSERT(rig.p11->C_VerifySignatureInit(s, &ecdsa, FAKE_EC_PUBLIC, NULL, 64) == CKR_ARGUMENTS_BAD);
    CU_ASSERT(rig.p11->C_VerifySignatureInit(s, &ecdsa, FAKE_EC_PUBLIC, data, 64) == CKR_OK);
    CU_ASSERT(rig.p11->C_Verify(s, data, 32, data, 64) == CKR_OPERATION_NOT_INITIALIZED);
    CU_ASSERT(rig.p11->C_VerifySignature(s, data, 32) == CKR_OK);
    CU_ASSERT(rig.p11->C_VerifySignatureInit(s, &ecdsa, FAKE_EC_PUBLIC, data, 64) == CKR_OK);
    CU_ASSERT(rig.p11->C_VerifySignatureUpdate(s, data, 32) == CKR_OK);
    CU_ASSERT(rig.p11->C_VerifySignatureFinal(s) == CKR_OK);
    rig_finalize();
}

static void a_search_takes_all_pages(void)
{
    CK_OBJECT_HANDLE found[4];
    CK_ULONG n = 0;

    begin();
    CU_ASSERT(rig.p11->C_FindObjectsInit(s, NULL, 0) == CKR_OK);
    CU_ASSERT(rig.p11->C_FindObjectsInit(s, NULL, 0) == CKR_OPERATION_ACTIVE);
    CU_ASSERT(rig.p11->C_FindObjects(s, found, 1, &n) == CKR_OK && n == 1 && found[0] == FAKE_EC_KEY);
    CU_ASSERT(rig.p11->C_FindObjects(s, found, 4, &n) == CKR_OK && n == 1 && found[0] == FAKE_AES_KEY);
    CU_ASSERT(rig.p11->C_FindObjects(s, found, 4, &n) == CKR_OK && n == 0);
    CU_ASSERT(rig.p11->C_FindObjects(s, found, 4, NULL) == CKR_ARGUMENTS_BAD);
    CU_ASSERT(rig.p11->C_FindObjectsFinal(s) == CKR_OK);
    CU_ASSERT(rig.p11->C_FindObjectsFinal(s) == CKR_OPERATION_NOT_INITIALIZED);
    rig_finalize();
}

static void what_is_known_of_a_key_is_forgotten(void)
{
    CK_BYTE sig[64];
    CK_ULONG n = sizeof sig;
    unsigned asked;

    begin();
    CU_ASSERT(rig.p11->C_SignInit(s, &ecdsa, FAKE_EC_KEY) == CKR_OK);
    fake_fail(rig.fake, FAULT_GONE_KEY, MESSAGE_COMPUTE, 1);
    CU_ASSERT(rig.p11->C_Sign(s, data, 32, sig, &n) == CKR_KEY_HANDLE_INVALID);
    asked = fake_count(rig.fake, MESSAGE_GET_ATTRIBUTES);
    CU_ASSERT(rig.p11->C_SignInit(s, &ecdsa, FAKE_EC_KEY) == CKR_OK);
    CU_ASSERT(fake_count(rig.fake, MESSAGE_GET_ATTRIBUTES) == ++asked);
    CU_ASSERT(rig.p11->C_SignInit(s, NULL, 0) == CKR_OK);
    CU_ASSERT(rig.p11->C_DestroyObject(s, FAKE_EC_KEY) == CKR_OK);
    CU_ASSERT(rig.p11->C_SignInit(s, &ecdsa, FAKE_EC_KEY) == CKR_OK);
    CU_ASSERT(fake_count(rig.fake, MESSAGE_GET_ATTRIBUTES) == ++asked);
    rig_finalize();
}

int main(void)
{
    static CU_TestInfo cases[] = { { "a plain signature is one round trip", a_signature_is_one_round_trip },
                                   { "C_SignInit and kin check mechanism and key", init_checks_the_key },
                                   { "lengths are told without the keystore", lengths_are_told_without_the_keystore },
                                   { "whole operations and parts do not mix", whole_and_parts_do_not_mix },
                                   { "missing pointers end an operation", missing_pointers_end_an_operation },
                                   { "output that does not fit waits", output_that_does_not_fit_waits },
                                   { "waiting output belongs to its input", waiting_output_belongs_to_its_input },
                                   { "long data goes in parts", long_data_goes_in_parts },
                                   { "two operations fed by one call", two_operations_fed_by_one_call },
                                   { "the signature may come first", the_signature_may_come_first },
                                   { "a search takes all pages", a_search_takes_all_pages },
                                   { "what is known of a key is forgotten", what_is_known_of_a_key_is_forgotten },
                                   CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = { { "pkcs11 operations", rig_open, rig_close, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
