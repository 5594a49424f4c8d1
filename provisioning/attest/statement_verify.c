#include "provisioning/attest/statement_verify.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>

#include "firmware/wire/act.h"
#include "firmware/wire/link.h"
#include "provisioning/link/keystore_state.h"

#define FUTURE_S 60 /* by which the board's clock may be ahead of ours */

bool statement_fails(struct verification *v, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(v->why, sizeof v->why, format, args);
    va_end(args);
    return false;
}

static bool is(ProtobufCBinaryData d, const void *p, size_t len)
{
    return d.len == len && (len == 0 || CRYPTO_memcmp(d.data, p, len) == 0);
}

bool statement_signed_by(EVP_PKEY *key, const struct bytes *signature, struct span prefix, struct span text)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool ok = md != NULL && EVP_PKEY_is_a(key, "EC") && EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, key) == 1 &&
              (prefix.len == 0 || EVP_DigestVerifyUpdate(md, prefix.p, prefix.len) == 1) &&
              EVP_DigestVerifyUpdate(md, text.p, text.len) == 1 &&
              EVP_DigestVerifyFinal(md, signature->p, signature->len) == 1;

    EVP_MD_CTX_free(md);
    ERR_clear_error();
    return ok;
}

static bool device_holds(struct verification *v)
{
    uint8_t fingerprint[LINK_FINGERPRINT_LEN];

    if (link_fingerprint(v->file->chain[0], fingerprint) != ST_OK ||
        !is(v->file->content->device, fingerprint, sizeof fingerprint))
        return statement_fails(v, "the certificate is another device's than the statement");
    if (device_claims_read(v->file->chain[0], &v->claims) != ST_OK)
        return statement_fails(v, "the certificate does not say what kind of device it is for");
    return true;
}

static bool signature_holds(struct verification *v)
{
    return statement_signed_by(X509_get0_pubkey(v->file->chain[0]), &v->file->signature,
                               span_of(STATEMENT_PREFIX, sizeof STATEMENT_PREFIX), bytes_span(&v->file->statement)) ||
           statement_fails(v, "it is not the device's signature of this statement");
}

static bool nonce_holds(struct verification *v)
{
    return is(v->file->content->nonce, v->nonce.p, v->nonce.len) ||
           statement_fails(v, "the statement answers another question");
}

static bool purpose_holds(struct verification *v)
{
    const Ks__Statement *s = v->file->content;

    if (s->purpose != v->expected->purpose)
        return statement_fails(v, s->purpose == STATEMENT_DESTRUCTION ? "the statement is of a destruction"
                                                                      : "the statement is of another purpose");
    if ((s->destruction != NULL) != (s->purpose == STATEMENT_DESTRUCTION))
        return statement_fails(v, "what the statement says is not of its purpose");
    return true;
}

static bool board_holds(struct verification *v)
{
    const char *board = v->file->content->board;

    if (strcmp(board, v->claims.board) != 0)
        return statement_fails(v, "the statement says \"%.32s\", the certificate \"%s\"", board, v->claims.board);
    return v->expected->boards == NULL || expected_lists(v->expected->boards, board) ||
           statement_fails(v, "\"%s\" is not among the expected ones", v->claims.board);
}

static const char *kind(bool hardware)
{
    return hardware ? "hardware" : "simulated";
}

static bool hardware_holds(struct verification *v)
{
    bool said = v->file->content->hardware != 0;

    if (said != v->claims.hardware)
        return statement_fails(v, "the statement says %s, the certificate %s", kind(said), kind(v->claims.hardware));
    return !v->expected->has_hardware || said == v->expected->hardware ||
           statement_fails(v, "the device is %s", kind(said));
}

static bool root_holds(struct verification *v)
{
    return v->expected->roots == NULL || expected_lists(v->expected->roots, v->file->content->root) ||
           statement_fails(v, "\"%.32s\" is not among the expected ones", v->file->content->root);
}

static bool serial_holds(struct verification *v)
{
    return v->expected->serial == NULL || strcmp(v->expected->serial, v->claims.serial) == 0 ||
           statement_fails(v, "the device is \"%s\"", v->claims.serial);
}

static bool time_holds(struct verification *v)
{
    uint64_t said_ms = v->file->content->time_ms;
    int64_t said = said_ms <= INT64_MAX ? (int64_t)(said_ms / 1000) : INT64_MAX;

    if (said > v->at_s + FUTURE_S)
        return statement_fails(v, "the statement is of a later time");
    return said >= v->at_s - v->expected->max_age_s ||
           statement_fails(v, "the statement is %" PRId64 " s old; %" PRId64 " are allowed", v->at_s - said,
                           v->expected->max_age_s);
}

static bool state_holds(struct verification *v)
{
    uint32_t state = v->file->content->state; /* 1 to 5: the form has been checked */

    return (v->expected->states & BIT(state)) != 0 ||
           statement_fails(v, "the keystore is in state %s", keystore_state_name(state));
}

static bool firmware_holds(struct verification *v)
{
    for (unsigned i = 0; i < v->expected->hash_count; i++)
        if (is(v->file->content->firmware_hash, v->expected->hashes[i], 32))
            return true;
    return statement_fails(v, "its hash is not among the expected ones");
}

static bool version_holds(struct verification *v)
{
    return v->expected->versions == NULL || expected_lists(v->expected->versions, v->file->content->firmware_version) ||
           statement_fails(v, "it is not among the expected ones");
}

static bool counter_holds(struct verification *v)
{
    uint64_t counter = v->file->content->counter;

    return counter >= v->expected->counter_min ||
           statement_fails(v, "the security counter is %" PRIu64 ", at least %" PRIu64 " is expected", counter,
                           v->expected->counter_min);
}

static bool domain_holds(struct verification *v)
{
    return !v->expected->has_domain ||
           is(v->file->content->domain_id, v->expected->domain_id, sizeof v->expected->domain_id) ||
           statement_fails(v, "the security domain is another one");
}

static const struct {
    const char *name;
    bool (*holds)(struct verification *v);
} checks[] = {
    { "chain", statement_chain_holds }, { "device", device_holds },
    { "signature", signature_holds },   { "nonce", nonce_holds },
    { "purpose", purpose_holds },       { "board", board_holds },
    { "hardware", hardware_holds },     { "root", root_holds },
    { "serial number", serial_holds },  { "time", time_holds },
    { "state", state_holds },           { "firmware", firmware_holds },
    { "version", version_holds },       { "counter", counter_holds },
    { "domain", domain_holds },         { "quote", statement_quote_holds },
    { "key", statement_key_holds },
};

const char *statement_verify(struct verification *v)
{
    for (size_t i = 0; i < ARRAY_LEN(checks); i++)
        if (!checks[i].holds(v))
            return checks[i].name;
    return NULL;
}
