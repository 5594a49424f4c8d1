/* posix_acl.h - may anybody else use a file that has an access control list (acl(5))? For pin_source.c. */
#ifndef STRONGROOM_PKCS11_TOKEN_POSIX_ACL_H
#define STRONGROOM_PKCS11_TOKEN_POSIX_ACL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Whether the file of `fd` has a list, and one that gives rights to its owner and to this process's user alone. */
bool acl_is_for_us_alone(int fd);
/* The same of a list as the kernel hands it out (linux/posix_acl_xattr.h), for the user `us`. */
bool acl_text_is_for(const uint8_t *list, size_t len, uid_t us);

#endif
