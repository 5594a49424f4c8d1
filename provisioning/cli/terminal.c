#include "provisioning/cli/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

static const int caught[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT };

/* Where the handler puts the number of the signal; a token's worker threads may be the ones that get it. */
static volatile sig_atomic_t signal_pipe = -1;

/* One question, from the moment it is put. */
struct asking {
    struct terminal *terminal;
    const char *question;
    size_t max;
    bool echo;
    bool too_long;
    struct termios before, during;
    struct sigaction old[ARRAY_LEN(caught)];
    int pipe[2];
};

static void on_signal(int number)
{
    int saved = errno;
    uint8_t byte = (uint8_t)number;

    if (write(signal_pipe, &byte, 1) < 0) {
        /* the pipe is full of signals: the reader has one already */
    }
    errno = saved;
}

static enum status catch_signals(struct asking *a)
{
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

    if (pipe2(a->pipe, O_CLOEXEC | O_NONBLOCK) != 0)
        return ST_IO;
    signal_pipe = a->pipe[1];
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < ARRAY_LEN(caught); i++) {
        sigaction(caught[i], NULL, &a->old[i]);
        if (a->old[i].sa_handler != SIG_IGN) /* nohup's wish holds */
            sigaction(caught[i], &action, NULL);
    }
    return ST_OK;
}

static void release_signals(struct asking *a)
{
    for (size_t i = 0; i < ARRAY_LEN(caught); i++)
        sigaction(caught[i], &a->old[i], NULL);
    signal_pipe = -1;
    close(a->pipe[0]);
    close(a->pipe[1]);
}

static enum status say(int fd, const char *text)
{
    size_t done = 0, len = strlen(text);

    while (done < len) {
        ssize_t n = write(fd, text + done, len - done);

        if (n < 0 && errno != EINTR)
            return ST_IO;
        done += n > 0 ? (size_t)n : 0;
    }
    return ST_OK;
}

/* TCSAFLUSH drops what was typed before: it has been shown, or was not meant as an answer. Echo is off before the
 * question is seen, so a quick answer is not shown either. */
static enum status put_question(const struct asking *a)
{
    if (tcsetattr(a->terminal->fd, TCSAFLUSH, &a->during) != 0)
        return ST_IO;
    return say(a->terminal->fd, a->question);
}

/* Half a line must not be left for the shell to read. */
static void put_back(const struct asking *a)
{
    tcsetattr(a->terminal->fd, TCSAFLUSH, &a->before);
}

/* A stopped program leaves the terminal as it was, and asks anew when it goes on. */
static enum status take_signal(struct asking *a, struct secret *line)
{
    uint8_t number = 0;

    if (read(a->pipe[0], &number, 1) != 1)
        return ST_OK;
    if (number != SIGTSTP && number != SIGCONT)
        return ST_UNAVAILABLE;
    if (number == SIGTSTP) {
        put_back(a);
        kill(getpid(), SIGSTOP);
        return ST_OK; /* SIGCONT has its turn now */
    }
    secret_wipe(line->p, line->cap);
    line->len = 0;
    a->too_long = false;
    return put_question(a);
}

/* What the terminal has of the line; *whole when its end was there. Beyond the room, bytes are dropped. */
static enum status take_bytes(struct asking *a, struct secret *line, bool *whole)
{
    ssize_t n = read(a->terminal->fd, line->p + line->len, line->cap - line->len);

    if (n < 0)
        return errno == EINTR || errno == EAGAIN ? ST_OK : ST_IO;
    if (n == 0)
        return ST_CLOSED;
    line->len += (size_t)n;
    *whole = line->p[line->len - 1] == '\n';
    line->len -= *whole ? 1 : 0;
    if (line->len > a->max) {
        a->too_long = true;
        line->len = 0;
    }
    return *whole && a->too_long ? ST_TOO_LARGE : ST_OK;
}

static enum status take_line(struct asking *a, struct secret *line)
{
    struct pollfd p[] = { { .fd = a->pipe[0], .events = POLLIN }, { .fd = a->terminal->fd, .events = POLLIN } };
    enum status st = put_question(a);
    bool whole = false;

    while (st == ST_OK && !whole) {
        if (poll(p, ARRAY_LEN(p), -1) < 0)
            st = errno == EINTR ? ST_OK : ST_IO;
        else if (p[0].revents != 0)
            st = take_signal(a, line);
        else
            st = take_bytes(a, line, &whole);
    }
    return st;
}

enum status terminal_open(struct terminal *t)
{
    t->fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    return t->fd >= 0 ? ST_OK : ST_NOT_FOUND;
}

void terminal_close(struct terminal *t)
{
    if (t->fd >= 0)
        close(t->fd);
    t->fd = -1;
}

enum status terminal_ask(struct terminal *t, const char *question, bool echo, size_t max, struct secret *line)
{
    struct asking a = { .terminal = t, .question = question, .max = max, .echo = echo };
    enum status st;

    secret_clear(line);
    if ((st = secret_grow(line, max + 2)) != ST_OK) /* the end of the line, and a byte too many */
        return st;
    if (tcgetattr(t->fd, &a.before) != 0)
        return ST_IO;
    a.during = a.before;
    a.during.c_lflag |= ICANON | ISIG;
    a.during.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    if (echo)
        a.during.c_lflag |= ECHO | ECHOE | ECHOK;
    if ((st = catch_signals(&a)) != ST_OK)
        return st;
    st = take_line(&a, line);
    put_back(&a);
    if ((!echo || st != ST_OK) && say(t->fd, "\n") != ST_OK && st == ST_OK) /* what was typed did not end the line */
        st = ST_IO;
    release_signals(&a);
    if (st != ST_OK)
        secret_clear(line);
    return st;
}
