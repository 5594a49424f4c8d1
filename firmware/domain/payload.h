/* payload.h - what a security domain's file keeps secret, and how it is packed (numbers big-endian):
 *   format        1   1
 *   domain id     8
 *   domain key   32
 *   generation    4   of the holders
 *   required      1
 *   name              its length (1), its bytes
 *   holders           their number (1); each: name's length (1), name, certificate's length (2), certificate (DER)
 * There is one text for each content: nothing may be left over. Pure; thread-safe. */
#ifndef STRONGROOM_DOMAIN_PAYLOAD_H
#define STRONGROOM_DOMAIN_PAYLOAD_H

#include "firmware/base/secret.h"
#include "firmware/wire/limits.h"

#define PAYLOAD_MAX                                                                                                    \
    (1 + DOMAIN_ID_LEN + DOMAIN_KEY_LEN + 4 + 1 + 1 + PARTITION_NAME_MAX + 1 +                                         \
     HOLDERS_MAX * (1 + PARTITION_NAME_MAX + 2 + CERTIFICATE_MAX))

struct payload_holder {
    struct span name, certificate;
};

struct payload {
    uint8_t domain_id[DOMAIN_ID_LEN], domain_key[DOMAIN_KEY_LEN];
    uint32_t generation, required;
    struct span name;
    size_t holder_count;
    struct payload_holder holders[HOLDERS_MAX]; /* their order is that of the shares: x = 1, 2, ... */
    struct secret packed; /* of one that was unpacked: what the spans point into. Else empty, and they are borrowed */
};

/* Does it keep its limits: HOLDERS_MIN to HOLDERS_MAX holders, no certificate twice, QUORUM_MIN to the holders' number
 * required, lengths, no NUL in a name? */
bool payload_is_valid(const struct payload *p);
/* Replaces what `out` held. Errors: ST_BAD_REQUEST not valid; ST_NO_MEMORY. */
MUST_CHECK enum status payload_pack(const struct payload *p, struct secret *out);
/* Takes `packed` over, whatever comes of it; `out` must be empty and is so after an error. Errors: ST_UNSUPPORTED
 * another format; ST_CORRUPT. */
MUST_CHECK enum status payload_unpack(struct secret *packed, struct payload *out);
void payload_clear(struct payload *p); /* wipes */

#endif
