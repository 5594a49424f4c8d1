#include "firmware/seal.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "firmware/base/secret.h"
#include "firmware/crypto/entropy.h"

#define VERSION    1
#define NONCE_LEN  12
#define TAG_LEN    16
#define HEADER_LEN (1 + DOMAIN_ID_LEN)
#define LABEL      "strongroom seal v1"

struct seal {
    uint8_t header[HEADER_LEN];
    EVP_CIPHER_CTX *encrypt, *decrypt; /* keyed once: a blob then costs no key schedule */
};

static EVP_CIPHER_CTX *keyed(const uint8_t key[32], int encrypt)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

    if (ctx != NULL && EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, NULL, encrypt) != 1) {
        EVP_CIPHER_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

enum status seal_new(const uint8_t domain_key[DOMAIN_KEY_LEN], const uint8_t domain_id[DOMAIN_ID_LEN],
                     struct span seal_id, struct seal **out)
{
    uint8_t input[sizeof LABEL + 32], key[32];
    struct seal *s = calloc(1, sizeof *s);
    unsigned len = sizeof key;

    INVARIANT(seal_id.len <= 32);
    if (s == NULL)
        return ST_NO_MEMORY;
    s->header[0] = VERSION;
    memcpy(s->header + 1, domain_id, DOMAIN_ID_LEN);
    memcpy(input, LABEL, sizeof LABEL);
    memcpy(input + sizeof LABEL, seal_id.p, seal_id.len);
    if (HMAC(EVP_sha256(), domain_key, DOMAIN_KEY_LEN, input, sizeof LABEL + seal_id.len, key, &len) != NULL) {
        s->encrypt = keyed(key, 1);
        s->decrypt = keyed(key, 0);
    }
    secret_wipe(key, sizeof key);
    if (s->encrypt == NULL || s->decrypt == NULL) {
        seal_free(s);
        return ST_NO_MEMORY;
    }
    *out = s;
    return ST_OK;
}

void seal_free(struct seal *s)
{
    if (s == NULL)
        return;
    EVP_CIPHER_CTX_free(s->encrypt);
    EVP_CIPHER_CTX_free(s->decrypt);
    free(s);
}

static bool begin(struct seal *s, EVP_CIPHER_CTX *ctx, const uint8_t nonce[NONCE_LEN], struct span context)
{
    int n;

    return EVP_CipherInit_ex(ctx, NULL, NULL, NULL, nonce, -1) == 1 &&
           EVP_CipherUpdate(ctx, NULL, &n, s->header, HEADER_LEN) == 1 &&
           (context.len == 0 || EVP_CipherUpdate(ctx, NULL, &n, context.p, (int)context.len) == 1);
}

CK_RV seal_close(struct seal *s, const struct attributes *a, struct span context, struct output *out)
{
    size_t len = attributes_packed_len(a);
    uint8_t *nonce = out->p + HEADER_LEN, *body = nonce + NONCE_LEN;
    int n = 0, last = 0;

    INVARIANT(out->room >= len + SEAL_OVERHEAD);
    if (entropy_draw(nonce, NONCE_LEN) != ST_OK)
        return CKR_DEVICE_ERROR;
    memcpy(out->p, s->header, HEADER_LEN);
    attributes_pack(a, body);
    if (!begin(s, s->encrypt, nonce, context) || EVP_EncryptUpdate(s->encrypt, body, &n, body, (int)len) != 1 ||
        EVP_EncryptFinal_ex(s->encrypt, body + n, &last) != 1 ||
        EVP_CIPHER_CTX_ctrl(s->encrypt, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, body + len) != 1) {
        secret_wipe(out->p, len + SEAL_OVERHEAD);
        return CKR_DEVICE_ERROR;
    }
    out->len = len + SEAL_OVERHEAD;
    return CKR_OK;
}

static CK_RV decrypt(struct seal *s, struct span blob, struct span context, uint8_t *plain)
{
    const uint8_t *nonce = blob.p + HEADER_LEN, *body = nonce + NONCE_LEN;
    size_t len = blob.len - SEAL_OVERHEAD;
    int n = 0, last = 0;

    if (!begin(s, s->decrypt, nonce, context) ||
        EVP_CIPHER_CTX_ctrl(s->decrypt, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, (void *)(uintptr_t)(body + len)) != 1 ||
        EVP_DecryptUpdate(s->decrypt, plain, &n, body, (int)len) != 1 ||
        EVP_DecryptFinal_ex(s->decrypt, plain + n, &last) != 1)
        return CKR_WRAPPED_KEY_INVALID;
    return CKR_OK;
}

CK_RV seal_open(struct seal *s, struct span blob, struct span context, struct attributes *out)
{
    uint8_t *plain;
    size_t len;
    CK_RV rv;

    if (blob.len <= SEAL_OVERHEAD || blob.len > SEAL_BLOB_MAX || memcmp(blob.p, s->header, HEADER_LEN) != 0)
        return CKR_WRAPPED_KEY_INVALID;
    len = blob.len - SEAL_OVERHEAD;
    if ((plain = malloc(len)) == NULL)
        return CKR_HOST_MEMORY;
    if ((rv = decrypt(s, blob, context, plain)) == CKR_OK &&
        (rv = attributes_unpack(out, span_of(plain, len))) == CKR_DATA_INVALID)
        rv = CKR_WRAPPED_KEY_INVALID;
    secret_wipe(plain, len);
    free(plain);
    return rv;
}
