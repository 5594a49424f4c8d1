/* sets.h - the two sets of vectors, file by file. */
#ifndef STRONGROOM_TESTS_VECTORS_SETS_H
#define STRONGROOM_TESTS_VECTORS_SETS_H

#include "tests/vectors/work.h"

/* Each runs all files of the set in `folder`. A file that nobody here knows is a failure: it would be passed over. */
void wycheproof_run(struct work *w, const char *folder);
void acvp_run(struct work *w, const char *folder);

/* JSON, also with something behind it (some of ACVP's files have), also compressed by bzip2. NULL, said on stderr. */
json_t *vector_file(const char *path);
/* Names in a folder that end in `end`, sorted; free each and the array. */
char **vector_names(const char *folder, const char *end, size_t *count);

#endif
