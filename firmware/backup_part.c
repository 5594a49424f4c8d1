#include "firmware/backup_part.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "firmware/base/big_endian.h"
#include "firmware/base/secret.h"
#include "firmware/crypto/entropy.h"
#include "firmware/wire/limits.h"

#define MAGIC     "srbackup"
#define MAGIC_LEN 8
#define VERSION   1
#define NONCE_LEN 12
#define CLEAR_LEN (BACKUP_HEADER_LEN - NONCE_LEN)
#define LABEL     "strongroom backup v1"

CK_RV backup_series_of(const uint8_t domain_key[DOMAIN_KEY_LEN], const uint8_t domain_id[DOMAIN_ID_LEN],
                       const uint8_t id[BACKUP_ID_LEN], struct backup_series *out)
{
    uint8_t input[sizeof LABEL + BACKUP_ID_LEN];
    unsigned len = sizeof out->key;

    memcpy(input, LABEL, sizeof LABEL);
    memcpy(input + sizeof LABEL, id, BACKUP_ID_LEN);
    memcpy(out->domain_id, domain_id, sizeof out->domain_id);
    memcpy(out->id, id, sizeof out->id);
    return HMAC(EVP_sha256(), domain_key, DOMAIN_KEY_LEN, input, sizeof input, out->key, &len) != NULL
               ? CKR_OK
               : CKR_DEVICE_ERROR;
}

static void write_header(const struct backup_series *s, uint32_t index, bool last, uint8_t *p)
{
    memcpy(p, MAGIC, MAGIC_LEN);
    p = be_put(be_put(p + MAGIC_LEN, VERSION, 1), last, 1);
    memcpy(p, s->domain_id, sizeof s->domain_id);
    p += sizeof s->domain_id;
    memcpy(p, s->id, sizeof s->id);
    be_put(p + sizeof s->id, index, 4);
}

bool backup_header_read(struct span part, struct backup_header *out)
{
    const uint8_t *p = part.p;

    if (part.len <= BACKUP_HEADER_LEN + BACKUP_TAG_LEN || part.len > BACKUP_PART_MAX ||
        memcmp(p, MAGIC, MAGIC_LEN) != 0 || p[MAGIC_LEN] != VERSION || p[MAGIC_LEN + 1] > 1)
        return false;
    out->last = p[MAGIC_LEN + 1] == 1;
    p += MAGIC_LEN + 2;
    memcpy(out->domain_id, p, sizeof out->domain_id);
    p += sizeof out->domain_id;
    memcpy(out->backup_id, p, sizeof out->backup_id);
    out->index = (uint32_t)be_get(p + sizeof out->backup_id, 4);
    return true;
}

/* Keyed, and the clear part of the header taken in. NULL: no memory. */
static EVP_CIPHER_CTX *begin(const struct backup_series *s, const uint8_t *part, int encrypt)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n;

    if (ctx != NULL && (EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, s->key, part + CLEAR_LEN, encrypt) != 1 ||
                        EVP_CipherUpdate(ctx, NULL, &n, part, CLEAR_LEN) != 1)) {
        EVP_CIPHER_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

CK_RV backup_part_seal(const struct backup_series *s, uint32_t index, bool last, uint8_t *part, size_t body_len,
                       size_t *part_len)
{
    uint8_t *body = part + BACKUP_HEADER_LEN;
    EVP_CIPHER_CTX *ctx = NULL;
    CK_RV rv = CKR_DEVICE_ERROR;
    int n = 0, rest = 0;

    INVARIANT(body_len > 0 && body_len <= BACKUP_BODY_MAX);
    write_header(s, index, last, part);
    if (entropy_draw(part + CLEAR_LEN, NONCE_LEN) != ST_OK)
        ;
    else if ((ctx = begin(s, part, 1)) == NULL)
        rv = CKR_HOST_MEMORY;
    else if (EVP_EncryptUpdate(ctx, body, &n, body, (int)body_len) == 1 &&
             EVP_EncryptFinal_ex(ctx, body + n, &rest) == 1 &&
             EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, BACKUP_TAG_LEN, body + body_len) == 1)
        rv = CKR_OK;
    EVP_CIPHER_CTX_free(ctx);
    *part_len = BACKUP_HEADER_LEN + body_len + BACKUP_TAG_LEN;
    if (rv != CKR_OK)
        secret_wipe(part, *part_len);
    return rv;
}

CK_RV backup_part_open(const struct backup_series *s, uint32_t index, struct span part, bool *last, uint8_t *body,
                       size_t *body_len)
{
    const uint8_t *sealed = part.p + BACKUP_HEADER_LEN;
    struct backup_header h;
    EVP_CIPHER_CTX *ctx;
    CK_RV rv = CKR_OK;
    int n = 0, rest = 0;

    if (!backup_header_read(part, &h) || memcmp(h.domain_id, s->domain_id, sizeof h.domain_id) != 0 ||
        memcmp(h.backup_id, s->id, sizeof h.backup_id) != 0 || h.index != index)
        return CKR_BACKUP_INVALID;
    if ((ctx = begin(s, part.p, 0)) == NULL)
        return CKR_HOST_MEMORY;
    *last = h.last;
    *body_len = part.len - BACKUP_HEADER_LEN - BACKUP_TAG_LEN;
    if (EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, BACKUP_TAG_LEN, (void *)(uintptr_t)(sealed + *body_len)) != 1 ||
        EVP_DecryptUpdate(ctx, body, &n, sealed, (int)*body_len) != 1 || EVP_DecryptFinal_ex(ctx, body + n, &rest) != 1)
        rv = CKR_BACKUP_INVALID;
    EVP_CIPHER_CTX_free(ctx);
    return rv;
}
