/* The domain's refusals as Azure writes them (spec: authentication-and-errors.md 7). */
#include "service/data/data_plane.h"

static const struct {
    unsigned status;
    const char *code, *inner;
} wire[FAULT_COUNT_] = {
    [FAULT_BAD_PARAMETER] = { 400, "BadParameter", NULL },
    [FAULT_KEY_NOT_FOUND] = { 404, "KeyNotFound", NULL },
    [FAULT_DELETED_KEY_NOT_FOUND] = { 404, "KeyNotFound", NULL },
    [FAULT_KEY_DISABLED] = { 403, "Forbidden", "KeyDisabled" },
    [FAULT_KEY_NOT_YET_VALID] = { 403, "Forbidden", "KeyNotYetValid" },
    [FAULT_KEY_EXPIRED] = { 403, "Forbidden", "KeyExpired" },
    [FAULT_OPERATION_NOT_PERMITTED] = { 403, "Forbidden", "KeyOperationForbidden" },
    [FAULT_NAME_IS_DELETED] = { 409, "Conflict", "ObjectIsDeletedButRecoverable" },
    [FAULT_PURGE_PROTECTED] = { 403, "Forbidden", "ForbiddenByPolicy" },
    [FAULT_CONFLICT] = { 409, "Conflict", NULL },
};

void call_refuse(struct call *c, const struct fault *f)
{
    if (f->code == FAULT_TROUBLE)
        exchange_trouble(c->x, f->status);
    else
        exchange_error(c->x, wire[f->code].status, wire[f->code].code, wire[f->code].inner, "%s", f->message);
    call_finish(c);
}

void call_missing(struct call *c, enum status st, bool deleted)
{
    struct fault f = { 0 };

    if (st != ST_NOT_FOUND)
        fault_trouble(&f, st);
    else if (deleted)
        fault_set(&f, FAULT_DELETED_KEY_NOT_FOUND, "Deleted Key not found: %.*s", (int)c->name.len,
                  (const char *)c->name.p);
    else
        fault_set(
            &f, FAULT_KEY_NOT_FOUND,
            "A key with (name/id) %.*s%s%.*s was not found in this key vault. If you recently deleted this key you "
            "may be able to recover it using the correct recovery command.",
            (int)c->name.len, (const char *)c->name.p, c->version.len > 0 ? "/" : "", (int)c->version.len,
            c->version.len > 0 ? (const char *)c->version.p : "");
    call_refuse(c, &f);
}
