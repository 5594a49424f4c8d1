/* provisioning/keystore/audit_record.c: records made by hand, byte by byte as firmware/flash/audit.h says. */
#include "provisioning/keystore/audit_record.h"

#include <openssl/sha.h>

#include "firmware/wire/message.h"
#include "tests/unit/harness.h"

#define RECORDS 6

static uint8_t chain[RECORDS][AUDIT_RECORD_LEN];

static void put(uint8_t *p, uint64_t v, unsigned len)
{
    while (len-- > 0) {
        p[len] = (uint8_t)v;
        v >>= 8;
    }
}

static void make(unsigned at, uint64_t sequence, uint16_t kind, const uint8_t *before)
{
    static const uint8_t zeros[32];
    uint8_t text[32 + 67];
    uint8_t *r = chain[at];

    memset(r, 0, AUDIT_RECORD_LEN);
    put(r, sequence, 8);
    put(r + 8, 1800000000000 + at, 8);
    put(r + 16, kind, 2);
    r[18] = 1;
    put(r + 19, 7, 4);
    put(r + 23, 0x80530001, 4);
    put(r + 27, 0x1044, 8);
    memset(r + 35, 0xab, 16);
    memset(r + 51, 0xcd, 8);
    put(r + 59, 42, 8);
    memcpy(text, before != NULL ? before : zeros, 32);
    memcpy(text + 32, r, 67);
    SHA256(text, sizeof text, r + 96);
}

static void make_chain(uint64_t first)
{
    make(0, first, MESSAGE_DOMAIN_CREATE, NULL);
    for (unsigned i = 1; i < RECORDS; i++)
        make(i, first + i, MESSAGE_LOGIN, chain[i - 1] + 96);
}

static unsigned accepted(unsigned from)
{
    struct audit_chain c = { 0 };
    unsigned n = 0;

    while (from + n < RECORDS && audit_chain_add(&c, chain[from + n]) == ST_OK)
        n++;
    return n;
}

static void every_field_is_read(void)
{
    struct audit_record r;

    make_chain(1);
    audit_record_read(chain[0], &r);
    CU_ASSERT(r.sequence == 1 && r.time_ms == 1800000000000 && r.kind == MESSAGE_DOMAIN_CREATE && r.role == 1);
    CU_ASSERT(r.partition == 7 && r.result == 0x80530001 && r.mechanism == 0x1044 && r.detail == 42);
    CU_ASSERT(r.object[15] == 0xab && r.peer[7] == 0xcd);
    CU_ASSERT_STRING_EQUAL(audit_record_what(&r), "domain-create");
    r.kind = 9999;
    CU_ASSERT_STRING_EQUAL(audit_record_what(&r), "?");
    r.detail = (uint64_t)MESSAGE_DOMAIN_EXPORT << 48 | 1234567;
    CU_ASSERT_STRING_EQUAL(audit_record_act(&r), "domain-export");
    CU_ASSERT_EQUAL(audit_record_act_number(&r), 1234567);
}

static void a_whole_chain_holds(void)
{
    make_chain(1);
    CU_ASSERT_EQUAL(accepted(0), RECORDS);
    CU_ASSERT_EQUAL(accepted(3), RECORDS - 3); /* the older ones have left the ring */
    make_chain(500);
    CU_ASSERT_EQUAL(accepted(0), RECORDS);
}

static void each_changed_byte_is_seen(void)
{
    for (unsigned at = 0; at < AUDIT_RECORD_LEN; at++) {
        make_chain(1);
        chain[2][at] ^= 1;
        CU_ASSERT(accepted(0) <= 2);
    }
}

static void what_is_left_out_doubled_or_moved_is_seen(void)
{
    uint8_t kept[AUDIT_RECORD_LEN];

    make_chain(1);
    memcpy(chain[2], chain[3], AUDIT_RECORD_LEN); /* one left out */
    CU_ASSERT_EQUAL(accepted(0), 2);
    make_chain(1);
    memcpy(chain[3], chain[2], AUDIT_RECORD_LEN); /* doubled */
    CU_ASSERT_EQUAL(accepted(0), 3);
    make_chain(1);
    memcpy(kept, chain[2], sizeof kept);
    memcpy(chain[2], chain[3], sizeof kept);
    memcpy(chain[3], kept, sizeof kept);
    CU_ASSERT_EQUAL(accepted(0), 2);
    make_chain(1);
    make(0, 1, MESSAGE_DOMAIN_CREATE, chain[5] + 96); /* the first of all follows nothing */
    CU_ASSERT_EQUAL(accepted(0), 0);
}

/* Said by the keystore itself, with a number beyond those of the chain before. */
static void a_chain_begun_anew_is_one_break(void)
{
    struct audit_chain c = { 0 };

    make_chain(1);
    make(3, 100, AUDIT_EVENT_ROLLBACK, NULL);
    for (unsigned i = 4; i < RECORDS; i++)
        make(i, 96 + i + 1, MESSAGE_LOGIN, chain[i - 1] + 96);
    for (unsigned i = 0; i < RECORDS; i++)
        CU_ASSERT_EQUAL(audit_chain_add(&c, chain[i]), ST_OK);
    CU_ASSERT(c.breaks == 1 && c.first == 1 && c.last == 102);
    make(3, 3, AUDIT_EVENT_ROLLBACK, NULL); /* a number that was there */
    CU_ASSERT_EQUAL(accepted(0), 3);
    make(3, 100, MESSAGE_LOGIN, NULL); /* of another kind */
    CU_ASSERT_EQUAL(accepted(0), 3);
}

int main(void)
{
    static CU_TestInfo cases[] = {
        { "every field is read", every_field_is_read },
        { "a whole chain holds", a_whole_chain_holds },
        { "each changed byte is seen", each_changed_byte_is_seen },
        { "what is left out, doubled or moved is seen", what_is_left_out_doubled_or_moved_is_seen },
        { "a chain begun anew is one break", a_chain_begun_anew_is_one_break },
        CU_TEST_INFO_NULL,
    };
    static CU_SuiteInfo suites[] = { { "audit record", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
