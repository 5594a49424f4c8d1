/* Verifying: ECDSA, EdDSA, RSA PKCS#1 v1.5 and PSS. Where a token hashes by itself and also takes a hash, both are
 * asked and have to agree. */
#include "firmware/base/hex.h"
#include "tests/vectors/cases.h"
#include "tests/vectors/der.h"
#include "tests/vectors/pkcs11_32.h"

const char policy_rsa_bits[] = "policy: RSA below 2048 bits";
const char policy_rsa_exponent[] = "policy: RSA public exponent below 65537";
static const char no_der[] = "signature is no DER of two positive numbers: never reaches a token";

/* The reason as a text that lasts: one copy of each. */
static const char *lasting(const char *what, const char *name)
{
    static char texts[REASONS_MAX][96];
    size_t i = 0;
    char text[96] = "";

    snprintf(text, sizeof text, "%s not offered: %s", what, name);
    while (i < REASONS_MAX - 1 && texts[i][0] != '\0' && strcmp(texts[i], text) != 0)
        i++;
    memcpy(texts[i], text, sizeof text);
    return texts[i];
}

const char *not_offered(const char *mechanism)
{
    return lasting("mechanism", mechanism);
}

const char *curve_not_offered(const char *curve)
{
    return lasting("curve", curve);
}

/* The second answer to the same question. */
static void agree(struct outcome *o, CK_RV rv, unsigned asked)
{
    if (asked == 0)
        outcome_rv(o, rv);
    else if ((rv == CKR_OK) != (o->doing == DONE))
        outcome_rv(o, CKR_GENERAL_ERROR); /* no verdict: fails whatever the case asks */
}

void check_ecdsa(struct work *w, const struct hash *h, struct span message, struct span signature, struct outcome *o)
{
    CK_MECHANISM plain = mechanism_of(CKM_ECDSA, NULL, 0), hashing = mechanism_of(h->ecdsa, NULL, 0);
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned asked = 0;

    if (w->key_rv != CKR_OK) {
        outcome_rv(o, w->key_rv);
        return;
    }
    if (h->ecdsa != 0 && token_offers(w->token, h->ecdsa, CKF_VERIFY))
        agree(o, token_verify(w->token, &hashing, w->key, message, signature), asked++);
    if (token_offers(w->token, CKM_ECDSA, CKF_VERIFY))
        agree(o, token_verify(w->token, &plain, w->key, hash_make(h, message, digest), signature), asked++);
    if (asked == 0)
        outcome_left_out(o, not_offered("ECDSA"));
}

static const struct curve *begin_ec(struct work *w, const char *curve, struct span point)
{
    const struct curve *c = curve_find(curve);

    if (c == NULL || !curve_offered(w->token, c)) {
        w->left_out = curve_not_offered(curve);
        return NULL;
    }
    w->key_rv = key_ec_public(w->token, c, point, &w->key);
    return c;
}

static void ecdsa_begin(struct work *w)
{
    const json_t *key = json_object_get(w->group, "publicKey");

    begin_ec(w, json_text(key, "curve"), work_hex(w, key, "uncompressed"));
}

static const struct hash *group_hash(struct work *w, struct outcome *o)
{
    const struct hash *h = hash_find(json_text(w->group, "sha"));

    if (h == NULL)
        outcome_left_out(o, "a hash that this program does not know");
    return h;
}

static void ecdsa_p1363_run(struct work *w, struct outcome *o)
{
    const struct hash *h = group_hash(w, o);

    if (h != NULL)
        check_ecdsa(w, h, work_hex(w, w->test, "msg"), work_hex(w, w->test, "sig"), o);
}

static void ecdsa_run(struct work *w, struct outcome *o)
{
    const struct hash *h = group_hash(w, o);
    const struct curve *c = curve_find(json_text(json_object_get(w->group, "publicKey"), "curve"));
    uint8_t raw[2 * DER_NUMBER_MAX];
    size_t len;

    if (h == NULL)
        return;
    if (der_signature(work_hex(w, w->test, "sig"), c->len, raw, &len))
        check_ecdsa(w, h, work_hex(w, w->test, "msg"), span_of(raw, len), o);
    else if (strcmp(json_text(w->test, "result"), "invalid") == 0)
        outcome_left_out(o, no_der);
    else
        outcome_rv(o, CKR_GENERAL_ERROR); /* our own reader refuses what it must not */
}

const struct family ecdsa_family = { ecdsa_begin, ecdsa_run };
const struct family ecdsa_p1363_family = { ecdsa_begin, ecdsa_p1363_run };

void check_eddsa(struct work *w, bool prehash, struct span message, struct span signature, struct outcome *o)
{
    struct eddsa_parameter parameter = { .prehash = CK_TRUE };
    CK_MECHANISM m = prehash ? mechanism_of(CKM_EDDSA, &parameter, sizeof parameter) : mechanism_of(CKM_EDDSA, NULL, 0);

    if (!token_offers(w->token, CKM_EDDSA, CKF_VERIFY))
        outcome_left_out(o, not_offered("EDDSA"));
    else if (w->key_rv != CKR_OK)
        outcome_rv(o, w->key_rv);
    else
        outcome_rv(o, token_verify(w->token, &m, w->key, message, signature));
}

static void eddsa_begin(struct work *w)
{
    const json_t *key = json_object_get(w->group, "publicKey");

    begin_ec(w, json_text(key, "curve"), work_hex(w, key, "pk"));
}

static void eddsa_run(struct work *w, struct outcome *o)
{
    check_eddsa(w, false, work_hex(w, w->test, "msg"), work_hex(w, w->test, "sig"), o);
}

const struct family eddsa_family = { eddsa_begin, eddsa_run };

static size_t significant(struct span s)
{
    while (s.len > 0 && s.p[0] == 0)
        s = span_of(s.p + 1, s.len - 1);
    return s.len;
}

const char *rsa_policy(struct span modulus, struct span exponent)
{
    if (significant(modulus) < 256)
        return policy_rsa_bits;
    return significant(exponent) < 3 ? policy_rsa_exponent : NULL;
}

/* DigestInfo, for CKM_RSA_PKCS. */
static struct span digest_info(struct work *w, const struct hash *h, struct span message)
{
    size_t head = strlen(h->info) / 2;
    uint8_t *p = work_room(w, head + h->len);

    INVARIANT(hex_decode(p, head, span_text(h->info)) == ST_OK);
    hash_make(h, message, p + head);
    return span_of(p, head + h->len);
}

bool rsa_pkcs1_mechanism(struct work *w, const struct hash *h, CK_FLAGS flag, struct span message, CK_MECHANISM *m,
                         struct span *data)
{
    bool hashing = h->rsa_pkcs != 0 && token_offers(w->token, h->rsa_pkcs, flag);

    *m = mechanism_of(hashing ? h->rsa_pkcs : CKM_RSA_PKCS, NULL, 0);
    *data = hashing ? message : digest_info(w, h, message);
    return hashing || token_offers(w->token, CKM_RSA_PKCS, flag);
}

void check_rsa_pkcs1(struct work *w, const struct hash *h, struct span message, struct span signature,
                     struct outcome *o)
{
    CK_MECHANISM m, plain = mechanism_of(CKM_RSA_PKCS, NULL, 0);
    struct span data;

    if (!rsa_pkcs1_mechanism(w, h, CKF_VERIFY, message, &m, &data)) {
        outcome_left_out(o, not_offered("RSA_PKCS"));
        return;
    }
    if (w->key_rv != CKR_OK) {
        outcome_rv(o, w->key_rv);
        return;
    }
    agree(o, token_verify(w->token, &m, w->key, data, signature), 0);
    if (m.mechanism != CKM_RSA_PKCS && token_offers(w->token, CKM_RSA_PKCS, CKF_VERIFY))
        agree(o, token_verify(w->token, &plain, w->key, digest_info(w, h, message), signature), 1);
}

void check_rsa_pss(struct work *w, const struct hash *h, const struct hash *mgf, CK_ULONG salt, struct span message,
                   struct span signature, struct outcome *o)
{
    CK_RSA_PKCS_PSS_PARAMS params = { h->digest, mgf->mgf, salt };
    CK_MECHANISM hashing = mechanism_of(h->rsa_pss, &params, sizeof params),
                 plain = mechanism_of(CKM_RSA_PKCS_PSS, &params, sizeof params);
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned asked = 0;

    if (mgf->mgf == 0) {
        outcome_left_out(o, "PKCS#11 has no MGF1 with SHA-512/224 and SHA-512/256");
        return;
    }
    if (w->key_rv != CKR_OK) {
        outcome_rv(o, w->key_rv);
        return;
    }
    if (h->rsa_pss != 0 && token_offers(w->token, h->rsa_pss, CKF_VERIFY))
        agree(o, token_verify(w->token, &hashing, w->key, message, signature), asked++);
    if (token_offers(w->token, CKM_RSA_PKCS_PSS, CKF_VERIFY))
        agree(o, token_verify(w->token, &plain, w->key, hash_make(h, message, digest), signature), asked++);
    if (asked == 0)
        outcome_left_out(o, not_offered("RSA_PKCS_PSS"));
}

static void rsa_begin(struct work *w)
{
    const json_t *key = json_object_get(w->group, "publicKey");

    w->key_rv =
        key_rsa_public(w->token, work_number(w, key, "modulus", 1), work_number(w, key, "publicExponent", 1), &w->key);
}

static const char *group_policy(struct work *w)
{
    const json_t *key = json_object_get(w->group, "publicKey");

    return rsa_policy(work_hex(w, key, "modulus"), work_hex(w, key, "publicExponent"));
}

static void rsa_verify_run(struct work *w, struct outcome *o)
{
    const struct hash *h = group_hash(w, o);

    if (h == NULL)
        return;
    check_rsa_pkcs1(w, h, work_hex(w, w->test, "msg"), work_hex(w, w->test, "sig"), o);
    o->policy = group_policy(w);
}

static void rsa_pss_run(struct work *w, struct outcome *o)
{
    const struct hash *h = group_hash(w, o), *mgf = hash_find(json_text(w->group, "mgfSha"));

    if (h == NULL)
        return;
    if (strcmp(json_text(w->group, "mgf"), "MGF1") != 0 || mgf == NULL) {
        outcome_left_out(o, "PKCS#11 has MGF1 alone");
        return;
    }
    check_rsa_pss(w, h, mgf, (CK_ULONG)json_number(w->group, "sLen"), work_hex(w, w->test, "msg"),
                  work_hex(w, w->test, "sig"), o);
    o->policy = group_policy(w);
}

const struct family rsa_verify_family = { rsa_begin, rsa_verify_run };
const struct family rsa_pss_family = { rsa_begin, rsa_pss_run };
