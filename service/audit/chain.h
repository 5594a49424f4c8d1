/* chain.h - the lines of a trail: how one is made, hashed and read. Shared by the writer and the verifier. Private to
 * this folder; docs/audit.md has the format.
 *
 *   {<record>,"source":"vaultd","seq":17,"prev":"<SHA-256 of line 16 without its line end, 64 hex digits>"}
 *
 * Lines are numbered from 1 through all segments; line 1 has a prev of zeros. */
#ifndef STRONGROOM_AUDIT_CHAIN_H
#define STRONGROOM_AUDIT_CHAIN_H

#include <openssl/evp.h>

#include "firmware/base/bytes.h"

#define CHAIN_HASH_LEN   32
#define CHAIN_SOURCE_MAX 32
#define CHAIN_TAIL_MAX   160 /* what a line has beyond its record: source, number, hash, punctuation, line end */

/* A place in the chain: a line's number and hash. All zero: before the first line. */
struct chain_point {
    uint64_t seq;
    uint8_t hash[CHAIN_HASH_LEN];
};

static inline bool chain_point_equal(const struct chain_point *a, const struct chain_point *b)
{
    return a->seq == b->seq && memcmp(a->hash, b->hash, CHAIN_HASH_LEN) == 0;
}

/* SHA-256 with what it needs at hand, so that a line costs no fetch and no memory. One thread at a time. */
struct chain_hasher {
    EVP_MD *md;
    EVP_MD_CTX *ctx;
};

/* Errors: ST_NO_MEMORY; ST_INTERNAL libcrypto has no SHA-256. */
MUST_CHECK enum status chain_hasher_init(struct chain_hasher *h);
void chain_hasher_clear(struct chain_hasher *h);
MUST_CHECK enum status chain_hash(struct chain_hasher *h, struct span line, uint8_t out[CHAIN_HASH_LEN]);

/* Is it a name a source may have: 1 to CHAIN_SOURCE_MAX of a-z, 0-9 and "-"? */
bool chain_is_source(struct span source);
/* May it stand in a line: no control character, no member that is the trail's own first? */
bool chain_is_record(struct span record);

/* Append the line that follows `at`, with its line end, and move `at` to it. Errors: ST_NO_MEMORY; ST_INTERNAL (`out`
 * and `at` are then as before). */
MUST_CHECK enum status chain_append(struct chain_hasher *h, struct bytes *out, struct chain_point *at,
                                    struct span record, struct span source);

struct chain_line {
    struct span record, source; /* point into the line */
    uint64_t seq;
    uint8_t prev[CHAIN_HASH_LEN];
};
/* Read a line, given without its line end. Exact: there is one way to write it. Errors: ST_BAD_REQUEST. */
MUST_CHECK enum status chain_parse(struct span line, struct chain_line *out);

/* Pieces shared with checkpoint.c and trail.c. */
void chain_hex(char out[2 * CHAIN_HASH_LEN], const uint8_t hash[CHAIN_HASH_LEN]);      /* no NUL */
bool chain_unhex(uint8_t out[CHAIN_HASH_LEN], const uint8_t text[2 * CHAIN_HASH_LEN]); /* lower case alone */
/* A number without sign, leading zero or overflow. */
bool chain_read_number(struct span digits, uint64_t *out);

#endif
