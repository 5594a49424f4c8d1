#include "firmware/box.h"

#include <openssl/evp.h>

#include "firmware/base/secret.h"
#include "firmware/crypto/entropy.h"

#define NONCE_LEN 12
#define TAG_LEN   16

static bool begin(EVP_CIPHER_CTX *ctx, const uint8_t *key, const uint8_t *nonce, struct span additional, int encrypt)
{
    int n;

    return EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, nonce, encrypt) == 1 &&
           (additional.len == 0 || EVP_CipherUpdate(ctx, NULL, &n, additional.p, (int)additional.len) == 1);
}

enum status box_close(const uint8_t key[BOX_KEY_LEN], struct span plain, struct span additional, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t *body = out + NONCE_LEN;
    enum status st = ST_NO_MEMORY;
    int n = 0, last = 0;

    if (entropy_draw(out, NONCE_LEN) != ST_OK)
        st = ST_CORRUPT;
    else if (ctx != NULL && begin(ctx, key, out, additional, 1) &&
             EVP_EncryptUpdate(ctx, body, &n, plain.p, (int)plain.len) == 1 &&
             EVP_EncryptFinal_ex(ctx, body + n, &last) == 1 &&
             EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, body + plain.len) == 1)
        st = ST_OK;
    EVP_CIPHER_CTX_free(ctx);
    return st;
}

enum status box_open(const uint8_t key[BOX_KEY_LEN], struct span box, struct span additional, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    size_t len = box.len - BOX_OVERHEAD;
    enum status st = ST_NO_MEMORY;
    int n = 0, last = 0;

    if (box.len < BOX_OVERHEAD) {
        st = ST_BAD_CIPHERTEXT;
    } else if (ctx != NULL && begin(ctx, key, box.p, additional, 0) &&
               EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, (void *)(uintptr_t)(box.p + NONCE_LEN + len)) ==
                   1 &&
               EVP_DecryptUpdate(ctx, out, &n, box.p + NONCE_LEN, (int)len) == 1) {
        st = EVP_DecryptFinal_ex(ctx, out + n, &last) == 1 ? ST_OK : ST_BAD_CIPHERTEXT;
        if (st != ST_OK)
            secret_wipe(out, len);
    }
    EVP_CIPHER_CTX_free(ctx);
    return st;
}
