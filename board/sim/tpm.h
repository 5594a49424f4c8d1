/* tpm.h - a TPM 2.0 and the few commands the board gives it, as bytes on a descriptor: the unix socket of swtpm
 * (`--server type=unixio`) or the kernel's /dev/tpmrm0. There is no TPM library for static programs, and this is small.
 * Thread-safe. Names and numbers are those of the TPM 2.0 Library Specification, Part 2 and 3.
 *
 * The way to the TPM is trusted: no session encrypts parameters, since the process that could listen on swtpm's socket
 * is swtpm. A board with a TPM on a bus of its own needs that (salted sessions) before it is put into use. */
#ifndef STRONGROOM_BOARD_TPM_H
#define STRONGROOM_BOARD_TPM_H

#include "board/sim/tpm_marshal.h"

#define TPM_DIGEST_LEN 32 /* SHA-256, the one bank that is used */

struct tpm;

/* Connect, start the TPM if nobody has, and flush what an earlier owner of the socket left loaded. Errors:
 * ST_UNAVAILABLE nothing answers there; ST_INTERNAL it is no TPM 2.0; ST_NO_MEMORY. */
MUST_CHECK enum status tpm_open(const char *path, struct tpm **out);
void tpm_close(struct tpm *t);

/* All below, errors: ST_UNAVAILABLE the TPM is away; ST_INTERNAL its answer makes no sense or is an error not named. */

MUST_CHECK enum status tpm_random(struct tpm *t, uint8_t *out, size_t len);

MUST_CHECK enum status tpm_pcr_read(struct tpm *t, unsigned pcr, uint8_t out[TPM_DIGEST_LEN]);
MUST_CHECK enum status tpm_pcr_extend(struct tpm *t, unsigned pcr, const uint8_t digest[TPM_DIGEST_LEN]);

/* Seal `secret` so that it opens only while `pcr` has `value`, and keep it in the TPM at `handle`: there is no copy
 * outside, so evicting it destroys it. */
MUST_CHECK enum status tpm_seal(struct tpm *t, uint32_t handle, unsigned pcr, const uint8_t value[TPM_DIGEST_LEN],
                                struct span secret);
/* Errors: ST_NOT_FOUND nothing is kept there; ST_CORRUPT the PCR has another value, or it was sealed in another way. */
MUST_CHECK enum status tpm_unseal(struct tpm *t, uint32_t handle, unsigned pcr, uint8_t *secret, size_t len);
/* Is anything kept there? Errors: ST_NOT_FOUND. */
MUST_CHECK enum status tpm_holds(struct tpm *t, uint32_t handle);
/* Errors: ST_NOT_FOUND. */
MUST_CHECK enum status tpm_evict(struct tpm *t, uint32_t handle);

/* The attestation key, which signs nothing but what the TPM itself says: its public half (SubjectPublicKeyInfo, P-256).
 * Errors, here and below: also ST_NO_MEMORY; what the `bytes` then hold is worth nothing. */
MUST_CHECK enum status tpm_quote_key(struct tpm *t, struct bytes *spki);
/* The TPM's word on `pcr`: a TPMS_ATTEST with `nonce` in it, and the attestation key's ECDSA signature of it (DER). */
MUST_CHECK enum status tpm_quote(struct tpm *t, unsigned pcr, const uint8_t nonce[TPM_DIGEST_LEN], struct bytes *attest,
                                 struct bytes *signature);

/* NV counters. A TPM starts a new one above every counter it ever had, so one that is deleted does not go back either.
 * Errors: ST_NOT_FOUND; of tpm_counter_define(): ST_EXISTS. */
MUST_CHECK enum status tpm_counter_define(struct tpm *t, uint32_t index);
MUST_CHECK enum status tpm_counter_read(struct tpm *t, uint32_t index, uint64_t *out);
MUST_CHECK enum status tpm_counter_increment(struct tpm *t, uint32_t index);

#endif
