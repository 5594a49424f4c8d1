/* link_relay LISTEN CONNECT CAPTURE - stands between clients and the keystore: what comes in at the unix socket LISTEN
 * goes to CONNECT and back, and every byte of either direction is appended to the file CAPTURE. One thread for each
 * direction. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BLOCK_LEN 65536

struct pair {
    int ends[2];
    _Atomic unsigned users;
};

struct direction {
    struct pair *pair;
    int from, to;
};

static int capture;
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
    *d = (struct direction){ p, p->ends[from], p->ends[1 - from] };
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

    if (argc != 4 || set_path(&here, argv[1]) != 0 || set_path(&keystore, argv[2]) != 0)
        return 2;
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
