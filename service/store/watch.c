#include "service/store/watch.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "firmware/base/log.h"

#define POLL_MAX_MS 400 /* at the latest, whether the kernel told us of a change or not */
#define POLL_MIN_MS 2   /* and no more often than this, though our own writes wake us too */

struct store_watch {
    struct store_watch *next;
    store_on_change *on_change;
    void *arg;
    size_t prefix_len;
    uint8_t prefix[STORE_KEY_MAX];
};

struct watch_list {
    struct store_engine *engine;
    pthread_mutex_t lock; /* held while telling: one on_change at a time, and none after store_unwatch() */
    struct store_watch *first;
    uint64_t seen; /* the newest revision that was told */
    bool failing;  /* the changes could not be read; logged */
    bool started;  /* the thread, with the first watch on a store that others may write */
    pthread_t thread;
    int stop_fd, notify_fd;
};

static bool tell(const struct store_record *r, void *arg)
{
    struct watch_list *l = arg;

    for (struct store_watch *w = l->first; w != NULL; w = w->next)
        if (span_starts_with(r->key, span_of(w->prefix, w->prefix_len)))
            w->on_change(r, w->arg);
    return true;
}

static void tell_lost(struct watch_list *l)
{
    struct store_record all = { .revision = l->seen };

    log_warning("store: this process was away so long that deletes were forgotten; its readers start afresh");
    for (struct store_watch *w = l->first; w != NULL; w = w->next)
        w->on_change(&all, w->arg);
}

/* When reading fails half way, what was told already is told again the next time: each key's newest, so in order. */
static void catch_up_locked(struct watch_list *l)
{
    uint64_t seen = l->seen;
    bool lost = false;
    enum status st = l->engine->ops->changes(l->engine, l->seen, tell, l, &seen, &lost);

    if (st != ST_OK) {
        if (!l->failing)
            log_error("store: changes cannot be read: %s", status_name(st));
        l->failing = true;
        return;
    }
    l->failing = false;
    l->seen = seen;
    if (lost)
        tell_lost(l);
}

void watch_list_catch_up(struct watch_list *l)
{
    pthread_mutex_lock(&l->lock);
    if (l->first != NULL)
        catch_up_locked(l);
    pthread_mutex_unlock(&l->lock);
}

/* Wait until something may have changed. A writer's pages reach the log before the commit is visible to us, so after
 * the kernel has told us of a write we look again soon, then less and less often. */
static bool wait_for_change(struct watch_list *l, int *pause_ms)
{
    struct pollfd fds[2] = { { .fd = l->stop_fd, .events = POLLIN }, { .fd = l->notify_fd, .events = POLLIN } };
    char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    struct pollfd stop = fds[0];
    int ready = poll(fds, 2, *pause_ms);

    if (fds[0].revents != 0)
        return false;
    if (ready <= 0 || fds[1].revents == 0) {
        *pause_ms = *pause_ms * 2 < POLL_MAX_MS ? *pause_ms * 2 : POLL_MAX_MS;
        return true;
    }
    *pause_ms = POLL_MIN_MS;
    if (poll(&stop, 1, POLL_MIN_MS) != 0) /* gather a burst of writes */
        return false;
    while (read(l->notify_fd, events, sizeof events) > 0)
        ;
    return true;
}

static void *watcher(void *arg)
{
    struct watch_list *l = arg;
    int pause_ms = POLL_MIN_MS;

    while (wait_for_change(l, &pause_ms))
        watch_list_catch_up(l);
    return NULL;
}

/* Watch the directory: the log beside the database may be removed and made again. Without inotify (its instances are
 * few per user) polling alone does. */
static int open_notify(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *directory = span_dup_text(slash != NULL ? span_of(path, (size_t)(slash - path) + 1) : span_text("."));
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

    if (fd >= 0 && (directory == NULL || inotify_add_watch(fd, directory, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)) {
        close(fd);
        fd = -1;
    }
    if (fd < 0)
        log_notice("store: no inotify: %s; polling instead", strerror(errno));
    free(directory);
    return fd;
}

static enum status start_watcher(struct watch_list *l)
{
    if (l->started || l->engine->shared_path == NULL)
        return ST_OK;
    if ((l->stop_fd = eventfd(0, EFD_CLOEXEC)) < 0)
        return ST_UNAVAILABLE;
    l->notify_fd = open_notify(l->engine->shared_path); /* poll() passes over -1 */
    if (pthread_create(&l->thread, NULL, watcher, l) != 0) {
        close(l->stop_fd);
        if (l->notify_fd >= 0)
            close(l->notify_fd);
        return ST_UNAVAILABLE;
    }
    l->started = true;
    return ST_OK;
}

enum status watch_list_new(struct store_engine *engine, struct watch_list **out)
{
    if ((*out = calloc(1, sizeof **out)) == NULL)
        return ST_NO_MEMORY;
    (*out)->engine = engine;
    pthread_mutex_init(&(*out)->lock, NULL);
    return ST_OK;
}

void watch_list_free(struct watch_list *l)
{
    uint64_t one = 1;

    if (l == NULL)
        return;
    if (l->started) {
        ssize_t written = write(l->stop_fd, &one, sizeof one);

        INVARIANT(written == sizeof one);
        pthread_join(l->thread, NULL);
        close(l->stop_fd);
        if (l->notify_fd >= 0)
            close(l->notify_fd);
    }
    while (l->first != NULL) {
        struct store_watch *w = l->first;

        l->first = w->next;
        free(w);
    }
    pthread_mutex_destroy(&l->lock);
    free(l);
}

enum status watch_list_add(struct watch_list *l, struct span prefix, store_on_change *on_change, void *arg,
                           struct store_watch **out)
{
    struct store_watch *w = NULL;
    enum status st;

    *out = NULL;
    if (prefix.len > STORE_KEY_MAX)
        return ST_TOO_LARGE;
    if ((w = calloc(1, sizeof *w)) == NULL)
        return ST_NO_MEMORY;
    w->on_change = on_change;
    w->arg = arg;
    w->prefix_len = prefix.len;
    if (prefix.len > 0)
        memcpy(w->prefix, prefix.p, prefix.len);
    pthread_mutex_lock(&l->lock);
    /* What came before is none of the new watch's business, what comes from here on is. */
    if (l->first != NULL)
        catch_up_locked(l);
    else if ((st = l->engine->ops->newest(l->engine, &l->seen)) != ST_OK)
        goto failed;
    if ((st = start_watcher(l)) != ST_OK)
        goto failed;
    w->next = l->first;
    l->first = w;
    pthread_mutex_unlock(&l->lock);
    *out = w;
    return ST_OK;
failed:
    pthread_mutex_unlock(&l->lock);
    free(w);
    return st;
}

void watch_list_remove(struct watch_list *l, struct store_watch *w)
{
    struct store_watch **at;

    if (w == NULL)
        return;
    pthread_mutex_lock(&l->lock);
    for (at = &l->first; *at != w; at = &(*at)->next)
        INVARIANT(*at != NULL);
    *at = w->next;
    pthread_mutex_unlock(&l->lock);
    free(w);
}
