/* fault.h - why the domain refuses: the code and the words a caller may see. How it looks on the wire (status, Azure's
 * outer and inner code) is decided at the edge, by service/data. */
#ifndef STRONGROOM_VAULT_FAULT_H
#define STRONGROOM_VAULT_FAULT_H

#include <stdbool.h>

#include "firmware/base/status.h"

enum fault_code {
    FAULT_NONE = 0,
    FAULT_BAD_PARAMETER,
    FAULT_KEY_NOT_FOUND,
    FAULT_DELETED_KEY_NOT_FOUND,
    FAULT_KEY_DISABLED,
    FAULT_KEY_NOT_YET_VALID,
    FAULT_KEY_EXPIRED,
    FAULT_OPERATION_NOT_PERMITTED, /* not among the key's key_ops */
    FAULT_NAME_IS_DELETED,         /* the name belongs to a soft-deleted key */
    FAULT_PURGE_PROTECTED,
    FAULT_CONFLICT, /* changed by somebody else at the same time */
    FAULT_TROUBLE,  /* not the caller's mistake: `status` says what */
    FAULT_COUNT_
};

#define FAULT_MESSAGE_MAX 400

struct fault {
    enum fault_code code;
    enum status status; /* FAULT_TROUBLE */
    char message[FAULT_MESSAGE_MAX];
};

/* Set the fault; always returns false, so that a check reads `return fault_set(...)`. */
bool fault_set(struct fault *f, enum fault_code code, const char *format, ...) __attribute__((format(printf, 3, 4)));
bool fault_trouble(struct fault *f, enum status st);

#endif
