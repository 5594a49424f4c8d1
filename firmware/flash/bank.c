#include "firmware/flash/bank.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "firmware/base/big_endian.h"

#define SALT_AT  32
#define SALT_LEN 32
#define MAC_AT   (SALT_AT + SALT_LEN)
#define MAC_LEN  32

static const uint8_t magic[8] = "SRFLASH1";

/* HKDF-SHA-256 (RFC 5869). */
static enum status hkdf(const uint8_t key[BANK_KEY_LEN], struct span salt, struct span info, uint8_t *out, size_t len)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *ctx = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)key, BANK_KEY_LEN),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)salt.p, salt.len),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)info.p, info.len),
        OSSL_PARAM_construct_end(),
    };
    bool ok = ctx != NULL && EVP_KDF_derive(ctx, out, len, params) == 1;

    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    return ok ? ST_OK : ST_INTERNAL;
}

enum status bank_store_key(const uint8_t root_key[HAL_ROOT_KEY_LEN], uint8_t out[BANK_KEY_LEN])
{
    return hkdf(root_key, span_text(""), span_text("strongroom flash 1 store"), out, BANK_KEY_LEN);
}

static bool make_mac(const uint8_t store_key[BANK_KEY_LEN], const uint8_t *header, uint8_t mac[MAC_LEN])
{
    uint8_t key[BANK_KEY_LEN];
    bool ok = hkdf(store_key, span_text(""), span_text("header"), key, sizeof key) == ST_OK &&
              HMAC(EVP_sha256(), key, sizeof key, header, MAC_AT, mac, NULL) != NULL;

    secret_wipe(key, sizeof key);
    return ok;
}

/* Keys and an empty log for the bank that the header describes. */
static enum status begin_log(struct bank *b, const uint8_t store_key[BANK_KEY_LEN])
{
    uint8_t info[12] = "log ", both[sizeof b->keys.seal + sizeof b->keys.mark];
    enum status st;

    be_put(info + 4, b->epoch, 8);
    st = hkdf(store_key, span_of(b->header + SALT_AT, SALT_LEN), span_of(info, sizeof info), both, sizeof both);
    memcpy(b->keys.seal, both, sizeof b->keys.seal);
    memcpy(b->keys.mark, both + sizeof b->keys.seal, sizeof b->keys.mark);
    secret_wipe(both, sizeof both);
    b->end = BANK_LOG_AT;
    b->sequence = 0;
    b->boot = 0;
    memcpy(b->tag, b->header + MAC_AT, COMMIT_TAG_LEN);
    return st;
}

static void place_bank(struct bank *b, const struct hal *hal, enum hal_region region)
{
    size_t a = hal->flash_size(hal->self, HAL_REGION_STORE_A), other = hal->flash_size(hal->self, HAL_REGION_STORE_B);

    *b = (struct bank){ .hal = hal, .region = region, .size = a < other ? a : other };
    if (b->size > BANK_SIZE_MAX)
        b->size = BANK_SIZE_MAX;
}

enum status bank_init(struct bank *b, const struct hal *hal, enum hal_region region,
                      const uint8_t store_key[BANK_KEY_LEN], uint64_t epoch, uint64_t counter, uint32_t base)
{
    uint8_t *p;

    place_bank(b, hal, region);
    b->epoch = epoch;
    b->counter = counter;
    b->base = base;
    memset(b->header, BANK_BLANK, sizeof b->header);
    memcpy(b->header, magic, sizeof magic);
    p = be_put(b->header + sizeof magic, epoch, 8);
    p = be_put(p, counter, 8);
    p = be_put(p, base, 4);
    p = be_put(p, (uint64_t)region, 4);
    if (RAND_bytes(p, SALT_LEN) != 1)
        return ST_CORRUPT;
    if (!make_mac(store_key, b->header, b->header + MAC_AT))
        return ST_INTERNAL;
    return begin_log(b, store_key);
}

enum status bank_load(struct bank *b, const struct hal *hal, enum hal_region region,
                      const uint8_t store_key[BANK_KEY_LEN])
{
    uint8_t mac[MAC_LEN];

    place_bank(b, hal, region);
    if (hal->flash_read(hal->self, region, 0, b->header, sizeof b->header) != ST_OK)
        return ST_IO;
    if (!make_mac(store_key, b->header, mac))
        return ST_INTERNAL;
    if (memcmp(b->header, magic, sizeof magic) != 0 || CRYPTO_memcmp(mac, b->header + MAC_AT, MAC_LEN) != 0 ||
        be_get(b->header + 28, 4) != (uint64_t)region)
        return ST_NOT_FOUND;
    b->epoch = be_get(b->header + 8, 8);
    b->counter = be_get(b->header + 16, 8);
    b->base = (uint32_t)be_get(b->header + 24, 4);
    return begin_log(b, store_key);
}

static enum status write_durably(const struct hal *hal, enum hal_region region, const uint8_t *header)
{
    if (hal->flash_write(hal->self, region, 0, header, BANK_LOG_AT) != ST_OK ||
        hal->flash_sync(hal->self, region) != ST_OK)
        return ST_IO;
    return ST_OK;
}

enum status bank_write_header(const struct bank *b)
{
    return write_durably(b->hal, b->region, b->header);
}

enum status bank_wipe_header(const struct hal *hal, enum hal_region region)
{
    uint8_t old[BANK_LOG_AT], blank[BANK_LOG_AT];

    memset(blank, BANK_BLANK, sizeof blank);
    if (hal->flash_read(hal->self, region, 0, old, sizeof old) != ST_OK)
        return ST_IO;
    return memcmp(old, blank, sizeof old) == 0 ? ST_OK : write_durably(hal, region, blank);
}

enum status bank_is_blank(const struct hal *hal, enum hal_region region, bool *blank)
{
    size_t size = hal->flash_size(hal->self, region), len;
    uint8_t *p = malloc(BANK_STEP);
    enum status st = p == NULL ? ST_NO_MEMORY : ST_OK;

    *blank = true;
    for (size_t at = BANK_LOG_AT; st == ST_OK && *blank && at < size; at += len) {
        len = size - at < BANK_STEP ? size - at : BANK_STEP;
        if (hal->flash_read(hal->self, region, at, p, len) != ST_OK)
            st = ST_IO;
        else
            *blank = p[0] == BANK_BLANK && memcmp(p, p + 1, len - 1) == 0; /* each byte equals the one before */
    }
    free(p);
    return st;
}

enum status bank_append(struct bank *b, const struct flash_change *changes, unsigned count, uint32_t *place)
{
    struct commit c = { .boot = b->boot, .counter = b->counter, .sequence = b->sequence, .count = count };
    size_t len = commit_len(changes, count);
    uint8_t tag[COMMIT_TAG_LEN], *p;
    enum status st = ST_OK;

    INVARIANT(len <= bank_room(b));
    if ((p = OPENSSL_malloc(len)) == NULL)
        return ST_NO_MEMORY;
    memcpy(tag, b->tag, sizeof tag);
    if (commit_seal(&b->keys, &c, tag, changes, p) != ST_OK) {
        st = ST_NO_MEMORY; /* what else libcrypto can lack here; and nothing has been written */
        goto done;
    }
    if (b->hal->flash_write(b->hal->self, b->region, b->end, p, len) != ST_OK) {
        st = ST_IO;
        goto done;
    }
    *place = (uint32_t)b->end;
    b->end += len;
    b->sequence++;
    memcpy(b->tag, tag, sizeof tag);
done:
    OPENSSL_clear_free(p, len); /* sealed in place: only a failure leaves anything to wipe */
    return st;
}

/* The bytes of the commit at `place`, and the tag before it, which every commit but the first has in front of it. */
static enum status read_commit(const struct bank *b, uint32_t place, struct commit *c, uint8_t tag[COMMIT_TAG_LEN],
                               uint8_t **memory, size_t *len)
{
    uint8_t front[COMMIT_TAG_LEN + COMMIT_HEADER_LEN + COMMIT_TAG_LEN];

    if (b->hal->flash_read(b->hal->self, b->region, place - COMMIT_TAG_LEN, front, sizeof front) != ST_OK)
        return ST_IO;
    memcpy(tag, place == BANK_LOG_AT ? b->header + MAC_AT : front, COMMIT_TAG_LEN);
    if (!commit_read_header(&b->keys, front + COMMIT_TAG_LEN, b->size - place, c))
        return ST_CORRUPT;
    *len = COMMIT_LEN_MIN + c->length;
    if ((*memory = OPENSSL_malloc(*len)) == NULL)
        return ST_NO_MEMORY;
    /* the header that was checked stays, even if the flash now says another one */
    memcpy(*memory, front + COMMIT_TAG_LEN, COMMIT_HEADER_LEN);
    return b->hal->flash_read(b->hal->self, b->region, place + COMMIT_HEADER_LEN, *memory + COMMIT_HEADER_LEN,
                              *len - COMMIT_HEADER_LEN) == ST_OK
               ? ST_OK
               : ST_IO;
}

enum status bank_read_record(const struct bank *b, const struct record *r, uint8_t **memory, size_t *len,
                             struct span *value)
{
    uint8_t tag[COMMIT_TAG_LEN];
    struct flash_change change;
    size_t at = r->at;
    struct commit c;
    enum status st;

    *memory = NULL;
    *len = 0;
    if ((st = read_commit(b, r->place, &c, tag, memory, len)) != ST_OK ||
        (st = commit_open(&b->keys, &c, tag, *memory)) != ST_OK)
        goto fail;
    st = ST_CORRUPT;
    if (c.sequence != r->sequence || at > c.length || commit_next(&c, *memory, &at, &change) != ST_OK ||
        change.value.len != r->len || change.remove)
        goto fail;
    *value = change.value;
    return ST_OK;
fail:
    OPENSSL_clear_free(*memory, *len);
    *memory = NULL;
    *len = 0;
    return st;
}
