#include "service/management/vault_reaper.h"

#include <stdatomic.h>

#include "firmware/base/clock.h"
#include "tests/unit/service/management/fixture.h"

#define BODY                                                                                                           \
    "{\"location\":\"local\",\"properties\":{\"tenantId\":\"" TENANT                                                   \
    "\",\"sku\":{\"family\":\"A\",\"name\":\"standard\"},\"softDeleteRetentionInDays\":7}}"

static struct plane plane;
#define f (&plane)

static atomic_llong ahead; /* seconds */

static int64_t later(void)
{
    return clock_unix_s() + atomic_load(&ahead);
}

static bool is_there(const char *name)
{
    const struct vault *v = catalog_find_any(f->m.catalog, span_text(name));

    vault_unref(v);
    return v != NULL;
}

static bool is_gone(void *name)
{
    return !is_there(name);
}

static void purges_what_is_due(void)
{
    static char gone[] = "gone";
    struct vault_reaper *r;

    plane_open(f);
    atomic_store(&ahead, 0);
    CU_ASSERT_EQUAL(ask(f, OWNER, "PUT", VAULT "gone?api-version=2026-02-01", BODY)->status, 200);
    CU_ASSERT_EQUAL(ask(f, OWNER, "PUT", VAULT "lives?api-version=2026-02-01", BODY)->status, 200);
    CU_ASSERT_EQUAL(ask(f, OWNER, "DELETE", VAULT "gone?api-version=2026-02-01", NULL)->status, 200);
    f->m.admin.now = later;
    CU_ASSERT_EQUAL_FATAL(vault_reaper_start(&f->m.admin, f->m.catalog, f->m.audit, 5, &r), ST_OK);
    vault_reaper_stop(r); /* it has looked once */
    CU_ASSERT_TRUE(is_there("gone"));
    atomic_store(&ahead, 7 * 86400 + 1);
    CU_ASSERT_EQUAL_FATAL(vault_reaper_start(&f->m.admin, f->m.catalog, f->m.audit, 5, &r), ST_OK);
    CU_ASSERT(wait_until(is_gone, gone));
    vault_reaper_stop(r);
    CU_ASSERT_TRUE(is_there("lives"));
    plane_close(f);
}

static CU_TestInfo cases[] = {
    { "a deleted vault is purged when its retention is over, a live one is not", purges_what_is_due },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { .pName = "vault_reaper", .pTests = cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
