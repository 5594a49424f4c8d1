/* partition_verbs.h - the verbs of `strongroom partition` that have a file of their own; partition_commands.c has the
 * table. */
#ifndef STRONGROOM_PROVISIONING_PARTITION_VERBS_H
#define STRONGROOM_PROVISIONING_PARTITION_VERBS_H

#include "provisioning/link/keystore_link.h"

/* partition_backup_commands.c */
extern const struct verb_option partition_backup_options[], partition_restore_options[];
int partition_backup(struct invocation *in);
int partition_restore(struct invocation *in);

/* partition_commands.c: the partition that --name names. *out is borrowed until the next call on the link. EXIT_DONE,
 * or EXIT_REFUSED after saying why. */
int partition_find(const struct invocation *in, struct keystore_link *k, Ks__Partition **out);

#endif
