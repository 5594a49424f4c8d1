#include "tests/unit/firmware/crypto/key_fixture.h"

#include <sys/random.h>

#include "board/hal.h"
#include "firmware/base/hex.h"
#include "firmware/crypto/entropy.h"

static bool stuck;
static uint8_t memory[SIGNED_MAX + 1024];

static enum status noise(void *self, unsigned source, uint8_t *out, size_t len)
{
    (void)self;
    if (source != 0)
        return ST_NOT_FOUND;
    memset(out, 0, len);
    while (!stuck && len > 0) {
        size_t n = len < 256 ? len : 256;

        if (getrandom(out, n, 0) != (ssize_t)n)
            return ST_IO;
        out += n;
        len -= n;
    }
    return ST_OK;
}

static const char *noise_name(void *self, unsigned source)
{
    (void)self;
    return source == 0 ? "test" : NULL;
}

static const struct hal hal = { .entropy = noise, .entropy_name = noise_name };

int entropy_set_up(void)
{
    const char *failed;

    return entropy_start(&hal, &failed) == ST_OK ? 0 : -1;
}

void entropy_fails(bool fails)
{
    const char *failed;

    stuck = fails;
    CU_ASSERT((entropy_start(&hal, &failed) == ST_OK) == !fails);
}

struct span from_hex(const char *text)
{
    static uint8_t ring[32][ATTRIBUTE_VALUE_MAX + 1024];
    static unsigned next;
    uint8_t *p = ring[next++ % ARRAY_LEN(ring)];
    size_t len = strlen(text) / 2;

    CU_ASSERT_FATAL(len <= sizeof ring[0] && hex_decode(p, len, span_text(text)) == ST_OK);
    return span_of(p, len);
}

void set(struct attributes *a, CK_ATTRIBUTE_TYPE type, struct span value)
{
    CU_ASSERT_FATAL(attributes_set(a, type, value) == CKR_OK);
}

void set_hex(struct attributes *a, CK_ATTRIBUTE_TYPE type, const char *value)
{
    set(a, type, from_hex(value));
}

void set_ulong(struct attributes *a, CK_ATTRIBUTE_TYPE type, CK_ULONG value)
{
    CU_ASSERT_FATAL(attributes_set_ulong(a, type, value) == CKR_OK);
}

void set_number(struct attributes *a, CK_ATTRIBUTE_TYPE type, const BIGNUM *n)
{
    uint8_t value[2048];

    CU_ASSERT_FATAL(BN_num_bytes(n) <= (int)sizeof value);
    set(a, type, span_of(value, (size_t)BN_bn2bin(n, value)));
}

struct attributes template_of(CK_OBJECT_CLASS class, CK_KEY_TYPE type)
{
    struct attributes a = { 0 };

    set_ulong(&a, CKA_CLASS, class);
    set_ulong(&a, CKA_KEY_TYPE, type);
    return a;
}

struct attributes copy_of(const struct attributes *a)
{
    struct attributes copy = { 0 };

    CU_ASSERT_FATAL(attributes_merge(&copy, a) == CKR_OK);
    return copy;
}

struct key *load(const struct attributes *a)
{
    struct key *k;

    CU_ASSERT_FATAL(key_load(a, &k) == CKR_OK);
    return k;
}

struct pair pair_new(CK_MECHANISM_TYPE generation, const char *spec, CK_ULONG number)
{
    const struct mechanism m = { .type = generation };
    struct pair p = { 0 };

    if (spec != NULL)
        set_hex(&p.public, CKA_EC_PARAMS, spec);
    else
        set_ulong(&p.public, generation == CKM_RSA_PKCS_KEY_PAIR_GEN ? CKA_MODULUS_BITS : CKA_PARAMETER_SET, number);
    CU_ASSERT_FATAL(key_generate_pair(&m, &p.public, &p.private) == CKR_OK);
    p.verifier = load(&p.public);
    p.signer = load(&p.private);
    return p;
}

void pair_free(struct pair *p)
{
    key_unref(p->verifier);
    key_unref(p->signer);
    attributes_clear(&p->public);
    attributes_clear(&p->private);
}

CK_RV compute(enum operation_kind kind, const struct mechanism *m, struct key *key, struct span in, struct span *result)
{
    struct output out = { .p = memory, .room = operation_compute_max(kind, m, key, in.len) };
    CK_RV rv;

    CU_ASSERT_FATAL(out.room <= sizeof memory);
    rv = operation_compute(kind, m, key, in, span_of(NULL, 0), &out);
    CU_ASSERT(rv == CKR_OK || out.len == 0);
    *result = span_of(memory, out.len);
    return rv;
}

CK_RV verify(const struct mechanism *m, struct key *key, struct span in, struct span signature)
{
    struct output none = { 0 };

    return operation_compute(OPERATION_VERIFY, m, key, in, signature, &none);
}

static CK_RV feed(struct operation *op, struct span in)
{
    CK_RV rv = CKR_OK;

    for (size_t at = 0, n = 1; at < in.len && rv == CKR_OK; at += n, n++) {
        n = n < in.len - at ? n : in.len - at;
        rv = operation_update(op, span_of(in.p + at, n), NULL);
    }
    return rv;
}

CK_RV sign_in_parts(const struct mechanism *m, struct key *key, struct span in, struct span *result)
{
    struct output out = { .p = memory, .room = sizeof memory };
    struct operation *op;
    CK_RV rv;

    if ((rv = operation_begin(OPERATION_SIGN, m, key, &op)) != CKR_OK)
        return rv;
    if ((rv = feed(op, in)) == CKR_OK)
        rv = operation_final(op, span_of(NULL, 0), &out);
    *result = span_of(memory, out.len);
    operation_free(op);
    return rv;
}

CK_RV verify_in_parts(const struct mechanism *m, struct key *key, struct span in, struct span signature)
{
    struct operation *op;
    CK_RV rv;

    if ((rv = operation_begin(OPERATION_VERIFY, m, key, &op)) != CKR_OK)
        return rv;
    if ((rv = feed(op, in)) == CKR_OK)
        rv = operation_final(op, signature, NULL);
    operation_free(op);
    return rv;
}
