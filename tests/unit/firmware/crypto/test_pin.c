#include "firmware/crypto/pin.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "tests/unit/harness.h"

static const uint8_t pepper[32] = "what follows from the root key";

static void the_right_pin(void)
{
    struct pin p = { .tries = 7 };

    CU_ASSERT(pin_make(&p, span_text("12345678"), pepper) == ST_OK);
    CU_ASSERT(p.set && p.tries == 0 && p.cost == pin_cost);
    CU_ASSERT(pin_check(&p, span_text("12345678"), pepper) == ST_OK);
}

static void a_wrong_pin(void)
{
    static const char *const wrong[] = { "", "1", "1234567", "123456789", "12345679", "02345678", "12345678 " };
    struct pin p;

    CU_ASSERT(pin_make(&p, span_text("12345678"), pepper) == ST_OK);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        CU_ASSERT(pin_check(&p, span_text(wrong[i]), pepper) == ST_NOT_PERMITTED);
    CU_ASSERT(pin_check(&p, span_of("12345678", 9), pepper) == ST_NOT_PERMITTED); /* with its NUL */
    for (unsigned i = 0; i < sizeof p.hash; i++) {
        p.hash[i] ^= 1;
        CU_ASSERT(pin_check(&p, span_text("12345678"), pepper) == ST_NOT_PERMITTED);
        p.hash[i] ^= 1;
    }
    p.salt[3] ^= 1;
    CU_ASSERT(pin_check(&p, span_text("12345678"), pepper) == ST_NOT_PERMITTED);
}

static void bytes_of_every_value(void)
{
    uint8_t all[255];
    struct pin p;

    for (unsigned i = 0; i < sizeof all; i++)
        all[i] = (uint8_t)i; /* a NUL first */
    CU_ASSERT(pin_make(&p, span_of(all, sizeof all), pepper) == ST_OK);
    CU_ASSERT(pin_check(&p, span_of(all, sizeof all), pepper) == ST_OK);
    CU_ASSERT(pin_check(&p, span_of(all, 1), pepper) == ST_NOT_PERMITTED);
    all[254] ^= 1;
    CU_ASSERT(pin_check(&p, span_of(all, sizeof all), pepper) == ST_NOT_PERMITTED);
    CU_ASSERT(pin_make(&p, span_of(NULL, 0), pepper) == ST_OK);
    CU_ASSERT(pin_check(&p, span_of(NULL, 0), pepper) == ST_OK);
    CU_ASSERT(pin_check(&p, span_text("1"), pepper) == ST_NOT_PERMITTED);
}

static void the_pepper_matters(void)
{
    uint8_t other[32];
    struct pin p;

    memcpy(other, pepper, sizeof other);
    other[31] ^= 1;
    CU_ASSERT(pin_make(&p, span_text("secret"), pepper) == ST_OK);
    CU_ASSERT(pin_check(&p, span_text("secret"), other) == ST_NOT_PERMITTED);
}

static void the_salt_is_its_own(void)
{
    struct pin a, b;

    CU_ASSERT(pin_make(&a, span_text("secret"), pepper) == ST_OK && pin_make(&b, span_text("secret"), pepper) == ST_OK);
    CU_ASSERT(memcmp(a.salt, b.salt, sizeof a.salt) != 0 && memcmp(a.hash, b.hash, sizeof a.hash) != 0);
}

static void a_pin_that_is_not_set(void)
{
    static const struct pin none;

    CU_ASSERT(pin_check(&none, span_text(""), pepper) == ST_NOT_PERMITTED);
}

/* The hash by another way: an HMAC, then scrypt (RFC 7914). At the full cost, once. */
static void the_hash_is_as_it_is_written(void)
{
    uint32_t lowered = pin_cost;
    uint8_t in[32], out[32];
    unsigned len = 0;
    struct pin p;

    pin_cost = PIN_COST;
    CU_ASSERT(pin_make(&p, span_text("secret"), pepper) == ST_OK && p.cost == 16384);
    pin_cost = lowered;
    CU_ASSERT(pin_check(&p, span_text("secret"), pepper) == ST_OK); /* by its own cost */
    CU_ASSERT(HMAC(EVP_sha256(), pepper, 32, (const uint8_t *)"secret", 6, in, &len) != NULL);
    CU_ASSERT(EVP_PBE_scrypt((const char *)in, 32, p.salt, 16, 16384, 8, 1, 64u << 20, out, 32) == 1);
    CU_ASSERT(memcmp(out, p.hash, 32) == 0);
}

static void a_record_comes_back(void)
{
    uint8_t record[PIN_RECORD_LEN], again[PIN_RECORD_LEN];
    struct pin p, q;

    CU_ASSERT(pin_make(&p, span_text("secret"), pepper) == ST_OK);
    p.tries = 9;
    pin_pack(&p, record);
    CU_ASSERT(pin_unpack(&q, record) == ST_OK);
    CU_ASSERT(q.set && q.tries == 9 && q.cost == p.cost && memcmp(q.salt, p.salt, 16) == 0);
    CU_ASSERT(pin_check(&q, span_text("secret"), pepper) == ST_OK);
    pin_pack(&q, again);
    CU_ASSERT(memcmp(record, again, sizeof record) == 0);
    p = (struct pin){ 0 };
    pin_pack(&p, record);
    memset(&q, 0xff, sizeof q);
    CU_ASSERT(pin_unpack(&q, record) == ST_OK && !q.set && q.tries == 0);
}

static void a_broken_record_is_refused(void)
{
    static const struct {
        unsigned at;
        uint8_t value;
    } wrong[] = { { 0, 0 },  { 0, 2 },  { 1, 2 },    { 1, 0xff }, { 1, 0 }, { 3, 0 },
                  { 3, 17 }, { 3, 32 }, { 3, 0xff }, { 52, 1 },   { 79, 1 } };
    uint8_t record[PIN_RECORD_LEN];
    struct pin p, q;

    CU_ASSERT(pin_make(&p, span_text("secret"), pepper) == ST_OK);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        pin_pack(&p, record);
        record[wrong[i].at] = wrong[i].value;
        CU_ASSERT(pin_unpack(&q, record) == ST_CORRUPT && !q.set);
    }
    memset(record, 0xff, sizeof record);
    CU_ASSERT(pin_unpack(&q, record) == ST_CORRUPT);
    memset(record, 0, sizeof record);
    CU_ASSERT(pin_unpack(&q, record) == ST_CORRUPT);
    pin_pack(&(struct pin){ 0 }, record);
    record[30] = 1;
    CU_ASSERT(pin_unpack(&q, record) == ST_CORRUPT);
}

int main(void)
{
    CU_TestInfo cases[] = { { "the right PIN", the_right_pin },
                            { "a wrong PIN", a_wrong_pin },
                            { "a PIN may be any bytes", bytes_of_every_value },
                            { "the pepper matters", the_pepper_matters },
                            { "two records of one PIN differ", the_salt_is_its_own },
                            { "no PIN fits one that is not set", a_pin_that_is_not_set },
                            { "the hash is scrypt under a pepper", the_hash_is_as_it_is_written },
                            { "a record comes back", a_record_comes_back },
                            { "a broken record is refused", a_broken_record_is_refused },
                            CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = { { .pName = "PIN records", .pTests = cases }, CU_SUITE_INFO_NULL };

    pin_cost = 16; /* scrypt's full cost once is enough: see the_hash_is_as_it_is_written */
    return run_suites(suites);
}
