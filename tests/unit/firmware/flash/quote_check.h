/* quote_check.h - a verifier's view of a TPM's quote, read by the specification alone: it shares no code with what
 * makes quotes. */
#ifndef STRONGROOM_TESTS_QUOTE_CHECK_H
#define STRONGROOM_TESTS_QUOTE_CHECK_H

#include "firmware/base/bytes.h"

struct quote {
    struct span key;       /* SubjectPublicKeyInfo */
    struct span attest;    /* TPMS_ATTEST */
    struct span signature; /* DER */
};

/* What PCR 12 holds after `image` alone was measured into it. */
void quote_expected_pcr(const uint8_t image[32], uint8_t out[32]);
/* NULL: this is a quote with this nonce over PCR 12 of the SHA-256 bank, which holds `pcr`. Else what is wrong. */
const char *quote_fault(const struct quote *q, const uint8_t nonce[32], const uint8_t pcr[32]);

#endif
