/* act.h - what the holders of a security domain sign to approve a dangerous act, and what a keystore signs about
 * itself. Both ends make the same bytes, so a holder sees on his own machine what the keystore will check.
 *
 * An approval is a signature over (all numbers big-endian):
 *   "strongroom act v1" and a NUL     18 bytes
 *   kind                               2   the request's message_kind
 *   device                            32   the keystore's fingerprint
 *   domain id                          8   zeros where there is no domain yet (DOMAIN_RESTORE)
 *   generation                         4   of the holders in force; 0 likewise
 *   sequence                           8   the act number: each act that is done uses one up
 *   expires_ms                         8
 *   digest                            32   SHA-256 of the request as packed, without its authorisation and without
 *                                          what is added at the last moment: the shares of DOMAIN_RESTORE, the
 *                                          passphrases of START_MODE_SET
 *
 * So it is for this act, with these parameters, on this keystore, under these holders, once, until then. */
#ifndef STRONGROOM_WIRE_ACT_H
#define STRONGROOM_WIRE_ACT_H

#include "firmware/wire/body.h"

#define ACT_STATEMENT_LEN (18 + 2 + LINK_FINGERPRINT_LEN + DOMAIN_ID_LEN + 4 + 8 + 8 + 32)

struct act {
    uint16_t kind;
    uint8_t device[LINK_FINGERPRINT_LEN];
    uint8_t domain_id[DOMAIN_ID_LEN];
    uint32_t generation;
    uint64_t sequence, expires_ms;
    uint8_t digest[32];
};

/* Is this a kind that holders approve? */
bool act_kind_is_dangerous(uint16_t kind);
/* The digest of the request `m` of that kind. Thread-safe; `m` is as before when it returns, and nobody else may look
 * at it meanwhile. Errors: ST_NO_MEMORY; ST_BAD_REQUEST no such kind. */
MUST_CHECK enum status act_digest(uint16_t kind, ProtobufCMessage *m, uint8_t out[32]);
void act_statement(const struct act *a, uint8_t out[ACT_STATEMENT_LEN]);
/* The request's authorisation; NULL: it has none, or its kind never has. */
const Ks__Authorisation *act_authorisation(uint16_t kind, const ProtobufCMessage *m);
/* Put `a` (borrowed; NULL: none) into the request of a dangerous kind. */
void act_authorise(uint16_t kind, ProtobufCMessage *m, Ks__Authorisation *a);

/* What a keystore signs about itself: this text with its NUL, then the packed Statement. */
#define STATEMENT_PREFIX "strongroom statement v1"
enum statement_purpose { STATEMENT_ATTESTATION = 1, STATEMENT_DESTRUCTION = 2 };

#endif
