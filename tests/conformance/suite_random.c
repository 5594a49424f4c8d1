/* PKCS#11 3.0, 5.17: random numbers. */
#include <string.h>

#include "tests/conformance/suites.h"

static void differs(const void *row)
{
    CK_BYTE one[32] = { 0 }, two[32] = { 0 };

    (void)row;
    CHECK_OK(F->C_GenerateRandom(S, one, sizeof one));
    CHECK_OK(F->C_GenerateRandom(S, two, sizeof two));
    CHECK(memcmp(one, two, sizeof one) != 0);
}

static const CK_ULONG lengths[] = { 1, 7, 32, 4096, 65536, 1000000 };

static void fills_all(const void *row)
{
    static CK_BYTE room[1000001];
    const CK_ULONG *len = row;
    CK_ULONG zeros = 0;

    memset(room, 0, sizeof room);
    CHECK_OK(F->C_GenerateRandom(S, room, *len));
    CHECK(room[*len] == 0);
    for (CK_ULONG i = 0; i < *len; i++)
        zeros += room[i] == 0;
    CHECK(*len < 32 || zeros < *len / 64 + 16); /* 1 of 256 is what there should be */
}

static void of_length_0(const void *row)
{
    CK_BYTE room = 0;

    (void)row;
    CHECK_ONE(F->C_GenerateRandom(S, &room, 0), CKR_OK, CKR_ARGUMENTS_BAD);
}

static void of_all_ones(const void *row)
{
    CK_BYTE room[16];

    (void)row;
    CHECK(F->C_GenerateRandom(S, NULL, (CK_ULONG)-1) != CKR_OK);
    CHECK(F->C_SeedRandom(S, NULL, (CK_ULONG)-1) != CKR_OK);
    CHECK_OK(F->C_GenerateRandom(S, room, sizeof room));
}

static void seeded(const void *row)
{
    CK_BYTE seed[64] = { 0 }, one[32], two[32];

    (void)row;
    CHECK_ONE(F->C_SeedRandom(S, seed, sizeof seed), CKR_OK, CKR_RANDOM_SEED_NOT_SUPPORTED);
    CHECK_OK(F->C_GenerateRandom(S, one, sizeof one));
    F->C_SeedRandom(S, seed, sizeof seed);
    CHECK_OK(F->C_GenerateRandom(S, two, sizeof two));
    CHECK(memcmp(one, two, sizeof one) != 0); /* a seed is mixed in, it does not replace */
}

static const struct test_case cases[] = {
    { "two draws differ", LEVEL_PUBLIC, differs, 0 },
    { "a length of 0", LEVEL_PUBLIC, of_length_0, 0 },
    { "a length of all ones", LEVEL_PUBLIC, of_all_ones, 0 },
    { "seeding", LEVEL_PUBLIC, seeded, 0 },
};

void suite_random(struct suite *s)
{
    suite_cases(s, cases, COUNT_OF(cases));
    for (size_t i = 0; i < COUNT_OF(lengths); i++)
        suite_row(s, LEVEL_PUBLIC, fills_all, &lengths[i], "%lu bytes", lengths[i]);
}
