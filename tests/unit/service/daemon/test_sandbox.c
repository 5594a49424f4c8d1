#include <errno.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "service/daemon/sandbox.h"
#include "tests/unit/harness.h"

/* In a child, for there is no way back: 0, or the number of what was still possible. */
static int try_in_sandbox(void)
{
    char name[] = "true", *const arguments[] = { name, NULL };

    if (sandbox_enter() != ST_OK)
        return 1;
    execv("/bin/true", arguments);
    if (errno != EPERM)
        return 2;
    if (unshare(CLONE_NEWNS) == 0 || errno != EPERM)
        return 3;
    /* The bare call: glibc's would ask all threads, and a sanitizer's own thread is older than the sandbox. */
    if (syscall(SYS_setuid, 0) == 0 || errno != EPERM)
        return 4;
    /* Keys are read, and nothing else is done with them. */
    if (syscall(SYS_add_key, "user", "strongroom-test", "x", 1, KEY_SPEC_THREAD_KEYRING) >= 0 || errno != EPERM)
        return 6;
    for (long operation = 0; operation < 40; operation++) {
        bool read_only = operation == KEYCTL_DESCRIBE || operation == KEYCTL_SEARCH || operation == KEYCTL_READ;

        /* No key has number 1, and no ring either: what gets through says so. */
        errno = 0;
        if (syscall(SYS_keyctl, operation, 1, "user", "strongroom-test", 0) >= 0 || (errno == EPERM) == read_only)
            return 100 + (int)operation;
    }
    if (syscall(SYS_keyctl, (1L << 32) | KEYCTL_READ, 1, NULL, 0) >= 0 || errno != EPERM)
        return 7;
    if (access("/", R_OK) != 0) /* and ordinary work goes on */
        return 5;
    return 42;
}

static void refuses(void)
{
    int status = 0;
    pid_t child = fork();

    CU_ASSERT_FATAL(child >= 0);
    if (child == 0)
        _exit(try_in_sandbox());
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    CU_ASSERT_TRUE(WIFEXITED(status));
    CU_ASSERT_EQUAL(WEXITSTATUS(status), 42); /* 0 would mean that /bin/true ran */
}

int main(void)
{
    static CU_TestInfo cases[] = {
        { "in the sandbox no program starts, no namespace changes, no user changes, no key but read", refuses },
        CU_TEST_INFO_NULL,
    };
    static CU_SuiteInfo suites[] = { { "sandbox", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
