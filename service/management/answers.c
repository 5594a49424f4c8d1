/* What the handlers answer with: ARM's envelope and the domain's refusals on the wire (spec: management-plane.md 2.2).
 */
#include "service/management/management.h"

#include <stdio.h>

static const struct {
    unsigned status;
    const char *code;
} wire[ADMIN_FAULT_COUNT_] = {
    [ADMIN_FAULT_BAD_REQUEST] = { 400, "BadRequest" },
    [ADMIN_FAULT_VAULT_NAME] = { 400, "VaultNameNotValid" },
    [ADMIN_FAULT_VAULT_EXISTS] = { 409, "VaultAlreadyExists" },
    [ADMIN_FAULT_VAULT_NOT_FOUND] = { 404, "ResourceNotFound" },
    [ADMIN_FAULT_DELETED_VAULT_NOT_FOUND] = { 404, "DeletedVaultNotFound" },
    [ADMIN_FAULT_PURGE_PROTECTED] = { 403, "Forbidden" },
    [ADMIN_FAULT_REGION] = { 400, "RegionNotSupported" },
    [ADMIN_FAULT_SKU] = { 400, "SkuNotSupported" },
    [ADMIN_FAULT_GROUP_NAME] = { 400, "InvalidResourceGroup" },
    [ADMIN_FAULT_GROUP_NOT_FOUND] = { 404, "ResourceGroupNotFound" },
    [ADMIN_FAULT_GROUP_NOT_EMPTY] = { 409, "ResourceGroupNotEmpty" },
    [ADMIN_FAULT_SUBSCRIPTION_NOT_FOUND] = { 404, "SubscriptionNotFound" },
    [ADMIN_FAULT_SCOPE_NOT_FOUND] = { 404, "ResourceNotFound" },
    [ADMIN_FAULT_ROLE_NOT_FOUND] = { 400, "RoleDefinitionDoesNotExist" },
    [ADMIN_FAULT_ASSIGNMENT_EXISTS] = { 409, "RoleAssignmentExists" },
    [ADMIN_FAULT_ASSIGNMENT_DIFFERS] = { 409, "RoleAssignmentUpdateNotPermitted" },
    [ADMIN_FAULT_ASSIGNMENT_LIMIT] = { 400, "RoleAssignmentLimitExceeded" },
    [ADMIN_FAULT_CONFLICT] = { 409, "ConflictError" },
};

void call_refuse(struct call *c, const struct admin_fault *f)
{
    if (f->code == ADMIN_FAULT_TROUBLE || wire[f->code].code == NULL)
        exchange_trouble(c->x, f->status);
    else
        exchange_error(c->x, wire[f->code].status, wire[f->code].code, NULL, "%s", f->message);
}

void call_forbid(struct call *c, const char *action)
{
    const struct principal *who = &c->x->principal;

    exchange_error(c->x, 403, "AuthorizationFailed", NULL,
                   "The client '%s' with object id '%s' does not have authorization to perform action '%s' over scope "
                   "'%s' or the scope is invalid. If access was recently granted, please refresh your credentials.",
                   who->application_id.text, who->object_id.text, action, bytes_text(&c->scope));
}

void call_bad(struct call *c, const char *format, ...)
{
    char text[ADMIN_FAULT_MESSAGE_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    exchange_error(c->x, 400, "BadRequest", NULL, "%s", text);
}

void call_missing(struct call *c, const char *type, struct span name)
{
    exchange_error(c->x, 404, "ResourceNotFound", NULL, "The Resource '%s/%.*s' was not found.", type, (int)name.len,
                   (const char *)name.p);
}

bool call_may(const struct call *c, const char *action, const char *scope)
{
    return catalog_control_allows(c->m->catalog, &c->x->principal, action, scope);
}

void call_about(struct call *c, const char *scope)
{
    bytes_reset(&c->x->resource_id);
    for (; *scope != '\0'; scope++)
        bytes_append_char(&c->x->resource_id, (char)(*scope >= 'a' && *scope <= 'z' ? *scope & ~0x20 : *scope));
}

void call_begin_object(struct call *c, struct json_writer *w)
{
    c->x->status = 200;
    bytes_reset(&c->x->body);
    json_begin(w, &c->x->body);
    json_open_object(w, NULL);
}

void call_end_object(struct json_writer *w)
{
    json_close_object(w);
}
