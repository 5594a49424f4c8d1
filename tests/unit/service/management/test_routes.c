#include "tests/unit/service/management/fixture.h"

#define NEW    "?api-version=2026-02-01"
#define OLD    "?api-version=2023-02-01"
#define ARM    "?api-version=2021-04-01"
#define RBAC   "?api-version=2022-04-01"
#define DEMO   VAULT "demo"
#define READER "21090545-7ca7-4776-b22c-e363652d74d2"
#define BODY                                                                                                           \
    "{\"location\":\"local\",\"properties\":{\"tenantId\":\"" TENANT                                                   \
    "\",\"sku\":{\"family\":\"A\",\"name\":\"Standard\"},\"accessPolicies\":[]}}"

static struct plane plane;
#define f (&plane)

static void set_up(void)
{
    plane_open(f);
}

static void tear_down(void)
{
    plane_close(f);
}

#define ANSWERS(asked, code_)                                                                                          \
    do {                                                                                                               \
        const struct answer *answer_ = asked;                                                                          \
                                                                                                                       \
        if (answer_->status != (code_))                                                                                \
            printf("\n%d: %u %s\n", __LINE__, answer_->status, bytes_text(&answer_->body));                            \
        CU_ASSERT_EQUAL(answer_->status, (code_));                                                                     \
    } while (0)
#define REFUSES(asked, status_, code_)                                                                                 \
    do {                                                                                                               \
        const struct answer *refused_ = asked;                                                                         \
                                                                                                                       \
        ANSWERS(refused_, status_);                                                                                    \
        CU_ASSERT_STRING_EQUAL(answer_code(refused_), code_);                                                          \
    } while (0)

static void host_names(void)
{
    static const char *const foreign[] = {
        "127.0.0.1:8444",
        "[::1]:8444",
        "localhost:8444",
        "evil.example",
        "management.localhost:8443",
        "vault.localhost:8444",
        "management.localhost.:8444",
        "",
    };

    for (size_t i = 0; i < ARRAY_LEN(foreign); i++)
        ANSWERS(ask_at(f, foreign[i], OWNER, "GET", "/subscriptions" ARM, NULL), 421);
    ANSWERS(ask_at(f, "MANAGEMENT.LocalHost:8444", OWNER, "GET", "/subscriptions" ARM, NULL), 200);
    ANSWERS(ask_at(f, "management.localhost", OWNER, "GET", "/subscriptions" ARM, NULL), 200);
    REFUSES(ask_at(f, "login.localhost:8444", OWNER, "GET", "/subscriptions" ARM, NULL), 404, "NotFound");
    REFUSES(ask(f, OWNER, "GET", "/adfs/.well-known/openid-configuration", NULL), 404, "NotFound");
}

static void the_token_comes_first(void)
{
    struct bytes token = { 0 }, header = { 0 };
    const struct answer *a = ask(f, NULL, "PUT", DEMO NEW, NULL);

    CU_ASSERT_EQUAL(a->status, 401);
    CU_ASSERT_STRING_EQUAL(answer_code(a), "AuthenticationFailed");
    CU_ASSERT_STRING_EQUAL(a->www_authenticate, "Bearer authorization_uri=\"https://login.localhost:8444/" TENANT "\"");
    ANSWERS(ask(f, NULL, "GET", DEMO, NULL), 401); /* before the api-version */
    ANSWERS(ask_with(f, "Bearer x.y.z", DEMO NEW), 401);
    ANSWERS(ask_with(f, "Basic abc", DEMO NEW), 401);
    plane_token(f, OWNER, "https://vault.localhost:8443", &token); /* of the data plane */
    bytes_printf(&header, "Bearer %s", bytes_text(&token));
    ANSWERS(ask_with(f, bytes_text(&header), DEMO NEW), 401);
    plane_token(f, OWNER, "https://" MANAGEMENT "/", &token);
    bytes_reset(&header);
    bytes_printf(&header, "bearer %s", bytes_text(&token));
    ANSWERS(ask_with(f, bytes_text(&header), SUB ARM), 200);
    bytes_clear(&token);
    bytes_clear(&header);
}

/* Whoever has no role learns nothing: the same answer for what is there and for what is not. */
static void not_yours_is_not_there(void)
{
    static const char *const here[] = { DEMO NEW, ROOMS ARM, SUB ARM,
                                        ROOMS "/providers/Microsoft.KeyVault/vaults" NEW };
    static const char *const nowhere[] = { VAULT "none" NEW, SUB "/resourceGroups/none" ARM,
                                           "/subscriptions/" TENANT ARM,
                                           SUB "/resourceGroups/none/providers/Microsoft.KeyVault/vaults" NEW };

    ANSWERS(ask(f, OWNER, "PUT", DEMO NEW, BODY), 200);
    for (size_t i = 0; i < ARRAY_LEN(here); i++) {
        REFUSES(ask(f, NOBODY, "GET", here[i], NULL), 403, "AuthorizationFailed");
        REFUSES(ask(f, NOBODY, "GET", nowhere[i], NULL), 403, "AuthorizationFailed");
    }
    REFUSES(ask(f, NOBODY, "PUT", DEMO NEW, BODY), 403, "AuthorizationFailed");
    REFUSES(ask(f, NOBODY, "PUT", DEMO, "rubbish"), 403, "AuthorizationFailed"); /* before version and body */
    REFUSES(ask(f, OWNER, "GET", "/subscriptions/" ELSEWHERE "/resourceGroups/Rooms" ARM, NULL), 403,
            "AuthorizationFailed");
    CU_ASSERT_TRUE(answer_has(ask(f, NOBODY, "GET", "/subscriptions" ARM, NULL), "{\"value\":[]}"));
    plane_assign(f, NOBODY, "Key Vault Reader", DEMO);
    ANSWERS(ask(f, NOBODY, "GET", DEMO NEW, NULL), 200);
    REFUSES(ask(f, NOBODY, "PUT", DEMO NEW, BODY), 403, "AuthorizationFailed");
    REFUSES(ask(f, NOBODY, "GET", VAULT "none" NEW, NULL), 403, "AuthorizationFailed");
}

static void versions(void)
{
    REFUSES(ask(f, OWNER, "GET", DEMO, NULL), 400, "MissingApiVersionParameter");
    REFUSES(ask(f, OWNER, "GET", DEMO "?api-version=2014-01-01", NULL), 400, "InvalidApiVersionParameter");
    CU_ASSERT_TRUE(answer_has(ask(f, OWNER, "GET", DEMO "?api-version=x", NULL), "2026-02-01"));
    ANSWERS(ask(f, OWNER, "GET", DEMO "?api%2Dversion=2026-02-01", NULL), 404);
    REFUSES(ask(f, OWNER, "GET", DEMO NEW "&surprise=1", NULL), 400, "InvalidQueryParameter");
    REFUSES(ask(f, OWNER, "GET", DEMO NEW "&api-version=2023-02-01", NULL), 400, "BadParameter");
    REFUSES(ask(f, OWNER, "GET", "/subscriptions/nonsense" ARM, NULL), 403, "AuthorizationFailed");
}

static void methods(void)
{
    const struct answer *a = ask(f, NULL, "POST", DEMO NEW, NULL);

    CU_ASSERT_EQUAL(a->status, 405);
    CU_ASSERT_STRING_EQUAL(a->allow, "PUT, PATCH, GET, DELETE");
    REFUSES(ask(f, NULL, "GET", "/nothing", NULL), 404, "NotFound");
    REFUSES(ask(f, NULL, "GET", SUB "/..%2f..", NULL), 400, "BadParameter");
}

static void a_vaults_life(void)
{
    static const char deleted[] = SUB "/providers/Microsoft.KeyVault/locations/local/deletedVaults/demo";
    const struct answer *a;

    REFUSES(ask(f, OWNER, "GET", DEMO NEW, NULL), 404, "ResourceNotFound");
    ANSWERS(ask(f, OWNER, "DELETE", DEMO NEW, NULL), 204);
    a = ask(f, OWNER, "PUT", DEMO NEW, BODY);
    CU_ASSERT_EQUAL(a->status, 200);
    CU_ASSERT_TRUE(answer_has(a, "\"id\":\"" DEMO "\",\"name\":\"demo\",\"type\":\"Microsoft.KeyVault/vaults\","
                                 "\"location\":\"local\",\"tags\":{}"));
    CU_ASSERT_TRUE(answer_has(a, "\"sku\":{\"family\":\"A\",\"name\":\"standard\"}"));
    CU_ASSERT_TRUE(answer_has(a, "\"enableRbacAuthorization\":true"));
    CU_ASSERT_TRUE(answer_has(a, "\"vaultUri\":\"https://demo.vault.localhost:8443/\""));
    CU_ASSERT_TRUE(answer_has(a, "\"provisioningState\":\"Succeeded\""));
    CU_ASSERT_TRUE(answer_has(a, "\"createdByType\":\"Application\""));
    CU_ASSERT_TRUE(answer_has(ask(f, OWNER, "PUT", VAULT "older" OLD, BODY), "\"enableRbacAuthorization\":false"));
    a = ask(f, OWNER, "PATCH", DEMO NEW, "{\"tags\":{\"a\":\"b\"},\"properties\":{\"sku\":{\"name\":\"PREMIUM\"}}}");
    CU_ASSERT_TRUE(answer_has(a, "\"tags\":{\"a\":\"b\"}"));
    CU_ASSERT_TRUE(answer_has(a, "\"name\":\"premium\""));
    ANSWERS(ask(f, OWNER, "GET",
                "//SUBSCRIPTIONS/" SUBSCRIPTION "/resourcegroups/ROOMS/providers/microsoft.keyvault/VAULTS/DEMO" NEW,
                NULL),
            200);
    REFUSES(ask(f, OWNER, "GET", deleted, NULL), 400, "MissingApiVersionParameter");
    REFUSES(ask(f, OWNER, "GET", SUB "/providers/Microsoft.KeyVault/locations/local/deletedVaults/demo" NEW, NULL), 404,
            "DeletedVaultNotFound");
    ANSWERS(ask(f, OWNER, "DELETE", DEMO NEW, NULL), 200);
    REFUSES(ask(f, OWNER, "GET", DEMO NEW, NULL), 404, "ResourceNotFound");
    a = ask(f, OWNER, "GET", SUB "/providers/Microsoft.KeyVault/locations/local/deletedVaults/demo" NEW, NULL);
    CU_ASSERT_EQUAL(a->status, 200);
    CU_ASSERT_TRUE(answer_has(a, "\"vaultId\":\"" DEMO "\",\"location\":\"local\",\"tags\":{\"a\":\"b\"},"));
    CU_ASSERT_TRUE(
        answer_has(ask(f, OWNER, "GET", SUB "/providers/Microsoft.KeyVault/deletedVaults" NEW, NULL), deleted));
    REFUSES(ask(f, OWNER, "PUT", DEMO NEW, BODY), 409, "VaultAlreadyExists");
    ANSWERS(ask(f, OWNER, "PUT", DEMO NEW,
                "{\"location\":\"local\",\"properties\":{\"createMode\":\"recover\",\"tenantId\":\"" TENANT "\"}}"),
            200);
    ANSWERS(ask(f, OWNER, "DELETE", DEMO NEW, NULL), 200);
    ANSWERS(
        ask(f, OWNER, "POST", SUB "/providers/Microsoft.KeyVault/locations/Local/deletedVaults/demo/purge" NEW, NULL),
        200);
    REFUSES(
        ask(f, OWNER, "POST", SUB "/providers/Microsoft.KeyVault/locations/local/deletedVaults/demo/purge" NEW, NULL),
        404, "DeletedVaultNotFound");
}

static void bad_bodies(void)
{
    static const struct {
        const char *properties, *code;
    } bad[] = {
        { "\"sku\":{\"family\":\"B\",\"name\":\"standard\"}", "SkuNotSupported" },
        { "\"sku\":{\"family\":\"A\",\"name\":\"gold\"}", "SkuNotSupported" },
        { "\"sku\":\"standard\"", "BadRequest" },
        { "\"tenantId\":\"x\"", "BadRequest" },
        { "\"tenantId\":\"" SUBSCRIPTION "\"", "BadRequest" },
        { "\"enabledForDeployment\":\"yes\"", "BadRequest" },
        { "\"enableSoftDelete\":false", "BadRequest" },
        { "\"softDeleteRetentionInDays\":7.5", "BadRequest" },
        { "\"softDeleteRetentionInDays\":5", "BadRequest" },
        { "\"createMode\":\"again\"", "BadRequest" },
        { "\"publicNetworkAccess\":\"Sometimes\"", "BadRequest" },
        { "\"networkAcls\":{\"bypass\":\"Everyone\"}", "BadRequest" },
        { "\"networkAcls\":{\"ipRules\":[{\"value\":\"1.2.3\"}]}", "BadRequest" },
        { "\"networkAcls\":{\"ipRules\":[\"1.2.3.4\"]}", "BadRequest" },
        { "\"networkAcls\":{\"virtualNetworkRules\":[{}]}", "BadRequest" },
        { "\"accessPolicies\":[{}]", "BadRequest" },
        { "\"accessPolicies\":[{\"tenantId\":\"" TENANT "\",\"objectId\":\"" OWNER "\"}]", "BadRequest" },
        { "\"accessPolicies\":[{\"tenantId\":\"" TENANT "\",\"objectId\":\"" OWNER
          "\",\"permissions\":{\"keys\":[\"fly\"]}}]",
          "BadRequest" },
        { "\"accessPolicies\":[{\"tenantId\":\"" SUBSCRIPTION "\",\"objectId\":\"" OWNER
          "\",\"permissions\":{\"keys\":[\"get\"]}}]",
          "BadRequest" },
    };
    struct bytes body = { 0 };

    REFUSES(ask(f, OWNER, "PUT", DEMO NEW, NULL), 400, "BadParameter");
    REFUSES(ask(f, OWNER, "PUT", DEMO NEW, "[1]"), 400, "BadParameter");
    REFUSES(ask(f, OWNER, "PUT", DEMO NEW, "{}"), 400, "BadRequest");
    REFUSES(ask(f, OWNER, "PUT", VAULT "-demo" NEW, BODY), 400, "VaultNameNotValid");
    REFUSES(ask(f, OWNER, "PUT", SUB "/resourceGroups/none/providers/Microsoft.KeyVault/vaults/demo" NEW, BODY), 404,
            "ResourceGroupNotFound");
    ANSWERS(ask(f, OWNER, "PUT", DEMO NEW, BODY), 200);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        bytes_reset(&body);
        bytes_printf(&body, "{\"properties\":{%s}}", bad[i].properties);
        REFUSES(ask(f, OWNER, "PATCH", DEMO NEW, bytes_text(&body)), 400, bad[i].code);
    }
    REFUSES(ask(f, OWNER, "PATCH", DEMO NEW, "{\"tags\":{\"a\":1}}"), 400, "BadRequest");
    REFUSES(ask(f, OWNER, "PATCH", DEMO NEW, "{\"location\":\"moon\"}"), 400, "RegionNotSupported");
    REFUSES(ask(f, OWNER, "PATCH", VAULT "none" NEW, "{}"), 404, "ResourceNotFound");
    bytes_clear(&body);
}

static void access_policies(void)
{
    static const char entry[] =
        "{\"properties\":{\"accessPolicies\":[{\"tenantId\":\"" TENANT "\",\"objectId\":\"" OWNER
        "\",\"permissions\":{\"keys\":[\"Sign\",\"wrapkey\"],\"secrets\":[\"ALL\"]}}]}}";
    const struct answer *a;

    ANSWERS(ask(f, OWNER, "PUT", DEMO OLD, BODY), 200);
    a = ask(f, OWNER, "PUT", DEMO "/accessPolicies/add" OLD, entry);
    CU_ASSERT_EQUAL(a->status, 200);
    CU_ASSERT_TRUE(answer_has(a, "\"id\":\"" DEMO "/accessPolicies/\""));
    CU_ASSERT_TRUE(answer_has(a, "\"permissions\":{\"keys\":[\"wrapKey\",\"sign\"],\"secrets\":[\"get\",\"list\","
                                 "\"set\",\"delete\",\"backup\",\"restore\",\"recover\"],\"certificates\":[]}"));
    CU_ASSERT_TRUE(answer_has(ask(f, OWNER, "GET", DEMO OLD, NULL), "\"objectId\":\"" OWNER "\""));
    CU_ASSERT_TRUE(answer_has(ask(f, OWNER, "PUT", DEMO "/accessPolicies/remove" OLD, entry), "\"accessPolicies\":[]"));
    REFUSES(ask(f, OWNER, "PUT", DEMO "/accessPolicies/shuffle" OLD, entry), 400, "BadRequest");
    REFUSES(ask(f, OWNER, "PUT", DEMO "/accessPolicies/add" OLD, "{\"properties\":{}}"), 400, "BadRequest");
    REFUSES(ask(f, OWNER, "PUT", VAULT "none/accessPolicies/add" OLD, entry), 404, "ResourceNotFound");
}

static void lists_show_what_may_be_read(void)
{
    static const char names[] = SUB "/providers/Microsoft.KeyVault/vaults" NEW;
    const struct answer *a;
    char path[256];

    for (unsigned i = 0; i < 5; i++) {
        snprintf(path, sizeof path, VAULT "demo-%u" NEW, i);
        ANSWERS(ask(f, OWNER, "PUT", path, BODY), 200);
    }
    a = ask_at(f, "Management.LOCALHOST", OWNER, "GET", SUB "/providers/Microsoft.KeyVault/vaults" NEW "&%24top=2",
               NULL);
    CU_ASSERT_TRUE(answer_has(a, "\"name\":\"demo-1\""));
    CU_ASSERT_PTR_NULL(strstr(bytes_text(&a->body), "demo-2\""));
    CU_ASSERT_TRUE(answer_has(a, "\"nextLink\":\"https://management.localhost:8444" SUB
                                 "/providers/Microsoft.KeyVault/vaults?api-version=2026-02-01&$top=2&"
                                 "$skiptoken=ZGVtby0x\""));
    a = ask(f, OWNER, "GET", SUB "/providers/Microsoft.KeyVault/vaults" NEW "&$top=2&$skiptoken=ZGVtby0z", NULL);
    CU_ASSERT_TRUE(answer_has(a, "\"name\":\"demo-4\""));
    CU_ASSERT_PTR_NULL(strstr(bytes_text(&a->body), "nextLink"));
    REFUSES(ask(f, OWNER, "GET", SUB "/providers/Microsoft.KeyVault/vaults" NEW "&$top=0", NULL), 400, "BadRequest");
    REFUSES(ask(f, OWNER, "GET", SUB "/providers/Microsoft.KeyVault/vaults" NEW "&$skiptoken=%3D", NULL), 400,
            "BadRequest");
    plane_assign(f, NOBODY, "Key Vault Reader", VAULT "demo-3");
    a = ask(f, NOBODY, "GET", names, NULL);
    CU_ASSERT_TRUE(answer_has(a, "\"name\":\"demo-3\""));
    CU_ASSERT_PTR_NULL(strstr(bytes_text(&a->body), "\"demo-2\""));
    a = ask(f, OWNER, "GET",
            SUB
            "/resources?$filter=resourceType%20eq%20%27Microsoft.KeyVault/vaults%27%20and%20name%20eq%20%27DEMO-2%27"
            "&api-version=2015-11-01",
            NULL);
    CU_ASSERT_TRUE(answer_has(a, "{\"value\":[{\"id\":\"" VAULT "demo-2\",\"name\":\"demo-2\",\"type\":\"Microsoft."
                                 "KeyVault/vaults\",\"location\":\"local\",\"tags\":{}}]}"));
    CU_ASSERT_TRUE(answer_has(ask(f, OWNER, "GET",
                                  SUB "/resources?$filter=resourceType+eq+'Microsoft.KeyVault/managedHSMs'"
                                      "&api-version=2015-11-01",
                                  NULL),
                              "{\"value\":[]}"));
    REFUSES(ask(f, OWNER, "GET", SUB "/resources?$filter=name+ne+'x'&api-version=2015-11-01", NULL), 400, "BadRequest");
    ANSWERS(ask(f, OWNER, "GET", ROOMS "/providers/Microsoft.KeyVault/vaults" NEW, NULL), 200);
    REFUSES(ask(f, OWNER, "GET", SUB "/resourceGroups/none/providers/Microsoft.KeyVault/vaults" NEW, NULL), 404,
            "ResourceGroupNotFound");
}

static void names(void)
{
    static const char path[] = SUB "/providers/Microsoft.KeyVault/checkNameAvailability" NEW;

    CU_ASSERT_TRUE(answer_has(ask(f, OWNER, "POST", path, "{\"name\":\"demo\",\"type\":\"Microsoft.KeyVault/vaults\"}"),
                              "{\"nameAvailable\":true}"));
    ANSWERS(ask(f, OWNER, "PUT", DEMO NEW, BODY), 200);
    CU_ASSERT_TRUE(answer_has(ask(f, OWNER, "POST", path, "{\"name\":\"Demo\",\"type\":\"Microsoft.KeyVault/vaults\"}"),
                              "\"reason\":\"AlreadyExists\""));
    CU_ASSERT_TRUE(answer_has(ask(f, OWNER, "POST", path, "{\"name\":\"d\",\"type\":\"Microsoft.KeyVault/vaults\"}"),
                              "\"reason\":\"AccountNameInvalid\""));
    REFUSES(ask(f, OWNER, "POST", path, "{\"name\":\"demo\"}"), 400, "BadRequest");
}

static void groups(void)
{
    ANSWERS(ask(f, OWNER, "PUT", SUB "/resourceGroups/attic" ARM, "{\"location\":\"local\",\"tags\":{\"a\":\"b\"}}"),
            201);
    ANSWERS(ask(f, OWNER, "PUT", SUB "/resourceGroups/ATTIC" ARM, "{\"location\":\"local\"}"), 200);
    CU_ASSERT_TRUE(
        answer_has(ask(f, OWNER, "GET", SUB "/resourceGroups/Attic" ARM, NULL),
                   "\"name\":\"attic\",\"type\":\"Microsoft.Resources/resourceGroups\",\"location\":\"local\","
                   "\"tags\":{},\"properties\":{\"provisioningState\":\"Succeeded\"}"));
    ANSWERS(ask(f, OWNER, "HEAD", SUB "/resourceGroups/attic" ARM, NULL), 204);
    ANSWERS(ask(f, OWNER, "HEAD", SUB "/resourceGroups/none" ARM, NULL), 404);
    CU_ASSERT_EQUAL(ask(f, OWNER, "HEAD", SUB "/resourceGroups/none" ARM, NULL)->body.len, 0);
    CU_ASSERT_TRUE(answer_has(ask(f, OWNER, "GET", SUB "/resourceGroups" ARM, NULL), "\"name\":\"Rooms\""));
    REFUSES(ask(f, OWNER, "PUT", SUB "/resourceGroups/a%20b" ARM, "{\"location\":\"local\"}"), 400,
            "InvalidResourceGroup");
    REFUSES(ask(f, OWNER, "PUT", SUB "/resourceGroups/b" ARM, "{\"location\":\"moon\"}"), 400, "RegionNotSupported");
    ANSWERS(ask(f, OWNER, "PUT", DEMO NEW, BODY), 200);
    REFUSES(ask(f, OWNER, "DELETE", ROOMS ARM, NULL), 409, "ResourceGroupNotEmpty");
    ANSWERS(ask(f, OWNER, "DELETE", SUB "/resourceGroups/attic" ARM, NULL), 200);
    REFUSES(ask(f, OWNER, "GET", SUB "/resourceGroups/attic" ARM, NULL), 404, "ResourceGroupNotFound");
}

#define ASSIGNED(scope, id) scope "/providers/Microsoft.Authorization/roleAssignments/" id RBAC
#define ID1                 "c1c1c1c1-c1c1-4c1c-8c1c-c1c1c1c1c1c1"
#define ID2                 "c2c2c2c2-c2c2-4c2c-8c2c-c2c2c2c2c2c2"
#define ROLE_BODY(role)                                                                                                \
    "{\"properties\":{\"principalId\":\"" NOBODY "\",\"roleDefinitionId\":\"" SUB                                      \
    "/providers/Microsoft.Authorization/roleDefinitions/" role "\"}}"

static void assignments(void)
{
    const struct answer *a;

    ANSWERS(ask(f, OWNER, "PUT", DEMO NEW, BODY), 200);
    REFUSES(ask(f, OWNER, "PUT", ASSIGNED(DEMO, "x"), ROLE_BODY(READER)), 400, "InvalidRoleAssignmentId");
    REFUSES(ask(f, OWNER, "PUT", ASSIGNED(DEMO, ID1), ROLE_BODY(TENANT)), 400, "RoleDefinitionDoesNotExist");
    REFUSES(ask(f, OWNER, "PUT", ASSIGNED(DEMO, ID1), "{\"properties\":{}}"), 400, "BadRequest");
    REFUSES(ask(f, OWNER, "PUT", ASSIGNED(DEMO, ID1),
                "{\"properties\":{\"principalId\":\"" NOBODY "\",\"roleDefinitionId\":\"" READER
                "\",\"condition\":\"1\",\"conditionVersion\":\"2.0\"}}"),
            400, "BadRequest");
    a = ask(f, OWNER, "PUT", ASSIGNED(DEMO, ID1), ROLE_BODY(READER));
    CU_ASSERT_EQUAL(a->status, 201);
    CU_ASSERT_TRUE(answer_has(a, "\"id\":\"" DEMO "/providers/Microsoft.Authorization/roleAssignments/" ID1 "\""));
    CU_ASSERT_TRUE(answer_has(a, "\"scope\":\"" DEMO "\""));
    ANSWERS(ask(f, OWNER, "PUT", ASSIGNED(DEMO, ID1), ROLE_BODY(READER)), 200);
    REFUSES(ask(f, OWNER, "PUT", ASSIGNED(DEMO, ID2), ROLE_BODY(READER)), 409, "RoleAssignmentExists");
    ANSWERS(ask(f, OWNER, "PUT", ASSIGNED("/" DEMO "/keys/k", ID2), ROLE_BODY(READER)), 201);
    ANSWERS(ask(f, NOBODY, "GET", DEMO NEW, NULL), 200); /* in force at once */
    a = ask(f, OWNER, "GET", DEMO "/providers/Microsoft.Authorization/roleAssignments" RBAC "&$filter=atScope()", NULL);
    CU_ASSERT_TRUE(answer_has(a, ID1));
    CU_ASSERT_TRUE(answer_has(a, OWNER)); /* from above */
    CU_ASSERT_PTR_NULL(strstr(bytes_text(&a->body), ID2));
    a = ask(f, OWNER, "GET",
            SUB "/providers/Microsoft.Authorization/roleAssignments" RBAC "&$filter=principalId+eq+'" NOBODY "'", NULL);
    CU_ASSERT_TRUE(answer_has(a, ID1) && answer_has(a, ID2));
    CU_ASSERT_PTR_NULL(strstr(bytes_text(&a->body), "\"principalId\":\"" OWNER));
    ANSWERS(ask(f, OWNER, "GET", ASSIGNED(DEMO, ID1), NULL), 200);
    REFUSES(ask(f, OWNER, "GET", ASSIGNED(VAULT "none", ID1), NULL), 404, "RoleAssignmentNotFound");
    ANSWERS(ask(f, OWNER, "DELETE", ASSIGNED(SUB, ID1), NULL), 204); /* it is not there */
    ANSWERS(ask(f, OWNER, "DELETE", ASSIGNED(DEMO, ID1), NULL), 200);
    ANSWERS(ask(f, OWNER, "DELETE", ASSIGNED(DEMO, ID1), NULL), 204);
    REFUSES(ask(f, NOBODY, "GET", DEMO NEW, NULL), 403, "AuthorizationFailed");
}

/* Nobody gives more than he may: not a contributor, and a data access administrator only roles for vaults. */
static void no_way_up(void)
{
    static const char owner[] = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";
    char body[512];

    snprintf(body, sizeof body, "{\"properties\":{\"principalId\":\"" NOBODY "\",\"roleDefinitionId\":\"%s\"}}", owner);
    ANSWERS(ask(f, OWNER, "PUT", DEMO NEW, BODY), 200);
    REFUSES(ask(f, NOBODY, "PUT", ASSIGNED(DEMO, ID1), body), 403, "AuthorizationFailed");
    plane_assign(f, NOBODY, "Contributor", DEMO);
    REFUSES(ask(f, NOBODY, "PUT", ASSIGNED(DEMO, ID1), body), 403, "AuthorizationFailed");
    plane_assign(f, NOBODY, "Key Vault Data Access Administrator", DEMO);
    REFUSES(ask(f, NOBODY, "PUT", ASSIGNED(DEMO, ID1), body), 403, "AuthorizationFailed");
    ANSWERS(ask(f, NOBODY, "PUT", ASSIGNED(DEMO, ID1), ROLE_BODY(READER)), 201);
    REFUSES(ask(f, NOBODY, "PUT", ASSIGNED(ROOMS, ID2), ROLE_BODY(READER)), 403, "AuthorizationFailed");
    ANSWERS(ask(f, NOBODY, "DELETE", ASSIGNED(DEMO, ID1), NULL), 200);
    REFUSES(ask(f, NOBODY, "PUT", ASSIGNED("", ID2), ROLE_BODY(READER)), 403, "AuthorizationFailed");
    ANSWERS(ask(f, OWNER, "PUT", ASSIGNED(DEMO, ID2),
                "{\"properties\":{\"principalId\":\"" ELSEWHERE
                "\",\"roleDefinitionId\":\"8e3af657-a8ff-443c-a75c-2fe8c4bcb635\"}}"),
            201);
    REFUSES(ask(f, NOBODY, "DELETE", ASSIGNED(DEMO, ID2), NULL), 403, "AuthorizationFailed");
}

static void definitions(void)
{
    const struct answer *a = ask(f, OWNER, "GET",
                                 SUB "/providers/Microsoft.Authorization/roleDefinitions" RBAC
                                     "&$filter=roleName%20eq%20%27key%20vault%20reader%27",
                                 NULL);

    CU_ASSERT_TRUE(answer_has(a,
                              "{\"value\":[{\"id\":\"" SUB "/providers/Microsoft.Authorization/roleDefinitions/" READER
                              "\",\"name\":\"" READER "\""));
    CU_ASSERT_PTR_NULL(strstr(bytes_text(&a->body), "Owner"));
    CU_ASSERT_TRUE(answer_has(
        ask(f, OWNER, "GET",
            SUB "/providers/Microsoft.Authorization/roleDefinitions" RBAC "&$filter=type+eq+'CustomRole'", NULL),
        "{\"value\":[]}"));
    ANSWERS(ask(f, OWNER, "GET", DEMO "/providers/Microsoft.Authorization/roleDefinitions/" READER RBAC, NULL), 200);
    REFUSES(ask(f, OWNER, "GET", DEMO "/providers/Microsoft.Authorization/roleDefinitions/" TENANT RBAC, NULL), 404,
            "RoleDefinitionDoesNotExist");
}

static void what_clients_ask_first(void)
{
    static const char *const paths[] = {
        "/tenants" ARM,
        "/subscriptions" ARM,
        SUB ARM,
        SUB "/locations" ARM,
        SUB "/providers" ARM,
        SUB "/providers/Microsoft.KeyVault" ARM,
        SUB "/resources" ARM,
        ROOMS "/resources" ARM,
        SUB "/providers/Microsoft.KeyVault/managedHSMs" NEW,
        ROOMS "/providers/Microsoft.KeyVault/managedHSMs" NEW,
        SUB "/providers/Microsoft.KeyVault/deletedManagedHSMs" NEW,
        "/providers/Microsoft.KeyVault/operations" NEW,
    };
    const struct answer *a;
    json_t *read;

    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        a = ask(f, OWNER, "GET", paths[i], NULL);
        CU_ASSERT_EQUAL(a->status, 200);
        CU_ASSERT_EQUAL(json_read_value(bytes_span(&a->body), 1 << 20, &read), ST_OK);
        json_decref(read);
        ANSWERS(ask(f, NULL, "GET", paths[i], NULL), 401);
    }
    CU_ASSERT_TRUE(answer_has(ask(f, OWNER, "POST", SUB "/providers/Microsoft.KeyVault/register" ARM, NULL),
                              "\"registrationState\":\"Registered\""));
    REFUSES(ask(f, NOBODY, "GET", SUB ARM, NULL), 403, "AuthorizationFailed");
}

static void metadata(void)
{
    const struct answer *a = ask(f, NULL, "GET", "//metadata/endpoints?api-version=2022-09-01", NULL);

    CU_ASSERT_TRUE(answer_has(a, "{\"name\":\"Strongroom\""));
    CU_ASSERT_TRUE(answer_has(a, "\"keyVaultDns\":\"vault.localhost:8443\""));
    CU_ASSERT_TRUE(answer_has(a, "\"loginEndpoint\":\"https://login.localhost:8444/adfs\",\"audiences\":["
                                 "\"https://management.localhost:8444\"]"));
    CU_ASSERT_TRUE(answer_has(ask(f, NULL, "GET", "/metadata/endpoints?api-version=2019-05-01", NULL),
                              "[{\"name\":\"Strongroom\""));
    CU_ASSERT_TRUE(
        answer_has(ask(f, NULL, "GET", "/metadata/endpoints?api-version=2015-01-01", NULL), "{\"galleryEndpoint\":"));
    REFUSES(ask(f, NULL, "GET", "/metadata/endpoints", NULL), 400, "MissingApiVersionParameter");
    REFUSES(ask(f, NULL, "GET", "/metadata/endpoints?api-version=1", NULL), 400, "InvalidApiVersionParameter");
}

static CU_TestInfo cases[] = {
    { "only the two configured host names are answered", host_names },
    { "without a valid token nothing else is looked at", the_token_comes_first },
    { "without a role, what is there and what is not give the same answer", not_yours_is_not_there },
    { "the api-version is required and known", versions },
    { "other methods and paths are refused", methods },
    { "a vault is created, changed, deleted, recovered and purged", a_vaults_life },
    { "bodies that are not right are refused with the documented code", bad_bodies },
    { "access policies are added and removed", access_policies },
    { "lists are paged and show what the caller may read", lists_show_what_may_be_read },
    { "whether a name is free", names },
    { "resource groups are made, shown and deleted", groups },
    { "roles are assigned, listed and taken away, and hold at once", assignments },
    { "nobody gives a role that he may not give", no_way_up },
    { "the built-in roles are listed", definitions },
    { "what clients ask before they ask for vaults is answered", what_clients_ask_first },
    { "the three shapes of cloud metadata", metadata },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = {
        { .pName = "routes", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = cases },
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
