/* The SQLite engine: conformance, and what only a file shared by processes can show. The program runs itself as the
 * other process: `test_store_sqlite <part> <path> ...`; see main(). */
#include "tests/unit/service/store/conformance.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "firmware/base/clock.h"
#include "firmware/base/log.h"

#define KILLS     60
#define NOBODY    65534
#define COUNTS    150
#define MANY_KEYS (STORE_WRITES_MAX * 36)

/* SQLite's flush comes here: to be counted, or to fail as a broken disk does. */
static _Atomic unsigned flushes;
static _Atomic bool flush_fails;

int fdatasync(int fd)
{
    atomic_fetch_add(&flushes, 1);
    if (!atomic_load(&flush_fails))
        return (int)syscall(SYS_fdatasync, fd);
    errno = EIO;
    return -1;
}

static const char *new_path(void)
{
    static char path[128];
    static unsigned number;

    snprintf(path, sizeof path, "%s/store-%u.db", scratch_directory(), number++);
    return path;
}

static enum status open_fresh(struct store **out)
{
    return store_open_sqlite(new_path(), STORE_READ_WRITE, out);
}

static struct store *open_or_fail(const char *path, enum store_mode mode)
{
    struct store *s = NULL;

    if (store_open_sqlite(path, mode, &s) != ST_OK)
        CU_FAIL_FATAL("the store cannot be opened");
    return s;
}

static enum status try_open(const char *path, enum store_mode mode)
{
    struct store *s = NULL;
    enum status st = store_open_sqlite(path, mode, &s);

    CU_ASSERT((st == ST_OK) == (s != NULL));
    store_close(s);
    return st;
}

/* The other process */

struct process {
    pid_t pid;
    int output; /* what it writes to standard output */
};

static struct process start(const char *part, const char *path, const char *argument, bool as_nobody)
{
    struct process p = { 0 };
    char *const args[] = { (char *)"test_store_sqlite", (char *)part, (char *)path, (char *)argument, NULL };
    int fds[2], self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

    if (pipe2(fds, O_CLOEXEC) != 0 || (p.pid = fork()) < 0)
        CU_FAIL_FATAL("no process to be had");
    if (p.pid == 0) {
        dup2(fds[1], STDOUT_FILENO);
        if (as_nobody && (setgroups(0, NULL) != 0 || setgid(NOBODY) != 0 || setuid(NOBODY) != 0))
            _exit(125);
        fexecve(self, args, environ);
        _exit(126);
    }
    close(self);
    close(fds[1]);
    p.output = fds[0];
    return p;
}

/* Its exit code; 128 + n when signal n ended it. */
static int finish(struct process *p)
{
    int status = 0;

    close(p->output);
    waitpid(p->pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run(const char *part, const char *path, const char *argument)
{
    struct process p = start(part, path, argument, false);

    return finish(&p);
}

static int write_one(const char *path, const char *key)
{
    struct store *s;
    enum status st = store_open_sqlite(path, STORE_READ_WRITE, &s);

    if (st == ST_OK)
        st = put(s, key, "theirs", STORE_ANY, NULL);
    store_close(s);
    return (int)st;
}

static int delete_one(const char *path, const char *key)
{
    struct store *s;
    enum status st = store_open_sqlite(path, STORE_READ_WRITE, &s);

    if (st == ST_OK)
        st = delete_key(s, key, STORE_ANY);
    store_close(s);
    return (int)st;
}

/* Reads "a" and tries to write it; exit code 0 when only the first worked. */
static int read_only(const char *path)
{
    struct store *s;
    enum status st = store_open_sqlite(path, STORE_READ_ONLY, &s);

    if (st != ST_OK)
        return 100 + (int)st;
    if (!holds(s, "a", "ours"))
        return 1;
    if (put(s, "a", "theirs", STORE_ANY, NULL) != ST_NOT_PERMITTED)
        return 2;
    store_close(s);
    return 0;
}

/* Adds 1 to the number in "count", `COUNTS` times, against others who do the same. */
static enum status add_one(struct store *s)
{
    struct bytes value = { 0 };
    uint64_t revision = STORE_ABSENT;
    char text[24];
    enum status st = store_get(s, span_text("count"), &value, &revision);

    if (st == ST_OK || st == ST_NOT_FOUND) {
        snprintf(text, sizeof text, "%lu", strtoul(bytes_text(&value), NULL, 10) + 1);
        st = put(s, "count", text, revision, NULL);
    }
    bytes_clear(&value);
    return st;
}

static int count(const char *path)
{
    struct store *s;
    enum status st = store_open_sqlite(path, STORE_READ_WRITE, &s);

    if (st != ST_OK)
        return (int)st;
    for (int i = 0; i < COUNTS; i++)
        while ((st = add_one(s)) != ST_OK)
            if (st != ST_CONFLICT)
                return (int)st;
    store_close(s);
    return 0;
}

/* Puts or deletes `MANY_KEYS` keys. */
static int many(const char *path, bool put_them)
{
    static struct store_write writes[STORE_WRITES_MAX];
    static char keys[STORE_WRITES_MAX][16];
    struct store *s;
    enum status st = store_open_sqlite(path, STORE_READ_WRITE, &s);

    for (unsigned at = 0; st == ST_OK && at < MANY_KEYS; at += STORE_WRITES_MAX) {
        struct store_commit c = { .writes = writes, .count = STORE_WRITES_MAX };

        for (unsigned i = 0; i < STORE_WRITES_MAX; i++) {
            snprintf(keys[i], sizeof keys[i], "m/%08u", at + i);
            writes[i] =
                (struct store_write){ span_text(keys[i]), put_them ? span_text("v") : span_of(NULL, 0), STORE_ANY };
        }
        st = store_commit(s, &c);
    }
    store_close(s);
    return (int)st;
}

/* Commits without end, each of two keys; each one's number goes to standard output once it is durable. */
struct load {
    struct store_commit commit;
    struct store_write writes[2];
    char keys[2][40];
    uint32_t number;
    _Atomic bool done;
};

static void acknowledge(struct store_commit *c)
{
    struct load *l = c->owner;

    if (c->status != ST_OK || write(STDOUT_FILENO, &l->number, sizeof l->number) != sizeof l->number)
        _exit(1);
    atomic_store(&l->done, true);
}

static int load(const char *path, const char *round)
{
    static struct load loads[32];
    struct store *s;
    uint32_t number = 0;

    if (store_open_sqlite(path, STORE_READ_WRITE, &s) != ST_OK)
        return 1;
    for (size_t i = 0; i < ARRAY_LEN(loads); i++)
        atomic_store(&loads[i].done, true);
    for (;;)
        for (size_t i = 0; i < ARRAY_LEN(loads); i++) {
            struct load *l = &loads[i];

            while (!atomic_load(&l->done))
                sched_yield();
            atomic_store(&l->done, false);
            l->number = number++;
            for (int k = 0; k < 2; k++) {
                snprintf(l->keys[k], sizeof l->keys[k], "load/%s/%08x/%d", round, l->number, k);
                l->writes[k] = (struct store_write){ span_text(l->keys[k]), span_text("v"), STORE_ABSENT };
            }
            l->commit = (struct store_commit){ .writes = l->writes, .count = 2, .done = acknowledge, .owner = l };
            if (store_submit(s, &l->commit) != ST_OK)
                return 1;
        }
}

/* Files */

static void what_is_committed_is_there_after_reopening(void)
{
    const char *path = new_path();
    struct store *s = open_or_fail(path, STORE_READ_WRITE);
    uint64_t first = 0, second = 0;

    CU_ASSERT(put(s, "a", "1", STORE_ANY, &first) == ST_OK);
    CU_ASSERT(put(s, "b", "1", STORE_ANY, NULL) == ST_OK);
    CU_ASSERT(delete_key(s, "b", STORE_ANY) == ST_OK);
    store_close(s);
    s = open_or_fail(path, STORE_READ_WRITE);
    CU_ASSERT(holds(s, "a", "1"));
    CU_ASSERT(store_get(s, span_text("b"), NULL, NULL) == ST_NOT_FOUND);
    CU_ASSERT(put(s, "c", "1", STORE_ANY, &second) == ST_OK);
    CU_ASSERT(second == first + 3);
    store_close(s);
}

static mode_t mode_of(const char *path, const char *ending)
{
    char whole[160];
    struct stat st;

    snprintf(whole, sizeof whole, "%s%s", path, ending);
    return lstat(whole, &st) == 0 ? st.st_mode & 07777 : 07777;
}

static void files_are_for_the_owner_and_at_most_the_group(void)
{
    mode_t before = umask(0);
    const char *path = new_path();
    struct store *s = open_or_fail(path, STORE_READ_WRITE);

    CU_ASSERT(put(s, "a", "1", STORE_ANY, NULL) == ST_OK);
    CU_ASSERT(mode_of(path, "") == 0640);
    CU_ASSERT(mode_of(path, "-wal") == 0640);
    CU_ASSERT(mode_of(path, "-shm") == 0640);
    store_close(s);
    CU_ASSERT(mode_of(path, "-wal") == 0640); /* they stay */
    umask(077);
    path = new_path();
    s = open_or_fail(path, STORE_READ_WRITE);
    CU_ASSERT(mode_of(path, "") == 0600);
    store_close(s);
    umask(before);
}

static void write_file(const char *path, const void *content, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t n = write(fd, content, len);

    CU_ASSERT(n == (ssize_t)len);
    close(fd);
}

static void strange_files_are_refused(void)
{
    char target[128], link_path[160], inside[192];
    const char *path = new_path();
    uint8_t junk[8192];

    snprintf(target, sizeof target, "%s", path);
    CU_ASSERT(try_open(target, STORE_READ_ONLY) == ST_NOT_FOUND);
    CU_ASSERT(try_open(target, STORE_READ_WRITE) == ST_OK);
    CU_ASSERT(try_open(target, STORE_READ_ONLY) == ST_OK);
    snprintf(link_path, sizeof link_path, "%s-link", target);
    CU_ASSERT(symlink(target, link_path) == 0);
    CU_ASSERT(try_open(link_path, STORE_READ_WRITE) == ST_NOT_PERMITTED);
    CU_ASSERT(try_open(link_path, STORE_READ_ONLY) == ST_NOT_PERMITTED);
    CU_ASSERT(chmod(target, 0644) == 0);
    CU_ASSERT(try_open(target, STORE_READ_WRITE) == ST_NOT_PERMITTED);
    CU_ASSERT(chmod(target, 0660) == 0);
    CU_ASSERT(try_open(target, STORE_READ_ONLY) == ST_NOT_PERMITTED);
    CU_ASSERT(chmod(target, 0600) == 0);
    CU_ASSERT(try_open(target, STORE_READ_WRITE) == ST_OK);
    CU_ASSERT(try_open(scratch_directory(), STORE_READ_WRITE) == ST_NOT_PERMITTED);
    snprintf(inside, sizeof inside, "%s/none/x.db", scratch_directory());
    CU_ASSERT(try_open(inside, STORE_READ_WRITE) == ST_IO);
    /* a link in the way to the directory is the machine's business */
    snprintf(link_path, sizeof link_path, "%s/way", scratch_directory());
    CU_ASSERT(symlink(scratch_directory(), link_path) == 0);
    snprintf(inside, sizeof inside, "%s%s", link_path, strrchr(target, '/'));
    CU_ASSERT(try_open(inside, STORE_READ_WRITE) == ST_OK);

    memset(junk, 'j', sizeof junk);
    path = new_path();
    write_file(path, junk, sizeof junk);
    CU_ASSERT(try_open(path, STORE_READ_WRITE) == ST_CORRUPT);
    CU_ASSERT(try_open(path, STORE_READ_ONLY) == ST_CORRUPT);
    path = new_path();
    write_file(path, "", 0); /* someone is about to make it */
    CU_ASSERT(try_open(path, STORE_READ_ONLY) == ST_NOT_FOUND);
    CU_ASSERT(try_open(path, STORE_READ_WRITE) == ST_OK);
}

static void edit(const char *path, const char *sql)
{
    sqlite3 *db = NULL;

    CU_ASSERT(sqlite3_open(path, &db) == SQLITE_OK);
    CU_ASSERT(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK);
    sqlite3_close(db);
}

static void other_formats_are_refused(void)
{
    const char *path = new_path();

    CU_ASSERT(try_open(path, STORE_READ_WRITE) == ST_OK);
    edit(path, "PRAGMA user_version = 2");
    CU_ASSERT(try_open(path, STORE_READ_WRITE) == ST_UNSUPPORTED);
    CU_ASSERT(try_open(path, STORE_READ_ONLY) == ST_UNSUPPORTED);
    edit(path, "PRAGMA user_version = 0");
    CU_ASSERT(try_open(path, STORE_READ_WRITE) == ST_CORRUPT);
    edit(path, "PRAGMA user_version = 1; PRAGMA application_id = 7");
    CU_ASSERT(try_open(path, STORE_READ_WRITE) == ST_CORRUPT);
    edit(path, "PRAGMA application_id = 1400140397; DROP TABLE state");
    CU_ASSERT(try_open(path, STORE_READ_WRITE) == ST_CORRUPT);
    path = new_path();
    write_file(path, "", 0);
    edit(path, "CREATE TABLE other (x)");
    CU_ASSERT(try_open(path, STORE_READ_WRITE) == ST_CORRUPT);
}

static void edited_records_are_refused(void)
{
    const char *path = new_path();
    struct store *s = open_or_fail(path, STORE_READ_WRITE);

    CU_ASSERT(put(s, "good", "1", STORE_ANY, NULL) == ST_OK);
    CU_ASSERT(put(s, "bad", "1", STORE_ANY, NULL) == ST_OK);
    edit(path, "UPDATE records SET revision = -5 WHERE key = CAST('bad' AS BLOB)");
    CU_ASSERT(store_get(s, span_text("bad"), NULL, NULL) == ST_CORRUPT);
    edit(path, "UPDATE records SET revision = 5, value = zeroblob(1048577) WHERE key = CAST('bad' AS BLOB)");
    CU_ASSERT(store_get(s, span_text("bad"), NULL, NULL) == ST_CORRUPT);
    CU_ASSERT(holds(s, "good", "1"));
    edit(path, "UPDATE state SET revision = 9223372036854775807");
    CU_ASSERT(put(s, "good", "2", STORE_ANY, NULL) == ST_CORRUPT);
    edit(path, "DELETE FROM state");
    CU_ASSERT(put(s, "good", "2", STORE_ANY, NULL) == ST_CORRUPT);
    CU_ASSERT(holds(s, "good", "1"));
    store_close(s);
}

/* Full disks */

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;

    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    CU_ASSERT(setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

static void a_full_disk_refuses_and_leaves_no_trace(void)
{
    static uint8_t big[STORE_VALUE_MAX];
    const char *path = new_path();
    struct store *s = open_or_fail(path, STORE_READ_WRITE);
    struct store_write writes[2] = { { span_text("small"), span_text("v"), STORE_ANY },
                                     { span_text("big"), span_of(big, sizeof big), STORE_ANY } };
    struct store_commit c = { .writes = writes, .count = 2 };
    uint64_t before = 0, after = 0;

    CU_ASSERT(put(s, "a", "1", STORE_ANY, &before) == ST_OK);
    limit_files(512 * 1024);
    CU_ASSERT(store_commit(s, &c) == ST_IO);
    CU_ASSERT(store_get(s, span_text("small"), NULL, NULL) == ST_NOT_FOUND);
    CU_ASSERT(put(s, "b", "1", STORE_ANY, &after) == ST_OK); /* what fits still goes in */
    CU_ASSERT(after == before + 1);
    limit_files(0);
    CU_ASSERT(put(s, "c", "1", STORE_ANY, NULL) == ST_IO);
    CU_ASSERT(put(s, "c", "1", STORE_ANY, NULL) == ST_IO);
    CU_ASSERT(holds(s, "b", "1"));
    limit_files(RLIM_INFINITY);
    CU_ASSERT(put(s, "c", "1", STORE_ABSENT, &after) == ST_OK);
    CU_ASSERT(after == before + 2);
    CU_ASSERT(store_commit(s, &c) == ST_OK);
    store_close(s);
    s = open_or_fail(path, STORE_READ_WRITE);
    CU_ASSERT(holds(s, "b", "1") && holds(s, "c", "1") && holds(s, "small", "v"));
    store_close(s);
}

static void a_flush_that_fails_refuses_the_commit(void)
{
    const char *path = new_path();
    struct store *s = open_or_fail(path, STORE_READ_WRITE);
    unsigned before;

    for (int i = 0; i < 20; i++) {
        before = atomic_load(&flushes);
        CU_ASSERT(put(s, "a", "good", STORE_ANY, NULL) == ST_OK);
        CU_ASSERT(atomic_load(&flushes) > before); /* done comes after the flush */
    }
    atomic_store(&flush_fails, true);
    CU_ASSERT(put(s, "a", "bad", STORE_ANY, NULL) == ST_IO);
    CU_ASSERT(put(s, "b", "bad", STORE_ANY, NULL) == ST_IO);
    atomic_store(&flush_fails, false);
    CU_ASSERT(holds(s, "a", "good"));
    CU_ASSERT(put(s, "b", "good", STORE_ABSENT, NULL) == ST_OK);
    store_close(s);
    s = open_or_fail(path, STORE_READ_WRITE);
    CU_ASSERT(holds(s, "a", "good") && holds(s, "b", "good"));
    store_close(s);
}

/* A group of which one member does not fit. */
struct grouped {
    struct store_commit commit;
    struct store_write write;
    char key[16];
    _Atomic unsigned *left;
    pthread_mutex_t *gate;
};

static void count_down(struct store_commit *c)
{
    struct grouped *g = c->owner;

    if (g->gate != NULL) {
        pthread_mutex_lock(g->gate);
        pthread_mutex_unlock(g->gate);
    }
    atomic_fetch_sub(g->left, 1);
}

static void one_that_does_not_fit_fails_alone(void)
{
    static uint8_t big[STORE_VALUE_MAX];
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    struct store *s = open_or_fail(new_path(), STORE_READ_WRITE);
    struct grouped members[9] = { 0 };
    _Atomic unsigned left = ARRAY_LEN(members);

    pthread_mutex_lock(&gate); /* the writer stands in the first one's done while the others gather */
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        struct grouped *g = &members[i];

        snprintf(g->key, sizeof g->key, "g/%zu", i);
        g->left = &left;
        g->gate = i == 0 ? &gate : NULL;
        g->write =
            (struct store_write){ span_text(g->key), i == 4 ? span_of(big, sizeof big) : span_text("v"), STORE_ANY };
        g->commit = (struct store_commit){ .writes = &g->write, .count = 1, .done = count_down, .owner = g };
        CU_ASSERT(store_submit(s, &g->commit) == ST_OK);
        while (i == 0 && !holds(s, "g/0", "v"))
            sched_yield();
    }
    limit_files(512 * 1024);
    pthread_mutex_unlock(&gate);
    while (atomic_load(&left) > 0)
        sched_yield();
    limit_files(RLIM_INFINITY);
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        CU_ASSERT(members[i].commit.status == (i == 4 ? ST_IO : ST_OK));
        CU_ASSERT((store_get(s, span_text(members[i].key), NULL, NULL) == ST_OK) == (i != 4));
    }
    store_close(s);
}

/* Several processes */

static void a_reader_in_another_process_cannot_write(void)
{
    const char *path = new_path();
    struct store *s = open_or_fail(path, STORE_READ_WRITE), *reader;

    CU_ASSERT(put(s, "a", "ours", STORE_ANY, NULL) == ST_OK);
    CU_ASSERT(run("read", path, "") == 0);
    reader = open_or_fail(path, STORE_READ_ONLY);
    CU_ASSERT(put(reader, "a", "x", STORE_ANY, NULL) == ST_NOT_PERMITTED);
    CU_ASSERT(delete_key(reader, "a", STORE_ANY) == ST_NOT_PERMITTED);
    CU_ASSERT(put(s, "b", "ours", STORE_ANY, NULL) == ST_OK);
    CU_ASSERT(holds(reader, "b", "ours"));
    store_close(s);
    CU_ASSERT(holds(reader, "b", "ours"));
    store_close(reader);
    CU_ASSERT(run("read", path, "") == 0);
}

static void a_reader_of_the_group_needs_no_right_to_write(void)
{
    char directory[128], path[160];
    struct process p;
    struct store *s;

    if (geteuid() != 0) {
        printf("(not root: not shown) ");
        return;
    }
    snprintf(directory, sizeof directory, "%s/group", scratch_directory());
    snprintf(path, sizeof path, "%s/store.db", directory);
    CU_ASSERT(mkdir(directory, 0750) == 0);
    CU_ASSERT(chown(directory, 0, NOBODY) == 0 && chmod(directory, 02750) == 0);
    CU_ASSERT(chown(scratch_directory(), 0, NOBODY) == 0 && chmod(scratch_directory(), 0710) == 0);
    umask(027);
    s = open_or_fail(path, STORE_READ_WRITE);
    CU_ASSERT(put(s, "a", "ours", STORE_ANY, NULL) == ST_OK);
    p = start("read", path, "", true);
    CU_ASSERT(finish(&p) == 0);
    store_close(s); /* also when nobody who may write is there */
    p = start("read", path, "", true);
    CU_ASSERT(finish(&p) == 0);
    umask(022);
}

static void many_processes_may_make_the_same_store(void)
{
    const char *path = new_path();
    struct process p[4];
    struct store *s;
    char keys[4][4];

    for (size_t i = 0; i < ARRAY_LEN(p); i++) {
        snprintf(keys[i], sizeof keys[i], "k%zu", i);
        p[i] = start("put", path, keys[i], false);
    }
    for (size_t i = 0; i < ARRAY_LEN(p); i++)
        CU_ASSERT(finish(&p[i]) == 0);
    s = open_or_fail(path, STORE_READ_WRITE);
    for (size_t i = 0; i < ARRAY_LEN(p); i++)
        CU_ASSERT(holds(s, keys[i], "theirs"));
    store_close(s);
}

static void processes_count_together(void)
{
    const char *path = new_path();
    struct process p[2];
    struct store *s;
    char want[16];

    for (size_t i = 0; i < ARRAY_LEN(p); i++)
        p[i] = start("count", path, "", false);
    CU_ASSERT(count(path) == 0);
    for (size_t i = 0; i < ARRAY_LEN(p); i++)
        CU_ASSERT(finish(&p[i]) == 0);
    s = open_or_fail(path, STORE_READ_WRITE);
    snprintf(want, sizeof want, "%d", 3 * COUNTS);
    CU_ASSERT(holds(s, "count", want));
    store_close(s);
}

struct told {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char newest[64];
    unsigned puts, deletes;
    bool lost;
    bool held; /* on_change waits while this is set */
};

#define TOLD_INIT                                                                                                      \
    {                                                                                                                  \
        .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER                                         \
    }

static void note(const struct store_record *r, void *arg)
{
    struct told *t = arg;

    pthread_mutex_lock(&t->lock);
    if (r->key.len == 0)
        t->lost = true;
    else if (r->value.p == NULL)
        t->deletes++;
    else
        t->puts++;
    if (r->key.len > 0)
        snprintf(t->newest, sizeof t->newest, "%s%.*s", r->value.p == NULL ? "-" : "+", (int)r->key.len,
                 (const char *)r->key.p);
    pthread_cond_broadcast(&t->changed);
    while (t->held)
        pthread_cond_wait(&t->changed, &t->lock);
    pthread_mutex_unlock(&t->lock);
}

/* Wait until the newest change told is `want`. */
static void wait_for(struct told *t, const char *want)
{
    struct timespec until;
    int rc = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_MS / 1000;
    pthread_mutex_lock(&t->lock);
    while (strcmp(t->newest, want) != 0 && rc == 0)
        rc = pthread_cond_timedwait(&t->changed, &t->lock, &until);
    pthread_mutex_unlock(&t->lock);
    CU_ASSERT(rc == 0);
}

static void watch_others(enum store_mode mode)
{
    const char *path = new_path();
    struct store *maker = open_or_fail(path, STORE_READ_WRITE), *s;
    struct told t = TOLD_INIT;
    struct store_watch *w;

    s = open_or_fail(path, mode);
    CU_ASSERT_FATAL(store_watch(s, span_text("k/"), note, &t, &w) == ST_OK);
    CU_ASSERT(run("put", path, "k/1") == 0);
    wait_for(&t, "+k/1");
    CU_ASSERT(run("put", path, "other") == 0);
    CU_ASSERT(run("delete", path, "k/1") == 0);
    wait_for(&t, "-k/1");
    CU_ASSERT(put(maker, "k/2", "v", STORE_ANY, NULL) == ST_OK); /* beside, in this process, but another store */
    wait_for(&t, "+k/2");
    store_close(maker);
    edit(path, "PRAGMA wal_checkpoint(TRUNCATE)");
    CU_ASSERT(run("put", path, "k/3") == 0);
    wait_for(&t, "+k/3");
    CU_ASSERT(t.puts == 3 && t.deletes == 1 && !t.lost);
    store_unwatch(s, w);
    store_close(s);
}

static void other_processes_changes_are_told(void)
{
    watch_others(STORE_READ_WRITE);
    watch_others(STORE_READ_ONLY);
}

static void who_missed_too_many_deletes_is_told_so(void)
{
    const char *path = new_path();
    struct store *s;
    struct told t = TOLD_INIT;
    struct store_watch *w;

    CU_ASSERT(run("many", path, "put") == 0);
    s = open_or_fail(path, STORE_READ_ONLY);
    t.held = true; /* as if this process slept */
    CU_ASSERT_FATAL(store_watch(s, span_text(""), note, &t, &w) == ST_OK);
    CU_ASSERT(run("put", path, "first") == 0);
    wait_for(&t, "+first");
    CU_ASSERT(run("many", path, "delete") == 0);
    CU_ASSERT(run("put", path, "last") == 0);
    pthread_mutex_lock(&t.lock);
    t.held = false;
    pthread_cond_broadcast(&t.changed);
    pthread_mutex_unlock(&t.lock);
    wait_for(&t, "+last");
    store_unwatch(s, w);
    CU_ASSERT(t.lost);
    CU_ASSERT(t.deletes >= STORE_WRITES_MAX && t.deletes < MANY_KEYS);
    store_close(s);
}

/* What was acknowledged by the process that was killed. */
static uint32_t acknowledged(struct process *p, uint32_t enough)
{
    uint32_t number, count = 0;

    while (read(p->output, &number, sizeof number) == sizeof number) {
        CU_ASSERT(number == count); /* they come in order */
        if (++count == enough)
            kill(p->pid, SIGKILL);
    }
    return count;
}

struct pairs {
    uint32_t whole;
    char half[STORE_KEY_MAX]; /* a first key whose second is not there */
    bool torn;
};

static bool count_pairs(const struct store_record *r, void *arg)
{
    struct pairs *p = arg;
    bool second = r->key.len > 0 && r->key.p[r->key.len - 1] == '1';
    size_t stem = r->key.len - 1;

    if (second && strlen(p->half) == stem && memcmp(p->half, r->key.p, stem) == 0) {
        p->whole++;
        p->half[0] = '\0';
    } else if (second || p->half[0] != '\0')
        p->torn = true;
    else
        snprintf(p->half, sizeof p->half, "%.*s", (int)stem, (const char *)r->key.p);
    return true;
}

static void kill_9_loses_nothing_acknowledged(void)
{
    const char *path = new_path();
    char round[8], prefix[24];

    CU_ASSERT(try_open(path, STORE_READ_WRITE) == ST_OK);
    for (unsigned i = 0; i < KILLS; i++) {
        struct pairs pairs = { 0 };
        struct process p;
        struct store *s;
        uint32_t acks;

        snprintf(round, sizeof round, "%u", i);
        snprintf(prefix, sizeof prefix, "load/%s/", round);
        p = start("load", path, round, false);
        acks = acknowledged(&p, 1 + i * 37 % 500);
        CU_ASSERT(finish(&p) == 128 + SIGKILL);
        s = open_or_fail(path, STORE_READ_WRITE);
        CU_ASSERT(store_range(s, span_text(prefix), span_of(NULL, 0), SIZE_MAX, count_pairs, &pairs, NULL) == ST_OK);
        CU_ASSERT(!pairs.torn && pairs.half[0] == '\0');
        CU_ASSERT(pairs.whole >= acks);
        CU_ASSERT(pairs.whole <= acks + 32);
        store_close(s);
    }
}

static CU_TestInfo sqlite_cases[] = {
    { "what is committed is there after reopening", what_is_committed_is_there_after_reopening },
    { "its files are for the owner, at most the group", files_are_for_the_owner_and_at_most_the_group },
    { "links, open modes and files of another kind are refused", strange_files_are_refused },
    { "other databases and newer formats are refused", other_formats_are_refused },
    { "records no store could have written are refused", edited_records_are_refused },
    { "a full disk refuses a commit without trace, then all works again", a_full_disk_refuses_and_leaves_no_trace },
    { "a flush that fails refuses the commit", a_flush_that_fails_refuses_the_commit },
    { "of a group, the one that does not fit fails alone", one_that_does_not_fit_fails_alone },
    { "a read-only store reads a live one and cannot write", a_reader_in_another_process_cannot_write },
    { "a reader of the group needs no right to write", a_reader_of_the_group_needs_no_right_to_write },
    { "many processes may make the same store at once", many_processes_may_make_the_same_store },
    { "conditions hold between processes", processes_count_together },
    { "changes by other processes are told within a second", other_processes_changes_are_told },
    { "who missed too many deletes is told to start afresh", who_missed_too_many_deletes_is_told_so },
    { "kill -9 loses nothing acknowledged and leaves nothing half done", kill_9_loses_nothing_acknowledged },
    CU_TEST_INFO_NULL
};

static int other_process(char **argv)
{
    const char *part = argv[1], *path = argv[2], *argument = argv[3];

    if (strcmp(part, "put") == 0)
        return write_one(path, argument);
    if (strcmp(part, "delete") == 0)
        return delete_one(path, argument);
    if (strcmp(part, "read") == 0)
        return read_only(path);
    if (strcmp(part, "count") == 0)
        return count(path);
    if (strcmp(part, "many") == 0)
        return many(path, strcmp(argument, "put") == 0);
    if (strcmp(part, "load") == 0)
        return load(path, argument);
    return 127;
}

int main(int argc, char **argv)
{
    CU_SuiteInfo suites[] = { { .pName = "the SQLite engine, as every engine", .pTests = conformance_cases },
                              { .pName = "the SQLite engine", .pTests = sqlite_cases },
                              CU_SUITE_INFO_NULL };

    signal(SIGXFSZ, SIG_IGN);
    if (argc == 4)
        return other_process(argv);
    log_set_level(0); /* the refusals below are meant */
    conformance_use(open_fresh);
    return run_suites(suites);
}
