/* hal.h - what the firmware asks of the board it runs on. A board is one implementation of `struct hal`; the firmware
 * makes no other call to the world outside, but for memory, threads and clocks of the C library. Every function may be
 * called from any thread unless it says otherwise. `self` is the board's own. */
#ifndef STRONGROOM_BOARD_HAL_H
#define STRONGROOM_BOARD_HAL_H

#include "firmware/base/bytes.h"

#define HAL_ROOT_KEY_LEN    32
#define HAL_ENTROPY_SOURCES 4

/* Parts of the flash. Each is a plain range of bytes, all 0xff when new; a write is not durable before
 * hal.flash_sync(), and a power cut may leave any part of what was not synced, in any order. */
enum hal_region {
    HAL_REGION_STORE_A, /* the object store's two banks */
    HAL_REGION_STORE_B,
    HAL_REGION_AUDIT, /* the audit chain */
    HAL_REGION_COUNT_
};

struct hal_facts {
    const char *board;         /* "sim" */
    bool hardware;             /* a machine of its own that its host cannot look into */
    const char *root;          /* "tpm" or "insecure-file" */
    const char *isolation;     /* "full", or what the sandbox lacks */
    uint8_t firmware_hash[32]; /* SHA-256 of the running image, as measured */
};

struct hal {
    void *self;
    struct hal_facts facts;

    /* The device root key, made at the first start and bound to what was measured. Errors: ST_CORRUPT it does not
     * unseal: other firmware, or another board; ST_NOT_FOUND it was destroyed; ST_UNAVAILABLE the TPM is away. */
    enum status (*root_key)(void *self, uint8_t out[HAL_ROOT_KEY_LEN]);
    /* Destroy it for good. */
    enum status (*root_destroy)(void *self);

    /* The monotonic counter. It outlives the flash and never goes back. About 10^5 increments in a life. */
    enum status (*counter_read)(void *self, uint64_t *out);
    enum status (*counter_increment)(void *self, uint64_t *out);

    size_t (*flash_size)(void *self, enum hal_region region);
    enum status (*flash_read)(void *self, enum hal_region region, size_t at, void *out, size_t len);
    enum status (*flash_write)(void *self, enum hal_region region, size_t at, const void *p, size_t len);
    enum status (*flash_sync)(void *self, enum hal_region region);

    /* Raw samples of one source of entropy, for the health tests: not conditioned. `source` below HAL_ENTROPY_SOURCES.
     * Errors: ST_NOT_FOUND the board has no such source; ST_IO. */
    enum status (*entropy)(void *self, unsigned source, uint8_t *out, size_t len);
    const char *(*entropy_name)(void *self, unsigned source); /* NULL: no such source */

    uint64_t (*time_unix_ms)(void *self); /* the board's idea of the time: not trusted */

    /* The public identity certificate (DER), for whoever brings the board into service. */
    enum status (*publish_identity)(void *self, struct span certificate);
    /* The signed statement that everything is destroyed (a packed SignedStatement): durable when it returns, and there
     * for whoever has the board in hand even if no answer leaves any more. Empty: take it back. */
    enum status (*publish_destruction)(void *self, struct span statement);

    /* The root of trust's own word on what was measured. `quote_key` is the public half of its attestation key
     * (SubjectPublicKeyInfo, P-256), the same at each start; `quote` a TPMS_ATTEST (TPM 2.0, Part 2, 10.12.8) over the
     * PCR that firmware_hash was measured into, with `nonce` as its extra data, and an ECDSA signature of it (DER).
     * Errors: ST_NOT_FOUND the board has no such root; ST_UNAVAILABLE. Callers clear what they got. */
    enum status (*quote_key)(void *self, struct bytes *spki);
    enum status (*quote)(void *self, const uint8_t nonce[32], struct bytes *attest, struct bytes *signature);
};

#endif
