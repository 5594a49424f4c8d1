#include "tests/unit/firmware/domain/domain_fixture.h"

#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "tests/unit/harness.h"

static int draws_left = -1;
static struct fixture_holder holders[HOLDERS_MAX];

void draw_fail_after(int n)
{
    draws_left = n;
}

enum status fixture_draw(void *out, size_t len)
{
    if (draws_left == 0)
        return ST_IO;
    if (draws_left > 0)
        draws_left--;
    CU_ASSERT_FATAL(RAND_bytes(out, (int)len) == 1);
    return ST_OK;
}

/* Of primes of 1,024 bits, as far as may be: a long one is then made as fast as one of 2,048 bits. */
EVP_PKEY *fixture_rsa(unsigned bits)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *key = NULL;

    CU_ASSERT_FATAL(ctx != NULL && EVP_PKEY_keygen_init(ctx) == 1 &&
                    EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, (int)bits) == 1 &&
                    EVP_PKEY_CTX_set_rsa_keygen_primes(ctx, bits <= 2048  ? 2
                                                            : bits < 4096 ? 3
                                                                          : 4) == 1 &&
                    EVP_PKEY_generate(ctx, &key) == 1);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

X509 *fixture_certificate(EVP_PKEY *key, const char *name)
{
    X509 *certificate = X509_new();
    X509_NAME *subject = X509_get_subject_name(certificate);

    CU_ASSERT_FATAL(X509_set_version(certificate, X509_VERSION_3) == 1 &&
                    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1 &&
                    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0) ==
                        1 &&
                    X509_set_issuer_name(certificate, subject) == 1 &&
                    X509_gmtime_adj(X509_getm_notBefore(certificate), 0) != NULL &&
                    X509_gmtime_adj(X509_getm_notAfter(certificate), 86400) != NULL &&
                    X509_set_pubkey(certificate, key) == 1 && X509_sign(certificate, key, EVP_sha256()) > 0);
    return certificate;
}

static void make_holder(struct fixture_holder *h, const char *name)
{
    uint8_t *der = NULL;
    int len;

    h->key = fixture_rsa(2048);
    h->certificate = fixture_certificate(h->key, name);
    len = i2d_X509(h->certificate, &der);
    CU_ASSERT_FATAL(len > 0 && bytes_set(&h->der, span_of(der, (size_t)len)) == ST_OK);
    OPENSSL_free(der);
}

struct fixture_holder *fixture_holders(void)
{
    static const char *const names[HOLDERS_MAX] = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j" };

    if (holders[0].key == NULL)
        for (size_t i = 0; i < HOLDERS_MAX; i++)
            make_holder(&holders[i], names[i]);
    return holders;
}

void fixture_free(void)
{
    for (size_t i = 0; i < HOLDERS_MAX; i++) {
        EVP_PKEY_free(holders[i].key);
        X509_free(holders[i].certificate);
        bytes_clear(&holders[i].der);
        holders[i] = (struct fixture_holder){ 0 };
    }
}

struct payload fixture_payload(uint32_t required, size_t count)
{
    struct payload p = { .domain_id = "domain!", .domain_key = "thirty-two bytes of domain key.", .generation = 7 };
    const struct fixture_holder *h = fixture_holders();

    p.required = required;
    p.name = span_text("a domain");
    p.holder_count = count;
    for (size_t i = 0; i < count && i < HOLDERS_MAX; i++)
        p.holders[i] =
            (struct payload_holder){ .name = span_of(&"abcdefghij"[i], 1), .certificate = bytes_span(&h[i].der) };
    return p;
}

bool payload_equal(const struct payload *a, const struct payload *b)
{
    if (memcmp(a->domain_id, b->domain_id, sizeof a->domain_id) != 0 ||
        memcmp(a->domain_key, b->domain_key, sizeof a->domain_key) != 0 || a->generation != b->generation ||
        a->required != b->required || !span_equal(a->name, b->name) || a->holder_count != b->holder_count)
        return false;
    for (size_t i = 0; i < a->holder_count; i++)
        if (!span_equal(a->holders[i].name, b->holders[i].name) ||
            !span_equal(a->holders[i].certificate, b->holders[i].certificate))
            return false;
    return true;
}
