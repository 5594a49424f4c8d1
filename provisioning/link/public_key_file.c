#include "provisioning/link/public_key_file.h"

#include <openssl/pem.h>

#include "firmware/wire/link.h"
#include "provisioning/cli/input_file.h"

#define PEM_MAX (64u * 1024)

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

int public_key_file_read(const struct invocation *in, const char *path, struct bytes *out)
{
    struct bytes text = { 0 };
    int code = input_file_read(in, path, PEM_MAX, &text);
    enum status st = ST_OK;
    EVP_PKEY *key = NULL;
    BIO *memory = NULL;
    uint8_t *der = NULL;
    int len = 0;

    if (code == EXIT_DONE && (memory = BIO_new_mem_buf(text.p, (int)text.len)) != NULL &&
        (key = public_key_of(memory)) != NULL)
        len = i2d_PUBKEY(key, &der);
    if (key != NULL && !link_key_is_acceptable(key))
        st = ST_UNSUPPORTED;
    if (len > 0 && st == ST_OK)
        st = bytes_set(out, span_of(der, (size_t)len));
    OPENSSL_free(der);
    EVP_PKEY_free(key);
    BIO_free(memory);
    bytes_clear(&text);
    if (code != EXIT_DONE || (st == ST_OK && len > 0))
        return code;
    if (st == ST_UNSUPPORTED)
        return command_refuse(in, "%s: a key of another kind than P-256, P-384 or Ed25519", path);
    return command_refuse(in, "%s: %s", path, st == ST_OK ? "no public key in PEM" : status_name(st));
}
