/* keystore_crash ROUNDS SEED DIRECTORY KEYSTORED ARGUMENT... - kills the keystore (SIGKILL) in the middle of a load of
 * creates, changes, deletes and PIN changes, starts it again, and looks at what is left. See crash-keystore, which puts
 * up the token ($TOKEN_MODULE, $TOKEN_LABEL, $TOKEN_PIN_FILE) and has ended its keystore; KEYSTORED with its arguments
 * starts that again. DIRECTORY gets the journal and the keystore's log. A round is one test. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/integration/crash_load.h"
#include "tests/integration/process.h"

#define TRIES_MAX     10 /* PIN_TRIES_MAX of the keystore */
#define FOUND_MAX     1024
#define RESTART_MS    20000
#define ROUND_S       90 /* after that a call hangs */
#define KILL_FIRST_MS 5
#define KILL_LAST_MS  100
#define KILL_LATE_MS  400 /* in every fourth round, and with wrong PINs: a try takes a scrypt, a change two */

static struct crash_load *load;
static const char *const *keystored; /* its words */
static char log_path[512], journal_path[512];
static const char *label;
static pid_t pid;
static CK_SLOT_ID slot;
static CK_SESSION_HANDLE session;
static uint64_t dice;
static unsigned round_number;
static bool round_failed;
static struct { /* what became of requests that the kill cut off */
    unsigned long made, not_made, changed, unchanged, deleted, left, pin_new, pin_old, try_counted, try_not;
    unsigned long checked, restart_ms, restart_ms_max;
} fate;

#define FAIL(...)                                                                                                      \
    do {                                                                                                               \
        printf("round %u: ", round_number);                                                                            \
        printf(__VA_ARGS__);                                                                                           \
        putchar('\n');                                                                                                 \
        round_failed = true;                                                                                           \
    } while (0)

static void sleep_ms(unsigned ms)
{
    nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 }, NULL);
}

/* ---- the keystore ---- */

static bool start(void)
{
    return (pid = process_spawn(keystored[0], keystored, log_path)) != 0;
}

/* It must have lived until now. */
static void kill_it(void)
{
    int status = 0;

    if (waitpid(pid, &status, WNOHANG) == 0) {
        process_kill(pid);
        return;
    }
    FAIL("the keystore has ended by itself: wait status 0x%x; its log is %s", (unsigned)status, log_path);
}

/* The module, loaded long ago, must find the new one by itself. */
static bool reconnect(void)
{
    uint64_t begin = crash_now_ms(), took;
    CK_RV rv;

    while ((rv = p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session)) != CKR_OK) {
        if (crash_now_ms() - begin > RESTART_MS || process_await(pid, 0) >= 0) {
            FAIL("the keystore does not come back: C_OpenSession says 0x%lx; its log is %s", rv, log_path);
            return false;
        }
        sleep_ms(2);
    }
    took = crash_now_ms() - begin;
    fate.restart_ms += took;
    if (took > fate.restart_ms_max)
        fate.restart_ms_max = took;
    return true;
}

/* ---- PINs ---- */

static CK_FLAGS token_flags(void)
{
    CK_TOKEN_INFO info = { 0 };
    CK_RV rv = p11->C_GetTokenInfo(slot, &info);

    if (rv != CKR_OK)
        FAIL("C_GetTokenInfo: 0x%lx", rv);
    return info.flags;
}

static CK_RV log_in(unsigned number)
{
    char pin[CRASH_PIN_ROOM];
    struct span text = crash_load_pin(load, number, pin);

    return p11->C_Login(session, CKU_USER, (CK_BYTE *)pin, text.len);
}

/* Wrong tries until but one is left: with those that were answered before the kill there are no more than ten. */
static void check_tries(void)
{
    CK_BYTE wrong[] = "neither is this";
    unsigned more = 0, all;
    CK_FLAGS flags = token_flags();
    CK_RV rv;

    if (load->wrong > 0 && (flags & CKF_USER_PIN_COUNT_LOW) == 0)
        FAIL("%u wrong tries were answered, and the token knows of none", load->wrong);
    while ((flags & (CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED)) == 0 && more < TRIES_MAX) {
        if ((rv = p11->C_Login(session, CKU_USER, wrong, sizeof wrong - 1)) != CKR_PIN_INCORRECT)
            FAIL("a wrong PIN is answered by 0x%lx", rv);
        more++;
        flags = token_flags();
    }
    all = load->wrong + more;
    if ((flags & CKF_USER_PIN_LOCKED) != 0 || all > TRIES_MAX - 1 || all + load->wrong_pending < TRIES_MAX - 1)
        FAIL("%u wrong tries before the kill and %u after it: they do not make nine", load->wrong, more);
    if (load->wrong_pending) {
        fate.try_counted += all == TRIES_MAX - 2;
        fate.try_not += all == TRIES_MAX - 1;
    }
}

/* Exactly what was acknowledged; while a change was under way, that or what it changes to. */
static bool check_pin(void)
{
    unsigned first = load->pin, second = load->pin;
    CK_RV rv;

    if (load->pin_changing) {
        first += (unsigned)(crash_random(&dice) & 1);
        second = 2 * load->pin + 1 - first;
    }
    if ((rv = log_in(first)) == CKR_PIN_INCORRECT && first != second) {
        first = second;
        rv = log_in(first);
    }
    if (rv != CKR_OK) {
        FAIL("no PIN that was ever answered is right: 0x%lx", rv);
        return false;
    }
    if (load->pin_changing) {
        fate.pin_new += first != load->pin;
        fate.pin_old += first == load->pin;
    }
    load->pin = first;
    load->pin_changing = false;
    if ((token_flags() & (CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED)) != 0)
        FAIL("wrong tries are still counted after the right PIN");
    return true;
}

/* ---- objects ---- */

static struct crash_object *find_object(unsigned worker, unsigned number)
{
    struct crash_object *o;

    for (unsigned i = 0; worker < CRASH_WORKERS && i < CRASH_LIVE_MAX; i++) {
        o = &load->workers[worker].objects[i];
        if (o->number == number && (o->part[0].life != LIFE_NONE || o->part[1].life != LIFE_NONE))
            return o;
    }
    return NULL;
}

static void check_one(CK_OBJECT_HANDLE handle)
{
    unsigned worker, number, part, revision;
    struct crash_object *o;
    struct crash_part *p;
    const char *wrong;

    if (!crash_object_identify(session, handle, &worker, &number, &part, &revision)) {
        FAIL("object %lu cannot be recognised", handle);
        return;
    }
    o = find_object(worker, number);
    p = o != NULL ? &o->part[part] : NULL;
    if (p == NULL || p->life == LIFE_NONE)
        FAIL("object %u-%u/%u is there: its deletion was acknowledged, or it was never made", worker, number, part);
    else if (p->seen)
        FAIL("object %u-%u/%u is there twice", worker, number, part);
    else if (revision != p->revision && !(p->changing && revision == p->revision + 1))
        FAIL("object %u-%u/%u is in revision %u; acknowledged: %u", worker, number, part, revision, p->revision);
    else if ((wrong = crash_object_check(session, o, part, revision, handle)) != NULL)
        FAIL("object %u-%u/%u is there by half: %s", worker, number, part, wrong);
    if (p == NULL || p->life == LIFE_NONE)
        return;
    if (p->changing) {
        fate.changed += revision != p->revision;
        fate.unchanged += revision == p->revision;
    }
    p->seen = true;
    p->revision = revision;
    fate.checked++;
}

/* What is known now of an object that the search has passed. */
static void settle(struct crash_object *o)
{
    if (o->kind == CRASH_EC && o->part[0].life == LIFE_COMING && o->part[0].seen != o->part[1].seen)
        FAIL("of the key pair %u-%u there is one half", o->worker, o->number);
    for (unsigned i = 0; i < 2; i++) {
        struct crash_part *p = &o->part[i];

        if (p->life == LIFE_THERE && !p->seen)
            FAIL("object %u-%u/%u was acknowledged and is lost", o->worker, o->number, i);
        if (p->life == LIFE_COMING && i == 0) {
            fate.made += p->seen;
            fate.not_made += !p->seen;
        } else if (p->life == LIFE_GOING) {
            fate.deleted += !p->seen;
            fate.left += p->seen;
        }
        p->life = p->seen ? LIFE_THERE : LIFE_NONE;
        p->seen = p->changing = false;
    }
}

static void check_objects(void)
{
    static CK_OBJECT_HANDLE found[FOUND_MAX];
    CK_ULONG count = 0;
    CK_RV rv = p11->C_FindObjectsInit(session, NULL, 0);

    if (rv != CKR_OK || (rv = p11->C_FindObjects(session, found, FOUND_MAX, &count)) != CKR_OK) {
        FAIL("the objects cannot be listed: 0x%lx", rv);
        return;
    }
    p11->C_FindObjectsFinal(session);
    for (CK_ULONG i = 0; i < count; i++)
        check_one(found[i]);
    for (unsigned w = 0; w < CRASH_WORKERS; w++)
        for (unsigned i = 0; i < CRASH_LIVE_MAX; i++)
            settle(&load->workers[w].objects[i]);
}

/* ---- rounds ---- */

static unsigned load_ms(void)
{
    unsigned last = round_number % 4 == 0 || load->wrong_tries ? KILL_LATE_MS : KILL_LAST_MS;

    return KILL_FIRST_MS + (unsigned)(crash_random(&dice) % (last - KILL_FIRST_MS + 1));
}

static void note_kill(void)
{
    char line[40];
    int n = snprintf(line, sizeof line, "--- kill %u\n", round_number);

    if (write(load->journal, line, (size_t)n) != n)
        FAIL("the journal cannot be written");
}

/* False: there is no sense in going on. */
static bool run_round(void)
{
    alarm(ROUND_S);
    round_failed = false;
    load->wrong_tries = round_number % 5 == 0;
    load->wrong = 0;
    load->wrong_pending = false;
    atomic_store(&load->killed, false);
    pthread_barrier_wait(&load->prepare);
    pthread_barrier_wait(&load->go);
    sleep_ms(load_ms());
    atomic_store(&load->killed, true);
    kill_it();
    pthread_barrier_wait(&load->done);
    note_kill();
    if (atomic_load(&load->trouble))
        FAIL("the load failed before the kill: %s", load->what);
    atomic_store(&load->trouble, false);
    if (!start() || !reconnect())
        return false;
    if (load->wrong_tries)
        check_tries();
    if (!check_pin())
        return false;
    check_objects();
    p11->C_CloseAllSessions(slot);
    return true;
}

static unsigned run_rounds(unsigned rounds)
{
    unsigned failed = 0;

    for (round_number = 1; round_number <= rounds; round_number++) {
        bool on = run_round();

        failed += round_failed || !on;
        if (!on)
            return failed + rounds - round_number; /* rounds that were not to be had are no successes */
    }
    return failed;
}

static void report(unsigned rounds)
{
    printf("acknowledged: %lu creates, %lu changes, %lu deletes, %lu PIN changes, %lu wrong PINs\n",
           load->acknowledged[ACT_CREATE], load->acknowledged[ACT_CHANGE], load->acknowledged[ACT_DELETE],
           load->acknowledged[ACT_PIN], load->acknowledged[ACT_WRONG]);
    printf("cut off by a kill, and then done or not: creates %lu/%lu, changes %lu/%lu, deletes %lu/%lu, "
           "PIN changes %lu/%lu, tries counted %lu/%lu\n",
           fate.made, fate.not_made, fate.changed, fate.unchanged, fate.deleted, fate.left, fate.pin_new, fate.pin_old,
           fate.try_counted, fate.try_not);
    printf("%lu objects looked at; back after %lu ms on average, %lu ms at most\n", fate.checked,
           fate.restart_ms / (rounds != 0 ? rounds : 1), fate.restart_ms_max);
}

static void on_alarm(int signal)
{
    static const char text[] = "a call does not come back\n";
    ssize_t n = write(STDOUT_FILENO, text, sizeof text - 1);

    (void)signal;
    _exit(n < 0 ? 2 : 1);
}

static bool read_pin(char *out, size_t room)
{
    const char *path = getenv("TOKEN_PIN_FILE");
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t n = fd >= 0 ? read(fd, out, room - 1) : -1;

    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return false;
    out[n] = '\0';
    return true;
}

static bool prepare(char **words)
{
    const char *module = getenv("TOKEN_MODULE");
    char pin[CRASH_PIN_ROOM];
    CK_RV rv;

    label = getenv("TOKEN_LABEL");
    if (module == NULL || label == NULL || !read_pin(pin, sizeof pin))
        return false;
    dice = strtoull(words[2], NULL, 10) * 2 + 1;
    snprintf(log_path, sizeof log_path, "%s/keystored.log", words[3]);
    snprintf(journal_path, sizeof journal_path, "%s/journal", words[3]);
    if ((load = crash_load_start(module, label, pin, dice, journal_path)) == NULL || !start() || !p11_open(module))
        return false;
    for (uint64_t begin = crash_now_ms(); (rv = p11_find_slot(label, &slot)) != CKR_OK; sleep_ms(5))
        if (crash_now_ms() - begin > RESTART_MS) {
            printf("there is no token \"%s\": 0x%lx\n", label, rv);
            return false;
        }
    return true;
}

int main(int argc, char **argv)
{
    unsigned rounds, failed;

    if (argc < 5)
        return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGALRM, on_alarm);
    rounds = (unsigned)strtoul(argv[1], NULL, 10);
    keystored = (const char *const *)&argv[4];
    if (!prepare(argv)) {
        puts("0 passed, 1 failed");
        return 1;
    }
    failed = run_rounds(rounds);
    alarm(ROUND_S);
    if (round_number > rounds)
        crash_load_end(load);
    process_kill(pid);
    report(rounds);
    printf("%u passed, %u failed\n", rounds - failed, failed);
    return failed == 0 ? 0 : 1;
}
