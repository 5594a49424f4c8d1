/* ceremony_board.h - the board of a round, which is a copy of one that has been made ready ("base"), with its keystore
 * and, where the root key is in a TPM, that TPM with its state. Lies in the folder `board` of the current directory. */
#ifndef STRONGROOM_TESTS_INTEGRATION_CEREMONY_BOARD_H
#define STRONGROOM_TESTS_INTEGRATION_CEREMONY_BOARD_H

#include <sys/types.h>

#include "firmware/base/bytes.h"

/* `keystored`: the program; `tpm`: the root key is in a TPM. */
void board_init(const char *keystored, bool tpm);
/* Have the board that lies in the folder `base`. Nothing may be running. */
bool board_bring(const char *base);
/* Start its keystore, with one more option and its value, or NULL. False: it has ended, or does not come up. */
bool board_start(const char *option, const char *value);
void board_kill(void);            /* SIGKILL; the TPM stays up */
void board_stop(void);            /* SIGTERM, and wait: what is under way comes to its end */
bool board_ended_by_itself(void); /* it runs no more, and nobody here has ended it */
/* Did the last start say that the board was zeroised? */
bool board_is_zeroised(void);
/* Has a keystore of this round said that its audit chain is broken? */
bool board_audit_broke(void);
void board_end(void); /* the TPM, too */

/* Milliseconds of a clock that only goes forward. */
uint64_t now_ms(void);
void sleep_ms(unsigned ms);

#endif
