#include <errno.h>
#include <signal.h>
#include <time.h>

#include "firmware/base/log.h"
#include "pkcs11/token/batch.h"
#include "pkcs11/token/persistent.h"
#include "pkcs11/token/sealing.h"
#include "pkcs11/token/state.h"

#define BACK_OFF_FIRST_MS 50
#define BACK_OFF_LAST_MS  1000

/* Whoever opens a locked token is a person; a PIN that is stale must not be what locks it. */
static enum status check_tries(struct token *t)
{
    bool before = t->last_try;
    CK_TOKEN_INFO info;
    enum status st = call_result(t, t->f->C_GetTokenInfo(t->slot, &info));

    if (st != ST_OK)
        return st;
    t->last_try = (info.flags & CKF_USER_PIN_FINAL_TRY) != 0;
    if (t->last_try && !before)
        log_error("one try of the user PIN is left, and is not risked: log in by the right one (strongroom pin rotate, "
                  "or change), or have the SO set another (strongroom pin unlock)");
    return t->last_try ? ST_NOT_PERMITTED : ST_OK;
}

/* The PIN is read for each login and wiped after it. One that the token has refused is not offered again until it was
 * written anew: the reconnect would use up the tries and lock the token. */
static enum status log_in(struct token *t, struct worker *w)
{
    struct secret pin = { 0 };
    struct pin_stamp now;
    enum status st;
    CK_RV rv;

    if ((st = pin_source_read(t->pin_file, &pin, &now)) != ST_OK) {
        log_error("the PIN cannot be read: %s", status_name(st));
        return st == ST_NO_MEMORY ? st : ST_NOT_PERMITTED;
    }
    /* An empty one is being written just now, perhaps: not worth one of the tries. */
    if (pin.len == 0 || (t->pin_refused && memcmp(&now, &t->refused_pin, sizeof now) == 0)) {
        secret_clear(&pin);
        return ST_NOT_PERMITTED;
    }
    if ((st = check_tries(t)) != ST_OK) {
        secret_clear(&pin);
        return st;
    }
    rv = t->f->C_Login(w->session, CKU_USER, pin.p, pin.len);
    secret_clear(&pin);
    st = rv == CKR_USER_ALREADY_LOGGED_IN ? ST_OK : call_result(t, rv);
    t->pin_refused = st == ST_NOT_PERMITTED;
    t->refused_pin = now;
    if (t->pin_refused)
        log_error("the token refuses the PIN");
    return st;
}

static enum status claim_slot(struct token *t)
{
    CK_SLOT_ID found;
    enum status st = module_find_slot(t->module, t->label, &found);

    if (st != ST_OK || found == t->slot)
        return st;
    if (!module_take_slot(t->module, found))
        return ST_BUSY;
    if (t->slot != (CK_SLOT_ID)-1)
        module_give_slot(t->module, t->slot);
    t->slot = found;
    return ST_OK;
}

static enum status open_session(struct token *t, CK_SESSION_HANDLE *out)
{
    CK_RV rv = t->f->C_OpenSession(t->slot, CKF_SERIAL_SESSION, NULL, NULL, out);

    if (rv != CKR_OK)
        *out = CK_INVALID_HANDLE;
    return call_result(t, rv);
}

static enum status open_sessions(struct token *t)
{
    enum status st;

    for (unsigned i = 0; i < t->worker_count; i++)
        if ((st = open_session(t, &t->workers[i].session)) != ST_OK ||
            (st = open_session(t, &t->workers[i].owner)) != ST_OK)
            return st;
    return ST_OK;
}

/* Where the module has the batch interface, the workers of ordinary jobs use it. */
static enum status open_batches(struct token *t)
{
    const CK_STRONGROOM_FUNCTION_LIST *f = module_batch_functions(t->module);
    enum status st = ST_OK;

    for (unsigned i = FIRST_WORKER; f != NULL && i < t->worker_count && st == ST_OK; i++)
        st = batch_open(&t->workers[i], f, &t->workers[i].batch);
    return st;
}

enum status connection_open(struct token *t)
{
    struct worker *w = &t->workers[CALLER_WORKER];
    enum status st;

    if ((st = call_result(t, module_initialise(t->module))) != ST_OK || (st = claim_slot(t)) != ST_OK ||
        (st = module_libp11_open(t->module, t->slot, &t->libp11)) != ST_OK)
        return st;
    if ((st = open_sessions(t)) != ST_OK || (st = log_in(t, w)) != ST_OK || (st = sealing_find_keys(w)) != ST_OK ||
        (st = open_batches(t)) != ST_OK)
        return st;
    return module_libp11_prime(&t->libp11);
}

static void close_session(struct token *t, CK_SESSION_HANDLE *session)
{
    if (*session != CK_INVALID_HANDLE)
        (void)t->f->C_CloseSession(*session); /* on a token that is away, there is nothing to close */
    *session = CK_INVALID_HANDLE;
}

void connection_drop(struct token *t)
{
    cache_forget(t->cache);
    persistent_forget(t);
    t->kek_count = 0;
    t->binding = CK_INVALID_HANDLE;
    for (unsigned i = 0; i < t->worker_count; i++) {
        batch_close(t->workers[i].batch);
        t->workers[i].batch = NULL;
        close_session(t, &t->workers[i].session);
        close_session(t, &t->workers[i].owner);
    }
    libp11_keys_drop(t, false);
    module_libp11_drop(t->module, &t->libp11);
}

void token_lost(struct token *t)
{
    if (!atomic_exchange(&t->up, false))
        return; /* known, or not yet connected */
    log_warning("the token does not answer; reconnecting");
    pthread_mutex_lock(&t->reconnect_lock);
    pthread_cond_signal(&t->reconnect_wake);
    pthread_mutex_unlock(&t->reconnect_lock);
}

static bool try_again(struct token *t)
{
    enum status st;

    workers_stop(t);
    pthread_rwlock_wrlock(&t->libp11_lock);
    connection_drop(t);
    if ((st = connection_open(t)) == ST_OK)
        libp11_keys_renew(t);
    pthread_rwlock_unlock(&t->libp11_lock);
    atomic_store(&t->up, st == ST_OK); /* not before: a handshake does not wait for the lock, it fails */
    workers_resume(t);
    return st == ST_OK;
}

static bool wait_until(struct token *t, uint64_t delay_ms)
{
    struct timespec until;
    bool closing;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(delay_ms / 1000);
    until.tv_nsec += (long)(delay_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&t->reconnect_lock);
    while (!t->closing && pthread_cond_timedwait(&t->reconnect_wake, &t->reconnect_lock, &until) != ETIMEDOUT)
        ;
    closing = t->closing;
    pthread_mutex_unlock(&t->reconnect_lock);
    return !closing;
}

static bool wait_until_lost(struct token *t)
{
    bool closing;

    pthread_mutex_lock(&t->reconnect_lock);
    while (!t->closing && token_is_up(t))
        pthread_cond_wait(&t->reconnect_wake, &t->reconnect_lock);
    closing = t->closing;
    pthread_mutex_unlock(&t->reconnect_lock);
    return !closing;
}

static void *reconnector_main(void *arg)
{
    struct token *t = arg;

    while (wait_until_lost(t)) {
        uint64_t delay_ms = BACK_OFF_FIRST_MS;
        bool back = false;

        while (!(back = try_again(t)) && wait_until(t, delay_ms))
            delay_ms = delay_ms * 2 < BACK_OFF_LAST_MS ? delay_ms * 2 : BACK_OFF_LAST_MS;
        if (back)
            log_notice("the token is back");
    }
    return NULL;
}

enum status reconnect_start(struct token *t)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    t->reconnector_started = pthread_create(&t->reconnector, NULL, reconnector_main, t) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return t->reconnector_started ? ST_OK : ST_NO_MEMORY;
}

void reconnect_stop(struct token *t)
{
    pthread_mutex_lock(&t->reconnect_lock);
    t->closing = true;
    pthread_cond_signal(&t->reconnect_wake);
    pthread_mutex_unlock(&t->reconnect_lock);
    if (t->reconnector_started)
        pthread_join(t->reconnector, NULL);
}
