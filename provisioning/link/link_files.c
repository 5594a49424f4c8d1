#include "provisioning/link/link_files.h"

#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>

#include "provisioning/cli/private_file.h"
#include "provisioning/cli/prompt.h"

#define PEM_MAX  (64u * 1024)
#define SALT_LEN 16

/* RFC 7914: 16 MiB and some 50 ms for a try; OpenSSL opens no more than 32 MiB. */
#define SCRYPT_N 16384
#define SCRYPT_R 8
#define SCRYPT_P 1

/* What OpenSSL's question for a passphrase needs to know, and what came of it. */
struct question {
    const struct invocation *in;
    const char *path;
    bool asked;
    int code;
};

int link_read_certificate(const struct invocation *in, const char *path, X509 **out)
{
    struct bytes text = { 0 };
    enum status st = file_read(path, PEM_MAX, &text);
    BIO *memory = NULL;

    *out = NULL;
    if (st == ST_OK && (memory = BIO_new_mem_buf(text.p, (int)text.len)) != NULL)
        *out = PEM_read_bio_X509(memory, NULL, NULL, NULL);
    BIO_free(memory);
    bytes_clear(&text);
    if (*out == NULL)
        return command_refuse(in, "%s: %s", path, st == ST_OK ? "no certificate in PEM" : status_name(st));
    return EXIT_DONE;
}

/* A pem_password_cb. OpenSSL wipes its copy. */
static int give_passphrase(char *out, int size, int writing, void *arg)
{
    struct question *q = arg;
    struct bytes text = { 0 };
    struct secret passphrase = { 0 };
    int len = -1;

    (void)writing;
    q->asked = true;
    bytes_printf(&text, "Passphrase of %s", q->path);
    if (bytes_status(&text) != ST_OK)
        q->code = command_refuse(q->in, "out of memory");
    else
        q->code = prompt_or_file(q->in, LINK_PASSPHRASE_OPTION, bytes_text(&text), &passphrase);
    if (q->code == EXIT_DONE && passphrase.len <= (size_t)size) {
        memcpy(out, passphrase.p, passphrase.len);
        len = (int)passphrase.len;
    }
    secret_clear(&passphrase);
    bytes_clear(&text);
    return len;
}

static const char *key_trouble(const struct question *q, enum status st)
{
    if (st == ST_OK)
        return q->asked ? "this passphrase does not open it" : "no private key in PEM";
    return st == ST_NOT_PERMITTED ? "a private key's file must be its owner's alone" : status_name(st);
}

int link_read_key(const struct invocation *in, const char *path, EVP_PKEY **out)
{
    struct question q = { .in = in, .path = path, .code = EXIT_DONE };
    struct secret text = { 0 };
    enum status st = secret_read_file(&text, path);
    BIO *memory = NULL;

    *out = NULL;
    if (st == ST_OK && (memory = BIO_new_mem_buf(text.p, (int)text.len)) != NULL)
        *out = PEM_read_bio_PrivateKey(memory, NULL, give_passphrase, &q);
    BIO_free(memory);
    secret_clear(&text);
    if (*out != NULL)
        return EXIT_DONE;
    return q.code != EXIT_DONE ? q.code : command_refuse(in, "%s: %s", path, key_trouble(&q, st));
}

int keystore_fingerprint(const struct invocation *in, const char *path, uint8_t out[LINK_FINGERPRINT_LEN])
{
    X509 *certificate;
    int code = link_read_certificate(in, path, &certificate);

    if (code == EXIT_DONE && link_fingerprint(certificate, out) != ST_OK)
        code = command_refuse(in, "%s: a certificate of a kind that is not supported", path);
    X509_free(certificate);
    return code;
}

/* RFC 8018, 6.2, with the key derivation of RFC 7914. */
static X509_SIG *encrypt_key(EVP_PKEY *key, struct span passphrase)
{
    unsigned char salt[SALT_LEN];
    PKCS8_PRIV_KEY_INFO *plain = EVP_PKEY2PKCS8(key);
    X509_ALGOR *scheme = NULL;
    X509_SIG *sealed = NULL;

    if (plain != NULL && RAND_bytes(salt, sizeof salt) == 1 &&
        (scheme = PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), salt, sizeof salt, NULL, SCRYPT_N, SCRYPT_R, SCRYPT_P)) !=
            NULL &&
        (sealed = PKCS8_set0_pbe((const char *)passphrase.p, (int)passphrase.len, plain, scheme)) == NULL)
        X509_ALGOR_free(scheme);
    PKCS8_PRIV_KEY_INFO_free(plain);
    return sealed;
}

static bool write_pem(BIO *to, EVP_PKEY *key, struct span passphrase)
{
    X509_SIG *sealed;
    bool ok;

    if (passphrase.len == 0)
        return PEM_write_bio_PrivateKey(to, key, NULL, NULL, 0, NULL, NULL) == 1;
    sealed = encrypt_key(key, passphrase);
    ok = sealed != NULL && PEM_write_bio_PKCS8(to, sealed) == 1;
    X509_SIG_free(sealed);
    return ok;
}

/* Through secure memory: without a passphrase the text is as secret as the key. */
int link_write_key(const struct invocation *in, EVP_PKEY *key, struct span passphrase, const char *path)
{
    BIO *memory = BIO_new(BIO_s_secmem());
    enum status st = ST_NO_MEMORY;
    char *text = NULL;
    long len;

    if (memory != NULL && write_pem(memory, key, passphrase) && (len = BIO_get_mem_data(memory, &text)) > 0)
        st = file_create(path, 0400, span_of(text, (size_t)len));
    BIO_free(memory);
    return st == ST_OK ? EXIT_DONE : command_refuse(in, "%s: %s", path, status_name(st));
}

int link_write_certificate(const struct invocation *in, X509 *x, const char *path)
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
