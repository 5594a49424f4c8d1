/* prompt.h - what people type: secrets, and the word that confirms what cannot be undone.
 * All of it is read from the controlling terminal, never from standard input, so a script cannot pipe a secret in; a
 * script names a private file instead (prompt_or_file). Each returns EXIT_DONE, or EXIT_REFUSED after saying why. */
#ifndef STRONGROOM_PROVISIONING_PROMPT_H
#define STRONGROOM_PROVISIONING_PROMPT_H

#include "firmware/base/secret.h"
#include "firmware/wire/limits.h"
#include "provisioning/cli/command.h"

/* `question` without its colon, "Passphrase of operator 1". The secret has 1 to PASSPHRASE_MAX bytes and replaces what
 * `out` held; it is not shown while it is typed. `out` is for secret_clear(), in every case. */
int prompt_secret(const struct invocation *in, const char *question, struct secret *out);
/* A secret that does not exist yet: asked for twice, at least `min` bytes long. */
int prompt_new_secret(const struct invocation *in, const char *question, size_t min, struct secret *out);
/* From the file that `option` names ("pin-file"; secret_read_file() says what file is private enough), or else asked
 * for on the terminal. */
int prompt_or_file(const struct invocation *in, const char *option, const char *question, struct secret *out);
int prompt_new_or_file(const struct invocation *in, const char *option, const char *question, size_t min,
                       struct secret *out);
/* Shows `question` and wants exactly `word` typed. */
int prompt_confirm(const struct invocation *in, const char *question, const char *word);

#endif
