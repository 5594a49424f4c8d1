#include "service/store/store.h"

#include <pthread.h>

#include "service/store/commit_queue.h"
#include "service/store/engines.h"
#include "service/store/watch.h"

struct store {
    struct store_engine *engine;
    struct watch_list *watches;
    struct commit_queue *queue;
};

static void published(void *arg)
{
    watch_list_catch_up(arg);
}

/* Takes the engine, also when it fails. */
static enum status store_new(struct store_engine *engine, enum store_mode mode, struct store **out)
{
    struct store *s = calloc(1, sizeof *s);
    struct commit_queue_config config = { .engine = engine, .published = published };
    enum status st;

    if (s == NULL) {
        engine->ops->close(engine);
        return ST_NO_MEMORY;
    }
    s->engine = engine;
    config.read_only = mode == STORE_READ_ONLY;
    if ((st = watch_list_new(engine, &s->watches)) != ST_OK)
        goto failed;
    config.arg = s->watches;
    if ((st = commit_queue_start(&config, &s->queue)) != ST_OK)
        goto failed;
    *out = s;
    return ST_OK;
failed:
    store_close(s);
    return st;
}

enum status store_open_sqlite(const char *path, enum store_mode mode, struct store **out)
{
    struct store_engine *engine;
    enum status st;

    *out = NULL;
    if ((st = sqlite_engine_open(path, mode, &engine)) != ST_OK)
        return st;
    return store_new(engine, mode, out);
}

enum status store_open_memory(struct store **out)
{
    struct store_engine *engine;
    enum status st;

    *out = NULL;
    if ((st = memory_engine_open(&engine)) != ST_OK)
        return st;
    return store_new(engine, STORE_READ_WRITE, out);
}

void store_close(struct store *s)
{
    if (s == NULL)
        return;
    commit_queue_stop(s->queue);
    watch_list_free(s->watches);
    s->engine->ops->close(s->engine);
    free(s);
}

enum status store_get(struct store *s, struct span key, struct bytes *value, uint64_t *revision)
{
    struct bytes ignored = { 0 };
    uint64_t unread;
    enum status st;

    if (key.len == 0)
        return ST_BAD_REQUEST;
    if (key.len > STORE_KEY_MAX)
        return ST_TOO_LARGE;
    st = s->engine->ops->get(s->engine, key, value != NULL ? value : &ignored, revision != NULL ? revision : &unread);
    bytes_clear(&ignored);
    return st;
}

enum status store_range(struct store *s, struct span prefix, struct span after, size_t limit, store_visitor *visit,
                        void *arg, bool *more)
{
    bool unread;

    if (prefix.len > STORE_KEY_MAX || after.len > STORE_KEY_MAX)
        return ST_TOO_LARGE;
    return s->engine->ops->range(s->engine, prefix, after, limit, visit, arg, more != NULL ? more : &unread);
}

enum status store_submit(struct store *s, struct store_commit *c)
{
    return commit_queue_submit(s->queue, c);
}

struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool finished;
};

static void wake_waiter(struct store_commit *c)
{
    struct waiter *w = c->owner;

    pthread_mutex_lock(&w->lock);
    w->finished = true;
    pthread_cond_signal(&w->done);
    pthread_mutex_unlock(&w->lock);
}

enum status store_commit(struct store *s, struct store_commit *c)
{
    struct waiter w = { .lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER };
    struct store_commit waiting = { .writes = c->writes, .count = c->count, .done = wake_waiter, .owner = &w };
    enum status st;

    INVARIANT(!commit_queue_is_writer(s->queue));
    if ((st = commit_queue_submit(s->queue, &waiting)) == ST_OK) {
        pthread_mutex_lock(&w.lock);
        while (!w.finished)
            pthread_cond_wait(&w.done, &w.lock);
        pthread_mutex_unlock(&w.lock);
        st = waiting.status;
    }
    c->status = st;
    c->revision = waiting.revision;
    pthread_cond_destroy(&w.done);
    pthread_mutex_destroy(&w.lock);
    return st;
}

enum status store_watch(struct store *s, struct span prefix, store_on_change *on_change, void *arg,
                        struct store_watch **out)
{
    return watch_list_add(s->watches, prefix, on_change, arg, out);
}

void store_unwatch(struct store *s, struct store_watch *w)
{
    watch_list_remove(s->watches, w);
}
