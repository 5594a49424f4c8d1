/* ML-DSA (FIPS 204) and ML-KEM (FIPS 203), by PKCS#11 3.2. */
#include "tests/vectors/cases.h"
#include "tests/vectors/pkcs11_32.h"

static const char no_mu[] = "external mu: no mechanism of PKCS#11";

CK_ULONG pqc_set(const char *name)
{
    static const struct {
        const char *name;
        CK_ULONG set;
    } sets[] = {
        { "ML-DSA-44", CKP_ML_DSA_44 },   { "ML-DSA-65", CKP_ML_DSA_65 },   { "ML-DSA-87", CKP_ML_DSA_87 },
        { "ML-KEM-512", CKP_ML_KEM_512 }, { "ML-KEM-768", CKP_ML_KEM_768 }, { "ML-KEM-1024", CKP_ML_KEM_1024 },
    };

    for (size_t i = 0; i < ARRAY_LEN(sets); i++)
        if (strcmp(sets[i].name, name) == 0)
            return sets[i].set;
    return 0;
}

static struct sign_context context_of(struct work *w, CK_ULONG hedge)
{
    struct span ctx = work_hex(w, w->test, "ctx");

    return (struct sign_context){ hedge, ctx.len > 0 ? (CK_BYTE *)(uintptr_t)ctx.p : NULL, ctx.len };
}

static void dsa_verify_begin(struct work *w)
{
    if (!token_offers(w->token, CKM_ML_DSA, CKF_VERIFY))
        w->left_out = not_offered("ML_DSA");
    else
        w->key_rv =
            key_pqc_public(w->token, CKK_ML_DSA, pqc_set(w->argument), work_hex(w, w->group, "publicKey"), &w->key);
}

static void dsa_verify_run(struct work *w, struct outcome *o)
{
    struct sign_context context = context_of(w, CKH_HEDGE_PREFERRED);
    CK_MECHANISM m = json_object_get(w->test, "ctx") != NULL ? mechanism_of(CKM_ML_DSA, &context, sizeof context)
                                                             : mechanism_of(CKM_ML_DSA, NULL, 0);

    if (json_object_get(w->test, "msg") == NULL)
        outcome_left_out(o, no_mu);
    else if (w->key_rv != CKR_OK)
        outcome_rv(o, w->key_rv);
    else
        outcome_rv(o, token_verify(w->token, &m, w->key, work_hex(w, w->test, "msg"), work_hex(w, w->test, "sig")));
}

static void dsa_sign_begin(struct work *w)
{
    if (!token_offers(w->token, CKM_ML_DSA, CKF_SIGN))
        w->left_out = not_offered("ML_DSA");
    else
        w->key_rv = key_pqc_private(w->token, CKK_ML_DSA, pqc_set(w->argument), work_hex(w, w->group, "privateSeed"),
                                    span_of(NULL, 0), &w->key);
}

static void dsa_sign_run(struct work *w, struct outcome *o)
{
    struct sign_context context = context_of(w, CKH_DETERMINISTIC_REQUIRED);
    CK_MECHANISM m = mechanism_of(CKM_ML_DSA, &context, sizeof context);
    struct bytes *out = work_bytes(w);

    if (json_object_get(w->test, "msg") == NULL)
        outcome_left_out(o, no_mu);
    else if (json_object_get(w->test, "rnd") != NULL)
        outcome_left_out(o, "given randomness: a token makes its own");
    else if (w->key_rv != CKR_OK)
        outcome_rv(o, w->key_rv);
    else
        outcome_result(o, token_sign(w->token, &m, w->key, work_hex(w, w->test, "msg"), out), out,
                       work_hex(w, w->test, "sig"));
}

const struct family ml_dsa_verify_family = { dsa_verify_begin, dsa_verify_run };
const struct family ml_dsa_sign_family = { dsa_sign_begin, dsa_sign_run };

bool ml_kem_offered(struct work *w, CK_FLAGS flag)
{
    return w->token->decapsulate != NULL && w->token->encapsulate != NULL && token_offers(w->token, CKM_ML_KEM, flag);
}

static void kem_decapsulate(struct work *w, struct span seed, struct span value, struct outcome *o)
{
    CK_OBJECT_HANDLE key, secret = CK_INVALID_HANDLE;
    CK_RV rv;

    if (!ml_kem_offered(w, CKF_DECAPSULATE)) {
        outcome_left_out(o, not_offered("ML_KEM"));
        return;
    }
    rv = key_pqc_private(w->token, CKK_ML_KEM, pqc_set(json_text(w->group, "parameterSet")), seed, value, &key);
    if (rv == CKR_OK)
        rv = token_decapsulate(w->token, key, work_hex(w, w->test, "c"), &secret);
    outcome_rv(o, rv);
    o->right = rv == CKR_OK && token_secret_is(w->token, secret, work_hex(w, w->test, "K"));
    token_destroy(w->token, secret);
    token_destroy(w->token, key);
}

static void kem_run(struct work *w, struct outcome *o)
{
    kem_decapsulate(w, work_hex(w, w->test, "seed"), span_of(NULL, 0), o);
}

static void kem_expanded_run(struct work *w, struct outcome *o)
{
    kem_decapsulate(w, span_of(NULL, 0), work_hex(w, w->test, "dk"), o);
}

/* The randomness is the token's, so what comes out is not the file's; that the key is taken or refused is what counts.
 */
static void kem_encaps_run(struct work *w, struct outcome *o)
{
    CK_OBJECT_HANDLE key, secret = CK_INVALID_HANDLE;
    struct bytes *out = work_bytes(w);
    CK_RV rv;

    if (!ml_kem_offered(w, CKF_ENCAPSULATE)) {
        outcome_left_out(o, not_offered("ML_KEM"));
        return;
    }
    rv = key_pqc_public(w->token, CKK_ML_KEM, pqc_set(json_text(w->group, "parameterSet")), work_hex(w, w->test, "ek"),
                        &key);
    if (rv == CKR_OK)
        rv = token_encapsulate(w->token, key, out, &secret);
    outcome_rv(o, rv);
    o->right = rv == CKR_OK && bytes_span(out).len == work_hex(w, w->test, "c").len;
    token_destroy(w->token, secret);
    token_destroy(w->token, key);
}

const struct family ml_kem_family = { NULL, kem_run };
const struct family ml_kem_expanded_family = { NULL, kem_expanded_run };
const struct family ml_kem_encaps_family = { NULL, kem_encaps_run };
