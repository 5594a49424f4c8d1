/* The built-in authority, over the wire (spec: clients.md 13). */
#include <stdio.h>

#include "firmware/base/base64url.h"
#include "tests/integration/appliance.h"
#include "tests/unit/harness.h"

static struct appliance *a;
static struct reply reply;

static int set_up(void)
{
    return (a = appliance_new()) != NULL && appliance_start(a) ? 0 : 1;
}

static int tear_down(void)
{
    reply_clear(&reply);
    return appliance_free(a) ? 0 : 1;
}

static void get(const char *url)
{
    struct request rq = { .url = url };

    CU_ASSERT(appliance_request(a, &rq, &reply));
}

/* Is a member of the reply an address below `base`? */
static bool is_below(const char *name, const char *base)
{
    const char *text = reply_text(&reply, name);

    if (strncmp(text, base, strlen(base)) == 0)
        return true;
    printf("\n  %s: \"%s\" is not below %s", name, text, base);
    return false;
}

/* The document of this tenant, and a token from the endpoint that it names. */
static void discovery_of(const char *path, const char *tenant)
{
    char *url = text_of("%s/%s/.well-known/openid-configuration", a->login_url, path);
    char *base = text_of("%s/%s/", a->login_url, tenant), *endpoint;
    char *form = text_of("grant_type=client_credentials&client_id=%s&client_secret=%s&scope=%s/.default&resource=%s",
                         a->client_id, a->client_secret, a->data_url, a->data_url);
    struct request rq = { .form = form };

    get(url);
    CU_ASSERT_EQUAL(reply.status, 200);
    CU_ASSERT(is_below("issuer", a->login_url));
    CU_ASSERT(is_below("token_endpoint", base)); /* MSAL Python takes the tenant from its path */
    CU_ASSERT(is_below("authorization_endpoint", base));
    CU_ASSERT(is_below("jwks_uri", a->login_url));
    endpoint = text_of("%s", reply_text(&reply, "token_endpoint"));
    rq.url = endpoint;
    CU_ASSERT(appliance_request(a, &rq, &reply));
    CU_ASSERT_EQUAL(reply.status, 200);
    CU_ASSERT_STRING_NOT_EQUAL(reply_text(&reply, "access_token"), "");
    free(url);
    free(base);
    free(form);
    free(endpoint);
}

static void discovery(void)
{
    char *path = text_of("%s/v2.0", a->tenant);

    discovery_of(path, a->tenant);
    discovery_of("adfs", "adfs");
    free(path);
}

static void signing_keys(void)
{
    char *url = text_of("%s/%s/v2.0/.well-known/openid-configuration", a->login_url, a->tenant), *keys_url;
    json_t *set, *key;

    get(url);
    keys_url = text_of("%s", reply_text(&reply, "jwks_uri"));
    get(keys_url);
    CU_ASSERT_EQUAL(reply.status, 200);
    set = reply_json(&reply);
    key = json_array_get(json_object_get(set, "keys"), 0);
    CU_ASSERT_PTR_NOT_NULL(json_object_get(key, "kid"));
    CU_ASSERT_PTR_NOT_NULL(json_object_get(key, "n"));
    CU_ASSERT_PTR_NULL(json_object_get(key, "d"));
    json_decref(set);
    free(keys_url);
    free(url);
}

/* Ask for a token with these values; the reply is in `reply`. */
static void ask(const char *client_id, const char *secret, const char *scope)
{
    char *url = text_of("%s/%s/oauth2/v2.0/token", a->login_url, a->tenant);
    char *form =
        text_of("grant_type=client_credentials&client_id=%s&client_secret=%s&scope=%s", client_id, secret, scope);
    struct request rq = { .url = url, .form = form };

    CU_ASSERT(appliance_request(a, &rq, &reply));
    free(form);
    free(url);
}

static json_t *claims(const char *token)
{
    const char *dot = strchr(token, '.'), *end = dot != NULL ? strchr(dot + 1, '.') : NULL;
    struct bytes text = { 0 };
    json_t *object = NULL;

    if (end != NULL && base64url_decode(&text, span_of(dot + 1, (size_t)(end - dot - 1))) == ST_OK)
        object = json_loadb((const char *)text.p, text.len, 0, NULL);
    bytes_clear(&text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(object);
    return object;
}

static const char *claim(const json_t *c, const char *name)
{
    const char *text = json_string_value(json_object_get(c, name));

    return text != NULL ? text : "";
}

static void token_is_whole(void)
{
    char *scope = text_of("%s/.default", a->data_url);
    json_t *body, *c;

    ask(a->client_id, a->client_secret, scope);
    CU_ASSERT_EQUAL_FATAL(reply.status, 200);
    CU_ASSERT_PTR_NOT_NULL(strstr(reply_header(&reply, "cache-control"), "no-store"));
    body = reply_json(&reply);
    CU_ASSERT_STRING_EQUAL(claim(body, "token_type"), "Bearer");
    CU_ASSERT(json_is_integer(json_object_get(body, "expires_in")));
    c = claims(claim(body, "access_token"));
    CU_ASSERT_STRING_EQUAL(claim(c, "aud"), a->data_url);
    CU_ASSERT_STRING_EQUAL(claim(c, "tid"), a->tenant);
    CU_ASSERT_STRING_EQUAL(claim(c, "appid"), a->client_id);
    CU_ASSERT_STRING_EQUAL(claim(c, "oid"), a->object_id);
    CU_ASSERT(json_integer_value(json_object_get(c, "exp")) > json_integer_value(json_object_get(c, "iat")));
    json_decref(c);
    json_decref(body);
    free(scope);
}

static void refusals(void)
{
    char *scope = text_of("%s/.default", a->data_url);

    ask(a->client_id, "wrong-secret", scope);
    CU_ASSERT_EQUAL(reply.status, 401);
    CU_ASSERT_STRING_EQUAL(reply_text(&reply, "error"), "invalid_client");
    ask("00000000-0000-4000-8000-000000000000", a->client_secret, scope);
    CU_ASSERT(reply.status == 400 || reply.status == 401);
    ask(a->client_id, a->client_secret, "https://elsewhere.example/.default");
    CU_ASSERT_EQUAL(reply.status, 400);
    CU_ASSERT_PTR_NULL(strstr(bytes_text(&reply.body), a->client_secret));
    free(scope);
}

static void other_tenant(void)
{
    char *url = text_of("%s/00000000-0000-4000-8000-000000000000/oauth2/v2.0/token", a->login_url);
    char *form = text_of("grant_type=client_credentials&client_id=%s&client_secret=%s&scope=%s/.default", a->client_id,
                         a->client_secret, a->data_url);
    struct request rq = { .url = url, .form = form };

    CU_ASSERT(appliance_request(a, &rq, &reply));
    CU_ASSERT(reply.status >= 400 && reply.status < 500);
    CU_ASSERT_STRING_EQUAL(reply_text(&reply, "access_token"), "");
    free(form);
    free(url);
}

static long status_of(const char *url, const char *token)
{
    struct request rq = { .url = url, .token = token };

    CU_ASSERT(appliance_request(a, &rq, &reply));
    return reply.status;
}

static void audience_matters(void)
{
    char *arm = text_of("%s/subscriptions?api-version=2022-12-01", a->management_url);
    char *vault = appliance_vault_url(a, "audience"), *keys;

    CU_ASSERT(appliance_make_vault(a, "audience"));
    keys = text_of("%s/keys?" TEST_DATA_API, vault);
    CU_ASSERT_EQUAL(status_of(arm, appliance_token(a, a->management_url)), 200);
    CU_ASSERT_EQUAL(status_of(arm, appliance_token(a, a->data_url)), 401);
    CU_ASSERT_EQUAL(status_of(keys, appliance_token(a, a->data_url)), 200);
    CU_ASSERT_EQUAL(status_of(keys, appliance_token(a, a->management_url)), 401);
    free(keys);
    free(vault);
    free(arm);
}

static void tokens_outlive_a_restart(void)
{
    char *arm = text_of("%s/subscriptions?api-version=2022-12-01", a->management_url);
    const char *token = appliance_token(a, a->management_url);

    CU_ASSERT(appliance_stop_daemon(a, MANAGEMENTD));
    CU_ASSERT(appliance_start_daemon(a, MANAGEMENTD));
    CU_ASSERT_EQUAL(status_of(arm, token), 200);
    free(arm);
}

static void disabled_application(void)
{
    char *scope = text_of("%s/.default", a->data_url);
    const char *off[] = { "application", "disable", "--client-id", a->client_id, NULL };
    const char *on[] = { "application", "enable", "--client-id", a->client_id, NULL };

    CU_ASSERT_EQUAL(appliance_cli(a, MANAGEMENTD, off, NULL), 0);
    ask(a->client_id, a->client_secret, scope);
    CU_ASSERT_NOT_EQUAL(reply.status, 200);
    CU_ASSERT_EQUAL(appliance_cli(a, MANAGEMENTD, on, NULL), 0);
    ask(a->client_id, a->client_secret, scope);
    CU_ASSERT_EQUAL(reply.status, 200);
    free(scope);
}

int main(void)
{
    static CU_TestInfo cases[] = {
        { "the discovery document, for the tenant and for adfs, names endpoints of its own host that work", discovery },
        { "the signing keys are public ones", signing_keys },
        { "client credentials give a token that names tenant, application and audience", token_is_whole },
        { "a wrong secret, an unknown client, a foreign resource are refused", refusals },
        { "another tenant's endpoint gives no token", other_tenant },
        { "a token serves its own audience only", audience_matters },
        { "tokens outlive a restart of the authority", tokens_outlive_a_restart },
        { "an application disabled at the console logs in no more, until enabled", disabled_application },
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = { { "login", set_up, tear_down, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
