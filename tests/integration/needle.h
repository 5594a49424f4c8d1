/* needle.h - secrets whose bytes are known, in every order and coding in which they could lie somewhere, and a search
 * for any NEEDLE_WINDOW bytes in a row of them.
 *
 *   bytes   as they are (big-endian numbers); reversed (little-endian, which is also the order of BIGNUM's limbs on
 * such a machine); limbs of 8 and of 4 bytes in big-endian order, each little-endian; hexadecimal of the first two in
 *           either case; base64 in both alphabets at each of the three offsets
 *   text    as it is, and the same codings */
#ifndef STRONGROOM_TESTS_INTEGRATION_NEEDLE_H
#define STRONGROOM_TESTS_INTEGRATION_NEEDLE_H

#include "firmware/base/bytes.h"

#define NEEDLE_WINDOW   16
#define NEEDLE_NAME_MAX 64

struct needles;

/* From a file with a secret on each line, "bytes NAME HEX" or "text NAME TEXT". NULL: it cannot be read, or a secret is
 * shorter than a window. */
struct needles *needles_read(const char *path);
void needles_free(struct needles *n);
unsigned needles_count(const struct needles *n);
const char *needle_name(const struct needles *n, unsigned needle);

/* Called for each window that is found; `coding` says in which form. */
typedef void needle_found(void *arg, unsigned needle, const char *coding, size_t at);
void needles_search(const struct needles *n, struct span where, needle_found *found, void *arg);

#endif
