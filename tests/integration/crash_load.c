#include "tests/integration/crash_load.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PIN_WORKER CRASH_WORKERS
#define NO_SLOT    ((CK_SLOT_ID)-1)

static pid_t processes[CRASH_PROCESSES];

/* One process. */
static struct crash_load *load;
static const char *label;
static CK_SLOT_ID slot;
static CK_SESSION_HANDLE keeper; /* its login is the process's */

uint64_t crash_random(uint64_t *state) /* xorshift64*: no secrets here, and a run can be repeated */
{
    uint64_t x = *state;

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 0x2545f4914f6cdd1du;
}

uint64_t crash_now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

struct span crash_load_pin(const struct crash_load *l, unsigned number, char out[CRASH_PIN_ROOM])
{
    if (number == 0)
        snprintf(out, CRASH_PIN_ROOM, "%s", l->first_pin);
    else
        snprintf(out, CRASH_PIN_ROOM, "pin-%u-%08x", number, (unsigned)l->seed);
    return span_text(out);
}

void crash_load_trouble(struct crash_load *l, const char *what, CK_RV rv)
{
    if (!atomic_exchange(&l->trouble, true))
        snprintf(l->what, sizeof l->what, "%s: 0x%lx", what, rv);
}

static const char *const act_names[ACT_COUNT_] = { "create", "change", "delete", "pin", "wrong" };

/* One line in one write, so the lines of all workers keep together. */
static void note(const char *when, enum crash_act act, unsigned worker, unsigned number, unsigned part)
{
    char line[80];
    int n = snprintf(line, sizeof line, "%s %s %u-%u/%u\n", when, act_names[act], worker, number, part);

    if (write(load->journal, line, (size_t)n) != n)
        crash_load_trouble(load, "the journal", 0);
}

/* What a call says: acknowledged, or cut off by the kill; anything else is trouble. */
static bool judge(enum crash_act act, CK_RV rv, unsigned worker, unsigned number, unsigned part)
{
    if (rv == CKR_OK) {
        note("done", act, worker, number, part);
        atomic_fetch_add(&load->acknowledged[act], 1);
        return true;
    }
    if (!atomic_load(&load->killed))
        crash_load_trouble(load, act_names[act], rv);
    return false;
}

/* ---- objects ---- */

static struct crash_object *free_place(struct crash_worker *w)
{
    for (unsigned i = 0; i < CRASH_LIVE_MAX; i++)
        if (w->objects[i].part[0].life == LIFE_NONE && w->objects[i].part[1].life == LIFE_NONE)
            return &w->objects[i];
    return NULL;
}

static bool create(CK_SESSION_HANDLE s, unsigned worker, struct crash_object *o)
{
    struct crash_worker *w = &load->workers[worker];
    CK_RV rv;

    *o = (struct crash_object){ .worker = worker, .number = w->next_number++ };
    o->kind = (enum crash_kind)(crash_random(&w->random) % CRASH_KIND_COUNT_);
    for (unsigned i = 0; i < crash_object_parts(o); i++)
        o->part[i].life = LIFE_COMING;
    note("ask", ACT_CREATE, worker, o->number, 0);
    if (!judge(ACT_CREATE, crash_object_create(s, o), worker, o->number, 0))
        return false;
    for (unsigned i = 0; i < crash_object_parts(o); i++)
        o->part[i].life = LIFE_THERE;
    if ((rv = crash_object_prove(s, o)) != CKR_OK && !atomic_load(&load->killed))
        crash_load_trouble(load, "the proof of a new key", rv);
    return rv == CKR_OK;
}

static bool change(CK_SESSION_HANDLE s, unsigned worker, struct crash_object *o, unsigned part)
{
    o->part[part].changing = true;
    note("ask", ACT_CHANGE, worker, o->number, part);
    if (!judge(ACT_CHANGE, crash_object_change(s, o, part), worker, o->number, part))
        return false;
    o->part[part].changing = false;
    o->part[part].revision++;
    return true;
}

static bool delete_part(CK_SESSION_HANDLE s, unsigned worker, struct crash_object *o, unsigned part)
{
    o->part[part].life = LIFE_GOING;
    note("ask", ACT_DELETE, worker, o->number, part);
    if (!judge(ACT_DELETE, crash_object_destroy(s, o, part), worker, o->number, part))
        return false;
    o->part[part].life = LIFE_NONE;
    return true;
}

static bool delete_whole(CK_SESSION_HANDLE s, unsigned worker, struct crash_object *o)
{
    for (unsigned i = 0; i < crash_object_parts(o); i++)
        if (o->part[i].life == LIFE_THERE && !delete_part(s, worker, o, i))
            return false;
    return true;
}

static bool one_act(CK_SESSION_HANDLE s, unsigned worker)
{
    struct crash_worker *w = &load->workers[worker];
    struct crash_object *o = free_place(w), *any = &w->objects[crash_random(&w->random) % CRASH_LIVE_MAX];
    unsigned dice = (unsigned)(crash_random(&w->random) % 100), part;

    if (o != NULL && dice < 55)
        return create(s, worker, o);
    if (o == NULL || dice < 85)
        return delete_whole(s, worker, any);
    part = (unsigned)(crash_random(&w->random) % crash_object_parts(any));
    return any->part[part].life != LIFE_THERE || change(s, worker, any, part);
}

/* ---- the PIN ---- */

static bool change_pin(CK_SESSION_HANDLE s)
{
    char from[CRASH_PIN_ROOM], to[CRASH_PIN_ROOM];
    struct span old = crash_load_pin(load, load->pin, from), new = crash_load_pin(load, load->pin + 1, to);

    load->pin_changing = true;
    note("ask", ACT_PIN, PIN_WORKER, load->pin + 1, 0);
    if (!judge(ACT_PIN, p11->C_SetPIN(s, (CK_BYTE *)from, old.len, (CK_BYTE *)to, new.len), PIN_WORKER, load->pin + 1,
               0))
        return false;
    load->pin++;
    load->pin_changing = false;
    return true;
}

static bool try_wrong_pin(CK_SESSION_HANDLE s)
{
    CK_BYTE wrong[] = "this is not the PIN";
    CK_RV rv;

    load->wrong_pending = true;
    note("ask", ACT_WRONG, PIN_WORKER, load->wrong, 0);
    rv = p11->C_SetPIN(s, wrong, sizeof wrong - 1, wrong, sizeof wrong - 1);
    if (!judge(ACT_WRONG,
               rv == CKR_PIN_INCORRECT ? CKR_OK
               : rv == CKR_OK          ? CKR_GENERAL_ERROR
                                       : rv,
               PIN_WORKER, load->wrong, 0))
        return false;
    load->wrong_pending = false;
    return ++load->wrong < CRASH_WRONG_MAX;
}

/* ---- threads and processes ---- */

static CK_RV open_session(CK_SESSION_HANDLE *out)
{
    return p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, out);
}

static void *run_worker(void *arg)
{
    unsigned worker = (unsigned)(uintptr_t)arg;
    CK_SESSION_HANDLE s;
    CK_RV rv;

    for (;;) {
        pthread_barrier_wait(&load->prepare);
        if (load->end)
            return NULL;
        /* The process's main thread logs in meanwhile. */
        pthread_barrier_wait(&load->go);
        if ((rv = open_session(&s)) == CKR_OK) {
            while (worker == PIN_WORKER ? load->wrong_tries ? try_wrong_pin(s) : change_pin(s) : one_act(s, worker))
                ;
            p11->C_CloseSession(s);
        } else if (!atomic_load(&load->killed)) {
            crash_load_trouble(load, "C_OpenSession of a worker", rv);
        }
        pthread_barrier_wait(&load->done);
    }
}

/* Log in once for all threads of the process, before the load begins. */
static void log_in(void)
{
    char pin[CRASH_PIN_ROOM];
    CK_RV rv = CKR_OK;

    if (slot == NO_SLOT && (rv = p11_find_slot(label, &slot)) != CKR_OK)
        crash_load_trouble(load, "the token's slot", rv);
    if (rv == CKR_OK && (rv = p11_log_in(slot, crash_load_pin(load, load->pin, pin), &keeper)) != CKR_OK)
        crash_load_trouble(load, "login of the load", rv);
}

static _Noreturn void run_process(unsigned process, const char *module, pid_t parent)
{
    pthread_t thread;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || !p11_open(module))
        _exit(1);
    slot = NO_SLOT;
    for (unsigned i = process; i <= CRASH_WORKERS; i += CRASH_PROCESSES)
        if (pthread_create(&thread, NULL, run_worker, (void *)(uintptr_t)i) != 0)
            _exit(1);
    for (;;) {
        pthread_barrier_wait(&load->prepare);
        if (load->end)
            _exit(0);
        log_in();
        pthread_barrier_wait(&load->go);
        pthread_barrier_wait(&load->done);
        p11->C_CloseAllSessions(slot);
    }
}

static bool make_barriers(void)
{
    pthread_barrierattr_t shared;
    unsigned all = 1 + CRASH_PROCESSES + CRASH_WORKERS + 1;

    return pthread_barrierattr_init(&shared) == 0 &&
           pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED) == 0 &&
           pthread_barrier_init(&load->prepare, &shared, all) == 0 &&
           pthread_barrier_init(&load->go, &shared, all) == 0 && pthread_barrier_init(&load->done, &shared, all) == 0;
}

struct crash_load *crash_load_start(const char *module, const char *token, const char *pin, uint64_t seed,
                                    const char *journal)
{
    pid_t parent = getpid();

    load = mmap(NULL, sizeof *load, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (load == MAP_FAILED || !make_barriers())
        return NULL;
    label = token;
    load->seed = seed;
    snprintf(load->first_pin, sizeof load->first_pin, "%s", pin);
    for (unsigned i = 0; i < CRASH_WORKERS; i++)
        load->workers[i].random = seed * (2 * i + 3) | 1;
    if ((load->journal = open(journal, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) < 0)
        return NULL;
    for (unsigned i = 0; i < CRASH_PROCESSES; i++)
        if ((processes[i] = fork()) == 0)
            run_process(i, module, parent);
        else if (processes[i] < 0)
            return NULL;
    return load;
}

void crash_load_end(struct crash_load *l)
{
    l->end = true;
    pthread_barrier_wait(&l->prepare);
    for (unsigned i = 0; i < CRASH_PROCESSES; i++)
        waitpid(processes[i], NULL, 0);
}
