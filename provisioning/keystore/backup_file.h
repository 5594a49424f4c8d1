/* backup_file.h - the file in which a partition's backup is kept: the parts as the keystore gave them out, one after
 * the other. Only a keystore of the same security domain can read them; here no more is looked at than where they
 * begin.
 *
 *   title    "strongroom partition backup v1" and a line end
 *   count    4   of the parts, big-endian
 *   each part: length (4), then the part itself
 * The file ends with its last part. */
#ifndef STRONGROOM_PROVISIONING_BACKUP_FILE_H
#define STRONGROOM_PROVISIONING_BACKUP_FILE_H

#include "firmware/wire/limits.h"
#include "provisioning/cli/command.h"

#define BACKUP_FILE_MAX (PARTITION_BYTES_MAX + PARTITION_BYTES_MAX / 8) /* objects, and what parts add to them */

/* A zeroed one is empty and valid. */
struct backup_file {
    struct bytes content;
    uint32_t parts;
};

void backup_file_clear(struct backup_file *f);

/* --- written --- */
MUST_CHECK enum status backup_file_add(struct backup_file *f, struct span part);
/* A new file, for its owner's eyes alone, whole or not there at all. EXIT_DONE, or EXIT_REFUSED after saying why. */
int backup_file_write(const struct invocation *in, const char *path, struct backup_file *f);

/* --- read --- */
/* All of it, checked as far as can be: EXIT_DONE, or EXIT_REFUSED after saying why. */
int backup_file_read(const struct invocation *in, const char *path, struct backup_file *f);
/* The part at *at, which is 0 for the first one, and step over it. The part is borrowed; false: there is no further
 * one.
 */
bool backup_file_next(const struct backup_file *f, size_t *at, struct span *part);

#endif
