/* plain.h - text that came from a file or a peer, for a person's terminal: control characters, which could rewrite what
 * stands above them, and characters that turn the direction of writing are shown as numbers. */
#ifndef STRONGROOM_PROVISIONING_PLAIN_H
#define STRONGROOM_PROVISIONING_PLAIN_H

#include "firmware/base/bytes.h"

/* In double quotes. ASCII stays as it is; every other byte, and quotes and backslashes, become \xNN. */
void plain_append(struct bytes *out, struct span text);
/* As it is, without quotes: UTF-8 in any script. What moves the cursor, colours, or turns the direction of writing
 * becomes \xNN, and so does what is no UTF-8. */
void plain_append_words(struct bytes *out, struct span text);
void plain_append_hex(struct bytes *out, struct span value);

#endif
