#include "firmware/crypto/operation.h"

#include <openssl/crypto.h>

#include "firmware/base/secret.h"
#include "firmware/crypto/mechanism_table.h"

#define COMPARED_MAX 64 /* the longest MAC that is verified by computing it again: HMAC-SHA512 */
/* Bits. The digest of a shorter key gives it away by trying, and with it the start of what it was derived from. */
#define DIGESTED_KEY_MIN 112

static bool type_fits(const struct mechanism_entry *e, const struct key *k)
{
    /* PKCS#11 3.0, 2.20: an HMAC takes generic secrets and keys of its own type. */
    return e->key_type == ANY_SECRET || k->type == e->key_type ||
           (e->family == &hmac_family && k->type == CKK_GENERIC_SECRET);
}

static bool class_fits(enum operation_kind kind, const struct mechanism_entry *e, const struct key *k)
{
    if (e->is_secret)
        return k->class == CKO_SECRET_KEY;
    return k->class == (kind == OPERATION_SIGN || kind == OPERATION_DECRYPT || kind == OPERATION_SIGN_RECOVER
                            ? CKO_PRIVATE_KEY
                            : CKO_PUBLIC_KEY);
}

static bool size_fits(const struct mechanism_entry *e, const struct key *k)
{
    unsigned size = k->type == CKK_AES ? k->bits / 8 : k->bits;

    if (k->type != CKK_RSA && k->type != CKK_EC && !e->is_secret)
        return true; /* these have parameter sets, which key_load() knows */
    return size >= e->facts.min && size <= e->facts.max;
}

/* Everything but the family's begin(). `m` is borrowed, and so is the key. */
static CK_RV prepare(struct operation *op, enum operation_kind kind, const struct mechanism *m, struct key *key)
{
    const struct mechanism_entry *e = mechanism_entry(m->type);

    if (kind < OPERATION_ENCRYPT || kind >= OPERATION_KIND_COUNT_ || e == NULL || e->family == NULL ||
        (e->facts.flags & operation_flag(kind)) == 0)
        return CKR_MECHANISM_INVALID;
    if ((kind == OPERATION_DIGEST) != (key == NULL))
        return CKR_KEY_TYPE_INCONSISTENT;
    if (key != NULL && (!type_fits(e, key) || !class_fits(kind, e, key)))
        return CKR_KEY_TYPE_INCONSISTENT;
    if (key != NULL && !size_fits(e, key))
        return CKR_KEY_SIZE_RANGE;
    op->kind = kind;
    op->mechanism = *m;
    op->entry = e;
    op->key = key;
    op->state = NULL;
    op->parts = NULL;
    op->updated = op->ended = false;
    return CKR_OK;
}

static void clear(struct operation *op)
{
    if (op->state != NULL && op->entry->family->clear != NULL)
        op->entry->family->clear(op);
    if (op->state == op->inside)
        secret_wipe(op->inside, sizeof op->inside);
    op->state = NULL;
}

static struct span keep(uint8_t **at, struct span s)
{
    uint8_t *p = *at;

    if (s.len == 0)
        return span_of(NULL, 0);
    memcpy(p, s.p, s.len);
    *at += s.len;
    return span_of(p, s.len);
}

/* The operation outlives the call: the spans of its mechanism must, too. */
static CK_RV keep_parameter(struct operation *op)
{
    struct mechanism *m = &op->mechanism;
    uint8_t *at;

    if (m->iv.len > MECHANISM_PART_MAX || m->aad.len > MECHANISM_PART_MAX || m->data.len > MECHANISM_PART_MAX)
        return CKR_MECHANISM_PARAM_INVALID;
    if ((at = op->parts = malloc(m->iv.len + m->aad.len + m->data.len + 1)) == NULL)
        return CKR_HOST_MEMORY;
    m->iv = keep(&at, m->iv);
    m->aad = keep(&at, m->aad);
    m->data = keep(&at, m->data);
    return CKR_OK;
}

CK_RV operation_begin(enum operation_kind kind, const struct mechanism *m, struct key *key, struct operation **out)
{
    struct operation *op;
    CK_RV rv;

    *out = NULL;
    if ((op = malloc(sizeof *op)) == NULL)
        return CKR_HOST_MEMORY;
    if ((rv = prepare(op, kind, m, key)) != CKR_OK) {
        free(op);
        return rv;
    }
    if (key != NULL)
        key_ref(key);
    if ((rv = keep_parameter(op)) != CKR_OK || (rv = op->entry->family->begin(op)) != CKR_OK) {
        operation_free(op);
        return rv;
    }
    *out = op;
    return CKR_OK;
}

void operation_free(struct operation *op)
{
    if (op == NULL)
        return;
    clear(op);
    key_unref(op->key);
    free(op->parts);
    free(op);
}

size_t operation_output_max(const struct operation *op, size_t in_len)
{
    return op->kind == OPERATION_VERIFY ? 0 : op->entry->family->output_max(op, in_len);
}

static CK_RV compare(struct operation *op, struct span signature)
{
    uint8_t mac[COMPARED_MAX];
    struct output out = { .p = mac, .room = sizeof mac };
    CK_RV rv = op->entry->family->final(op, &out);

    if (rv == CKR_OK && signature.len != out.len)
        rv = CKR_SIGNATURE_LEN_RANGE;
    else if (rv == CKR_OK && CRYPTO_memcmp(mac, signature.p, out.len) != 0)
        rv = CKR_SIGNATURE_INVALID;
    secret_wipe(mac, sizeof mac);
    return rv;
}

static CK_RV verify_once(struct operation *op, struct span in, struct span signature)
{
    const struct mechanism_family *f = op->entry->family;
    CK_RV rv;

    if (f->verify != NULL)
        return f->verify(op, in, signature);
    if ((rv = f->update(op, in, NULL)) != CKR_OK)
        return rv;
    return compare(op, signature);
}

static CK_RV produce_once(struct operation *op, struct span in, struct output *out)
{
    const struct mechanism_family *f = op->entry->family;
    CK_RV rv;

    if (f->once != NULL)
        return f->once(op, in, out);
    if ((rv = f->update(op, in, out)) != CKR_OK)
        return rv;
    return f->final(op, out);
}

/* An error ends the operation and leaves nothing of its result behind. */
static CK_RV failed(struct operation *op, CK_RV rv, struct output *out, size_t room)
{
    op->ended = true;
    if (out->p != NULL)
        secret_wipe(out->p, room);
    out->len = 0;
    return rv;
}

CK_RV operation_once(struct operation *op, struct span in, struct span signature, struct output *out)
{
    struct output none = { 0 };
    size_t need = operation_output_max(op, in.len);
    CK_RV rv;

    if (out == NULL)
        out = &none;
    out->len = 0;
    if (op->ended)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (op->updated)
        return CKR_OPERATION_ACTIVE;
    if (in.len > DATA_MAX)
        return failed(op, CKR_DATA_LEN_RANGE, out, 0);
    if (out->room < need)
        return CKR_BUFFER_TOO_SMALL;
    rv = op->kind == OPERATION_VERIFY ? verify_once(op, in, signature) : produce_once(op, in, out);
    op->ended = true;
    return rv == CKR_OK ? CKR_OK : failed(op, rv, out, need);
}

CK_RV operation_update(struct operation *op, struct span in, struct output *out)
{
    struct output none = { 0 };
    bool gives = op->kind == OPERATION_ENCRYPT || op->kind == OPERATION_DECRYPT;
    size_t need = gives ? operation_output_max(op, in.len) : 0;
    CK_RV rv;

    if (out == NULL)
        out = &none;
    out->len = 0;
    if (op->ended)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (op->entry->family->update == NULL)
        return failed(op, CKR_FUNCTION_NOT_SUPPORTED, out, 0);
    if (in.len > DATA_MAX)
        return failed(op, CKR_DATA_LEN_RANGE, out, 0);
    if (out->room < need)
        return CKR_BUFFER_TOO_SMALL;
    op->updated = true;
    rv = op->entry->family->update(op, in, out);
    return rv == CKR_OK ? CKR_OK : failed(op, rv, out, need);
}

CK_RV operation_update_key(struct operation *op, const struct key *secret)
{
    struct output none = { 0 };

    if (op->ended)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (op->kind != OPERATION_DIGEST || secret->class != CKO_SECRET_KEY)
        return failed(op, CKR_KEY_INDIGESTIBLE, &none, 0);
    if (secret->bits < DIGESTED_KEY_MIN)
        return failed(op, CKR_KEY_SIZE_RANGE, &none, 0);
    return operation_update(op, span_of(secret->secret, secret->secret_len), &none);
}

CK_RV operation_final(struct operation *op, struct span signature, struct output *out)
{
    const struct mechanism_family *f = op->entry->family;
    struct output none = { 0 };
    size_t need = operation_output_max(op, 0);
    CK_RV rv;

    if (out == NULL)
        out = &none;
    out->len = 0;
    if (op->ended)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (f->update == NULL)
        return failed(op, CKR_FUNCTION_NOT_SUPPORTED, out, 0);
    if (out->room < need)
        return CKR_BUFFER_TOO_SMALL;
    if (op->kind != OPERATION_VERIFY)
        rv = f->final(op, out);
    else
        rv = f->verify_final != NULL ? f->verify_final(op, signature) : compare(op, signature);
    op->ended = true;
    return rv == CKR_OK ? CKR_OK : failed(op, rv, out, need);
}

CK_RV operation_compute(enum operation_kind kind, const struct mechanism *m, struct key *key, struct span in,
                        struct span signature, struct output *out)
{
    struct operation op; /* no need for memory, copies and references: nothing outlives this call */
    CK_RV rv;

    if ((rv = prepare(&op, kind, m, key)) != CKR_OK)
        return rv;
    if ((rv = op.entry->family->begin(&op)) == CKR_OK)
        rv = operation_once(&op, in, signature, out);
    clear(&op);
    return rv;
}

size_t operation_compute_max(enum operation_kind kind, const struct mechanism *m, const struct key *key, size_t in_len)
{
    struct operation op;

    if (in_len > DATA_MAX || prepare(&op, kind, m, (struct key *)key) != CKR_OK)
        return 0; /* operation_compute() will say why */
    return operation_output_max(&op, in_len);
}
