/* pem_file.h - a file in the board's folder that shows whoever has the folder something public: one PEM block, or
 * nothing but newlines. Opened before the sandbox, which has no ftruncate(): what is shorter than before is padded.
 * Thread-safe.
 */
#ifndef STRONGROOM_BOARD_PEM_FILE_H
#define STRONGROOM_BOARD_PEM_FILE_H

#include <pthread.h>

#include "firmware/base/bytes.h"

#define PEM_FILE_CONTENT_MAX (64u * 1024) /* what the block is around: STATEMENT_MAX */
#define PEM_FILE_MAX         (96u * 1024) /* that as text */

struct pem_file {
    const char *label; /* "CERTIFICATE": RFC 7468, 2 */
    pthread_mutex_t lock;
    int fd;     /* below 0: not open */
    size_t len; /* that it has now */
};

/* Make the file (0444) when it is not there, with `room` newlines: what fits in them is written even when the disk is
 * full. Both texts outlive it. Errors: ST_NOT_PERMITTED; ST_TOO_LARGE; ST_IO. */
MUST_CHECK enum status pem_file_open(struct pem_file *f, int directory, const char *name, const char *label,
                                     size_t room);
void pem_file_close(struct pem_file *f);
/* Show `content` instead of what is there; empty: show nothing. Durable when it returns. A power cut meanwhile leaves
 * any mixture of both. Errors: ST_TOO_LARGE; ST_IO; ST_NO_MEMORY. */
MUST_CHECK enum status pem_file_write(struct pem_file *f, struct span content);

#endif
