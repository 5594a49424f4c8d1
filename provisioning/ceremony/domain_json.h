/* domain_json.h - a security domain's file as JSON, as Azure's managed HSM has it and its clients read it:
 *   {"EncData": {"data": [{"compact_jwe", "tag"}], "kdf": "sp108_kdf"},
 *    "SharedKeys": {"enc_shares": [{"enc_key", "x5t_256"}], "key_algorithm": "shamir_share", "required"},
 *    "version": 2, "strongroom_digest"}
 * x5t_256 is the SHA-256 of the holder's certificate, base64url. `strongroom_digest` is ours, domain_file_digest() in
 * base64url: a file that was damaged is refused before anybody is asked for his key. Other clients pass it over.
 * What is read is bounded and strict: no member but these, but for top-level ones named `strongroom_*`. Thread-safe. */
#ifndef STRONGROOM_PROVISIONING_DOMAIN_JSON_H
#define STRONGROOM_PROVISIONING_DOMAIN_JSON_H

#include "firmware/domain/domain_file.h"

#define DOMAIN_JSON_MAX (512u * 1024)

/* Appends to `out`. Errors: ST_NO_MEMORY. */
MUST_CHECK enum status domain_json_write(const Ks__DomainFile *f, struct bytes *out);
/* All of *out lies in the budget, its digest is right, it keeps the limits of limits.h. Errors: ST_BAD_REQUEST it is
 * none; ST_TOO_LARGE beyond a limit or the budget; ST_CORRUPT the digest is another; ST_NO_MEMORY. */
MUST_CHECK enum status domain_json_read(struct span text, struct budget *b, Ks__DomainFile **out);
/* az's restore blob, {"EncData", "WrappedKey": {"enc_key", "x5t_256"}}: the payload under a master key of az's, that
 * one under the transfer certificate whose hash is `transfer`. Of two versions of az one encodes compact_jwe, enc_key
 * and x5t_256 in base64url once more; either is read. What a blob does not say, `required`, is QUORUM_MIN in *out, and
 * without meaning beside a wrapped key. Errors: as above. */
MUST_CHECK enum status domain_json_read_restore(struct span text, struct budget *b, Ks__DomainRestore **out,
                                                uint8_t transfer[32]);

#endif
