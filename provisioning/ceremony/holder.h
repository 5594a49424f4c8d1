/* holder.h - a holder of the security domain: his certificate, by which the keystore knows him, and what he does with
 * its RSA key on his own machine. */
#ifndef STRONGROOM_PROVISIONING_HOLDER_H
#define STRONGROOM_PROVISIONING_HOLDER_H

#include "provisioning/ceremony/act_file.h"
#include "provisioning/link/link_files.h"

/* A zeroed one is empty and valid. */
struct holder_certificate {
    X509 *x;
    struct bytes der;
    uint8_t id[HOLDER_ID_LEN];
};

/* An RSA certificate of the sizes that the keystore takes. EXIT_DONE, or EXIT_REFUSED after saying why. */
int holder_certificate_read(const struct invocation *in, const char *path, struct holder_certificate *out);
/* The same, of DER. Errors: ST_BAD_REQUEST no certificate; ST_UNSUPPORTED of another key; ST_NO_MEMORY. */
MUST_CHECK enum status holder_certificate_of(struct span der, struct holder_certificate *out);
void holder_certificate_clear(struct holder_certificate *c);
/* The bits of its key. */
unsigned holder_key_bits(const struct holder_certificate *c);

/* The options --certificate and --key: both, and that they belong together. */
int holder_identity_read(const struct invocation *in, struct holder_certificate *certificate, EVP_PKEY **key);

/* RSASSA-PSS with SHA-256 and a salt of 32 bytes, over the act's statement. */
int holder_approve(const struct invocation *in, const struct act_file *act,
                   const struct holder_certificate *certificate, EVP_PKEY *key, struct approval *out);
/* The same with a signature that was made elsewhere, by a smart card for example. */
int holder_approve_signed(const struct invocation *in, const struct act_file *act,
                          const struct holder_certificate *certificate, struct span signature, struct approval *out);
/* Is the approval's signature, by the certificate in it, over this act? */
bool holder_approved(const struct act_file *act, const struct approval *a);

/* Who an id is in the act's list: his name, or "" where the act does not say, or NULL: he is not in it. */
const char *holder_name(const struct act_file *act, const uint8_t id[HOLDER_ID_LEN]);

#endif
