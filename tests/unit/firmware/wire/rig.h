/* rig.h - what the tests of the link share: keys and certificates, both ends of a link in one process. */
#ifndef STRONGROOM_TESTS_WIRE_RIG_H
#define STRONGROOM_TESTS_WIRE_RIG_H

#include "firmware/wire/link.h"

struct credential {
    EVP_PKEY *key;
    X509 *certificate;
    uint8_t fingerprint[LINK_FINGERPRINT_LEN];
};

/* `kind`: "P-256", "P-384", "P-521", "ED25519", "RSA". Stops the process when anything fails. */
void credential_make(struct credential *c, const char *kind);
void credential_clear(struct credential *c);

struct pair {
    struct credential board_credential, client_credential;
    struct link_identity *board_identity, *client_identity;
    struct link *board, *client;
};

extern const uint8_t rig_boot_id[LINK_BOOT_ID_LEN];

/* Identities and two fresh links; nothing has been fed. */
void pair_init(struct pair *p, enum link_framing framing);
/* New links on the same identities. */
void pair_renew(struct pair *p, enum link_framing framing);
void pair_clear(struct pair *p);
/* Carry what there is both ways, in pieces of at most `piece` bytes, until both are silent. The first failure ends it.
 */
enum status pair_pump(struct pair *p, size_t piece);
/* pair_init() and the handshake. */
void pair_open(struct pair *p, enum link_framing framing);
/* All that `from` has to send, as one feed to `to`. */
enum status carry(struct link *from, struct link *to);

#endif
