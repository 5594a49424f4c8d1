#include "service/vault/vault.h"

#include <stdatomic.h>

#include "service/json/json.h"

/* The reference count stands beside the vault, so that what everybody reads has none that anybody may write. */
struct vault_box {
    atomic_uint references;
    struct vault vault;
};

static struct vault_box *box_of(const struct vault *v)
{
    return (struct vault_box *)((char *)(uintptr_t)v - offsetof(struct vault_box, vault));
}

static bool is_letter(uint8_t c)
{
    c |= 0x20;
    return c >= 'a' && c <= 'z';
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

bool vault_name_valid(struct span name)
{
    if (name.len < VAULT_NAME_MIN || name.len > VAULT_NAME_MAX || !is_letter(name.p[0]) || name.p[name.len - 1] == '-')
        return false;
    for (size_t i = 1; i < name.len; i++)
        if (!is_letter(name.p[i]) && !is_digit(name.p[i]) && (name.p[i] != '-' || name.p[i - 1] == '-'))
            return false;
    return true;
}

struct vault *vault_new(void)
{
    struct vault_box *box = calloc(1, sizeof *box);

    if (box == NULL)
        return NULL;
    atomic_init(&box->references, 1);
    return &box->vault;
}

const struct vault *vault_ref(const struct vault *v)
{
    atomic_fetch_add_explicit(&box_of(v)->references, 1, memory_order_relaxed);
    return v;
}

static void clear_ip_rules(struct vault *v)
{
    for (size_t i = 0; i < v->network.ip_rule_count; i++)
        free((char *)(uintptr_t)v->network.ip_rules[i]);
    free((void *)(uintptr_t)v->network.ip_rules);
    v->network.ip_rules = NULL;
    v->network.ip_rule_count = 0;
}

void vault_clear_virtual_networks(struct vault *v)
{
    for (size_t i = 0; i < v->virtual_network_count; i++)
        free(v->virtual_networks[i].id);
    free(v->virtual_networks);
    v->virtual_networks = NULL;
    v->virtual_network_count = 0;
}

void vault_unref(const struct vault *shared)
{
    struct vault_box *box;
    struct vault *v;

    if (shared == NULL)
        return;
    box = box_of(shared);
    if (atomic_fetch_sub_explicit(&box->references, 1, memory_order_acq_rel) != 1)
        return;
    v = &box->vault;
    clear_ip_rules(v);
    vault_clear_virtual_networks(v);
    free(v->resource_id);
    free(v->policies);
    free(v->tags_json);
    free(v->network_json);
    free(box);
}

enum status vault_set_tags(struct vault *v, const char *tags_json)
{
    char *copy = span_dup_text(span_text(tags_json));

    if (copy == NULL)
        return ST_NO_MEMORY;
    free(v->tags_json);
    v->tags_json = copy;
    return ST_OK;
}

enum status vault_set_policies(struct vault *v, const struct access_policy *policies, size_t count)
{
    struct access_policy *copy = calloc(count > 0 ? count : 1, sizeof *copy);

    if (copy == NULL)
        return ST_NO_MEMORY;
    if (count > 0)
        memcpy(copy, policies, count * sizeof *copy);
    free(v->policies);
    v->policies = copy;
    v->policy_count = count;
    return ST_OK;
}

enum status vault_set_ip_rules(struct vault *v, const struct span *rules, size_t count)
{
    char **copy = calloc(count > 0 ? count : 1, sizeof *copy);

    if (copy == NULL)
        return ST_NO_MEMORY;
    clear_ip_rules(v);
    v->network.ip_rules = (const char *const *)copy;
    for (size_t i = 0; i < count; i++) {
        if ((copy[i] = span_dup_text(rules[i])) == NULL)
            return ST_NO_MEMORY;
        v->network.ip_rule_count++;
    }
    return ST_OK;
}

enum status vault_add_virtual_network(struct vault *v, struct span id, bool ignore_missing_endpoint)
{
    size_t n = v->virtual_network_count;
    struct virtual_network_rule *grown = realloc(v->virtual_networks, (n + 1) * sizeof *grown);

    if (grown == NULL)
        return ST_NO_MEMORY;
    v->virtual_networks = grown;
    grown[n] = (struct virtual_network_rule){ span_dup_text(id), ignore_missing_endpoint };
    if (grown[n].id == NULL)
        return ST_NO_MEMORY;
    v->virtual_network_count++;
    return ST_OK;
}

static void write_network(const struct vault *v, struct bytes *out)
{
    struct json_writer w;

    json_begin(&w, out);
    json_open_object(&w, NULL);
    json_put_text(&w, "bypass", span_text(v->network_bypass_azure ? "AzureServices" : "None"));
    json_put_text(&w, "defaultAction", span_text(v->network.deny_by_default ? "Deny" : "Allow"));
    json_open_array(&w, "ipRules");
    for (size_t i = 0; i < v->network.ip_rule_count; i++) {
        json_open_object(&w, NULL);
        json_put_text(&w, "value", span_text(v->network.ip_rules[i]));
        json_close_object(&w);
    }
    json_close_array(&w);
    json_open_array(&w, "virtualNetworkRules");
    for (size_t i = 0; i < v->virtual_network_count; i++) {
        json_open_object(&w, NULL);
        json_put_text(&w, "id", span_text(v->virtual_networks[i].id));
        if (v->virtual_networks[i].ignore_missing_endpoint)
            json_put_bool(&w, "ignoreMissingVnetServiceEndpoint", true);
        json_close_object(&w);
    }
    json_close_array(&w);
    json_close_object(&w);
}

/* Take what was written as a C string, replacing `*to`. */
static enum status take_text(char **to, struct bytes *text)
{
    if (bytes_status(text) != ST_OK) {
        bytes_clear(text);
        return ST_NO_MEMORY;
    }
    free(*to);
    *to = (char *)text->p;
    return ST_OK;
}

enum status vault_complete(struct vault *v)
{
    struct bytes id = { 0 }, network = { 0 };
    enum status st;

    bytes_printf(&id, "/subscriptions/%s/resourceGroups/%s/providers/Microsoft.KeyVault/vaults/%s",
                 v->subscription_id.text, v->resource_group, v->name);
    if ((st = take_text(&v->resource_id, &id)) != ST_OK)
        return st;
    if (!v->network_acls_set) {
        free(v->network_json);
        v->network_json = NULL;
        return ST_OK;
    }
    write_network(v, &network);
    return take_text(&v->network_json, &network);
}
