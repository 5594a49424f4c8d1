/* provisioning/attest/device_file.c: what a factory is shown of a device. */
#include "provisioning/attest/device_file.h"

#include <openssl/evp.h>
#include <unistd.h>

#include "provisioning/cli/private_file.h"
#include "provisioning/link/pem.h"
#include "provisioning/link/self_signed.h"
#include "tests/unit/harness.h"
#include "tests/unit/provisioning/attest/statement.h"
#include "tests/unit/provisioning/ceremony.h"
#include "tests/unit/provisioning/session.h"

static uint8_t key[128]; /* SubjectPublicKeyInfo */
static size_t key_len;

static void take_key(EVP_PKEY *of)
{
    uint8_t *p = key;
    int len = i2d_PUBKEY(of, NULL);

    INVARIANT(len > 0 && (size_t)len <= sizeof key && i2d_PUBKEY(of, &p) == len);
    key_len = (size_t)len;
}

static int make_key(void)
{
    EVP_PKEY *of = EVP_EC_gen("P-256");

    take_key(of);
    EVP_PKEY_free(of);
    return 0;
}

static const char *write_device(bool quote)
{
    const char *path = ceremony_path("device");
    Ks__DeviceIdentity identity = KS__DEVICE_IDENTITY__INIT;

    unlink(path);
    identity.certificate = statement_certificate_der();
    if (quote)
        identity.quote_key = (ProtobufCBinaryData){ key_len, key };
    CU_ASSERT_EQUAL_FATAL(device_file_write(ceremony_invocation(), path, &identity), EXIT_DONE);
    return path;
}

static const char *write_text(struct span text)
{
    const char *path = ceremony_path("text");

    unlink(path);
    CU_ASSERT_EQUAL_FATAL(file_create(path, 0600, text), ST_OK);
    return path;
}

static const char *write_certificate(X509 *x)
{
    struct bytes pem = { 0 };
    const char *path;

    pem_append_certificate(&pem, x);
    path = write_text(bytes_span(&pem));
    bytes_clear(&pem);
    return path;
}

static void accept(const char *path, struct span quote_key)
{
    struct device_file d;

    CU_ASSERT_EQUAL_FATAL(device_file_read(ceremony_invocation(), path, &d), EXIT_DONE);
    CU_ASSERT_EQUAL(X509_cmp(d.certificate, statement_certificate()), 0);
    CU_ASSERT(span_equal(bytes_span(&d.quote_key), quote_key));
    device_file_clear(&d);
}

static void refuse(const char *path, const char *why)
{
    struct device_file d;

    CU_ASSERT_EQUAL(device_file_read(ceremony_invocation(), path, &d), EXIT_REFUSED);
    if (!says(ceremony_refusal(), why)) {
        printf("\n  \"%s\" is wanted; said was: %s", why, ceremony_refusal());
        CU_FAIL("refused for another reason");
    }
    device_file_clear(&d);
}

static void both_ways(void)
{
    accept(write_device(true), span_of(key, key_len));
    accept(write_device(false), span_of(NULL, 0));
    accept(write_certificate(statement_certificate()), span_of(NULL, 0));
}

static void edited(void)
{
    static const char *const edits[][2] = {
        { "\"version\":1", "\"version\":2" },
        { "\"version\":1,", "" },
        { "\"version\":1", "\"version\":1,\"board\":\"sim\"" },
        { "\"version\":1", "\"version\":1,\"version\":1" },
        { "\"certificate\":", "\"certificates\":" },
        { "\"certificate\":\"", "\"certificate\":\"x" },
        { "\"quoteKey\":\"", "\"quoteKey\":\"=" },
        { "\"quoteKey\":\"", "\"quoteKey\":1,\"old\":\"" },
        { "\"quoteKey\":", "\"quotekey\":" },
        { "{", "[{" },
    };

    for (size_t i = 0; i < ARRAY_LEN(edits); i++) {
        const char *path = write_device(true);

        CU_ASSERT_FATAL(ceremony_edit(path, edits[i][0], edits[i][1]));
        refuse(path, "neither a device's file nor its certificate");
    }
    refuse(write_text(span_text("")), "the file is empty");
    refuse(ceremony_path("none"), ceremony_path("none"));
}

/* Certificates that are some, and no device's. */
static void other_keys(void)
{
    EVP_PKEY *rsa = EVP_RSA_gen(2048), *p384 = EVP_EC_gen("P-384"), *p256 = EVP_EC_gen("P-256");
    X509 *of_rsa = self_signed(rsa, "a device", "99991231235959Z"),
         *of_p384 = self_signed(p384, "a device", "99991231235959Z");
    X509 *by_another = X509_dup(statement_certificate());

    CU_ASSERT_FATAL(of_rsa != NULL && of_p384 != NULL && by_another != NULL);
    CU_ASSERT_FATAL(X509_sign(by_another, p256, EVP_sha256()) > 0);
    refuse(write_certificate(of_rsa), "not the self-signed certificate of a keystore");
    refuse(write_certificate(of_p384), "not the self-signed certificate of a keystore");
    refuse(write_certificate(by_another), "not the self-signed certificate of a keystore");
    X509_free(of_rsa);
    X509_free(of_p384);
    X509_free(by_another);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(p384);
    EVP_PKEY_free(p256);
}

static void other_quote_keys(void)
{
    static const char wanted[] = "no P-256 key of a TPM";
    EVP_PKEY *p384 = EVP_EC_gen("P-384");

    key_len--;
    refuse(write_device(true), wanted);
    key_len += 2; /* a zero byte behind it */
    refuse(write_device(true), wanted);
    take_key(p384);
    refuse(write_device(true), wanted);
    take_key(X509_get0_pubkey(statement_certificate())); /* the device's own is no second word */
    refuse(write_device(true), wanted);
    EVP_PKEY_free(p384);
}

int main(void)
{
    CU_TestInfo tests[] = {
        { "what was written is read, and the certificate alone", both_ways },
        { "every other form is refused", edited },
        { "keys of another kind, and those that somebody else signed", other_keys },
        { "a quote key is a TPM's", other_quote_keys },
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = { { "device files", make_key, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
