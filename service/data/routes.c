/* The routes of the data plane, and what stands before each of them: token, api-version, grant (THREATS.md 4). */
#include "service/data/api_version.h"
#include "service/data/data_plane.h"
#include "service/data/vault_host.h"
#include "service/http/route.h"
#include "service/json/json.h"

#include <stdio.h>

struct endpoint {
    enum http_method method;
    const char *pattern;
    enum key_permission permission;
    const char *operation; /* in the audit (spec: monitoring.md 2) */
    void (*handle)(struct call *c);
};

/* An operation's name wins over a version in the third place, so literals stand before captures. */
static const struct endpoint endpoints[] = {
    { HTTP_GET, "/keys", KEY_PERMISSION_LIST, "KeyList", key_list },
    { HTTP_POST, "/keys/{}/create", KEY_PERMISSION_CREATE, "KeyCreate", key_create_route },
    { HTTP_GET, "/keys/{}/versions", KEY_PERMISSION_LIST, "KeyListVersions", key_list_versions },
    { HTTP_POST, "/keys/{}/sign", KEY_PERMISSION_SIGN, "KeySign", key_sign_route },
    { HTTP_POST, "/keys/{}/{}/sign", KEY_PERMISSION_SIGN, "KeySign", key_sign_route },
    { HTTP_POST, "/keys/{}/verify", KEY_PERMISSION_VERIFY, "KeyVerify", key_verify_route },
    { HTTP_POST, "/keys/{}/{}/verify", KEY_PERMISSION_VERIFY, "KeyVerify", key_verify_route },
    { HTTP_POST, "/keys/{}/encrypt", KEY_PERMISSION_ENCRYPT, "KeyEncrypt", key_encrypt_route },
    { HTTP_POST, "/keys/{}/{}/encrypt", KEY_PERMISSION_ENCRYPT, "KeyEncrypt", key_encrypt_route },
    { HTTP_POST, "/keys/{}/decrypt", KEY_PERMISSION_DECRYPT, "KeyDecrypt", key_decrypt_route },
    { HTTP_POST, "/keys/{}/{}/decrypt", KEY_PERMISSION_DECRYPT, "KeyDecrypt", key_decrypt_route },
    { HTTP_POST, "/keys/{}/wrapkey", KEY_PERMISSION_WRAP_KEY, "KeyWrap", key_wrap_route },
    { HTTP_POST, "/keys/{}/{}/wrapkey", KEY_PERMISSION_WRAP_KEY, "KeyWrap", key_wrap_route },
    { HTTP_POST, "/keys/{}/unwrapkey", KEY_PERMISSION_UNWRAP_KEY, "KeyUnwrap", key_unwrap_route },
    { HTTP_POST, "/keys/{}/{}/unwrapkey", KEY_PERMISSION_UNWRAP_KEY, "KeyUnwrap", key_unwrap_route },
    { HTTP_GET, "/keys/{}/attestation", KEY_PERMISSION_GET, "KeyGetAttestation", key_attestation_route },
    { HTTP_GET, "/keys/{}/{}/attestation", KEY_PERMISSION_GET, "KeyGetAttestation", key_attestation_route },
    { HTTP_GET, "/keys/{}", KEY_PERMISSION_GET, "KeyGet", key_get },
    { HTTP_GET, "/keys/{}/{}", KEY_PERMISSION_GET, "KeyGet", key_get },
    { HTTP_PATCH, "/keys/{}", KEY_PERMISSION_UPDATE, "KeyUpdate", key_update_route },
    { HTTP_PATCH, "/keys/{}/{}", KEY_PERMISSION_UPDATE, "KeyUpdate", key_update_route },
    { HTTP_DELETE, "/keys/{}", KEY_PERMISSION_DELETE, "KeyDelete", key_delete_route },
    { HTTP_GET, "/deletedkeys", KEY_PERMISSION_LIST, "KeyListDeleted", deleted_key_list },
    { HTTP_GET, "/deletedkeys/{}", KEY_PERMISSION_GET, "KeyGetDeleted", deleted_key_get },
    { HTTP_DELETE, "/deletedkeys/{}", KEY_PERMISSION_PURGE, "KeyPurge", key_purge_route },
    { HTTP_POST, "/deletedkeys/{}/recover", KEY_PERMISSION_RECOVER, "KeyRecover", key_recover_route },
};

static struct route table[ARRAY_LEN(endpoints)];

__attribute__((constructor)) static void build_table(void)
{
    for (size_t i = 0; i < ARRAY_LEN(endpoints); i++)
        table[i] = (struct route){ endpoints[i].method, endpoints[i].pattern, (int)i };
}

static void call_free(void *arg)
{
    struct call *c = arg;

    vault_unref(c->vault);
    key_version_unref(c->key);
    key_change_clear(&c->change);
    key_operation_clear(&c->operation);
    key_attestation_clear(&c->attestation);
    for (size_t i = 0; i < ARRAY_LEN(c->buffers); i++)
        secret_clear(&c->buffers[i]);
    bytes_clear(&c->base_url);
    bytes_clear(&c->tags);
    free(c);
}

void call_finish(struct call *c)
{
    exchange_finish(c->x); /* frees the call, too */
}

void call_bad(struct call *c, const char *format, ...)
{
    char text[FAULT_MESSAGE_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    exchange_error(c->x, 400, "BadParameter", NULL, "%s", text);
    call_finish(c);
}

/* GET /healthz at the resource host: for load balancers and scripts, who have no token. Not an operation on anybody's
 * vault, so it leaves no audit record. */
static void answer_health(struct data_plane *plane, struct http_request *rq)
{
    bool token = token_is_up(plane->token), audit = audit_is_up(plane->audit);
    struct http_field type = { "content-type", span_text("application/json; charset=utf-8") };
    struct http_response r = { .status = token && audit ? 200 : 503, .fields = &type, .field_count = 1 };
    struct json_writer w;

    json_begin(&w, &r.body);
    json_open_object(&w, NULL);
    json_put_text(&w, "status", span_text(token && audit ? "ok" : "degraded"));
    json_put_bool(&w, "token", token);
    json_put_bool(&w, "audit", audit);
    json_close_object(&w);
    http_respond(rq, &r);
}

/* The documented challenge: the same for every way in which a token can be missing or wrong. */
static void challenge(struct exchange *x, const struct data_plane *plane)
{
    exchange_error(x, 401, "Unauthorized", NULL, "AKV10000: Request is missing a Bearer or PoP token.");
    exchange_field(x, "www-authenticate", span_text(plane->challenge));
    exchange_finish(x);
}

static bool authenticate(struct exchange *x, const struct data_plane *plane)
{
    struct span header = http_header(x->rq, "authorization");

    if (header.len <= 7 || !span_is_nocase(span_of(header.p, 7), "Bearer ") ||
        http_header_count(x->rq, "authorization") != 1)
        return false;
    x->authenticated = verifier_check(plane->verifier, span_of(header.p + 7, header.len - 7), &x->principal) == ST_OK;
    return x->authenticated;
}

/* Parameters we know; others are refused, and repeated ones have been by target_parse(). */
static bool check_parameters(struct exchange *x)
{
    static const char *const known[] = { "api-version", "maxresults", "$skiptoken" };

    for (size_t i = 0; i < x->target.param_count; i++) {
        bool found = false;

        for (size_t n = 0; n < ARRAY_LEN(known); n++)
            found = found || span_is_nocase(x->target.params[i].name, known[n]);
        if (!found) {
            exchange_error(x, 400, "BadParameter", NULL, "The request has a query parameter that is not known here.");
            return false;
        }
    }
    x->api_version = target_param(&x->target, "api-version");
    if (x->api_version.p == NULL)
        exchange_error(x, 400, "BadParameter", NULL, "The api-version query parameter (?api-version=) is required.");
    else if (!api_version_known(x->api_version))
        exchange_error(x, 400, "BadParameter", NULL,
                       "The specified version (%.*s) is not recognized. Consider using the latest supported version "
                       "(" API_VERSION_NEWEST ").",
                       (int)(x->api_version.len < 32 ? x->api_version.len : 32), (const char *)x->api_version.p);
    else
        return true;
    return false;
}

static bool may(const struct data_plane *plane, const struct vault *v, const struct principal *who,
                enum key_permission permission, struct span name)
{
    struct bytes scope = { 0 };
    bool ok;

    if (!v->rbac)
        return policy_access_allows(v->policies, v->policy_count, &v->tenant_id, who, PERMISSION_KEYS, permission);
    bytes_append_text(&scope, v->resource_id);
    if (name.len > 0) {
        bytes_append_text(&scope, "/keys/");
        bytes_append_span(&scope, name);
    }
    ok = bytes_status(&scope) == ST_OK && guid_equal(&v->tenant_id, &who->tenant_id) &&
         catalog_data_allows(plane->catalog, who, policy_key_data_action(permission), bytes_text(&scope));
    bytes_clear(&scope);
    return ok;
}

/* The refusal is the same for a vault that is not there: who may nothing learns nothing (THREATS.md 4). */
static void forbid(struct exchange *x, const struct data_plane *plane, struct span vault_name,
                   enum key_permission permission)
{
    const struct principal *who = &x->principal;

    exchange_error(x, 403, "Forbidden", "ForbiddenByPolicy",
                   "The user, group or application 'appid=%s;oid=%s;numgroups=%zu;iss=%s' does not have keys %s "
                   "permission on key vault '%.*s;location=%s'.",
                   who->application_id.text, who->object_id.text, who->group_count, who->issuer,
                   permission_name(PERMISSION_KEYS, permission), (int)vault_name.len, (const char *)vault_name.p,
                   plane->location);
    exchange_finish(x);
}

static void append_upper(struct bytes *out, const char *text)
{
    if (bytes_reserve(out, strlen(text)) != ST_OK)
        return;
    for (; *text != '\0'; text++)
        bytes_append_char(out, (char)(*text >= 'a' && *text <= 'z' ? *text & ~0x20 : *text));
}

static void append_lower(struct bytes *out, struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        bytes_append_char(out, (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] | 0x20 : s.p[i]));
}

static bool captures_valid(const struct route_match *m)
{
    return (m->capture_count < 1 || key_name_valid(m->captures[0])) &&
           (m->capture_count < 2 || key_version_valid(m->captures[1]));
}

/* Everything has been checked that can be without looking at a key. */
static void start(struct data_plane *plane, struct exchange *x, const struct vault *v, const struct endpoint *e,
                  const struct route_match *m)
{
    struct call *c = calloc(1, sizeof *c);

    if (c == NULL) {
        vault_unref(v);
        exchange_trouble(x, ST_NO_MEMORY);
        exchange_finish(x);
        return;
    }
    c->plane = plane;
    c->x = x;
    c->vault = v;
    x->user = c;
    x->free_user = call_free;
    append_upper(&x->resource_id, v->resource_id);
    bytes_append_text(&c->base_url, "https://");
    append_lower(&c->base_url, http_authority(x->rq));
    if (!captures_valid(m)) {
        call_bad(c, m->capture_count > 1 && key_name_valid(m->captures[0]) ? "Property version has invalid value\r\n"
                                                                           : "Property name has invalid value\r\n");
        return;
    }
    c->name = m->capture_count > 0 ? m->captures[0] : (struct span){ 0 };
    c->version = m->capture_count > 1 ? m->captures[1] : (struct span){ 0 };
    if (c->name.len > 0) {
        bytes_append_span(&x->object_url, bytes_span(&c->base_url));
        bytes_append_text(&x->object_url, "/keys/");
        bytes_append_span(&x->object_url, c->name);
        if (c->version.len > 0) {
            bytes_append_char(&x->object_url, '/');
            bytes_append_span(&x->object_url, c->version);
        }
    }
    e->handle(c);
}

static void authorise(struct data_plane *plane, struct exchange *x, struct span vault_name, const struct endpoint *e,
                      const struct route_match *m)
{
    struct span name = m->capture_count > 0 && key_name_valid(m->captures[0]) ? m->captures[0] : (struct span){ 0 };
    const struct vault *v = catalog_find(plane->catalog, vault_name);

    if (v == NULL || !may(plane, v, &x->principal, e->permission, name)) {
        vault_unref(v);
        forbid(x, plane, vault_name, e->permission);
        return;
    }
    if (!policy_network_allows(&v->network, http_peer_address(x->rq))) {
        vault_unref(v);
        exchange_error(x, 403, "Forbidden", "ForbiddenByFirewall",
                       "Client address is not authorized and caller is not a trusted service.\r\nClient address: %s",
                       http_peer_address(x->rq));
        exchange_finish(x);
        return;
    }
    start(plane, x, v, e, m);
}

/* A verb in a header, for clients behind proxies that know only GET and POST. */
static enum http_method method_of(const struct http_request *rq)
{
    static const struct {
        const char *name;
        enum http_method method;
    } verbs[] = { { "GET", HTTP_GET }, { "PUT", HTTP_PUT }, { "PATCH", HTTP_PATCH }, { "DELETE", HTTP_DELETE } };
    struct span verb = http_header(rq, "x-http-method");

    if (http_method(rq) != HTTP_POST || verb.len == 0)
        return http_method(rq);
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
        if (span_is(verb, verbs[i].name))
            return verbs[i].method;
    return HTTP_OTHER;
}

static void dispatch(struct data_plane *plane, struct exchange *x, struct span vault_name)
{
    struct bytes allow = { 0 };
    struct route_match m;
    enum status st = route_find(table, ARRAY_LEN(table), method_of(x->rq), &x->target, &m, &allow);

    if (st == ST_NOT_FOUND) {
        exchange_error(x, 404, "NotFound", NULL, "There is nothing at this path.");
        exchange_finish(x);
    } else if (st != ST_OK) {
        exchange_error(x, 405, "MethodNotAllowed", NULL, "The method is not allowed at this path.");
        exchange_field(x, "allow", bytes_span(&allow));
        exchange_finish(x);
    } else {
        x->operation = endpoints[m.id].operation;
        if (!authenticate(x, plane))
            challenge(x, plane);
        else if (!check_parameters(x))
            exchange_finish(x);
        else
            authorise(plane, x, vault_name, &endpoints[m.id], &m);
    }
    bytes_clear(&allow);
}

void data_plane_handle(struct http_request *rq, void *arg)
{
    struct data_plane *plane = arg;
    struct span vault_name;
    enum vault_host_kind host = vault_host_parse(http_authority(rq), plane->domain, &vault_name);
    struct exchange *x;

    if (host == VAULT_HOST_ROOT && http_method(rq) == HTTP_GET && span_is(http_target(rq), "/healthz")) {
        answer_health(plane, rq);
        return;
    }
    if ((x = exchange_begin(rq, plane->audit)) == NULL)
        return;
    if (host == VAULT_HOST_VAULT) {
        dispatch(plane, x, vault_name);
        return;
    }
    exchange_error(x, 421, "NotFound", NULL, "No vault is served under this host name.");
    exchange_finish(x);
}
