/* act_words.h - what an act does, in words, for the holder who is asked to approve it. Made from the packed request
 * that is signed, and from nothing else. */
#ifndef STRONGROOM_PROVISIONING_ACT_WORDS_H
#define STRONGROOM_PROVISIONING_ACT_WORDS_H

#include "provisioning/ceremony/act_file.h"

/* Appends lines. Errors: ST_BAD_REQUEST the request is not what its kind says; ST_TOO_LARGE; ST_NO_MEMORY. */
MUST_CHECK enum status act_words(const struct act_file *a, struct bytes *out);

#endif
