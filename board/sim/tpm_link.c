#include "board/sim/tpm_link.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "firmware/base/secret.h"

#define HEADER_LEN    10 /* tag, size, response code */
#define ANSWER_WAIT_S 10 /* an RSA key takes a slow TPM seconds; we only ask for fast things */

static int connect_socket(const char *path)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    struct timeval wait = { .tv_sec = ANSWER_WAIT_S };
    int fd;

    if (strlen(path) >= sizeof to.sun_path || (fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
        return -1;
    memcpy(to.sun_path, path, strlen(path));
    if (connect(fd, (const struct sockaddr *)&to, sizeof to) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

enum status tpm_link_open(struct tpm_link *l, const char *path)
{
    struct stat st;

    l->broken = false;
    l->socket = stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
    l->fd = l->socket ? connect_socket(path) : open(path, O_RDWR | O_CLOEXEC);
    return l->fd >= 0 ? ST_OK : ST_UNAVAILABLE;
}

void tpm_link_close(struct tpm_link *l)
{
    if (l->fd >= 0)
        close(l->fd);
    secret_wipe(l->reply, sizeof l->reply);
}

/* The kernel's device takes a command in one write and gives the answer in one read; a socket may split both. */
static enum status send_all(const struct tpm_link *l, const uint8_t *p, size_t len)
{
    while (len > 0) {
        ssize_t n = write(l->fd, p, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ST_UNAVAILABLE;
        p += n;
        len -= (size_t)n;
    }
    return ST_OK;
}

static enum status receive_until(struct tpm_link *l, size_t *have, size_t want)
{
    while (*have < want) {
        ssize_t n = read(l->fd, l->reply + *have, sizeof l->reply - *have);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ST_UNAVAILABLE;
        *have += (size_t)n;
    }
    return ST_OK;
}

static enum status receive(struct tpm_link *l, uint32_t *code, struct tpm_reader *out)
{
    struct tpm_reader header;
    size_t have = 0, size;
    enum status st;

    if ((st = receive_until(l, &have, HEADER_LEN)) != ST_OK)
        return st;
    header = (struct tpm_reader){ .rest = span_of(l->reply, HEADER_LEN) };
    tpm_get_u16(&header); /* the tag repeats what the response code says */
    size = tpm_get_u32(&header);
    *code = tpm_get_u32(&header);
    if (size < HEADER_LEN || size > sizeof l->reply)
        return ST_INTERNAL;
    if ((st = receive_until(l, &have, size)) != ST_OK)
        return st;
    *out = (struct tpm_reader){ .rest = span_of(l->reply + HEADER_LEN, size - HEADER_LEN) };
    return have == size ? ST_OK : ST_INTERNAL; /* more than one answer to one command: out of step */
}

enum status tpm_link_exchange(struct tpm_link *l, const struct tpm_writer *command, uint32_t *code,
                              struct tpm_reader *out)
{
    enum status st;

    *out = (struct tpm_reader){ .failed = true };
    if (l->broken)
        return ST_UNAVAILABLE;
    if ((st = send_all(l, command->p, command->len)) != ST_OK || (st = receive(l, code, out)) != ST_OK)
        l->broken = true;
    return st;
}
