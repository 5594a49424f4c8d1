/* counter_file.h - the monotonic counter of a board without a TPM. INSECURE: whoever can put an old file back turns it
 * back. It survives a power cut: two slots with a check value, written in turns. Thread-safe. */
#ifndef STRONGROOM_BOARD_COUNTER_FILE_H
#define STRONGROOM_BOARD_COUNTER_FILE_H

#include <pthread.h>

#include "firmware/base/bytes.h"

struct counter_file {
    int fd;
    uint64_t value;
    pthread_mutex_t lock;
};

/* Errors: ST_CORRUPT neither slot is good; ST_NOT_PERMITTED; ST_IO. */
MUST_CHECK enum status counter_file_open(struct counter_file *c, int directory);
void counter_file_close(struct counter_file *c);
uint64_t counter_file_read(struct counter_file *c);
/* Durable when it returns. Errors: ST_IO. */
MUST_CHECK enum status counter_file_increment(struct counter_file *c, uint64_t *out);

#endif
