/* ACVP: ML-DSA and ML-KEM. */
#include "tests/vectors/acvp_cases.h"

/* A key from its seed is right when what it signs verifies under the public key of the answers. */
static void ml_dsa_key_run(struct work *w, struct outcome *o)
{
    CK_MECHANISM m = mechanism_of(CKM_ML_DSA, NULL, 0);
    CK_ULONG set = pqc_set(json_text(w->group, "parameterSet"));
    struct bytes *signature = work_bytes(w);
    CK_OBJECT_HANDLE public = CK_INVALID_HANDLE, private;
    struct span message = span_text("made from a seed");
    CK_RV rv;

    if (!token_offers(w->token, CKM_ML_DSA, CKF_SIGN | CKF_VERIFY)) {
        outcome_left_out(o, not_offered("ML_DSA"));
        return;
    }
    rv = key_pqc_private(w->token, CKK_ML_DSA, set, work_hex(w, w->test, "seed"), span_of(NULL, 0), &private);
    if (rv == CKR_OK)
        rv = key_pqc_public(w->token, CKK_ML_DSA, set, work_hex(w, w->expected, "pk"), &public);
    if (rv == CKR_OK)
        rv = token_sign(w->token, &m, private, message, signature);
    if (rv == CKR_OK)
        rv = token_verify(w->token, &m, public, message, bytes_span(signature));
    outcome_rv(o, rv);
    token_destroy(w->token, public);
    token_destroy(w->token, private);
}

const struct family acvp_ml_dsa_key_family = { NULL, ml_dsa_key_run };

static struct span kem_seed(struct work *w)
{
    struct bytes *seed = work_bytes(w);

    bytes_append_span(seed, work_hex(w, w->test, "d"));
    bytes_append_span(seed, work_hex(w, w->test, "z"));
    return bytes_span(seed);
}

/* The same: both ends come to one secret. */
static void ml_kem_key_run(struct work *w, struct outcome *o)
{
    CK_ULONG set = pqc_set(json_text(w->group, "parameterSet"));
    struct bytes *ciphertext = work_bytes(w), *one = work_bytes(w);
    CK_OBJECT_HANDLE public = CK_INVALID_HANDLE, private, a = CK_INVALID_HANDLE, b = CK_INVALID_HANDLE;
    CK_MECHANISM m = mechanism_of(CKM_SHA256_HMAC, NULL, 0);
    struct bytes *other = work_bytes(w);
    struct span text = span_text("one secret");
    CK_RV rv;

    if (!ml_kem_offered(w, CKF_ENCAPSULATE | CKF_DECAPSULATE)) {
        outcome_left_out(o, not_offered("ML_KEM"));
        return;
    }
    rv = key_pqc_private(w->token, CKK_ML_KEM, set, kem_seed(w), span_of(NULL, 0), &private);
    if (rv == CKR_OK)
        rv = key_pqc_public(w->token, CKK_ML_KEM, set, work_hex(w, w->expected, "ek"), &public);
    if (rv == CKR_OK)
        rv = token_encapsulate(w->token, public, ciphertext, &a);
    if (rv == CKR_OK)
        rv = token_decapsulate(w->token, private, bytes_span(ciphertext), &b);
    if (rv == CKR_OK)
        rv = token_sign(w->token, &m, a, text, one);
    if (rv == CKR_OK)
        rv = token_sign(w->token, &m, b, text, other);
    outcome_result(o, rv, one, bytes_span(other));
    token_destroy(w->token, public);
    token_destroy(w->token, private);
    token_destroy(w->token, a);
    token_destroy(w->token, b);
}

const struct family acvp_ml_kem_key_family = { NULL, ml_kem_key_run };

static void ml_kem_run(struct work *w, struct outcome *o)
{
    const char *function = json_text(w->group, "function");
    CK_ULONG set = pqc_set(json_text(w->group, "parameterSet"));
    bool seed = strcmp(json_text(w->group, "keyFormat"), "seed") == 0;
    CK_OBJECT_HANDLE key = CK_INVALID_HANDLE, secret = CK_INVALID_HANDLE;
    CK_RV rv;

    if (!ml_kem_offered(w, CKF_ENCAPSULATE | CKF_DECAPSULATE)) {
        outcome_left_out(o, not_offered("ML_KEM"));
        return;
    }
    if (strcmp(function, "encapsulation") == 0) {
        outcome_left_out(o, "given randomness: a token makes its own");
        return;
    }
    if (strcmp(function, "encapsulationKeyCheck") == 0)
        rv = key_pqc_public(w->token, CKK_ML_KEM, set, work_hex(w, w->test, "ek"), &key);
    else
        rv = key_pqc_private(w->token, CKK_ML_KEM, set, seed ? kem_seed(w) : span_of(NULL, 0),
                             seed ? span_of(NULL, 0) : work_hex(w, w->test, "dk"), &key);
    outcome_rv(o, rv);
    if (rv == CKR_OK && strcmp(function, "decapsulation") == 0) {
        outcome_rv(o, token_decapsulate(w->token, key, work_hex(w, w->test, "c"), &secret));
        o->right = o->doing == DONE && token_secret_is(w->token, secret, work_hex(w, w->expected, "k"));
    }
    token_destroy(w->token, secret);
    token_destroy(w->token, key);
}

const struct family acvp_ml_kem_family = { NULL, ml_kem_run };
