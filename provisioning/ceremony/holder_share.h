/* holder_share.h - a holder's share in a security domain's file, on his own machine. */
#ifndef STRONGROOM_PROVISIONING_HOLDER_SHARE_H
#define STRONGROOM_PROVISIONING_HOLDER_SHARE_H

#include "firmware/base/secret.h"
#include "provisioning/ceremony/domain_disk.h"
#include "provisioning/ceremony/holder.h"

/* Decrypt the share that is for this certificate. EXIT_DONE, or EXIT_REFUSED after saying why. */
int holder_share_open(const struct invocation *in, const Ks__DomainFile *f,
                      const struct holder_certificate *certificate, EVP_PKEY *key, struct secret *share);
/* Encrypt it to a keystore's transfer certificate. */
int holder_share_seal(const struct invocation *in, const struct secret *share, X509 *transfer, struct bytes *jwe);

#endif
