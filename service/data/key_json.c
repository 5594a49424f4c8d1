#include "service/data/key_json.h"

#include "service/vault/public_key.h"

const char *key_json_kty(const struct key_version *v)
{
    static const char *const names[][2] = {
        [KEY_TYPE_RSA] = { "RSA", "RSA-HSM" },
        [KEY_TYPE_EC] = { "EC", "EC-HSM" },
        [KEY_TYPE_OCT] = { "oct", "oct-HSM" },
    };

    return names[v->spec.type][v->hsm];
}

void key_json_kid(struct bytes *out, const struct call *c, const struct key_version *v, bool versioned)
{
    bytes_append_span(out, bytes_span(&c->base_url));
    bytes_append_text(out, "/keys/");
    bytes_append_text(out, v->name);
    if (versioned) {
        bytes_append_char(out, '/');
        bytes_append_text(out, v->version);
    }
}

static void put_kid(struct json_writer *w, const struct call *c, const struct key_version *v, bool versioned)
{
    struct bytes kid = { 0 };

    key_json_kid(&kid, c, v, versioned);
    json_put_text(w, "kid", bytes_span(&kid));
    bytes_clear(&kid);
}

/* Azure's names for what a vault's settings promise (spec: data-plane-keys.md 2.3). */
static const char *recovery_level(const struct vault *v)
{
    bool full = v->retention_days >= 90;

    if (v->purge_protection)
        return full ? "Recoverable" : "CustomizedRecoverable";
    return full ? "Recoverable+Purgeable" : "CustomizedRecoverable+Purgeable";
}

/* The public half of a pair is in the one statement, too; a symmetric key has none. */
static void put_attestation(struct json_writer *w, const struct key_version *v,
                            const struct key_json_attestation *about)
{
    json_open_object(w, "attestation");
    json_put_base64url(w, "certificatePemFile", about->certificates);
    json_put_base64url(w, "privateKeyAttestation", about->statement);
    if (v->spec.type != KEY_TYPE_OCT)
        json_put_base64url(w, "publicKeyAttestation", about->statement);
    json_put_text(w, "version", span_text(about->version));
    json_close_object(w);
}

/* `about` may be NULL. */
static void put_attributes(struct json_writer *w, const struct call *c, const struct key_version *v,
                           const struct key_json_attestation *about)
{
    json_open_object(w, "attributes");
    json_put_bool(w, "enabled", v->attributes.enabled);
    if (v->attributes.has_not_before)
        json_put_int(w, "nbf", v->attributes.not_before);
    if (v->attributes.has_expires)
        json_put_int(w, "exp", v->attributes.expires);
    json_put_int(w, "created", v->created);
    json_put_int(w, "updated", v->updated);
    json_put_text(w, "recoveryLevel", span_text(recovery_level(c->vault)));
    json_put_int(w, "recoverableDays", (int64_t)c->vault->retention_days);
    json_put_bool(w, "exportable", false);
    if (v->spec.type == KEY_TYPE_OCT)
        json_put_int(w, "key_size", (int64_t)v->spec.bits);
    if (about != NULL)
        put_attestation(w, v, about);
    json_close_object(w);
}

static void put_deletion(struct json_writer *w, const struct call *c, const struct key_version *v,
                         const struct key_head *head)
{
    struct bytes id = { 0 };

    bytes_append_span(&id, bytes_span(&c->base_url));
    bytes_append_text(&id, "/deletedkeys/");
    bytes_append_text(&id, v->name);
    json_put_text(w, "recoveryId", bytes_span(&id));
    json_put_int(w, "deletedDate", head->deleted_at);
    json_put_int(w, "scheduledPurgeDate", head->purge_at);
    bytes_clear(&id);
}

static enum status put_jwk(struct json_writer *w, const struct call *c, const struct key_version *v)
{
    struct public_jwk jwk = { { 0 }, { 0 } };
    enum status st = v->spec.type == KEY_TYPE_OCT ? ST_OK : public_key_jwk(v, &jwk);

    if (st != ST_OK)
        return st;
    json_open_object(w, "key");
    put_kid(w, c, v, true);
    json_put_text(w, "kty", span_text(key_json_kty(v)));
    json_open_array(w, "key_ops");
    for (unsigned op = 0; op < KEY_OP_COUNT; op++)
        if ((v->ops & BIT(op)) != 0)
            json_put_text(w, NULL, span_text(key_op_name((enum key_op)op)));
    json_close_array(w);
    if (v->spec.type == KEY_TYPE_RSA) {
        json_put_base64url(w, "n", bytes_span(&jwk.first));
        json_put_base64url(w, "e", bytes_span(&jwk.second));
    } else if (v->spec.type == KEY_TYPE_EC) {
        json_put_text(w, "crv", span_text(key_curve_name(v->spec.curve)));
        json_put_base64url(w, "x", bytes_span(&jwk.first));
        json_put_base64url(w, "y", bytes_span(&jwk.second));
    }
    json_close_object(w);
    public_jwk_clear(&jwk);
    return ST_OK;
}

static enum status put_bundle(struct call *c, const struct key_version *v, const struct key_head *head,
                              const struct key_json_attestation *about)
{
    struct json_writer w;
    enum status st;

    json_begin(&w, &c->x->body);
    json_open_object(&w, NULL);
    if (head != NULL)
        put_deletion(&w, c, v, head);
    if ((st = put_jwk(&w, c, v)) != ST_OK)
        return st;
    put_attributes(&w, c, v, about);
    if (v->tags_json != NULL)
        json_put_raw(&w, "tags", span_text(v->tags_json));
    json_close_object(&w);
    c->x->status = 200;
    return bytes_status(&c->x->body);
}

enum status key_json_bundle(struct call *c, const struct key_version *v, const struct key_head *head)
{
    return put_bundle(c, v, head, NULL);
}

enum status key_json_attested_bundle(struct call *c, const struct key_version *v,
                                     const struct key_json_attestation *about)
{
    return put_bundle(c, v, NULL, about);
}

void key_json_item(struct json_writer *w, const struct call *c, const struct key_version *v,
                   const struct key_head *head, bool versioned)
{
    json_open_object(w, NULL);
    put_kid(w, c, v, versioned);
    put_attributes(w, c, v, NULL);
    if (v->tags_json != NULL)
        json_put_raw(w, "tags", span_text(v->tags_json));
    if (head != NULL)
        put_deletion(w, c, v, head);
    json_close_object(w);
}

static bool bad_property(struct call *c, const char *name)
{
    call_bad(c, "Property %s has invalid value\r\n", name);
    return false;
}

/* A date a client sent. Some wrap beyond 2038 and arrive negative: refused, not guessed. */
static bool read_time(const json_t *object, const char *name, bool *has, bool *clear, int64_t *out)
{
    enum status st = json_get_int(object, name, 0, 253402300799, out); /* year 9999 */

    *has = st == ST_OK;
    *clear = st == ST_NOT_FOUND && json_is_null(json_object_get(object, name));
    return st == ST_OK || st == ST_NOT_FOUND;
}

static bool read_attributes(struct call *c, const json_t *body)
{
    struct key_change *ch = &c->change;
    bool exportable = false;
    json_t *attributes = NULL;
    enum status st = json_get_object(body, "attributes", &attributes);

    if (st == ST_NOT_FOUND)
        return true;
    if (st != ST_OK)
        return bad_property(c, "attributes");
    st = json_get_bool(attributes, "enabled", &ch->attributes.enabled);
    ch->has_enabled = st == ST_OK;
    if (st != ST_OK && st != ST_NOT_FOUND)
        return bad_property(c, "enabled");
    if (!read_time(attributes, "nbf", &ch->has_not_before, &ch->clear_not_before, &ch->attributes.not_before))
        return bad_property(c, "nbf");
    if (!read_time(attributes, "exp", &ch->has_expires, &ch->clear_expires, &ch->attributes.expires))
        return bad_property(c, "exp");
    if (ch->has_not_before && ch->has_expires && ch->attributes.expires <= ch->attributes.not_before)
        return bad_property(c, "exp");
    st = json_get_bool(attributes, "exportable", &exportable);
    if ((st != ST_OK && st != ST_NOT_FOUND) || exportable) { /* no key leaves the token */
        call_bad(c, "Exportable keys are not supported by this vault.");
        return false;
    }
    return true;
}

static bool read_ops(struct call *c, const json_t *body)
{
    json_t *list = NULL, *item;
    enum status st = json_get_array(body, "key_ops", &list);
    size_t i;

    if (st == ST_NOT_FOUND)
        return true;
    if (st != ST_OK)
        return bad_property(c, "key_ops");
    json_array_foreach(list, i, item)
    {
        enum key_op op = json_is_string(item)
                             ? key_op_by_name(span_of(json_string_value(item), json_string_length(item)))
                             : KEY_OP_COUNT;

        if (op == KEY_OP_COUNT || (c->change.ops & BIT(op)) != 0)
            return bad_property(c, "key_ops");
        c->change.ops |= BIT(op);
    }
    c->change.has_ops = json_array_size(list) > 0;
    return true;
}

/* Characters, not bytes: jansson has checked that it is UTF-8. */
static size_t characters(struct span s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++)
        n += (s.p[i] & 0xc0) != 0x80;
    return n;
}

static bool read_tags(struct call *c, const json_t *body)
{
    json_t *tags = NULL, *value;
    enum status st = json_get_object(body, "tags", &tags);
    const char *name;
    struct json_writer w;

    if (st == ST_NOT_FOUND)
        return true;
    if (st != ST_OK || json_object_size(tags) > KEY_TAGS_MAX)
        return bad_property(c, "tags");
    json_begin(&w, &c->tags);
    json_open_object(&w, NULL);
    json_object_foreach(tags, name, value)
    {
        struct span text = span_of(json_string_value(value), json_string_length(value));

        if (!json_is_string(value) || characters(span_text(name)) > KEY_TAG_MAX || characters(text) > KEY_TAG_MAX)
            return bad_property(c, "tags");
        json_put_text(&w, name, text);
    }
    json_close_object(&w);
    c->change.has_tags = true;
    if (json_object_size(tags) > 0)
        c->change.tags_json = bytes_span(&c->tags);
    return true;
}

bool key_json_read_common(struct call *c, const json_t *body)
{
    const json_t *release_policy = json_object_get(body, "release_policy");

    if (release_policy != NULL && !json_is_null(release_policy)) {
        call_bad(c, "AKV.SKR.1005: Non-exportable keys must not have release policy.");
        return false;
    }
    return read_ops(c, body) && read_attributes(c, body) && read_tags(c, body);
}

static bool read_kty(struct call *c, const json_t *body)
{
    static const struct {
        const char *name;
        enum key_type type;
        bool hsm;
    } kinds[] = {
        { "RSA", KEY_TYPE_RSA, false },  { "RSA-HSM", KEY_TYPE_RSA, true }, { "EC", KEY_TYPE_EC, false },
        { "EC-HSM", KEY_TYPE_EC, true }, { "oct-HSM", KEY_TYPE_OCT, true },
    };
    struct span kty = { 0 };

    if (json_get_text(body, "kty", &kty) != ST_OK)
        return bad_property(c, "kty");
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (!span_is_nocase(kty, kinds[i].name))
            continue;
        c->change.spec.type = kinds[i].type;
        c->change.hsm = kinds[i].hsm;
        if (kinds[i].hsm && !c->vault->premium) {
            call_bad(c, "Keys of type %s need a vault of the premium SKU.", kinds[i].name);
            return false;
        }
        return true;
    }
    return bad_property(c, "kty");
}

static bool read_size(struct call *c, const json_t *body)
{
    struct key_spec *spec = &c->change.spec;
    int64_t size = spec->type == KEY_TYPE_RSA ? 2048 : 256, exponent = 65537;
    struct span crv = span_text("P-256");
    enum status st;

    if (spec->type == KEY_TYPE_EC) {
        if ((st = json_get_text(body, "crv", &crv)) != ST_OK && st != ST_NOT_FOUND)
            return bad_property(c, "crv");
        if ((spec->curve = key_curve_by_name(crv)) == KEY_CURVE_NONE)
            return bad_property(c, "crv");
        spec->bits = key_curve_bits(spec->curve);
        return true;
    }
    if ((st = json_get_int(body, "key_size", 0, 1 << 16, &size)) != ST_OK && st != ST_NOT_FOUND)
        return bad_property(c, "key_size");
    spec->bits = (unsigned)size;
    if (!key_spec_valid(spec))
        return bad_property(c, "key_size");
    st = json_get_int(body, "public_exponent", 0, INT64_MAX, &exponent);
    if ((st != ST_OK && st != ST_NOT_FOUND) || exponent != 65537)
        return bad_property(c, "public_exponent");
    return true;
}

bool key_json_read_create(struct call *c, const json_t *body)
{
    const struct key_change *ch = &c->change;
    unsigned ops;

    if (!read_kty(c, body) || !read_size(c, body) || !key_json_read_common(c, body))
        return false;
    ops = ch->has_ops ? ch->ops : key_ops_default(ch->spec.type);
    if (!key_ops_fit(ch->spec.type, ops))
        return bad_property(c, "key_ops");
    /* What can only be a MAC key is one: sizes beyond AES. */
    if (ch->spec.type == KEY_TYPE_OCT && ch->spec.bits > 256 && (ops & BIT(KEY_OP_SIGN)) == 0)
        return bad_property(c, "key_size");
    return true;
}
