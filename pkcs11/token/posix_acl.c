#include "pkcs11/token/posix_acl.h"

#include <sys/xattr.h>
#include <unistd.h>

#define NAME     "system.posix_acl_access"
#define VERSION  2u /* POSIX_ACL_XATTR_VERSION */
#define HEAD_LEN 4
#define ROW_LEN  8 /* tag, rights: 16 bits each; id: 32; all little endian */
#define LIST_MAX 512

/* Tags of rows: linux/posix_acl.h */
enum { USER_OBJ = 0x01, USER = 0x02, GROUP_OBJ = 0x04, GROUP = 0x08, MASK = 0x10, OTHER = 0x20 };

static uint32_t little_endian(const uint8_t *p, unsigned bytes)
{
    uint32_t v = 0;

    while (bytes-- > 0)
        v = v << 8 | p[bytes];
    return v;
}

static bool row_is_for(const uint8_t *row, uid_t us)
{
    uint32_t rights = little_endian(row + 2, 2);

    switch (little_endian(row, 2)) {
    case USER_OBJ: /* the owner has been looked at */
    case MASK:     /* only takes away */
        return true;
    case USER:
        return rights == 0 || little_endian(row + 4, 4) == us;
    case GROUP_OBJ:
    case GROUP:
    case OTHER:
        return rights == 0;
    default:
        return false;
    }
}

bool acl_text_is_for(const uint8_t *list, size_t len, uid_t us)
{
    bool ok = len > HEAD_LEN && (len - HEAD_LEN) % ROW_LEN == 0 && little_endian(list, HEAD_LEN) == VERSION;

    for (size_t at = HEAD_LEN; ok && at < len; at += ROW_LEN)
        ok = row_is_for(list + at, us);
    return ok;
}

bool acl_is_for_us_alone(int fd)
{
    uint8_t list[LIST_MAX];
    ssize_t len = fgetxattr(fd, NAME, list, sizeof list);

    return len > 0 && acl_text_is_for(list, (size_t)len, geteuid());
}
