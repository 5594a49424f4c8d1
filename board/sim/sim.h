/* sim.h - the board "sim": the parts of a board, made of files and perhaps a TPM, behind the HAL. */
#ifndef STRONGROOM_BOARD_SIM_H
#define STRONGROOM_BOARD_SIM_H

#include "board/hal.h"
#include "board/sim/counter_file.h"
#include "board/sim/flash_file.h"
#include "board/sim/pem_file.h"
#include "board/sim/root_file.h"
#include "board/sim/root_tpm.h"

struct sim {
    struct hal hal; /* what the firmware gets; facts.isolation is main()'s to fill in */
    struct flash_file flash;
    struct pem_file identity;    /* keystore.pem: the certificate, for whoever pins it; empty until there is one */
    struct pem_file destruction; /* the statement that everything is destroyed; empty before */
    struct tpm *tpm;             /* NULL: the root is in a file, below */
    struct root_tpm root_tpm;
    struct root_file root_file;
    struct counter_file counter_file;
};

/* The parts of the board whose folder is open. `tpm` is NULL for the insecure file variant; it stays the caller's until
 * this succeeds. Errors, said in the log: those of the parts. */
MUST_CHECK enum status sim_open(struct sim *s, int directory, struct tpm *tpm, const uint8_t image[32]);
void sim_close(struct sim *s);

#endif
