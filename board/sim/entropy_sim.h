/* entropy_sim.h - the sources of entropy of the simulated board: the kernel's generator, the jitter of the processor's
 * own timing and, with one, the TPM's generator. Thread-safe. */
#ifndef STRONGROOM_BOARD_ENTROPY_SIM_H
#define STRONGROOM_BOARD_ENTROPY_SIM_H

#include "board/sim/tpm.h"

/* NULL: no such source. `tpm` may be NULL. */
const char *entropy_sim_name(const struct tpm *tpm, unsigned source);
/* Errors: ST_NOT_FOUND no such source; ST_IO it gives nothing. */
MUST_CHECK enum status entropy_sim_read(struct tpm *tpm, unsigned source, uint8_t *out, size_t len);

#endif
