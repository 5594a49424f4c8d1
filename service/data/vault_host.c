#include "service/data/vault_host.h"

#define VAULT_LABEL  "vault."
#define NAME_MAX_LEN 24

/* Cut ":port" off. false: what stands behind the colon is no port. */
static bool without_port(struct span *host)
{
    const uint8_t *colon = host->len > 0 ? memchr(host->p, ':', host->len) : NULL;
    size_t digits;

    if (colon == NULL)
        return true;
    digits = (size_t)(host->p + host->len - (colon + 1));
    for (size_t i = 0; i < digits; i++)
        if (colon[1 + i] < '0' || colon[1 + i] > '9')
            return false;
    host->len = (size_t)(colon - host->p);
    return digits >= 1 && digits <= 5;
}

static bool valid_label(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.p[i] | 0x20;

        if (!((c >= 'a' && c <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '-'))
            return false;
    }
    return s.len >= 1 && s.len <= NAME_MAX_LEN;
}

enum vault_host_kind vault_host_parse(struct span authority, const char *domain, struct span *name)
{
    size_t root_len = strlen(VAULT_LABEL) + strlen(domain);
    struct span host = authority, label, rest;

    *name = (struct span){ 0 };
    if (!without_port(&host) || host.len < root_len)
        return VAULT_HOST_FOREIGN;
    label = span_of(host.p + host.len - root_len, strlen(VAULT_LABEL));
    rest = span_of(label.p + label.len, strlen(domain));
    if (!span_is_nocase(label, VAULT_LABEL) || !span_is_nocase(rest, domain))
        return VAULT_HOST_FOREIGN;
    if (host.len == root_len)
        return VAULT_HOST_ROOT;
    *name = span_of(host.p, host.len - root_len - 1);
    return host.p[host.len - root_len - 1] == '.' && valid_label(*name) ? VAULT_HOST_VAULT : VAULT_HOST_FOREIGN;
}
