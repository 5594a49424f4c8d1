#include "provisioning/pem_file.h"

#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>

#include "provisioning/private_file.h"
#include "provisioning/prompt.h"

#define PEM_MAX           (64u * 1024)
#define PBKDF2_ITERATIONS 600000 /* of SHA-256: half a second for who types the passphrase */

/* --- reading --- */

static int read_text(const struct invocation *in, const char *path, struct bytes *text, BIO **out)
{
    enum status st = file_read(path, PEM_MAX, text);

    if (st == ST_OK && (*out = BIO_new_mem_buf(text->p, (int)text->len)) == NULL)
        st = ST_NO_MEMORY;
    return st == ST_OK ? EXIT_DONE : command_refuse(in, "%s: %s", path, status_name(st));
}

int pem_certificate_read(const struct invocation *in, const char *path, X509 **out)
{
    struct bytes text = { 0 };
    BIO *memory = NULL;
    int code;

    *out = NULL;
    if ((code = read_text(in, path, &text, &memory)) == EXIT_DONE &&
        (*out = PEM_read_bio_X509(memory, NULL, NULL, NULL)) == NULL)
        code = command_refuse(in, "%s: no certificate in PEM", path);
    BIO_free(memory);
    bytes_clear(&text);
    return code;
}

static EVP_PKEY *public_key_of(BIO *memory)
{
    EVP_PKEY *key = PEM_read_bio_PUBKEY(memory, NULL, NULL, NULL);
    X509 *x;

    if (key == NULL && BIO_reset(memory) == 1 && (x = PEM_read_bio_X509(memory, NULL, NULL, NULL)) != NULL) {
        key = X509_get_pubkey(x);
        X509_free(x);
    }
    return key;
}

int pem_public_key_read(const struct invocation *in, const char *path, struct bytes *out)
{
    struct bytes text = { 0 };
    EVP_PKEY *key = NULL;
    BIO *memory = NULL;
    uint8_t *der = NULL;
    int code, len;

    if ((code = read_text(in, path, &text, &memory)) == EXIT_DONE) {
        if ((key = public_key_of(memory)) == NULL || (len = i2d_PUBKEY(key, &der)) <= 0 ||
            bytes_set(out, span_of(der, (size_t)len)) != ST_OK)
            code = command_refuse(in, "%s: no public key in PEM", path);
    }
    OPENSSL_free(der);
    EVP_PKEY_free(key);
    BIO_free(memory);
    bytes_clear(&text);
    return code;
}

struct asking {
    const struct invocation *in;
    const char *path;
    int code; /* of the last question */
};

/* OpenSSL asks for it here, in a buffer that it wipes. */
static int passphrase_for(char *buffer, int size, int writing, void *with)
{
    struct asking *a = with;
    struct bytes question = { 0 };
    struct secret s = { 0 };
    int len = -1;

    (void)writing;
    bytes_printf(&question, "Passphrase of %s", a->path);
    a->code = bytes_status(&question) != ST_OK ? command_refuse(a->in, "out of memory")
                                               : prompt_or_file(a->in, "passphrase-file", bytes_text(&question), &s);
    if (a->code == EXIT_DONE && s.len <= (size_t)size) {
        memcpy(buffer, s.p, s.len);
        len = (int)s.len;
    }
    secret_clear(&s);
    bytes_clear(&question);
    return len;
}

int pem_key_read(const struct invocation *in, const char *path, EVP_PKEY **out)
{
    struct asking asking = { in, path, EXIT_DONE };
    struct secret text = { 0 };
    enum status st = secret_read_file(&text, path);
    BIO *memory = NULL;

    *out = NULL;
    if (st == ST_OK && (memory = BIO_new_mem_buf(text.p, (int)text.len)) != NULL)
        *out = PEM_read_bio_PrivateKey(memory, NULL, passphrase_for, &asking);
    BIO_free(memory);
    secret_clear(&text);
    if (*out != NULL)
        return EXIT_DONE;
    if (asking.code != EXIT_DONE)
        return asking.code;
    return command_refuse(in, "%s: %s", path,
                          st == ST_OK              ? "no private key in PEM, or the passphrase is another one"
                          : st == ST_NOT_PERMITTED ? "a private key's file must be its owner's alone"
                                                   : status_name(st));
}

/* --- writing --- */

/* PKCS#8, encrypted by AES-256 under PBKDF2: as `openssl pkcs8 -topk8 -v2 aes256 -iter` does. */
static X509_SIG *encrypt(EVP_PKEY *key, const struct secret *passphrase)
{
    X509_ALGOR *how = PKCS5_pbe2_set_iv(EVP_aes_256_cbc(), PBKDF2_ITERATIONS, NULL, 0, NULL, NID_hmacWithSHA256);
    PKCS8_PRIV_KEY_INFO *plain = EVP_PKEY2PKCS8(key);
    X509_SIG *made = NULL;

    if (how != NULL && plain != NULL)
        made = PKCS8_set0_pbe((const char *)passphrase->p, (int)passphrase->len, plain, how);
    if (made == NULL)
        X509_ALGOR_free(how);
    PKCS8_PRIV_KEY_INFO_free(plain);
    return made;
}

static bool put_key(BIO *memory, EVP_PKEY *key, const struct secret *passphrase)
{
    X509_SIG *sealed;
    bool ok;

    if (passphrase == NULL)
        return PEM_write_bio_PrivateKey(memory, key, NULL, NULL, 0, NULL, NULL) == 1;
    sealed = encrypt(key, passphrase);
    ok = sealed != NULL && PEM_write_bio_PKCS8(memory, sealed) == 1;
    X509_SIG_free(sealed);
    return ok;
}

/* Through secure memory: the text is as secret as the key. */
int pem_key_write(const struct invocation *in, const char *path, EVP_PKEY *key, const struct secret *passphrase)
{
    BIO *memory = BIO_new(BIO_s_secmem());
    enum status st = ST_NO_MEMORY;
    char *text = NULL;
    long len;

    if (memory != NULL && put_key(memory, key, passphrase) && (len = BIO_get_mem_data(memory, &text)) > 0)
        st = file_create(path, 0400, span_of(text, (size_t)len));
    BIO_free(memory);
    return st == ST_OK ? EXIT_DONE : command_refuse(in, "%s: %s", path, status_name(st));
}

int pem_certificate_write(const struct invocation *in, const char *path, X509 *x)
{
    BIO *memory = BIO_new(BIO_s_mem());
    enum status st = ST_NO_MEMORY;
    char *text = NULL;
    long len;

    if (memory != NULL && PEM_write_bio_X509(memory, x) == 1 && (len = BIO_get_mem_data(memory, &text)) > 0)
        st = file_create(path, 0444, span_of(text, (size_t)len));
    BIO_free(memory);
    return st == ST_OK ? EXIT_DONE : command_refuse(in, "%s: %s", path, status_name(st));
}

/* --- certificates --- */

static bool fill_in(X509 *x, EVP_PKEY *key, const char *name, const char *end)
{
    X509_NAME *subject = X509_get_subject_name(x);
    unsigned char serial[16];
    BIGNUM *n = NULL;
    bool ok;

    if (RAND_bytes(serial, sizeof serial) != 1)
        return false;
    serial[0] = (serial[0] & 0x7f) | 0x40;
    ok = (n = BN_bin2bn(serial, sizeof serial, NULL)) != NULL &&
         BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL && X509_set_version(x, 2) == 1 &&
         X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0) == 1 &&
         X509_set_issuer_name(x, subject) == 1 && X509_gmtime_adj(X509_getm_notBefore(x), -3600) != NULL &&
         ASN1_TIME_set_string_X509(X509_getm_notAfter(x), end) == 1 && X509_set_pubkey(x, key) == 1 &&
         X509_sign(x, key, EVP_sha256()) > 0;
    BN_free(n);
    return ok;
}

X509 *self_signed(EVP_PKEY *key, const char *name, const char *end)
{
    X509 *x = X509_new();

    if (x != NULL && fill_in(x, key, name, end))
        return x;
    X509_free(x);
    return NULL;
}
