#include "service/management/management_host.h"

/* Cut ":port" off. false: what stands behind the colon is not `port`, written without zeros in front. */
static bool cut_port(struct span *host, unsigned port)
{
    const uint8_t *colon = host->len > 0 ? memchr(host->p, ':', host->len) : NULL;
    struct span digits;
    unsigned value = 0;

    if (colon == NULL)
        return true;
    digits = span_of(colon + 1, (size_t)(host->p + host->len - (colon + 1)));
    if (digits.len == 0 || digits.len > 5 || digits.p[0] == '0')
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.p[i] < '0' || digits.p[i] > '9')
            return false;
        value = value * 10 + (unsigned)(digits.p[i] - '0');
    }
    host->len = (size_t)(colon - host->p);
    return value == port;
}

enum management_host management_host_parse(struct span authority, const char *domain, unsigned port)
{
    static const struct {
        const char *label;
        enum management_host host;
    } names[] = { { "management.", HOST_MANAGEMENT }, { "login.", HOST_LOGIN } };
    struct span host = authority;

    if (!cut_port(&host, port))
        return HOST_FOREIGN;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        size_t len = strlen(names[i].label);

        if (host.len > len && span_is_nocase(span_of(host.p, len), names[i].label) &&
            span_is_nocase(span_of(host.p + len, host.len - len), domain))
            return names[i].host;
    }
    return HOST_FOREIGN;
}
