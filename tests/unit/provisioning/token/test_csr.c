/* provisioning/token/csr.c */
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "provisioning/token/csr.h"
#include "tests/unit/harness.h"

static void good_names(void)
{
    char label[300];

    CU_ASSERT(csr_name_valid("localhost"));
    CU_ASSERT(csr_name_valid("vault.example.org"));
    CU_ASSERT(csr_name_valid("*.vault.localhost"));
    CU_ASSERT(csr_name_valid("A-1.b2"));
    memset(label, 'a', 63);
    memcpy(label + 63, ".org", 5);
    CU_ASSERT(csr_name_valid(label));
}

static void bad_names(void)
{
    static const char *const bad[] = {
        "",       ".",    "a.",   ".a",  "a..b", "*",       "*.",   "*.localhost",     "a.*.b.c",
        "*a.b.c", "-a.b", "a-.b", "a b", "a_b",  "a,DNS:b", "a\nb", "caf\xc3\xa9.org", "*.*.b.c"
    };
    char longest[300];

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CU_ASSERT_FALSE(csr_name_valid(bad[i]));
    memset(longest, 'a', 64); /* a label of 64 */
    memcpy(longest + 64, ".org", 5);
    CU_ASSERT_FALSE(csr_name_valid(longest));
    for (size_t i = 0; i < 254; i++) /* 254 bytes of good labels */
        longest[i] = i % 2 == 0 ? 'a' : '.';
    longest[253] = 'a';
    longest[254] = '\0';
    CU_ASSERT_FALSE(csr_name_valid(longest));
}

static X509_REQ *parse(const struct bytes *pem)
{
    BIO *memory = BIO_new_mem_buf(pem->p, (int)pem->len);
    X509_REQ *request = PEM_read_bio_X509_REQ(memory, NULL, NULL, NULL);

    BIO_free(memory);
    CU_ASSERT_PTR_NOT_NULL_FATAL(request);
    return request;
}

static void check_names(X509_REQ *request, const char *const *names, size_t count)
{
    STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(request);
    GENERAL_NAMES *found = X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL);

    CU_ASSERT_PTR_NOT_NULL_FATAL(found);
    CU_ASSERT_EQUAL((size_t)sk_GENERAL_NAME_num(found), count);
    for (size_t i = 0; i < count; i++) {
        int kind;
        ASN1_IA5STRING *text = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(found, (int)i), &kind);

        CU_ASSERT_EQUAL(kind, GEN_DNS);
        CU_ASSERT(span_is(span_of(ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text)), names[i]));
    }
    GENERAL_NAMES_free(found);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
}

static void request_is_whole(void)
{
    static const char *const names[] = { "vault.localhost", "*.vault.localhost" };
    EVP_PKEY *key = EVP_EC_gen("P-256");
    struct bytes pem = { 0 };
    char common_name[64];
    X509_REQ *request;

    CU_ASSERT_EQUAL_FATAL(csr_make(key, key, names, 2, &pem), ST_OK);
    request = parse(&pem);
    CU_ASSERT_EQUAL(X509_REQ_verify(request, key), 1);
    CU_ASSERT_EQUAL(X509_REQ_get_version(request), 0);
    CU_ASSERT(X509_NAME_get_text_by_NID(X509_REQ_get_subject_name(request), NID_commonName, common_name,
                                        sizeof common_name) > 0);
    CU_ASSERT_STRING_EQUAL(common_name, "vault.localhost");
    check_names(request, names, 2);
    X509_REQ_free(request);
    bytes_clear(&pem);
    EVP_PKEY_free(key);
}

static void long_name_is_no_common_name(void)
{
    char name[80];
    const char *names[] = { name };
    EVP_PKEY *key = EVP_EC_gen("P-256");
    struct bytes pem = { 0 };
    X509_REQ *request;

    memset(name, 'a', 60);
    memcpy(name + 60, ".example", 9);
    CU_ASSERT_EQUAL_FATAL(csr_make(key, key, names, 1, &pem), ST_OK);
    request = parse(&pem);
    CU_ASSERT_EQUAL(X509_NAME_entry_count(X509_REQ_get_subject_name(request)), 0);
    check_names(request, names, 1);
    X509_REQ_free(request);
    bytes_clear(&pem);
    EVP_PKEY_free(key);
}

static void refusals(void)
{
    static const char *const bad[] = { "good.org", "bad name" };
    const char *many[CSR_NAMES_MAX + 1];
    EVP_PKEY *key = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256");
    struct bytes pem = { 0 };

    for (size_t i = 0; i < ARRAY_LEN(many); i++)
        many[i] = "a.b";
    CU_ASSERT_EQUAL(csr_make(key, key, bad, 2, &pem), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(csr_make(key, key, bad, 0, &pem), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(csr_make(key, key, many, ARRAY_LEN(many), &pem), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(csr_make(key, other, bad, 1, &pem), ST_UNAVAILABLE);
    CU_ASSERT_EQUAL(pem.len, 0);
    bytes_clear(&pem);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
}

int main(void)
{
    static CU_TestInfo cases[] = {
        { "DNS names and wildcards with two labels behind them are good", good_names },
        { "other texts are not", bad_names },
        { "a request has the names, the first as common name, and verifies", request_is_whole },
        { "a first name above 64 bytes stands in subjectAltName alone", long_name_is_no_common_name },
        { "no names, too many, a bad one, another public key: refused", refusals },
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = { { "csr", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
