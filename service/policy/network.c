#include "service/policy/policy.h"

#include <arpa/inet.h>

/* An address, or the first `bits` bits of one. An IPv6 address that maps an IPv4 one (RFC 4291, 2.5.5.2) is the IPv4
 * address: a dual-stack listener names its IPv4 clients so, and a rule must not be passed by by the other spelling. */
struct network {
    bool v4;
    uint8_t address[16];
    unsigned bits;
};

static bool parse_address(struct network *n, const char *text)
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

    *n = (struct network){ 0 };
    if (inet_pton(AF_INET, text, n->address) == 1) {
        n->v4 = true;
        n->bits = 32;
        return true;
    }
    if (inet_pton(AF_INET6, text, n->address) != 1)
        return false;
    n->bits = 128;
    if (memcmp(n->address, mapped, sizeof mapped) == 0) {
        memmove(n->address, n->address + sizeof mapped, 4);
        n->v4 = true;
        n->bits = 32;
    }
    return true;
}

/* The number behind the slash: decimal, no sign, no leading zero. */
static bool parse_bits(const char *text, unsigned max, unsigned *out)
{
    unsigned bits = 0;

    if (text[0] == '\0' || (text[0] == '0' && text[1] != '\0'))
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9' || (bits = bits * 10 + (unsigned)(*text - '0')) > max)
            return false;
    }
    *out = bits;
    return true;
}

/* Bits behind the prefix may be set in a rule ("10.1.2.3/8"); they do not count. */
static bool parse_rule(struct network *n, struct span rule)
{
    char text[INET6_ADDRSTRLEN + 4]; /* the longest address, "/128" */
    char *slash;
    unsigned bits;
    bool was_v6;

    if (rule.len == 0 || rule.len >= sizeof text || memchr(rule.p, '\0', rule.len) != NULL)
        return false;
    memcpy(text, rule.p, rule.len);
    text[rule.len] = '\0';
    if ((slash = strchr(text, '/')) != NULL)
        *slash = '\0';
    if (!parse_address(n, text))
        return false;
    if (slash == NULL)
        return true;
    was_v6 = strchr(text, ':') != NULL;
    if (!parse_bits(slash + 1, was_v6 ? 128 : 32, &bits))
        return false;
    if (was_v6 && n->v4) { /* "::ffff:10.0.0.0/104" is 10.0.0.0/8; a shorter prefix would be neither family */
        if (bits < 96)
            return false;
        bits -= 96;
    }
    n->bits = bits;
    return true;
}

static bool contains(const struct network *rule, const struct network *client)
{
    unsigned bytes = rule->bits / 8, rest = rule->bits % 8;

    if (rule->v4 != client->v4 || memcmp(rule->address, client->address, bytes) != 0)
        return false;
    return rest == 0 || ((rule->address[bytes] ^ client->address[bytes]) >> (8 - rest)) == 0;
}

/* A peer's address as getnameinfo() writes it: a link-local one carries its interface, "fe80::1%eth0". */
static bool parse_client(struct network *n, const char *address)
{
    char text[INET6_ADDRSTRLEN];
    size_t len = address != NULL ? strcspn(address, "%") : 0;

    if (len == 0 || len >= sizeof text)
        return false;
    memcpy(text, address, len);
    text[len] = '\0';
    return parse_address(n, text);
}

bool policy_network_allows(const struct network_rules *rules, const char *address)
{
    struct network client, rule;

    if (rules->public_access_disabled) /* then only private endpoints may come in, and we have none */
        return false;
    if (!rules->deny_by_default)
        return true;
    if (!parse_client(&client, address))
        return false;
    for (size_t i = 0; i < rules->ip_rule_count; i++)
        if (parse_rule(&rule, span_text(rules->ip_rules[i])) && contains(&rule, &client))
            return true;
    return false;
}

bool network_rule_valid(struct span text)
{
    struct network ignored;

    return parse_rule(&ignored, text);
}
