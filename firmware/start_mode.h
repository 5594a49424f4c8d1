/* start_mode.h - who must come before a keystore that has been started works. Unattended: nobody. Attended: a number of
 * operators, each with a passphrase of his own.
 *
 * The domain key in the flash is then encrypted under a random *start secret*, of which each operator has a share
 * (Shamir's scheme, firmware/domain/shamir.h), encrypted under his passphrase:
 *   share key    scrypt over HMAC(pepper, passphrase), at four times a PIN's cost, with a salt of his own; the pepper
 *                follows from the root key
 *   share        AES-256-GCM, nonce in front, tag behind; additional data: the operator's name
 *   domain key   the same under HMAC-SHA256(start secret, title)
 * So the flash with the root key is not enough. UNLOCK_TRIES_MAX wrong passphrases, of whomever, without an opening
 * close this door; the domain's holders have another one (DOMAIN_RESTORE). Guarded by the keystore's lock. */
#ifndef STRONGROOM_START_MODE_H
#define STRONGROOM_START_MODE_H

#include "firmware/crypto/attributes.h"
#include "firmware/wire/body.h"

#define START_SECRET_LEN  32
#define START_SHARE_LEN   (2 * START_SECRET_LEN) /* words of 16 bits */
#define START_SALT_LEN    16
#define START_OVERHEAD    (12 + 16) /* nonce and tag */
#define START_WRAPPED_LEN (START_SHARE_LEN + START_OVERHEAD)
#define START_DOMAIN_LEN  (32 + START_OVERHEAD)
#define START_PEPPER_LEN  32

struct operator_record {
    char name[PARTITION_NAME_MAX + 1];
    uint32_t cost; /* scrypt's N */
    uint8_t salt[START_SALT_LEN];
    uint8_t share[START_WRAPPED_LEN];
};

struct start_mode {
    uint32_t required; /* 0: unattended */
    unsigned count;
    struct operator_record operators[OPERATORS_MAX];
    uint8_t domain_key[START_DOMAIN_LEN]; /* encrypted; attended only */
    uint32_t tries;                       /* wrong passphrases since the domain was open last */
};

/* Shares that operators have opened since the start. */
struct unlocking {
    uint64_t since_ms; /* the first of them came; CLOCK_MONOTONIC */
    unsigned given;
    bool has[OPERATORS_MAX];
    uint8_t shares[OPERATORS_MAX][START_SHARE_LEN];
};

/* A new attended start: draws the secret, encrypts the domain key and a share for each operator. Slow: a scrypt for
 * each. Errors: CKR_ARGUMENTS_BAD a name, a passphrase too short, too few operators, one named twice;
 * CKR_DEVICE_ERROR; CKR_HOST_MEMORY. */
MUST_CHECK CK_RV start_mode_make(struct start_mode *s, const Ks__StartModeSet *m, const uint8_t domain_key[32],
                                 const uint8_t pepper[START_PEPPER_LEN]);
/* One operator's passphrase: his share into `u`. Slow. Errors: CKR_PASSPHRASE_INCORRECT, also for a name that is not
 * there; CKR_HOST_MEMORY. */
MUST_CHECK CK_RV start_mode_open_share(const struct start_mode *s, const char *name, struct span passphrase,
                                       const uint8_t pepper[START_PEPPER_LEN], struct unlocking *u);
/* Enough are given: the domain key. Errors: CKR_DEVICE_ERROR the shares and the record do not fit. */
MUST_CHECK CK_RV start_mode_open(const struct start_mode *s, const struct unlocking *u, uint8_t domain_key[32]);

MUST_CHECK CK_RV start_mode_pack(const struct start_mode *s, struct attributes *a, CK_ATTRIBUTE_TYPE first);
/* Errors: CKR_DATA_INVALID. */
MUST_CHECK CK_RV start_mode_unpack(struct start_mode *s, const struct attributes *a, CK_ATTRIBUTE_TYPE first);

#endif
