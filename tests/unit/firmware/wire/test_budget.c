/* The memory of unpacked messages: its limit, its alignment, and that a reset leaves nothing. */
#include "firmware/wire/budget.h"

#include <stdalign.h>

#include "keystore.pb-c.h"
#include "tests/unit/harness.h"

static alignas(max_align_t) uint8_t block[4096];

static bool is_zero(size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (block[i] != 0)
            return false;
    }
    return true;
}

static void pieces_are_aligned_and_apart(void)
{
    struct budget b;

    budget_init(&b, block + 1, sizeof block - 1);
    for (size_t len = 0; len < 40; len++) {
        uint8_t *a = budget_take(&b, len), *next = budget_take(&b, 1);

        CU_ASSERT_PTR_NOT_NULL_FATAL(a);
        CU_ASSERT_EQUAL((uintptr_t)a % alignof(max_align_t), 0);
        CU_ASSERT_TRUE(next >= a + len && next < block + sizeof block);
    }
    budget_reset(&b);
}

static void exhaustion_is_remembered(void)
{
    struct budget b;

    budget_init(&b, block, 64);
    CU_ASSERT_PTR_NOT_NULL(budget_take(&b, 48));
    CU_ASSERT_FALSE(b.exhausted);
    CU_ASSERT_PTR_NULL(budget_take(&b, 17));
    CU_ASSERT_TRUE(b.exhausted);
    CU_ASSERT_PTR_NULL(budget_take(&b, SIZE_MAX));
    CU_ASSERT_PTR_NULL(budget_take(&b, SIZE_MAX - 20));
    CU_ASSERT_PTR_NOT_NULL(budget_take(&b, 16));
    CU_ASSERT_PTR_NULL(budget_take(&b, 1));
    budget_reset(&b);
    CU_ASSERT_FALSE(b.exhausted);
    CU_ASSERT_PTR_NOT_NULL(budget_take(&b, 64));

    budget_init(&b, block + 1, 3); /* smaller than what alignment costs */
    CU_ASSERT_PTR_NULL(budget_take(&b, 1));
}

static void a_reset_wipes_what_was_used(void)
{
    struct budget b;
    uint8_t *piece;

    memset(block, 0, sizeof block);
    budget_init(&b, block, sizeof block);
    piece = budget_take(&b, 1000);
    memset(piece, 0x5a, 1000);
    block[2000] = 1; /* not ours: a reset does not pay for the whole block */
    budget_reset(&b);
    CU_ASSERT_TRUE(is_zero(2000));
    CU_ASSERT_EQUAL(block[2000], 1);
    memset(block, 0, sizeof block);
}

/* A PIN through protobuf-c: there while the message lives, nowhere after. */
static void unpacking_leaves_no_pin(void)
{
    static const uint8_t pin[] = "hunter2 hunter2";
    Ks__Login m = KS__LOGIN__INIT, *back;
    uint8_t packed[64];
    struct budget b;
    size_t len;

    m.pin.data = (uint8_t *)pin;
    m.pin.len = sizeof pin;
    len = ks__login__pack(&m, packed);
    memset(block, 0, sizeof block);
    budget_init(&b, block, sizeof block);
    back = ks__login__unpack(budget_allocator(&b), len, packed);
    CU_ASSERT_PTR_NOT_NULL_FATAL(back);
    CU_ASSERT_PTR_NOT_NULL(memmem(block, sizeof block, pin, sizeof pin));
    ks__login__free_unpacked(back, budget_allocator(&b));
    budget_reset(&b);
    CU_ASSERT_TRUE(is_zero(sizeof block));
}

/* Any budget below what a message needs fails the whole of it, wherever it ends. */
static void a_short_budget_fails_the_whole(void)
{
    Ks__Attribute a = KS__ATTRIBUTE__INIT, *list[3] = { &a, &a, &a };
    Ks__Template t = KS__TEMPLATE__INIT;
    uint8_t packed[512];
    size_t len, needs;
    struct budget b;

    a.type = 0x11;
    a.value.data = (uint8_t *)packed;
    a.value.len = 40;
    memset(packed, 7, 40);
    t.attributes = list;
    t.n_attributes = 3;
    len = ks__template__get_packed_size(&t);
    CU_ASSERT_TRUE_FATAL(len <= sizeof packed);
    {
        uint8_t copy[512];

        ks__template__pack(&t, copy);
        memcpy(packed, copy, len);
    }
    budget_init(&b, block, sizeof block);
    CU_ASSERT_PTR_NOT_NULL(ks__template__unpack(budget_allocator(&b), len, packed));
    needs = b.used;
    for (size_t size = 0; size < needs; size++) {
        budget_init(&b, block, size);
        CU_ASSERT_PTR_NULL(ks__template__unpack(budget_allocator(&b), len, packed));
        CU_ASSERT_TRUE(b.exhausted);
        budget_reset(&b);
    }
    budget_init(&b, block, needs);
    CU_ASSERT_PTR_NOT_NULL(ks__template__unpack(budget_allocator(&b), len, packed));
    budget_reset(&b);
}

int main(void)
{
    static CU_TestInfo cases[] = { { "pieces are aligned and apart", pieces_are_aligned_and_apart },
                                   { "exhaustion is remembered", exhaustion_is_remembered },
                                   { "a reset wipes what was used", a_reset_wipes_what_was_used },
                                   { "unpacking leaves no PIN", unpacking_leaves_no_pin },
                                   { "a short budget fails the whole", a_short_budget_fails_the_whole },
                                   CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = { { "budget", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
