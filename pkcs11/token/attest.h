/* attest.h - TOKEN_ATTEST: the token's signed word on a key, where it gives one (pkcs11/module/strongroom.h). */
#ifndef STRONGROOM_PKCS11_TOKEN_ATTEST_H
#define STRONGROOM_PKCS11_TOKEN_ATTEST_H

#include "pkcs11/token/state.h"

/* Without looking at the key: can it be done? Errors: ST_BAD_REQUEST; ST_UNSUPPORTED the token attests nothing. */
MUST_CHECK enum status attest_check(const struct token *t, const struct token_job *job);
/* Errors: ST_INTERNAL the answer is no statement; as call_result(). */
MUST_CHECK enum status attest_perform(struct worker *w, struct token_job *job, const struct token_key *key);

#endif
