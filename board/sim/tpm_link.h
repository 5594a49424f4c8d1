/* tpm_link.h - the descriptor a TPM is behind, and one command and its answer over it. Used by tpm.c alone. */
#ifndef STRONGROOM_BOARD_TPM_LINK_H
#define STRONGROOM_BOARD_TPM_LINK_H

#include "board/sim/tpm_marshal.h"

struct tpm_link {
    int fd;
    bool socket; /* swtpm: nobody but us cleans up what is loaded */
    bool broken; /* out of step after an error: nothing more is sent */
    uint8_t reply[TPM_MESSAGE_MAX];
};

/* Errors: ST_UNAVAILABLE. */
MUST_CHECK enum status tpm_link_open(struct tpm_link *l, const char *path);
void tpm_link_close(struct tpm_link *l); /* wipes */
/* Send a whole command and read the whole answer into l->reply; *out is its body behind the header, *code its response
 * code. Errors: ST_UNAVAILABLE the TPM is away or too slow; ST_INTERNAL the answer is no TPM response. */
MUST_CHECK enum status tpm_link_exchange(struct tpm_link *l, const struct tpm_writer *command, uint32_t *code,
                                         struct tpm_reader *out);

#endif
