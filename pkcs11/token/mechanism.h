/* mechanism.h - the operations on an open key, by key type. Each checks the lengths that its algorithm allows, sizes
 * the output exactly, and calls the module through `w`. That `alg` fits the key and its uses has been checked
 * (operation.c). Errors of all: ST_BAD_REQUEST a length; ST_BAD_CIPHERTEXT; and what the calls give. */
#ifndef STRONGROOM_PKCS11_MECHANISM_H
#define STRONGROOM_PKCS11_MECHANISM_H

#include "pkcs11/token/state.h"

MUST_CHECK enum status rsa_sign(struct worker *w, struct token_job *job, const struct token_key *key);
MUST_CHECK enum status rsa_decrypt(struct worker *w, struct token_job *job, const struct token_key *key);

MUST_CHECK enum status ec_sign(struct worker *w, struct token_job *job, const struct token_key *key);

MUST_CHECK enum status hmac_sign(struct worker *w, struct token_job *job, const struct token_key *key);
MUST_CHECK enum status hmac_verify(struct worker *w, struct token_job *job, const struct token_key *key);

MUST_CHECK enum status aes_encrypt(struct worker *w, struct token_job *job, const struct token_key *key);
MUST_CHECK enum status aes_decrypt(struct worker *w, struct token_job *job, const struct token_key *key);
MUST_CHECK enum status aes_wrap(struct worker *w, struct token_job *job, const struct token_key *key);
MUST_CHECK enum status aes_unwrap(struct worker *w, struct token_job *job, const struct token_key *key);

/* Salt as long as the hash. */
CK_RSA_PKCS_PSS_PARAMS rsa_pss_params(enum token_alg alg);
/* DigestInfo (RFC 8017, 9.2, note 1) of a digest; `out` has room for 19 + 64 bytes. */
struct span rsa_digest_info(enum token_alg alg, struct span digest, uint8_t *out);

/* The mechanisms that the token must have for `alg`, up to 2; unused ones are CKM_VENDOR_DEFINED. */
struct mechanism_needs {
    CK_MECHANISM_TYPE types[2];
};
struct mechanism_needs mechanism_needs(enum token_alg alg);

#endif
