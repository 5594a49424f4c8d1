/* statement.h - what the keystore says of itself: which firmware it is, in which state, of which domain; signed by its
 * device key and, on a board with such a root, with the root's own word on what was measured. One form for all: an
 * attestation, and the last word of a board whose keys are destroyed. */
#ifndef STRONGROOM_STATEMENT_H
#define STRONGROOM_STATEMENT_H

#include "firmware/call.h"

/* The caller has set purpose, nonce and, if there are any, key and destruction; all else in `s` is filled in here, and
 * *out is the whole, in the call's memory. Takes the keystore's lock; neither that nor a partition's is held. May be as
 * slow as the board's TPM. Errors: CKR_HOST_MEMORY; CKR_DEVICE_MEMORY longer than STATEMENT_MAX; CKR_DEVICE_ERROR. */
MUST_CHECK CK_RV statement_make(struct call *c, Ks__Statement *s, Ks__SignedStatement *out);
/* The certificates of the device key, leaf first: what the factory gave, else the self-signed one. In the call's
 * memory. The keystore's lock is held. Errors: CKR_HOST_MEMORY. */
MUST_CHECK CK_RV statement_chain(struct call *c, size_t *count, ProtobufCBinaryData **out);
/* The root's attestation key; empty: the board has no such root. In the call's memory. Errors: CKR_HOST_MEMORY;
 * CKR_DEVICE_ERROR. */
MUST_CHECK CK_RV statement_quote_key(struct call *c, ProtobufCBinaryData *out);

#endif
