/* HMAC, CMAC, GMAC: made and checked. */
#include "tests/vectors/cases.h"

static const char policy_hmac_key[] = "policy: HMAC key below 112 bits";
static const char policy_gmac_iv[] = "policy: GMAC nonce of another length than 96 bits";
static const char policy_tag[] = "policy: MAC below 96 bits";

static void make_and_check(struct work *w, const struct mac_case *c, CK_MECHANISM *m, CK_OBJECT_HANDLE key,
                           struct outcome *o)
{
    struct bytes *out = work_bytes(w);

    outcome_rv(o, CKR_OK);
    if (c->sign)
        outcome_result(o, token_sign(w->token, m, key, c->message, out), out, c->mac);
    if (o->doing == DONE && o->right && c->verify)
        outcome_rv(o, token_verify(w->token, m, key, c->message, c->mac));
}

static const char *mac_policy(const struct mac_case *c)
{
    if (c->key_type == CKK_GENERIC_SECRET && c->key.len < 14)
        return policy_hmac_key;
    return c->mac.len < 12 ? policy_tag : NULL;
}

void check_mac(struct work *w, const struct mac_case *c, struct outcome *o)
{
    bool cut = c->mac.len != c->full;
    CK_MECHANISM_TYPE type = cut ? c->general : c->type;
    CK_ULONG len = c->mac.len;
    CK_MECHANISM m = cut ? mechanism_of(type, &len, sizeof len) : mechanism_of(type, NULL, 0);
    CK_OBJECT_HANDLE key;
    char name[64];
    CK_RV rv;

    if (type == 0 || !token_offers(w->token, type, CKF_SIGN | CKF_VERIFY)) {
        snprintf(name, sizeof name, "%s%s", c->name, cut ? "_GENERAL" : "");
        outcome_left_out(o, not_offered(name));
        return;
    }
    rv = key_secret(w->token, c->key_type, c->key, USE_SIGN | USE_VERIFY, &key);
    if (rv != CKR_OK)
        outcome_rv(o, rv);
    else
        make_and_check(w, c, &m, key, o);
    o->policy = mac_policy(c);
    token_destroy(w->token, key);
}

/* PKCS#11 3.2, 6.13.6: the nonce and the length of the tag come as CK_GCM_PARAMS. In 2.40 it was the bare nonce of 12
 * bytes and a tag of 16: asked for where a token refuses the structure. */
void check_gmac(struct work *w, const struct mac_case *c, struct outcome *o)
{
    CK_BYTE *iv = (CK_BYTE *)(uintptr_t)c->iv.p;
    CK_GCM_PARAMS params = { .pIv = iv, .ulIvLen = c->iv.len, .ulIvBits = c->iv.len * 8, .ulTagBits = c->mac.len * 8 };
    CK_MECHANISM m = mechanism_of(CKM_AES_GMAC, &params, sizeof params),
                 bare = mechanism_of(CKM_AES_GMAC, iv, c->iv.len);
    CK_OBJECT_HANDLE key;
    CK_RV rv;

    if (!token_offers(w->token, CKM_AES_GMAC, CKF_SIGN | CKF_VERIFY)) {
        outcome_left_out(o, not_offered("AES_GMAC"));
        return;
    }
    rv = key_secret(w->token, CKK_AES, c->key, USE_SIGN | USE_VERIFY, &key);
    if (rv != CKR_OK)
        outcome_rv(o, rv);
    else
        make_and_check(w, c, &m, key, o);
    if (rv == CKR_OK && o->doing == REFUSED && o->rv == CKR_MECHANISM_PARAM_INVALID) {
        if (c->mac.len == 16)
            make_and_check(w, c, &bare, key, o);
        else if (mac_policy(c) == NULL)
            outcome_left_out(o, "AES_GMAC with a tag of 128 bits alone");
    }
    o->policy = c->iv.len != 12 ? policy_gmac_iv : mac_policy(c);
    token_destroy(w->token, key);
}

static bool is_invalid(const struct work *w)
{
    return strcmp(json_text(w->test, "result"), "invalid") == 0;
}

static struct mac_case mac_fields(struct work *w)
{
    return (struct mac_case){ .key = work_hex(w, w->test, "key"),
                              .message = work_hex(w, w->test, "msg"),
                              .mac = work_hex(w, w->test, "tag"),
                              .iv = work_hex(w, w->test, "iv"),
                              .sign = !is_invalid(w),
                              .verify = true };
}

static void hmac_run(struct work *w, struct outcome *o)
{
    const struct hash *h = hash_find(w->argument);
    struct mac_case c = mac_fields(w);
    char name[64];

    snprintf(name, sizeof name, "%s HMAC", h->names[0]);
    c.type = h->hmac;
    c.general = h->hmac_general;
    c.key_type = CKK_GENERIC_SECRET;
    c.name = name;
    c.full = h->len;
    check_mac(w, &c, o);
}

static void cmac_run(struct work *w, struct outcome *o)
{
    struct mac_case c = mac_fields(w);

    c.type = CKM_AES_CMAC;
    c.general = CKM_AES_CMAC_GENERAL;
    c.key_type = CKK_AES;
    c.name = "AES_CMAC";
    c.full = 16;
    check_mac(w, &c, o);
}

static void gmac_run(struct work *w, struct outcome *o)
{
    struct mac_case c = mac_fields(w);

    check_gmac(w, &c, o);
}

const struct family hmac_family = { NULL, hmac_run };
const struct family cmac_family = { NULL, cmac_run };
const struct family gmac_family = { NULL, gmac_run };
