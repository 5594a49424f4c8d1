#include "pkcs11/module/library.h"

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "pkcs11/module/batch.h"
#include "pkcs11/module/guard.h"
#include "pkcs11/module/identity.h"
#include "pkcs11/module/session.h"

static struct {
    pthread_mutex_t lock; /* of C_Initialize and C_Finalize */
    pthread_cond_t quiet; /* the last call has ended */
    atomic_bool initialised;
    atomic_uint calls; /* under way */
    unsigned at_fork;  /* `forks` when it was initialised */
    unsigned instance;
    struct config config;
    struct slot *slots[CONFIG_SLOTS_MAX];
} library = { .lock = PTHREAD_MUTEX_INITIALIZER, .quiet = PTHREAD_COND_INITIALIZER };

/* Raised in the child by the fork handler, which does nothing else. The library stays loaded (-z nodelete), so the
 * handler stays valid. */
static atomic_uint forks;
static pthread_once_t watch_once = PTHREAD_ONCE_INIT;

static void on_fork(void)
{
    atomic_fetch_add(&forks, 1);
}

static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, on_fork);
}

static bool is_inherited(void)
{
    return library.at_fork != atomic_load_explicit(&forks, memory_order_relaxed);
}

/* In a child: close what the parent's connections left open here and forget all of it. Its memory is not freed, since
 * other threads of the parent may have been changing it; nothing is sent, and nothing of TLS is touched. */
static void abandon_inherited(void)
{
    pthread_mutex_init(&library.lock, NULL);
    pthread_cond_init(&library.quiet, NULL);
    for (unsigned i = 0; i < library.config.count; i++)
        if (library.slots[i] != NULL)
            pool_abandon(&library.slots[i]->pool);
    guard_abandon();
    identity_abandon_all();
    session_abandon_all();
    batch_abandon_all();
    library.instance++;
    memset(library.slots, 0, sizeof library.slots);
    library.config = (struct config){ 0 };
    atomic_store(&library.calls, 0);
    atomic_store(&library.initialised, false);
    library.at_fork = atomic_load(&forks);
}

static void free_slots(void)
{
    for (unsigned i = 0; i < CONFIG_SLOTS_MAX; i++) {
        slot_free(library.slots[i]);
        library.slots[i] = NULL;
    }
    config_clear(&library.config);
}

static CK_RV check_arguments(const CK_C_INITIALIZE_ARGS *args)
{
    unsigned given;

    if (args == NULL)
        return CKR_OK;
    given = (args->CreateMutex != NULL) + (args->DestroyMutex != NULL) + (args->LockMutex != NULL) +
            (args->UnlockMutex != NULL);
    if (args->pReserved != NULL || (given != 0 && given != 4))
        return CKR_ARGUMENTS_BAD;
    /* Waiting with a deadline takes the system's locks; the application's own cannot do it. */
    return given == 4 && (args->flags & CKF_OS_LOCKING_OK) == 0 ? CKR_CANT_LOCK : CKR_OK;
}

static CK_RV open_slots(void)
{
    enum status st = config_load(&library.config);
    CK_RV rv = CKR_OK;

    if (st != ST_OK)
        return st == ST_NO_MEMORY ? CKR_HOST_MEMORY : CKR_GENERAL_ERROR;
    if ((st = guard_open()) != ST_OK) {
        config_clear(&library.config);
        return st == ST_NO_MEMORY ? CKR_HOST_MEMORY : CKR_GENERAL_ERROR;
    }
    for (unsigned i = 0; i < library.config.count && rv == CKR_OK; i++)
        rv = slot_new(i, &library.config.slots[i], &library.slots[i]);
    if (rv != CKR_OK)
        free_slots();
    return rv;
}

CK_RV library_initialize(const CK_C_INITIALIZE_ARGS *args)
{
    CK_RV rv;

    pthread_once(&watch_once, watch_forks);
    if (is_inherited())
        abandon_inherited();
    /* The first use of OpenSSL in a process reads the machine's configuration, which may load an engine that loads us:
     * not under our lock. */
    if (OPENSSL_init_ssl(0, NULL) != 1)
        return CKR_GENERAL_ERROR;
    pthread_mutex_lock(&library.lock);
    if (atomic_load(&library.initialised))
        rv = CKR_CRYPTOKI_ALREADY_INITIALIZED;
    else if ((rv = check_arguments(args)) == CKR_OK && (rv = open_slots()) == CKR_OK) {
        library.instance++;
        atomic_store(&library.initialised, true);
    }
    pthread_mutex_unlock(&library.lock);
    return rv;
}

static void wait_for_quiet(void)
{
    while (atomic_load(&library.calls) > 0)
        pthread_cond_wait(&library.quiet, &library.lock);
}

CK_RV library_finalize(void)
{
    if (is_inherited())
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    pthread_mutex_lock(&library.lock);
    if (!atomic_exchange(&library.initialised, false)) {
        pthread_mutex_unlock(&library.lock);
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    }
    for (unsigned i = 0; i < library.config.count; i++)
        pool_shutdown(&library.slots[i]->pool);
    wait_for_quiet();
    batch_end_all();
    session_free_all();
    free_slots();
    pthread_mutex_unlock(&library.lock);
    return CKR_OK;
}

CK_RV library_enter(void)
{
    if (is_inherited())
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    /* Counted first: C_Finalize clears the flag, then waits for the count. */
    atomic_fetch_add(&library.calls, 1);
    if (atomic_load(&library.initialised))
        return CKR_OK;
    library_leave();
    return CKR_CRYPTOKI_NOT_INITIALIZED;
}

void library_leave(void)
{
    if (atomic_fetch_sub(&library.calls, 1) == 1 && !atomic_load(&library.initialised)) {
        pthread_mutex_lock(&library.lock);
        pthread_cond_broadcast(&library.quiet);
        pthread_mutex_unlock(&library.lock);
    }
}

unsigned library_instance(void)
{
    return library.instance;
}

unsigned library_slot_count(void)
{
    return library.config.count;
}

struct slot *library_slot(CK_SLOT_ID id)
{
    return id < library.config.count ? library.slots[id] : NULL;
}
