/* replay.h - the log of a bank read from its begin to its end, into the index. Inside the flash store only. */
#ifndef STRONGROOM_FLASH_REPLAY_H
#define STRONGROOM_FLASH_REPLAY_H

#include "firmware/flash/bank.h"

/* Moves the bank's end behind the last commit; what a power cut has left of one more is not part of the log, and is
 * overwritten by the next one. *why is set with ST_CORRUPT. Errors: ST_CORRUPT; ST_IO; ST_NO_MEMORY; ST_INTERNAL. */
MUST_CHECK enum status replay(struct bank *b, struct record_index *index, const char **why);

#endif
