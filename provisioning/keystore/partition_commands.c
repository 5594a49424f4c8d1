/* strongroom partition: create, list, set, resize, delete. */
#include <inttypes.h>

#include "firmware/base/hex.h"
#include "provisioning/ceremony/act_do.h"
#include "provisioning/cli/output.h"
#include "provisioning/keystore/partition_verbs.h"
#include "provisioning/keystore/verbs.h"
#include "service/json/json.h"

static int take_number(const struct invocation *in, const char *option, uint64_t *out)
{
    const char *text = command_value(in, option);
    char *end = NULL;

    if (text == NULL)
        return EXIT_DONE;
    *out = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || *out > 1000000)
        return command_misused(in, "--%s takes a number from 0 to 1000000", option);
    return EXIT_DONE;
}

/* Room for what a Partition points at. */
struct identities {
    Ks__Identity items[PARTITION_IDENTITIES_MAX], *list[PARTITION_IDENTITIES_MAX];
    uint8_t fingerprints[PARTITION_IDENTITIES_MAX][LINK_FINGERPRINT_LEN];
};

static int take_identities(const struct invocation *in, struct identities *room, Ks__Partition *p)
{
    const char *path;
    int code = EXIT_DONE;

    p->identities = room->list;
    p->n_identities = 0;
    while (code == EXIT_DONE && (path = command_value_at(in, "identity", p->n_identities)) != NULL) {
        Ks__Identity *id = &room->items[p->n_identities];

        if (p->n_identities == PARTITION_IDENTITIES_MAX)
            return command_misused(in, "a partition has at most %d identities", PARTITION_IDENTITIES_MAX);
        ks__identity__init(id);
        code = keystore_fingerprint(in, path, room->fingerprints[p->n_identities]);
        id->fingerprint = (ProtobufCBinaryData){ LINK_FINGERPRINT_LEN, room->fingerprints[p->n_identities] };
        id->role = PEER_CLIENT;
        room->list[p->n_identities++] = id;
    }
    return code;
}

static int print_made(const struct invocation *in, const char *name, uint64_t id)
{
    struct bytes text = { 0 };
    struct json_writer w;

    if (!in->json) {
        fprintf(in->out, "partition %s: made, number %" PRIu64 "\n", name, id);
        return EXIT_DONE;
    }
    json_begin(&w, &text);
    json_open_object(&w, NULL);
    json_put_int(&w, "id", (int64_t)id);
    json_put_text(&w, "name", span_text(name));
    json_close_object(&w);
    return output_json(in, &text);
}

static int check_policy(const struct invocation *in)
{
    const char *policy = command_value(in, "policy");

    if (policy == NULL || strcmp(policy, "strict") == 0 || strcmp(policy, "compatible") == 0)
        return EXIT_DONE;
    return command_misused(in, "--policy takes strict or compatible");
}

static int partition_create(struct invocation *in)
{
    const char *policy = command_value(in, "policy");
    Ks__Partition m = KS__PARTITION__INIT;
    struct identities room;
    struct keystore_link *k = NULL;
    Ks__PartitionId *made;
    int code;

    if ((code = check_policy(in)) != EXIT_DONE ||
        (code = keystore_name_check(in, "name", command_value(in, "name"))) != EXIT_DONE)
        return code;
    m.name = (char *)(uintptr_t)command_value(in, "name");
    m.policy = (char *)(uintptr_t)(policy != NULL ? policy : "strict");
    if ((code = take_number(in, "objects", &m.objects_max)) == EXIT_DONE &&
        (code = take_number(in, "session-objects", &m.session_objects_max)) == EXIT_DONE &&
        (code = take_identities(in, &room, &m)) == EXIT_DONE && (code = keystore_link_open(in, &k)) == EXIT_DONE &&
        (code = keystore_link_call(in, k, MESSAGE_PARTITION_CREATE, &m.base, &made)) == EXIT_DONE)
        code = print_made(in, m.name, made->id);
    keystore_link_close(k);
    return code;
}

static void put_partition(struct json_writer *w, const Ks__Partition *p)
{
    json_open_object(w, NULL);
    json_put_int(w, "id", (int64_t)p->id);
    json_put_text(w, "name", span_text(p->name));
    json_put_text(w, "policy", span_text(p->policy));
    json_put_bool(w, "initialised", p->initialised);
    json_put_int(w, "objects", (int64_t)p->objects);
    json_put_int(w, "objectsMax", (int64_t)p->objects_max);
    json_put_int(w, "sessionObjectsMax", (int64_t)p->session_objects_max);
    json_open_array(w, "identities");
    for (size_t i = 0; i < p->n_identities; i++) {
        struct bytes hex = { 0 };

        hex_append(&hex, span_of(p->identities[i]->fingerprint.data, p->identities[i]->fingerprint.len));
        json_put_text(w, NULL, bytes_span(&hex));
        bytes_clear(&hex);
    }
    json_close_array(w);
    json_close_object(w);
}

static void print_list(const struct invocation *in, const Ks__PartitionList *list)
{
    struct bytes text = { 0 };
    struct json_writer w;

    if (!in->json) {
        for (size_t i = 0; i < list->n_partitions; i++) {
            const Ks__Partition *p = list->partitions[i];

            fprintf(in->out, "%4" PRIu64 "  %-32s  %-10s  %" PRIu64 " of %" PRIu64 " objects, %zu identities%s\n",
                    p->id, p->name, p->policy, p->objects, p->objects_max, p->n_identities,
                    p->initialised ? "" : ", not initialised");
        }
        return;
    }
    json_begin(&w, &text);
    json_open_array(&w, NULL);
    for (size_t i = 0; i < list->n_partitions; i++)
        put_partition(&w, list->partitions[i]);
    json_close_array(&w);
    fprintf(in->out, "%s\n", bytes_text(&text));
    bytes_clear(&text);
}

static int call_list(const struct invocation *in, struct keystore_link *k, Ks__PartitionList **list)
{
    Ks__Empty empty = KS__EMPTY__INIT;

    return keystore_link_call(in, k, MESSAGE_PARTITION_LIST, &empty.base, list);
}

static int partition_list(struct invocation *in)
{
    Ks__PartitionList *list;
    struct keystore_link *k;
    int code;

    if ((code = keystore_link_open(in, &k)) == EXIT_DONE && (code = call_list(in, k, &list)) == EXIT_DONE)
        print_list(in, list);
    keystore_link_close(k);
    return code;
}

int partition_find(const struct invocation *in, struct keystore_link *k, Ks__Partition **out)
{
    const char *name = command_value(in, "name");
    Ks__PartitionList *list;
    int code = call_list(in, k, &list);

    *out = NULL;
    if (code != EXIT_DONE)
        return code;
    for (size_t i = 0; i < list->n_partitions; i++)
        if (strcmp(list->partitions[i]->name, name) == 0)
            *out = list->partitions[i];
    return *out != NULL ? EXIT_DONE : command_refuse(in, "there is no partition %s", name);
}

static int partition_delete(struct invocation *in)
{
    Ks__PartitionId id = KS__PARTITION_ID__INIT;
    struct keystore_link *k = NULL;
    Ks__Partition *p;
    int code;

    if (!command_given(in, "destroy-its-keys"))
        return command_misused(in, "this destroys every key in it for good; say --destroy-its-keys if you mean it");
    if ((code = keystore_link_open(in, &k)) == EXIT_DONE && (code = partition_find(in, k, &p)) == EXIT_DONE) {
        id.id = p->id;
        if ((code = keystore_link_call(in, k, MESSAGE_PARTITION_DELETE, &id.base, NULL)) == EXIT_DONE)
            fprintf(in->out, "partition %s: deleted\n", command_value(in, "name"));
    }
    keystore_link_close(k);
    return code;
}

/* What is not given stays as it is; with --identity, those given are all there are. */
static int change(const struct invocation *in, struct keystore_link *k, const Ks__Partition *now)
{
    Ks__Partition m = KS__PARTITION__INIT;
    const char *policy = command_value(in, "policy");
    Ks__Identity kept[PARTITION_IDENTITIES_MAX], *kept_list[PARTITION_IDENTITIES_MAX];
    uint8_t prints[PARTITION_IDENTITIES_MAX][LINK_FINGERPRINT_LEN];
    char name[PARTITION_NAME_MAX + 1], old_policy[16], names[PARTITION_IDENTITIES_MAX][PARTITION_NAME_MAX + 1];
    struct identities room;
    int code;

    /* `now` lies in memory that the next call uses again. */
    snprintf(name, sizeof name, "%s", now->name);
    snprintf(old_policy, sizeof old_policy, "%s", now->policy);
    m.id = now->id;
    m.name = name;
    m.policy = policy != NULL ? (char *)(uintptr_t)policy : old_policy;
    m.objects_max = now->objects_max;
    m.session_objects_max = now->session_objects_max;
    if ((code = take_number(in, "objects", &m.objects_max)) != EXIT_DONE ||
        (code = take_number(in, "session-objects", &m.session_objects_max)) != EXIT_DONE)
        return code;
    if (command_given(in, "identity")) {
        if ((code = take_identities(in, &room, &m)) != EXIT_DONE)
            return code;
    } else {
        m.identities = kept_list;
        for (; m.n_identities < now->n_identities && m.n_identities < PARTITION_IDENTITIES_MAX; m.n_identities++) {
            const Ks__Identity *id = now->identities[m.n_identities];

            ks__identity__init(&kept[m.n_identities]);
            memcpy(prints[m.n_identities], id->fingerprint.data, LINK_FINGERPRINT_LEN);
            snprintf(names[m.n_identities], sizeof names[0], "%s", id->name);
            kept[m.n_identities].fingerprint = (ProtobufCBinaryData){ LINK_FINGERPRINT_LEN, prints[m.n_identities] };
            kept[m.n_identities].role = id->role;
            kept[m.n_identities].name = names[m.n_identities];
            kept_list[m.n_identities] = &kept[m.n_identities];
        }
    }
    return act_do(in, k, MESSAGE_PARTITION_SET, &m.base, NULL);
}

static int partition_set(struct invocation *in)
{
    struct keystore_link *k = NULL;
    Ks__Partition *p;
    int code;

    if ((code = check_policy(in)) == EXIT_DONE && (code = act_link_open(in, &k)) == EXIT_DONE &&
        (code = partition_find(in, k, &p)) == EXIT_DONE && (code = change(in, k, p)) == EXIT_DONE &&
        !act_is_prepared(in))
        fprintf(in->out, "partition %s: changed\n", command_value(in, "name"));
    keystore_link_close(k);
    return code;
}

/* Never an act for the holders: who may use the partition stays as it is. */
static int partition_resize(struct invocation *in)
{
    if (!command_given(in, "objects") && !command_given(in, "session-objects"))
        return command_misused(in, "--objects, --session-objects or both");
    return partition_set(in);
}

#define SETTINGS                                                                                                       \
    { "name", "NAME", true, false, "letters, digits, - _ ., at most 32" },                                             \
        { "policy", "POLICY", false, false, "strict (default) or compatible, for stock tools" },                       \
        { "objects", "N", false, false, "token objects it may hold" },                                                 \
        { "session-objects", "N", false, false, "session objects it may hold" },                                       \
    {                                                                                                                  \
        "identity", "PEM", false, true, "certificate of a client that may use it"                                      \
    }

static const struct verb_option settings_options[] = { KEYSTORE_LINK_OPTIONS, SETTINGS, { 0 } };
static const struct verb_option set_options[] = { KEYSTORE_LINK_OPTIONS, ACT_OPTIONS, SETTINGS, { 0 } };
static const struct verb_option list_options[] = { KEYSTORE_LINK_OPTIONS, { 0 } };
static const struct verb_option resize_options[] = {
    KEYSTORE_LINK_OPTIONS,
    { "name", "NAME", true, false, "which" },
    { "objects", "N", false, false, "token objects it may hold; 0: the default" },
    { "session-objects", "N", false, false, "session objects it may hold; 0: the default" },
    { 0 },
};
static const struct verb_option delete_options[] = {
    KEYSTORE_LINK_OPTIONS,
    { "name", "NAME", true, false, "which" },
    { "destroy-its-keys", NULL, false, false, "yes, all of them" },
    { 0 },
};

const struct verb partition_verbs[] = {
    { "create", "make a partition, one PKCS#11 token, and say who may use it", NULL, true, true, settings_options,
      partition_create },
    { "list", "partitions, their policies and quotas", NULL, true, true, list_options, partition_list },
    { "set", "change policy, quotas or identities; what is not given stays", NULL, false, true, set_options,
      partition_set },
    { "resize", "change how many objects a partition may hold", NULL, false, true, resize_options, partition_resize },
    { "backup", "write a partition's backup, which only a keystore of the same domain can read", NULL, true, true,
      partition_backup_options, partition_backup },
    { "restore", "bring a partition back from its backup, with the approval of the domain's holders", NULL, true, true,
      partition_restore_options, partition_restore },
    { "delete", "delete a partition and every key in it", NULL, false, true, delete_options, partition_delete },
    { 0 },
};
