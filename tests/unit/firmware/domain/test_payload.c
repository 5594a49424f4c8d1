/* The payload: there and back, its limits, every cut and every byte of it. */
#include "firmware/domain/payload.h"

#include "tests/unit/firmware/domain/domain_fixture.h"
#include "tests/unit/harness.h"

static int free_keys(void)
{
    fixture_free();
    return 0;
}

static enum status unpack(struct span packed, struct payload *out)
{
    struct secret copy = { 0 };
    enum status st;

    CU_ASSERT_FATAL(secret_set(&copy, packed) == ST_OK);
    st = payload_unpack(&copy, out);
    CU_ASSERT_PTR_NULL(copy.p); /* taken over */
    if (st != ST_OK)
        CU_ASSERT(out->packed.p == NULL && out->holder_count == 0);
    return st;
}

static void it_comes_back(void)
{
    for (size_t count = HOLDERS_MIN; count <= HOLDERS_MAX; count++)
        for (uint32_t required = QUORUM_MIN; required <= count; required++) {
            struct payload p = fixture_payload(required, count), back = { 0 };
            struct secret packed = { 0 };

            CU_ASSERT_EQUAL(payload_pack(&p, &packed), ST_OK);
            CU_ASSERT_EQUAL(unpack(secret_span(&packed), &back), ST_OK);
            CU_ASSERT(payload_equal(&p, &back));
            payload_clear(&back);
            secret_clear(&packed);
        }
}

static void the_largest_comes_back(void)
{
    static uint8_t large[HOLDERS_MAX][CERTIFICATE_MAX];
    static const char name[] = "a name of just thirty-two bytes!";
    struct payload p = fixture_payload(10, HOLDERS_MAX), back = { 0 };
    struct secret packed = { 0 };

    p.name = span_text(name);
    p.generation = UINT32_MAX;
    for (size_t i = 0; i < HOLDERS_MAX; i++) {
        large[i][0] = (uint8_t)i;
        p.holders[i] =
            (struct payload_holder){ .name = span_text(name), .certificate = span_of(large[i], CERTIFICATE_MAX) };
    }
    CU_ASSERT_EQUAL(payload_pack(&p, &packed), ST_OK);
    CU_ASSERT_EQUAL(packed.len, PAYLOAD_MAX);
    CU_ASSERT_EQUAL(unpack(secret_span(&packed), &back), ST_OK);
    CU_ASSERT(payload_equal(&p, &back));
    payload_clear(&back);
    secret_clear(&packed);
}

static void expect_invalid(const struct payload *p)
{
    struct secret packed = { 0 };

    CU_ASSERT_FALSE(payload_is_valid(p));
    CU_ASSERT_EQUAL(payload_pack(p, &packed), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(packed.len, 0);
}

static void limits_are_kept(void)
{
    static const uint8_t large[CERTIFICATE_MAX + 1];
    struct payload p = fixture_payload(3, 5), bad;

    CU_ASSERT(payload_is_valid(&p));
#define WITH(change)                                                                                                   \
    do {                                                                                                               \
        bad = p;                                                                                                       \
        change;                                                                                                        \
        expect_invalid(&bad);                                                                                          \
    } while (0)
    WITH(bad.required = 1);
    WITH(bad.required = 0);
    WITH(bad.required = 6);
    WITH(bad.required = UINT32_MAX);
    WITH(bad.required = 2; bad.holder_count = 2);
    WITH(bad.holder_count = 11);
    WITH(bad.name = span_text("a name that has thirty-three byte"));
    WITH(bad.name = span_of("a\0b", 3));
    WITH(bad.holders[4].name = span_text("a name that has thirty-three byte"));
    WITH(bad.holders[4].name = span_of("\0", 1));
    WITH(bad.holders[4].certificate = span_of(NULL, 0));
    WITH(bad.holders[4].certificate = span_of(large, sizeof large));
    WITH(bad.holders[4].certificate = bad.holders[0].certificate);
#undef WITH
    p.name = p.holders[0].name = span_of(NULL, 0); /* names may be empty, and alike */
    p.holders[1].name = p.holders[2].name;
    CU_ASSERT(payload_is_valid(&p));
}

static void cut_or_longer_it_is_refused(void)
{
    struct payload p = fixture_payload(3, 3), back = { 0 };
    struct secret packed = { 0 };

    CU_ASSERT_FATAL(payload_pack(&p, &packed) == ST_OK);
    for (size_t len = 0; len < packed.len; len++)
        CU_ASSERT_EQUAL(unpack(span_of(packed.p, len), &back), ST_CORRUPT);
    CU_ASSERT_FATAL(secret_append(&packed, span_text("x")) == ST_OK);
    CU_ASSERT_EQUAL(unpack(secret_span(&packed), &back), ST_CORRUPT);
    secret_clear(&packed);
}

/* Whatever a byte becomes: refused, or read as just what it then says. */
static void there_is_one_text_for_each_content(void)
{
    struct payload p = fixture_payload(3, 3);
    struct secret packed = { 0 }, again = { 0 };

    p.holders[0].certificate.len = p.holders[1].certificate.len = p.holders[2].certificate.len = 40;
    p.holders[0].certificate.p += 200; /* where they differ */
    p.holders[1].certificate.p += 200;
    p.holders[2].certificate.p += 200;
    CU_ASSERT_FATAL(payload_pack(&p, &packed) == ST_OK);
    for (size_t i = 0; i < packed.len; i++)
        for (unsigned v = 0; v < 256; v++) {
            uint8_t was = packed.p[i];
            struct payload back = { 0 };

            packed.p[i] = (uint8_t)v;
            if (unpack(secret_span(&packed), &back) == ST_OK) {
                CU_ASSERT_EQUAL(payload_pack(&back, &again), ST_OK);
                CU_ASSERT(span_equal(secret_span(&packed), secret_span(&again)));
            }
            payload_clear(&back);
            packed.p[i] = was;
        }
    secret_clear(&packed);
    secret_clear(&again);
}

static void another_format_is_unsupported(void)
{
    struct payload p = fixture_payload(3, 3), back = { 0 };
    struct secret packed = { 0 };

    CU_ASSERT_FATAL(payload_pack(&p, &packed) == ST_OK);
    packed.p[0] = 2;
    CU_ASSERT_EQUAL(unpack(secret_span(&packed), &back), ST_UNSUPPORTED);
    packed.p[0] = 0;
    CU_ASSERT_EQUAL(unpack(secret_span(&packed), &back), ST_UNSUPPORTED);
    secret_clear(&packed);
}

static void clearing_wipes(void)
{
    static const struct payload none;
    struct payload p = fixture_payload(3, 3);

    payload_clear(&p);
    CU_ASSERT_EQUAL(memcmp(&p, &none, sizeof p), 0);
    payload_clear(&p);
}

static CU_TestInfo cases[] = {
    { "each number of holders and each quorum comes back", it_comes_back },
    { "the largest payload comes back", the_largest_comes_back },
    { "what is beyond a limit is not packed", limits_are_kept },
    { "cut anywhere, or with a byte behind it, it is refused", cut_or_longer_it_is_refused },
    { "there is one text for each content", there_is_one_text_for_each_content },
    { "another format is told apart", another_format_is_unsupported },
    { "clearing wipes", clearing_wipes },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { "payload", NULL, free_keys, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
