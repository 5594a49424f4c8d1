#include "firmware/flash/flash.h"
#include "tests/unit/firmware/flash/memory_hal.h"
#include "tests/unit/harness.h"
static enum status count(void *arg, const struct flash_key *k, struct span v)
{
    (void)k;
    (void)v;
    ++*(int *)arg;
    return ST_OK;
}
static void smoke(void)
{
    struct memory_hal *m = memory_hal_new(65536, 65536);
    struct flash *f;
    const char *why;
    int n = 0;
    struct flash_change c = { .key = { 1, 2, 3 }, .value = span_text("hello") };
    CU_ASSERT(flash_open(&m->hal, m->root_key, count, &n, &f, &why) == ST_OK);
    CU_ASSERT(flash_was_empty(f) && n == 0);
    for (int i = 0; i < 3000; i++) {
        c.key.id = i % 100;
        CU_ASSERT(flash_commit(f, &c, 1, i % 2) == ST_OK);
    }
    flash_close(f);
    CU_ASSERT(flash_open(&m->hal, m->root_key, count, &n, &f, &why) == ST_OK);
    CU_ASSERT(!flash_was_empty(f) && n == 100);
    flash_close(f);
    memory_hal_free(m);
}
int main(void)
{
    CU_TestInfo cases[] = { { "smoke", smoke }, CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = { { .pName = "flash", .pTests = cases }, CU_SUITE_INFO_NULL };
    return run_suites(suites);
}
