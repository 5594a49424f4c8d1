/* Using keys: sign, verify, encrypt, decrypt, wrapKey, unwrapKey (spec: data-plane-keys.md 7). */
#include "firmware/base/base64url.h"
#include "service/data/key_json.h"

/* A member of the body in base64url, into a buffer that wipes. Absent: p stays NULL. */
static bool read_bytes(struct call *c, const json_t *body, const char *name, bool required, struct secret *buffer,
                       struct span *out)
{
    static const uint8_t nothing;
    struct span text = { 0 };
    enum status st = json_get_text(body, name, &text);

    if (st == ST_NOT_FOUND && !required)
        return true;
    if (st == ST_OK && (st = base64url_decode_secret(buffer, text)) == ST_OK) {
        *out = buffer->len > 0 ? secret_span(buffer) : span_of(&nothing, 0); /* present, though empty */
        return true;
    }
    if (st == ST_NO_MEMORY) {
        exchange_trouble(c->x, st);
        call_finish(c);
    } else {
        call_bad(c, "Property %s has invalid value\r\n", name);
    }
    return false;
}

static bool read_body(struct call *c, enum key_op op)
{
    struct key_operation *o = &c->operation;
    json_t *body = NULL;
    bool ok = true;

    if (exchange_read_json(c->x, JSON_BODY_MAX, false, &body) != ST_OK) {
        call_finish(c);
        return false;
    }
    if (json_get_text(body, "alg", &o->alg) != ST_OK) {
        call_bad(c, "Property alg has invalid value\r\n");
        ok = false;
    } else {
        /* The tree ends here, the name is needed longer. */
        ok = bytes_set(&c->tags, o->alg) == ST_OK;
        o->alg = bytes_span(&c->tags);
        if (!ok) {
            exchange_trouble(c->x, ST_NO_MEMORY);
            call_finish(c);
        }
    }
    ok = ok && read_bytes(c, body, "value", true, &c->buffers[0], &o->value);
    if (op == KEY_OP_VERIFY)
        ok = ok && read_bytes(c, body, "digest", true, &c->buffers[1], &o->digest);
    else if (op != KEY_OP_SIGN)
        ok = ok && read_bytes(c, body, "iv", false, &c->buffers[2], &o->iv) &&
             read_bytes(c, body, "aad", false, &c->buffers[3], &o->aad) &&
             read_bytes(c, body, "tag", false, &c->buffers[4], &o->tag);
    json_decref(body);
    return ok;
}

/* {"kid", "value"} and what AES adds. */
static void answer_result(struct call *c)
{
    const struct key_operation *o = &c->operation;
    struct span result = key_operation_result(o);
    struct bytes kid = { 0 };
    struct json_writer w;

    /* Reserved at once: a plaintext must not stay behind in memory that growing has left. */
    c->x->sensitive = o->op == KEY_OP_DECRYPT || o->op == KEY_OP_UNWRAP_KEY;
    key_json_kid(&kid, c, c->key, true);
    if (bytes_reserve(&c->x->body, base64url_encoded_len(result.len) + kid.len + o->aad.len * 2 + 256) != ST_OK) {
        bytes_clear(&kid);
        exchange_trouble(c->x, ST_NO_MEMORY);
        call_finish(c);
        return;
    }
    json_begin(&w, &c->x->body);
    json_open_object(&w, NULL);
    json_put_text(&w, "kid", bytes_span(&kid));
    json_put_base64url(&w, "value", result);
    if (o->op == KEY_OP_ENCRYPT && o->job.out_iv_len > 0) {
        json_put_base64url(&w, "iv", span_of(o->job.out_iv, o->job.out_iv_len));
        json_put_base64url(&w, "tag", span_of(o->job.out_tag, sizeof o->job.out_tag));
        if (o->aad.p != NULL)
            json_put_base64url(&w, "aad", o->aad);
    } else if (o->op == KEY_OP_ENCRYPT && o->iv.len > 0) {
        json_put_base64url(&w, "iv", o->iv);
    }
    json_close_object(&w);
    bytes_clear(&kid);
    c->x->status = 200;
    call_finish(c);
}

static void answer_verdict(struct call *c)
{
    struct json_writer w;

    json_begin(&w, &c->x->body);
    json_open_object(&w, NULL);
    json_put_bool(&w, "value", c->operation.verified);
    json_close_object(&w);
    c->x->status = 200;
    call_finish(c);
}

static void on_operated(struct key_operation *o)
{
    struct call *c = o->owner;

    if (o->fault.code != FAULT_NONE)
        call_refuse(c, &o->fault);
    else if (o->op == KEY_OP_VERIFY)
        answer_verdict(c);
    else
        answer_result(c);
}

static void operate(struct call *c, enum key_op op)
{
    enum status st;

    c->operation.op = op;
    c->operation.done = on_operated;
    c->operation.owner = c;
    if (!read_body(c, op))
        return;
    if ((st = keys_find(c->plane->keys, c->vault, c->name, c->version, &c->key)) != ST_OK) {
        call_missing(c, st, false);
        return;
    }
    c->operation.key = c->key;
    key_operation_run(c->plane->keys, &c->operation);
}

void key_encrypt_route(struct call *c)
{
    operate(c, KEY_OP_ENCRYPT);
}

void key_decrypt_route(struct call *c)
{
    operate(c, KEY_OP_DECRYPT);
}

void key_sign_route(struct call *c)
{
    operate(c, KEY_OP_SIGN);
}

void key_verify_route(struct call *c)
{
    operate(c, KEY_OP_VERIFY);
}

void key_wrap_route(struct call *c)
{
    operate(c, KEY_OP_WRAP_KEY);
}

void key_unwrap_route(struct call *c)
{
    operate(c, KEY_OP_UNWRAP_KEY);
}
