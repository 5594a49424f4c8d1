/* seal_blob.h - the layout of a sealed key, and what its MAC covers. Pure.
 *
 *   version     1 byte, 1
 *   KEK id     16 bytes, the CKA_ID of the domain key that wrapped it
 *   wrapped     n bytes: AES key wrap with padding (RFC 5649) of the PKCS#8 or secret key
 *   MAC        32 bytes, HMAC-SHA256 by the token's binding key
 *
 * Key wrap authenticates the key's bytes alone. The MAC binds them to the version, the KEK, type and size, the uses,
 * the public key and the caller's context, so nothing in the store can be swapped or edited without the token noticing.
 * It cannot notice that an older blob is put back with its older context: that is the store's to prevent, by its
 * versions. */
#ifndef STRONGROOM_PKCS11_SEAL_BLOB_H
#define STRONGROOM_PKCS11_SEAL_BLOB_H

#include "pkcs11/token/state.h"

#define SEAL_VERSION    1
#define SEAL_HEADER_LEN (1 + KEK_ID_LEN)

struct seal_blob {
    struct span kek_id;
    struct span wrapped;
    struct span mac;
};

/* Borrow the parts of `blob`. Errors: ST_CORRUPT. */
MUST_CHECK enum status seal_blob_parse(struct span blob, struct seal_blob *out);
/* Version, KEK id and wrapped bytes into `out`; the MAC comes behind. */
void seal_blob_start(struct bytes *out, struct span kek_id, struct span wrapped);

/* What a blob is bound to. */
struct seal_binding {
    struct key_spec spec;
    unsigned uses;
    struct span public_der;
    struct span context;
};
/* The input of the MAC over `body` (the blob without its MAC): every part behind its length, so that no two different
 * sets of parts give the same bytes. Check bytes_status(). */
void seal_blob_mac_input(struct bytes *out, struct span body, const struct seal_binding *binding);

#endif
