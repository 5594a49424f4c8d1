#include "service/identity/access_token.h"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#include "firmware/base/base64url.h"
#include "firmware/base/log.h"
#include "service/identity/authority_internal.h"
#include "service/identity/grant_reply.h"
#include "service/json/json.h"

/* One signature under way. */
struct issue {
    struct token_job job;
    struct authority *authority;
    struct authority_grant *grant;
    int64_t now;
    struct bytes audience;
    struct bytes text; /* "<header>.<claims>", then the whole token */
    uint8_t digest[SHA256_DIGEST_LENGTH];
};

static void issue_free(struct issue *i)
{
    token_job_clear(&i->job);
    if (i->text.p != NULL)
        secret_wipe(i->text.p, i->text.cap);
    bytes_clear(&i->text);
    bytes_clear(&i->audience);
    free(i);
}

static void write_claims(struct bytes *out, const struct issue *i, const struct application *app, enum proof proof)
{
    const struct authority *a = i->authority;
    uint8_t uti[16];
    struct json_writer w;

    if (RAND_bytes(uti, sizeof uti) != 1)
        out->failed = true;
    json_begin(&w, out);
    json_open_object(&w, NULL);
    json_put_text(&w, "aud", bytes_span(&i->audience));
    json_put_text(&w, "iss", span_text(a->issuer));
    json_put_int(&w, "iat", i->now);
    json_put_int(&w, "nbf", i->now);
    json_put_int(&w, "exp", i->now + a->lifetime_s);
    /* Both the names of version 1 and of version 2: resource servers look for either. */
    json_put_text(&w, "appid", span_text(app->client_id.text));
    json_put_text(&w, "appidacr", span_text(proof == PROOF_SECRET ? "1" : "2"));
    json_put_text(&w, "azp", span_text(app->client_id.text));
    json_put_text(&w, "azpacr", span_text(proof == PROOF_SECRET ? "1" : "2"));
    json_put_text(&w, "idp", span_text(a->issuer));
    json_put_text(&w, "idtyp", span_text("app"));
    json_put_text(&w, "oid", span_text(app->object_id.text));
    json_put_text(&w, "sub", span_text(app->object_id.text));
    json_put_text(&w, "tid", span_text(a->tenant_id.text));
    json_put_base64url(&w, "uti", span_of(uti, sizeof uti));
    json_put_text(&w, "ver", span_text("2.0"));
    json_close_object(&w);
}

static enum status write_signing_input(struct issue *i, const struct application *app, enum proof proof)
{
    struct bytes header = { 0 }, claims = { 0 };
    enum status st;

    bytes_printf(&header, "{\"typ\":\"JWT\",\"alg\":\"RS256\",\"kid\":\"%s\"}", i->authority->kid);
    write_claims(&claims, i, app, proof);
    if ((st = bytes_status(&header)) == ST_OK && (st = bytes_status(&claims)) == ST_OK) {
        base64url_append(&i->text, bytes_span(&header));
        bytes_append_char(&i->text, '.');
        base64url_append(&i->text, bytes_span(&claims));
        st = bytes_status(&i->text);
    }
    bytes_clear(&header);
    bytes_clear(&claims);
    return st;
}

/* A fault in the signer must not leave the box: one wrong CRT half gives the key away (THREATS.md C13). */
static bool signature_verifies(const struct issue *i)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(i->authority->public_key, NULL);
    bool ok = context != NULL && EVP_PKEY_verify_init(context) == 1 &&
              EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 &&
              EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) == 1 &&
              EVP_PKEY_verify(context, i->job.output.p, i->job.output.len, i->digest, sizeof i->digest) == 1;

    EVP_PKEY_CTX_free(context);
    if (!ok)
        ERR_clear_error();
    return ok;
}

/* On a thread of the token's. */
static void on_signed(struct token_job *job)
{
    struct issue *i = job->owner;
    struct authority_grant *g = i->grant;

    if (job->status != ST_OK) {
        log_error("an access token could not be signed: %s", status_name(job->status));
        grant_fail(g, GRANT_UNAVAILABLE, i->now);
    } else if (!signature_verifies(i)) {
        log_error("the token's signature does not verify; no access token is issued with it");
        grant_fail(g, GRANT_UNAVAILABLE, i->now);
    } else {
        bytes_append_char(&i->text, '.');
        base64url_append(&i->text, bytes_span(&job->output));
        if (bytes_status(&i->text) == ST_OK)
            grant_issue(g, bytes_span(&i->text), bytes_span(&i->audience), i->authority->lifetime_s, i->now);
        else
            grant_fail(g, GRANT_UNAVAILABLE, i->now);
    }
    issue_free(i);
}

void access_token_issue(struct authority *a, struct authority_grant *g, const struct application *app, enum proof proof,
                        struct span audience, int64_t now)
{
    struct issue *i = calloc(1, sizeof *i);
    enum status st = ST_NO_MEMORY;

    if (i == NULL) {
        grant_fail(g, GRANT_UNAVAILABLE, now);
        return;
    }
    i->authority = a;
    i->grant = g;
    i->now = now;
    if ((st = bytes_set(&i->audience, audience)) != ST_OK || (st = write_signing_input(i, app, proof)) != ST_OK)
        goto failed;
    SHA256(i->text.p, i->text.len, i->digest);
    i->job.op = TOKEN_SIGN;
    i->job.alg = TOKEN_RS256;
    i->job.label = TOKEN_LABEL_AUTHORITY;
    i->job.input = span_of(i->digest, sizeof i->digest);
    i->job.done = on_signed;
    i->job.owner = i;
    if ((st = token_submit(a->token, &i->job)) == ST_OK)
        return; /* on_signed() answers, maybe already */
failed:
    log_warning("an access token could not be made: %s", status_name(st));
    issue_free(i);
    grant_fail(g, GRANT_UNAVAILABLE, now);
}
