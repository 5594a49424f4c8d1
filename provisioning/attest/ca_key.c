#include "provisioning/attest/ca_key.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "provisioning/cli/private_file.h"
#include "provisioning/cli/prompt.h"

#define SCRYPT_N 16384 /* with r = 8: 16 MiB, as much as OpenSSL opens without being told */
#define SCRYPT_R 8
#define SCRYPT_P 1
#define SALT_LEN 16

static bool write_encrypted(BIO *memory, EVP_PKEY *key, const struct secret *passphrase)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
    X509_ALGOR *how =
        PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), NULL, SALT_LEN, NULL, SCRYPT_N, SCRYPT_R, SCRYPT_P); /* random salt */
    X509_SIG *sealed = NULL;
    bool ok;

    if (info != NULL && how != NULL)
        sealed = PKCS8_set0_pbe((const char *)passphrase->p, (int)passphrase->len, info, how);
    if (sealed == NULL)
        X509_ALGOR_free(how);
    ok = sealed != NULL && PEM_write_bio_PKCS8(memory, sealed) == 1;
    X509_SIG_free(sealed);
    PKCS8_PRIV_KEY_INFO_free(info);
    return ok;
}

int ca_key_create(const struct invocation *in, const char *path, EVP_PKEY *key)
{
    BIO *memory = BIO_new(BIO_s_secmem());
    struct secret passphrase = { 0 };
    enum status st = ST_NO_MEMORY;
    bool plain = command_given(in, "no-passphrase");
    char *text = NULL;
    int code = EXIT_DONE;
    long len;

    if (!plain)
        code = prompt_new_or_file(in, "passphrase-file", "Passphrase of the CA's key", PASSPHRASE_MIN, &passphrase);
    if (code == EXIT_DONE) {
        if (memory != NULL &&
            (plain ? PEM_write_bio_PrivateKey(memory, key, NULL, NULL, 0, NULL, NULL) == 1
                   : write_encrypted(memory, key, &passphrase)) &&
            (len = BIO_get_mem_data(memory, &text)) > 0)
            st = file_create(path, 0400, span_of(text, (size_t)len));
        if (st != ST_OK)
            code = command_refuse(in, "%s: %s", path, status_name(st));
    }
    secret_clear(&passphrase);
    BIO_free(memory);
    return code;
}

/* Asked for by OpenSSL, once, and only when the key is under one. */
struct asking {
    const struct invocation *in;
    int code;
};

static int give_passphrase(char *out, int size, int writing, void *arg)
{
    struct asking *a = arg;
    struct secret passphrase = { 0 };
    int len = -1;

    (void)writing;
    a->code = prompt_or_file(a->in, "passphrase-file", "Passphrase of the CA's key", &passphrase);
    if (a->code == EXIT_DONE && passphrase.len > 0 && passphrase.len <= (size_t)size) {
        memcpy(out, passphrase.p, passphrase.len);
        len = (int)passphrase.len;
    }
    secret_clear(&passphrase);
    return len;
}

int ca_key_read(const struct invocation *in, const char *path, EVP_PKEY **out)
{
    struct asking asking = { .in = in, .code = EXIT_DONE };
    struct secret text = { 0 };
    enum status st = secret_read_file(&text, path);
    BIO *memory = NULL;

    *out = NULL;
    if (st == ST_OK && (memory = BIO_new_mem_buf(text.p, (int)text.len)) != NULL)
        *out = PEM_read_bio_PrivateKey(memory, NULL, give_passphrase, &asking);
    BIO_free(memory);
    secret_clear(&text);
    ERR_clear_error();
    if (*out != NULL)
        return EXIT_DONE;
    if (asking.code != EXIT_DONE)
        return asking.code; /* it has been said */
    return command_refuse(in, "%s: %s", path,
                          st == ST_OK              ? "no private key in PEM, or the passphrase is wrong"
                          : st == ST_NOT_PERMITTED ? "a private key's file must be its owner's alone"
                                                   : status_name(st));
}
