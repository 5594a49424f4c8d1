/* pin.h - PIN records: scrypt (RFC 7914) with a salt of its own and a pepper that follows from the domain key, so
 * a stolen flash cannot be searched, and a partition's PINs go with its backup to any keystore of the domain. The count
 * of tries is part of the record; storing it before the compare is the caller's. */
#ifndef STRONGROOM_PIN_H
#define STRONGROOM_PIN_H

#include "firmware/base/bytes.h"

#define PIN_RECORD_LEN 80
#define PIN_COST       (1u << 14) /* scrypt's N: 16 MiB and some 40 ms */

extern uint32_t pin_cost; /* of new PINs: PIN_COST, and only tests set it lower */

struct pin {
    bool set;
    uint8_t tries; /* wrong ones since the last right one */
    uint32_t cost; /* scrypt's N, a power of two up to 2^16; r = 8, p = 1 */
    uint8_t salt[16];
    uint8_t hash[32];
};

/* Errors: ST_CORRUPT no random bytes; ST_NO_MEMORY. */
MUST_CHECK enum status pin_make(struct pin *p, struct span pin, const uint8_t pepper[32]);
/* Constant time. ST_NOT_PERMITTED: another PIN. */
MUST_CHECK enum status pin_check(const struct pin *p, struct span pin, const uint8_t pepper[32]);
void pin_pack(const struct pin *p, uint8_t out[PIN_RECORD_LEN]);
/* Errors: ST_CORRUPT. */
MUST_CHECK enum status pin_unpack(struct pin *p, const uint8_t in[PIN_RECORD_LEN]);

#endif
