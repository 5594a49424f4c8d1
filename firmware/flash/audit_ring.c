#include "firmware/flash/audit_ring.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>

#include "firmware/base/secret.h"
#include "firmware/base/big_endian.h"

#define RECORDS_AT 1024
#define SLOT_LEN   512
#define HEAD_LEN   96
#define MAC_AT     64
#define PLACES_MIN 64
#define STEP       1024 /* records read at once */

static const uint8_t magic[8] = "SRAUDIT1";
static const uint8_t no_hash[AUDIT_HASH_LEN];

enum status audit_ring_hash(const struct audit_ring *r, const uint8_t before[AUDIT_HASH_LEN], const uint8_t *record,
                            uint8_t out[AUDIT_HASH_LEN])
{
    if (EVP_DigestInit_ex2(r->ctx, r->md, NULL) != 1 || EVP_DigestUpdate(r->ctx, before, AUDIT_HASH_LEN) != 1 ||
        EVP_DigestUpdate(r->ctx, record, AUDIT_HASHED_LEN) != 1 || EVP_DigestFinal_ex(r->ctx, out, NULL) != 1)
        return ST_INTERNAL;
    return ST_OK;
}

/* One stretch of records for each side of the ring's end. */
static size_t until_end(const struct audit_ring *r, uint64_t from, size_t count)
{
    uint64_t left = r->places - from % r->places;

    return count < left ? count : (size_t)left;
}

static size_t place_of(const struct audit_ring *r, uint64_t number)
{
    return RECORDS_AT + (size_t)(number % r->places) * AUDIT_RECORD_LEN;
}

enum status audit_ring_write(struct audit_ring *r, uint64_t from, const uint8_t *records, size_t count)
{
    for (size_t n; count > 0; from += n, records += n * AUDIT_RECORD_LEN, count -= n) {
        n = until_end(r, from, count);
        if (r->hal->flash_write(r->hal->self, HAL_REGION_AUDIT, place_of(r, from), records, n * AUDIT_RECORD_LEN) !=
            ST_OK)
            return ST_IO;
    }
    return ST_OK;
}

enum status audit_ring_read(const struct audit_ring *r, uint64_t from, uint8_t *records, size_t count)
{
    for (size_t n; count > 0; from += n, records += n * AUDIT_RECORD_LEN, count -= n) {
        n = until_end(r, from, count);
        if (r->hal->flash_read(r->hal->self, HAL_REGION_AUDIT, place_of(r, from), records, n * AUDIT_RECORD_LEN) !=
            ST_OK)
            return ST_IO;
    }
    return ST_OK;
}

/* Heads */

static bool head_mac(const struct audit_ring *r, const uint8_t *head, uint8_t mac[32])
{
    return HMAC(EVP_sha256(), r->mac_key, sizeof r->mac_key, head, MAC_AT, mac, NULL) != NULL;
}

enum status audit_ring_write_head(struct audit_ring *r, uint64_t sequence, const uint8_t hash[AUDIT_HASH_LEN])
{
    uint8_t head[HEAD_LEN], *p = head;

    memcpy(p, magic, sizeof magic);
    p = be_put(p + sizeof magic, r->first, 8);
    p = be_put(p, sequence, 8);
    memcpy(p, hash, AUDIT_HASH_LEN);
    be_put(p + AUDIT_HASH_LEN, r->places, 8);
    if (!head_mac(r, head, head + MAC_AT))
        return ST_INTERNAL;
    if (r->hal->flash_write(r->hal->self, HAL_REGION_AUDIT, r->slot * SLOT_LEN, head, sizeof head) != ST_OK)
        return ST_IO;
    r->slot = 1 - r->slot;
    return ST_OK;
}

/* Takes over the newer of the heads that verify. ST_NOT_FOUND: none does. */
static enum status read_heads(struct audit_ring *r)
{
    enum status st = ST_NOT_FOUND;

    for (unsigned slot = 0; slot < 2; slot++) {
        uint8_t head[HEAD_LEN], mac[32];
        uint64_t sequence;

        if (r->hal->flash_read(r->hal->self, HAL_REGION_AUDIT, slot * SLOT_LEN, head, sizeof head) != ST_OK)
            return ST_IO;
        if (!head_mac(r, head, mac))
            return ST_INTERNAL;
        sequence = be_get(head + 16, 8);
        if (memcmp(head, magic, sizeof magic) != 0 || CRYPTO_memcmp(mac, head + MAC_AT, sizeof mac) != 0 ||
            be_get(head + 56, 8) != r->places || (st == ST_OK && sequence <= r->newest))
            continue;
        r->first = be_get(head + 8, 8);
        r->newest = sequence;
        memcpy(r->hash, head + 24, AUDIT_HASH_LEN);
        r->slot = 1 - slot;
        st = ST_OK;
    }
    return st;
}

/* Verifying */

struct reader {
    const struct audit_ring *ring;
    uint8_t *records;
    uint64_t from;
    size_t count;
    enum status st;
};

/* Record `number` as it is stored, or NULL after an error. Reads ahead. */
static const uint8_t *reader_at(struct reader *rd, uint64_t number)
{
    if (number < rd->from || number - rd->from >= rd->count) {
        rd->from = number;
        rd->count = until_end(rd->ring, number, STEP);
        if (audit_ring_read(rd->ring, rd->from, rd->records, rd->count) != ST_OK) {
            rd->count = 0;
            rd->st = ST_IO;
            return NULL;
        }
    }
    return rd->records + (number - rd->from) * AUDIT_RECORD_LEN;
}

static bool is_numbered(const uint8_t *record, uint64_t number)
{
    static const uint8_t zeros[AUDIT_HASH_AT - AUDIT_HASHED_LEN];

    return be_get(record, 8) == number && memcmp(record + AUDIT_HASHED_LEN, zeros, sizeof zeros) == 0;
}

static bool is_linked(struct reader *rd, const uint8_t before[AUDIT_HASH_LEN], const uint8_t *record)
{
    uint8_t hash[AUDIT_HASH_LEN];
    enum status st = audit_ring_hash(rd->ring, before, record, hash);

    if (st != ST_OK)
        rd->st = st;
    return st == ST_OK && memcmp(hash, record + AUDIT_HASH_AT, AUDIT_HASH_LEN) == 0;
}

/* From the head's record on to the last one that is linked. What follows was torn by a power cut. */
static enum status find_newest(struct audit_ring *r, struct reader *rd)
{
    const uint8_t *record;

    if (r->newest >= r->first) {
        if ((record = reader_at(rd, r->newest)) == NULL)
            return rd->st;
        if (!is_numbered(record, r->newest) || memcmp(record + AUDIT_HASH_AT, r->hash, AUDIT_HASH_LEN) != 0)
            return ST_CORRUPT;
    }
    for (uint64_t n = 0; n < 2 * r->slack; n++) { /* what the lost head named, and what was not durable */
        if ((record = reader_at(rd, r->newest + 1)) == NULL)
            return rd->st;
        if (!is_numbered(record, r->newest + 1) || !is_linked(rd, r->hash, record))
            break;
        memcpy(r->hash, record + AUDIT_HASH_AT, AUDIT_HASH_LEN);
        r->newest++;
    }
    return rd->st;
}

/* From the oldest place on. Only the records that were being overwritten last may be broken; the first one that is not
 * anchors the others, whose hashes include its own, and is not counted, since nothing vouches for its fields. */
static enum status verify(struct audit_ring *r, struct reader *rd)
{
    uint64_t ring_start = r->newest >= r->places ? r->newest + 1 - r->places : 0;
    uint64_t number = ring_start > r->first ? ring_start : r->first;
    uint8_t before[AUDIT_HASH_LEN] = { 0 };
    bool anchored = number == r->first;

    r->oldest = number;
    for (; number <= r->newest; number++) {
        const uint8_t *record = reader_at(rd, number);
        bool numbered, linked;

        if (record == NULL)
            return rd->st;
        numbered = is_numbered(record, number);
        linked = numbered && anchored && is_linked(rd, before, record);
        if (!linked) {
            if (rd->st != ST_OK)
                return rd->st;
            if (number + r->places > r->newest + 1 + r->slack)
                return ST_CORRUPT;
            anchored = numbered;
            r->oldest = number + 1;
        }
        memcpy(before, record + AUDIT_HASH_AT, AUDIT_HASH_LEN);
    }
    return ST_OK;
}

static enum status is_blank(struct reader *rd, bool *blank)
{
    *blank = true;
    for (uint64_t n = 0; *blank && n < rd->ring->places; n += rd->count) {
        const uint8_t *p = reader_at(rd, n);

        if (p == NULL)
            return rd->st;
        *blank = p[0] == 0xff && memcmp(p, p + 1, rd->count * AUDIT_RECORD_LEN - 1) == 0;
    }
    return ST_OK;
}

static enum status begin_chain(struct audit_ring *r, uint64_t first)
{
    enum status st;

    r->first = r->oldest = first;
    r->newest = first - 1;
    memcpy(r->hash, no_hash, sizeof no_hash);
    if ((st = audit_ring_write_head(r, r->newest, r->hash)) != ST_OK)
        return st;
    return r->hal->flash_sync(r->hal->self, HAL_REGION_AUDIT) == ST_OK ? ST_OK : ST_IO;
}

static enum status open_chain(struct audit_ring *r, struct reader *rd)
{
    bool blank = false;
    enum status st = read_heads(r);

    if (st == ST_OK)
        return (st = find_newest(r, rd)) == ST_OK ? verify(r, rd) : st;
    if (st != ST_NOT_FOUND || (st = is_blank(rd, &blank)) != ST_OK)
        return st;
    return blank ? begin_chain(r, 1) : ST_CORRUPT;
}

enum status audit_ring_open(struct audit_ring *r, const struct hal *hal, const uint8_t mac_key[32])
{
    size_t size = hal->flash_size(hal->self, HAL_REGION_AUDIT);
    struct reader rd = { .ring = r };
    enum status st;

    *r = (struct audit_ring){ .hal = hal };
    memcpy(r->mac_key, mac_key, sizeof r->mac_key);
    if (size < RECORDS_AT + PLACES_MIN * AUDIT_RECORD_LEN)
        return ST_IO;
    r->places = (size - RECORDS_AT) / AUDIT_RECORD_LEN;
    r->slack = r->places / 2 < 2 * AUDIT_SYNC_RECORDS ? r->places / 2 : 2 * AUDIT_SYNC_RECORDS;
    if ((r->md = EVP_MD_fetch(NULL, "SHA256", NULL)) == NULL || (r->ctx = EVP_MD_CTX_new()) == NULL ||
        (rd.records = malloc((size_t)STEP * AUDIT_RECORD_LEN)) == NULL)
        return ST_NO_MEMORY;
    st = open_chain(r, &rd);
    free(rd.records);
    return st;
}

enum status audit_ring_restart(struct audit_ring *r)
{
    return begin_chain(r, r->newest + 2 * r->slack + 1); /* behind what may have been written of the old chain */
}

void audit_ring_clear(struct audit_ring *r)
{
    EVP_MD_CTX_free(r->ctx);
    EVP_MD_free(r->md);
    secret_wipe(r, sizeof *r);
}
