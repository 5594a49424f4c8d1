/* softhsm.h - a token of SoftHSM's of our own, in a directory that the caller made and removes. */
#ifndef STRONGROOM_BENCH_SOFTHSM_H
#define STRONGROOM_BENCH_SOFTHSM_H

#include <p11-kit/pkcs11.h>

#include "firmware/base/bytes.h"

#define SOFTHSM_LABEL "bench"

/* Paths below `directory`; filled by softhsm_at(). */
struct softhsm {
    const char *module;
    char config[512];   /* "<directory>/softhsm2.conf" */
    char pin_file[512]; /* "<directory>/pin" */
    char tokens[512];   /* "<directory>/tokens" */
};

/* Errors: ST_TOO_LARGE. */
MUST_CHECK enum status softhsm_at(struct softhsm *s, const char *module, const char *directory);
/* Make the token unless the directory has one: configuration, random PIN in a file, C_InitToken, C_InitPIN.
 * Must run in a process that has not loaded the module and will not use it. */
MUST_CHECK enum status softhsm_make(const struct softhsm *s);
/* Load the module with that configuration. NULL on failure. It stays loaded. */
CK_FUNCTION_LIST *softhsm_load(const struct softhsm *s);
/* A session with the user logged in. */
MUST_CHECK enum status softhsm_login(const struct softhsm *s, CK_FUNCTION_LIST *f, CK_SLOT_ID *slot,
                                     CK_SESSION_HANDLE *session);

#endif
