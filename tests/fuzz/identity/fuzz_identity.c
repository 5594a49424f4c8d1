/* Everything that a stranger's bytes reach before he is known: tokens, headers, claims, key sets, forms. The first byte
 * says which. */
#include "service/identity/claims.h"
#include "service/identity/form.h"
#include "service/identity/jws.h"

#include "firmware/base/base64url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parse_jws(struct span text)
{
    for (enum jws_kind kind = JWS_ACCESS_TOKEN; kind <= JWS_CLIENT_ASSERTION; kind++) {
        struct jws j;
        json_t *claims = NULL;

        if (jws_parse(&j, kind, text) != ST_OK)
            continue;
        INVARIANT(j.alg != JWS_ALG_UNKNOWN && json_object_get(j.header, "jwk") == NULL &&
                  json_object_get(j.header, "crit") == NULL);
        if (jws_read_payload(&j, &claims) == ST_OK)
            json_decref(claims);
        jws_clear(&j);
    }
}

static void parse_header(struct span json)
{
    struct bytes text = { 0 };

    base64url_append(&text, json);
    bytes_append_text(&text, ".e30.AAAA");
    parse_jws(bytes_span(&text));
    bytes_clear(&text);
}

static void check_claims(struct span json)
{
    struct claims_rules rules = { .issuer = span_text("https://i"),
                                  .audience = span_text("https://a"),
                                  .now = 1700000000 };
    struct principal who = { 0 };
    json_t *claims = NULL;

    memcpy(rules.tenant_id.text, "aaaaaaaa-0000-4000-8000-000000000001", GUID_LEN + 1);
    if (json_read_object(json, JWS_TEXT_MAX, &claims) != ST_OK)
        return;
    if (claims_check(claims, &rules, &who) == ST_OK)
        INVARIANT(guid_equal(&who.tenant_id, &rules.tenant_id) && who.expires_at > rules.now &&
                  who.group_count <= PRINCIPAL_GROUPS_MAX && strcmp(who.issuer, "https://i") == 0);
    json_decref(claims);
}

static void parse_keys(struct span text)
{
    struct jwk_set *set = NULL;

    if (jwk_set_parse(text, &set) == ST_OK)
        for (size_t i = 0; i < set->count; i++)
            INVARIANT(set->keys[i].algs != 0 && set->keys[i].signature_len >= 64 &&
                      jwk_set_find(set, span_text(set->keys[i].kid)) == &set->keys[i]);
    jwk_set_unref(set);
}

static void parse_form(struct span text)
{
    struct secret decoded = { 0 };
    struct span id = { 0 }, password = { 0 };
    struct form f;

    if (form_parse(&f, text) == ST_OK) {
        for (size_t i = 0; i < f.count; i++)
            INVARIANT(f.fields[i].name.len > 0 && f.fields[i].value.p + f.fields[i].value.len <= f.text.p + f.text.len);
        form_clear(&f);
    }
    if (basic_parse(text, &decoded, &id, &password) == ST_OK)
        INVARIANT(id.len + password.len == decoded.len);
    secret_clear(&decoded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const targets[])(struct span) = { parse_jws, parse_header, check_claims, parse_keys, parse_form };

    if (size > 0)
        targets[data[0] % ARRAY_LEN(targets)](span_of(data + 1, size - 1));
    return 0;
}
