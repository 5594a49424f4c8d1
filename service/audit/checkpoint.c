#include "service/audit/checkpoint.h"

#include <openssl/err.h>
#include <stdio.h>

#include "firmware/base/base64url.h"
#include "firmware/base/clock.h"

#define SIGNATURE_MAX 256 /* P-256 needs 72; a token may ask for more room first */

static const char *const reasons[CHECKPOINT_REASON_COUNT_] = {
    [CHECKPOINT_INTERVAL] = "interval",
    [CHECKPOINT_SEGMENT] = "segment",
    [CHECKPOINT_CLOSE] = "close",
    [CHECKPOINT_RECOVERED] = "recovered",
};

bool checkpoint_is(struct span record)
{
    return span_starts_with(record, span_text("\"checkpoint\":"));
}

static bool take(struct span *s, const char *text)
{
    struct span t = span_text(text);

    if (!span_starts_with(*s, t))
        return false;
    *s = span_of(s->p + t.len, s->len - t.len);
    return true;
}

static struct span take_until(struct span *s, char end)
{
    const uint8_t *at = s->len > 0 ? memchr(s->p, end, s->len) : NULL;
    struct span taken = span_of(s->p, at != NULL ? (size_t)(at - s->p) : s->len);

    *s = span_of(s->p + taken.len, s->len - taken.len);
    return taken;
}

static bool read_reason(struct span name, enum checkpoint_reason *out)
{
    for (unsigned i = 0; i < ARRAY_LEN(reasons); i++)
        if (span_is(name, reasons[i])) {
            *out = (enum checkpoint_reason)i;
            return true;
        }
    return false;
}

enum status checkpoint_parse(struct span record, struct checkpoint *out)
{
    struct span rest = record, hash;
    const uint8_t *start;

    if (!take(&rest, "\"checkpoint\":"))
        return ST_BAD_REQUEST;
    start = rest.p;
    if (!take(&rest, "{\"time\":\"") || take_until(&rest, '"').len != CLOCK_RFC3339_LEN ||
        !take(&rest, "\",\"seq\":") || !chain_read_number(take_until(&rest, ','), &out->at.seq) ||
        !take(&rest, ",\"sha256\":\""))
        return ST_BAD_REQUEST;
    hash = take_until(&rest, '"');
    if (hash.len != 2 * CHAIN_HASH_LEN || !chain_unhex(out->at.hash, hash.p) || !take(&rest, "\",\"reason\":\"") ||
        !read_reason(take_until(&rest, '"'), &out->reason) || !take(&rest, "\"}"))
        return ST_BAD_REQUEST;
    out->text = span_of(start, (size_t)(rest.p - start));
    if (!take(&rest, ",\"signature\":\""))
        return ST_BAD_REQUEST;
    out->signature = take_until(&rest, '"');
    return take(&rest, "\"") && rest.len == 0 ? ST_OK : ST_BAD_REQUEST;
}

size_t checkpoint_write(char out[CHECKPOINT_TEXT_MAX], const struct chain_point *at, enum checkpoint_reason reason)
{
    char time[CLOCK_RFC3339_LEN + 1], hash[2 * CHAIN_HASH_LEN + 1] = { 0 };
    int n;

    clock_format_rfc3339(time, clock_unix_100ns());
    chain_hex(hash, at->hash);
    n = snprintf(out, CHECKPOINT_TEXT_MAX, "{\"time\":\"%s\",\"seq\":%llu,\"sha256\":\"%s\",\"reason\":\"%s\"}", time,
                 (unsigned long long)at->seq, hash, reasons[reason]);
    INVARIANT(n > 0 && n < CHECKPOINT_TEXT_MAX);
    return (size_t)n;
}

/* The bytes that are signed. */
static size_t message(uint8_t out[CHECKPOINT_TEXT_MAX + sizeof CHECKPOINT_DOMAIN], struct span text)
{
    INVARIANT(text.len <= CHECKPOINT_TEXT_MAX);
    memcpy(out, CHECKPOINT_DOMAIN "\n", sizeof CHECKPOINT_DOMAIN);
    memcpy(out + sizeof CHECKPOINT_DOMAIN, text.p, text.len);
    return sizeof CHECKPOINT_DOMAIN + text.len;
}

enum status checkpoint_sign(EVP_PKEY *key, struct span text, struct bytes *signature)
{
    uint8_t bytes[CHECKPOINT_TEXT_MAX + sizeof CHECKPOINT_DOMAIN], der[SIGNATURE_MAX];
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t len = message(bytes, text), der_len = sizeof der;
    bool ok = ctx != NULL && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
              EVP_DigestSign(ctx, der, &der_len, bytes, len) == 1;

    EVP_MD_CTX_free(ctx);
    if (!ok) {
        ERR_clear_error();
        return ST_UNAVAILABLE;
    }
    base64url_append(signature, span_of(der, der_len));
    return bytes_status(signature);
}

enum status checkpoint_check(EVP_PKEY *key, const struct checkpoint *c)
{
    uint8_t bytes[CHECKPOINT_TEXT_MAX + sizeof CHECKPOINT_DOMAIN], der[SIGNATURE_MAX];
    size_t len, der_len = 0;
    EVP_MD_CTX *ctx;
    enum status st = ST_CORRUPT;

    if (c->text.len > CHECKPOINT_TEXT_MAX || base64url_decoded_len(c->signature.len) > sizeof der ||
        base64url_decode_to(der, &der_len, c->signature) != ST_OK)
        return ST_CORRUPT;
    len = message(bytes, c->text);
    if ((ctx = EVP_MD_CTX_new()) == NULL)
        return ST_NO_MEMORY;
    if (EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) != 1)
        st = ST_INTERNAL;
    else if (EVP_DigestVerify(ctx, der, der_len, bytes, len) == 1)
        st = ST_OK;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return st;
}
