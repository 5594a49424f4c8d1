/* admin_fault.h - why a change of vaults, groups or roles is refused: the code, and the words the caller may see. How
 * it looks on the wire is decided by service/management. */
#ifndef STRONGROOM_VAULT_ADMIN_FAULT_H
#define STRONGROOM_VAULT_ADMIN_FAULT_H

#include <stdbool.h>

#include "firmware/base/status.h"

enum admin_fault_code {
    ADMIN_FAULT_NONE = 0,
    ADMIN_FAULT_BAD_REQUEST, /* a value breaks a rule */
    ADMIN_FAULT_VAULT_NAME,
    ADMIN_FAULT_VAULT_EXISTS, /* the name is taken, by a live or a soft-deleted vault, anywhere on the appliance */
    ADMIN_FAULT_VAULT_NOT_FOUND,
    ADMIN_FAULT_DELETED_VAULT_NOT_FOUND,
    ADMIN_FAULT_PURGE_PROTECTED,
    ADMIN_FAULT_REGION,
    ADMIN_FAULT_SKU,
    ADMIN_FAULT_GROUP_NAME,
    ADMIN_FAULT_GROUP_NOT_FOUND,
    ADMIN_FAULT_GROUP_NOT_EMPTY,
    ADMIN_FAULT_SUBSCRIPTION_NOT_FOUND,
    ADMIN_FAULT_SCOPE_NOT_FOUND, /* of an assignment */
    ADMIN_FAULT_ROLE_NOT_FOUND,
    ADMIN_FAULT_ASSIGNMENT_EXISTS,  /* the same principal, role and scope under another id */
    ADMIN_FAULT_ASSIGNMENT_DIFFERS, /* the id is that of another assignment */
    ADMIN_FAULT_ASSIGNMENT_LIMIT,
    ADMIN_FAULT_CONFLICT, /* changed by somebody else at the same time */
    ADMIN_FAULT_TROUBLE,  /* not the caller's mistake: `status` says what */
    ADMIN_FAULT_COUNT_
};

#define ADMIN_FAULT_MESSAGE_MAX 512

struct admin_fault {
    enum admin_fault_code code;
    enum status status; /* ADMIN_FAULT_TROUBLE */
    char message[ADMIN_FAULT_MESSAGE_MAX];
};

/* Always return false, so that a check reads `return admin_fault_set(...)`. */
bool admin_fault_set(struct admin_fault *f, enum admin_fault_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool admin_fault_trouble(struct admin_fault *f, enum status st);

#endif
