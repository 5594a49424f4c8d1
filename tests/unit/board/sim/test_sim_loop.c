/* The loops and their connections, over real sockets, with a firmware that echoes. Here a frame is a line; "slow\n" is
 * answered by another thread's wake, "bad\n" breaks the rules. */
#include "tests/unit/harness.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "board/sim/listener.h"
#include "board/sim/loop.h"
#include "firmware/base/clock.h"
#include "firmware/wire/limits.h"

#define OUTPUT_MAX (256u * 1024)

struct peer {
    struct bytes in, out;
    size_t taken;
    void (*wake)(void *arg);
    void *arg;
    _Atomic unsigned late;
    unsigned answered_late;
    pthread_t waker;
    bool has_waker;
};

static _Atomic unsigned peers, served_by_count;
static pthread_t served_by[8];

enum status peer_new(struct keystore *ks, enum link_framing framing, void (*wake)(void *arg), void *arg,
                     struct peer **out)
{
    struct peer *p = calloc(1, sizeof *p);

    (void)ks;
    INVARIANT(p != NULL && framing == LINK_FRAMING_LENGTH);
    p->wake = wake;
    p->arg = arg;
    *out = p;
    atomic_fetch_add(&peers, 1);
    return ST_OK;
}

void peer_free(struct peer *p)
{
    if (p->has_waker)
        pthread_join(p->waker, NULL);
    bytes_clear(&p->in);
    bytes_clear(&p->out);
    free(p);
    atomic_fetch_sub(&peers, 1);
}

static void *wake_later(void *arg)
{
    struct peer *p = arg;

    atomic_fetch_add(&p->late, 1);
    p->wake(p->arg);
    return NULL;
}

static void note_thread(void)
{
    unsigned n = atomic_load(&served_by_count);

    for (unsigned i = 0; i < n; i++)
        if (pthread_equal(served_by[i], pthread_self()))
            return;
    if ((n = atomic_fetch_add(&served_by_count, 1)) < ARRAY_LEN(served_by))
        served_by[n] = pthread_self();
}

static enum status serve_line(struct peer *p, struct span line)
{
    if (span_is(line, "bad\n"))
        return ST_BAD_REQUEST;
    if (!span_is(line, "slow\n")) {
        bytes_append_span(&p->out, line);
        return bytes_status(&p->out);
    }
    INVARIANT(!p->has_waker);
    p->has_waker = pthread_create(&p->waker, NULL, wake_later, p) == 0;
    return ST_OK;
}

enum status peer_work(struct peer *p)
{
    enum status st = ST_OK;
    size_t at = 0;

    note_thread();
    while (p->answered_late < atomic_load(&p->late)) {
        bytes_append_text(&p->out, "late\n");
        p->answered_late++;
    }
    while (st == ST_OK && peer_wants_input(p)) {
        const uint8_t *end = p->in.len > at ? memchr(p->in.p + at, '\n', p->in.len - at) : NULL;
        struct span line;

        if (end == NULL)
            break;
        line = span_of(p->in.p + at, (size_t)(end - p->in.p) - at + 1);
        st = serve_line(p, line);
        at += line.len;
    }
    if (at > 0) {
        memmove(p->in.p, p->in.p + at, p->in.len - at);
        p->in.len -= at;
    }
    return st;
}

enum status peer_feed(struct peer *p, struct span in)
{
    bytes_append_span(&p->in, in);
    return peer_work(p);
}

struct span peer_output(struct peer *p)
{
    return span_of(p->out.p != NULL ? p->out.p + p->taken : NULL, p->out.len - p->taken);
}

void peer_output_taken(struct peer *p, size_t len)
{
    if ((p->taken += len) == p->out.len) {
        p->taken = 0;
        bytes_reset(&p->out);
    }
}

bool peer_wants_input(const struct peer *p)
{
    return p->out.len - p->taken < OUTPUT_MAX;
}

bool peer_is_mid_frame(const struct peer *p)
{
    return p->in.len > 0;
}

/* The test's side. */

static struct loops *loops;
static int listener;
static char path[108];

static int start(void)
{
    snprintf(path, sizeof path, "%s/loop.sock", scratch_directory());
    atomic_store(&served_by_count, 0);
    return listener_open(path, &listener) == ST_OK && loops_start(NULL, listener, 2, &loops) == ST_OK ? 0 : -1;
}

static int stop(void)
{
    loops_stop(loops);
    close(listener);
    return atomic_load(&peers) == 0 ? 0 : -1;
}

static int connected(void)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    struct timeval wait = { .tv_sec = PATIENCE_MS / 1000 };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memcpy(to.sun_path, path, sizeof path);
    CU_ASSERT_FATAL(connect(fd, (const struct sockaddr *)&to, sizeof to) == 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    return fd;
}

static void say(int fd, const char *text)
{
    CU_ASSERT_EQUAL(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static bool hears(int fd, const char *text)
{
    char got[256];

    return recv(fd, got, strlen(text), MSG_WAITALL) == (ssize_t)strlen(text) && memcmp(got, text, strlen(text)) == 0;
}

static bool is_closed(int fd)
{
    char b;

    return recv(fd, &b, 1, 0) == 0;
}

static bool no_peers(void *arg)
{
    (void)arg;
    return atomic_load(&peers) == 0;
}

static void await_no_peers(void)
{
    CU_ASSERT(wait_until(no_peers, NULL));
}

static void requests_are_answered(void)
{
    int fd = connected();

    say(fd, "one\n");
    CU_ASSERT(hears(fd, "one\n"));
    say(fd, "two\nthree\nfo");
    CU_ASSERT(hears(fd, "two\nthree\n"));
    say(fd, "ur\n");
    CU_ASSERT(hears(fd, "four\n"));
    close(fd);
    await_no_peers();
}

static void late_answers_arrive(void)
{
    int fd = connected();

    say(fd, "slow\n");
    CU_ASSERT(hears(fd, "late\n"));
    say(fd, "quick\n");
    CU_ASSERT(hears(fd, "quick\n"));
    close(fd);
    await_no_peers();
}

static void broken_rules_end_the_link_after_what_was_answered(void)
{
    int fd = connected();

    say(fd, "good\nbad\nnever\n");
    CU_ASSERT(hears(fd, "good\n"));
    CU_ASSERT(is_closed(fd));
    close(fd);
    await_no_peers();
}

static void links_are_spread_over_the_loops(void)
{
    int fd[4];

    for (size_t i = 0; i < ARRAY_LEN(fd); i++) {
        fd[i] = connected();
        say(fd[i], "x\n");
        CU_ASSERT(hears(fd[i], "x\n"));
    }
    CU_ASSERT_EQUAL(atomic_load(&served_by_count), 2);
    for (size_t i = 0; i < ARRAY_LEN(fd); i++)
        close(fd[i]);
    await_no_peers();
}

static void a_frame_that_does_not_end_is_closed(void)
{
    int stalled = connected(), patient = connected();
    uint64_t begin = clock_monotonic_ms();

    say(patient, "x\n");
    CU_ASSERT(hears(patient, "x\n"));
    say(stalled, "half a fra");
    CU_ASSERT(is_closed(stalled));
    CU_ASSERT(clock_monotonic_ms() - begin >= LINK_STALL_MS - 100);
    say(patient, "still here\n"); /* nothing has begun there: it may be idle for as long as it likes */
    CU_ASSERT(hears(patient, "still here\n"));
    close(stalled);
    close(patient);
    await_no_peers();
}

static bool one_more_byte_is_refused(void *arg)
{
    return send(*(int *)arg, "d", 1, MSG_NOSIGNAL) != 1;
}

/* One byte at a time does not keep a frame open for longer. */
static void a_frame_that_drips_is_closed(void)
{
    int fd = connected();

    CU_ASSERT(wait_until(one_more_byte_is_refused, &fd));
    close(fd);
    await_no_peers();
}

static void answers_nobody_reads_are_held_back_and_then_closed(void)
{
    static char line[1024];
    int fd = connected(), sent = 0;
    uint64_t until = clock_monotonic_ms() + PATIENCE_MS;
    struct timeval wait = { .tv_usec = 100000 };

    memset(line, 'y', sizeof line);
    line[sizeof line - 1] = '\n';
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    while (clock_monotonic_ms() < until) {
        if (send(fd, line, sizeof line, MSG_NOSIGNAL) > 0)
            sent++;
        else if (errno != EAGAIN)
            break;
    }
    CU_ASSERT(errno == EPIPE || errno == ECONNRESET);
    CU_ASSERT(sent < 2048); /* it stopped reading: what it holds is bounded */
    close(fd);
    await_no_peers();
}

static void *read_slowly(void *arg)
{
    size_t *lines = arg;
    int fd = (int)lines[1];
    char block[3000];
    ssize_t n;

    while (*lines > 0 && (n = recv(fd, block, sizeof block, 0)) > 0)
        for (ssize_t i = 0; i < n; i++)
            *lines -= block[i] == '\n';
    return NULL;
}

/* More requests than the peer has room for answers, and a client that reads them all: none is left behind. */
static void requests_held_back_are_served_later(void)
{
    static char line[64 * 1024];
    size_t lines[2] = { 200, (size_t)connected() };
    pthread_t reader;

    memset(line, 'z', sizeof line);
    line[sizeof line - 1] = '\n';
    pthread_create(&reader, NULL, read_slowly, lines);
    for (size_t i = 0; i < 200; i++)
        for (size_t at = 0; at < sizeof line;) {
            ssize_t n = send((int)lines[1], line + at, sizeof line - at, MSG_NOSIGNAL);

            CU_ASSERT_FATAL(n > 0);
            at += (size_t)n;
        }
    pthread_join(reader, NULL);
    CU_ASSERT_EQUAL(lines[0], 0);
    close((int)lines[1]);
    await_no_peers();
}

static void stopping_closes_open_links(void)
{
    int fd = connected();

    say(fd, "x\n");
    CU_ASSERT(hears(fd, "x\n"));
    loops_stop(loops);
    CU_ASSERT(is_closed(fd));
    CU_ASSERT_EQUAL(atomic_load(&peers), 0);
    CU_ASSERT_EQUAL_FATAL(loops_start(NULL, listener, 2, &loops), ST_OK);
    close(fd);
}

static void only_a_socket_is_replaced(void)
{
    char file[128];
    int fd;

    snprintf(file, sizeof file, "%s/plain", scratch_directory());
    fclose(fopen(file, "we"));
    CU_ASSERT_EQUAL(listener_open(file, &fd), ST_EXISTS);
    CU_ASSERT_EQUAL(access(file, F_OK), 0);
}

int main(void)
{
    CU_TestInfo cases[] = {
        { "requests are answered", requests_are_answered },
        { "late answers arrive", late_answers_arrive },
        { "broken rules end the link, after what was answered", broken_rules_end_the_link_after_what_was_answered },
        { "links are spread over the loops", links_are_spread_over_the_loops },
        { "a frame that does not end is closed", a_frame_that_does_not_end_is_closed },
        { "a frame that drips is closed", a_frame_that_drips_is_closed },
        { "answers nobody reads are held back, then closed", answers_nobody_reads_are_held_back_and_then_closed },
        { "requests held back are served later", requests_held_back_are_served_later },
        { "stopping closes open links", stopping_closes_open_links },
        { "only a socket is replaced", only_a_socket_is_replaced },
        CU_TEST_INFO_NULL
    };
    CU_SuiteInfo suites[] = { { "loops", start, stop, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
