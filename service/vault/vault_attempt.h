/* vault_attempt.h - one try at changing a vault: read, decide, commit over what was read. Internal to vault_admin and
 * vault_policies. */
#ifndef STRONGROOM_VAULT_VAULT_ATTEMPT_H
#define STRONGROOM_VAULT_VAULT_ATTEMPT_H

#include "service/vault/anchor.h"
#include "service/vault/resource_group.h"
#include "service/vault/vault.h"
#include "service/vault/vault_admin.h"

/* What it was decided on, and what it makes of it. */
struct attempt {
    const struct vault_admin *admin;
    const struct vault_place *at;
    const struct principal *who;
    struct bytes key;
    struct vault *vault; /* ours alone until committed; NULL: there is no such record */
    struct anchor group; /* key.len == 0: not needed */
    struct admin_fault *fault;
};

void attempt_clear(struct attempt *t);
int64_t attempt_now(const struct vault_admin *a);
/* Sets the fault; returns false. */
bool attempt_trouble(struct attempt *t, enum status st);
/* The fault of a name in use: the same words whoever has it, live, deleted, here or in a subscription that the caller
 * knows nothing of. Returns false. */
bool vault_name_taken(struct admin_fault *f, struct span name);
MUST_CHECK enum status vault_read_record(struct store *s, struct span key, struct vault **out);

/* t->vault, or NULL when the name is free. */
bool attempt_read(struct attempt *t);
/* The live vault at its place, or the fault. */
bool attempt_find(struct attempt *t);
bool attempt_at_place(const struct attempt *t);
/* The group must be there, and still be there when the vault comes into it. *out: in its own spelling. */
bool attempt_need_group(struct attempt *t, struct resource_group *out);
/* Who has done it. */
void attempt_sign(const struct attempt *t, char by[GUID_LEN + 1], bool *by_user);
/* Write t->vault over what was read. false with ADMIN_FAULT_CONFLICT when somebody else was faster. */
bool attempt_commit(struct attempt *t);
/* Move the vault out. */
void attempt_take(struct attempt *t, const struct vault **out);

/* Find the vault, edit it, commit; from the start again when somebody else has changed it meanwhile. */
typedef bool vault_editor(struct attempt *t, const void *arg);
bool vault_edit(const struct vault_admin *a, const struct vault_place *at, const struct principal *who,
                vault_editor *edit, const void *arg, const struct vault **out, struct admin_fault *f);

#endif
