/* scope.h - the scopes that role assignments can have here, taken apart. Pure. */
#ifndef STRONGROOM_VAULT_SCOPE_H
#define STRONGROOM_VAULT_SCOPE_H

#include "firmware/base/guid.h"

enum scope_kind { SCOPE_ROOT, SCOPE_SUBSCRIPTION, SCOPE_GROUP, SCOPE_VAULT, SCOPE_OBJECT };

struct scope {
    enum scope_kind kind;
    struct guid subscription_id;
    struct span group, vault;
    const char *collection; /* "keys", "secrets" or "certificates" */
    struct span object;
};

/* "/", "/subscriptions/<id>", "../resourceGroups/<name>", "../providers/Microsoft.KeyVault/vaults/<name>",
 * "../keys/<name>"; words in any case, no empty segments. The spans borrow from `text`. */
bool scope_parse(struct scope *s, const char *text);

#endif
