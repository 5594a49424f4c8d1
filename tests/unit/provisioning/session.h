/* session.h - running command lines of `strongroom` inside a test. */
#ifndef STRONGROOM_TESTS_PROVISIONING_SESSION_H
#define STRONGROOM_TESTS_PROVISIONING_SESSION_H

#include "firmware/base/bytes.h"
#include "provisioning/nouns.h"

/* What the last command line wrote; C strings, "" when nothing. */
struct said {
    char *out, *err;
};

/* Run "strongroom <words>" against a table, NULL ending the words. Returns the exit code; *said is replaced. */
int session_run(const struct noun *nouns, size_t count, const char *const *words, struct said *said);
/* The same with streams of the caller's. */
int session_run_to(const struct noun *nouns, size_t count, const char *const *words, FILE *out, FILE *err);
/* The same against the whole of strongroom, in a child process: a PKCS#11 module is initialised once a process. */
int session_run_apart(const char *const *words, struct said *said);
void said_clear(struct said *said);
bool says(const char *text, const char *part);

/* strongroom, in this process. */
#define RUN(said, ...)                                                                                                 \
    session_run(strongroom_nouns, strongroom_noun_count, (const char *const[]){ __VA_ARGS__, NULL }, said)
#define RUN_APART(said, ...) session_run_apart((const char *const[]){ __VA_ARGS__, NULL }, said)

/* Write a configuration into a new directory under scratch_directory(): `name`/config. The path lives as long as the
 * program. Everything it names lies in that directory. */
const char *session_config(const char *name);
/* A path inside that directory; valid until the fourth call after. */
const char *session_path(const char *name, const char *file);

#endif
