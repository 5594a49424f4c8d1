/* memory_quote.h - what a TPM would say on the board in memory: a TPMS_ATTEST over PCR 12, by a key of this process. */
#ifndef STRONGROOM_TESTS_MEMORY_QUOTE_H
#define STRONGROOM_TESTS_MEMORY_QUOTE_H

#include <openssl/evp.h>

#include "firmware/base/bytes.h"

/* SubjectPublicKeyInfo of the key. */
void memory_quote_key(EVP_PKEY *key, struct bytes *spki);
/* A quote of the PCR into which `image` alone was measured. */
void memory_quote(EVP_PKEY *key, const uint8_t image[32], const uint8_t nonce[32], struct bytes *attest,
                  struct bytes *signature);

#endif
