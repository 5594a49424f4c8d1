/* What a process inside the sandbox can still do. Each probe is a child of its own that enters it and tries. */
#include "tests/unit/harness.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "board/sim/filter.h"
#include "board/sim/landlock.h"
#include "board/sim/namespaces.h"
#include "board/sim/sandbox.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

#define EXIT_DID_IT     10 /* the forbidden thing worked */
#define EXIT_REFUSED    11
#define EXIT_NO_SANDBOX 12

/* How the child that runs `probe` behind `enter` ended: its exit code, or minus the signal. */
static int outcome(bool (*enter)(void), int (*probe)(void))
{
    pid_t pid = fork();
    int how = 0;

    if (pid == 0)
        syscall(SYS_exit_group, enter() ? probe() : EXIT_NO_SANDBOX);
    waitpid(pid, &how, 0);
    return WIFEXITED(how) ? WEXITSTATUS(how) : -WTERMSIG(how);
}

static bool enter_all(void)
{
    struct sandbox s;

    return sandbox_enter(&s, NULL, scratch_directory()) == ST_OK && sandbox_close() == ST_OK;
}

static bool enter_first_step(void)
{
    struct sandbox s;

    return sandbox_enter(&s, NULL, scratch_directory()) == ST_OK;
}

static bool enter_landlock(void)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && landlock_enter();
}

static bool enter_empty_root(void)
{
    return namespaces_enter_user() && namespaces_enter() && namespaces_empty_root(scratch_directory());
}

static int did(bool worked)
{
    return worked ? EXIT_DID_IT : EXIT_REFUSED;
}

static int try_socket(void)
{
    return did(socket(AF_UNIX, SOCK_STREAM, 0) >= 0);
}
static int try_open(void)
{
    return did(open("/", O_RDONLY) >= 0);
}
static int try_execve(void)
{
    char *const none[] = { NULL };

    execve("/proc/self/exe", none, none);
    return EXIT_REFUSED;
}
static int try_ptrace(void)
{
    return did(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0);
}
static int try_kill(void)
{
    return did(kill(getppid(), 0) == 0);
}
static int try_fork(void)
{
    return did(fork() >= 0);
}
static int try_executable_memory(void)
{
    return did(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
}
static int try_making_executable(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return did(mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0);
}
static int try_reading_memory(void)
{
    char from[8] = "secret", to[8];
    struct iovec here = { to, sizeof to }, there = { from, sizeof from };

    return did(process_vm_readv(getpid(), &here, 1, &there, 1, 0) > 0);
}
static int try_allowed_things(void)
{
    uint8_t random[16];
    void *p = malloc(1 << 20);

    return p != NULL && getrandom(random, sizeof random, 0) == 16 && write(-1, "", 0) < 0 ? EXIT_DID_IT : EXIT_REFUSED;
}

static void calls_outside_the_filter_end_the_process(void)
{
    static int (*const probes[])(void) = {
        try_socket,
        try_open,
        try_execve,
        try_ptrace,
        try_kill,
        try_fork,
        try_reading_memory,
        try_executable_memory,
        try_making_executable,
    };

    if (SANITIZED || !filter_is_available()) {
        printf("\nno system call filter here: not tested\n");
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(probes); i++)
        CU_ASSERT_EQUAL(outcome(enter_all, probes[i]), -SIGSYS);
    CU_ASSERT_EQUAL(outcome(enter_all, try_allowed_things), EXIT_DID_IT);
}

static bool enter_nothing(void)
{
    return true;
}

/* The probes can succeed: without a sandbox they do. */
static void calls_outside_the_filter_work_without_it(void)
{
    static int (*const probes[])(
        void) = { try_socket, try_open, try_kill, try_executable_memory, try_making_executable, try_reading_memory };

    for (size_t i = 0; i < ARRAY_LEN(probes); i++)
        CU_ASSERT_EQUAL(outcome(enter_nothing, probes[i]), EXIT_DID_IT);
}

static void landlock_alone_refuses_files(void)
{
    int how = outcome(enter_landlock, try_open);

    if (how == EXIT_NO_SANDBOX)
        printf("\nno Landlock here: not tested\n");
    else
        CU_ASSERT_EQUAL(how, EXIT_REFUSED);
}

static int try_files_of_the_system(void)
{
    return did(access("/etc", F_OK) == 0 || access("/proc", F_OK) == 0 || open("/made", O_CREAT | O_RDWR, 0600) >= 0);
}

static int try_network(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr to = { .sa_family = AF_INET, .sa_data = { 0, 9, 127, 0, 0, 1 } };

    return did(connect(fd, &to, sizeof to) == 0);
}

static void empty_root_has_no_files_and_no_network(void)
{
    int how = outcome(enter_empty_root, try_files_of_the_system);

    if (how == EXIT_NO_SANDBOX) {
        printf("\nno namespaces here: not tested\n");
        return;
    }
    CU_ASSERT_EQUAL(how, EXIT_REFUSED);
    CU_ASSERT_EQUAL(outcome(enter_empty_root, try_network), EXIT_REFUSED);
    CU_ASSERT_EQUAL(outcome(enter_nothing, try_files_of_the_system), EXIT_DID_IT);
    CU_ASSERT_EQUAL(outcome(enter_nothing, try_network), EXIT_DID_IT);
}

static int try_privileges(void)
{
    struct rlimit core;

    for (unsigned long c = 0; c < 64; c++)
        if (prctl(PR_CAPBSET_READ, c) == 1)
            return EXIT_DID_IT;
    getrlimit(RLIMIT_CORE, &core);
    return did(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || chroot("/") == 0 || unshare(CLONE_NEWNS) == 0 ||
               (!SANITIZED && (prctl(PR_GET_DUMPABLE) != 0 || core.rlim_max != 0)));
}

static void no_privilege_is_left(void)
{
    CU_ASSERT_EQUAL(outcome(enter_first_step, try_privileges), EXIT_REFUSED);
}

static void filter_is_short(void)
{
    CU_ASSERT(filter_count() <= 25);
    for (size_t i = 0; i < filter_count(); i++)
        for (size_t j = 0; j < i; j++)
            CU_ASSERT_NOT_EQUAL(filter_call(i), filter_call(j));
}

int main(void)
{
    CU_TestInfo cases[] = { { "the filter is short", filter_is_short },
                            { "calls outside the filter end the process", calls_outside_the_filter_end_the_process },
                            { "calls outside the filter work without it", calls_outside_the_filter_work_without_it },
                            { "Landlock alone refuses files", landlock_alone_refuses_files },
                            { "the empty root has no files and no network", empty_root_has_no_files_and_no_network },
                            { "no privilege is left", no_privilege_is_left },
                            CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = { { "sandbox", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    scratch_directory();
    return run_suites(suites);
}
