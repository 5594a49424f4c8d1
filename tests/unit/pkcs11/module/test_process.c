/* As a guest in somebody's process: forks, signals, descriptors, OpenSSL's state, output, the end. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "firmware/base/clock.h"
#include "pkcs11/module/connection.h"
#include "tests/unit/pkcs11/module/module_rig.h"

static CK_MECHANISM ecdsa = { CKM_ECDSA, NULL, 0 };

static CK_RV sign(CK_SESSION_HANDLE s)
{
    CK_BYTE data[32] = "q", sig[64];
    CK_ULONG n = sizeof sig;
    CK_RV rv = rig.p11->C_SignInit(s, &ecdsa, FAKE_EC_KEY);

    return rv == CKR_OK ? rig.p11->C_Sign(s, data, sizeof data, sig, &n) : rv;
}

/* In a child: the number of the first thing that is wrong, 0: none. */
static int in_child(CK_SESSION_HANDLE inherited, CK_STRONGROOM_BATCH_PTR batch)
{
    CK_STRONGROOM_RESULT result;
    CK_SESSION_HANDLE s;
    CK_INFO info;
    CK_ULONG n = 1;

    if (sign(inherited) != CKR_CRYPTOKI_NOT_INITIALIZED || rig.p11->C_GetInfo(&info) != CKR_CRYPTOKI_NOT_INITIALIZED)
        return 1;
    if (rig.p11->C_Finalize(NULL) != CKR_CRYPTOKI_NOT_INITIALIZED)
        return 2;
    if (rig.batch->Reap(batch, &result, &n) != CKR_CRYPTOKI_NOT_INITIALIZED)
        return 3;
    if (rig.p11->C_Initialize(NULL) != CKR_OK)
        return 4;
    if (sign(inherited) != CKR_SESSION_HANDLE_INVALID)
        return 5;
    n = 1;
    if (rig.batch->Reap(batch, &result, &n) == CKR_OK && n != 0)
        return 6;
    if (rig.p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &s) != CKR_OK || sign(s) != CKR_OK)
        return 7;
    if (rig.batch->CloseBatch(batch) != CKR_OK)
        return 8;
    if (rig.p11->C_CloseAllSessions(0) != CKR_OK || rig.p11->C_Finalize(NULL) != CKR_OK)
        return 9;
    return 0;
}

static void a_child_begins_anew(void)
{
    CK_SESSION_HANDLE s = rig_session();
    CK_STRONGROOM_BATCH_PTR batch;
    int fd, status = -1;

    CU_ASSERT_FATAL(sign(s) == CKR_OK && rig.batch->OpenBatch(s, &fd, &batch) == CKR_OK);
    for (unsigned round = 0; round < 3; round++) {
        pid_t child = fork();

        if (child == 0)
            _exit(in_child(s, batch));
        CU_ASSERT_FATAL(child > 0 && waitpid(child, &status, 0) == child);
        CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        CU_ASSERT(sign(s) == CKR_OK); /* the parent's link has not been touched */
    }
    CU_ASSERT(rig.batch->CloseBatch(batch) == CKR_OK);
    rig_finalize();
}

static void *sign_on(void *arg)
{
    atomic_bool *stop = arg;
    CK_SESSION_HANDLE s;
    CK_RV rv = rig.p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &s);

    while (rv == CKR_OK && !*stop)
        rv = sign(s);
    return rv == CKR_OK ? NULL : (void *)1;
}

/* The allocator of a sanitizer does not survive a fork while other threads use it, as the C library's does: there the
 * child must not allocate. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CHILD_MAY_ALLOCATE false
#else
#define CHILD_MAY_ALLOCATE true
#endif

static void a_fork_while_threads_work(void)
{
    atomic_bool stop = false;
    pthread_t threads[3];
    void *failed;

    CK_SESSION_HANDLE s = rig_session();
    CU_ASSERT(sign(s) == CKR_OK);
    for (unsigned i = 0; i < ARRAY_LEN(threads); i++)
        CU_ASSERT_FATAL(pthread_create(&threads[i], NULL, sign_on, &stop) == 0);
    for (unsigned round = 0; round < 20; round++) {
        int status = -1;
        pid_t child = fork();

        if (child == 0) {
            CK_RV rv = sign(s);

            /* Locks that other threads held in the parent are nobody's here: none may be waited for. */
            if (rv != CKR_CRYPTOKI_NOT_INITIALIZED)
                _exit(1);
            _exit(CHILD_MAY_ALLOCATE &&
                  (rig.p11->C_Initialize(NULL) != CKR_OK || rig.p11->C_CloseAllSessions(0) != CKR_OK));
        }
        CU_ASSERT_FATAL(child > 0 && waitpid(child, &status, 0) == child);
        CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    stop = true;
    for (unsigned i = 0; i < ARRAY_LEN(threads); i++) {
        pthread_join(threads[i], &failed);
        CU_ASSERT(failed == NULL);
    }
    rig_finalize();
}

static unsigned descriptors(bool inheritable)
{
    DIR *d = opendir("/proc/self/fd");
    unsigned n = 0;
    struct dirent *e;

    CU_ASSERT_FATAL(d != NULL);
    while ((e = readdir(d)) != NULL) {
        int fd = (int)strtol(e->d_name, NULL, 10), flags = fcntl(fd, F_GETFD);

        if (e->d_name[0] != '.' && fd != dirfd(d) && (!inheritable || (flags >= 0 && (flags & FD_CLOEXEC) == 0)))
            n++;
    }
    closedir(d);
    return n;
}

static void nothing_is_left_open(void)
{
    unsigned before, inheritable;
    CK_STRONGROOM_BATCH_PTR batch;
    CK_SESSION_HANDLE s;
    int fd;

    rig_kill(); /* what earlier tests left to the fake keystore is closed now */
    rig_revive();
    before = descriptors(false);
    inheritable = descriptors(true);
    s = rig_session();
    CU_ASSERT(rig.batch->OpenBatch(s, &fd, &batch) == CKR_OK && sign(s) == CKR_OK);
    CU_ASSERT(descriptors(true) == inheritable);
    rig_finalize(); /* also with a batch open */
    CU_ASSERT(rig.batch->CloseBatch(batch) == CKR_OK);
    rig_kill(); /* the fake keystore's own ends */
    rig_revive();
    CU_ASSERT(descriptors(false) == before);
}

static void the_threads_openssl_is_left_alone(void)
{
    CK_SESSION_HANDLE s;
    OSSL_LIB_CTX *before = OSSL_LIB_CTX_set0_default(NULL);

    ERR_clear_error();
    ERR_raise_data(ERR_LIB_USER, 7, "of the application");
    s = rig_session();
    for (unsigned i = 0; i < 3; i++)
        CU_ASSERT(sign(s) == CKR_OK);
    rig_kill();
    CU_ASSERT(sign(s) == CKR_DEVICE_REMOVED);
    rig_revive();
    CU_ASSERT(rig.p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &s) == CKR_OK);
    rig_finalize();
    CU_ASSERT(ERR_GET_REASON(ERR_get_error()) == 7);
    CU_ASSERT(ERR_get_error() == 0);
    CU_ASSERT(OSSL_LIB_CTX_set0_default(NULL) == before);
}

static void no_signal_and_no_output(void)
{
    char path[128];
    int out, saved[2];
    struct bytes said = { 0 };
    CK_SESSION_HANDLE s;

    snprintf(path, sizeof path, "%s/said", scratch_directory());
    fflush(stdout);
    CU_ASSERT_FATAL((out = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) >= 0);
    saved[0] = dup(1);
    saved[1] = dup(2);
    dup2(out, 1);
    dup2(out, 2);
    signal(SIGPIPE, SIG_DFL); /* would end us */
    s = rig_session();
    sign(s);
    rig_kill();
    sign(s);
    rig.p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &s);
    rig_revive();
    rig_finalize();
    dup2(saved[0], 1);
    dup2(saved[1], 2);
    close(saved[0]);
    close(saved[1]);
    close(out);
    read_file(path, &said);
    CU_ASSERT(said.len == 0);
    bytes_clear(&said);
}

static void on_alarm(int signal_number)
{
    (void)signal_number;
}

static void signals_of_the_host_do_no_harm(void)
{
    struct sigaction act = { .sa_handler = on_alarm }, old;
    CK_SESSION_HANDLE s = rig_session();
    pid_t parent = getpid(), beater;
    uint64_t begin;
    sigset_t only;

    /* Without SA_RESTART: system calls end with EINTR. */
    CU_ASSERT_FATAL(sigaction(SIGUSR1, &act, &old) == 0);
    if ((beater = fork()) == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        while (kill(parent, SIGUSR1) == 0)
            usleep(3000);
        _exit(0);
    }
    sigemptyset(&only);
    for (unsigned i = 0; i < 500; i++)
        CU_ASSERT(sign(s) == CKR_OK);
    fake_fail(rig.fake, FAULT_STALL, MESSAGE_COMPUTE, 1);
    begin = clock_monotonic_ms();
    CU_ASSERT(sign(s) == CKR_DEVICE_ERROR); /* not drawn out: the signals do not end */
    CU_ASSERT(clock_monotonic_ms() - begin >= CALL_MS - 100);
    kill(beater, SIGKILL);
    while (waitpid(beater, NULL, 0) < 0 && errno == EINTR) {
        /* again */
    }
    sigaction(SIGUSR1, &old, NULL);
    rig_finalize();
}

/* An application that finalises from an exit handler which runs after OpenSSL's own. */
static void late(void)
{
    _exit(rig.p11->C_Finalize(NULL) == CKR_OK ? 0 : 1);
}

static void finalize_after_openssl_has_ended(void)
{
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        CK_SESSION_HANDLE s = rig_session();

        if (sign(s) != CKR_OK)
            _exit(2);
        OPENSSL_cleanup();
        if (sign(s) == CKR_OK)
            _exit(3); /* it cannot be */
        late();
    }
    CU_ASSERT_FATAL(child > 0 && waitpid(child, &status, 0) == child);
    CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static atomic_int stage;

static void *outlive_the_library(void *arg)
{
    CK_SESSION_HANDLE s = *(CK_SESSION_HANDLE *)arg;

    stage = sign(s) == CKR_OK ? 1 : -1;
    while (stage < 2)
        usleep(1000); /* until C_Finalize has been */
    return NULL;
}

/* What OpenSSL does when a thread ends needs the context that the thread has used. */
static void a_thread_may_outlive_the_library(void)
{
    CK_SESSION_HANDLE s = rig_session();
    pthread_t thread;

    CU_ASSERT_FATAL(pthread_create(&thread, NULL, outlive_the_library, &s) == 0);
    while (stage == 0)
        usleep(1000);
    CU_ASSERT(stage == 1);
    rig_finalize();
    stage = 2;
    CU_ASSERT(pthread_join(thread, NULL) == 0);
}

int main(void)
{
    static CU_TestInfo cases[] = { { "a child begins anew, its parent goes on", a_child_begins_anew },
                                   { "a fork while threads work", a_fork_while_threads_work },
                                   { "nothing is left open, nothing is inherited", nothing_is_left_open },
                                   { "the thread's OpenSSL is left alone", the_threads_openssl_is_left_alone },
                                   { "no signal and no output", no_signal_and_no_output },
                                   { "signals of the host do no harm", signals_of_the_host_do_no_harm },
                                   { "a thread may outlive the library", a_thread_may_outlive_the_library },
                                   { "C_Finalize after OpenSSL has ended", finalize_after_openssl_has_ended },
                                   CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = { { "pkcs11 process", rig_open, rig_close, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
