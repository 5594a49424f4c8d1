/* link_relay LISTEN CONNECT CAPTURE [HOLD] - stands between clients and the keystore: what comes in at the unix socket
 * LISTEN goes to CONNECT and back, and every byte of either direction is appended to the file CAPTURE. One thread for
 * each direction.
 *
 * As long as there is a file HOLD, no answer to a request is passed on: what the keystore says to a client that has
 * spoken for the third time (after HELLO and TLS's ClientHello). The file HOLD.asked is made when such a client has
 * asked, HOLD.answered when its answer is there. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BLOCK_LEN 65536

#define HANDSHAKE_TURNS 2
#define HOLD_POLL_US    2000

struct pair {
    int ends[2];
    _Atomic unsigned users;
    _Atomic unsigned turns; /* how many times the client has spoken */
    _Atomic bool heard;     /* the board has answered since */
};

struct direction {
    struct pair *pair;
    int from, to;
    bool from_client;
};

static int capture;
static const char *hold_path; /* NULL: nothing is held */
static struct sockaddr_un keystore = { .sun_family = AF_UNIX };

static void pair_unref(struct pair *p)
{
    if (atomic_fetch_sub(&p->users, 1) != 1)
        return;
    close(p->ends[0]);
    close(p->ends[1]);
    free(p);
}

static int write_all(int fd, const char *p, size_t len)
{
    ssize_t n;

    while (len > 0) {
        if ((n = write(fd, p, len)) < 0) {
            if (errno == EINTR)
                continue;
            return -1;
        }
        p += n;
        len -= (size_t)n;
    }
    return 0;
}

static bool is_held(const struct pair *p)
{
    return hold_path != NULL && atomic_load(&p->turns) > HANDSHAKE_TURNS && access(hold_path, F_OK) == 0;
}

static void tell(const char *what)
{
    char path[sizeof keystore.sun_path + 16];
    int fd;

    snprintf(path, sizeof path, "%s.%s", hold_path, what);
    if ((fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)) >= 0)
        close(fd);
}

static void count_turn(const struct direction *d)
{
    if (!d->from_client)
        atomic_store(&d->pair->heard, true);
    else if (atomic_exchange(&d->pair->heard, false))
        atomic_fetch_add(&d->pair->turns, 1);
}

static void *run(void *arg)
{
    struct direction d = *(struct direction *)arg;
    char block[BLOCK_LEN];
    ssize_t n;

    free(arg);
    while ((n = read(d.from, block, sizeof block)) > 0 || (n < 0 && errno == EINTR)) {
        if (n < 0)
            continue;
        if (write_all(capture, block, (size_t)n) != 0) {
            perror("link_relay: the capture");
            _exit(EXIT_FAILURE); /* without it the test would look at nothing */
        }
        count_turn(&d);
        if (d.from_client && is_held(d.pair))
            tell("asked");
        while (!d.from_client && is_held(d.pair)) {
            tell("answered");
            usleep(HOLD_POLL_US);
        }
        if (write_all(d.to, block, (size_t)n) != 0)
            break;
    }
    /* The keystore's end of a link is its whole end: who still writes must see it. */
    shutdown(d.from, SHUT_RDWR);
    shutdown(d.to, SHUT_RDWR);
    pair_unref(d.pair);
    return NULL;
}

static int start(struct pair *p, int from)
{
    struct direction *d = malloc(sizeof *d);
    pthread_attr_t attributes;
    pthread_t thread;

    if (d == NULL)
        return -1;
    *d = (struct direction){ p, p->ends[from], p->ends[1 - from], from == 0 };
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    return pthread_create(&thread, &attributes, run, d) == 0 ? 0 : -1;
}

static void relay(int client)
{
    struct pair *p = calloc(1, sizeof *p);
    int link = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (p == NULL || link < 0 || connect(link, (struct sockaddr *)&keystore, sizeof keystore) != 0) {
        close(client);
        if (link >= 0)
            close(link);
        free(p);
        return;
    }
    p->ends[0] = client;
    p->ends[1] = link;
    atomic_init(&p->users, 2);
    atomic_init(&p->turns, 0);
    atomic_init(&p->heard, true);
    if (start(p, 0) != 0 || start(p, 1) != 0) {
        perror("link_relay: a thread");
        exit(EXIT_FAILURE);
    }
}

static int set_path(struct sockaddr_un *a, const char *path)
{
    a->sun_family = AF_UNIX;
    return snprintf(a->sun_path, sizeof a->sun_path, "%s", path) < (int)sizeof a->sun_path ? 0 : -1;
}

int main(int argc, char **argv)
{
    struct sockaddr_un here = { 0 };
    int listener, client;

    if ((argc != 4 && argc != 5) || set_path(&here, argv[1]) != 0 || set_path(&keystore, argv[2]) != 0)
        return 2;
    hold_path = argv[4]; /* NULL without one */
    signal(SIGPIPE, SIG_IGN);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    capture = open(argv[3], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (listener < 0 || capture < 0 || bind(listener, (struct sockaddr *)&here, sizeof here) != 0 ||
        listen(listener, 64) != 0) {
        perror("link_relay");
        return EXIT_FAILURE;
    }
    while ((client = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0 || errno == EINTR || errno == ECONNABORTED)
        if (client >= 0)
            relay(client);
    perror("link_relay: accept");
    return EXIT_FAILURE;
}
