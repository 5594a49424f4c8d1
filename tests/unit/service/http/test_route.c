#include "service/http/route.h"
#include "tests/unit/harness.h"

enum { LIST, CREATE, READ, CHANGE, SIGN, SIGN_NEWEST };

static const struct route table[] = {
    { HTTP_GET, "/keys", LIST },
    { HTTP_POST, "/keys/{}/create", CREATE },
    { HTTP_GET, "/keys/{}/{}", READ },
    { HTTP_PATCH, "/keys/{}/{}", CHANGE },
    { HTTP_POST, "/keys/{}/{}/sign", SIGN },
    { HTTP_POST, "/keys/{}/sign", SIGN_NEWEST },
};
static struct target t;
static struct route_match m;
static struct bytes allow;

static enum status find(enum http_method method, const char *text)
{
    enum status st;

    target_clear(&t);
    bytes_reset(&allow);
    if (target_parse(&t, span_text(text)) != ST_OK)
        CU_FAIL_FATAL("not a target");
    st = route_find(table, ARRAY_LEN(table), method, &t, &m, &allow);
    return st;
}

static void done(void)
{
    target_clear(&t);
    bytes_clear(&allow);
}

static void a_route_is_found(void)
{
    CU_ASSERT(find(HTTP_GET, "/keys?api-version=7.4") == ST_OK && m.id == LIST && m.capture_count == 0);
    CU_ASSERT(find(HTTP_POST, "/keys/n/v/sign") == ST_OK && m.id == SIGN && m.capture_count == 2);
    CU_ASSERT(span_is(m.captures[0], "n") && span_is(m.captures[1], "v"));
    CU_ASSERT(find(HTTP_POST, "/keys/n//sign") == ST_OK && m.id == SIGN_NEWEST && span_is(m.captures[0], "n"));
    CU_ASSERT(find(HTTP_POST, "/KEYS/n/v/Sign") == ST_OK && m.id == SIGN);
    done();
}

static void nothing_fits(void)
{
    CU_ASSERT(find(HTTP_GET, "/") == ST_NOT_FOUND);
    CU_ASSERT(find(HTTP_GET, "/keyss") == ST_NOT_FOUND);
    CU_ASSERT(find(HTTP_GET, "/keys/a/b/c") == ST_NOT_FOUND);
    CU_ASSERT(find(HTTP_POST, "/keys/a/b/sign/x") == ST_NOT_FOUND);
    CU_ASSERT(allow.len == 0);
    done();
}

static void another_method_is_told_which(void)
{
    CU_ASSERT(find(HTTP_DELETE, "/keys/a/b") == ST_UNSUPPORTED && strcmp(bytes_text(&allow), "GET, PATCH") == 0);
    CU_ASSERT(find(HTTP_OTHER, "/keys") == ST_UNSUPPORTED && strcmp(bytes_text(&allow), "GET") == 0);
    CU_ASSERT(find(HTTP_GET, "/keys/a/sign") == ST_OK && m.id == READ);
    CU_ASSERT(find(HTTP_PUT, "/keys/a/sign") == ST_UNSUPPORTED && strcmp(bytes_text(&allow), "GET, PATCH, POST") == 0);
    done();
}

static CU_TestInfo cases[] = {
    { "literals without regard to case, captures in order", a_route_is_found },
    { "a path that no pattern fits is not found", nothing_fits },
    { "a path with another method says which it has", another_method_is_told_which },
    CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "route", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

int main(void)
{
    return run_suites(suites);
}
