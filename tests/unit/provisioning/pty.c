#include "tests/unit/provisioning/pty.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "firmware/base/clock.h"
#include "tests/unit/harness.h"

void pty_start(struct pty *p, int (*child)(void *arg), void *arg)
{
    char name[128];

    *p = (struct pty){ 0 };
    fflush(stdout);
    p->pid = forkpty(&p->master, name, NULL, NULL);
    INVARIANT(p->pid >= 0);
    if (p->pid == 0) {
        int code = child(arg);

        fflush(NULL);
        _exit(code);
    }
    p->slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    INVARIANT(p->slave >= 0);
}

/* Something that the child wrote, or the end of the wait. */
static bool pull(struct pty *p, int wait_ms)
{
    struct pollfd f = { .fd = p->master, .events = POLLIN };
    char block[512];
    ssize_t n;

    if (poll(&f, 1, wait_ms) != 1 || (n = read(p->master, block, sizeof block)) <= 0)
        return false;
    bytes_append(&p->screen, block, (size_t)n);
    return true;
}

bool pty_await(struct pty *p, const char *text)
{
    uint64_t until = clock_monotonic_ms() + PATIENCE_MS;

    while (clock_monotonic_ms() < until) {
        const char *at = strstr(bytes_text(&p->screen) + p->seen, text);

        if (at != NULL) {
            p->seen = (size_t)(at - bytes_text(&p->screen)) + strlen(text);
            return true;
        }
        pull(p, 100);
    }
    printf("\n  the terminal does not show \"%s\" but \"%s\"", text, bytes_text(&p->screen));
    return false;
}

void pty_type(struct pty *p, const char *text)
{
    INVARIANT(write(p->master, text, strlen(text)) == (ssize_t)strlen(text));
}

bool pty_echoes(const struct pty *p)
{
    struct termios t;

    INVARIANT(tcgetattr(p->slave, &t) == 0);
    return (t.c_lflag & ECHO) != 0;
}

bool pty_await_stop(struct pty *p)
{
    uint64_t until = clock_monotonic_ms() + PATIENCE_MS;
    int status = 0;
    pid_t pid;

    while ((pid = waitpid(p->pid, &status, WUNTRACED | WNOHANG)) == 0 && clock_monotonic_ms() < until)
        pull(p, 20);
    return pid == p->pid && WIFSTOPPED(status);
}

int pty_end(struct pty *p)
{
    int status;

    INVARIANT(waitpid(p->pid, &status, 0) == p->pid);
    while (pull(p, 0))
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void pty_clear(struct pty *p)
{
    close(p->master);
    close(p->slave);
    bytes_clear(&p->screen);
}
