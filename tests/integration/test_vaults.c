/* The life cycle of a vault through the ARM API, seen from both planes (spec: management-plane.md 2). */
#include <stdio.h>
#include <unistd.h>

#include "firmware/base/clock.h"
#include "tests/integration/appliance.h"
#include "tests/unit/harness.h"

#define VAULT "lifecycle-1"

static struct appliance *a;
static struct reply reply;
static char *path;

static int set_up(void)
{
    if ((a = appliance_new()) == NULL || !appliance_start(a))
        return 1;
    path = appliance_vault_path(a, VAULT);
    return 0;
}

static int tear_down(void)
{
    free(path);
    reply_clear(&reply);
    return appliance_free(a) ? 0 : 1;
}

/* An ARM request as the demo principal; `suffix` stands behind `at`. */
static long arm_at(const char *method, const char *at, const char *suffix, const char *json)
{
    char *url = text_of("%s%s%s?" TEST_VAULT_API, a->management_url, at, suffix);
    struct request rq = { .method = method, .url = url, .json = json, .token = appliance_token(a, a->management_url) };

    CU_ASSERT(appliance_request(a, &rq, &reply));
    free(url);
    return reply.status;
}

static long arm(const char *method, const char *suffix, const char *json)
{
    return arm_at(method, path, suffix, json);
}

/* GET /keys of the vault, until it is `wanted`: the data plane learns of a change by itself. */
static bool data_plane_says(long wanted)
{
    char *vault = appliance_vault_url(a, VAULT), *url = text_of("%s/keys?" TEST_DATA_API, vault);
    struct request rq = { .url = url, .token = appliance_token(a, a->data_url) };
    uint64_t deadline = clock_monotonic_ms() + PATIENCE_MS;
    struct reply r = { 0 };
    long status;

    while (appliance_request(a, &rq, &r) && r.status != wanted && clock_monotonic_ms() < deadline)
        usleep(20 * 1000);
    status = r.status;
    if (status != wanted)
        printf("\n  %ld, not %ld: %s", status, wanted, bytes_text(&r.body));
    reply_clear(&r);
    free(url);
    free(vault);
    return status == wanted;
}

static char *vault_body(void)
{
    return text_of("{\"location\":\"local\",\"tags\":{\"stage\":\"test\"},\"properties\":{\"tenantId\":\"%s\",\"sku\":"
                   "{\"family\":\"A\",\"name\":\"premium\"},\"enableRbacAuthorization\":false,\"accessPolicies\":["
                   "{\"tenantId\":\"%s\",\"objectId\":\"%s\",\"permissions\":{\"keys\":[\"list\",\"get\"]}}]}}",
                   a->tenant, a->tenant, a->object_id);
}

static void not_there_yet(void)
{
    CU_ASSERT_EQUAL(arm("GET", "", NULL), 404);
    CU_ASSERT_STRING_EQUAL(reply_text(&reply, "error.code"), "ResourceNotFound");
    CU_ASSERT(data_plane_says(403)); /* "not there" looks like "not yours" */
}

static void created(void)
{
    char *json = vault_body(), *url = text_of("https://" VAULT ".vault.localhost:%u/", a->data_port);
    long status = arm("PUT", "", json);

    CU_ASSERT(status == 200 || status == 201);
    CU_ASSERT_STRING_EQUAL(reply_text(&reply, "name"), VAULT);
    CU_ASSERT_STRING_EQUAL(reply_text(&reply, "type"), "Microsoft.KeyVault/vaults");
    CU_ASSERT_STRING_EQUAL(reply_text(&reply, "properties.tenantId"), a->tenant);
    CU_ASSERT_STRING_EQUAL(reply_text(&reply, "properties.sku.name"), "premium");
    CU_ASSERT_STRING_EQUAL(reply_text(&reply, "properties.vaultUri"), url);
    CU_ASSERT_STRING_EQUAL(reply_text(&reply, "properties.provisioningState"), "Succeeded");
    CU_ASSERT_STRING_EQUAL(reply_text(&reply, "tags.stage"), "test");
    CU_ASSERT(data_plane_says(200));
    free(url);
    free(json);
}

static void found(void)
{
    char *group = text_of("/subscriptions/%s/resourceGroups/%s/providers/Microsoft.KeyVault/vaults", a->subscription,
                          a->resource_group);

    CU_ASSERT_EQUAL(arm("GET", "", NULL), 200);
    CU_ASSERT_STRING_EQUAL(reply_text(&reply, "id"), path);
    CU_ASSERT_EQUAL(arm_at("GET", group, "", NULL), 200);
    CU_ASSERT_PTR_NOT_NULL(strstr(bytes_text(&reply.body), "\"" VAULT "\""));
    free(group);
}

static void name_is_taken(void)
{
    char *group = text_of("/subscriptions/%s/resourceGroups/other", a->subscription), *json = vault_body();
    char *elsewhere = text_of("%s/providers/Microsoft.KeyVault/vaults/" VAULT, group), *url;
    struct request rq = { .method = "PUT", .json = "{\"location\":\"local\"}" };

    url = text_of("%s%s?api-version=2022-09-01", a->management_url, group);
    rq.url = url;
    rq.token = appliance_token(a, a->management_url);
    CU_ASSERT(appliance_request(a, &rq, &reply));
    CU_ASSERT(reply.status == 200 || reply.status == 201);
    CU_ASSERT_EQUAL(arm_at("PUT", elsewhere, "", json), 409);
    CU_ASSERT_STRING_EQUAL(reply_text(&reply, "error.code"), "VaultAlreadyExists");
    free(url);
    free(json);
    free(elsewhere);
    free(group);
}

static void policy_takes_effect(void)
{
    char *json = text_of("{\"properties\":{\"accessPolicies\":[]}}");

    CU_ASSERT_EQUAL(arm("PATCH", "", json), 200);
    CU_ASSERT(data_plane_says(403));
    free(json);
    json = vault_body();
    CU_ASSERT_EQUAL(arm("PUT", "", json), 200);
    CU_ASSERT(data_plane_says(200));
    free(json);
}

static void no_token_no_answer(void)
{
    char *url = text_of("%s%s?" TEST_VAULT_API, a->management_url, path);
    struct request rq = { .url = url };

    CU_ASSERT(appliance_request(a, &rq, &reply));
    CU_ASSERT_EQUAL(reply.status, 401);
    CU_ASSERT_EQUAL(strncmp(reply_header(&reply, "www-authenticate"), "Bearer authorization", 20), 0);
    free(url);
}

static void deleted_and_recovered(void)
{
    char *gone =
        text_of("/subscriptions/%s/providers/Microsoft.KeyVault/locations/local/deletedVaults/" VAULT, a->subscription);
    char *recover = text_of("{\"location\":\"local\",\"properties\":{\"tenantId\":\"%s\",\"sku\":{\"family\":\"A\","
                            "\"name\":\"premium\"},\"createMode\":\"recover\",\"accessPolicies\":[]}}",
                            a->tenant);
    long status = arm("DELETE", "", NULL);

    CU_ASSERT(status == 200 || status == 204);
    CU_ASSERT_EQUAL(arm("GET", "", NULL), 404);
    CU_ASSERT_EQUAL(arm_at("GET", gone, "", NULL), 200);
    CU_ASSERT_STRING_EQUAL(reply_text(&reply, "properties.vaultId"), path);
    CU_ASSERT(data_plane_says(403));
    status = arm("PUT", "", recover);
    CU_ASSERT(status == 200 || status == 201);
    CU_ASSERT_EQUAL(arm("GET", "", NULL), 200);
    CU_ASSERT(data_plane_says(200)); /* with the policies it had */
    CU_ASSERT_EQUAL(arm_at("GET", gone, "", NULL), 404);
    free(recover);
    free(gone);
}

static void purged(void)
{
    char *gone =
        text_of("/subscriptions/%s/providers/Microsoft.KeyVault/locations/local/deletedVaults/" VAULT, a->subscription);
    long status = arm("DELETE", "", NULL);

    CU_ASSERT(status == 200 || status == 204);
    status = arm_at("POST", gone, "/purge", NULL);
    CU_ASSERT(status >= 200 && status <= 202);
    CU_ASSERT_EQUAL(arm_at("GET", gone, "", NULL), 404);
    free(gone);
}

static void vaults_outlive_restarts(void)
{
    char *json = vault_body();
    long status = arm("PUT", "", json);

    CU_ASSERT(status == 200 || status == 201);
    CU_ASSERT(appliance_stop_daemon(a, VAULTD));
    appliance_kill_daemon(a, MANAGEMENTD);
    CU_ASSERT(appliance_start(a));
    CU_ASSERT_EQUAL(arm("GET", "", NULL), 200);
    CU_ASSERT(data_plane_says(200));
    free(json);
}

int main(void)
{
    static CU_TestInfo cases[] = {
        { "a vault that is not there: 404 from ARM, 403 from the data plane", not_there_yet },
        { "PUT creates it, and the data plane serves it within a second", created },
        { "GET and the list of its group show it", found },
        { "its name is taken for every other group", name_is_taken },
        { "an access policy that is taken away ends access, one that is given opens it", policy_takes_effect },
        { "without a token: 401 with ARM's challenge", no_token_no_answer },
        { "DELETE hides it, recover brings it back with its policies", deleted_and_recovered },
        { "purge removes it for good", purged },
        { "a vault outlives a restart and a crash", vaults_outlive_restarts },
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = { { "vaults", set_up, tear_down, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
