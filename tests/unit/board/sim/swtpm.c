#include "tests/unit/board/sim/swtpm.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "firmware/base/clock.h"
#include "tests/unit/harness.h"

static void run(const struct swtpm *s)
{
    char state[256], server[256];
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(nowhere, STDOUT_FILENO);
    dup2(nowhere, STDERR_FILENO);
    snprintf(state, sizeof state, "dir=%s", s->state);
    snprintf(server, sizeof server, "type=unixio,path=%s", s->socket);
    execlp("swtpm", "swtpm", "socket", "--tpm2", "--tpmstate", state, "--server", server, "--flags",
           "not-need-init,startup-clear", (char *)NULL);
    _exit(127);
}

/* Its socket can be seen before it listens. */
static bool listens(const char *path)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool connected;

    snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
    connected = connect(fd, (const struct sockaddr *)&to, sizeof to) == 0;
    close(fd);
    return connected;
}

void swtpm_start(struct swtpm *s, const char *name)
{
    uint64_t until = clock_monotonic_ms() + PATIENCE_MS;

    signal(SIGPIPE, SIG_IGN); /* as keystored does: a TPM that is gone is an error, not the end */
    snprintf(s->state, sizeof s->state, "%s/%s", scratch_directory(), name);
    snprintf(s->socket, sizeof s->socket, "%s/%s.sock", scratch_directory(), name);
    if (mkdir(s->state, 0700) != 0 && errno != EEXIST)
        CU_FAIL_FATAL("no folder for the TPM");
    unlink(s->socket);
    if ((s->pid = fork()) == 0)
        run(s);
    while (!listens(s->socket)) {
        struct timespec pause = { .tv_nsec = 5000000 };

        if (waitpid(s->pid, NULL, WNOHANG) != 0 || clock_monotonic_ms() > until)
            CU_FAIL_FATAL("swtpm does not start: is it installed?");
        nanosleep(&pause, NULL);
    }
}

void swtpm_stop(struct swtpm *s)
{
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
}
