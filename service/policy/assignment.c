#include "service/policy/policy.h"

#include "service/policy/match.h"

#define ASSIGNMENT_WRITE  "Microsoft.Authorization/roleAssignments/write"
#define ASSIGNMENT_DELETE "Microsoft.Authorization/roleAssignments/delete"

static bool any_matches(const char *const *patterns, const char *action)
{
    for (; patterns != NULL && *patterns != NULL; patterns++)
        if (action_matches(*patterns, action))
            return true;
    return false;
}

/* The role of this assignment, when it is the principal's and holds at `scope`. */
static const struct role *effective_role(const struct role_assignment *a, const struct principal *who,
                                         const char *scope)
{
    if (who->kind == PRINCIPAL_APPLICATION_USER) /* the compound identity has no roles (spec: rbac-and-policies.md 3) */
        return NULL;
    if (!principal_is(who, &a->principal_id) || !scope_covers(a->scope, scope))
        return NULL;
    return role_by_id(&a->role_id);
}

static bool changes_assignments(const char *action)
{
    return action_matches(ASSIGNMENT_WRITE, action) || action_matches(ASSIGNMENT_DELETE, action);
}

static bool role_controls(const struct role *role, const char *action)
{
    return any_matches(role->actions, action) && !any_matches(role->not_actions, action);
}

bool policy_control_allows(const struct role_assignment *assignments, size_t count, const struct principal *who,
                           const char *action, const char *scope)
{
    for (size_t i = 0; i < count; i++) {
        const struct role *role = effective_role(&assignments[i], who, scope);

        /* A role with a condition on what it assigns needs to know what: policy_assignment_allows(). */
        if (role != NULL && role_controls(role, action) &&
            !(role->assigns_vault_roles_only && changes_assignments(action)))
            return true;
    }
    return false;
}

bool policy_assignment_allows(const struct role_assignment *assignments, size_t count, const struct principal *who,
                              const char *action, const char *scope, const struct guid *assigned_role)
{
    const struct role *assigned = role_by_id(assigned_role);

    if (assigned == NULL || !changes_assignments(action))
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct role *role = effective_role(&assignments[i], who, scope);

        if (role != NULL && role_controls(role, action) && (!role->assigns_vault_roles_only || assigned->for_vaults))
            return true;
    }
    return false;
}

bool policy_data_allows(const struct role_assignment *assignments, size_t count, const struct principal *who,
                        const char *data_action, const char *scope)
{
    for (size_t i = 0; i < count; i++) {
        const struct role *role = effective_role(&assignments[i], who, scope);

        if (role != NULL && any_matches(role->data_actions, data_action))
            return true;
    }
    return false;
}

const char *policy_key_data_action(enum key_permission permission)
{
#define KEYS(rest) "Microsoft.KeyVault/vaults/keys/" rest
    static const char *const actions[KEY_PERMISSION_COUNT] = {
        [KEY_PERMISSION_GET] = KEYS("read"),
        [KEY_PERMISSION_LIST] = KEYS("read"),
        [KEY_PERMISSION_CREATE] = KEYS("create/action"),
        [KEY_PERMISSION_UPDATE] = KEYS("update/action"),
        [KEY_PERMISSION_IMPORT] = KEYS("import/action"),
        [KEY_PERMISSION_DELETE] = KEYS("delete"),
        [KEY_PERMISSION_BACKUP] = KEYS("backup/action"),
        [KEY_PERMISSION_RESTORE] = KEYS("restore/action"),
        [KEY_PERMISSION_RECOVER] = KEYS("recover/action"),
        [KEY_PERMISSION_PURGE] = KEYS("purge/action"),
        [KEY_PERMISSION_ENCRYPT] = KEYS("encrypt/action"),
        [KEY_PERMISSION_DECRYPT] = KEYS("decrypt/action"),
        [KEY_PERMISSION_WRAP_KEY] = KEYS("wrap/action"),
        [KEY_PERMISSION_UNWRAP_KEY] = KEYS("unwrap/action"),
        [KEY_PERMISSION_SIGN] = KEYS("sign/action"),
        [KEY_PERMISSION_VERIFY] = KEYS("verify/action"),
        [KEY_PERMISSION_RELEASE] = KEYS("release/action"),
        [KEY_PERMISSION_ROTATE] = KEYS("rotate/action"),
        [KEY_PERMISSION_GET_ROTATION_POLICY] = "Microsoft.KeyVault/vaults/keyrotationpolicies/read",
        [KEY_PERMISSION_SET_ROTATION_POLICY] = "Microsoft.KeyVault/vaults/keyrotationpolicies/write",
    };
#undef KEYS

    INVARIANT((unsigned)permission < KEY_PERMISSION_COUNT);
    return actions[permission];
}
