#include "firmware/flash/commit.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "firmware/base/big_endian.h"

#define MARK_AT 32
#define REMOVED 0xffffffffu
#define LEN_MAX (FLASH_CHANGES_MAX * (CHANGE_HEADER_LEN + FLASH_VALUE_MAX) + COMMIT_ALIGN)

static size_t aligned(size_t len)
{
    return (len + COMMIT_ALIGN - 1) / COMMIT_ALIGN * COMMIT_ALIGN;
}

static size_t changes_len(const struct flash_change *changes, unsigned count)
{
    size_t len = 0;

    for (unsigned i = 0; i < count; i++)
        len += CHANGE_HEADER_LEN + (changes[i].remove ? 0 : changes[i].value.len);
    return aligned(len);
}

size_t commit_len(const struct flash_change *changes, unsigned count)
{
    return COMMIT_LEN_MIN + changes_len(changes, count);
}

size_t commit_len_of_record(size_t len)
{
    return COMMIT_LEN_MIN + aligned(CHANGE_HEADER_LEN + len);
}

/* Half an HMAC-SHA-256; marks and the tags of starts have inputs of different lengths. */
static bool half_hmac(const struct commit_keys *keys, const uint8_t *p, size_t len, uint8_t half[COMMIT_TAG_LEN])
{
    uint8_t mac[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    if (HMAC(EVP_sha256(), keys->mark, sizeof keys->mark, p, len, mac, &n) == NULL)
        return false;
    memcpy(half, mac, COMMIT_TAG_LEN);
    return true;
}

static bool start_tag(const struct commit_keys *keys, const uint8_t *header, const uint8_t *before,
                      uint8_t tag[COMMIT_TAG_LEN])
{
    uint8_t in[COMMIT_HEADER_LEN + COMMIT_TAG_LEN];

    memcpy(in, header, COMMIT_HEADER_LEN);
    memcpy(in + COMMIT_HEADER_LEN, before, COMMIT_TAG_LEN);
    return half_hmac(keys, in, sizeof in, tag);
}

/* AES-256-GCM in place, either way. */
static enum status gcm(const struct commit_keys *keys, bool seal, uint8_t *p, size_t len, const uint8_t *before,
                       uint8_t *tag)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    enum status st = ST_INTERNAL;
    int n = 0;

    if (ctx == NULL)
        return ST_NO_MEMORY;
    /* the nonce, boot and sequence, is what the header begins with */
    if (EVP_CipherInit_ex2(ctx, EVP_aes_256_gcm(), keys->seal, p, seal, NULL) != 1 ||
        EVP_CipherUpdate(ctx, NULL, &n, p, COMMIT_HEADER_LEN) != 1 ||
        EVP_CipherUpdate(ctx, NULL, &n, before, COMMIT_TAG_LEN) != 1 ||
        EVP_CipherUpdate(ctx, p + COMMIT_HEADER_LEN, &n, p + COMMIT_HEADER_LEN, (int)len) != 1)
        goto done;
    if (!seal && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, COMMIT_TAG_LEN, tag) != 1)
        goto done;
    if (EVP_CipherFinal_ex(ctx, p + COMMIT_HEADER_LEN + len, &n) != 1) {
        st = seal ? ST_INTERNAL : ST_CORRUPT;
        goto done;
    }
    if (!seal || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, COMMIT_TAG_LEN, tag) == 1)
        st = ST_OK;
done:
    EVP_CIPHER_CTX_free(ctx);
    return st;
}

enum status commit_seal(const struct commit_keys *keys, struct commit *c, uint8_t tag[COMMIT_TAG_LEN],
                        const struct flash_change *changes, uint8_t *out)
{
    uint8_t *p = out;
    enum status st;

    c->length = (uint32_t)changes_len(changes, c->count);
    p = be_put(p, c->boot, 8);
    p = be_put(p, c->sequence, 4);
    p = be_put(p, c->length, 4);
    p = be_put(p, c->counter, 8);
    p = be_put(p, c->count, 4);
    p = be_put(p, 0, 4);
    if (!half_hmac(keys, out, MARK_AT, p))
        return ST_INTERNAL;
    p += COMMIT_TAG_LEN;
    for (unsigned i = 0; i < c->count; i++) {
        const struct flash_change *change = &changes[i];

        p = be_put(p, change->key.kind, 2);
        p = be_put(p, change->key.partition, 4);
        p = be_put(p, change->key.id, 8);
        p = be_put(p, change->remove ? REMOVED : change->value.len, 4);
        if (!change->remove && change->value.len > 0) {
            memcpy(p, change->value.p, change->value.len);
            p += change->value.len;
        }
    }
    memset(p, 0, (size_t)(out + COMMIT_HEADER_LEN + c->length - p));
    p = out + COMMIT_HEADER_LEN + c->length;
    if (c->count == 0)
        st = start_tag(keys, out, tag, p) ? ST_OK : ST_INTERNAL;
    else
        st = gcm(keys, true, out, c->length, tag, p);
    if (st == ST_OK)
        memcpy(tag, p, COMMIT_TAG_LEN);
    return st;
}

bool commit_read_header(const struct commit_keys *keys, const uint8_t *p, size_t room, struct commit *c)
{
    uint8_t mark[COMMIT_TAG_LEN];

    if (room < COMMIT_LEN_MIN)
        return false;
    c->boot = be_get(p, 8);
    c->sequence = (uint32_t)be_get(p + 8, 4);
    c->length = (uint32_t)be_get(p + 12, 4);
    c->counter = be_get(p + 16, 8);
    c->count = (uint32_t)be_get(p + 24, 4);
    /* cheap tests first: replay asks this of every place behind the end of a log */
    if (c->length % COMMIT_ALIGN != 0 || c->length > LEN_MAX || c->length > room - COMMIT_LEN_MIN ||
        c->count > FLASH_CHANGES_MAX || (c->count == 0) != (c->length == 0) || be_get(p + 28, 4) != 0 ||
        !half_hmac(keys, p, MARK_AT, mark))
        return false;
    return CRYPTO_memcmp(mark, p + MARK_AT, COMMIT_TAG_LEN) == 0;
}

enum status commit_open(const struct commit_keys *keys, const struct commit *c, uint8_t tag[COMMIT_TAG_LEN], uint8_t *p)
{
    uint8_t *stored = p + COMMIT_HEADER_LEN + c->length, start[COMMIT_TAG_LEN];
    enum status st;

    if (c->count > 0)
        st = gcm(keys, false, p, c->length, tag, stored);
    else if (!start_tag(keys, p, tag, start))
        st = ST_INTERNAL;
    else
        st = CRYPTO_memcmp(start, stored, COMMIT_TAG_LEN) == 0 ? ST_OK : ST_CORRUPT;
    if (st == ST_OK)
        memcpy(tag, stored, COMMIT_TAG_LEN);
    return st;
}

enum status commit_next(const struct commit *c, const uint8_t *p, size_t *at, struct flash_change *out)
{
    const uint8_t *change = p + COMMIT_HEADER_LEN + *at;
    size_t len;

    if (c->length - *at < CHANGE_HEADER_LEN)
        return ST_CORRUPT;
    *out = (struct flash_change){ .key.kind = (uint16_t)be_get(change, 2),
                                  .key.partition = (uint32_t)be_get(change + 2, 4),
                                  .key.id = be_get(change + 6, 8) };
    len = be_get(change + 14, 4);
    *at += CHANGE_HEADER_LEN;
    if (len == REMOVED) {
        out->remove = true;
        return ST_OK;
    }
    if (len > FLASH_VALUE_MAX || len > c->length - *at)
        return ST_CORRUPT;
    out->value = span_of(change + CHANGE_HEADER_LEN, len);
    *at += len;
    return ST_OK;
}
