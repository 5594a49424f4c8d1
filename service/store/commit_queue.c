#include "service/store/commit_queue.h"

#include <pthread.h>

#include "firmware/base/log.h"

#define WAITING_MAX      4096u /* commits in the queue */
#define GROUP_WRITES_MAX 4096u /* in one transaction, so that no one waits for too many others */
#define GROUP_BYTES_MAX  (16u * 1024 * 1024)
#define FEW_WRITES       16u /* up to here comparing all pairs is cheaper than sorting */

struct commit_queue {
    struct commit_queue_config config;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t wake;
    struct store_commit *first, **last;
    unsigned waiting;
    bool closing;
};

/* A run of the queue that becomes durable together: from `first` up to, not including, `end`. */
struct group {
    struct store_commit *first, *end;
    size_t commits, writes, bytes;
};

static size_t commit_bytes(const struct store_commit *c)
{
    size_t sum = 0;

    for (size_t i = 0; i < c->count; i++)
        sum += c->writes[i].key.len + c->writes[i].value.len;
    return sum;
}

static int compare_keys(struct span a, struct span b)
{
    int order = memcmp(a.p, b.p, a.len < b.len ? a.len : b.len);

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_writes(const void *a, const void *b)
{
    const struct store_write *const *x = a, *const *y = b;

    return compare_keys((*x)->key, (*y)->key);
}

static bool has_doubled_key_sorted(const struct store_commit *c)
{
    const struct store_write *sorted[STORE_WRITES_MAX];

    for (size_t i = 0; i < c->count; i++)
        sorted[i] = &c->writes[i];
    qsort(sorted, c->count, sizeof sorted[0], compare_writes);
    for (size_t i = 1; i < c->count; i++)
        if (span_equal(sorted[i - 1]->key, sorted[i]->key))
            return true;
    return false;
}

static bool has_doubled_key(const struct store_commit *c)
{
    if (c->count > FEW_WRITES)
        return has_doubled_key_sorted(c);
    for (size_t i = 1; i < c->count; i++)
        for (size_t j = 0; j < i; j++)
            if (span_equal(c->writes[i].key, c->writes[j].key))
                return true;
    return false;
}

/* What is wrong with a commit, whatever is stored. Because no key comes twice, an engine may look at all conditions
 * before it writes anything: a commit whose condition does not hold has nothing to undo. */
static enum status check(const struct store_commit *c)
{
    size_t room = STORE_COMMIT_MAX;

    if (c->count > STORE_WRITES_MAX)
        return ST_TOO_LARGE;
    for (size_t i = 0; i < c->count; i++) {
        const struct store_write *w = &c->writes[i];

        if (w->key.len == 0 || (w->value.p == NULL && w->value.len != 0))
            return ST_BAD_REQUEST;
        if (w->key.len > STORE_KEY_MAX || w->value.len > STORE_VALUE_MAX || w->key.len + w->value.len > room)
            return ST_TOO_LARGE;
        room -= w->key.len + w->value.len;
    }
    return has_doubled_key(c) ? ST_BAD_REQUEST : ST_OK;
}

static struct group group_from(struct store_commit *first)
{
    struct group g = { .first = first, .end = first };

    while (g.end != NULL) {
        size_t writes = g.end->count <= STORE_WRITES_MAX ? g.end->count : 0; /* refused before it is written */
        size_t bytes = writes > 0 ? commit_bytes(g.end) : 0;

        if (g.commits > 0 && (g.writes + writes > GROUP_WRITES_MAX || g.bytes + bytes > GROUP_BYTES_MAX))
            break;
        g.commits++;
        g.writes += writes;
        g.bytes += bytes;
        g.end = g.end->next;
    }
    return g;
}

static enum status apply_all(struct commit_queue *q, const struct group *g)
{
    struct store_engine *e = q->config.engine;
    enum status st = ST_OK;

    for (struct store_commit *c = g->first; st == ST_OK && c != g->end; c = c->next)
        if ((c->status = check(c)) == ST_OK)
            st = e->ops->apply(e, c);
    if (st != ST_OK) {
        e->ops->undo(e);
        return st;
    }
    return e->ops->publish(e);
}

static void fail_all(const struct group *g, enum status st)
{
    for (struct store_commit *c = g->first; c != g->end; c = c->next)
        c->status = st;
}

/* Make a group durable. When it fails as a whole (a full disk), each of its commits gets a try of its own, so that one
 * that cannot be written does not take the others with it. */
static void write_group(struct commit_queue *q, const struct group *g)
{
    struct store_engine *e = q->config.engine;
    enum status st = q->config.read_only ? ST_NOT_PERMITTED : e->ops->begin(e);

    if (st != ST_OK) {
        fail_all(g, st);
        return;
    }
    if ((st = apply_all(q, g)) == ST_OK)
        return;
    if (g->commits == 1) {
        fail_all(g, st);
        return;
    }
    for (struct store_commit *c = g->first; c != g->end; c = c->next)
        write_group(q, &(struct group){ .first = c, .end = c->next, .commits = 1 });
}

static void tell_group(struct commit_queue *q, const struct group *g)
{
    struct store_commit *next;
    bool any = false;

    for (struct store_commit *c = g->first; c != g->end; c = c->next)
        any = any || c->status == ST_OK;
    if (any)
        q->config.published(q->config.arg);
    for (struct store_commit *c = g->first; c != g->end; c = next) {
        next = c->next; /* done() may free the commit */
        c->done(c);
    }
}

/* Everything that waits now, as a list; NULL when the queue is closed and empty. */
static struct store_commit *take_all(struct commit_queue *q)
{
    struct store_commit *all;

    pthread_mutex_lock(&q->lock);
    while (q->first == NULL && !q->closing)
        pthread_cond_wait(&q->wake, &q->lock);
    all = q->first;
    q->first = NULL;
    q->last = &q->first;
    q->waiting = 0;
    pthread_mutex_unlock(&q->lock);
    return all;
}

static void *writer(void *arg)
{
    struct commit_queue *q = arg;
    struct store_commit *at;

    while ((at = take_all(q)) != NULL)
        while (at != NULL) {
            struct group g = group_from(at);

            at = g.end;
            write_group(q, &g);
            tell_group(q, &g);
        }
    return NULL;
}

enum status commit_queue_start(const struct commit_queue_config *config, struct commit_queue **out)
{
    struct commit_queue *q = calloc(1, sizeof *q);

    *out = NULL;
    if (q == NULL)
        return ST_NO_MEMORY;
    q->config = *config;
    q->last = &q->first;
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->wake, NULL);
    if (pthread_create(&q->thread, NULL, writer, q) != 0) {
        log_error("store: no thread for the writer");
        pthread_cond_destroy(&q->wake);
        pthread_mutex_destroy(&q->lock);
        free(q);
        return ST_UNAVAILABLE;
    }
    *out = q;
    return ST_OK;
}

void commit_queue_stop(struct commit_queue *q)
{
    if (q == NULL)
        return;
    pthread_mutex_lock(&q->lock);
    q->closing = true;
    pthread_cond_signal(&q->wake);
    pthread_mutex_unlock(&q->lock);
    pthread_join(q->thread, NULL);
    pthread_cond_destroy(&q->wake);
    pthread_mutex_destroy(&q->lock);
    free(q);
}

enum status commit_queue_submit(struct commit_queue *q, struct store_commit *c)
{
    enum status st = ST_OK;

    c->next = NULL;
    c->status = ST_OK;
    c->revision = 0;
    pthread_mutex_lock(&q->lock);
    if (q->closing)
        st = ST_CLOSED;
    else if (q->waiting >= WAITING_MAX)
        st = ST_BUSY;
    else {
        *q->last = c;
        q->last = &c->next;
        if (q->waiting++ == 0)
            pthread_cond_signal(&q->wake);
    }
    pthread_mutex_unlock(&q->lock);
    return st;
}

bool commit_queue_is_writer(const struct commit_queue *q)
{
    return pthread_equal(q->thread, pthread_self()) != 0;
}
