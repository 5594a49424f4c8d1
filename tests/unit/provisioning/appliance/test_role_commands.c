/* provisioning/appliance/role_commands.c and scope_commands.c, on a store of their own. */
#include "firmware/base/guid.h"
#include "tests/unit/harness.h"
#include "tests/unit/provisioning/session.h"

#define SUBSCRIPTION "dddddddd-0000-4000-8000-000000000001"
#define PRINCIPAL    "eeeeeeee-0000-4000-8000-000000000001"
#define OTHER        "eeeeeeee-0000-4000-8000-000000000002"
#define SCOPE        "/subscriptions/" SUBSCRIPTION

static struct said said;
static const char *config;

static int set_up(void)
{
    config = session_config("site");
    return 0;
}

static void subscription_made(void)
{
    CU_ASSERT_EQUAL(RUN(&said, "subscription", "create", "--config", config, "--id", SUBSCRIPTION, "--name", "Main"),
                    EXIT_DONE);
    CU_ASSERT(says(said.out, SUBSCRIPTION));
    CU_ASSERT_EQUAL(RUN(&said, "subscription", "list", "--config", config, "--json"), EXIT_DONE);
    CU_ASSERT(says(said.out, "\"displayName\":\"Main\""));
}

static void subscription_again(void)
{
    CU_ASSERT_EQUAL(RUN(&said, "subscription", "create", "--config", config, "--id", SUBSCRIPTION, "--name", "Main"),
                    EXIT_DONE);
    CU_ASSERT_EQUAL(RUN(&said, "subscription", "create", "--config", config, "--id", SUBSCRIPTION, "--name", "Else"),
                    EXIT_REFUSED);
    CU_ASSERT(says(said.err, SUBSCRIPTION));
    CU_ASSERT_EQUAL(RUN(&said, "subscription", "create", "--config", config, "--id", "x", "--name", "Main"),
                    EXIT_USAGE);
    CU_ASSERT_EQUAL(RUN(&said, "subscription", "create", "--config", config, "--name", ""), EXIT_USAGE);
}

static void group_made(void)
{
    CU_ASSERT_EQUAL(RUN(&said, "group", "create", "--config", config, "--subscription", SUBSCRIPTION, "--name", "Demo"),
                    EXIT_DONE);
    CU_ASSERT(says(said.out, SCOPE "/resourceGroups/Demo"));
    CU_ASSERT_EQUAL(RUN(&said, "group", "create", "--config", config, "--subscription", SUBSCRIPTION, "--name", "demo"),
                    EXIT_DONE);
    CU_ASSERT(says(said.out, SCOPE "/resourceGroups/Demo"));
    CU_ASSERT_EQUAL(RUN(&said, "group", "list", "--config", config, "--subscription", SUBSCRIPTION), EXIT_DONE);
    CU_ASSERT(says(said.out, "Demo"));
}

static void group_refused(void)
{
    CU_ASSERT_EQUAL(RUN(&said, "group", "create", "--config", config, "--subscription", OTHER, "--name", "Demo"),
                    EXIT_REFUSED);
    CU_ASSERT_EQUAL(RUN(&said, "group", "create", "--config", config, "--subscription", SUBSCRIPTION, "--name", "a/b"),
                    EXIT_USAGE);
    CU_ASSERT_EQUAL(RUN(&said, "group", "create", "--config", config, "--subscription", SUBSCRIPTION, "--name", ""),
                    EXIT_USAGE);
}

static void role_given(void)
{
    CU_ASSERT_EQUAL(RUN(&said, "role", "assign", "--config", config, "--principal", PRINCIPAL, "--role", "owner",
                        "--scope", SCOPE, "--description", "first"),
                    EXIT_DONE);
    CU_ASSERT_EQUAL(strlen(said.out), GUID_LEN + 1);
    CU_ASSERT_EQUAL(RUN(&said, "role", "list", "--config", config), EXIT_DONE);
    CU_ASSERT(says(said.out, PRINCIPAL) && says(said.out, "Owner") && says(said.out, SCOPE));
}

static void role_again(void)
{
    size_t lines = 0;

    CU_ASSERT_EQUAL(
        RUN(&said, "role", "assign", "--config", config, "--principal", PRINCIPAL, "--role", "Owner", "--scope", SCOPE),
        EXIT_DONE);
    CU_ASSERT_EQUAL(RUN(&said, "role", "list", "--config", config), EXIT_DONE);
    for (const char *p = said.out; *p != '\0'; p++)
        lines += *p == '\n';
    CU_ASSERT_EQUAL(lines, 1);
}

static void role_refused(void)
{
    CU_ASSERT_EQUAL(
        RUN(&said, "role", "assign", "--config", config, "--principal", PRINCIPAL, "--role", "King", "--scope", SCOPE),
        EXIT_USAGE);
    CU_ASSERT(says(said.err, "King"));
    CU_ASSERT_EQUAL(
        RUN(&said, "role", "assign", "--config", config, "--principal", "me", "--role", "Owner", "--scope", SCOPE),
        EXIT_USAGE);
    CU_ASSERT_EQUAL(RUN(&said, "role", "assign", "--config", config, "--principal", PRINCIPAL, "--role", "Owner",
                        "--scope", "/subscriptions/" OTHER),
                    EXIT_REFUSED);
    CU_ASSERT_EQUAL(RUN(&said, "role", "assign", "--config", config, "--principal", PRINCIPAL, "--role", "Owner",
                        "--scope", "nowhere"),
                    EXIT_REFUSED);
    CU_ASSERT_EQUAL(RUN(&said, "role", "assign", "--config", config, "--principal", PRINCIPAL, "--role", "Owner",
                        "--scope", SCOPE, "--type", "Robot"),
                    EXIT_USAGE);
}

static void listed_by_principal(void)
{
    CU_ASSERT_EQUAL(RUN(&said, "role", "list", "--config", config, "--principal", OTHER), EXIT_DONE);
    CU_ASSERT_STRING_EQUAL(said.out, "");
    CU_ASSERT_EQUAL(RUN(&said, "role", "list", "--config", config, "--principal", PRINCIPAL, "--json"), EXIT_DONE);
    CU_ASSERT(says(said.out, "\"role\":\"Owner\"") && says(said.out, "\"principalType\":\"ServicePrincipal\""));
    CU_ASSERT_EQUAL(RUN(&said, "role", "list", "--config", config, "--principal", "x"), EXIT_USAGE);
}

static void role_removed(void)
{
    char id[GUID_LEN + 1];

    CU_ASSERT_EQUAL(RUN(&said, "role", "list", "--config", config), EXIT_DONE);
    CU_ASSERT_FATAL(strlen(said.out) > GUID_LEN);
    snprintf(id, sizeof id, "%s", said.out);
    CU_ASSERT_EQUAL(RUN(&said, "role", "remove", "--config", config, "--id", id), EXIT_DONE);
    CU_ASSERT_EQUAL(RUN(&said, "role", "remove", "--config", config, "--id", id), EXIT_REFUSED);
    CU_ASSERT(says(said.err, id));
    CU_ASSERT_EQUAL(RUN(&said, "role", "list", "--config", config), EXIT_DONE);
    CU_ASSERT_STRING_EQUAL(said.out, "");
}

static void group_removed(void)
{
    CU_ASSERT_EQUAL(RUN(&said, "group", "delete", "--config", config, "--subscription", SUBSCRIPTION, "--name", "DEMO"),
                    EXIT_DONE);
    CU_ASSERT_EQUAL(RUN(&said, "group", "delete", "--config", config, "--subscription", SUBSCRIPTION, "--name", "DEMO"),
                    EXIT_REFUSED);
}

static void definitions(void)
{
    CU_ASSERT_EQUAL(RUN(&said, "role", "definitions"), EXIT_DONE);
    CU_ASSERT(says(said.out, "8e3af657-a8ff-443c-a75c-2fe8c4bcb635  Owner"));
    CU_ASSERT_EQUAL(RUN(&said, "role", "definitions", "--json"), EXIT_DONE);
    CU_ASSERT(says(said.out, "\"name\":\"Key Vault Crypto Officer\""));
}

int main(void)
{
    static CU_TestInfo cases[] = {
        { "a subscription is made and listed", subscription_made },
        { "the same subscription again is no error, another name or a bad id is", subscription_again },
        { "a resource group is made, found in any case, listed", group_made },
        { "a group needs its subscription and a good name", group_refused },
        { "a role is given by its name in any case", role_given },
        { "the same assignment again is no error and makes none", role_again },
        { "unknown roles, scopes, principals and types are refused", role_refused },
        { "assignments are listed by principal, as text and JSON", listed_by_principal },
        { "an assignment is removed once", role_removed },
        { "a resource group is removed once", group_removed },
        { "the built-in roles are listed without a configuration", definitions },
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = { { "role_commands", set_up, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };
    int code = run_suites(suites);

    said_clear(&said);
    return code;
}
