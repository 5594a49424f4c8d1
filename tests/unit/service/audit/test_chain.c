#include "service/audit/chain.h"

#include <openssl/sha.h>

#include "tests/unit/harness.h"

static struct chain_hasher hasher;

static int set_up(void)
{
    return chain_hasher_init(&hasher) == ST_OK ? 0 : 1;
}

static int tear_down(void)
{
    chain_hasher_clear(&hasher);
    return 0;
}

static void lines_are_chained_by_plain_sha256(void)
{
    struct chain_point at = { 0 };
    struct bytes out = { 0 };
    uint8_t want[32];
    char *second;

    CU_ASSERT(chain_append(&hasher, &out, &at, span_text("\"a\":1"), span_text("vaultd")) == ST_OK);
    CU_ASSERT_STRING_EQUAL(bytes_text(&out),
                           "{\"a\":1,\"source\":\"vaultd\",\"seq\":1,\"prev\":\"0000000000000000000000000000"
                           "000000000000000000000000000000000000\"}\n");
    SHA256(out.p, out.len - 1, want);
    CU_ASSERT(at.seq == 1 && memcmp(at.hash, want, 32) == 0);
    CU_ASSERT(chain_append(&hasher, &out, &at, span_text(""), span_text("vaultd")) == ST_OK);
    second = strchr(bytes_text(&out), '\n') + 1;
    CU_ASSERT(strncmp(second, "{\"source\":\"vaultd\",\"seq\":2,\"prev\":\"", 35) == 0);
    CU_ASSERT(chain_unhex(want, (const uint8_t *)second + 35));
    SHA256(out.p, (size_t)(second - bytes_text(&out)) - 1, want);
    CU_ASSERT(at.seq == 2);
    bytes_clear(&out);
}

static void numbers_of_every_length_are_read_back(void)
{
    static const uint64_t numbers[] = { 0, 8, 9, 98, 99, 4294967294u, 999999999999, UINT64_MAX - 2 };
    struct bytes out = { 0 };

    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        struct chain_point at = { .seq = numbers[i], .hash = { 0xab, 0xcd, 1, [31] = 0xef } };
        struct chain_point before = at;
        struct chain_line line;

        bytes_reset(&out);
        CU_ASSERT(chain_append(&hasher, &out, &at, span_text("\"r\":\"x\""), span_text("a-1")) == ST_OK);
        CU_ASSERT(chain_parse(span_of(out.p, out.len - 1), &line) == ST_OK);
        CU_ASSERT(line.seq == numbers[i] + 1 && at.seq == line.seq);
        CU_ASSERT(memcmp(line.prev, before.hash, 32) == 0);
        CU_ASSERT(span_is(line.record, "\"r\":\"x\"") && span_is(line.source, "a-1"));
        CU_ASSERT(!chain_point_equal(&at, &before));
    }
    bytes_clear(&out);
}

#define PREV "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static bool parses(const char *text)
{
    struct chain_line line;

    return chain_parse(span_text(text), &line) == ST_OK;
}

static void there_is_one_way_to_write_a_line(void)
{
    CU_ASSERT(parses("{\"a\":1,\"source\":\"d\",\"seq\":7,\"prev\":\"" PREV "\"}"));
    CU_ASSERT(parses("{\"source\":\"d\",\"seq\":7,\"prev\":\"" PREV "\"}"));
    CU_ASSERT(parses("{\"source\":\"d\",\"seq\":18446744073709551615,\"prev\":\"" PREV "\"}"));
    CU_ASSERT(!parses(""));
    CU_ASSERT(!parses("\"}"));
    CU_ASSERT(!parses("{}"));
    CU_ASSERT(!parses("\"a\":1,\"source\":\"d\",\"seq\":7,\"prev\":\"" PREV "\"}"));
    CU_ASSERT(!parses("{\"a\":1\"source\":\"d\",\"seq\":7,\"prev\":\"" PREV "\"}"));
    CU_ASSERT(!parses("{\"a\":1,\"source\":\"\",\"seq\":7,\"prev\":\"" PREV "\"}"));
    CU_ASSERT(!parses("{\"a\":1,\"source\":\"D\",\"seq\":7,\"prev\":\"" PREV "\"}"));
    CU_ASSERT(!parses("{\"a\":1,\"source\":\"a23456789012345678901234567890123\",\"seq\":7,\"prev\":\"" PREV "\"}"));
    CU_ASSERT(!parses("{\"a\":1,\"seq\":7,\"prev\":\"" PREV "\"}"));
    CU_ASSERT(!parses("{\"a\":1,\"source\":\"d\",\"seq\":,\"prev\":\"" PREV "\"}"));
    CU_ASSERT(!parses("{\"a\":1,\"source\":\"d\",\"seq\":07,\"prev\":\"" PREV "\"}"));
    CU_ASSERT(!parses("{\"a\":1,\"source\":\"d\",\"seq\":-7,\"prev\":\"" PREV "\"}"));
    CU_ASSERT(!parses("{\"a\":1,\"source\":\"d\",\"seq\":18446744073709551616,\"prev\":\"" PREV "\"}"));
    CU_ASSERT(!parses("{\"a\":1,\"source\":\"d\",\"seq\":111111111111111111111,\"prev\":\"" PREV "\"}"));
    CU_ASSERT(!parses("{\"a\":1,\"source\":\"d\",\"seq\":7,\"prev\":\"A" PREV "\"}"));
    CU_ASSERT(!parses("{\"a\":1,\"source\":\"d\",\"seq\":7,\"prev\":\"" PREV "0\"}"));
    CU_ASSERT(!parses(
        "{\"a\":1,\"source\":\"d\",\"seq\":7,\"prev\":\"X123456789abcdef0123456789abcdef0123456789abcdef0123456789"
        "abcdef\"}"));
    CU_ASSERT(!parses(
        "{\"a\":1,\"source\":\"d\",\"seq\":7,\"prev\":\"A123456789abcdef0123456789abcdef0123456789abcdef0123456789"
        "abcdef\"}"));
    CU_ASSERT(!parses("{\"a\":1,\"source\":\"d\",\"seq\":7,\"prev\":\"" PREV "\"} "));
    CU_ASSERT(!parses("{\"a\":1,\"source\":\"d\",\"seq\":7 ,\"prev\":\"" PREV "\"}"));
    CU_ASSERT(!parses(PREV "\"}"));
}

static void a_record_cannot_pass_for_the_trails_own(void)
{
    struct chain_line line;

    /* what a record says about source, seq and prev is not what is read */
    CU_ASSERT(
        chain_parse(span_text("{\"x\":\"\\\",\\\"seq\\\":9\",\"source\":\"evil\",\"seq\":9,\"source\":\"d\",\"seq\":7,"
                              "\"prev\":\"" PREV "\"}"),
                    &line) == ST_OK);
    CU_ASSERT(line.seq == 7 && span_is(line.source, "d"));
    CU_ASSERT(chain_is_record(span_text("")));
    CU_ASSERT(chain_is_record(span_text("\"a\":\"\x7f\xc3\xa9\"")));
    CU_ASSERT(!chain_is_record(span_text("\"a\":1\n")));
    CU_ASSERT(!chain_is_record(span_of("\"a\":\"\0\"", 7)));
    CU_ASSERT(!chain_is_record(span_text("\"a\":\"\x1f\"")));
    CU_ASSERT(!chain_is_record(span_text("\"checkpoint\":1")));
    CU_ASSERT(!chain_is_record(span_text("\"trail\":1")));
    CU_ASSERT(chain_is_record(span_text("\"a\":1,\"checkpoint\":1")));
}

int main(void)
{
    CU_TestInfo cases[] = { { "lines are chained by plain SHA-256", lines_are_chained_by_plain_sha256 },
                            { "numbers of every length are read back", numbers_of_every_length_are_read_back },
                            { "there is one way to write a line", there_is_one_way_to_write_a_line },
                            { "a record cannot pass for the trail's own", a_record_cannot_pass_for_the_trails_own },
                            CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = {
        { .pName = "lines of a trail", .pInitFunc = set_up, .pCleanupFunc = tear_down, .pTests = cases },
        CU_SUITE_INFO_NULL
    };

    return run_suites(suites);
}
