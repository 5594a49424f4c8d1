/* config.h - where the module's tokens are: read at each C_Initialize from one file and the environment.
 *
 *   file          STRONGROOM_PKCS11_CONF; else the first that exists of $XDG_CONFIG_HOME/strongroom/pkcs11.conf,
 *                 ~/.config/strongroom/pkcs11.conf and /etc/strongroom/pkcs11.conf
 *   lines         `name = value`, empty, or a comment after `#`; `[name]` begins a further token
 *   socket        the keystore's unix socket
 *   certificate   PEM, the one this client shows
 *   key           PEM, its private key; nobody else may read the file
 *   keystore      PEM, the one certificate that the keystore must show
 * STRONGROOM_PKCS11_SOCKET, _CERTIFICATE, _KEY and _KEYSTORE go before what the file says of the first token; they
 * also make do without a file. Programs with raised rights read no environment. All paths are absolute. Strict: what
 * is not understood is refused, and so are a file of another owner, one that others may write, and a symbolic link. */
#ifndef STRONGROOM_PKCS11_MODULE_CONFIG_H
#define STRONGROOM_PKCS11_MODULE_CONFIG_H

#include "firmware/base/bytes.h"

#define CONFIG_SLOTS_MAX 16
#define CONFIG_NAME_MAX  32
#define CONFIG_FILE_MAX  (64u * 1024)
#define CONFIG_PATH_MAX  1024

enum config_path { CONFIG_SOCKET, CONFIG_CERTIFICATE, CONFIG_KEY, CONFIG_KEYSTORE, CONFIG_PATH_COUNT_ };

struct slot_config {
    char name[CONFIG_NAME_MAX + 1]; /* "" for the first when it has none */
    char *path[CONFIG_PATH_COUNT_];
};

struct config {
    struct slot_config slots[CONFIG_SLOTS_MAX];
    unsigned count;
};

/* The text of a file into *out, which is empty and is cleared after an error; *line is where that was, 0: at the end.
 * Errors: ST_BAD_REQUEST; ST_TOO_LARGE; ST_NO_MEMORY. */
MUST_CHECK enum status config_parse(struct span text, struct config *out, unsigned *line);
/* The whole of it. Without any file and environment there are no tokens, and that is ST_OK. Errors: as config_parse(),
 * also when a path is missing; ST_NOT_FOUND STRONGROOM_PKCS11_CONF names no file; ST_NOT_PERMITTED its owner, kind or
 * mode; ST_IO. */
MUST_CHECK enum status config_load(struct config *out);
void config_clear(struct config *c);

#endif
