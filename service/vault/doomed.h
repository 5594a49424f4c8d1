/* doomed.h - the role assignments that go with what they are made on: deleting a vault or a group deletes them in the
 * same commit, so that a new one of the same name does not inherit them. Internal to service/vault. */
#ifndef STRONGROOM_VAULT_DOOMED_H
#define STRONGROOM_VAULT_DOOMED_H

#include "service/store/store.h"

struct doomed {
    struct store_write *writes; /* the first is free for the thing itself */
    size_t count;               /* of the others */
};

/* Collect the assignments at and below `scope`. Errors: ST_TOO_LARGE more than one commit can hold; as store_range. */
MUST_CHECK enum status doomed_assignments(struct store *s, const char *scope, struct doomed *out);
/* Commit `thing` and the deletion of all of them. Errors: as store_commit. */
MUST_CHECK enum status doomed_commit(struct store *s, struct doomed *d, const struct store_write *thing);
void doomed_clear(struct doomed *d);

#endif
