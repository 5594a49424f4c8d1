/* site.h - what a command works on: the configuration it was given, and the token and store that this names.
 * Each part is opened when a command asks for it. Refusals are said on the invocation's error stream. */
#ifndef STRONGROOM_PROVISIONING_SITE_H
#define STRONGROOM_PROVISIONING_SITE_H

#include "pkcs11/token/token.h"
#include "provisioning/cli/command.h"
#include "service/daemon/config.h"
#include "service/store/store.h"

struct site {
    struct config config;
    struct token *token; /* NULL until site_open_token() */
    struct store *store; /* the management store; NULL until site_open_store() */
};

/* Each returns EXIT_DONE, or EXIT_REFUSED after it has said why. Close in every case. */
int site_open(const struct invocation *in, struct site *s);
int site_open_token(const struct invocation *in, struct site *s);
int site_open_store(const struct invocation *in, struct site *s);
void site_close(struct site *s);

/* The GUID in an option's value; EXIT_USAGE when it is none. */
int site_guid(const struct invocation *in, const char *option, struct guid *out);

#endif
