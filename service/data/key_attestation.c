/* GET /keys/{name}/{version}/attestation (spec: data-plane-keys.md 10): the key's bundle with the token's signed word
 * on it. The nonce is the SHA-256 of the key's identifier, so the statement is of this key of this vault; how fresh it
 * is, its time says. A statement is of both halves of a pair at once. `strongroom attest verify` reads it. */
#include <openssl/sha.h>

#include "service/data/api_version.h"
#include "service/data/key_json.h"

#define ATTESTATION_VERSION "1.0"

static void answer(struct call *c)
{
    const struct token_job *job = &c->attestation.job;
    struct key_json_attestation about = {
        .certificates = bytes_span(&job->certificates),
        .statement = bytes_span(&job->output),
        .version = ATTESTATION_VERSION,
    };
    enum status st = key_json_attested_bundle(c, c->key, &about);

    if (st != ST_OK)
        exchange_trouble(c->x, st);
    call_finish(c);
}

static void on_attested(struct key_attestation *a)
{
    struct call *c = a->owner;

    if (a->fault.code != FAULT_NONE)
        call_refuse(c, &a->fault);
    else
        answer(c);
}

/* SHA-256 of "https://<vault>/keys/<name>/<version>". */
static enum status make_nonce(struct call *c)
{
    struct bytes kid = { 0 };
    enum status st;

    key_json_kid(&kid, c, c->key, true);
    if ((st = bytes_status(&kid)) == ST_OK) {
        SHA256(kid.p, kid.len, c->attestation_nonce);
        c->attestation.nonce = span_of(c->attestation_nonce, sizeof c->attestation_nonce);
    }
    bytes_clear(&kid);
    return st;
}

void key_attestation_route(struct call *c)
{
    enum status st;

    if (!api_version_has_attestation(c->x->api_version)) { /* then it is no route, but a version's place */
        call_bad(c, "Property version has invalid value\r\n");
        return;
    }
    if ((st = keys_find(c->plane->keys, c->vault, c->name, c->version, &c->key)) != ST_OK) {
        call_missing(c, st, false);
        return;
    }
    if ((st = make_nonce(c)) != ST_OK) {
        exchange_trouble(c->x, st);
        call_finish(c);
        return;
    }
    c->attestation.key = c->key;
    c->attestation.done = on_attested;
    c->attestation.owner = c;
    key_attest(c->plane->keys, &c->attestation);
}
