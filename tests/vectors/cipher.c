/* AES: GCM, CBC with padding, ECB, CBC, CTR, and key wrap. */
#include "tests/vectors/cases.h"

static const char policy_gcm_iv[] = "policy: GCM nonce of another length than 96 bits";
static const char policy_gcm_tag[] = "policy: GCM tag below 96 bits";

union aes_parameter {
    CK_GCM_PARAMS gcm;
    CK_AES_CTR_PARAMS ctr;
};

static CK_BYTE *borrowed(struct span s)
{
    return s.len > 0 ? (CK_BYTE *)(uintptr_t)s.p : NULL;
}

static CK_MECHANISM aes_mechanism(const struct aes_case *c, union aes_parameter *p)
{
    switch (c->type) {
    case CKM_AES_GCM:
        p->gcm = (CK_GCM_PARAMS){ .pIv = borrowed(c->iv),
                                  .ulIvLen = c->iv.len,
                                  .ulIvBits = c->iv.len * 8,
                                  .pAAD = borrowed(c->aad),
                                  .ulAADLen = c->aad.len,
                                  .ulTagBits = c->tag_bits };
        return mechanism_of(c->type, &p->gcm, sizeof p->gcm);
    case CKM_AES_CTR:
        p->ctr.ulCounterBits = 128;
        memcpy(p->ctr.cb, c->iv.p, sizeof p->ctr.cb);
        return mechanism_of(c->type, &p->ctr, sizeof p->ctr);
    default:
        return mechanism_of(c->type, borrowed(c->iv), c->iv.len);
    }
}

static const char *aes_policy(const struct aes_case *c)
{
    if (c->type != CKM_AES_GCM)
        return NULL;
    if (c->tag_bits < 96)
        return policy_gcm_tag;
    return c->iv.len != 12 && c->iv.len != 0 ? policy_gcm_iv : NULL; /* of length 0 it is never valid */
}

static const char *aes_name(CK_MECHANISM_TYPE type)
{
    switch (type) {
    case CKM_AES_GCM:
        return "AES_GCM";
    case CKM_AES_CTR:
        return "AES_CTR";
    case CKM_AES_CBC:
        return "AES_CBC";
    case CKM_AES_CBC_PAD:
        return "AES_CBC_PAD";
    default:
        return "AES_ECB";
    }
}

void check_aes(struct work *w, const struct aes_case *c, struct outcome *o)
{
    union aes_parameter parameter;
    CK_MECHANISM m = aes_mechanism(c, &parameter);
    struct bytes *out = work_bytes(w);
    CK_OBJECT_HANDLE key;
    CK_RV rv;

    if (!token_offers(w->token, c->type, CKF_ENCRYPT | CKF_DECRYPT)) {
        outcome_left_out(o, not_offered(aes_name(c->type)));
        return;
    }
    rv = key_secret(w->token, CKK_AES, c->key, USE_ENCRYPT | USE_DECRYPT, &key);
    outcome_rv(o, rv);
    if (rv == CKR_OK && c->decrypt)
        outcome_result(o, token_decrypt(w->token, &m, key, c->cipher, out), out, c->plain);
    if (o->doing == DONE && o->right && c->encrypt)
        outcome_result(o, token_encrypt(w->token, &m, key, c->plain, out), out, c->cipher);
    o->policy = aes_policy(c);
    token_destroy(w->token, key);
}

static bool is_invalid(const struct work *w)
{
    return strcmp(json_text(w->test, "result"), "invalid") == 0;
}

static void gcm_run(struct work *w, struct outcome *o)
{
    struct bytes *cipher = work_bytes(w);
    struct aes_case c = { .type = CKM_AES_GCM,
                          .key = work_hex(w, w->test, "key"),
                          .iv = work_hex(w, w->test, "iv"),
                          .aad = work_hex(w, w->test, "aad"),
                          .plain = work_hex(w, w->test, "msg"),
                          .tag_bits = (unsigned)json_number(w->group, "tagSize"),
                          .decrypt = true,
                          .encrypt = !is_invalid(w) };

    bytes_append_span(cipher, work_hex(w, w->test, "ct"));
    bytes_append_span(cipher, work_hex(w, w->test, "tag"));
    c.cipher = bytes_span(cipher);
    check_aes(w, &c, o);
}

static void cbc_run(struct work *w, struct outcome *o)
{
    struct aes_case c = { .type = CKM_AES_CBC_PAD,
                          .key = work_hex(w, w->test, "key"),
                          .iv = work_hex(w, w->test, "iv"),
                          .plain = work_hex(w, w->test, "msg"),
                          .cipher = work_hex(w, w->test, "ct"),
                          .decrypt = true,
                          .encrypt = !is_invalid(w) };

    check_aes(w, &c, o);
}

const struct family gcm_family = { NULL, gcm_run };
const struct family cbc_family = { NULL, cbc_run };

/* As C_Encrypt and C_Decrypt of plain bytes. */
static void wrap_as_cipher(struct work *w, const struct aes_case *c, CK_MECHANISM *m, struct outcome *o)
{
    struct bytes *out = work_bytes(w);
    CK_OBJECT_HANDLE key;
    CK_RV rv = key_secret(w->token, CKK_AES, c->key, USE_ENCRYPT | USE_DECRYPT, &key);

    outcome_rv(o, rv);
    if (rv == CKR_OK && c->decrypt)
        outcome_result(o, token_decrypt(w->token, m, key, c->cipher, out), out, c->plain);
    if (o->doing == DONE && o->right && c->encrypt)
        outcome_result(o, token_encrypt(w->token, m, key, c->plain, out), out, c->cipher);
    token_destroy(w->token, key);
}

/* As C_WrapKey and C_UnwrapKey of a generic secret. */
static void wrap_as_wrap(struct work *w, const struct aes_case *c, CK_MECHANISM *m, struct outcome *o)
{
    CK_OBJECT_HANDLE kek, secret = CK_INVALID_HANDLE;
    struct bytes *out = work_bytes(w);
    CK_RV rv = key_secret(w->token, CKK_AES, c->key, USE_WRAP | USE_UNWRAP, &kek);

    outcome_rv(o, rv);
    if (rv == CKR_OK && c->decrypt) {
        outcome_rv(o, token_unwrap(w->token, m, kek, c->cipher, &secret));
        o->right = o->doing == DONE && token_secret_is(w->token, secret, c->plain);
        token_destroy(w->token, secret);
    }
    if (o->doing == DONE && o->right && c->encrypt) {
        rv = key_secret(w->token, CKK_GENERIC_SECRET, c->plain, USE_SIGN | USE_EXTRACTABLE, &secret);
        if (rv == CKR_OK)
            rv = token_wrap(w->token, m, kek, secret, out);
        outcome_result(o, rv, out, c->cipher);
        token_destroy(w->token, secret);
    }
    token_destroy(w->token, kek);
}

void check_wrap(struct work *w, const struct aes_case *c, bool padded, struct outcome *o)
{
    CK_MECHANISM_TYPE type = padded ? CKM_AES_KEY_WRAP_KWP : CKM_AES_KEY_WRAP;
    CK_MECHANISM m;

    if (padded && !token_offers(w->token, type, 0))
        type = CKM_AES_KEY_WRAP_PAD; /* 2.40's name for RFC 5649 */
    m = mechanism_of(type, NULL, 0);
    if (token_offers(w->token, type, CKF_ENCRYPT | CKF_DECRYPT))
        wrap_as_cipher(w, c, &m, o);
    else if (token_offers(w->token, type, CKF_WRAP | CKF_UNWRAP))
        wrap_as_wrap(w, c, &m, o);
    else
        outcome_left_out(o, not_offered(padded ? "AES_KEY_WRAP_KWP" : "AES_KEY_WRAP"));
}

static void wrap_case(struct work *w, bool padded, struct outcome *o)
{
    struct aes_case c = { .key = work_hex(w, w->test, "key"),
                          .plain = work_hex(w, w->test, "msg"),
                          .cipher = work_hex(w, w->test, "ct"),
                          .decrypt = true,
                          .encrypt = !is_invalid(w) };

    check_wrap(w, &c, padded, o);
}

static void wrap_run(struct work *w, struct outcome *o)
{
    wrap_case(w, false, o);
}

static void wrap_padded_run(struct work *w, struct outcome *o)
{
    wrap_case(w, true, o);
}

const struct family wrap_family = { NULL, wrap_run };
const struct family wrap_padded_family = { NULL, wrap_padded_run };
