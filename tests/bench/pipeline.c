#include "tests/bench/pipeline.h"

#include <poll.h>
#include <stdlib.h>

#define STALL_MS 10000

struct lane {
    CK_OBJECT_HANDLE loaded; /* loads: to be destroyed next */
    CK_ULONG out_len;
    uint8_t out[CLIENT_OUT_MAX];
};

struct pipeline {
    struct client *client;
    const CK_STRONGROOM_FUNCTION_LIST *f;
    CK_SESSION_HANDLE session;
    struct task *task;
    bool loads;
    CK_STRONGROOM_BATCH_PTR batch;
    int fd;
    unsigned under_way, idle_count;
    struct lane *idle[BATCH_DEPTH];
    struct lane lanes[BATCH_DEPTH];
};

enum status pipeline_open(struct client *c, CK_SESSION_HANDLE session, struct task *t, bool loads,
                          struct pipeline **out)
{
    struct pipeline *p;

    *out = NULL;
    if (c->batch == NULL)
        return ST_UNSUPPORTED;
    if ((p = calloc(1, sizeof *p)) == NULL)
        return ST_NO_MEMORY;
    p->client = c;
    p->f = c->batch;
    p->session = session;
    p->task = t;
    p->loads = loads;
    for (unsigned i = 0; i < BATCH_DEPTH; i++)
        p->idle[p->idle_count++] = &p->lanes[i];
    if (p->f->OpenBatch(session, &p->fd, &p->batch) != CKR_OK) {
        free(p);
        return ST_UNAVAILABLE;
    }
    *out = p;
    return ST_OK;
}

static CK_STRONGROOM_REQUEST request_of(const struct pipeline *p, struct lane *lane)
{
    struct task *t = p->task;

    if (p->loads && lane->loaded != CK_INVALID_HANDLE)
        return (CK_STRONGROOM_REQUEST){ .operation = CK_STRONGROOM_DESTROY, .tag = lane, .key = lane->loaded };
    if (p->loads)
        return (CK_STRONGROOM_REQUEST){ .operation = CK_STRONGROOM_UNWRAP,
                                        .tag = lane,
                                        .mechanism = &t->mechanism,
                                        .in = t->wrapped,
                                        .in_len = t->wrapped_len };
    return (CK_STRONGROOM_REQUEST){ .operation = t->mechanism.mechanism == CKM_AES_GCM ? CK_STRONGROOM_ENCRYPT
                                                                                       : CK_STRONGROOM_SIGN,
                                    .tag = lane,
                                    .mechanism = &t->mechanism,
                                    .key = t->key,
                                    .in = t->input,
                                    .in_len = t->input_len,
                                    .out = lane->out,
                                    .out_room = sizeof lane->out };
}

static bool hand_in(struct pipeline *p)
{
    CK_STRONGROOM_REQUEST requests[BATCH_DEPTH];
    CK_ULONG count = p->idle_count;

    for (unsigned i = 0; i < p->idle_count; i++)
        requests[i] = request_of(p, p->idle[i]);
    if (p->f->Submit(p->batch, requests, &count) != CKR_OK || count != p->idle_count)
        return false;
    p->under_way += p->idle_count;
    p->idle_count = 0;
    return true;
}

static bool wait_for(struct pipeline *p)
{
    struct pollfd on = { .fd = p->fd, .events = POLLIN };

    if (p->f->WantsWrite(p->batch))
        on.events |= POLLOUT;
    return poll(&on, 1, STALL_MS) > 0;
}

/* How many ended; of loads only those that are gone again. -1: one failed. */
static int take(struct pipeline *p)
{
    CK_STRONGROOM_RESULT results[BATCH_DEPTH];
    CK_ULONG n = BATCH_DEPTH;
    int done = 0;

    if (p->f->Reap(p->batch, results, &n) != CKR_OK)
        return -1;
    for (CK_ULONG i = 0; i < n; i++) {
        struct lane *lane = results[i].tag;

        if (results[i].rv != CKR_OK)
            return -1;
        done += !p->loads || lane->loaded != CK_INVALID_HANDLE;
        lane->loaded = results[i].handle;
        lane->out_len = results[i].out_len;
        p->idle[p->idle_count++] = lane;
    }
    p->under_way -= (unsigned)n;
    return done;
}

unsigned pipeline_step(void *pipeline)
{
    struct pipeline *p = pipeline;
    int done = 0;

    while (done == 0)
        if (!hand_in(p) || !wait_for(p) || (done = take(p)) < 0)
            return 0;
    return (unsigned)done;
}

CK_RV pipeline_end(struct pipeline *p)
{
    while (p->under_way > 0)
        if (!wait_for(p) || take(p) < 0)
            return CKR_DEVICE_ERROR;
    if (p->loads)
        return CKR_OK;
    return client_check(p->client, p->session, p->task, p->lanes[0].out, p->lanes[0].out_len);
}

void pipeline_free(struct pipeline *p)
{
    if (p == NULL)
        return;
    (void)p->f->CloseBatch(p->batch);
    free(p);
}
