#include "tests/unit/service/policy/people.h"

#define SUBSCRIPTION "/subscriptions/11111111-0000-4000-8000-000000000001"
#define GROUP        SUBSCRIPTION "/resourceGroups/rg"
#define VAULT        GROUP "/providers/Microsoft.KeyVault/vaults/kv1"
#define OTHER_VAULT  GROUP "/providers/Microsoft.KeyVault/vaults/kv10"
#define DATA(rest)   "Microsoft.KeyVault/vaults/" rest
#define KV(rest)     "Microsoft.KeyVault/" rest
#define AUTH(rest)   "Microsoft.Authorization/" rest

static struct role_assignment assign(const char *who, const char *role, const char *scope)
{
    struct role_assignment a = { .principal_id = id_of(who), .scope = scope };

    CU_ASSERT_TRUE_FATAL(role_by_name(span_text(role), &a.role_id));
    return a;
}

static bool data(struct role_assignment a, struct principal who, const char *action, const char *scope)
{
    return policy_data_allows(&a, 1, &who, action, scope);
}

static bool control(struct role_assignment a, struct principal who, const char *action, const char *scope)
{
    return policy_control_allows(&a, 1, &who, action, scope);
}

/* The catalogue of data actions, and which role holds which: a letter per role in the columns below. */
static const char *const columns = "ARcuOUESsLPNDWCYX"; /* see letter_role() */

static const char *letter_role(char letter)
{
    switch (letter) {
    case 'A':
        return "Key Vault Administrator";
    case 'R':
        return "Key Vault Reader";
    case 'c':
        return "Key Vault Certificates Officer";
    case 'u':
        return "Key Vault Certificate User";
    case 'O':
        return "Key Vault Crypto Officer";
    case 'U':
        return "Key Vault Crypto User";
    case 'E':
        return "Key Vault Crypto Service Encryption User";
    case 'L':
        return "Key Vault Crypto Service Release User";
    case 'S':
        return "Key Vault Secrets Officer";
    case 's':
        return "Key Vault Secrets User";
    case 'P':
        return "Key Vault Purge Operator";
    case 'N':
        return "Key Vault Contributor";
    case 'D':
        return "Key Vault Data Access Administrator";
    case 'W':
        return "Owner";
    case 'C':
        return "Contributor";
    case 'Y':
        return "Reader";
    default:
        return "User Access Administrator";
    }
}

static const struct {
    const char *action, *roles;
} data_table[] = {
    { DATA("keys/read"), "ARuOUE" },
    { DATA("keys/create/action"), "AO" },
    { DATA("keys/import/action"), "AO" },
    { DATA("keys/update/action"), "AOU" },
    { DATA("keys/delete"), "AO" },
    { DATA("keys/recover/action"), "AO" },
    { DATA("keys/purge/action"), "AO" },
    { DATA("keys/backup/action"), "AOU" },
    { DATA("keys/restore/action"), "AO" },
    { DATA("keys/encrypt/action"), "AOU" },
    { DATA("keys/decrypt/action"), "AOU" },
    { DATA("keys/wrap/action"), "AOUE" },
    { DATA("keys/unwrap/action"), "AOUE" },
    { DATA("keys/sign/action"), "AOU" },
    { DATA("keys/verify/action"), "AOU" },
    { DATA("keys/release/action"), "AOL" },
    { DATA("keys/rotate/action"), "AO" },
    { DATA("keyrotationpolicies/read"), "ARO" },
    { DATA("keyrotationpolicies/write"), "AO" },
    { DATA("secrets/setSecret/action"), "AS" },
    { DATA("secrets/getSecret/action"), "AuSs" },
    { DATA("secrets/readMetadata/action"), "ARuSs" },
    { DATA("secrets/update/action"), "AS" },
    { DATA("secrets/delete"), "AS" },
    { DATA("secrets/purge/action"), "AS" },
    { DATA("certificates/read"), "ARcu" },
    { DATA("certificates/create/action"), "Ac" },
    { DATA("certificates/import/action"), "Ac" },
    { DATA("certificates/delete"), "Ac" },
    { DATA("certificatecas/read"), "ARc" },
    { DATA("certificatecas/write"), "Ac" },
    { DATA("certificatecontacts/write"), "Ac" },
};

static void data_actions(void)
{
    struct principal alice = person(PRINCIPAL_APPLICATION, ALICE, PORTAL);

    for (size_t i = 0; i < ARRAY_LEN(data_table); i++)
        for (const char *c = columns; *c != '\0'; c++) {
            bool expected = strchr(data_table[i].roles, *c) != NULL;

            if (data(assign(ALICE, letter_role(*c), VAULT), alice, data_table[i].action, VAULT) != expected) {
                printf("\n%s: %s", letter_role(*c), data_table[i].action);
                CU_FAIL("a data action differs");
            }
            /* A data action is never a control action of a data role. */
            if (strchr("ARcuOUESsL", *c) != NULL && strstr(data_table[i].action, "/action") != NULL)
                CU_ASSERT_FALSE(control(assign(ALICE, letter_role(*c), VAULT), alice, data_table[i].action, VAULT));
        }
}

static const struct {
    const char *action, *roles;
} control_table[] = {
    { KV("vaults/read"), "ARcOSNDWCYX" },
    { KV("vaults/write"), "NWC" },
    { KV("vaults/delete"), "NWC" },
    { KV("vaults/deploy/action"), "NWC" },
    { KV("vaults/accessPolicies/write"), "NWC" },
    { KV("vaults/secrets/write"), "NWC" },
    { KV("deletedVaults/read"), "ARcOSPNDWCYX" },
    { KV("locations/deletedVaults/read"), "ARcOSPNDWCYX" },
    { KV("locations/deletedVaults/purge/action"), "PWC" },
    { KV("managedHSMs/write"), "WC" }, /* Contributor of Key Vault: not, in whatever case it is written */
    { KV("checkNameAvailability/read"), "ARcOSNDWCYX" },
    { AUTH("roleAssignments/read"), "ARcOSPNDWCYX" },
    { AUTH("roleAssignments/write"), "WX" }, /* Data Access Administrator: only when asked with the role */
    { AUTH("roleAssignments/delete"), "WX" },
    { AUTH("ROLEASSIGNMENTS/WRITE"), "WX" },
    { AUTH("roleDefinitions/write"), "WX" },
    { AUTH("elevateAccess/action"), "WX" },
    { "Microsoft.Compute/virtualMachines/read", "WCYX" },
    { "Microsoft.Compute/virtualMachines/write", "WC" },
    { "Microsoft.Resources/subscriptions/resourceGroups/read", "ARcOSPNDWCYX" },
    { "Microsoft.Resources/subscriptions/resourceGroups/write", "WC" },
};

static void control_actions(void)
{
    struct principal alice = person(PRINCIPAL_USER, ALICE, PORTAL);

    for (size_t i = 0; i < ARRAY_LEN(control_table); i++)
        for (const char *c = columns; *c != '\0'; c++) {
            bool expected = strchr(control_table[i].roles, *c) != NULL;

            if (control(assign(ALICE, letter_role(*c), "/"), alice, control_table[i].action, VAULT) != expected) {
                printf("\n%s: %s", letter_role(*c), control_table[i].action);
                CU_FAIL("a control action differs");
            }
        }
}

static bool may_assign(const char *own_role, const char *action, const char *assigned)
{
    struct role_assignment a = assign(ALICE, own_role, VAULT), other = assign(BOB, assigned, VAULT);
    struct principal alice = person(PRINCIPAL_USER, ALICE, PORTAL);

    return policy_assignment_allows(&a, 1, &alice, action, VAULT, &other.role_id);
}

static void limited_assigning(void)
{
    struct role_assignment a = assign(ALICE, "Owner", "/");
    struct principal alice = person(PRINCIPAL_USER, ALICE, PORTAL);
    struct guid unknown = id_of(BOB), reader = { 0 };

    CU_ASSERT_TRUE(
        may_assign("Key Vault Data Access Administrator", AUTH("roleAssignments/write"), "Key Vault Reader"));
    CU_ASSERT_TRUE(
        may_assign("Key Vault Data Access Administrator", AUTH("roleAssignments/delete"), "Key Vault Secrets User"));
    CU_ASSERT_FALSE(may_assign("Key Vault Data Access Administrator", AUTH("roleAssignments/write"), "Owner"));
    CU_ASSERT_FALSE(may_assign("Key Vault Data Access Administrator", AUTH("roleAssignments/write"),
                               "Key Vault Data Access Administrator"));
    CU_ASSERT_FALSE(may_assign("Key Vault Data Access Administrator", AUTH("roleAssignments/delete"), "Contributor"));
    CU_ASSERT_TRUE(may_assign("Owner", AUTH("roleAssignments/write"), "Owner"));
    CU_ASSERT_TRUE(may_assign("User Access Administrator", AUTH("roleAssignments/write"), "Owner"));
    CU_ASSERT_FALSE(may_assign("Contributor", AUTH("roleAssignments/write"), "Key Vault Reader"));
    CU_ASSERT_FALSE(may_assign("Key Vault Contributor", AUTH("roleAssignments/write"), "Key Vault Reader"));
    CU_ASSERT_FALSE(may_assign("Key Vault Administrator", AUTH("roleAssignments/delete"), "Key Vault Reader"));
    CU_ASSERT_FALSE(may_assign("Owner", AUTH("roleAssignments/read"), "Owner")); /* nothing to do with a role */
    CU_ASSERT_FALSE(policy_assignment_allows(&a, 1, &alice, AUTH("roleAssignments/write"), VAULT, &unknown));
    CU_ASSERT_TRUE(role_by_name(span_text("Reader"), &reader));
    CU_ASSERT_TRUE(policy_assignment_allows(&a, 1, &alice, AUTH("roleAssignments/write"), VAULT, &reader));
}

static const struct {
    const char *assigned, *asked;
    bool granted;
} scope_table[] = {
    { "/", VAULT, true },
    { SUBSCRIPTION, VAULT, true },
    { GROUP, VAULT, true },
    { VAULT, VAULT, true },
    { VAULT, VAULT "/keys/k1", true },
    { VAULT "/keys/k1", VAULT "/keys/K1", true },
    { VAULT "/keys/k1", VAULT "/keys/k2", false },
    { VAULT "/keys/k1", VAULT "/secrets/k1", false },
    { VAULT "/keys/k1", VAULT, false }, /* so no lists */
    { VAULT, OTHER_VAULT, false },
    { OTHER_VAULT, VAULT, false },
    { "/subscriptions/11111111-0000-4000-8000-000000000002", VAULT, false }, /* another tenant's */
    { "", VAULT, false },
    { NULL, VAULT, false },
};

static void scopes(void)
{
    struct principal alice = person(PRINCIPAL_APPLICATION, ALICE, PORTAL);

    for (size_t i = 0; i < ARRAY_LEN(scope_table); i++) {
        struct role_assignment a = assign(ALICE, "Key Vault Crypto User", scope_table[i].assigned);

        if (data(a, alice, DATA("keys/sign/action"), scope_table[i].asked) != scope_table[i].granted) {
            printf("\n%s at %s", scope_table[i].assigned, scope_table[i].asked);
            CU_FAIL("a scope differs");
        }
    }
}

static void principals(void)
{
    struct principal alice = person(PRINCIPAL_APPLICATION, ALICE, PORTAL), bob = person(PRINCIPAL_USER, BOB, PORTAL);
    struct principal both = person(PRINCIPAL_APPLICATION_USER, ALICE, PORTAL);
    struct role_assignment hers = assign(ALICE, "Key Vault Administrator", VAULT);
    struct role_assignment group = assign(SIGNERS, "Key Vault Administrator", VAULT);
    struct role_assignment application = assign(PORTAL, "Key Vault Administrator", VAULT);
    struct role_assignment owner = assign(ALICE, "Owner", "/");

    CU_ASSERT_TRUE(data(hers, alice, DATA("keys/read"), VAULT));
    CU_ASSERT_FALSE(data(hers, bob, DATA("keys/read"), VAULT));
    CU_ASSERT_FALSE(data(group, bob, DATA("keys/read"), VAULT));
    CU_ASSERT_TRUE(data(group, member_of(bob, SIGNERS), DATA("keys/read"), VAULT));
    CU_ASSERT_FALSE(data(group, member_of(bob, READERS), DATA("keys/read"), VAULT));
    CU_ASSERT_FALSE(data(application, alice, DATA("keys/read"), VAULT)); /* the application id is not the principal */
    CU_ASSERT_FALSE(data(hers, both, DATA("keys/read"), VAULT));
    CU_ASSERT_FALSE(data(group, member_of(both, SIGNERS), DATA("keys/read"), VAULT));
    CU_ASSERT_FALSE(control(owner, both, KV("vaults/read"), VAULT));
    CU_ASSERT_TRUE(control(owner, alice, KV("vaults/read"), VAULT));
    CU_ASSERT_FALSE(control(owner, bob, KV("vaults/read"), VAULT));
}

static void several(void)
{
    struct principal alice = person(PRINCIPAL_APPLICATION, ALICE, PORTAL);
    struct role_assignment a[3] = { assign(BOB, "Owner", "/"), assign(ALICE, "Key Vault Secrets User", VAULT),
                                    assign(ALICE, "Key Vault Crypto User", VAULT "/keys/k1") };
    struct role_assignment gone = a[1];

    CU_ASSERT_TRUE(policy_data_allows(a, 3, &alice, DATA("secrets/getSecret/action"), VAULT "/secrets/s"));
    CU_ASSERT_TRUE(policy_data_allows(a, 3, &alice, DATA("keys/sign/action"), VAULT "/keys/k1"));
    CU_ASSERT_FALSE(policy_data_allows(a, 3, &alice, DATA("keys/sign/action"), VAULT "/keys/k2"));
    CU_ASSERT_FALSE(policy_data_allows(a, 3, &alice, DATA("secrets/setSecret/action"), VAULT "/secrets/s"));
    CU_ASSERT_FALSE(policy_control_allows(a, 3, &alice, KV("vaults/write"), VAULT));
    CU_ASSERT_FALSE(policy_data_allows(NULL, 0, &alice, DATA("keys/read"), VAULT)); /* the role removed a second ago */
    gone.role_id = id_of(BOB);
    CU_ASSERT_FALSE(policy_data_allows(&gone, 1, &alice, DATA("secrets/getSecret/action"), VAULT)); /* unknown role */
    /* One role's notActions take nothing from another's actions. */
    a[0] = assign(ALICE, "Contributor", "/");
    a[1] = assign(ALICE, "User Access Administrator", "/");
    CU_ASSERT_TRUE(policy_control_allows(a, 2, &alice, AUTH("roleAssignments/write"), VAULT));
    CU_ASSERT_FALSE(policy_control_allows(a, 1, &alice, AUTH("roleAssignments/write"), VAULT));
}

static void key_actions(void)
{
    static const struct {
        enum key_permission permission;
        const char *action;
    } table[] = {
        { KEY_PERMISSION_GET, DATA("keys/read") },
        { KEY_PERMISSION_LIST, DATA("keys/read") },
        { KEY_PERMISSION_DELETE, DATA("keys/delete") },
        { KEY_PERMISSION_WRAP_KEY, DATA("keys/wrap/action") },
        { KEY_PERMISSION_UNWRAP_KEY, DATA("keys/unwrap/action") },
        { KEY_PERMISSION_SIGN, DATA("keys/sign/action") },
        { KEY_PERMISSION_GET_ROTATION_POLICY, DATA("keyrotationpolicies/read") },
        { KEY_PERMISSION_SET_ROTATION_POLICY, DATA("keyrotationpolicies/write") },
    };

    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        CU_ASSERT_STRING_EQUAL(policy_key_data_action(table[i].permission), table[i].action);
    for (unsigned p = 0; p < KEY_PERMISSION_COUNT; p++) {
        bool known = false;

        for (size_t i = 0; i < ARRAY_LEN(data_table); i++)
            known |= strcmp(policy_key_data_action(p), data_table[i].action) == 0;
        CU_ASSERT_TRUE(known);
    }
}

static CU_TestInfo cases[] = {
    { "each role holds exactly its documented data actions", data_actions },
    { "each role holds exactly its documented control actions", control_actions },
    { "a Data Access Administrator assigns the eight vault roles only", limited_assigning },
    { "an assignment holds at its scope and below", scopes },
    { "an assignment holds for its principal and members, never for a compound identity", principals },
    { "assignments add up, unknown roles add nothing", several },
    { "every key permission has its data action", key_actions },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { .pName = "role assignments", .pTests = cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
