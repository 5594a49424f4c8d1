/* domain_file.h - a security domain's file: what its holders keep so that any `required` of them can bring the domain
 * up on another keystore. A random master key of 32 bytes is shared out (shamir.h), each share under one holder's
 * certificate (domain_share.h); the payload is a JWE under a key that follows from the master key and the item's tag
 * (kdf.h). It is the file of Azure's managed HSM with our payload inside. Its JSON form is the host's:
 * provisioning/ceremony/domain_json.h.
 *
 * That the file is whole, its MACs say: the payload repeats `required`, and opens under the right master key alone.
 * Pure; thread-safe. */
#ifndef STRONGROOM_DOMAIN_FILE_H
#define STRONGROOM_DOMAIN_FILE_H

#include "firmware/domain/domain_share.h"
#include "firmware/domain/payload.h"
#include "firmware/wire/budget.h"
#include "keystore.pb-c.h"

#define DOMAIN_TAG "strongroom-domain-v1"

/* The file of a payload, with its digest, all of it in the budget. The shares are in the order of the holders.
 * Errors: those of `draw`; ST_BAD_REQUEST the payload is not valid (payload_is_valid()); ST_UNSUPPORTED a holder's
 * certificate is none, or of another kind of key than RSA of 2,048 to 4,096 bits; ST_NO_MEMORY. */
MUST_CHECK enum status domain_file_make(const struct payload *p, random_draw *draw, struct budget *b,
                                        Ks__DomainFile **out);
/* SHA-256 over required, items and shares, each with its length; not over `digest`. Errors: ST_NO_MEMORY. */
MUST_CHECK enum status domain_file_digest(const Ks__DomainFile *f, uint8_t out[32]);

/* The payload, by shares that are already decrypted. *distinct (also after an error) is how many different ones there
 * were. `out` must be empty; payload_clear() it. Errors: ST_BAD_REQUEST not just one item with our tag, `required` or a
 * share's form is wrong; ST_NOT_PERMITTED too few different shares; ST_BAD_CIPHERTEXT the shares are not of this file,
 * or it was changed; ST_UNSUPPORTED the payload is of a later format; ST_CORRUPT it is of none; ST_NO_MEMORY. */
MUST_CHECK enum status domain_file_open(uint32_t required, size_t item_count, Ks__EncryptedItem *const *items,
                                        const struct secret *shares, size_t share_count, struct payload *out,
                                        unsigned *distinct);
/* The same by the master key (domain_master_open()), which then says nothing of `required`. */
MUST_CHECK enum status domain_file_open_master(size_t item_count, Ks__EncryptedItem *const *items,
                                               const struct secret *master, struct payload *out);

#endif
