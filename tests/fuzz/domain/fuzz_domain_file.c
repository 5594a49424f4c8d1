/* What a security domain's file is made of, the first byte says which: a header, a JWE, a payload, shares. Whatever
 * comes in, it ends; what is accepted means one thing only. */
#include "firmware/base/base64url.h"
#include "firmware/domain/domain_file.h"
#include "firmware/domain/jwe_header.h"
#include "firmware/domain/shamir.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void header(struct span text)
{
    struct bytes encoded = { 0 };

    base64url_append(&encoded, text);
    INVARIANT(!jwe_header_says(bytes_span(&encoded), JWE_ALG_DIRECT) ||
              !jwe_header_says(bytes_span(&encoded), JWE_ALG_RSA));
    bytes_clear(&encoded);
}

static void jwe(struct span text)
{
    static const uint8_t key[JWE_KEY_LEN];
    struct secret plain = { 0 };

    INVARIANT(jwe_open_direct(key, text, &plain) == ST_OK || plain.p == NULL);
    secret_clear(&plain);
}

static void payload(struct span packed)
{
    struct secret copy = { 0 }, again = { 0 };
    struct payload p = { 0 };

    if (secret_set(&copy, packed) == ST_OK && payload_unpack(&copy, &p) == ST_OK)
        INVARIANT(payload_pack(&p, &again) == ST_OK && span_equal(secret_span(&again), packed));
    payload_clear(&p);
    secret_clear(&copy);
    secret_clear(&again);
}

/* Shares of two bytes; the last may be shorter. */
static void shares(struct span all)
{
    struct span list[HOLDERS_MAX];
    unsigned count = 0, distinct;
    uint8_t secret[2];

    for (; all.len > 0 && count < HOLDERS_MAX; count++) {
        size_t len = all.len < 4 ? all.len : 4;

        list[count] = span_of(all.p, len);
        all = span_of(all.p + len, all.len - len);
    }
    INVARIANT(shamir_combine(list, count, 3, sizeof secret, secret, &distinct) != ST_OK || distinct >= 3);
    INVARIANT(distinct <= count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const readers[])(struct span) = { header, jwe, payload, shares };

    if (size > 0)
        readers[data[0] % ARRAY_LEN(readers)](span_of(data + 1, size - 1));
    return 0;
}
