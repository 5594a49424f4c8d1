/* provisioning/link/pem.c: certificates of a text that is to be trusted, and nothing beside them. */
#include "provisioning/link/pem.h"

#include "provisioning/link/self_signed.h"
#include "tests/unit/harness.h"

#define BEGIN "-----BEGIN CERTIFICATE-----\n"
#define END   "-----END CERTIFICATE-----\n"

static X509 *certificate;

/* Begin line, what stands behind it, the certificate with `more` bytes, and the text behind. */
static void make(const char *head, const char *inside, size_t more, const char *tail, struct bytes *out)
{
    uint8_t der[2048] = { 0 }, *p = der, text[4096];
    int len = i2d_X509(certificate, &p) + (int)more;

    bytes_reset(out);
    bytes_append_text(out, head);
    bytes_append_text(out, BEGIN);
    bytes_append_text(out, inside);
    bytes_append(out, text, (size_t)EVP_EncodeBlock(text, der, len));
    bytes_append_text(out, "\n" END);
    bytes_append_text(out, tail);
}

static enum status read_all(const struct bytes *text, unsigned *count)
{
    X509 *out[2] = { NULL, NULL };
    enum status st = pem_certificates(bytes_span(text), 2, out, count);

    for (unsigned i = 0; i < 2; i++)
        X509_free(out[i]);
    return st;
}

static const struct {
    const char *what, *head, *inside;
    size_t more;
    const char *tail;
    enum status expected;
} texts[] = {
    { "as it is", "", "", 0, "", ST_OK },
    { "white space around it", " \n\t", "", 0, "\r\n \n", ST_OK },
    { "a text in front", "Subject: me\n", "", 0, "", ST_BAD_REQUEST },
    { "a text behind", "", "", 0, "x", ST_BAD_REQUEST },
    { "another begin line", BEGIN, "", 0, "", ST_BAD_REQUEST },
    { "a header", "", "Comment: mine\n\n", 0, "", ST_BAD_REQUEST },
    { "a header that asks for a passphrase", "",
      "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n", 0, "", ST_BAD_REQUEST },
    { "a byte behind the certificate", "", "", 1, "", ST_BAD_REQUEST },
};

static void nothing_beside_them(void)
{
    struct bytes text = { 0 };
    unsigned count;

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        make(texts[i].head, texts[i].inside, texts[i].more, texts[i].tail, &text);
        if (read_all(&text, &count) != texts[i].expected || count != (texts[i].expected == ST_OK))
            CU_FAIL_FATAL(texts[i].what);
    }
    bytes_clear(&text);
}

static void no_more_than_there_is_room_for(void)
{
    struct bytes text = { 0 };
    unsigned count;

    for (unsigned i = 0; i < 2; i++)
        pem_append_certificate(&text, certificate);
    CU_ASSERT(read_all(&text, &count) == ST_OK && count == 2);
    pem_append_certificate(&text, certificate);
    CU_ASSERT(read_all(&text, &count) == ST_TOO_LARGE && count == 0);
    bytes_reset(&text);
    CU_ASSERT(read_all(&text, &count) == ST_BAD_REQUEST && count == 0);
    bytes_clear(&text);
}

int main(void)
{
    static CU_TestInfo cases[] = {
        { "nothing stands beside them", nothing_beside_them },
        { "there are no more than there is room for", no_more_than_there_is_room_for },
        CU_TEST_INFO_NULL,
    };
    static CU_SuiteInfo suites[] = { { "certificates in PEM", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };
    EVP_PKEY *key = EVP_EC_gen("P-256");
    int code;

    INVARIANT((certificate = self_signed(key, "a test's", "20491231235959Z")) != NULL);
    code = run_suites(suites);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return code;
}
