/* keystore_link.h - the CLI's own link to a keystore, as its owner: a unix socket, one request at a time.
 * Refusals are said on the invocation's error stream. */
#ifndef STRONGROOM_PROVISIONING_KEYSTORE_LINK_H
#define STRONGROOM_PROVISIONING_KEYSTORE_LINK_H

#include "firmware/wire/body.h"
#include "provisioning/cli/command.h"
#include "provisioning/link/link_files.h"

struct keystore_link;

/* With KEYSTORE_LINK_OPTIONS: the four that say where and who (profile.h), and how the key is opened (link_files.h).
 * Returns EXIT_DONE or what was refused. *out is for keystore_link_close(), in every case. */
int keystore_link_open(const struct invocation *in, struct keystore_link **out);
void keystore_link_close(struct keystore_link *k); /* NULL is fine */
/* One request; what takes over a second is shown on a terminal. *answer (may be NULL) is borrowed until the next call.
 * Returns EXIT_DONE, or EXIT_REFUSED after saying why. */
int keystore_link_call(const struct invocation *in, struct keystore_link *k, uint16_t kind,
                       const ProtobufCMessage *request, void *answer);

#define KEYSTORE_LINK_OPTIONS                                                                                          \
    { "profile", "FILE", false, false, "says the next four, where they are not given (or $STRONGROOM_PROFILE)" },      \
        { "socket", "PATH", false, false, "the keystore's socket" },                                                   \
        { "certificate", "PEM", false, false, "certificate of the one who asks" },                                     \
        { "key", "PEM", false, false, "its private key, a file that only its owner may read" },                        \
        { "keystore", "PEM", false, false, "the keystore's certificate, as it published it" },                         \
    {                                                                                                                  \
        LINK_PASSPHRASE_OPTION, "FILE", false, false, "the passphrase of an encrypted key (else it is asked for)"      \
    }

#endif
