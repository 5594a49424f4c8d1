#include "tests/integration/ceremony_cli.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/integration/process.h"

#define WORDS_MAX 64
#define SAID      "said"

static const char *program;
static pid_t running;

struct command {
    char text[CLI_WORDS_ROOM];
    const char *words[WORDS_MAX + 2];
};

void cli_init(const char *strongroom)
{
    program = strongroom;
}

static void split(struct command *c, const char *words)
{
    size_t n = 0;
    char *at = NULL;

    INVARIANT(strlen(words) < sizeof c->text);
    snprintf(c->text, sizeof c->text, "%s", words);
    c->words[n++] = "strongroom";
    for (char *word = strtok_r(c->text, " ", &at); word != NULL; word = strtok_r(NULL, " ", &at)) {
        INVARIANT(n <= WORDS_MAX);
        c->words[n++] = word;
    }
    c->words[n] = NULL;
}

int cli_run(const char *words, struct bytes *output)
{
    struct command c;

    split(&c, words);
    return process_run(program, c.words, output);
}

bool cli_tool(const char *const *words)
{
    char path[64];

    snprintf(path, sizeof path, "/usr/bin/%s", words[0]);
    return process_run(path, words, NULL) == 0;
}

bool cli_start(const char *words)
{
    struct command c;

    split(&c, words);
    unlink(SAID);
    return (running = process_spawn(program, c.words, SAID)) != 0;
}

int cli_wait(uint64_t ms)
{
    struct pollfd p = { .fd = (int)syscall(SYS_pidfd_open, running, 0), .events = POLLIN };

    if (p.fd >= 0) {
        poll(&p, 1, (int)ms);
        close(p.fd);
    }
    return process_await(running, 0);
}

void cli_kill(void)
{
    process_kill(running);
    running = 0;
}

const char *cli_said(void)
{
    static char text[4096];
    int fd = open(SAID, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;

    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    return text;
}
