/* slot.h - one slot: a token of a keystore, reached through a pool of connections, and what we remember of it. */
#ifndef STRONGROOM_PKCS11_MODULE_SLOT_H
#define STRONGROOM_PKCS11_MODULE_SLOT_H

#include "pkcs11/module/config.h"
#include "pkcs11/module/key_cache.h"
#include "pkcs11/module/pool.h"

#define SLOT_MECHANISMS_MAX 256

struct slot {
    CK_SLOT_ID id;
    const struct slot_config *config;
    struct link_identity *identity; /* identity.h's */
    struct pool pool;
    struct key_cache keys;
    pthread_mutex_t lock; /* of the mechanism list */
    uint64_t mechanisms_generation;
    unsigned mechanism_count;
    Ks__MechanismInfo mechanisms[SLOT_MECHANISMS_MAX];
};

/* Reads the certificates and the key; does not connect. Errors: CKR_GENERAL_ERROR they are not there, or not usable;
 * CKR_HOST_MEMORY. */
MUST_CHECK CK_RV slot_new(CK_SLOT_ID id, const struct slot_config *config, struct slot **out);
void slot_free(struct slot *s); /* all connections have been given back */

/* The mechanisms as the keystore lists them, asked for once per generation. CKR_MECHANISM_INVALID: it is not among
 * them. Other errors: of the transport. */
MUST_CHECK CK_RV slot_mechanism(struct slot *s, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *out);
/* By C_GetMechanismList's rule. */
MUST_CHECK CK_RV slot_mechanism_list(struct slot *s, CK_MECHANISM_TYPE *list, CK_ULONG *count);
MUST_CHECK CK_RV slot_token_info(struct slot *s, CK_TOKEN_INFO *out);
MUST_CHECK CK_RV slot_link_keys(struct slot *s, CK_ULONG *count); /* of the token's partition */
MUST_CHECK CK_RV slot_init_token(struct slot *s, struct span so_pin, struct span label);
/* The keystore answers. Bounded by CALL_MS. */
bool slot_is_present(struct slot *s);
void slot_info(struct slot *s, CK_SLOT_INFO *out);
/* Fill a field of CK_INFO and its kin: not ended by NUL, filled up with spaces. */
void pad_text(CK_UTF8CHAR *field, size_t room, const char *text);

#endif
