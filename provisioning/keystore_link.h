/* keystore_link.h - the CLI's own link to a keystore, as its owner: a unix socket, one request at a time.
 * Refusals are said on the invocation's error stream. */
#ifndef STRONGROOM_PROVISIONING_KEYSTORE_LINK_H
#define STRONGROOM_PROVISIONING_KEYSTORE_LINK_H

#include "firmware/wire/body.h"
#include "provisioning/command.h"

struct keystore_link;

/* With the options --socket, --certificate, --key, --keystore (KEYSTORE_LINK_OPTIONS). Returns EXIT_DONE or what was
 * refused. *out is for keystore_link_close(), in every case. */
int keystore_link_open(const struct invocation *in, struct keystore_link **out);
void keystore_link_close(struct keystore_link *k); /* NULL is fine */
/* One request. *answer (may be NULL) is borrowed until the next call. Returns EXIT_DONE, or EXIT_REFUSED after saying
 * why. */
int keystore_link_call(const struct invocation *in, struct keystore_link *k, uint16_t kind,
                       const ProtobufCMessage *request, void *answer);

/* The fingerprint of a certificate file. EXIT_REFUSED after saying why. */
int keystore_fingerprint(const struct invocation *in, const char *path, uint8_t out[LINK_FINGERPRINT_LEN]);

#define KEYSTORE_LINK_OPTIONS                                                                                          \
    { "socket", "PATH", true, false, "the keystore's socket" },                                                        \
        { "certificate", "PEM", true, false, "certificate of the one who asks" },                                      \
        { "key", "PEM", true, false, "its private key, a file that only its owner may read" },                         \
    {                                                                                                                  \
        "keystore", "PEM", true, false, "the keystore's certificate, as it published it"                               \
    }

#endif
