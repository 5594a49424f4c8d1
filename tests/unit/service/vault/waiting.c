#include "tests/unit/service/vault/waiting.h"

#include <semaphore.h>

static void change_done(struct key_change *c)
{
    sem_post(c->owner);
}

static void operation_done(struct key_operation *o)
{
    sem_post(o->owner);
}

static void wait_for(sem_t *done)
{
    while (sem_wait(done) != 0)
        ; /* interrupted */
    sem_destroy(done);
}

void run_change(void (*start)(struct keys *, struct key_change *), struct keys *k, struct key_change *c)
{
    sem_t done;

    sem_init(&done, 0, 0);
    c->done = change_done;
    c->owner = &done;
    start(k, c);
    wait_for(&done);
}

void run_operation(struct keys *k, struct key_operation *o)
{
    sem_t done;

    sem_init(&done, 0, 0);
    o->done = operation_done;
    o->owner = &done;
    key_operation_run(k, o);
    wait_for(&done);
}
