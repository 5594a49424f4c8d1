#include "service/management/arm_version.h"

#define DATE_LEN 10

static const char *const key_vault[] = {
    "2026-05-15-preview", "2026-04-01-preview", "2026-03-01-preview", "2026-02-01",
    "2025-05-01",         "2024-12-01-preview", "2024-11-01",         "2024-04-01-preview",
    "2023-07-01",         "2023-02-01",         "2022-11-01",         "2022-07-01",
    "2022-02-01-preview", "2021-11-01-preview", "2021-10-01",         "2021-06-01-preview",
    "2021-04-01-preview", "2020-04-01-preview", "2019-09-01",         "2018-02-14",
    "2018-02-14-preview", "2016-10-01",         "2015-06-01",         NULL,
};
/* Subscriptions, tenants, groups, providers and resources each have their own many; these are the ones seen. */
static const char *const resources[] = {
    "2024-11-01", "2024-07-01", "2024-03-01", "2023-07-01", "2022-12-01", "2022-09-01", "2022-01-01",
    "2021-04-01", "2021-01-01", "2020-10-01", "2020-06-01", "2020-01-01", "2019-11-01", "2019-10-01",
    "2019-06-01", "2019-05-01", "2018-05-01", "2018-02-01", "2017-05-10", "2016-09-01", "2016-06-01",
    "2016-02-01", "2015-11-01", "2015-01-01", NULL,
};
static const char *const authorization[] = {
    "2022-05-01-preview", "2022-04-01",
    "2021-04-01-preview", "2020-10-01-preview",
    "2020-10-01",         "2020-08-01-preview",
    "2020-04-01-preview", "2020-03-01-preview",
    "2018-09-01-preview", "2018-07-01",
    "2018-01-01-preview", "2017-10-01-preview",
    "2015-07-01",         NULL,
};
static const char *const none[] = { NULL };

const char *const *arm_versions(enum arm_api api)
{
    static const char *const *const lists[ARM_API_COUNT] = {
        [ARM_NONE] = none,
        [ARM_KEY_VAULT] = key_vault,
        [ARM_RESOURCES] = resources,
        [ARM_AUTHORIZATION] = authorization,
    };

    return (unsigned)api < ARM_API_COUNT ? lists[api] : none;
}

/* YYYY-MM-DD or YYYY-MM-DD-preview. */
static bool well_formed(struct span v)
{
    static const char shape[] = "dddd-dd-dd";

    if (v.len < DATE_LEN ||
        (v.len > DATE_LEN && !span_is_nocase(span_of(v.p + DATE_LEN, v.len - DATE_LEN), "-preview")))
        return false;
    for (size_t i = 0; i < DATE_LEN; i++)
        if (shape[i] == 'd' ? v.p[i] < '0' || v.p[i] > '9' : v.p[i] != '-')
            return false;
    return memcmp(v.p + 5, "01", 2) >= 0 && memcmp(v.p + 5, "12", 2) <= 0 && memcmp(v.p + 8, "01", 2) >= 0 &&
           memcmp(v.p + 8, "31", 2) <= 0;
}

bool arm_version_known(enum arm_api api, struct span version)
{
    const char *const *known = arm_versions(api);

    for (size_t i = 0; known[i] != NULL; i++)
        if (span_is_nocase(version, known[i]))
            return true;
    if (!well_formed(version))
        return false;
    if (api == ARM_KEY_VAULT)
        return memcmp(version.p, known[0], DATE_LEN) > 0;
    return known[0] != NULL && memcmp(version.p, "2015-01-01", DATE_LEN) >= 0;
}

bool arm_version_rbac_default(struct span version)
{
    return version.len >= DATE_LEN && memcmp(version.p, "2026-02-01", DATE_LEN) >= 0;
}
