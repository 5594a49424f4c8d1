/* ACVP: signatures, key agreement, derivation. */
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "tests/vectors/acvp_cases.h"

static const struct curve *offered_curve(struct work *w, const char *field, struct outcome *o)
{
    const struct curve *c = curve_find(json_text(w->group, field));

    if (c != NULL && curve_offered(w->token, c))
        return c;
    outcome_left_out(o, curve_not_offered(c != NULL ? c->names[0] : json_text(w->group, field)));
    return NULL;
}

static struct span point_of(struct work *w, const struct curve *c, const char *x, const char *y)
{
    struct bytes *point = work_bytes(w);

    bytes_append_char(point, 4);
    bytes_append_span(point, work_number(w, w->test, x, c->len));
    bytes_append_span(point, work_number(w, w->test, y, c->len));
    return bytes_span(point);
}

/* w->key is the test's here, not the group's. */
static void drop_key(struct work *w)
{
    token_destroy(w->token, w->key);
    w->key = CK_INVALID_HANDLE;
}

static void ec_key_run(struct work *w, struct outcome *o)
{
    const struct curve *c = offered_curve(w, "curve", o);

    if (c == NULL)
        return;
    outcome_rv(o, key_ec_public(w->token, c, point_of(w, c, "qx", "qy"), &w->key));
    drop_key(w);
}

static void ecdsa_run(struct work *w, struct outcome *o)
{
    const struct curve *c = offered_curve(w, "curve", o);
    const struct hash *h = hash_find(json_text(w->group, "hashAlg"));
    struct bytes *signature = work_bytes(w);

    if (c == NULL)
        return;
    INVARIANT(h != NULL);
    bytes_append_span(signature, work_number(w, w->test, "r", c->len));
    bytes_append_span(signature, work_number(w, w->test, "s", c->len));
    w->key_rv = key_ec_public(w->token, c, point_of(w, c, "qx", "qy"), &w->key);
    check_ecdsa(w, h, work_hex(w, w->test, "message"), bytes_span(signature), o);
    drop_key(w);
}

static void ed_key_run(struct work *w, struct outcome *o)
{
    const struct curve *c = offered_curve(w, "curve", o);

    if (c == NULL)
        return;
    outcome_rv(o, key_ec_public(w->token, c, work_hex(w, w->test, "q"), &w->key));
    drop_key(w);
}

static void eddsa_run(struct work *w, struct outcome *o)
{
    const struct curve *c = offered_curve(w, "curve", o);

    if (c == NULL)
        return;
    w->key_rv = key_ec_public(w->token, c, work_hex(w, w->test, "q"), &w->key);
    check_eddsa(w, json_is_true(json_object_get(w->group, "preHash")), work_hex(w, w->test, "message"),
                work_hex(w, w->test, "signature"), o);
    drop_key(w);
}

const struct family acvp_ec_key_family = { NULL, ec_key_run };
const struct family acvp_ecdsa_family = { NULL, ecdsa_run };
const struct family acvp_ed_key_family = { NULL, ed_key_run };
const struct family acvp_eddsa_family = { NULL, eddsa_run };

static void append_party(struct work *w, struct bytes *info, const char *party)
{
    const json_t *p = json_object_get(w->test, party);

    bytes_append_span(info, work_hex(w, p, "partyId"));
    bytes_append_span(info, work_hex(w, p, "ephemeralData"));
}

static void hkdf_run(struct work *w, struct outcome *o)
{
    const json_t *config = json_object_get(w->group, "kdfConfiguration"),
                 *parameter = json_object_get(w->test, "kdfParameter");
    const struct hash *h = hash_find(json_text(config, "hmacAlg"));
    struct bytes *info = work_bytes(w);
    struct span okm = work_hex(w, json_object_get(w->test, "dkm") != NULL ? w->test : w->expected, "dkm");

    if (h == NULL || strcmp(json_text(config, "fixedInfoPattern"), "uPartyInfo||vPartyInfo") != 0) {
        outcome_left_out(o, "another pattern of fixed information");
        return;
    }
    append_party(w, info, "fixedInfoPartyU");
    append_party(w, info, "fixedInfoPartyV");
    check_hkdf(w, h, work_hex(w, parameter, "z"), work_hex(w, parameter, "salt"), bytes_span(info),
               (size_t)json_number(parameter, "l") / 8, okm, o);
    /* Where the file's key is wrong, another result is the right one. */
    o->may_be_done = json_object_get(w->test, "dkm") != NULL;
}

const struct family acvp_hkdf_family = { NULL, hkdf_run };

/* Z by libcrypto: some of the file's are wrong on purpose, and it has no answers. */
static bool shared_secret(const struct curve *c, struct span private, struct span own, struct span peer,
                          struct bytes *out)
{
    static const char *const groups[] = { "P-256", "P-384", "P-521" };
    OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
    BIGNUM *d = BN_bin2bn(private.p, (int)private.len, NULL);
    EVP_PKEY *key = NULL, *other = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL), *derive = NULL;
    const char *group = groups[c->len == 32 ? 0 : c->len == 48 ? 1 : 2];
    OSSL_PARAM *params, pub[] = { OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)(uintptr_t)group, 0),
                                  OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)peer.p, peer.len),
                                  OSSL_PARAM_END };
    uint8_t z[66];
    size_t len = sizeof z;
    bool ok;

    OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME, group, 0);
    OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY, own.p, own.len);
    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_PRIV_KEY, d);
    params = OSSL_PARAM_BLD_to_param(b);
    ok = EVP_PKEY_fromdata_init(ctx) == 1 && EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) == 1 &&
         EVP_PKEY_fromdata(ctx, &other, EVP_PKEY_PUBLIC_KEY, pub) == 1 &&
         (derive = EVP_PKEY_CTX_new(key, NULL)) != NULL && EVP_PKEY_derive_init(derive) == 1 &&
         EVP_PKEY_derive_set_peer(derive, other) == 1 && EVP_PKEY_derive(derive, z, &len) == 1;
    if (ok)
        bytes_append(out, z, len);
    EVP_PKEY_CTX_free(derive);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(b);
    BN_free(d);
    return ok;
}

static void ecdh_run(struct work *w, struct outcome *o)
{
    const struct curve *c = offered_curve(w, "domainParameterGenerationMode", o);
    bool fixed = json_object_get(w->test, "staticPublicServerX") != NULL;
    struct bytes *z = work_bytes(w);
    struct span private, own, peer;

    if (c == NULL)
        return;
    if (strcmp(json_text(w->group, "testType"), "VAL") != 0) {
        outcome_left_out(o, "the key is the implementation's own, and there is no answer");
        return;
    }
    private = work_number(w, w->test, fixed ? "staticPrivateIut" : "ephemeralPrivateIut", c->len);
    own = point_of(w, c, fixed ? "staticPublicIutX" : "ephemeralPublicIutX",
                   fixed ? "staticPublicIutY" : "ephemeralPublicIutY");
    peer = point_of(w, c, fixed ? "staticPublicServerX" : "ephemeralPublicServerX",
                    fixed ? "staticPublicServerY" : "ephemeralPublicServerY");
    INVARIANT(shared_secret(c, private, own, peer, z));
    check_ecdh(w, c, private, peer, bytes_span(z), o);
}

const struct family acvp_ecdh_family = { NULL, ecdh_run };

static void rsa_verify_begin(struct work *w)
{
    w->key_rv = key_rsa_public(w->token, work_number(w, w->group, "n", 1), work_number(w, w->group, "e", 1), &w->key);
}

static void rsa_verify_run(struct work *w, struct outcome *o)
{
    const struct hash *h = hash_find(json_text(w->group, "hashAlg"));
    struct span message = work_hex(w, w->test, "message"), signature = work_hex(w, w->test, "signature");
    const char *kind = json_text(w->group, "sigType");

    INVARIANT(h != NULL);
    if (strcmp(kind, "pkcs1v1.5") == 0)
        check_rsa_pkcs1(w, h, message, signature, o);
    else if (strcmp(kind, "pss") == 0)
        check_rsa_pss(w, h, h, (CK_ULONG)json_number(w->group, "saltLen"), message, signature, o);
    else
        outcome_left_out(o, "mechanism not offered: RSA_X9_31");
    o->policy = rsa_policy(work_hex(w, w->group, "n"), work_hex(w, w->group, "e"));
}

const struct family acvp_rsa_verify_family = { rsa_verify_begin, rsa_verify_run };

/* The key is of our choice: made in the token, once for each size; what it signs is verified by libcrypto. */
struct made {
    long bits;
    CK_OBJECT_HANDLE public, private;
    CK_RV rv;
};

static struct made *made_key(struct work *w, long bits)
{
    static const uint8_t exponent[] = { 1, 0, 1 };
    static struct made made[8];
    struct template public = { 0 }, private = { 0 };
    size_t i = 0;

    while (i < ARRAY_LEN(made) - 1 && made[i].bits != 0 && made[i].bits != bits)
        i++;
    if (made[i].bits == bits)
        return &made[i];
    template_add_bool(&public, CKA_TOKEN, false);
    template_add_bool(&public, CKA_VERIFY, true);
    template_add_number(&public, CKA_MODULUS_BITS, (CK_ULONG)bits);
    template_add(&public, CKA_PUBLIC_EXPONENT, span_of(exponent, sizeof exponent));
    template_add_bool(&private, CKA_TOKEN, false);
    template_add_bool(&private, CKA_SIGN, true);
    made[i].bits = bits;
    made[i].rv =
        token_generate_pair(w->token, CKM_RSA_PKCS_KEY_PAIR_GEN, &public, &private, &made[i].public, &made[i].private);
    return &made[i];
}

static EVP_PKEY *public_of(struct work *w, const struct made *key)
{
    struct bytes *n = work_bytes(w), *e = work_bytes(w);
    OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *pkey = NULL;
    BIGNUM *bn, *be;
    OSSL_PARAM *params;

    if (token_read(w->token, key->public, CKA_MODULUS, n) != CKR_OK ||
        token_read(w->token, key->public, CKA_PUBLIC_EXPONENT, e) != CKR_OK)
        bytes_reset(n);
    bn = BN_bin2bn(n->p, (int)n->len, NULL);
    be = BN_bin2bn(e->p, (int)e->len, NULL);
    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, bn);
    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, be);
    params = OSSL_PARAM_BLD_to_param(b);
    if (EVP_PKEY_fromdata_init(ctx) != 1 || EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
        pkey = NULL;
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(b);
    EVP_PKEY_CTX_free(ctx);
    BN_free(bn);
    BN_free(be);
    return pkey;
}

static bool verified(struct work *w, const struct made *key, const struct hash *h, long salt, struct span message,
                     struct span signature)
{
    EVP_PKEY *pkey = public_of(w, key);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *k = NULL;
    bool ok = pkey != NULL && EVP_DigestVerifyInit_ex(ctx, &k, h->names[2], NULL, NULL, pkey, NULL) == 1;

    if (ok && salt >= 0)
        ok = EVP_PKEY_CTX_set_rsa_padding(k, RSA_PKCS1_PSS_PADDING) == 1 &&
             EVP_PKEY_CTX_set_rsa_pss_saltlen(k, (int)salt) == 1;
    ok = ok && EVP_DigestVerify(ctx, signature.p, signature.len, message.p, message.len) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    return ok;
}

static void rsa_sign_run(struct work *w, struct outcome *o)
{
    const struct hash *h = hash_find(json_text(w->group, "hashAlg"));
    bool pss = strcmp(json_text(w->group, "sigType"), "pss") == 0;
    struct span message = work_hex(w, w->test, "message"), data = message;
    struct bytes *out = work_bytes(w);
    CK_RSA_PKCS_PSS_PARAMS params = { 0 };
    CK_MECHANISM m;
    struct made *key;

    INVARIANT(h != NULL);
    params = (CK_RSA_PKCS_PSS_PARAMS){ h->digest, h->mgf, (CK_ULONG)json_number(w->group, "saltLen") };
    m = mechanism_of(h->rsa_pss, &params, sizeof params);
    if (pss ? h->rsa_pss == 0 || !token_offers(w->token, h->rsa_pss, CKF_SIGN)
            : !rsa_pkcs1_mechanism(w, h, CKF_SIGN, message, &m, &data)) {
        outcome_left_out(o, h->mgf == 0 ? "PKCS#11 has no MGF1 with SHA-512/224 and SHA-512/256"
                                        : not_offered("RSA_PKCS_PSS with this hash"));
        return;
    }
    key = made_key(w, json_number(w->group, "modulo"));
    outcome_rv(o, key->rv == CKR_OK ? token_sign(w->token, &m, key->private, data, out) : key->rv);
    o->right =
        o->doing == DONE && verified(w, key, h, pss ? json_number(w->group, "saltLen") : -1, message, bytes_span(out));
}

const struct family acvp_rsa_sign_family = { NULL, rsa_sign_run };
