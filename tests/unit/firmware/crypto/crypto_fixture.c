#include "tests/unit/firmware/crypto/crypto_fixture.h"

#include "firmware/base/hex.h"

#define KEPT_MAX 256
#define ROOM     (DATA_MAX + 64)

static void *kept[KEPT_MAX];
static unsigned kept_count;
static uint8_t room[ROOM];

struct span hex(const char *text)
{
    size_t len = strlen(text) / 2;
    uint8_t *p = malloc(len + 1);

    CU_ASSERT_FATAL(p != NULL && kept_count < KEPT_MAX && hex_decode(p, len, span_text(text)) == ST_OK);
    kept[kept_count++] = p;
    return span_of(p, len);
}

void fixture_end(void)
{
    while (kept_count > 0)
        free(kept[--kept_count]);
}

struct key *secret_key(CK_KEY_TYPE type, const char *value)
{
    struct attributes a = { 0 };
    struct key *k = NULL;

    CU_ASSERT_FATAL(attributes_set_ulong(&a, CKA_CLASS, CKO_SECRET_KEY) == CKR_OK);
    CU_ASSERT_FATAL(attributes_set_ulong(&a, CKA_KEY_TYPE, type) == CKR_OK);
    CU_ASSERT_FATAL(attributes_set(&a, CKA_VALUE, hex(value)) == CKR_OK);
    CU_ASSERT_FATAL(key_load(&a, &k) == CKR_OK);
    attributes_clear(&a);
    return k;
}

static bool is_verify(enum operation_kind kind)
{
    return kind == OPERATION_VERIFY;
}

CK_RV computes(enum operation_kind kind, const struct mechanism *m, struct key *key, struct span in, struct span want)
{
    struct output out = { .p = room, .room = operation_compute_max(kind, m, key, in.len) };
    CK_RV rv;

    CU_ASSERT_FATAL(out.room <= sizeof room);
    rv = operation_compute(kind, m, key, in, is_verify(kind) ? want : span_of(NULL, 0), &out);
    if (rv == CKR_OK && !is_verify(kind))
        CU_ASSERT(span_equal(span_of(room, out.len), want));
    if (rv != CKR_OK)
        CU_ASSERT(out.len == 0);
    return rv;
}

/* One part; what it gives goes behind what is there. */
static bool feed(struct operation *op, struct span in, size_t *len)
{
    struct output out = { .p = room + *len, .room = operation_output_max(op, in.len) };
    CK_RV rv = operation_update(op, in, &out);

    *len += out.len;
    return rv == CKR_OK;
}

static bool finish(struct operation *op, enum operation_kind kind, struct span want, size_t len)
{
    struct output out = { .p = room + len, .room = operation_output_max(op, 0) };

    if (operation_final(op, is_verify(kind) ? want : span_of(NULL, 0), &out) != CKR_OK)
        return false;
    return is_verify(kind) || span_equal(span_of(room, len + out.len), want);
}

static bool in_steps(enum operation_kind kind, const struct mechanism *m, struct key *key, struct span in, size_t first,
                     size_t step, struct span want)
{
    struct operation *op;
    size_t len = 0, at = first;
    bool ok;

    CU_ASSERT_FATAL(operation_begin(kind, m, key, &op) == CKR_OK);
    ok = feed(op, span_of(in.p, first), &len);
    while (ok && at < in.len) {
        size_t n = in.len - at < step ? in.len - at : step;

        ok = feed(op, span_of(in.p + at, n), &len);
        at += n;
    }
    ok = ok && finish(op, kind, want, len);
    operation_free(op);
    return ok;
}

void same_in_parts(enum operation_kind kind, const struct mechanism *m, struct key *key, struct span in,
                   struct span want)
{
    struct operation *op;
    struct output out = { .p = room, .room = sizeof room };

    CU_ASSERT(computes(kind, m, key, in, want) == CKR_OK);
    CU_ASSERT_FATAL(operation_begin(kind, m, key, &op) == CKR_OK);
    CU_ASSERT(operation_once(op, in, is_verify(kind) ? want : span_of(NULL, 0), &out) == CKR_OK);
    CU_ASSERT(is_verify(kind) || span_equal(span_of(room, out.len), want));
    operation_free(op);
    for (size_t split = 0; split <= in.len; split++)
        CU_ASSERT(in_steps(kind, m, key, in, split, in.len + 1, want));
    CU_ASSERT(in_steps(kind, m, key, in, 0, 1, want));
}

CK_RV begins(enum operation_kind kind, const struct mechanism *m, struct key *key)
{
    struct operation *op;
    CK_RV rv = operation_begin(kind, m, key, &op);

    CU_ASSERT((rv == CKR_OK) == (op != NULL));
    operation_free(op);
    return rv;
}
