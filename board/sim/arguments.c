#include "board/sim/arguments.h"

#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "board/sim/loop.h"

enum option_code {
    OPTION_DIRECTORY = 256,
    OPTION_SOCKET,
    OPTION_OWNER,
    OPTION_FACTORY,
    OPTION_ROOT,
    OPTION_THREADS,
    OPTION_USER,
    OPTION_HELP,
    OPTION_VERSION,
};

static const struct option options[] = {
    { "directory", required_argument, NULL, OPTION_DIRECTORY }, { "socket", required_argument, NULL, OPTION_SOCKET },
    { "owner", required_argument, NULL, OPTION_OWNER },         { "factory", required_argument, NULL, OPTION_FACTORY },
    { "root", required_argument, NULL, OPTION_ROOT },           { "threads", required_argument, NULL, OPTION_THREADS },
    { "user", required_argument, NULL, OPTION_USER },           { "help", no_argument, NULL, OPTION_HELP },
    { "version", no_argument, NULL, OPTION_VERSION },           { NULL, 0, NULL, 0 },
};

void arguments_print_help(void)
{
    puts("usage: keystored --directory DIR --root ROOT [OPTION]...\n"
         "The keystore as a sandboxed process: the firmware on the simulated board.\n"
         "\n"
         "  --directory DIR    the board's flash and its certificate, keystore.pem; made when missing\n"
         "  --root ROOT        where the device root key is:\n"
         "                       tpm:PATH       a TPM 2.0: swtpm's unix socket or /dev/tpmrm0\n"
         "                       insecure-file  a plain file in DIR, for development only\n"
         "  --socket PATH      the link (DIR/keystore.sock)\n"
         "  --owner CERT.pem   the owner's certificate, for a board in factory state\n"
         "  --factory CERT.pem the factory operator's: who may give a board in factory state its certificate\n"
         "  --threads N        loops that serve links (as many as processors, at least 2)\n"
         "  --user NAME        started by root: the user to run as, to whom DIR belongs\n"
         "  --help             this text\n"
         "  --version          of the firmware and of libcrypto");
}

static unsigned default_threads(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    if (cores < 2)
        return 2;
    return cores < LOOPS_MAX ? (unsigned)cores : LOOPS_MAX;
}

static bool parse_threads(const char *text, unsigned *out)
{
    char *rest;
    unsigned long n = strtoul(text, &rest, 10);

    if (text[0] < '0' || text[0] > '9' || *rest != '\0' || n < 1 || n > LOOPS_MAX)
        return false;
    *out = (unsigned)n;
    return true;
}

static bool parse_root(const char *text, const char **tpm)
{
    *tpm = NULL;
    if (strcmp(text, "insecure-file") == 0)
        return true;
    if (strncmp(text, "tpm:/", 5) != 0)
        return false;
    *tpm = text + 4;
    return true;
}

/* One option; what is wrong with it, or NULL. */
static const char *take(struct arguments *a, int code, const char **socket, bool *root)
{
    switch (code) {
    case OPTION_DIRECTORY:
        a->directory = optarg;
        return NULL;
    case OPTION_SOCKET:
        *socket = optarg;
        return NULL;
    case OPTION_OWNER:
        a->owner = optarg;
        return NULL;
    case OPTION_FACTORY:
        a->factory = optarg;
        return NULL;
    case OPTION_USER:
        a->user = optarg;
        return NULL;
    case OPTION_ROOT:
        *root = true;
        return parse_root(optarg, &a->tpm) ? NULL : "--root takes tpm:/PATH or insecure-file";
    case OPTION_THREADS:
        return parse_threads(optarg, &a->threads) ? NULL : "--threads takes a number from 1 to 64";
    case OPTION_HELP:
        a->want = ARGUMENTS_HELP;
        return NULL;
    case OPTION_VERSION:
        a->want = ARGUMENTS_VERSION;
        return NULL;
    case ':':
        return "an option lacks its value";
    default:
        return "unknown option";
    }
}

static const char *check(struct arguments *a, const char *socket, bool root)
{
    int n;

    if (a->directory == NULL)
        return "--directory is needed";
    if (!root)
        return "--root is needed: there is no default for where the root key is";
    n = socket != NULL ? snprintf(a->socket, sizeof a->socket, "%s", socket)
                       : snprintf(a->socket, sizeof a->socket, "%s/keystore.sock", a->directory);
    if (n <= 0 || (size_t)n >= sizeof a->socket)
        return "the path of the socket is too long: give a shorter one with --socket";
    if (a->user != NULL && geteuid() != 0)
        return "--user is for root";
    return NULL;
}

enum status arguments_parse(struct arguments *a, int argc, char *const *argv, char *problem, size_t size)
{
    const char *socket = NULL, *wrong = NULL;
    bool root = false;
    int code;

    *a = (struct arguments){ .threads = default_threads() };
    optind = 0; /* anew: glibc's way of saying so */
    while (wrong == NULL && (code = getopt_long(argc, argv, "+:", options, NULL)) != -1)
        wrong = take(a, code, &socket, &root);
    if (wrong == NULL && a->want == ARGUMENTS_RUN)
        wrong = optind < argc ? "there is an argument that is no option" : check(a, socket, root);
    if (wrong == NULL)
        return ST_OK;
    snprintf(problem, size, "%s", wrong);
    return ST_BAD_REQUEST;
}
