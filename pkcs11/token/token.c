#include "pkcs11/token/token.h"

#include <openssl/crypto.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include "firmware/base/log.h"
#include "pkcs11/token/mechanism.h"
#include "pkcs11/token/state.h"

#define MECHANISMS_MAX 4096
#define WORKERS_MAX    64

static unsigned cores(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;

    return n < 1 ? 1 : (unsigned)n;
}

static unsigned or_default(unsigned value, unsigned otherwise)
{
    return value != 0 ? value : otherwise;
}

static void init_locks(struct token *t)
{
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&t->reconnect_wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&t->reconnect_lock, NULL);
    pthread_mutex_init(&t->persistent_lock, NULL);
    pthread_rwlock_init(&t->libp11_lock, NULL);
}

static void init_queues(struct token *t, unsigned limit, unsigned workers)
{
    queue_init(&t->jobs, limit, workers);
    queue_init(&t->keygen_jobs, limit < TOKEN_KEYGEN_QUEUE_LIMIT ? limit : TOKEN_KEYGEN_QUEUE_LIMIT, 1);
}

static void init_workers(struct token *t)
{
    for (unsigned i = 0; i < t->worker_count; i++) {
        struct worker *w = &t->workers[i];

        w->token = t;
        w->queue = i == CALLER_WORKER ? NULL : i == KEYGEN_WORKER ? &t->keygen_jobs : &t->jobs;
        w->session = w->owner = CK_INVALID_HANDLE;
        pthread_mutex_init(&w->in_use, NULL);
    }
}

static void token_free(struct token *t)
{
    for (unsigned i = 0; i < t->worker_count; i++)
        pthread_mutex_destroy(&t->workers[i].in_use);
    queue_destroy(&t->jobs);
    queue_destroy(&t->keygen_jobs);
    pthread_cond_destroy(&t->reconnect_wake);
    pthread_mutex_destroy(&t->reconnect_lock);
    pthread_mutex_destroy(&t->persistent_lock);
    pthread_rwlock_destroy(&t->libp11_lock);
    cache_free(t->cache);
    free(t->workers);
    free(t->label);
    free(t->pin_file);
    free(t);
}

static enum status token_new(const struct token_config *config, struct token **out)
{
    unsigned workers = or_default(config->workers, cores());
    struct token *t = calloc(1, sizeof *t);

    if (t == NULL)
        return ST_NO_MEMORY;
    if (workers > WORKERS_MAX)
        workers = WORKERS_MAX;
    t->slot = (CK_SLOT_ID)-1;
    atomic_init(&t->up, false);
    init_locks(t);
    init_queues(t, or_default(config->queue_limit, TOKEN_QUEUE_LIMIT), workers);
    if ((t->workers = calloc(FIRST_WORKER + workers, sizeof *t->workers)) != NULL) {
        t->worker_count = FIRST_WORKER + workers;
        init_workers(t);
    }
    t->label = strdup(config->label);
    t->pin_file = strdup(config->pin_file);
    if (t->workers == NULL || t->label == NULL || t->pin_file == NULL ||
        cache_new(or_default(config->cache_limit, TOKEN_CACHE_LIMIT), &t->cache) != ST_OK) {
        token_free(t);
        return ST_NO_MEMORY;
    }
    *out = t;
    return ST_OK;
}

static bool has(const CK_MECHANISM_TYPE *types, CK_ULONG count, CK_MECHANISM_TYPE wanted)
{
    for (CK_ULONG i = 0; i < count; i++)
        if (types[i] == wanted)
            return true;
    return wanted == CKM_VENDOR_DEFINED;
}

/* Which algorithms the token offers, and whether it can seal at all. */
static enum status read_mechanisms(struct token *t)
{
    static const CK_MECHANISM_TYPE sealing[] = { CKM_AES_KEY_WRAP_PAD, CKM_SHA256_HMAC, CKM_AES_KEY_GEN,
                                                 CKM_GENERIC_SECRET_KEY_GEN };
    CK_MECHANISM_TYPE *types = NULL;
    CK_ULONG count = 0;
    enum status st = call_result(t, t->f->C_GetMechanismList(t->slot, NULL, &count));

    if (st != ST_OK || count == 0 || count > MECHANISMS_MAX)
        return st != ST_OK ? st : ST_UNSUPPORTED;
    if ((types = calloc(count, sizeof *types)) == NULL)
        return ST_NO_MEMORY;
    if ((st = call_result(t, t->f->C_GetMechanismList(t->slot, types, &count))) != ST_OK)
        goto done;
    for (unsigned alg = TOKEN_ALG_NONE + 1; alg < TOKEN_ALG_COUNT_; alg++) {
        struct mechanism_needs needs = mechanism_needs((enum token_alg)alg);

        t->offers[alg] = has(types, count, needs.types[0]) && has(types, count, needs.types[1]);
    }
    t->native = has(types, count, CKM_STRONGROOM_SEAL);
    t->attestation = module_attestation_functions(t->module);
    for (unsigned i = 0; i < ARRAY_LEN(sealing); i++)
        if (!t->native && !has(types, count, sealing[i]))
            st = ST_UNSUPPORTED;
done:
    free(types);
    return st;
}

static void disconnect(struct token *t)
{
    workers_stop(t);
    pthread_rwlock_wrlock(&t->libp11_lock);
    if (t->workers[CALLER_WORKER].session != CK_INVALID_HANDLE)
        (void)t->f->C_Logout(t->workers[CALLER_WORKER].session);
    atomic_store(&t->up, false);
    libp11_keys_drop(t, true);
    connection_drop(t);
    pthread_rwlock_unlock(&t->libp11_lock);
    workers_resume(t);
    if (t->slot != (CK_SLOT_ID)-1)
        module_give_slot(t->module, t->slot);
}

enum status token_open(const struct token_config *config, struct token **out)
{
    struct token *t = NULL;
    enum status st;

    *out = NULL;
    if (config->pin_refused != NULL)
        *config->pin_refused = false;
    if ((st = token_new(config, &t)) != ST_OK)
        return st;
    if ((st = module_load(config->module, config->module_config, &t->module)) != ST_OK) {
        token_free(t);
        return st;
    }
    t->f = module_functions(t->module);
    t->jobs.together = module_batch_functions(t->module) != NULL;
    if ((st = connection_open(t)) != ST_OK || (st = read_mechanisms(t)) != ST_OK)
        goto failed;
    atomic_store(&t->up, true);
    if ((st = workers_start(t)) != ST_OK || (st = reconnect_start(t)) != ST_OK)
        goto failed;
    *out = t;
    return ST_OK;
failed:
    if (config->pin_refused != NULL)
        *config->pin_refused = t->pin_refused || t->last_try;
    token_close(t);
    return st;
}

void token_close(struct token *t)
{
    if (t == NULL)
        return;
    workers_join(t); /* with what was submitted done */
    reconnect_stop(t);
    disconnect(t);
    token_free(t);
}

bool token_offers(const struct token *t, enum token_alg alg)
{
    return (unsigned)alg < TOKEN_ALG_COUNT_ && t->offers[alg];
}

bool token_is_up(const struct token *t)
{
    return atomic_load_explicit(&t->up, memory_order_acquire);
}

enum status token_submit(struct token *t, struct token_job *job)
{
    return queue_put(job->op == TOKEN_GENERATE ? &t->keygen_jobs : &t->jobs, job);
}

void token_hold(void)
{
    queue_hold();
}

void token_release(struct token *t)
{
    queue_release(&t->jobs);
}

struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool done;
};

static void wake_waiter(struct token_job *job)
{
    struct waiter *waiter = job->owner;

    pthread_mutex_lock(&waiter->lock);
    waiter->done = true;
    pthread_cond_signal(&waiter->wake);
    pthread_mutex_unlock(&waiter->lock);
}

enum status token_run(struct token *t, struct token_job *job)
{
    struct waiter waiter = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false };
    void (*done)(struct token_job *) = job->done;
    void *owner = job->owner;
    enum status st;

    job->done = wake_waiter;
    job->owner = &waiter;
    if ((st = token_submit(t, job)) == ST_OK) {
        pthread_mutex_lock(&waiter.lock);
        while (!waiter.done)
            pthread_cond_wait(&waiter.wake, &waiter.lock);
        pthread_mutex_unlock(&waiter.lock);
        st = job->status;
    }
    job->done = done;
    job->owner = owner;
    pthread_cond_destroy(&waiter.wake);
    pthread_mutex_destroy(&waiter.lock);
    return st;
}

void token_job_clear(struct token_job *job)
{
    bytes_clear(&job->output);
    bytes_clear(&job->sealed);
    bytes_clear(&job->public_key);
    bytes_clear(&job->certificates);
    secret_clear(&job->secret_output);
    OPENSSL_cleanse(job->out_iv, sizeof job->out_iv);
    OPENSSL_cleanse(job->out_tag, sizeof job->out_tag);
    job->out_iv_len = 0;
}
