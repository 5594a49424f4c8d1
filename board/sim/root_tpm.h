/* root_tpm.h - the device root key and the monotonic counter in a TPM: the key is sealed to PCR 12, into which the
 * running image was measured, so other firmware does not get it; the counter is an NV counter. One board per TPM.
 *
 * PCR 12 is extended once per start of the TPM. A keystore that is restarted while its TPM runs on finds its own
 * measurement there and adds nothing; after another image, the TPM has to be restarted first, as a machine would be. */
#ifndef STRONGROOM_BOARD_ROOT_TPM_H
#define STRONGROOM_BOARD_ROOT_TPM_H

#include "board/hal.h"
#include "board/sim/tpm.h"

#define ROOT_TPM_PCR     12
#define ROOT_TPM_HANDLE  0x81005352u /* in the owner's range of persistent handles */
#define ROOT_TPM_COUNTER 0x01805352u /* in the owner's range of NV indices */

struct root_tpm {
    struct tpm *tpm;
    bool destroyed;
};

/* Measure the image, and make key and counter on a TPM that has neither. Errors: ST_CORRUPT something other than this
 * image has been measured since the TPM started; those of tpm.h. */
MUST_CHECK enum status root_tpm_open(struct root_tpm *r, struct tpm *tpm, const uint8_t image[TPM_DIGEST_LEN]);
/* Errors: ST_CORRUPT it has been destroyed, or what was measured is not what it was sealed to; those of tpm.h. */
MUST_CHECK enum status root_tpm_key(struct root_tpm *r, uint8_t out[HAL_ROOT_KEY_LEN]);
/* For good: a TPM that has the counter but not the key makes no new one. */
MUST_CHECK enum status root_tpm_destroy(struct root_tpm *r);

MUST_CHECK enum status root_tpm_counter_read(struct root_tpm *r, uint64_t *out);
MUST_CHECK enum status root_tpm_counter_increment(struct root_tpm *r, uint64_t *out);

#endif
