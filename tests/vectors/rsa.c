/* RSA private keys: deterministic signatures, OAEP and PKCS#1 v1.5 decryption, and primes that are none. */
#include <openssl/bn.h>

#include "tests/vectors/cases.h"

static void begin_private(struct work *w, unsigned use)
{
    const json_t *key = json_object_get(w->group, "privateKey");

    if (json_object_get(key, "otherPrimeInfos") != NULL)
        w->left_out = "three primes: PKCS#11 has attributes for two";
    else
        w->key_rv = key_rsa_private(w->token, work_hex(w, w->group, "privateKeyPkcs8"), use, &w->key);
}

static const char *private_policy(struct work *w)
{
    const json_t *key = json_object_get(w->group, "privateKey");

    return rsa_policy(work_hex(w, key, "modulus"), work_hex(w, key, "publicExponent"));
}

static void sign_begin(struct work *w)
{
    begin_private(w, USE_SIGN);
}

static void sign_run(struct work *w, struct outcome *o)
{
    const struct hash *h = hash_find(json_text(w->group, "sha"));
    struct bytes *out = work_bytes(w);
    CK_MECHANISM m;
    struct span data;

    if (h == NULL || !rsa_pkcs1_mechanism(w, h, CKF_SIGN, work_hex(w, w->test, "msg"), &m, &data)) {
        outcome_left_out(o, not_offered("RSA_PKCS"));
        return;
    }
    if (w->key_rv != CKR_OK)
        outcome_rv(o, w->key_rv);
    else
        outcome_result(o, token_sign(w->token, &m, w->key, data, out), out, work_hex(w, w->test, "sig"));
    o->policy = private_policy(w);
}

const struct family rsa_sign_family = { sign_begin, sign_run };

static void decrypt_begin(struct work *w)
{
    begin_private(w, USE_DECRYPT);
}

static void oaep_run(struct work *w, struct outcome *o)
{
    const struct hash *h = hash_find(json_text(w->group, "sha")), *mgf = hash_find(json_text(w->group, "mgfSha"));
    struct span label = work_hex(w, w->test, "label"), ct = work_hex(w, w->test, "ct");
    CK_RSA_PKCS_OAEP_PARAMS params = { 0 };
    CK_MECHANISM m = mechanism_of(CKM_RSA_PKCS_OAEP, &params, sizeof params);
    struct bytes *out = work_bytes(w);

    if (h == NULL || mgf == NULL || mgf->mgf == 0)
        outcome_left_out(o, "PKCS#11 has no MGF1 with SHA-512/224 and SHA-512/256");
    else if (!token_offers(w->token, CKM_RSA_PKCS_OAEP, CKF_DECRYPT))
        outcome_left_out(o, not_offered("RSA_PKCS_OAEP"));
    if (o->doing == LEFT_OUT)
        return;
    params = (CK_RSA_PKCS_OAEP_PARAMS){ .hashAlg = h->digest,
                                        .mgf = mgf->mgf,
                                        .source = CKZ_DATA_SPECIFIED,
                                        .pSourceData = label.len > 0 ? (CK_BYTE *)(uintptr_t)label.p : NULL,
                                        .ulSourceDataLen = label.len };
    if (w->key_rv != CKR_OK)
        outcome_rv(o, w->key_rv);
    else
        outcome_result(o, token_decrypt(w->token, &m, w->key, ct, out), out, work_hex(w, w->test, "msg"));
    o->policy = private_policy(w);
}

const struct family rsa_oaep_family = { decrypt_begin, oaep_run };

static void decrypt_run(struct work *w, struct outcome *o)
{
    CK_MECHANISM m = mechanism_of(CKM_RSA_PKCS, NULL, 0);
    bool bad_padding = json_has_flag(w->test, "InvalidPkcs1Padding");
    struct bytes *out = work_bytes(w);

    if (!token_offers(w->token, CKM_RSA_PKCS, CKF_DECRYPT)) {
        outcome_left_out(o, not_offered("RSA_PKCS"));
        return;
    }
    if (w->key_rv != CKR_OK)
        outcome_rv(o, w->key_rv);
    else
        outcome_result(o, token_decrypt(w->token, &m, w->key, work_hex(w, w->test, "ct"), out), out,
                       work_hex(w, w->test, "msg"));
    if (bad_padding && o->doing == REFUSED) /* implicit rejection: a wrong padding must look like a right one */
        outcome_rv(o, CKR_GENERAL_ERROR);
    o->may_be_done = bad_padding;
    if (bad_padding && o->doing == DONE && bytes_span(out).len > 0)
        o->right = false; /* the file states no message for these */
    o->policy = private_policy(w);
}

const struct family rsa_decrypt_family = { decrypt_begin, decrypt_run };

/* An RSA key whose first prime is the value of the case, made as if it were one: a token that tests primes refuses
 * those that are none. */
static CK_RV import_with_prime(struct work *w, const BIGNUM *p, CK_OBJECT_HANDLE *out)
{
    static BIGNUM *q; /* the same partner for all: any prime of 1024 bits */
    enum { N, E, D, P, Q, DP, DQ, QI, NUMBERS };
    static const CK_ATTRIBUTE_TYPE types[NUMBERS] = { CKA_MODULUS,    CKA_PUBLIC_EXPONENT, CKA_PRIVATE_EXPONENT,
                                                      CKA_PRIME_1,    CKA_PRIME_2,         CKA_EXPONENT_1,
                                                      CKA_EXPONENT_2, CKA_COEFFICIENT };
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *v[NUMBERS], *p1 = BN_new(), *q1 = BN_new(), *phi = BN_new();
    struct template tp = { 0 };
    bool ok;

    if (q == NULL) {
        q = BN_new();
        INVARIANT(BN_generate_prime_ex(q, 1024, 0, NULL, NULL, NULL) == 1);
    }
    for (int i = 0; i < NUMBERS; i++)
        v[i] = BN_new();
    ok = BN_mul(v[N], p, q, ctx) && BN_set_word(v[E], 65537) && BN_copy(v[P], p) != NULL && BN_copy(v[Q], q) != NULL &&
         BN_sub(p1, p, BN_value_one()) && BN_sub(q1, q, BN_value_one()) && BN_mul(phi, p1, q1, ctx) &&
         BN_mod_inverse(v[D], v[E], phi, ctx) != NULL && BN_mod(v[DP], v[D], p1, ctx) && BN_mod(v[DQ], v[D], q1, ctx) &&
         BN_mod_inverse(v[QI], q, p, ctx) != NULL;
    template_add_number(&tp, CKA_CLASS, CKO_PRIVATE_KEY);
    template_add_number(&tp, CKA_KEY_TYPE, CKK_RSA);
    template_add_bool(&tp, CKA_TOKEN, false);
    template_add_bool(&tp, CKA_SIGN, true);
    for (int i = 0; i < NUMBERS && ok; i++) {
        uint8_t *room = work_room(w, 1024);

        template_add(&tp, types[i], span_of(room, (size_t)BN_bn2bin(v[i], room)));
    }
    for (int i = 0; i < NUMBERS; i++)
        BN_free(v[i]);
    BN_free(p1);
    BN_free(q1);
    BN_free(phi);
    BN_CTX_free(ctx);
    return ok ? token_create(w->token, &tp, out) : CKR_CANCEL;
}

static void primality_run(struct work *w, struct outcome *o)
{
    struct span value = work_hex(w, w->test, "value");
    BIGNUM *p = BN_bin2bn(value.p, (int)value.len, NULL);
    CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
    CK_RV rv;

    if (value.len == 0 || (value.p[0] & 0x80) != 0 || BN_num_bits(p) < 1000 || BN_num_bits(p) > 1100)
        outcome_left_out(o, "too small, too large or negative for a prime of an RSA key");
    else if ((rv = import_with_prime(w, p, &key)) == CKR_CANCEL)
        outcome_left_out(o, "no RSA key can be made around it: 65537 has no inverse");
    else
        outcome_rv(o, rv);
    token_destroy(w->token, key);
    BN_free(p);
}

const struct family primality_family = { NULL, primality_run };
