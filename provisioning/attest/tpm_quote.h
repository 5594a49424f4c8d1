/* tpm_quote.h - a TPM's quote: TPMS_ATTEST (TPM 2.0, Part 2, 10.12.12), taken apart and checked. */
#ifndef STRONGROOM_PROVISIONING_TPM_QUOTE_H
#define STRONGROOM_PROVISIONING_TPM_QUOTE_H

#include "firmware/base/bytes.h"

#define TPM_QUOTE_PCR 12 /* what the board measures the firmware's image into */

struct tpm_quote {
    struct span extra_data, pcr_digest; /* borrowed */
};

/* Errors: ST_BAD_REQUEST it is none, or has bytes behind it, or is over anything but SHA-256 of TPM_QUOTE_PCR. */
MUST_CHECK enum status tpm_quote_parse(struct span attest, struct tpm_quote *out);
/* The digest that a quote has when just an image of this hash was measured, once, after a start:
 * SHA-256(SHA-256(32 zero bytes, hash)). */
void tpm_quote_digest(const uint8_t image[32], uint8_t out[32]);

#endif
