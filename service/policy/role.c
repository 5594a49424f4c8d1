#include "service/policy/policy.h"

#define VAULTS    "Microsoft.KeyVault/vaults/"
#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* Control actions that the roles for people (as against those for programs) carry, to find their way in a portal. The
 * documented table has "vaults/<any>/read" only; that the vault's own properties are among it is how the roles are
 * described, so it is spelled out. */
#define BROWSE                                                                                                         \
    "Microsoft.Authorization/*/read", "Microsoft.Insights/alertRules/*", "Microsoft.Resources/deployments/*",          \
        "Microsoft.Resources/subscriptions/resourceGroups/read", "Microsoft.Support/*",                                \
        "Microsoft.KeyVault/checkNameAvailability/read", "Microsoft.KeyVault/deletedVaults/read",                      \
        "Microsoft.KeyVault/locations/*/read", VAULTS "*/read", VAULTS "read", "Microsoft.KeyVault/operations/read"

static const struct role roles[] = {
    { .id = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
      .name = "Owner",
      .description = "Full control of resources, including who may access them.",
      .actions = LIST("*") },
    { .id = "b24988ac-6180-42a0-ab88-20f7382dd24c",
      .name = "Contributor",
      .description = "Full control of resources, but not of who may access them.",
      .actions = LIST("*"),
      .not_actions = LIST("Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write",
                          "Microsoft.Authorization/elevateAccess/Action") },
    { .id = "acdd72a7-3385-48ef-bd42-f606fba81ae7",
      .name = "Reader",
      .description = "View all resources, change nothing.",
      .actions = LIST("*/read") },
    { .id = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
      .name = "User Access Administrator",
      .description = "Manage who may access resources.",
      .actions = LIST("*/read", "Microsoft.Authorization/*", "Microsoft.Support/*") },

    { .id = "00482a5a-887f-4fb3-b363-3b7fe8e74483",
      .name = "Key Vault Administrator",
      .description = "All data plane operations on a vault and its keys, secrets and certificates.",
      .for_vaults = true,
      .actions = LIST(BROWSE),
      .data_actions = LIST(VAULTS "*") },
    { .id = "21090545-7ca7-4776-b22c-e363652d74d2",
      .name = "Key Vault Reader",
      .description = "Read metadata of vaults and their objects, but no secret and no key material.",
      .for_vaults = true,
      .actions = LIST(BROWSE),
      .data_actions = LIST(VAULTS "*/read", VAULTS "secrets/readMetadata/action") },
    { .id = "a4417e6f-fecd-4de8-b567-7b0420556985",
      .name = "Key Vault Certificates Officer",
      .description = "Any action on the certificates of a vault, except managing permissions.",
      .for_vaults = true,
      .actions = LIST(BROWSE),
      .data_actions = LIST(VAULTS "certificatecas/*", VAULTS "certificates/*", VAULTS "certificatecontacts/write") },
    { .id = "db79e9a7-68ee-4b58-9aeb-b90e7c24fcba",
      .name = "Key Vault Certificate User",
      .description = "Read certificates with their secret and key parts.",
      .data_actions = LIST(VAULTS "certificates/read", VAULTS "secrets/getSecret/action",
                           VAULTS "secrets/readMetadata/action", VAULTS "keys/read") },
    { .id = "14b46e9e-c2b7-41b4-b07b-48a6ebf60603",
      .name = "Key Vault Crypto Officer",
      .description = "Any action on the keys of a vault, except managing permissions.",
      .for_vaults = true,
      .actions = LIST(BROWSE),
      .data_actions = LIST(VAULTS "keys/*", VAULTS "keyrotationpolicies/*") },
    { .id = "12338af0-0e69-4776-bea7-57ae8d297424",
      .name = "Key Vault Crypto User",
      .description = "Cryptographic operations with keys.",
      .for_vaults = true,
      .data_actions = LIST(VAULTS "keys/read", VAULTS "keys/update/action", VAULTS "keys/backup/action",
                           VAULTS "keys/encrypt/action", VAULTS "keys/decrypt/action", VAULTS "keys/wrap/action",
                           VAULTS "keys/unwrap/action", VAULTS "keys/sign/action", VAULTS "keys/verify/action") },
    { .id = "e147488a-f6f5-4113-8e2d-b22465e65bf6",
      .name = "Key Vault Crypto Service Encryption User",
      .description = "Read metadata of keys, wrap and unwrap with them.",
      .for_vaults = true,
      .actions = LIST("Microsoft.EventGrid/eventSubscriptions/write", "Microsoft.EventGrid/eventSubscriptions/read",
                      "Microsoft.EventGrid/eventSubscriptions/delete"),
      .data_actions = LIST(VAULTS "keys/read", VAULTS "keys/wrap/action", VAULTS "keys/unwrap/action") },
    { .id = "08bbd89e-9f13-488c-ac41-acfcb10c90ab",
      .name = "Key Vault Crypto Service Release User",
      .description = "Release keys.",
      .data_actions = LIST(VAULTS "keys/release/action") },
    { .id = "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
      .name = "Key Vault Secrets Officer",
      .description = "Any action on the secrets of a vault, except managing permissions.",
      .for_vaults = true,
      .actions = LIST(BROWSE),
      .data_actions = LIST(VAULTS "secrets/*") },
    { .id = "4633458b-17de-408a-b874-0445c86b69e6",
      .name = "Key Vault Secrets User",
      .description = "Read the values of secrets.",
      .for_vaults = true,
      .data_actions = LIST(VAULTS "secrets/getSecret/action", VAULTS "secrets/readMetadata/action") },
    { .id = "a68e7c17-0ab2-4c09-9a58-125dae29748c",
      .name = "Key Vault Purge Operator",
      .description = "Purge deleted vaults for good.",
      .actions = LIST("Microsoft.Authorization/*/read", "Microsoft.Resources/subscriptions/resourceGroups/read",
                      "Microsoft.KeyVault/deletedVaults/read", "Microsoft.KeyVault/locations/*/read",
                      "Microsoft.KeyVault/locations/deletedVaults/purge/action") },
    { .id = "f25e0fa2-a7c8-4377-a976-54943a77a395",
      .name = "Key Vault Contributor",
      .description = "Manage vaults, but not their keys, secrets and certificates.",
      .actions = LIST("Microsoft.Authorization/*/read", "Microsoft.Insights/alertRules/*", "Microsoft.KeyVault/*",
                      "Microsoft.Resources/deployments/*", "Microsoft.Resources/subscriptions/resourceGroups/read",
                      "Microsoft.Support/*"),
      .not_actions = LIST("Microsoft.KeyVault/locations/deletedVaults/purge/action", "Microsoft.KeyVault/hsmPools/*",
                          "Microsoft.KeyVault/managedHsms/*") },
    { .id = "8b54135c-b56d-4d72-a534-26097cfdc8d8",
      .name = "Key Vault Data Access Administrator",
      .description = "Give and take the vault roles, and no others.",
      .assigns_vault_roles_only = true,
      .actions = LIST(BROWSE, "Microsoft.Authorization/roleAssignments/write",
                      "Microsoft.Authorization/roleAssignments/delete") },
};

const struct role *role_table(size_t *count)
{
    *count = ARRAY_LEN(roles);
    return roles;
}

const struct role *role_by_id(const struct guid *role_id)
{
    for (size_t i = 0; i < ARRAY_LEN(roles); i++)
        if (memcmp(roles[i].id, role_id->text, GUID_LEN) == 0)
            return &roles[i];
    return NULL;
}

const char *role_name(const struct guid *role_id)
{
    const struct role *role = role_by_id(role_id);

    return role != NULL ? role->name : NULL;
}

bool role_by_name(struct span name, struct guid *out)
{
    for (size_t i = 0; i < ARRAY_LEN(roles); i++)
        if (span_is_nocase(name, roles[i].name)) {
            memcpy(out->text, roles[i].id, GUID_LEN + 1);
            return true;
        }
    return false;
}
