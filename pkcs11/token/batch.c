#include "pkcs11/token/batch.h"

#include <poll.h>

#include "firmware/base/clock.h"

#define BATCH_MAX  64   /* what the module has under way at most */
#define TIMEOUT_MS 5000 /* 64 RSA-4096 signatures take a fifth of a second */

struct entry {
    struct token_job *job;
    struct cached_key *pinned;
    CK_OBJECT_HANDLE key;
    struct shape shape;
    bool done;
};

struct batch {
    const CK_STRONGROOM_FUNCTION_LIST *f;
    CK_STRONGROOM_BATCH_PTR handle;
    int fd;
    unsigned count;
    struct entry entries[BATCH_MAX];
    CK_STRONGROOM_REQUEST requests[BATCH_MAX];
    CK_STRONGROOM_RESULT results[BATCH_MAX];
};

enum status batch_open(struct worker *w, const CK_STRONGROOM_FUNCTION_LIST *f, struct batch **out)
{
    struct batch *b = calloc(1, sizeof *b);

    *out = NULL;
    if (b == NULL)
        return ST_NO_MEMORY;
    b->f = f;
    if (f->OpenBatch(w->session, &b->fd, &b->handle) != CKR_OK) {
        free(b);
        return ST_UNAVAILABLE;
    }
    *out = b;
    return ST_OK;
}

void batch_close(struct batch *b)
{
    if (b == NULL)
        return;
    (void)b->f->CloseBatch(b->handle);
    free(b);
}

bool batch_is_full(const struct batch *b)
{
    return b->count == BATCH_MAX;
}

enum status batch_add(struct batch *b, struct token_job *job, const struct token_key *key, struct cached_key *pinned)
{
    struct entry *e = &b->entries[b->count];
    enum status st = shape_make(job, key, &e->shape);

    if (st != ST_OK) {
        shape_clear(&e->shape);
        return st;
    }
    e->job = job;
    e->pinned = pinned;
    e->key = key->handle;
    e->done = false;
    b->count++;
    return ST_OK;
}

static void fill_request(CK_STRONGROOM_REQUEST *r, struct entry *e)
{
    *r = (CK_STRONGROOM_REQUEST){
        .operation = e->shape.operation,
        .tag = e,
        .mechanism = &e->shape.mechanism,
        .key = e->key,
        .in = (CK_BYTE_PTR)(uintptr_t)e->shape.input.p,
        .in_len = e->shape.input.len,
        .out = e->shape.out,
        .out_room = e->shape.room,
    };
}

static void finish(struct worker *w, struct entry *e, CK_RV rv, size_t len)
{
    struct token_job *job = e->job;

    e->done = true;
    job->status = shape_finish(w->token, job, &e->shape, rv, len);
    shape_clear(&e->shape);
    if (e->pinned != NULL)
        cache_release(e->pinned);
    if (job->status != ST_OK)
        token_job_clear(job); /* half a result is none */
    job->done(job);           /* the job may be gone now */
}

static unsigned take_results(struct worker *w, struct batch *b)
{
    CK_ULONG n = BATCH_MAX;

    if (b->f->Reap(b->handle, b->results, &n) != CKR_OK)
        return 0;
    for (CK_ULONG i = 0; i < n; i++)
        finish(w, b->results[i].tag, b->results[i].rv, b->results[i].out_len);
    return (unsigned)n;
}

/* How many came back. Less than all: the token is away, or takes too long. */
static unsigned await_results(struct worker *w, struct batch *b, unsigned under_way)
{
    uint64_t until_ms = clock_monotonic_ms() + TIMEOUT_MS, now;
    unsigned done = 0;

    while (done < under_way && (now = clock_monotonic_ms()) < until_ms) {
        struct pollfd p = { .fd = b->fd, .events = POLLIN };

        if (b->f->WantsWrite(b->handle))
            p.events |= POLLOUT;
        if (poll(&p, 1, (int)(until_ms - now)) > 0)
            done += take_results(w, b);
    }
    return done;
}

void batch_run(struct worker *w)
{
    struct batch *b = w->batch;
    CK_ULONG taken = b->count;
    CK_RV rv;

    if (b->count == 0)
        return;
    for (unsigned i = 0; i < b->count; i++)
        fill_request(&b->requests[i], &b->entries[i]);
    rv = b->f->Submit(b->handle, b->requests, &taken);
    if (rv == CKR_OK)
        await_results(w, b, (unsigned)taken);
    /* What has no result by now gets none: the connection, and this batch with it, is made anew. */
    for (unsigned i = 0; i < b->count; i++)
        if (!b->entries[i].done)
            finish(w, &b->entries[i], CKR_DEVICE_ERROR, 0);
    b->count = 0;
}
