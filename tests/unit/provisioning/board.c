#include "tests/unit/provisioning/board.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/harness.h"

static void run(const struct board *b, const char *owner, int log)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(log, STDERR_FILENO);
    if (owner != NULL)
        execl(KEYSTORED, KEYSTORED, "--directory", b->directory, "--root", "insecure-file", "--owner", owner,
              (char *)NULL);
    else
        execl(KEYSTORED, KEYSTORED, "--directory", b->directory, "--root", "insecure-file", (char *)NULL);
    _exit(127);
}

bool board_start(struct board *b, const char *name, const char *owner)
{
    char text[4096] = "";
    size_t len = 0;
    int ends[2];

    snprintf(b->directory, sizeof b->directory, "%s/%s", scratch_directory(), name);
    snprintf(b->socket, sizeof b->socket, "%s/keystore.sock", b->directory);
    snprintf(b->certificate, sizeof b->certificate, "%s/keystore.pem", b->directory);
    if (pipe(ends) != 0)
        return false;
    if ((b->keystored = fork()) == 0)
        run(b, owner, ends[1]);
    close(ends[1]);
    while (strstr(text, "listening on") == NULL) {
        struct pollfd p = { .fd = ends[0], .events = POLLIN };
        ssize_t n = poll(&p, 1, PATIENCE_MS) == 1 ? read(ends[0], text + len, sizeof text - 1 - len) : 0;

        if (n <= 0) {
            printf("\n%s\n", text);
            return false;
        }
        len += (size_t)n;
        text[len] = '\0';
    }
    return true; /* the pipe stays: it is keystored's log */
}

void board_stop(struct board *b)
{
    if (b->keystored > 0) {
        kill(b->keystored, SIGTERM);
        waitpid(b->keystored, NULL, 0);
    }
    b->keystored = 0;
}
