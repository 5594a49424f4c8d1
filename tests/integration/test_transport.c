/* TLS versions, HTTP/1.1 and HTTP/2 side by side, and the challenge (spec: clients.md 3, 6; THREATS 5.1). */
#include <stdio.h>

#include "tests/integration/appliance.h"
#include "tests/unit/harness.h"

static struct appliance *a;
static char *vault;

static int set_up(void)
{
    return appliance_with_vault("demo", &a, &vault) ? 0 : 1;
}

static int tear_down(void)
{
    free(vault);
    return appliance_free(a) ? 0 : 1;
}

/* What one request gave, with what must differ between any two requests left out. */
static char *comparable(const struct reply *r)
{
    static const char *const own[] = { "x-ms-request-id:", "date:",       "content-length:",
                                       "connection:",      "keep-alive:", "transfer-encoding:" };
    struct bytes out = { 0 };
    const char *line = bytes_text(&r->headers), *end;

    bytes_printf(&out, "%ld\n", r->status);
    for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        bool skip = line == end;

        for (size_t i = 0; i < ARRAY_LEN(own); i++)
            skip = skip || strncmp(line, own[i], strlen(own[i])) == 0;
        if (!skip)
            bytes_append(&out, line, (size_t)(end - line) + 1);
    }
    bytes_append_span(&out, bytes_span(&r->body));
    INVARIANT(bytes_status(&out) == ST_OK);
    return (char *)out.p;
}

/* The same request over both protocols: the same answer. */
static void same(struct request rq)
{
    struct reply one = { 0 }, two = { 0 };
    char *first, *second;

    rq.http = 1;
    CU_ASSERT(appliance_request(a, &rq, &one));
    CU_ASSERT_EQUAL(one.http, 1);
    rq.http = 2;
    CU_ASSERT(appliance_request(a, &rq, &two));
    CU_ASSERT_EQUAL(two.http, 2);
    first = comparable(&one);
    second = comparable(&two);
    if (strcmp(first, second) != 0) {
        printf("\n%s %s\nHTTP/1.1: %s\nHTTP/2: %s\n", rq.method != NULL ? rq.method : "", rq.url, first, second);
        CU_FAIL("HTTP/1.1 and HTTP/2 answer differently");
    }
    free(first);
    free(second);
    reply_clear(&one);
    reply_clear(&two);
}

static void both_protocols(void)
{
    char *keys = text_of("%s/keys?" TEST_DATA_API, vault), *missing = text_of("%s/keys/none?" TEST_DATA_API, vault);
    char *nowhere = text_of("%s/nowhere?" TEST_DATA_API, vault), *versionless = text_of("%s/keys", vault);
    char *create = text_of("%s/keys/x/create?" TEST_DATA_API, vault), *health = text_of("%s/healthz", a->data_url);
    char *arm = text_of("%s/subscriptions?api-version=2022-12-01", a->management_url);
    const char *token = appliance_token(a, a->data_url);

    same((struct request){ .url = keys, .token = token });
    same((struct request){ .url = keys });
    same((struct request){ .url = missing, .token = token });
    same((struct request){ .url = nowhere, .token = token });
    same((struct request){ .url = versionless, .token = token });
    same((struct request){ .url = create, .token = token, .json = "{\"kty\":\"nonsense\"}" });
    same((struct request){ .url = create, .token = token, .json = "{" });
    same((struct request){ .url = create, .token = token, .method = "DELETE" });
    same((struct request){ .url = health });
    same((struct request){ .url = arm, .token = appliance_token(a, a->management_url) });
    same((struct request){ .url = arm });
    free(keys);
    free(missing);
    free(nowhere);
    free(versionless);
    free(create);
    free(health);
    free(arm);
}

static void http2_is_preferred(void)
{
    char *url = text_of("%s/healthz", a->data_url);
    struct request rq = { .url = url, .http = 2 };
    struct reply reply = { 0 };

    CU_ASSERT(appliance_request(a, &rq, &reply));
    CU_ASSERT_EQUAL(reply.http, 2);
    rq.http = 1;
    CU_ASSERT(appliance_request(a, &rq, &reply));
    CU_ASSERT_EQUAL(reply.http, 1);
    reply_clear(&reply);
    free(url);
}

static void old_tls(const char *base)
{
    static const char *const old[] = { "1.0", "1.1" };
    char *url = text_of("%s/healthz", base);
    struct reply reply = { 0 };

    for (size_t i = 0; i < ARRAY_LEN(old); i++) {
        struct request rq = { .url = url, .tls = old[i] };

        CU_ASSERT_FALSE(appliance_request(a, &rq, &reply));
        if (strstr(reply.error, "alert protocol version") == NULL) { /* the server's own refusal */
            printf("\n  TLS %s: %s", old[i], reply.error);
            CU_FAIL("no protocol_version alert");
        }
    }
    reply_clear(&reply);
    free(url);
}

static void old_tls_is_refused(void)
{
    old_tls(a->data_url);
    old_tls(a->management_url);
}

static void new_tls_is_accepted(void)
{
    static const char *const versions[] = { "1.2", "1.3" };
    const char *const urls[] = { a->data_url, a->management_url };
    struct reply reply = { 0 };

    for (size_t u = 0; u < ARRAY_LEN(urls); u++)
        for (size_t i = 0; i < ARRAY_LEN(versions); i++)
            for (unsigned http = 1; http <= 2; http++) {
                char *url = text_of("%s/healthz", urls[u]);
                struct request rq = { .url = url, .tls = versions[i], .http = http };

                CU_ASSERT(appliance_request(a, &rq, &reply));
                CU_ASSERT_EQUAL(reply.status, 200);
                CU_ASSERT_EQUAL(reply.http, http);
                free(url);
            }
    reply_clear(&reply);
}

static void plain_http_is_refused(void)
{
    char *url = text_of("http://vault.localhost:%u/healthz", a->data_port);
    struct request rq = { .url = url, .timeout_s = 10 };
    struct reply reply = { 0 };

    CU_ASSERT(!appliance_request(a, &rq, &reply) || reply.status >= 400);
    reply_clear(&reply);
    free(url);
}

/* What every SDK can parse (clients.md 6): scheme, order, comma and space, quotes, nothing else. */
static void challenge_is_exact(void)
{
    char *expected = text_of("Bearer authorization=\"%s/%s\", resource=\"%s\"", a->login_url, a->tenant, a->data_url);
    char *keys = text_of("%s/keys?" TEST_DATA_API, vault), *create = text_of("%s/keys/x/create?" TEST_DATA_API, vault);
    char *unknown = text_of("https://nobody.vault.localhost:%u/keys?" TEST_DATA_API, a->data_port);
    const struct request requests[] = {
        { .url = keys },
        { .url = keys, .http = 1 },
        { .url = keys, .token = "not.a.token" },
        { .url = create, .method = "POST" },
        { .url = create, .json = "{" },
        { .url = unknown },
    };
    struct reply reply = { 0 };

    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        CU_ASSERT(appliance_request(a, &requests[i], &reply));
        CU_ASSERT_EQUAL(reply.status, 401);
        CU_ASSERT_STRING_EQUAL(reply_header(&reply, "www-authenticate"), expected);
        CU_ASSERT_STRING_NOT_EQUAL(reply_text(&reply, "error.code"), "");
    }
    reply_clear(&reply);
    free(expected);
    free(keys);
    free(create);
    free(unknown);
}

static void every_answer_has_an_id(void)
{
    char *url = text_of("%s/keys?" TEST_DATA_API, vault);
    struct request rq = { .url = url, .headers = { "x-ms-client-request-id: 11112222-3333-4444-5555-666677778888" } };
    struct reply reply = { 0 };
    char first[64];

    CU_ASSERT(appliance_request(a, &rq, &reply));
    snprintf(first, sizeof first, "%s", reply_header(&reply, "x-ms-request-id"));
    CU_ASSERT_EQUAL(strlen(first), 36);
    CU_ASSERT_STRING_EQUAL(reply_header(&reply, "x-ms-client-request-id"), "11112222-3333-4444-5555-666677778888");
    CU_ASSERT(appliance_request(a, &rq, &reply));
    CU_ASSERT_STRING_NOT_EQUAL(reply_header(&reply, "x-ms-request-id"), first);
    reply_clear(&reply);
    free(url);
}

int main(void)
{
    static CU_TestInfo cases[] = {
        { "HTTP/1.1 and HTTP/2 give the same answers", both_protocols },
        { "each is chosen by ALPN", http2_is_preferred },
        { "TLS 1.0 and 1.1 are refused by both daemons with an alert", old_tls_is_refused },
        { "TLS 1.2 and 1.3 are accepted, with both protocols", new_tls_is_accepted },
        { "plain HTTP on the TLS port is no request", plain_http_is_refused },
        { "the challenge is exact, whatever is wrong, and before anything else is looked at", challenge_is_exact },
        { "every answer has an id of its own and returns the client's", every_answer_has_an_id },
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = { { "transport", set_up, tear_down, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
