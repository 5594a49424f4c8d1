#include "firmware/crypto/curve.h"
#include "firmware/crypto/der.h"
#include "tests/unit/firmware/crypto/key_fixture.h"

static bool takes(const char *der, uint8_t tag)
{
    struct span in = from_hex(der), before = in, content;
    bool ok = der_take(&in, tag, &content);

    CU_ASSERT(ok || (in.p == before.p && in.len == before.len)); /* nothing moved */
    CU_ASSERT(!ok || in.len == 0);
    return ok;
}

static void lengths_are_in_the_shortest_form(void)
{
    static uint8_t padded[5 + 256] = { 0x04, 0x83, 0x00, 0x01, 0x00 }; /* 256, with a zero in front */
    struct span in = span_of(padded, sizeof padded), content;

    CU_ASSERT(!der_take(&in, 0x04, &content));
    CU_ASSERT(takes("0400", 0x04) && takes("04010a", 0x04));
    CU_ASSERT(!takes("", 0x04) && !takes("04", 0x04) && !takes("0401", 0x04) && !takes("0400", 0x05));
    CU_ASSERT(!takes("0480", 0x04));                                   /* indefinite */
    CU_ASSERT(!takes("04810100", 0x04) && !takes("0482000100", 0x04)); /* longer than needed */
    CU_ASSERT(!takes("0481", 0x04) && !takes("0482ffff", 0x04));
    CU_ASSERT(!takes("0484ffffffff00", 0x04) && !takes("0485010000000000", 0x04) && !takes("04ff00", 0x04));
}

static bool number(const char *der, const char *magnitude)
{
    struct span in = from_hex(der), n;

    return der_take_number(&in, &n) && span_equal(n, from_hex(magnitude));
}

static void numbers_are_not_negative_and_short(void)
{
    CU_ASSERT(number("020100", "") && number("02017f", "7f") && number("02020080", "80"));
    CU_ASSERT(!number("0200", "") && !number("020180", "80") && !number("0202007f", "7f") && !number("02020000", ""));
}

static void what_is_written_is_read(void)
{
    static const size_t lengths[] = { 0, 1, 127, 128, 255, 256, 65535, 65536, 70000 };
    static uint8_t memory[70100], content[70000];

    memset(content, 0x91, sizeof content);
    for (unsigned i = 0; i < ARRAY_LEN(lengths); i++) {
        struct span body = span_of(content, lengths[i]), in, got;
        struct der_writer w;

        der_begin(&w, memory, sizeof memory);
        der_put_number(&w, body);
        der_put_bits(&w, body.len < 20 ? body : span_of(content, 20));
        der_put_element(&w, DER_OCTETS, span_of(NULL, 0));
        CU_ASSERT(!w.failed);
        in = der_written(&w);
        CU_ASSERT(der_take(&in, DER_OCTETS, &got) && got.len == 0);
        CU_ASSERT(der_take_bits(&in, &got) && got.len == (body.len < 20 ? body.len : 20));
        CU_ASSERT(der_take_number(&in, &got) && span_equal(got, body) && in.len == 0);
    }
}

static void what_does_not_fit_fails_and_stays_inside(void)
{
    uint8_t memory[16] = { 0 };

    for (size_t cap = 0; cap < 7; cap++) {
        struct der_writer w;

        memset(memory, 0xcc, sizeof memory);
        der_begin(&w, memory + 4, cap);
        der_put_number(&w, from_hex("8001"));
        der_wrap(&w, DER_SEQUENCE, cap);
        CU_ASSERT(w.failed);
        CU_ASSERT(memory[3] == 0xcc && memory[4 + cap] == 0xcc);
    }
}

static void curves_are_found_by_name_and_type(void)
{
    const struct curve *c = curve_by_params(CKK_EC, from_hex(DER_P256));

    CU_ASSERT_FATAL(c != NULL);
    CU_ASSERT(c->bits == 256 && strcmp(c->name, "P-256") == 0);
    CU_ASSERT(curve_by_params(CKK_EC_EDWARDS, from_hex(DER_P256)) == NULL);
    CU_ASSERT(curve_by_params(CKK_EC, from_hex("130c656477617264733235353139")) == NULL);
    CU_ASSERT(curve_by_params(CKK_EC_EDWARDS, from_hex("130c656477617264733235353139")) != NULL);
    CU_ASSERT(curve_by_params(CKK_EC_EDWARDS, from_hex("130c45647761726473323535313930")) == NULL);
    CU_ASSERT(curve_by_params(CKK_EC, span_of(NULL, 0)) == NULL);
    CU_ASSERT(curve_point(c, span_of(NULL, 0)).p == NULL);
}

int main(void)
{
    static CU_TestInfo tests[] = {
        { "lengths are in the shortest form", lengths_are_in_the_shortest_form },
        { "numbers are not negative and short", numbers_are_not_negative_and_short },
        { "what is written is read", what_is_written_is_read },
        { "what does not fit fails and stays inside", what_does_not_fit_fails_and_stays_inside },
        { "curves are found by name and type", curves_are_found_by_name_and_type },
        CU_TEST_INFO_NULL,
    };
    static CU_SuiteInfo suites[] = {
        { "DER and curves", NULL, NULL, NULL, NULL, tests },
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
