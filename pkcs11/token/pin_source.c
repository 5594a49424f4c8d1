#include "pkcs11/token/pin_source.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkcs11/token/pin_keyring.h"
#include "pkcs11/token/posix_acl.h"

#define CREDENTIAL "credential:"
#define KEYRING    "keyring:"
#define SALT_LEN   32

/* Makes the stamp of a PIN worth nothing outside this process. */
static uint8_t salt[SALT_LEN];
static bool salted;
static pthread_once_t salt_once = PTHREAD_ONCE_INIT;

static void make_salt(void)
{
    salted = RAND_bytes(salt, sizeof salt) == 1;
}

static enum status make_stamp(struct span what, struct pin_stamp *out)
{
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    enum status st = ST_NO_MEMORY;

    pthread_once(&salt_once, make_salt);
    if (c != NULL && salted && EVP_DigestInit_ex(c, EVP_sha256(), NULL) == 1 &&
        EVP_DigestUpdate(c, salt, sizeof salt) == 1 && EVP_DigestUpdate(c, what.p, what.len) == 1 &&
        EVP_DigestFinal_ex(c, out->digest, NULL) == 1)
        st = ST_OK;
    EVP_MD_CTX_free(c); /* wipes what it worked on */
    return st;
}

static enum status stamp_file(const struct stat *info, struct pin_stamp *out)
{
    uint64_t facts[] = { info->st_dev, info->st_ino, (uint64_t)info->st_size, (uint64_t)info->st_mtim.tv_sec,
                         (uint64_t)info->st_mtim.tv_nsec };

    return make_stamp(span_of(facts, sizeof facts), out);
}

static enum status status_of_open(void)
{
    return errno == ENOENT || errno == ENOTDIR ? ST_NOT_FOUND
           : errno == ELOOP || errno == EACCES ? ST_NOT_PERMITTED
                                               : ST_IO;
}

/* systemd gives a credential to its service's user by an access control list where the file system has them; then the
 * group's bits of the mode are the list's mask. */
static enum status check_private(int fd, struct stat *info, bool lists)
{
    if (fstat(fd, info) != 0)
        return ST_IO;
    if (!S_ISREG(info->st_mode) || (info->st_uid != geteuid() && info->st_uid != 0))
        return ST_NOT_PERMITTED;
    if ((info->st_mode & 077) != 0 && !(lists && (info->st_mode & 037) == 0 && acl_is_for_us_alone(fd)))
        return ST_NOT_PERMITTED;
    return ST_OK;
}

static enum status read_whole(int fd, struct secret *pin)
{
    enum status st = secret_grow(pin, PIN_SOURCE_MAX + 3); /* two line ends, and a byte too many */
    ssize_t n = 1;

    while (st == ST_OK && n != 0 && pin->len < pin->cap) {
        n = read(fd, pin->p + pin->len, pin->cap - pin->len);
        if (n < 0 && errno != EINTR)
            st = ST_IO;
        pin->len += n > 0 ? (size_t)n : 0;
    }
    return st;
}

static enum status read_file(int directory, const char *name, bool lists, struct secret *pin, struct pin_stamp *stamp)
{
    /* a FIFO must not hold us up */
    int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    struct stat info;
    enum status st;

    if (fd < 0)
        return status_of_open();
    if ((st = check_private(fd, &info, lists)) == ST_OK && (st = read_whole(fd, pin)) == ST_OK)
        st = stamp_file(&info, stamp);
    close(fd);
    return st;
}

/* systemd.exec(5): a credential's name is that of a file. */
static enum status read_credential(const char *name, struct secret *pin, struct pin_stamp *stamp)
{
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    enum status st;
    int fd;

    if (name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL || strlen(name) > PIN_SOURCE_NAME)
        return ST_BAD_REQUEST;
    if (directory == NULL || directory[0] != '/')
        return ST_NOT_FOUND;
    if ((fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        return status_of_open();
    st = read_file(fd, name, true, pin, stamp);
    close(fd);
    return st;
}

static enum status read_keyring(const char *name, struct secret *pin, struct pin_stamp *stamp)
{
    enum status st = pin_keyring_read(name, pin);

    return st == ST_OK ? make_stamp(secret_span(pin), stamp) : st;
}

static bool starts(const char *source, const char *prefix, const char **rest)
{
    size_t len = strlen(prefix);

    if (strncmp(source, prefix, len) != 0)
        return false;
    *rest = source + len;
    return true;
}

enum pin_source_kind pin_source_kind(const char *source, const char **name)
{
    if (starts(source, CREDENTIAL, name))
        return PIN_SOURCE_CREDENTIAL;
    if (starts(source, KEYRING, name))
        return PIN_SOURCE_KEYRING;
    *name = source;
    return PIN_SOURCE_FILE;
}

enum status pin_source_read(const char *source, struct secret *pin, struct pin_stamp *stamp)
{
    struct pin_stamp unwanted;
    enum status st = ST_OK;
    const char *name;

    secret_clear(pin);
    if (stamp == NULL)
        stamp = &unwanted;
    switch (pin_source_kind(source, &name)) {
    case PIN_SOURCE_FILE:
        st = read_file(AT_FDCWD, name, false, pin, stamp);
        break;
    case PIN_SOURCE_CREDENTIAL:
        st = read_credential(name, pin, stamp);
        break;
    case PIN_SOURCE_KEYRING:
        st = read_keyring(name, pin, stamp);
        break;
    }
    while (pin->len > 0 && (pin->p[pin->len - 1] == '\n' || pin->p[pin->len - 1] == '\r'))
        pin->len--;
    if (st == ST_OK && pin->len > PIN_SOURCE_MAX)
        st = ST_TOO_LARGE;
    if (st != ST_OK)
        secret_clear(pin);
    return st;
}

enum status pin_source_keep(const char *description, struct span pin)
{
    return pin.len == 0 || pin.len > PIN_SOURCE_MAX ? ST_TOO_LARGE : pin_keyring_keep(description, pin);
}
