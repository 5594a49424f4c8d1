/* strongroom subscription: create, list. strongroom group: create, list, delete. */
#include "provisioning/appliance/verbs.h"
#include "provisioning/cli/output.h"
#include "provisioning/token/site.h"
#include "service/json/json.h"
#include "service/vault/resource_group.h"

/* A command on the management store. */
typedef int store_work(const struct invocation *in, const struct site *s);

static int with_store(const struct invocation *in, store_work *work)
{
    struct site s = { 0 };
    int code;

    if ((code = site_open(in, &s)) == EXIT_DONE && (code = site_open_store(in, &s)) == EXIT_DONE)
        code = work(in, &s);
    site_close(&s);
    return code;
}

static int make_subscription(const struct invocation *in, const struct site *s)
{
    const char *name = command_value(in, "name");
    struct subscription wanted = { 0 }, there;
    enum status st;
    int code;

    if (name[0] == '\0' || strlen(name) > SUBSCRIPTION_NAME_MAX)
        return command_misused(in, "--name must have 1 to %d bytes", SUBSCRIPTION_NAME_MAX);
    memcpy(wanted.display_name, name, strlen(name) + 1);
    wanted.id = guid_random();
    if (command_given(in, "id") && (code = site_guid(in, "id", &wanted.id)) != EXIT_DONE)
        return code;
    st = subscription_create(s->store, &wanted);
    /* The same again is no error, so that a script can be run twice. */
    if (st == ST_EXISTS && subscription_find(s->store, &wanted.id, &there) == ST_OK &&
        strcmp(there.display_name, name) == 0)
        st = ST_OK;
    if (st != ST_OK)
        return command_refuse(in, "subscription %s: %s", wanted.id.text,
                              st == ST_EXISTS ? "is there already, under another name" : status_name(st));
    return output_value(in, "subscriptionId", span_text(wanted.id.text));
}

static int subscription_create_verb(struct invocation *in)
{
    return with_store(in, make_subscription);
}

struct listing {
    const struct invocation *in;
    struct json_writer w;
    struct bytes text;
};

static int end_listing(struct listing *l, enum status st)
{
    int code = EXIT_DONE;

    json_close_array(&l->w);
    if (st != ST_OK || (st = bytes_status(&l->text)) != ST_OK)
        code = command_refuse(l->in, "the management store cannot be read: %s", status_name(st));
    else if (l->in->json)
        fprintf(l->in->out, "%s\n", bytes_text(&l->text));
    bytes_clear(&l->text);
    return code;
}

static void begin_listing(struct listing *l, const struct invocation *in)
{
    *l = (struct listing){ .in = in };
    json_begin(&l->w, &l->text);
    json_open_array(&l->w, NULL);
}

static bool list_subscription(const struct subscription *s, void *arg)
{
    struct listing *l = arg;

    if (!l->in->json) {
        fprintf(l->in->out, "%s  ", s->id.text);
        output_words(l->in, s->display_name);
        return true;
    }
    json_open_object(&l->w, NULL);
    json_put_text(&l->w, "subscriptionId", span_text(s->id.text));
    json_put_text(&l->w, "displayName", span_text(s->display_name));
    json_close_object(&l->w);
    return true;
}

static int list_subscriptions(const struct invocation *in, const struct site *s)
{
    struct listing l;

    begin_listing(&l, in);
    return end_listing(&l, subscription_list(s->store, list_subscription, &l));
}

static int subscription_list_verb(struct invocation *in)
{
    return with_store(in, list_subscriptions);
}

static int make_group(const struct invocation *in, const struct site *s)
{
    const char *name = command_value(in, "name");
    struct resource_group wanted = { 0 }, there = { 0 };
    struct admin_fault fault = { 0 };
    struct bytes scope = { 0 };
    bool created, ok;
    int code;

    if (!group_name_valid(span_text(name)) || strlen(name) > GROUP_NAME_MAX ||
        strlen(s->config.location) > LOCATION_MAX)
        return command_misused(in, "--name: 1 to %d letters, digits and -_.(), not ending with a dot", GROUP_NAME_MAX);
    if ((code = site_guid(in, "subscription", &wanted.subscription_id)) != EXIT_DONE)
        return code;
    memcpy(wanted.name, name, strlen(name) + 1);
    memcpy(wanted.location, s->config.location, strlen(s->config.location) + 1);
    /* group_put() would clear the tags of a group that is there. */
    if (group_find(s->store, &wanted.subscription_id, span_text(name), &there) == ST_OK)
        ok = true;
    else
        ok = group_put(s->store, &wanted, &there, &created, &fault);
    if (!ok) {
        code = command_refuse(in, "%s", fault.message);
    } else {
        bytes_printf(&scope, "/subscriptions/%s/resourceGroups/%s", there.subscription_id.text, there.name);
        code = bytes_status(&scope) == ST_OK ? output_value(in, "scope", bytes_span(&scope))
                                             : command_refuse(in, "out of memory");
    }
    bytes_clear(&scope);
    resource_group_clear(&there);
    return code;
}

static int group_create_verb(struct invocation *in)
{
    return with_store(in, make_group);
}

static bool list_group(const struct resource_group *g, void *arg)
{
    struct listing *l = arg;

    if (!l->in->json) {
        fprintf(l->in->out, "%s  ", g->subscription_id.text);
        output_words(l->in, g->name);
        return true;
    }
    json_open_object(&l->w, NULL);
    json_put_text(&l->w, "subscriptionId", span_text(g->subscription_id.text));
    json_put_text(&l->w, "name", span_text(g->name));
    json_put_text(&l->w, "location", span_text(g->location));
    json_close_object(&l->w);
    return true;
}

static int list_groups(const struct invocation *in, const struct site *s)
{
    struct guid subscription;
    struct listing l;
    int code;

    if ((code = site_guid(in, "subscription", &subscription)) != EXIT_DONE)
        return code;
    begin_listing(&l, in);
    return end_listing(&l, group_list(s->store, &subscription, span_of(NULL, 0), list_group, &l));
}

static int group_list_verb(struct invocation *in)
{
    return with_store(in, list_groups);
}

static int remove_group(const struct invocation *in, const struct site *s)
{
    struct admin_fault fault = { 0 };
    struct guid subscription;
    int code;

    if ((code = site_guid(in, "subscription", &subscription)) != EXIT_DONE)
        return code;
    if (!group_delete(s->store, &subscription, span_text(command_value(in, "name")), &fault))
        return command_refuse(in, "%s", fault.message);
    return EXIT_DONE;
}

static int group_delete_verb(struct invocation *in)
{
    return with_store(in, remove_group);
}

#define SUBSCRIPTION                                                                                                   \
    {                                                                                                                  \
        "subscription", "GUID", true, false, "the subscription it lies in"                                             \
    }

static const struct verb_option subscription_options[] = {
    { "name", "TEXT", true, false, "a name for people" },
    { "id", "GUID", false, false, "its id (default: a random one)" },
    { 0 },
};
static const struct verb_option group_options[] = {
    SUBSCRIPTION,
    { "name", "NAME", true, false, "the resource group" },
    { 0 },
};
static const struct verb_option groups_options[] = { SUBSCRIPTION, { 0 } };

const struct verb subscription_verbs[] = {
    { "create", "make a subscription and print its id; the same again changes nothing", NULL, true, false,
      subscription_options, subscription_create_verb },
    { "list", "all subscriptions: id, name", NULL, true, false, NULL, subscription_list_verb },
    { 0 },
};
const struct verb group_verbs[] = {
    { "create", "make a resource group and print its scope; the same again changes nothing", NULL, true, false,
      group_options, group_create_verb },
    { "list", "the resource groups of a subscription", NULL, true, false, groups_options, group_list_verb },
    { "delete", "remove a resource group without vaults, and its role assignments", NULL, false, false, group_options,
      group_delete_verb },
    { 0 },
};
