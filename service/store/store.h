/* store.h - ordered keys to versioned records. Engines: SQLite (one box), memory (tests); etcd later.
 *
 * Keys are short text ("key/<vault>/<name>"), compared as bytes. Values are protobuf-c messages of the caller.
 * Every committed change gives the records it wrote the next revision of the store: revisions only rise, and of two
 * records the newer has the greater one. Thread-safe. */
#ifndef STRONGROOM_STORE_STORE_H
#define STRONGROOM_STORE_STORE_H

#include "firmware/base/bytes.h"

#define STORE_KEY_MAX    512
#define STORE_VALUE_MAX  (1024u * 1024)
#define STORE_WRITES_MAX 2048                /* in one commit */
#define STORE_COMMIT_MAX (64u * 1024 * 1024) /* bytes of keys and values in one commit */

struct store;

enum store_mode { STORE_READ_WRITE, STORE_READ_ONLY };

/* `path`: a database file; its directory must exist. READ_WRITE creates it (0600 for the owner or 0640 where a reader
 * of the same group is expected: the caller's umask says which). Several processes may have it open, also to write.
 * Errors: ST_NOT_FOUND (read-only: no such store); ST_NOT_PERMITTED it is a symbolic link, no regular file, others than
 * the owner may write or others than the group may read it; ST_CORRUPT; ST_IO; ST_UNSUPPORTED a newer format than we
 * know; ST_NO_MEMORY; ST_UNAVAILABLE no thread. */
MUST_CHECK enum status store_open_sqlite(const char *path, enum store_mode mode, struct store **out);
MUST_CHECK enum status store_open_memory(struct store **out);
void store_close(struct store *s); /* completes what was submitted; NULL does nothing */

/* Read one record; `value` is replaced. `value` and `revision` may be NULL.
 * Errors: ST_NOT_FOUND; ST_IO; ST_CORRUPT; ST_NO_MEMORY; ST_TOO_LARGE, ST_BAD_REQUEST no key can be so. */
MUST_CHECK enum status store_get(struct store *s, struct span key, struct bytes *value, uint64_t *revision);

/* Visit up to `limit` records whose key starts with `prefix` and is greater than `after` (empty: from the start), in
 * key order. The spans live during the visit only. Stops early when `visit` returns false. *more (may be NULL): is
 * there another record behind the last one visited? One consistent snapshot per call. `visit` may use the store.
 * Errors: ST_IO; ST_CORRUPT; ST_NO_MEMORY; ST_TOO_LARGE no key is that long. */
struct store_record {
    struct span key, value;
    uint64_t revision;
};
typedef bool store_visitor(const struct store_record *r, void *arg);
MUST_CHECK enum status store_range(struct store *s, struct span prefix, struct span after, size_t limit,
                                   store_visitor *visit, void *arg, bool *more);

/* Writes. A commit is applied whole or not at all, and no key comes twice in it. */
#define STORE_ANY    UINT64_MAX /* expected: whatever is there */
#define STORE_ABSENT 0          /* expected: no such record */

struct store_write {
    struct span key;
    struct span value; /* p == NULL: delete (of an absent record: allowed with STORE_ANY and STORE_ABSENT, does
                        * nothing); an empty value has a p */
    uint64_t expected; /* STORE_ANY, STORE_ABSENT, or the revision that must be there */
};
struct store_commit {
    const struct store_write *writes; /* borrowed until done; the spans too */
    size_t count;
    void (*done)(struct store_commit *c); /* on the store's thread, once the commit is durable or refused */
    void *owner;
    /* results */
    enum status status; /* ST_OK; ST_CONFLICT a condition did not hold; ST_IO; ST_CORRUPT; ST_NO_MEMORY; ST_TOO_LARGE;
                         * ST_BAD_REQUEST a key is empty or comes twice; ST_NOT_PERMITTED (read-only) */
    uint64_t revision;  /* of all records it wrote */
    struct store_commit *next; /* the queue's */
};
/* Queue a commit; commits that wait together become durable together (group commit).
 * Errors (then not taken): ST_BUSY; ST_CLOSED. */
MUST_CHECK enum status store_submit(struct store *s, struct store_commit *c);
/* Commit and wait; `done` and `owner` are not used. Returns the commit's status, or why it was not taken.
 * Not from a `done` or an on_change: those run on the threads it would wait for. */
MUST_CHECK enum status store_commit(struct store *s, struct store_commit *c);

/* Watch a prefix. `on_change` is called after each change, also one made by another process, within a second of it;
 * changes of one key come in order, though of several quick ones only the last may be told. A change made by this
 * process is told before the commit's `done`. value.p == NULL: deleted. Called first for nothing: to learn what is
 * there, range after watching; what the range saw may be told again. key.len == 0: so many deletes came while this
 * process slept that they are forgotten (STORE_MARKS_MAX): what is remembered of the prefix must be thrown away and
 * ranged anew. What is still there has been told. on_change runs on a thread of the store's, one call at a time over
 * all watches; it may read and submit, but must not wait for a commit, watch or unwatch, nor take a lock that is held
 * by someone who does one of these. */
struct store_watch;
typedef void store_on_change(const struct store_record *r, void *arg);
/* Errors: ST_TOO_LARGE; ST_NO_MEMORY; ST_IO; ST_CORRUPT; ST_UNAVAILABLE no thread. */
MUST_CHECK enum status store_watch(struct store *s, struct span prefix, store_on_change *on_change, void *arg,
                                   struct store_watch **out);
/* No call of on_change is running or begins after this returns. NULL does nothing. */
void store_unwatch(struct store *s, struct store_watch *w);

#endif
