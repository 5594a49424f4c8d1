#include "service/data/api_version.h"

static const char *const known[] = {
    "7.0",
    "7.1",
    "7.2",
    "7.3",
    "7.4",
    "7.5",
    "7.6",
    "2025-07-01",
    "2026-04-01",
    "2015-06-01",
    "2016-10-01",
    "7.2-preview",
    "7.3-preview",
    "7.4-preview.1",
    "7.5-preview.1",
    "7.6-preview.1",
    "7.6-preview.2",
    "2025-06-01-preview",
    "2026-01-01-preview",
    "2026-03-01-preview",
    "2026-05-01-preview",
    "2026-07-01-preview",
};

/* YYYY-MM-DD or YYYY-MM-DD-preview. */
static bool is_date(struct span v)
{
    static const char shape[] = "dddd-dd-dd";

    if (v.len != 10 && !(v.len == 18 && memcmp(v.p + 10, "-preview", 8) == 0))
        return false;
    for (size_t i = 0; i < 10; i++)
        if (shape[i] == 'd' ? v.p[i] < '0' || v.p[i] > '9' : v.p[i] != '-')
            return false;
    return memcmp(v.p + 5, "01", 2) >= 0 && memcmp(v.p + 5, "12", 2) <= 0 && memcmp(v.p + 8, "01", 2) >= 0 &&
           memcmp(v.p + 8, "31", 2) <= 0;
}

bool api_version_known(struct span version)
{
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (span_is(version, known[i]))
            return true;
    return is_date(version) && memcmp(version.p, API_VERSION_NEWEST, 10) > 0;
}

bool api_version_has_attestation(struct span version)
{
    return span_starts_with(version, span_text("7.6")) || (is_date(version) && memcmp(version.p, "2025", 4) >= 0);
}
