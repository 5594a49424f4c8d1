/* strongroom role: assign, list, remove, definitions. */
#include "provisioning/appliance/verbs.h"
#include "provisioning/cli/output.h"
#include "provisioning/token/site.h"
#include "service/json/json.h"
#include "service/policy/policy.h"
#include "service/vault/role_store.h"

static int parse_role(const struct invocation *in, struct guid *out)
{
    const char *text = command_value(in, "role");
    struct guid id;

    if (role_by_name(span_text(text), out))
        return EXIT_DONE;
    if (guid_parse(&id, span_text(text)) == ST_OK && role_by_id(&id) != NULL) {
        *out = id;
        return EXIT_DONE;
    }
    return command_misused(in, "--role: there is no role \"%s\"; see `strongroom role definitions`", text);
}

static int copy_text(const struct invocation *in, const char *option, const char *preset, char *out, size_t max)
{
    const char *text = command_given(in, option) ? command_value(in, option) : preset;

    if (strlen(text) > max)
        return command_misused(in, "--%s must have at most %zu bytes", option, max);
    memcpy(out, text, strlen(text) + 1);
    return EXIT_DONE;
}

static int describe(const struct invocation *in, struct assignment *a)
{
    static const char *const types[] = { "User", "Group", "ServicePrincipal", "ForeignGroup", "Device" };
    int code;

    *a = (struct assignment){ .id = guid_random() };
    if ((code = site_guid(in, "principal", &a->principal_id)) != EXIT_DONE ||
        (code = parse_role(in, &a->role_id)) != EXIT_DONE ||
        (code = copy_text(in, "scope", NULL, a->scope, ASSIGNMENT_SCOPE_MAX)) != EXIT_DONE ||
        (code = copy_text(in, "description", "", a->description, ASSIGNMENT_DESCRIPTION_MAX)) != EXIT_DONE ||
        (code = copy_text(in, "type", "ServicePrincipal", a->principal_type, ASSIGNMENT_TYPE_MAX)) != EXIT_DONE)
        return code;
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (strcmp(types[i], a->principal_type) == 0)
            return EXIT_DONE;
    return command_misused(in, "--type: User, Group, ServicePrincipal, ForeignGroup or Device");
}

static int assign(const struct invocation *in, const struct site *s, const struct assignment *wanted)
{
    struct admin_fault fault = { 0 };
    struct assignment made;
    bool created;

    if (assignment_put(s->store, wanted, &made, &created, &fault))
        return output_value(in, "id", span_text(made.id.text));
    if (fault.code != ADMIN_FAULT_ASSIGNMENT_EXISTS) /* the same again changes nothing */
        return command_refuse(in, "%s", fault.message);
    return EXIT_DONE;
}

static int role_assign(struct invocation *in)
{
    struct assignment wanted;
    struct site s = { 0 };
    int code;

    if ((code = describe(in, &wanted)) == EXIT_DONE && (code = site_open(in, &s)) == EXIT_DONE &&
        (code = site_open_store(in, &s)) == EXIT_DONE)
        code = assign(in, &s, &wanted);
    site_close(&s);
    return code;
}

struct listing {
    const struct invocation *in;
    struct json_writer w;
    struct bytes text;
    bool one_principal;
    struct guid principal;
};

static const char *name_of(const struct guid *role_id)
{
    const char *name = role_name(role_id);

    return name != NULL ? name : role_id->text;
}

static bool list_one(const struct assignment *a, void *arg)
{
    struct listing *l = arg;

    if (l->one_principal && !guid_equal(&l->principal, &a->principal_id))
        return true;
    if (!l->in->json) {
        fprintf(l->in->out, "%s  %s  %-28s  ", a->id.text, a->principal_id.text, name_of(&a->role_id));
        output_words(l->in, a->scope);
        return true;
    }
    json_open_object(&l->w, NULL);
    json_put_text(&l->w, "id", span_text(a->id.text));
    json_put_text(&l->w, "principalId", span_text(a->principal_id.text));
    json_put_text(&l->w, "principalType", span_text(a->principal_type));
    json_put_text(&l->w, "role", span_text(name_of(&a->role_id)));
    json_put_text(&l->w, "roleId", span_text(a->role_id.text));
    json_put_text(&l->w, "scope", span_text(a->scope));
    json_close_object(&l->w);
    return true;
}

static int role_list(struct invocation *in)
{
    struct listing l = { .in = in, .one_principal = command_given(in, "principal") };
    struct site s = { 0 };
    enum status st;
    int code = EXIT_DONE;

    if (l.one_principal && (code = site_guid(in, "principal", &l.principal)) != EXIT_DONE)
        return code;
    json_begin(&l.w, &l.text);
    json_open_array(&l.w, NULL);
    if ((code = site_open(in, &s)) == EXIT_DONE && (code = site_open_store(in, &s)) == EXIT_DONE &&
        (st = assignment_list(s.store, list_one, &l)) != ST_OK)
        code = command_refuse(in, "the role assignments cannot be read: %s", status_name(st));
    json_close_array(&l.w);
    if (code == EXIT_DONE && in->json)
        fprintf(in->out, "%s\n", bytes_text(&l.text));
    bytes_clear(&l.text);
    site_close(&s);
    return code;
}

static int remove_assignment(const struct invocation *in, const struct site *s, const struct guid *id)
{
    struct assignment found;
    enum status st = assignment_find(s->store, id, &found);

    if (st == ST_OK)
        st = assignment_delete(s->store, &found);
    if (st != ST_OK)
        return command_refuse(in, "assignment %s: %s", id->text, st == ST_NOT_FOUND ? "is not there" : status_name(st));
    return EXIT_DONE;
}

static int role_remove(struct invocation *in)
{
    struct site s = { 0 };
    struct guid id;
    int code;

    if ((code = site_guid(in, "id", &id)) == EXIT_DONE && (code = site_open(in, &s)) == EXIT_DONE &&
        (code = site_open_store(in, &s)) == EXIT_DONE)
        code = remove_assignment(in, &s, &id);
    site_close(&s);
    return code;
}

static int role_definitions(struct invocation *in)
{
    struct bytes text = { 0 };
    struct json_writer w;
    size_t count;
    const struct role *roles = role_table(&count);

    json_begin(&w, &text);
    json_open_array(&w, NULL);
    for (size_t i = 0; i < count; i++) {
        if (!in->json) {
            fprintf(in->out, "%s  %s\n", roles[i].id, roles[i].name);
            continue;
        }
        json_open_object(&w, NULL);
        json_put_text(&w, "id", span_text(roles[i].id));
        json_put_text(&w, "name", span_text(roles[i].name));
        json_put_text(&w, "description", span_text(roles[i].description));
        json_close_object(&w);
    }
    json_close_array(&w);
    if (in->json)
        fprintf(in->out, "%s\n", bytes_text(&text));
    bytes_clear(&text);
    return EXIT_DONE;
}

static const struct verb_option assign_options[] = {
    { "principal", "OID", true, false, "the object id of who gets the role" },
    { "role", "ROLE", true, false, "a built-in role, by name or id" },
    { "scope", "SCOPE", true, false, "/, /subscriptions/<id>, ../resourceGroups/<name> or a vault's id" },
    { "type", "TYPE", false, false, "what the principal is (default: ServicePrincipal)" },
    { "description", "TEXT", false, false, "why" },
    { 0 },
};
static const struct verb_option list_options[] = {
    { "principal", "OID", false, false, "only those of this principal" },
    { 0 },
};
static const struct verb_option remove_options[] = {
    { "id", "GUID", true, false, "the assignment, as `role list` shows it" },
    { 0 },
};

const struct verb role_verbs[] = {
    { "assign", "give a role to a principal and print the assignment's id; the same again changes nothing", NULL, true,
      false, assign_options, role_assign },
    { "list", "role assignments: id, principal, role, scope", NULL, true, false, list_options, role_list },
    { "remove", "take a role assignment away", NULL, false, false, remove_options, role_remove },
    { "definitions", "the built-in roles", NULL, true, true, NULL, role_definitions },
    { 0 },
};
