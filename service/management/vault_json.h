/* vault_json.h - vaults as the management plane reads and writes them (spec: management-plane.md 2.1). */
#ifndef STRONGROOM_MANAGEMENT_VAULT_JSON_H
#define STRONGROOM_MANAGEMENT_VAULT_JSON_H

#include "service/management/management.h"

/* Read a body of PUT or PATCH. The change borrows from `body`; clear it in every case. */
bool vault_json_read(const json_t *body, struct vault_change *out, struct admin_fault *f);
/* Read "properties.accessPolicies" of an accessPolicies body. */
bool vault_json_read_policies(const json_t *body, struct vault_change *out, struct admin_fault *f);
/* Read "tags": NULL in *out when there is no such member. */
bool tags_json_read(const json_t *body, char **out, struct admin_fault *f);

/* As members of the object that is open. */
void vault_json_write(struct json_writer *w, const struct config *config, const struct vault *v);
void vault_json_write_short(struct json_writer *w, const struct vault *v); /* id, name, type, location, tags */
void vault_json_write_deleted(struct json_writer *w, const struct vault *v);
/* "accessPolicies": [..], of these entries. */
void vault_json_write_policies(struct json_writer *w, const struct access_policy *entries, size_t count);
/* A member with a time, "2026-01-01T00:00:00.000Z". */
void json_put_time(struct json_writer *w, const char *name, int64_t unix_s);

#endif
