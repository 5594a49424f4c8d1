#include "provisioning/link/keystore_link.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "firmware/base/clock.h"
#include "firmware/base/secret.h"
#include "firmware/wire/pkcs11.h"
#include "provisioning/cli/progress.h"
#include "provisioning/link/profile.h"
#include "provisioning/link/refusal.h"

#define TIMEOUT_MS 60000 /* a self test or a deletion takes its time */

struct keystore_link {
    int fd;
    struct link_identity *identity;
    struct link *link;
    struct budget budget;
    uint8_t *block;
    struct profile profile;
    struct progress progress; /* of the request under way */
};

static int make_identity(const struct invocation *in, struct keystore_link *k)
{
    uint8_t pinned[LINK_FINGERPRINT_LEN];
    X509 *certificate = NULL;
    EVP_PKEY *key = NULL;
    enum status st;
    int code;

    if ((code = keystore_fingerprint(in, k->profile.path[PROFILE_KEYSTORE], pinned)) == EXIT_DONE &&
        (code = link_read_certificate(in, k->profile.path[PROFILE_CERTIFICATE], &certificate)) == EXIT_DONE &&
        (code = link_read_key(in, k->profile.path[PROFILE_KEY], &key)) == EXIT_DONE &&
        (st = link_identity_client(key, certificate, pinned, &k->identity)) != ST_OK)
        code = command_refuse(in, "the certificate and its key do not belong together, or are of another kind");
    X509_free(certificate);
    EVP_PKEY_free(key);
    return code;
}

static int connect_socket(const struct invocation *in, struct keystore_link *k)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    const char *path = k->profile.path[PROFILE_SOCKET];

    if (strlen(path) >= sizeof to.sun_path)
        return command_refuse(in, "%s: the path is too long for a socket", path);
    memcpy(to.sun_path, path, strlen(path) + 1);
    if ((k->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0 ||
        connect(k->fd, (const struct sockaddr *)&to, sizeof to) != 0)
        return command_refuse(in, "%s: no keystore there (%s)", path, strerror(errno));
    return EXIT_DONE;
}

static enum status await(struct keystore_link *k, short events, uint64_t until_ms)
{
    struct pollfd p = { .fd = k->fd, .events = events };
    uint64_t now;
    int n = 0;

    while (n == 0 && (now = clock_monotonic_ms()) < until_ms) {
        uint64_t left = until_ms - now;

        progress_step(&k->progress, 0, 0);
        n = poll(&p, 1, left < PROGRESS_STEP_MS ? (int)left : PROGRESS_STEP_MS);
    }
    return n > 0 || (n < 0 && errno == EINTR) ? ST_OK : n == 0 ? ST_TIMEOUT : ST_IO;
}

static enum status send_all(struct keystore_link *k, uint64_t until_ms)
{
    struct span out;
    enum status st = ST_OK;

    while (st == ST_OK && (out = link_output(k->link)).len > 0) {
        ssize_t n = send(k->fd, out.p, out.len, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n > 0)
            link_output_taken(k->link, (size_t)n);
        else if (n < 0 && (errno == EAGAIN || errno == EINTR))
            st = await(k, POLLOUT, until_ms);
        else
            st = ST_CLOSED;
    }
    return st;
}

static enum status receive(struct keystore_link *k, uint64_t until_ms)
{
    uint8_t block[16 * 1024];
    enum status st;
    ssize_t n;

    if ((st = send_all(k, until_ms)) != ST_OK || (st = await(k, POLLIN, until_ms)) != ST_OK)
        return st;
    n = recv(k->fd, block, sizeof block, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno == ECONNRESET)) /* a reset: it closed before it had read all that we sent */
        return ST_CLOSED;
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? ST_OK : ST_IO;
    st = link_feed(k->link, span_of(block, (size_t)n));
    secret_wipe(block, (size_t)n);
    return st;
}

static const char *why_not(enum status st)
{
    switch (st) {
    case ST_CLOSED:
        return "it closed the link; is this certificate registered there?";
    case ST_UNAUTHENTICATED:
        return "it is not the one whose certificate was given";
    default:
        return status_name(st);
    }
}

static int shake_hands(const struct invocation *in, struct keystore_link *k)
{
    uint64_t until_ms = clock_monotonic_ms() + TIMEOUT_MS;
    enum status st = link_new_client(k->identity, LINK_FRAMING_LENGTH, &k->link);

    progress_begin(&k->progress, "the keystore is asked for"); /* a busy one takes its time to answer */
    while (st == ST_OK && !link_is_open(k->link))
        st = receive(k, until_ms);
    if (st == ST_OK)
        st = send_all(k, until_ms);
    progress_end(&k->progress);
    if (st != ST_OK)
        return command_refuse(in, "no link with the keystore: %s", why_not(st));
    return EXIT_DONE;
}

int keystore_link_open(const struct invocation *in, struct keystore_link **out)
{
    struct keystore_link *k = calloc(1, sizeof *k);
    int code;

    *out = k;
    if (k == NULL || (k->block = malloc(BUDGET_SIZE)) == NULL)
        return command_refuse(in, "out of memory");
    budget_init(&k->budget, k->block, BUDGET_SIZE);
    k->fd = -1;
    if ((code = profile_take(in, &k->profile)) == EXIT_DONE && (code = make_identity(in, k)) == EXIT_DONE &&
        (code = connect_socket(in, k)) == EXIT_DONE)
        code = shake_hands(in, k);
    return code;
}

void keystore_link_close(struct keystore_link *k)
{
    if (k == NULL)
        return;
    if (k->fd >= 0)
        close(k->fd);
    link_free(k->link);
    link_identity_free(k->identity);
    profile_clear(&k->profile);
    free(k->block);
    free(k);
}

int keystore_link_call(const struct invocation *in, struct keystore_link *k, uint16_t kind,
                       const ProtobufCMessage *request, void *answer)
{
    uint64_t until_ms = clock_monotonic_ms() + TIMEOUT_MS;
    ProtobufCMessage *body = NULL;
    enum status st, link = ST_OK;
    struct message m;

    budget_reset(&k->budget);
    progress_begin(&k->progress, "the keystore is at work");
    if ((st = message_send(k->link, 1, kind, false, 0, request)) == ST_OK && (st = link_flush(k->link)) == ST_OK)
        while (st == ST_OK && !link_next(k->link, &m, &link))
            st = link != ST_OK ? link : receive(k, until_ms);
    progress_end(&k->progress);
    if (st == ST_OK && m.word == CKR_OK)
        st = message_unpack(kind, true, m.body, &k->budget, &body);
    if (st != ST_OK)
        return command_refuse(in, "the keystore does not answer: %s", why_not(st));
    if (m.word != CKR_OK)
        return command_refuse(in, "%s (0x%x)", refusal_reason(m.word), (unsigned)m.word);
    if (answer != NULL)
        *(ProtobufCMessage **)answer = body;
    return EXIT_DONE;
}
