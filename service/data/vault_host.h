/* vault_host.h - which vault a host name stands for: "<vault>.vault.<domain>[:port]", any case. */
#ifndef STRONGROOM_DATA_VAULT_HOST_H
#define STRONGROOM_DATA_VAULT_HOST_H

#include "firmware/base/bytes.h"

enum vault_host_kind {
    VAULT_HOST_FOREIGN, /* not ours */
    VAULT_HOST_ROOT,    /* "vault.<domain>": the resource itself */
    VAULT_HOST_VAULT,
};

/* *name borrows from `authority`; it is not checked against the catalog. */
enum vault_host_kind vault_host_parse(struct span authority, const char *domain, struct span *name);

#endif
