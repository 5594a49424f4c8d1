/* sqlite_connection.h - one connection to the database: how it is opened, its statements, what its errors mean.
 * Private to this folder. A connection serves one thread at a time. */
#ifndef STRONGROOM_STORE_SQLITE_CONNECTION_H
#define STRONGROOM_STORE_SQLITE_CONNECTION_H

#include <sqlite3.h>

#include "service/store/store.h"

enum sqlite_connection_kind {
    CONNECTION_WRITER,        /* reads and writes; makes the tables when there are none */
    CONNECTION_READER,        /* reads, beside a writer of this process */
    CONNECTION_FOREIGN_READER /* reads what another process writes; the files may not be ours to write */
};

enum statement {
    STMT_BEGIN_READ,
    STMT_BEGIN_WRITE,
    STMT_COMMIT,
    STMT_ROLLBACK,
    STMT_GET,
    STMT_RANGE,       /* ?1 <= key < ?2 */
    STMT_RANGE_AFTER, /* ?1 < key < ?2 */
    STMT_CHANGES,     /* revision > ?1 */
    STMT_STATE,       /* revision, forgotten */
    STMT_READER_COUNT_,
    STMT_REVISION_OF = STMT_READER_COUNT_,
    STMT_PUT,
    STMT_DELETE,
    STMT_SET_REVISION,
    STMT_OLD_MARK,
    STMT_FORGET_MARKS,
    STMT_SET_FORGOTTEN,
    STMT_COUNT_
};

struct connection {
    sqlite3 *db;
    sqlite3_stmt *statements[STMT_COUNT_];
    struct connection *next; /* the pool's */
};

/* Errors: those of store_open_sqlite(). */
MUST_CHECK enum status sqlite_connection_open(const char *path, enum sqlite_connection_kind kind,
                                              struct connection **out);
void sqlite_connection_close(struct connection *c);

/* What became of the last call, which returned `rc`; says so in the log, as `what`, when it is not the caller's fault.
 */
enum status sqlite_connection_status(const struct connection *c, int rc, const char *what);

enum status sqlite_connection_quiet_status(int rc);

/* A statement, ready to be bound. Reset it when done: an open read keeps the log from being recycled. */
static inline sqlite3_stmt *sqlite_connection_statement(struct connection *c, enum statement s)
{
    return c->statements[s];
}
/* Run a statement that returns no row. Returns SQLite's result code. */
int sqlite_connection_run(struct connection *c, enum statement s);

#endif
