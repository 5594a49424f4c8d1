#include "firmware/base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIN_BLOCK 32

#if defined(__SANITIZE_ADDRESS__)
#define LEAKS_ARE_LOOKED_FOR 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LEAKS_ARE_LOOKED_FOR 1
#endif
#endif

#ifdef LEAKS_ARE_LOOKED_FOR
#include <sanitizer/lsan_interface.h>

/* The sanitizer does not look into the secure heap, where libcrypto keeps pointers to ordinary memory: a generator's
 * contexts. Its one block of full size is all of it. */
static void show_heap_to_sanitizer(void)
{
    void *all = OPENSSL_secure_malloc(SECRET_HEAP_SIZE);

    if (all != NULL)
        __lsan_register_root_region(all, SECRET_HEAP_SIZE);
    OPENSSL_secure_free(all);
}
#else
static void show_heap_to_sanitizer(void)
{
}
#endif

enum status secret_init_process(void)
{
    struct rlimit none = { 0, 0 };

    if (prctl(PR_SET_DUMPABLE, 0) != 0 || setrlimit(RLIMIT_CORE, &none) != 0)
        return ST_UNAVAILABLE;
    if (CRYPTO_secure_malloc_initialized())
        return ST_OK;
    if (CRYPTO_secure_malloc_init(SECRET_HEAP_SIZE, MIN_BLOCK) == 1) {
        show_heap_to_sanitizer();
        return ST_OK;
    }
    CRYPTO_secure_malloc_done(); /* it may be reserved, but could not be locked or guarded: the next call must not find
                                    it */
    return ST_UNAVAILABLE;
}

enum status secret_grow(struct secret *s, size_t want)
{
    uint8_t *p;

    if (want <= s->cap)
        return ST_OK;
    if (want > SECRET_MAX)
        return ST_TOO_LARGE;
    if ((p = OPENSSL_secure_malloc(want)) == NULL)
        return ST_NO_MEMORY;
    if (s->len > 0)
        memcpy(p, s->p, s->len);
    OPENSSL_secure_clear_free(s->p, s->cap); /* wipes the old bytes; realloc() would have left them on the heap */
    s->p = p;
    s->cap = want;
    return ST_OK;
}

enum status secret_append(struct secret *s, struct span from)
{
    enum status st;

    if (from.len > SECRET_MAX - s->len)
        return ST_TOO_LARGE;
    if ((st = secret_grow(s, s->len + from.len)) != ST_OK)
        return st;
    if (from.len > 0)
        memcpy(s->p + s->len, from.p, from.len);
    s->len += from.len;
    return ST_OK;
}

enum status secret_set(struct secret *s, struct span from)
{
    if (s->cap > 0)
        OPENSSL_cleanse(s->p, s->cap);
    s->len = 0;
    return secret_append(s, from);
}

void secret_clear(struct secret *s)
{
    OPENSSL_secure_clear_free(s->p, s->cap);
    *s = (struct secret){ 0 };
}

void secret_move(struct secret *to, struct secret *from)
{
    INVARIANT(to->p == NULL);
    *to = *from;
    *from = (struct secret){ 0 };
}

bool secret_equal(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.p, b.p, a.len) == 0);
}

/* Not OPENSSL_cleanse(), which writes eight bytes at a time: on the link's path that took a seventh of all time. */
void secret_wipe(void *p, size_t len)
{
    if (len > 0)
        explicit_bzero(p, len);
}

static enum status check_private(int fd, size_t *size)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return ST_IO;
    if (!S_ISREG(st.st_mode) || (st.st_mode & 077) != 0 || (st.st_uid != geteuid() && st.st_uid != 0))
        return ST_NOT_PERMITTED;
    if (st.st_size < 0 || (uintmax_t)st.st_size > SECRET_MAX)
        return ST_TOO_LARGE;
    *size = (size_t)st.st_size;
    return ST_OK;
}

enum status secret_read_file(struct secret *s, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY); /* a FIFO must not hold us up */
    size_t size = 0, got = 0;
    enum status st;

    secret_clear(s);
    if (fd < 0)
        return errno == ENOENT ? ST_NOT_FOUND : errno == ELOOP || errno == EACCES ? ST_NOT_PERMITTED : ST_IO;
    if ((st = check_private(fd, &size)) != ST_OK || (st = secret_grow(s, size > 0 ? size : 1)) != ST_OK)
        goto done;
    while (got < size) {
        ssize_t n = read(fd, s->p + got, size - got);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            st = ST_IO;
            goto done;
        }
        got += (size_t)n;
    }
    while (got > 0 && (s->p[got - 1] == '\n' || s->p[got - 1] == '\r'))
        got--;
    s->len = got;
done:
    close(fd);
    if (st != ST_OK)
        secret_clear(s);
    return st;
}
