#include "tests/integration/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the child. */
static _Noreturn void become(const char *program, const char *const *words, int output, pid_t parent)
{
    int input = open("/dev/null", O_RDONLY);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it has gone before we asked */
        _exit(126);
    dup2(input, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    execv(program, (char *const *)(uintptr_t)words); /* POSIX: exec does not change the words */
    dprintf(STDERR_FILENO, "%s: %s\n", program, strerror(errno));
    _exit(127);
}

static pid_t start(const char *program, const char *const *words, int output)
{
    pid_t parent = getpid(), pid;

    fflush(stdout);
    if ((pid = fork()) == 0)
        become(program, words, output, parent);
    return pid > 0 ? pid : 0;
}

static int exit_code(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int process_run(const char *program, const char *const *words, struct bytes *output)
{
    struct bytes dropped = { 0 };
    char block[4096];
    int ends[2], status;
    ssize_t n;
    pid_t pid;

    if (output == NULL)
        output = &dropped;
    bytes_reset(output);
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    pid = start(program, words, ends[1]);
    close(ends[1]);
    if (pid == 0) {
        close(ends[0]);
        return -1;
    }
    while ((n = read(ends[0], block, sizeof block)) > 0 || (n < 0 && errno == EINTR))
        if (n > 0)
            bytes_append(output, block, (size_t)n);
    close(ends[0]);
    bytes_clear(&dropped);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return exit_code(status);
}

pid_t process_spawn(const char *program, const char *const *words, const char *log)
{
    int fd;
    pid_t pid;

    if (access(program, X_OK) != 0) {
        printf("\n%s: %s\n", program, strerror(errno));
        return 0;
    }
    if ((fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) < 0)
        return 0;
    pid = start(program, words, fd);
    close(fd);
    return pid;
}

int process_await(pid_t pid, unsigned seconds)
{
    struct pollfd p = { .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };
    int status = 0;
    pid_t got;

    if (p.fd >= 0) {
        poll(&p, 1, (int)seconds * 1000);
        close(p.fd);
    }
    got = waitpid(pid, &status, WNOHANG);
    if (got == 0)
        return -1;
    return got == pid ? exit_code(status) : 0;
}

void process_terminate(pid_t pid)
{
    kill(pid, SIGTERM);
}

void process_kill(pid_t pid)
{
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}
