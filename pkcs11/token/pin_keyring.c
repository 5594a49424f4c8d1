#include "pkcs11/token/pin_keyring.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pkcs11/token/pin_source.h"

#define TYPE          "user"
#define OTHERS_READ   0x00000202u /* of the rights in keyctl_describe(3): group and other */
#define DESCRIBED_MAX 512

static enum status status_of_errno(void)
{
    switch (errno) {
    case ENOKEY:
        return ST_NOT_FOUND;
    case EKEYEXPIRED:
    case EKEYREVOKED:
    case EACCES:
        return ST_NOT_PERMITTED;
    default: /* EPERM, ENOSYS: a container without keyrings; EDQUOT */
        return ST_UNAVAILABLE;
    }
}

static bool is_description(const char *text)
{
    return text[0] != '\0' && strlen(text) <= PIN_SOURCE_NAME;
}

/* The key is linked to this thread's keyring on the way: a service's session has no link to its user's keyring, and
 * a key that a process does not possess is not readable even by its owner. */
static long find(const char *description)
{
    static const int rings[] = { KEY_SPEC_SESSION_KEYRING, KEY_SPEC_USER_KEYRING };
    long key = -1;

    for (size_t i = 0; i < ARRAY_LEN(rings) && key < 0; i++)
        key = syscall(SYS_keyctl, KEYCTL_SEARCH, rings[i], TYPE, description, KEY_SPEC_THREAD_KEYRING);
    return key;
}

/* "user;<uid>;<gid>;<rights>;<description>" */
static enum status check_private(long key)
{
    char text[DESCRIBED_MAX];
    unsigned uid, gid, rights;
    long len = syscall(SYS_keyctl, KEYCTL_DESCRIBE, key, text, sizeof text - 1);

    if (len < 0)
        return status_of_errno();
    text[(size_t)len < sizeof text - 1 ? (size_t)len : sizeof text - 1] = '\0';
    if (sscanf(text, TYPE ";%u;%u;%x;", &uid, &gid, &rights) != 3 || (uid != geteuid() && uid != 0) ||
        (rights & OTHERS_READ) != 0)
        return ST_NOT_PERMITTED;
    return ST_OK;
}

enum status pin_keyring_read(const char *description, struct secret *pin)
{
    enum status st;
    long key, len;

    secret_clear(pin);
    if (!is_description(description))
        return ST_BAD_REQUEST;
    if ((key = find(description)) < 0)
        return status_of_errno();
    if ((st = check_private(key)) != ST_OK || (st = secret_grow(pin, PIN_SOURCE_MAX + 2)) != ST_OK)
        return st;
    if ((len = syscall(SYS_keyctl, KEYCTL_READ, key, pin->p, pin->cap)) < 0)
        return status_of_errno();
    if ((size_t)len > pin->cap) { /* its whole length, of which we got the beginning */
        secret_clear(pin);
        return ST_TOO_LARGE;
    }
    pin->len = (size_t)len;
    return ST_OK;
}

enum status pin_keyring_keep(const char *description, struct span pin)
{
    if (!is_description(description))
        return ST_BAD_REQUEST;
    if (syscall(SYS_add_key, TYPE, description, pin.p, pin.len, KEY_SPEC_USER_KEYRING) < 0)
        return status_of_errno();
    return ST_OK;
}
