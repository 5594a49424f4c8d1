/* The routes of the management plane and of the authority, each with the right it asks for. Literals stand before
 * captures where both fit. */
#include "service/management/management.h"

#define S "/subscriptions/{}"
#define G S "/resourceGroups/{}"
#define V G "/providers/Microsoft.KeyVault/vaults/{}"
#define O V "/{}/{}"
#define A "/providers/Microsoft.Authorization"

#define READ_VAULT      "Microsoft.KeyVault/vaults/read"
#define WRITE_VAULT     "Microsoft.KeyVault/vaults/write"
#define READ_DELETED    "Microsoft.KeyVault/locations/deletedVaults/read"
#define READ_GROUP      "Microsoft.Resources/subscriptions/resourceGroups/read"
#define WRITE_GROUP     "Microsoft.Resources/subscriptions/resourceGroups/write"
#define DELETE_GROUP    "Microsoft.Resources/subscriptions/resourceGroups/delete"
#define READ_ASSIGNED   "Microsoft.Authorization/roleAssignments/read"
#define WRITE_ASSIGNED  "Microsoft.Authorization/roleAssignments/write"
#define DELETE_ASSIGNED "Microsoft.Authorization/roleAssignments/delete"
#define READ_ROLES      "Microsoft.Authorization/roleDefinitions/read"

/* Role assignments and definitions below one kind of scope. */
#define ROLE_ROUTES(prefix, shape)                                                                                     \
    { HTTP_GET,                                                                                                        \
      prefix A "/roleAssignments",                                                                                     \
      shape,                                                                                                           \
      ACCESS_ACTION,                                                                                                   \
      READ_ASSIGNED,                                                                                                   \
      ARM_AUTHORIZATION,                                                                                               \
      "RoleAssignmentList",                                                                                            \
      assignment_list_route },                                                                                         \
        { HTTP_GET,                                                                                                    \
          prefix A "/roleAssignments/{}",                                                                              \
          shape,                                                                                                       \
          ACCESS_ACTION,                                                                                               \
          READ_ASSIGNED,                                                                                               \
          ARM_AUTHORIZATION,                                                                                           \
          "RoleAssignmentGet",                                                                                         \
          assignment_get_route },                                                                                      \
        { HTTP_PUT,                                                                                                    \
          prefix A "/roleAssignments/{}",                                                                              \
          shape,                                                                                                       \
          ACCESS_ASSIGNING,                                                                                            \
          WRITE_ASSIGNED,                                                                                              \
          ARM_AUTHORIZATION,                                                                                           \
          "RoleAssignmentPut",                                                                                         \
          assignment_put_route },                                                                                      \
        { HTTP_DELETE,                                                                                                 \
          prefix A "/roleAssignments/{}",                                                                              \
          shape,                                                                                                       \
          ACCESS_ASSIGNING,                                                                                            \
          DELETE_ASSIGNED,                                                                                             \
          ARM_AUTHORIZATION,                                                                                           \
          "RoleAssignmentDelete",                                                                                      \
          assignment_delete_route },                                                                                   \
        { HTTP_GET,          prefix A "/roleDefinitions", shape,          ACCESS_ACTION, READ_ROLES,                   \
          ARM_AUTHORIZATION, "RoleDefinitionList",        role_list_route },                                           \
    {                                                                                                                  \
        HTTP_GET, prefix A "/roleDefinitions/{}", shape, ACCESS_ACTION, READ_ROLES, ARM_AUTHORIZATION,                 \
            "RoleDefinitionGet", role_get_route                                                                        \
    }

/* clang-format off: a line a route */
const struct endpoint management_endpoints[] = {
    { HTTP_GET, "/metadata/endpoints", SHAPE_ROOT, ACCESS_PUBLIC, NULL, ARM_NONE, "MetadataGet", metadata_route },

    { HTTP_PUT, V, SHAPE_VAULT, ACCESS_ACTION, WRITE_VAULT, ARM_KEY_VAULT, "VaultPut", vault_put_route },
    { HTTP_PATCH, V, SHAPE_VAULT, ACCESS_ACTION, WRITE_VAULT, ARM_KEY_VAULT, "VaultPatch", vault_patch_route },
    { HTTP_GET, V, SHAPE_VAULT, ACCESS_ACTION, READ_VAULT, ARM_KEY_VAULT, "VaultGet", vault_get_route },
    { HTTP_DELETE, V, SHAPE_VAULT, ACCESS_ACTION, "Microsoft.KeyVault/vaults/delete", ARM_KEY_VAULT, "VaultDelete",
      vault_delete_route },
    { HTTP_PUT, V "/accessPolicies/{}", SHAPE_VAULT, ACCESS_ACTION, "Microsoft.KeyVault/vaults/accessPolicies/write",
      ARM_KEY_VAULT, "VaultPatch", vault_policies_route },
    { HTTP_GET, G "/providers/Microsoft.KeyVault/vaults", SHAPE_GROUP, ACCESS_ANY_ROLE, READ_VAULT, ARM_KEY_VAULT,
      "VaultList", vault_list_group_route },
    { HTTP_GET, S "/providers/Microsoft.KeyVault/vaults", SHAPE_SUBSCRIPTION, ACCESS_ANY_ROLE, READ_VAULT,
      ARM_KEY_VAULT, "VaultList", vault_list_subscription_route },
    { HTTP_POST, S "/providers/Microsoft.KeyVault/checkNameAvailability", SHAPE_SUBSCRIPTION, ACCESS_ACTION,
      "Microsoft.KeyVault/checkNameAvailability/read", ARM_KEY_VAULT, "VaultCheckNameAvailability",
      vault_check_name_route },
    { HTTP_GET, S "/providers/Microsoft.KeyVault/deletedVaults", SHAPE_SUBSCRIPTION, ACCESS_ACTION,
      "Microsoft.KeyVault/deletedVaults/read", ARM_KEY_VAULT, "VaultListDeleted", deleted_vault_list_route },
    { HTTP_GET, S "/providers/Microsoft.KeyVault/locations/{}/deletedVaults/{}", SHAPE_DELETED, ACCESS_ACTION,
      READ_DELETED, ARM_KEY_VAULT, "VaultGetDeleted", deleted_vault_get_route },
    { HTTP_POST, S "/providers/Microsoft.KeyVault/locations/{}/deletedVaults/{}/purge", SHAPE_DELETED, ACCESS_ACTION,
      "Microsoft.KeyVault/locations/deletedVaults/purge/action", ARM_KEY_VAULT, "VaultPurge",
      deleted_vault_purge_route },
    { HTTP_GET, "/providers/Microsoft.KeyVault/operations", SHAPE_ROOT, ACCESS_TOKEN, NULL, ARM_KEY_VAULT,
      "OperationList", operation_list_route },

    { HTTP_GET, S "/providers/Microsoft.KeyVault/managedHSMs", SHAPE_SUBSCRIPTION, ACCESS_ANY_ROLE,
      "Microsoft.KeyVault/managedHSMs/read", ARM_KEY_VAULT, "ManagedHsmList", empty_list_route },
    { HTTP_GET, G "/providers/Microsoft.KeyVault/managedHSMs", SHAPE_GROUP, ACCESS_ANY_ROLE,
      "Microsoft.KeyVault/managedHSMs/read", ARM_KEY_VAULT, "ManagedHsmList", empty_list_route },
    { HTTP_GET, S "/providers/Microsoft.KeyVault/deletedManagedHSMs", SHAPE_SUBSCRIPTION, ACCESS_ANY_ROLE,
      "Microsoft.KeyVault/deletedManagedHsms/read", ARM_KEY_VAULT, "ManagedHsmListDeleted", empty_list_route },

    { HTTP_GET, "/subscriptions", SHAPE_ROOT, ACCESS_TOKEN, NULL, ARM_RESOURCES, "SubscriptionList",
      subscription_list_route },
    { HTTP_GET, S, SHAPE_SUBSCRIPTION, ACCESS_ANY_ROLE, "Microsoft.Resources/subscriptions/read", ARM_RESOURCES,
      "SubscriptionGet", subscription_get_route },
    { HTTP_GET, "/tenants", SHAPE_ROOT, ACCESS_TOKEN, NULL, ARM_RESOURCES, "TenantList", tenant_list_route },
    { HTTP_GET, S "/locations", SHAPE_SUBSCRIPTION, ACCESS_ANY_ROLE, "Microsoft.Resources/subscriptions/locations/read",
      ARM_RESOURCES, "LocationList", location_list_route },
    { HTTP_GET, S "/providers", SHAPE_SUBSCRIPTION, ACCESS_ANY_ROLE, "Microsoft.Resources/subscriptions/providers/read",
      ARM_RESOURCES, "ProviderList", provider_list_route },
    { HTTP_GET, S "/providers/Microsoft.KeyVault", SHAPE_SUBSCRIPTION, ACCESS_ANY_ROLE,
      "Microsoft.Resources/subscriptions/providers/read", ARM_RESOURCES, "ProviderGet", provider_get_route },
    { HTTP_POST, S "/providers/Microsoft.KeyVault/register", SHAPE_SUBSCRIPTION, ACCESS_ACTION,
      "Microsoft.KeyVault/register/action", ARM_RESOURCES, "ProviderRegister", provider_get_route },
    { HTTP_GET, S "/resources", SHAPE_SUBSCRIPTION, ACCESS_ANY_ROLE, READ_VAULT, ARM_RESOURCES, "ResourceList",
      resource_list_route },
    { HTTP_GET, G "/resources", SHAPE_GROUP, ACCESS_ANY_ROLE, READ_VAULT, ARM_RESOURCES, "ResourceList",
      resource_list_route },

    { HTTP_GET, S "/resourceGroups", SHAPE_SUBSCRIPTION, ACCESS_ANY_ROLE, READ_GROUP, ARM_RESOURCES,
      "ResourceGroupList", group_list_route },
    { HTTP_PUT, G, SHAPE_GROUP, ACCESS_ACTION, WRITE_GROUP, ARM_RESOURCES, "ResourceGroupPut", group_put_route },
    { HTTP_GET, G, SHAPE_GROUP, ACCESS_ACTION, READ_GROUP, ARM_RESOURCES, "ResourceGroupGet", group_get_route },
    { HTTP_HEAD, G, SHAPE_GROUP, ACCESS_ACTION, READ_GROUP, ARM_RESOURCES, "ResourceGroupGet", group_head_route },
    { HTTP_DELETE, G, SHAPE_GROUP, ACCESS_ACTION, DELETE_GROUP, ARM_RESOURCES, "ResourceGroupDelete",
      group_delete_route },

    ROLE_ROUTES("", SHAPE_ROOT),
    ROLE_ROUTES(S, SHAPE_SUBSCRIPTION),
    ROLE_ROUTES(G, SHAPE_GROUP),
    ROLE_ROUTES(V, SHAPE_VAULT),
    ROLE_ROUTES(O, SHAPE_OBJECT),
};
const size_t management_endpoint_count = ARRAY_LEN(management_endpoints);

const struct endpoint login_endpoints[] = {
    { HTTP_GET, "/common/discovery/instance", SHAPE_ROOT, ACCESS_PUBLIC, NULL, ARM_NONE, "AuthorityMetadataGet",
      instance_route },
    { HTTP_GET, "/{}/v2.0/.well-known/openid-configuration", SHAPE_ROOT, ACCESS_PUBLIC, NULL, ARM_NONE,
      "AuthorityMetadataGet", discovery_route },
    { HTTP_GET, "/{}/.well-known/openid-configuration", SHAPE_ROOT, ACCESS_PUBLIC, NULL, ARM_NONE,
      "AuthorityMetadataGet", discovery_route },
    { HTTP_GET, "/{}/discovery/v2.0/keys", SHAPE_ROOT, ACCESS_PUBLIC, NULL, ARM_NONE, "AuthorityMetadataGet",
      signing_keys_route },
    { HTTP_GET, "/{}/discovery/keys", SHAPE_ROOT, ACCESS_PUBLIC, NULL, ARM_NONE, "AuthorityMetadataGet",
      signing_keys_route },
    { HTTP_POST, "/{}/oauth2/v2.0/token", SHAPE_ROOT, ACCESS_PUBLIC, NULL, ARM_NONE, "Authentication", token_v2_route },
    { HTTP_POST, "/{}/oauth2/token", SHAPE_ROOT, ACCESS_PUBLIC, NULL, ARM_NONE, "Authentication", token_v1_route },
};
const size_t login_endpoint_count = ARRAY_LEN(login_endpoints);
