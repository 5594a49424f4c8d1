#include "provisioning/link/private_key.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "provisioning/cli/prompt.h"
#include "provisioning/cli/result_file.h"

#define SALT_LEN 16 /* random */

/* RFC 7914: 16 MiB and some 50 ms for a try; OpenSSL opens no more than 32 MiB. */
#define SCRYPT_N 16384
#define SCRYPT_R 8
#define SCRYPT_P 1

/* What OpenSSL's question for a passphrase needs to know, and what came of it. */
struct question {
    const struct invocation *in;
    const char *path, *option, *text;
    bool asked;
    int code;
};

static int ask(const struct question *q, struct secret *passphrase)
{
    struct bytes text = { 0 };
    int code;

    if (q->text != NULL)
        return prompt_or_file(q->in, q->option, q->text, passphrase);
    bytes_printf(&text, "Passphrase of %s", q->path);
    code = bytes_status(&text) == ST_OK ? prompt_or_file(q->in, q->option, bytes_text(&text), passphrase)
                                        : command_refuse(q->in, "out of memory");
    bytes_clear(&text);
    return code;
}

/* A pem_password_cb: once, and only when the key is under one. OpenSSL wipes its copy. */
static int give_passphrase(char *out, int size, int writing, void *arg)
{
    struct question *q = arg;
    struct secret passphrase = { 0 };
    int len = -1;

    (void)writing;
    q->asked = true;
    q->code = ask(q, &passphrase);
    if (q->code == EXIT_DONE && passphrase.len <= (size_t)size) {
        memcpy(out, passphrase.p, passphrase.len);
        len = (int)passphrase.len;
    }
    secret_clear(&passphrase);
    return len;
}

static const char *trouble(const struct question *q, enum status st)
{
    if (st == ST_OK)
        return q->asked ? "this passphrase does not open it" : "no private key in PEM";
    return st == ST_NOT_PERMITTED ? "a private key's file must be its owner's alone" : status_name(st);
}

int private_key_read(const struct invocation *in, const char *path, const char *option, const char *question,
                     EVP_PKEY **out)
{
    struct question q = { .in = in, .path = path, .option = option, .text = question, .code = EXIT_DONE };
    struct secret text = { 0 };
    enum status st = secret_read_file(&text, path);
    BIO *memory = NULL;

    *out = NULL;
    if (st == ST_OK && (memory = BIO_new_mem_buf(text.p, (int)text.len)) != NULL)
        *out = PEM_read_bio_PrivateKey(memory, NULL, give_passphrase, &q);
    BIO_free(memory);
    secret_clear(&text);
    ERR_clear_error();
    if (*out != NULL)
        return EXIT_DONE;
    return q.code != EXIT_DONE ? q.code : command_refuse(in, "%s: %s", path, trouble(&q, st));
}

/* RFC 8018, 6.2, with the key derivation of RFC 7914. */
static X509_SIG *encrypt(EVP_PKEY *key, struct span passphrase)
{
    PKCS8_PRIV_KEY_INFO *plain = EVP_PKEY2PKCS8(key);
    X509_ALGOR *scheme = PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), NULL, SALT_LEN, NULL, SCRYPT_N, SCRYPT_R, SCRYPT_P);
    X509_SIG *sealed = NULL;

    if (plain != NULL && scheme != NULL)
        sealed = PKCS8_set0_pbe((const char *)passphrase.p, (int)passphrase.len, plain, scheme);
    if (sealed == NULL)
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
    sealed = encrypt(key, passphrase);
    ok = sealed != NULL && PEM_write_bio_PKCS8(to, sealed) == 1;
    X509_SIG_free(sealed);
    return ok;
}

/* Through secure memory: without a passphrase the text is as secret as the key. */
int private_key_write(const struct invocation *in, EVP_PKEY *key, struct span passphrase, const char *path)
{
    BIO *memory = BIO_new(BIO_s_secmem());
    char *text = NULL;
    long len;
    int code;

    if (memory != NULL && write_pem(memory, key, passphrase) && (len = BIO_get_mem_data(memory, &text)) > 0)
        code = result_file_write(in, path, 0400, span_of(text, (size_t)len));
    else
        code = command_refuse(in, "%s: the key cannot be made text", path);
    BIO_free(memory);
    return code;
}
