/* engine.h - what every engine of the store offers to store.c, commit_queue.c and watch.c. Private to this folder.
 *
 * A record that is deleted stays as a mark, its key with the revision of the delete, so that a watcher that comes late
 * (another process, a suspended machine) still learns of it. Marks are bounded: see STORE_MARKS_MAX. */
#ifndef STRONGROOM_STORE_ENGINE_H
#define STRONGROOM_STORE_ENGINE_H

#include "service/store/store.h"

#define STORE_MARKS_MAX 65536u /* deletes remembered; a watcher further behind than this is told to start afresh */

struct store_engine;

struct store_engine_ops {
    void (*close)(struct store_engine *e);

    /* Any thread, any number at once. Arguments are within the limits of store.h. */
    enum status (*get)(struct store_engine *e, struct span key, struct bytes *value, uint64_t *revision);
    enum status (*range)(struct store_engine *e, struct span prefix, struct span after, size_t limit,
                         store_visitor *visit, void *arg, bool *more);

    /* The writer's thread alone: begin, then apply for each commit, then publish (durable when it returns ST_OK) or
     * undo. apply puts the commit's own fate into c->status and c->revision. What it returns is the group's: after
     * anything but ST_OK the group is to be undone. A failed publish has undone it already. */
    enum status (*begin)(struct store_engine *e);
    enum status (*apply)(struct store_engine *e, struct store_commit *c);
    enum status (*publish)(struct store_engine *e);
    void (*undo)(struct store_engine *e);

    /* The revision of the newest change. */
    enum status (*newest)(struct store_engine *e, uint64_t *revision);
    /* Visit the newest change of each record changed after `since`, by revision; *seen is the last one's (or `since`).
     * *lost: marks younger than `since` have been dropped. One caller at a time. */
    enum status (*changes)(struct store_engine *e, uint64_t since, store_visitor *visit, void *arg, uint64_t *seen,
                           bool *lost);
};

struct store_engine {
    const struct store_engine_ops *ops;
    const char *shared_path; /* the file other processes may change too; NULL: this process is alone with it */
};

#endif
