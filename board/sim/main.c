/* keystored: the firmware on the simulated board. Everything it needs is opened or started here, in this order, and
 * then the sandbox closes. */
#include <fcntl.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "board/sim/arguments.h"
#include "board/sim/directory.h"
#include "board/sim/fingerprint_file.h"
#include "board/sim/image.h"
#include "board/sim/listener.h"
#include "board/sim/loop.h"
#include "board/sim/sandbox.h"
#include "board/sim/sim.h"
#include "firmware/base/log.h"
#include "firmware/base/secret.h"

#define DESCRIPTORS (PEERS_MAX + 4 * LOOPS_MAX + 64)

/* A peer that the command line names. */
struct named_peer {
    bool given;
    uint8_t fingerprint[LINK_FINGERPRINT_LEN];
};

/* What is opened before the sandbox. */
struct board {
    struct sim sim;
    struct sandbox sandbox;
    struct user user;
    struct named_peer owner, factory;
    int listener, signals;
};

static enum status said(const char *what, enum status st)
{
    if (st != ST_OK)
        log_error("%s: %s", what, status_name(st));
    return st;
}

/* Of the process: nothing inherited, no configuration of the machine's OpenSSL, no allocator that asks the system how
 * many processors it has (it may not, later), no signal that ends it by the way. */
static enum status begin(int *signals)
{
    struct rlimit files = { DESCRIPTORS, DESCRIPTORS };
    sigset_t stop;

    close_range(STDERR_FILENO + 1, ~0u, 0);
    mallopt(M_ARENA_MAX, 2 * LOOPS_MAX);
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    sigprocmask(SIG_BLOCK, &stop, NULL);
    if ((*signals = signalfd(-1, &stop, SFD_CLOEXEC)) < 0)
        return ST_IO;
    if (setrlimit(RLIMIT_NOFILE, &files) != 0) {
        log_error("the keystore needs %d open files: see ulimit -n", DESCRIPTORS);
        return ST_UNAVAILABLE;
    }
    if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
        return ST_INTERNAL;
    return said("locked memory for secrets", secret_init_process());
}

static enum status open_folder(const struct arguments *a, struct board *b, int *directory)
{
    enum status st;

    if (a->user == NULL)
        return directory_open(a->directory, directory);
    if ((st = said(a->user, user_find(a->user, &b->user))) != ST_OK)
        return st;
    if (mkdir(a->directory, 0711) == 0 && chown(a->directory, b->user.uid, b->user.gid) != 0)
        return said(a->directory, ST_IO);
    if ((st = said(a->user, user_act_as(&b->user))) != ST_OK)
        return st;
    return directory_open(a->directory, directory);
}

static enum status read_peer(const char *certificate, struct named_peer *out)
{
    out->given = certificate != NULL;
    return out->given ? said(certificate, fingerprint_file_read(certificate, out->fingerprint)) : ST_OK;
}

/* The folder's files are opened as the user they belong to, the rest as who we are. */
static enum status open_board(const struct arguments *a, struct board *b)
{
    struct tpm *tpm = NULL;
    uint8_t image[32];
    int directory = -1;
    enum status st;

    if ((st = said("the image", image_measure(image))) != ST_OK || (st = read_peer(a->owner, &b->owner)) != ST_OK ||
        (st = read_peer(a->factory, &b->factory)) != ST_OK ||
        (a->tpm != NULL && (st = said(a->tpm, tpm_open(a->tpm, &tpm))) != ST_OK))
        return st;
    if ((st = open_folder(a, b, &directory)) == ST_OK)
        st = sim_open(&b->sim, directory, tpm, image);
    if (st != ST_OK)
        tpm_close(tpm);
    if (directory >= 0)
        close(directory);
    if (a->user != NULL && user_act_as_root() != ST_OK)
        return ST_NOT_PERMITTED;
    return st == ST_OK ? listener_open(a->socket, &b->listener) : st;
}

static void wait_for_stop(int signals)
{
    struct signalfd_siginfo got;

    while (read(signals, &got, sizeof got) != (ssize_t)sizeof got) {
        /* interrupted */
    }
}

static enum status serve(const struct arguments *a, struct board *b)
{
    struct keystore_config config = { .hal = &b->sim.hal,
                                      .version = STRONGROOM_VERSION,
                                      .owner = b->owner.given ? b->owner.fingerprint : NULL,
                                      .factory = b->factory.given ? b->factory.fingerprint : NULL };
    struct loops *loops = NULL;
    struct keystore *ks = NULL;
    enum status st;

    if ((st = said("the keystore", keystore_open(&config, &ks))) != ST_OK)
        return st;
    if ((st = said("the loops", loops_start(ks, b->listener, a->threads, &loops))) == ST_OK &&
        (st = said("the system call filter", sandbox_close())) == ST_OK) {
        log_notice("keystored: listening on %s, root key in %s, isolation %s", a->socket, b->sim.hal.facts.root,
                   b->sim.hal.facts.isolation);
        wait_for_stop(b->signals);
        log_notice("keystored: stopping");
    }
    loops_stop(loops);
    keystore_close(ks);
    return st;
}

static enum status run(const struct arguments *a)
{
    struct board b = { .listener = -1, .signals = -1 };
    enum status st;

    if ((st = begin(&b.signals)) != ST_OK || (st = open_board(a, &b)) != ST_OK)
        return st;
    if ((st = said("the sandbox", sandbox_enter(&b.sandbox, a->user != NULL ? &b.user : NULL, a->directory))) ==
        ST_OK) {
        b.sim.hal.facts.isolation = b.sandbox.isolation;
        st = serve(a, &b);
    }
    sim_close(&b.sim);
    return st;
}

int main(int argc, char **argv)
{
    char problem[128];
    struct arguments a;

    if (arguments_parse(&a, argc, argv, problem, sizeof problem) != ST_OK) {
        fprintf(stderr, "keystored: %s; see keystored --help\n", problem);
        return 2;
    }
    switch (a.want) {
    case ARGUMENTS_HELP:
        arguments_print_help();
        return EXIT_SUCCESS;
    case ARGUMENTS_VERSION:
        printf("keystored %s (%s)\n", STRONGROOM_VERSION, OpenSSL_version(OPENSSL_VERSION));
        return EXIT_SUCCESS;
    case ARGUMENTS_RUN:
        break;
    }
    return run(&a) == ST_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
