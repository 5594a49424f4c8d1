#include "service/store/sqlite_connection.h"

#include <time.h>

#include "firmware/base/log.h"
#include "service/store/engine.h"

#define APPLICATION_ID 0x5374726d /* "Strm": this file is a store of ours and not just any database */
#define FORMAT         1          /* user_version */
#define BUSY_MS        5000       /* how long to wait for another process's transaction */
#define WAL_MODE_TRIES 50

/* A record whose value is NULL is the mark of a delete. `forgotten` is the newest revision of a mark that was dropped.
 */
static const char schema[] =
    "CREATE TABLE records (key BLOB PRIMARY KEY, value BLOB, revision INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX by_revision ON records (revision);"
    "CREATE INDEX marks ON records (revision) WHERE value IS NULL;"
    "CREATE TABLE state (id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL, forgotten INTEGER NOT NULL);"
    "INSERT INTO state VALUES (1, 0, 0);"
    "PRAGMA application_id = 1400140397;"
    "PRAGMA user_version = 1;";

static const char *const statements[STMT_COUNT_] = {
    [STMT_BEGIN_READ] = "BEGIN",
    [STMT_BEGIN_WRITE] = "BEGIN IMMEDIATE",
    [STMT_COMMIT] = "COMMIT",
    [STMT_ROLLBACK] = "ROLLBACK",
    [STMT_GET] = "SELECT key, value, revision FROM records WHERE key = ?1 AND value IS NOT NULL",
    [STMT_RANGE] = "SELECT key, value, revision FROM records WHERE key >= ?1 AND key < ?2 AND value IS NOT NULL "
                   "ORDER BY key",
    [STMT_RANGE_AFTER] = "SELECT key, value, revision FROM records WHERE key > ?1 AND key < ?2 AND value IS NOT NULL "
                         "ORDER BY key",
    [STMT_CHANGES] = "SELECT key, value, revision FROM records INDEXED BY by_revision WHERE revision > ?1 "
                     "ORDER BY revision",
    [STMT_STATE] = "SELECT revision, forgotten FROM state WHERE id = 1",
    [STMT_REVISION_OF] = "SELECT revision FROM records WHERE key = ?1 AND value IS NOT NULL",
    [STMT_PUT] = "INSERT INTO records (key, value, revision) VALUES (?1, ?2, ?3) "
                 "ON CONFLICT (key) DO UPDATE SET value = excluded.value, revision = excluded.revision",
    [STMT_DELETE] = "UPDATE records SET value = NULL, revision = ?2 WHERE key = ?1 AND value IS NOT NULL",
    [STMT_SET_REVISION] = "UPDATE state SET revision = ?1 WHERE id = 1",
    [STMT_OLD_MARK] = "SELECT revision FROM records INDEXED BY marks WHERE value IS NULL ORDER BY revision DESC "
                      "LIMIT 1 OFFSET ?1",
    [STMT_FORGET_MARKS] = "DELETE FROM records WHERE value IS NULL AND revision <= ?1",
    [STMT_SET_FORGOTTEN] = "UPDATE state SET forgotten = ?1 WHERE id = 1",
};

enum status sqlite_connection_quiet_status(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return ST_OK;
    case SQLITE_NOMEM:
        return ST_NO_MEMORY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ST_CORRUPT;
    case SQLITE_TOOBIG:
        return ST_TOO_LARGE;
    default:
        return ST_IO;
    }
}

enum status sqlite_connection_status(const struct connection *c, int rc, const char *what)
{
    enum status st = sqlite_connection_quiet_status(rc);

    if (st != ST_OK)
        log_error("store: %s: %s (%d)", what, sqlite3_errmsg(c->db), sqlite3_extended_errcode(c->db));
    return st;
}

int sqlite_connection_run(struct connection *c, enum statement s)
{
    int rc = sqlite3_step(c->statements[s]);

    sqlite3_reset(c->statements[s]);
    return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static int run_text(struct connection *c, const char *sql)
{
    return sqlite3_exec(c->db, sql, NULL, NULL, NULL);
}

/* The one number a query answers. */
static int query_number(struct connection *c, const char *sql, int64_t *out)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(c->db, sql, -1, &stmt, NULL);

    if (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        *out = sqlite3_column_int64(stmt, 0);
        rc = SQLITE_OK;
    }
    sqlite3_finalize(stmt);
    return rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
}

static int limit_and_harden(struct connection *c)
{
    int rc = sqlite3_busy_timeout(c->db, BUSY_MS);

    sqlite3_extended_result_codes(c->db, 1);
    sqlite3_limit(c->db, SQLITE_LIMIT_LENGTH, 2 * STORE_VALUE_MAX); /* also of what an edited file claims */
    sqlite3_limit(c->db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL); /* none of ours: an edited file's */
    return rc != SQLITE_OK ? rc : run_text(c, "PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;");
}

/* Changing to the write-ahead log needs the file for oneself for a moment, and SQLite does not wait for that. */
static int use_write_ahead_log(struct connection *c)
{
    const struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };
    int rc = SQLITE_BUSY;

    for (int i = 0; i < WAL_MODE_TRIES && (rc & 0xff) == SQLITE_BUSY; i++) {
        if (i > 0)
            nanosleep(&pause, NULL);
        rc = run_text(c, "PRAGMA journal_mode = WAL");
    }
    return rc;
}

/* The log and its index stay when the last writer leaves: a reader who may not write could not make them again. */
static int set_up_writer(struct connection *c)
{
    int keep = 1, rc = use_write_ahead_log(c);

    if (rc == SQLITE_OK)
        rc = sqlite3_file_control(c->db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
    /* secure_delete: a purged key's blob does not linger in free pages. */
    return rc != SQLITE_OK ? rc
                           : run_text(c, "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;"
                                         "PRAGMA journal_size_limit = 67108864;");
}

/* Is it a store, and of a format we know? *fresh: there is nothing in it yet. In a transaction, so that its three
 * answers are of one moment. */
static enum status check_format(struct connection *c, bool *fresh)
{
    int64_t id = 0, format = 0, tables = 0;
    int rc;

    if ((rc = query_number(c, "PRAGMA application_id", &id)) != SQLITE_OK ||
        (rc = query_number(c, "PRAGMA user_version", &format)) != SQLITE_OK ||
        (rc = query_number(c, "SELECT count(*) FROM sqlite_schema", &tables)) != SQLITE_OK)
        return sqlite_connection_status(c, rc, "reading the format");
    *fresh = id == 0 && format == 0 && tables == 0;
    if (*fresh)
        return ST_OK;
    if (id != APPLICATION_ID) {
        log_error("store: the file is a database, but no store");
        return ST_CORRUPT;
    }
    return format == FORMAT ? ST_OK : format > FORMAT ? ST_UNSUPPORTED : ST_CORRUPT;
}

/* Somebody may be making the tables at this moment. */
static enum status look_at_format(struct connection *c, bool *fresh)
{
    int rc = run_text(c, "BEGIN");
    enum status st = rc == SQLITE_OK ? check_format(c, fresh) : sqlite_connection_status(c, rc, "reading the format");

    if (rc == SQLITE_OK)
        run_text(c, "ROLLBACK"); /* nothing was written */
    return st;
}

/* Another process may be doing the same: who has the write lock looks again before making anything. */
static enum status make_tables(struct connection *c)
{
    bool fresh = false;
    enum status st;
    int rc = run_text(c, "BEGIN IMMEDIATE");

    if (rc != SQLITE_OK)
        return sqlite_connection_status(c, rc, "making the tables");
    if ((st = check_format(c, &fresh)) == ST_OK && fresh)
        st = sqlite_connection_status(c, run_text(c, schema), "making the tables");
    if (st == ST_OK)
        st = sqlite_connection_status(c, run_text(c, "COMMIT"), "making the tables");
    if (st != ST_OK)
        run_text(c, "ROLLBACK");
    return st;
}

static enum status prepare_all(struct connection *c, enum sqlite_connection_kind kind)
{
    int count = kind == CONNECTION_WRITER ? STMT_COUNT_ : STMT_READER_COUNT_;

    for (int i = 0; i < count; i++) {
        int rc = sqlite3_prepare_v3(c->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT, &c->statements[i], NULL);

        if (rc != SQLITE_OK)
            return sqlite_connection_status(c, rc, "preparing") == ST_IO
                       ? ST_CORRUPT
                       : sqlite_connection_quiet_status(rc); /* a table is not there */
    }
    return ST_OK;
}

static enum status set_up(struct connection *c, enum sqlite_connection_kind kind)
{
    bool fresh = false;
    enum status st;

    if (kind == CONNECTION_WRITER && sqlite3_db_readonly(c->db, "main") == 1)
        return ST_NOT_PERMITTED; /* SQLite makes do with reading when the file cannot be opened to write */
    if ((st = sqlite_connection_status(c, limit_and_harden(c), "setting up")) != ST_OK)
        return st;
    if (kind == CONNECTION_WRITER &&
        (st = sqlite_connection_status(c, set_up_writer(c), "setting up the writer")) != ST_OK)
        return st;
    if ((st = look_at_format(c, &fresh)) != ST_OK)
        return st;
    if (fresh && kind != CONNECTION_WRITER)
        return ST_NOT_FOUND; /* its writer is about to make it */
    if (fresh && (st = make_tables(c)) != ST_OK)
        return st;
    if (kind == CONNECTION_READER &&
        (st = sqlite_connection_status(c, run_text(c, "PRAGMA query_only = ON"), "setting up a reader")) != ST_OK)
        return st;
    return prepare_all(c, kind);
}

enum status sqlite_connection_open(const char *path, enum sqlite_connection_kind kind, struct connection **out)
{
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_PRIVATECACHE |
                (kind == CONNECTION_FOREIGN_READER ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
    struct connection *c = calloc(1, sizeof *c);
    enum status st;

    *out = NULL;
    if (c == NULL)
        return ST_NO_MEMORY;
    if ((st = sqlite_connection_status(c, sqlite3_open_v2(path, &c->db, flags, NULL), "opening")) != ST_OK ||
        (st = set_up(c, kind)) != ST_OK) {
        sqlite_connection_close(c);
        return st;
    }
    *out = c;
    return ST_OK;
}

void sqlite_connection_close(struct connection *c)
{
    if (c == NULL)
        return;
    for (int i = 0; i < STMT_COUNT_; i++)
        sqlite3_finalize(c->statements[i]);
    sqlite3_close(c->db);
    free(c);
}
