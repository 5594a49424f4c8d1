/* The authority on the wire, with a key in a SoftHSM token. */
#include "service/identity/application.h"
#include "tests/unit/pkcs11/token/fixture.h"
#include "tests/unit/service/management/fixture.h"

#define LOGIN "login.localhost:8444"

static struct plane plane;
static struct token *token;
static struct application app;
static struct secret app_secret;
#define f (&plane)

/* Once, but inside a case: CUnit takes assertions nowhere else. */
static void open_all(void)
{
    static const char *const resources[] = { "https://vault.localhost:8443", "https://" MANAGEMENT, NULL };
    struct token_config tc = fixture_config();
    struct key_spec spec = rsa_spec(2048);
    struct authority_config ac = { .base_url = "https://login.localhost:8444", .resources = resources };
    struct bytes jwks = { 0 };

    if (token != NULL)
        return;
    plane_open(f);
    token = fixture_open(&tc);
    CU_ASSERT_EQUAL_FATAL(token_provision_key_pair(token, TOKEN_LABEL_AUTHORITY, &spec), ST_OK);
    ac.tenant_id = f->config.tenant_id;
    ac.store = f->m.store;
    ac.token = f->m.token = token;
    CU_ASSERT_EQUAL_FATAL(authority_new(&ac, &f->m.authority), ST_OK);
    CU_ASSERT_EQUAL_FATAL(authority_jwks(f->m.authority, &jwks), ST_OK);
    CU_ASSERT_EQUAL_FATAL(verifier_set_keys(f->m.verifier, bytes_span(&jwks)), ST_OK);
    bytes_clear(&jwks);
    app.enabled = true;
    snprintf(app.display_name, sizeof app.display_name, "test");
    CU_ASSERT_EQUAL_FATAL(application_create(f->m.store, &app), ST_OK);
    CU_ASSERT_EQUAL_FATAL(application_add_secret(f->m.store, &app.client_id, 0, &app_secret), ST_OK);
}

static int close_all(void)
{
    authority_free(f->m.authority);
    plane_close(f);
    token_close(token);
    secret_clear(&app_secret);
    return 0;
}

static const struct answer *get(const char *target)
{
    return ask_at(f, LOGIN, NULL, "GET", target, NULL);
}

static void documents(void)
{
    CU_ASSERT_TRUE(
        answer_has(get("/adfs/.well-known/openid-configuration"), "https://login.localhost:8444/adfs/oauth2/"));
    CU_ASSERT_TRUE(answer_has(get("/" TENANT "/v2.0/.well-known/openid-configuration"),
                              "\"issuer\":\"https://login.localhost:8444/" TENANT "/v2.0\""));
    CU_ASSERT_TRUE(answer_has(get("/" TENANT "/discovery/v2.0/keys"), "\"keys\":[{"));
    CU_ASSERT_TRUE(answer_has(get("/common/discovery/instance?api-version=1.1&authorization_endpoint=x"),
                              "\"preferred_network\":\"login.localhost:8444\""));
    CU_ASSERT_EQUAL(get("/" SUBSCRIPTION "/v2.0/.well-known/openid-configuration")->status, 400);
    CU_ASSERT_TRUE(answer_has(get("/" SUBSCRIPTION "/discovery/v2.0/keys"), "\"error\":\"invalid_tenant\""));
    CU_ASSERT_EQUAL(get("/" TENANT "/oauth2/v2.0/authorize")->status, 404);
    CU_ASSERT_EQUAL(get("/" TENANT "/oauth2/v2.0/token")->status, 405);
    CU_ASSERT_EQUAL(get("/healthz")->status, 404);
}

static const struct answer *log_in(const char *path, struct span secret, const char *rest)
{
    struct bytes form = { 0 };
    const struct answer *a;

    bytes_printf(&form, "grant_type=client_credentials&client_id=%s&client_secret=%.*s&%s", app.client_id.text,
                 (int)secret.len, (const char *)secret.p, rest);
    a = post_form(f, path, bytes_text(&form));
    bytes_clear(&form);
    return a;
}

static void tokens(void)
{
    static const char arm[] = "scope=https%3A%2F%2Fmanagement.localhost%3A8444%2F%2F.default";
    struct bytes header = { 0 };
    const struct answer *a = log_in("/" TENANT "/oauth2/v2.0/token?client-request-id=1", secret_span(&app_secret), arm);
    const char *from;

    CU_ASSERT_EQUAL(a->status, 200);
    CU_ASSERT_TRUE(answer_has(a, "\"token_type\":\"Bearer\",\"expires_in\":3600,"));
    CU_ASSERT_PTR_NOT_NULL_FATAL(from = strstr(bytes_text(&a->body), "\"access_token\":\""));
    bytes_append_text(&header, "Bearer ");
    bytes_append(&header, from + 16, strcspn(from + 16, "\""));
    CU_ASSERT_EQUAL(ask_with(f, bytes_text(&header), "/subscriptions?api-version=2021-04-01")->status, 200);
    CU_ASSERT_EQUAL(log_in("/adfs/oauth2/token", secret_span(&app_secret), arm)->status, 200);
    CU_ASSERT_EQUAL(
        log_in("/adfs/oauth2/token", secret_span(&app_secret), "resource=https://vault.localhost:8443")->status, 200);
    bytes_clear(&header);
}

static void refusals(void)
{
    static const char scope[] = "scope=https://vault.localhost:8443/.default";
    const struct answer *a = log_in("/adfs/oauth2/token", span_text("wrong"), scope);

    CU_ASSERT_EQUAL(a->status, 401);
    CU_ASSERT_TRUE(answer_has(a, "\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215"));
    a = log_in("/adfs/oauth2/token", secret_span(&app_secret), "scope=https://graph.example/.default");
    CU_ASSERT_EQUAL(a->status, 400);
    CU_ASSERT_TRUE(answer_has(a, "\"error\":\"invalid_resource\""));
    a = log_in("/" SUBSCRIPTION "/oauth2/v2.0/token", secret_span(&app_secret), scope);
    CU_ASSERT_TRUE(answer_has(a, "\"error\":\"invalid_tenant\""));
    CU_ASSERT_EQUAL(post_form(f, "/adfs/oauth2/token", "")->status, 400);
    a = ask_at(f, LOGIN, NULL, "POST", "/adfs/oauth2/token", "{}"); /* as JSON */
    CU_ASSERT_EQUAL(a->status, 415);
    CU_ASSERT_TRUE(answer_has(a, "\"error\":\"invalid_request\""));
}

static void health(void)
{
    CU_ASSERT_TRUE(
        answer_has(ask(f, NULL, "GET", "/healthz", NULL), "{\"status\":\"ok\",\"token\":true,\"audit\":true}"));
}

static CU_TestInfo cases[] = {
    { "the authority's documents, for the tenant and its alias and no other", documents },
    { "a token is issued by both endpoints and opens the management plane", tokens },
    { "what is refused is said as OAuth says it", refusals },
    { "health is told without a token", health },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = {
        { .pName = "login", .pSetUpFunc = open_all, .pCleanupFunc = close_all, .pTests = cases },
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
