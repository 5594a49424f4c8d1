/* sqlite.c - the embedded engine: one SQLite database in write-ahead mode, every commit flushed (synchronous=FULL).
 * Writing happens on one connection of the writer's thread, reading on as many as there are readers at a time; a read
 * never waits for a write. Other processes may have the file open as well. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "firmware/base/log.h"
#include "service/store/engines.h"
#include "service/store/sqlite_connection.h"

#define IDLE_READERS_MAX 16u
#define FORGET_EVERY     4096u /* deletes between two looks for marks to drop */

struct sqlite_engine {
    struct store_engine base;
    char *path;
    enum sqlite_connection_kind reader_kind;
    pthread_mutex_t lock; /* guards the idle readers */
    struct connection *idle;
    unsigned idle_count;

    /* the writer's thread alone */
    struct connection *writer; /* NULL: read-only */
    uint64_t revision;         /* newest in the open transaction */
    uint64_t revision_before;  /* of this transaction's commits */
    unsigned deletes;          /* since marks were last dropped */
    bool failing;              /* so that a full disk is logged once, not once a commit */
};

static struct sqlite_engine *engine_of(struct store_engine *e)
{
    return (struct sqlite_engine *)e;
}

/* Readers */

/* Never waits: a visitor that holds one reader may ask for another. */
static enum status borrow_reader(struct sqlite_engine *s, struct connection **out)
{
    pthread_mutex_lock(&s->lock);
    if ((*out = s->idle) != NULL) {
        s->idle = (*out)->next;
        s->idle_count--;
    }
    pthread_mutex_unlock(&s->lock);
    return *out != NULL ? ST_OK : sqlite_connection_open(s->path, s->reader_kind, out);
}

static void return_reader(struct sqlite_engine *s, struct connection *c)
{
    bool keep;

    pthread_mutex_lock(&s->lock);
    if ((keep = s->idle_count < IDLE_READERS_MAX)) {
        c->next = s->idle;
        s->idle = c;
        s->idle_count++;
    }
    pthread_mutex_unlock(&s->lock);
    if (!keep)
        sqlite_connection_close(c);
}

static void bind_span(sqlite3_stmt *stmt, int at, struct span s)
{
    /* Binding borrowed memory cannot fail: every length is far below SQLite's limit. A span without a p is NULL. */
    sqlite3_bind_blob(stmt, at, s.len > 0 || s.p == NULL ? s.p : (const void *)"", (int)s.len, SQLITE_STATIC);
}

/* The columns key, value, revision of the row a statement stands on. Errors: ST_CORRUPT no store of ours wrote this. */
static enum status read_row(sqlite3_stmt *stmt, struct store_record *r)
{
    bool deleted = sqlite3_column_type(stmt, 1) == SQLITE_NULL;
    const void *value = sqlite3_column_blob(stmt, 1);

    r->key = span_of(sqlite3_column_blob(stmt, 0), (size_t)sqlite3_column_bytes(stmt, 0));
    r->value = span_of(deleted ? NULL : value != NULL ? value : "", (size_t)sqlite3_column_bytes(stmt, 1));
    r->revision = (uint64_t)sqlite3_column_int64(stmt, 2);
    if (r->key.p == NULL || r->key.len > STORE_KEY_MAX || r->value.len > STORE_VALUE_MAX ||
        sqlite3_column_int64(stmt, 2) <= 0) {
        log_error("store: a record has a key, value or revision that cannot be");
        return ST_CORRUPT;
    }
    return ST_OK;
}

static enum status sqlite_get(struct store_engine *e, struct span key, struct bytes *value, uint64_t *revision)
{
    struct sqlite_engine *s = engine_of(e);
    struct connection *c;
    struct store_record r;
    enum status st = borrow_reader(s, &c);
    sqlite3_stmt *stmt;
    int rc;

    if (st != ST_OK)
        return st;
    stmt = sqlite_connection_statement(c, STMT_GET);
    bind_span(stmt, 1, key);
    rc = sqlite3_step(stmt);
    if (rc != SQLITE_ROW)
        st = rc == SQLITE_DONE ? ST_NOT_FOUND : sqlite_connection_status(c, rc, "reading a record");
    else if ((st = read_row(stmt, &r)) == ST_OK && (st = bytes_set(value, r.value)) == ST_OK)
        *revision = r.revision;
    sqlite3_reset(stmt);
    return_reader(s, c);
    return st;
}

/* The first key behind all that start with `prefix`, into `end`: the prefix with its last byte that can be raised
 * raised. For an empty prefix, or one of 0xff alone, more of 0xff than any key has. */
static struct span end_of_prefix(struct span prefix, uint8_t end[STORE_KEY_MAX + 1])
{
    size_t len = prefix.len;

    while (len > 0 && prefix.p[len - 1] == 0xff)
        len--;
    if (len == 0) {
        memset(end, 0xff, STORE_KEY_MAX + 1);
        return span_of(end, STORE_KEY_MAX + 1);
    }
    memcpy(end, prefix.p, len);
    end[len - 1]++;
    return span_of(end, len);
}

static bool is_behind(struct span after, struct span prefix)
{
    size_t shorter = after.len < prefix.len ? after.len : prefix.len;
    int order = shorter > 0 ? memcmp(after.p, prefix.p, shorter) : 0;

    return order != 0 ? order > 0 : after.len >= prefix.len;
}

/* Visit the rows of a bound statement. *more: a row stands behind the last one visited. */
static enum status visit_rows(struct connection *c, sqlite3_stmt *stmt, size_t limit, store_visitor *visit, void *arg,
                              bool *more)
{
    struct store_record r;
    bool going = true;
    enum status st;
    int rc;

    *more = false;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (!going || limit-- == 0) {
            *more = true;
            return ST_OK;
        }
        if ((st = read_row(stmt, &r)) != ST_OK)
            return st;
        going = visit(&r, arg);
    }
    return sqlite_connection_status(c, rc, "reading records");
}

static enum status sqlite_range(struct store_engine *e, struct span prefix, struct span after, size_t limit,
                                store_visitor *visit, void *arg, bool *more)
{
    struct sqlite_engine *s = engine_of(e);
    bool past = after.len > 0 && is_behind(after, prefix);
    uint8_t end[STORE_KEY_MAX + 1];
    struct span from = past ? after : prefix;
    struct connection *c;
    enum status st = borrow_reader(s, &c);
    sqlite3_stmt *stmt;

    if (st != ST_OK)
        return st;
    stmt = sqlite_connection_statement(c, past ? STMT_RANGE_AFTER : STMT_RANGE);
    bind_span(stmt, 1, from.len > 0 ? from : span_text(""));
    bind_span(stmt, 2, end_of_prefix(prefix, end));
    st = visit_rows(c, stmt, limit, visit, arg, more);
    sqlite3_reset(stmt);
    return_reader(s, c);
    return st;
}

static enum status read_state(struct connection *c, uint64_t *revision, uint64_t *forgotten)
{
    sqlite3_stmt *stmt = sqlite_connection_statement(c, STMT_STATE);
    enum status st = ST_OK;
    int rc = sqlite3_step(stmt);

    if (rc != SQLITE_ROW)
        st = rc == SQLITE_DONE ? ST_CORRUPT : sqlite_connection_status(c, rc, "reading the revision");
    else if (sqlite3_column_int64(stmt, 0) < 0 || sqlite3_column_int64(stmt, 1) < 0)
        st = ST_CORRUPT;
    else {
        *revision = (uint64_t)sqlite3_column_int64(stmt, 0);
        *forgotten = (uint64_t)sqlite3_column_int64(stmt, 1);
    }
    sqlite3_reset(stmt);
    return st;
}

static enum status sqlite_newest(struct store_engine *e, uint64_t *revision)
{
    struct sqlite_engine *s = engine_of(e);
    struct connection *c;
    uint64_t forgotten;
    enum status st = borrow_reader(s, &c);

    if (st != ST_OK)
        return st;
    st = read_state(c, revision, &forgotten);
    return_reader(s, c);
    return st;
}

struct forwarding {
    store_visitor *visit;
    void *arg;
    uint64_t seen;
};

static bool forward(const struct store_record *r, void *arg)
{
    struct forwarding *f = arg;

    f->seen = r->revision;
    return f->visit(r, f->arg);
}

/* State and changes are read in one transaction: marks dropped between the two would be missed. */
static enum status sqlite_changes(struct store_engine *e, uint64_t since, store_visitor *visit, void *arg,
                                  uint64_t *seen, bool *lost)
{
    struct sqlite_engine *s = engine_of(e);
    struct forwarding f = { visit, arg, since };
    uint64_t revision = 0, forgotten = 0;
    struct connection *c;
    enum status st = borrow_reader(s, &c);
    bool more;
    int rc;

    if (st != ST_OK)
        return st;
    if ((rc = sqlite_connection_run(c, STMT_BEGIN_READ)) != SQLITE_OK)
        st = sqlite_connection_status(c, rc, "reading changes");
    else if ((st = read_state(c, &revision, &forgotten)) == ST_OK && revision != since) {
        sqlite3_stmt *stmt = sqlite_connection_statement(c, STMT_CHANGES);

        sqlite3_bind_int64(stmt, 1, (sqlite3_int64)since);
        st = visit_rows(c, stmt, SIZE_MAX, forward, &f, &more);
        sqlite3_reset(stmt);
    }
    if (sqlite3_get_autocommit(c->db) == 0)
        sqlite_connection_run(c, STMT_COMMIT);
    return_reader(s, c);
    *seen = f.seen > revision ? f.seen : revision;
    *lost = forgotten > since;
    return st;
}

/* The writer */

/* The first failure of a row of them is logged: a full disk is not news at every commit. */
static enum status writer_failed(struct sqlite_engine *s, int rc, const char *what)
{
    bool logged = s->failing;

    s->failing = true;
    return logged ? sqlite_connection_quiet_status(rc) : sqlite_connection_status(s->writer, rc, what);
}

static void sqlite_undo(struct store_engine *e)
{
    struct sqlite_engine *s = engine_of(e);

    if (sqlite3_get_autocommit(s->writer->db) == 0) /* SQLite undoes by itself when the disk is full */
        sqlite_connection_run(s->writer, STMT_ROLLBACK);
}

static enum status sqlite_begin(struct store_engine *e)
{
    struct sqlite_engine *s = engine_of(e);
    uint64_t forgotten;
    enum status st;
    int rc = sqlite_connection_run(s->writer, STMT_BEGIN_WRITE);

    if (rc != SQLITE_OK)
        return writer_failed(s, rc, "beginning a commit");
    if ((st = read_state(s->writer, &s->revision, &forgotten)) == ST_OK && s->revision >= INT64_MAX - STORE_WRITES_MAX)
        st = ST_CORRUPT; /* no store lives that long */
    if (st != ST_OK)
        sqlite_undo(e);
    s->revision_before = s->revision;
    return st;
}

/* The revision of a live record, STORE_ABSENT when there is none. */
static int revision_of(struct sqlite_engine *s, struct span key, uint64_t *revision)
{
    sqlite3_stmt *stmt = sqlite_connection_statement(s->writer, STMT_REVISION_OF);
    int rc;

    bind_span(stmt, 1, key);
    if ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
        *revision = (uint64_t)sqlite3_column_int64(stmt, 0);
    else
        *revision = STORE_ABSENT;
    sqlite3_reset(stmt);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int conditions_hold(struct sqlite_engine *s, const struct store_commit *c, bool *hold)
{
    uint64_t revision;
    int rc;

    *hold = false;
    for (size_t i = 0; i < c->count; i++) {
        if (c->writes[i].expected == STORE_ANY)
            continue;
        if ((rc = revision_of(s, c->writes[i].key, &revision)) != SQLITE_OK)
            return rc;
        if (revision != c->writes[i].expected)
            return SQLITE_OK;
    }
    *hold = true;
    return SQLITE_OK;
}

static int write_one(struct sqlite_engine *s, const struct store_write *w, uint64_t revision)
{
    enum statement kind = w->value.p != NULL ? STMT_PUT : STMT_DELETE;
    sqlite3_stmt *stmt = sqlite_connection_statement(s->writer, kind);

    bind_span(stmt, 1, w->key);
    if (kind == STMT_PUT)
        bind_span(stmt, 2, w->value);
    else
        s->deletes++;
    sqlite3_bind_int64(stmt, kind == STMT_PUT ? 3 : 2, (sqlite3_int64)revision);
    return sqlite_connection_run(s->writer, kind);
}

/* Conditions first: a commit that is refused has written nothing, so it needs no savepoint to be undone. */
static enum status sqlite_apply(struct store_engine *e, struct store_commit *c)
{
    struct sqlite_engine *s = engine_of(e);
    bool hold;
    int rc = conditions_hold(s, c, &hold);

    if (rc == SQLITE_OK && !hold) {
        c->status = ST_CONFLICT;
        return ST_OK;
    }
    for (size_t i = 0; rc == SQLITE_OK && i < c->count; i++)
        rc = write_one(s, &c->writes[i], s->revision + 1);
    if (rc != SQLITE_OK)
        return writer_failed(s, rc, "writing a record");
    c->revision = ++s->revision;
    return ST_OK;
}

static int set_number(struct sqlite_engine *s, enum statement kind, uint64_t number)
{
    sqlite3_bind_int64(sqlite_connection_statement(s->writer, kind), 1, (sqlite3_int64)number);
    return sqlite_connection_run(s->writer, kind);
}

/* Drop the marks beyond the newest STORE_MARKS_MAX. In a transaction of its own: if it fails, nothing is lost. */
static void forget_marks(struct sqlite_engine *s)
{
    sqlite3_stmt *stmt = sqlite_connection_statement(s->writer, STMT_OLD_MARK);
    uint64_t old = 0;
    int rc;

    s->deletes = 0;
    if ((rc = sqlite_connection_run(s->writer, STMT_BEGIN_WRITE)) != SQLITE_OK)
        return;
    sqlite3_bind_int64(stmt, 1, STORE_MARKS_MAX);
    if (sqlite3_step(stmt) == SQLITE_ROW)
        old = (uint64_t)sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    if (old > 0 && (rc = set_number(s, STMT_FORGET_MARKS, old)) == SQLITE_OK)
        rc = set_number(s, STMT_SET_FORGOTTEN, old);
    if (rc == SQLITE_OK)
        rc = sqlite_connection_run(s->writer, STMT_COMMIT);
    if (rc != SQLITE_OK)
        log_notice("store: old marks of deletes are kept: %s", sqlite3_errmsg(s->writer->db));
    sqlite_undo(&s->base);
}

static enum status sqlite_publish(struct store_engine *e)
{
    struct sqlite_engine *s = engine_of(e);
    enum status st;
    int rc = SQLITE_OK;

    if (s->revision != s->revision_before)
        rc = set_number(s, STMT_SET_REVISION, s->revision);
    if (rc == SQLITE_OK)
        rc = sqlite_connection_run(s->writer, STMT_COMMIT);
    if (rc != SQLITE_OK) {
        st = writer_failed(s, rc, "making a commit durable");
        sqlite_undo(e);
        return st;
    }
    if (s->failing)
        log_notice("store: commits succeed again");
    s->failing = false;
    if (s->deletes >= FORGET_EVERY)
        forget_marks(s);
    return ST_OK;
}

/* Opening and closing */

/* The path with its directory's symbolic links resolved; those were made by whoever set the machine up. A link in the
 * file's own place is refused: someone else may have put it there. */
static enum status resolve_path(const char *path, char **out)
{
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    char *given = span_dup_text(slash != NULL ? span_of(path, (size_t)(name - path)) : span_text("./"));
    char *directory = given != NULL ? realpath(given, NULL) : NULL;
    struct bytes whole = { 0 };
    enum status st = ST_IO;

    *out = NULL;
    if (directory == NULL) {
        log_error("store: %s: %s", path, given != NULL ? strerror(errno) : "out of memory");
        goto done;
    }
    bytes_printf(&whole, "%s/%s", directory, name);
    if ((st = bytes_status(&whole)) == ST_OK)
        *out = (char *)whole.p;
done:
    free(directory);
    free(given);
    return st;
}

/* Make the database file if there is none, so that its mode never is wider than 0640; SQLite gives the log and the
 * index beside it the same mode and owner. Only a new file is opened here: closing a descriptor of one that SQLite has
 * open would drop its locks (POSIX locks are the process's). */
static enum status make_file(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);

    if (fd >= 0)
        close(fd);
    else if (errno != EEXIST) {
        log_error("store: %s: %s", path, strerror(errno));
        return ST_IO;
    }
    return ST_OK;
}

static enum status check_file(const char *path)
{
    struct stat st;

    if (lstat(path, &st) != 0)
        return errno == ENOENT ? ST_NOT_FOUND : ST_IO;
    if (!S_ISREG(st.st_mode) || (st.st_mode & 027) != 0) {
        log_error("store: %s: must be a regular file that no group may write and no other may read", path);
        return ST_NOT_PERMITTED;
    }
    return ST_OK;
}

static void sqlite_close(struct store_engine *e)
{
    struct sqlite_engine *s = engine_of(e);

    while (s->idle != NULL) {
        struct connection *c = s->idle;

        s->idle = c->next;
        sqlite_connection_close(c);
    }
    sqlite_connection_close(s->writer);
    pthread_mutex_destroy(&s->lock);
    free(s->path);
    free(s);
}

static enum status open_connections(struct sqlite_engine *s)
{
    struct connection *reader;
    enum status st = ST_OK;

    if (s->reader_kind == CONNECTION_READER)
        st = sqlite_connection_open(s->path, CONNECTION_WRITER, &s->writer);
    if (st == ST_OK && (st = borrow_reader(s, &reader)) == ST_OK)
        return_reader(s, reader);
    return st;
}

enum status sqlite_engine_open(const char *path, enum store_mode mode, struct store_engine **out)
{
    static const struct store_engine_ops ops = {
        .close = sqlite_close,
        .get = sqlite_get,
        .range = sqlite_range,
        .begin = sqlite_begin,
        .apply = sqlite_apply,
        .publish = sqlite_publish,
        .undo = sqlite_undo,
        .newest = sqlite_newest,
        .changes = sqlite_changes,
    };
    struct sqlite_engine *s = calloc(1, sizeof *s);
    enum status st;

    if (s == NULL)
        return ST_NO_MEMORY;
    s->base.ops = &ops;
    s->reader_kind = mode == STORE_READ_ONLY ? CONNECTION_FOREIGN_READER : CONNECTION_READER;
    pthread_mutex_init(&s->lock, NULL);
    if ((st = resolve_path(path, &s->path)) != ST_OK ||
        (mode == STORE_READ_WRITE && (st = make_file(s->path)) != ST_OK) || (st = check_file(s->path)) != ST_OK ||
        (st = open_connections(s)) != ST_OK) {
        sqlite_close(&s->base);
        return st;
    }
    s->base.shared_path = s->path;
    *out = &s->base;
    return ST_OK;
}
