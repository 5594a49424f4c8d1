/* Using a key without its consent: no new login where it asks for one each time, no right, nonces that repeat. */
#include <string.h>

#include "tests/probes/target.h"

static CK_BYTE digest[32] = { 1 }, sig[64];
static CK_ULONG len;

static CK_RV asking_key(struct pair *p)
{
    return F->C_GenerateKeyPair(
        S, MECHANISM(CKM_EC_KEY_PAIR_GEN), TEMPLATE(CURVE("P-256"), NO(CKA_TOKEN), YES(CKA_VERIFY)),
        TEMPLATE(NO(CKA_TOKEN), YES(CKA_PRIVATE), YES(CKA_SENSITIVE), YES(CKA_SIGN), YES(CKA_ALWAYS_AUTHENTICATE)),
        &p->public_key, &p->private_key);
}

static struct outcome signs(const struct pair *p, CK_OBJECT_HANDLE key)
{
    EVP_PKEY *public_key;
    bool good;

    len = sizeof sig;
    TRY(keys_sign(S, MECHANISM(CKM_ECDSA), key, digest, sizeof digest, sig, &len));
    public_key = oracle_public(S, p->public_key);
    good = oracle_verify(public_key, &(struct oracle_signature){ .scheme = SCHEME_ECDSA }, digest, sizeof digest, sig,
                         len);
    EVP_PKEY_free(public_key);
    return good ? succeeded() : in_vain("the signature is not valid");
}

static struct outcome sign_without_asking(void)
{
    struct pair p = { 0 };

    TRY(asking_key(&p));
    return signs(&p, p.private_key);
}

static struct outcome asking_set_off(void)
{
    struct pair p = { 0 };

    TRY(asking_key(&p));
    TRY(F->C_SetAttributeValue(S, p.private_key, TEMPLATE(NO(CKA_ALWAYS_AUTHENTICATE))));
    return signs(&p, p.private_key);
}

static struct outcome asking_copied_off(void)
{
    CK_OBJECT_HANDLE copy = 0;
    struct pair p = { 0 };

    TRY(asking_key(&p));
    TRY(F->C_CopyObject(S, p.private_key, TEMPLATE(NO(CKA_ALWAYS_AUTHENTICATE)), &copy));
    return signs(&p, copy);
}

static struct outcome asked_once_signs_twice(void)
{
    struct pair p = { 0 };

    TRY(asking_key(&p));
    TRY(F->C_SignInit(S, MECHANISM(CKM_ECDSA), p.private_key));
    TRY(F->C_Login(S, CKU_CONTEXT_SPECIFIC, client.pin, client.pin_len));
    len = sizeof sig;
    TRY(F->C_Sign(S, digest, sizeof digest, sig, &len));
    return signs(&p, p.private_key);
}

static struct outcome asked_for_another_key(void)
{
    struct pair p = { 0 }, other = { 0 };
    CK_SESSION_HANDLE second = 0;

    TRY(asking_key(&p));
    TRY(asking_key(&other));
    TRY(F->C_OpenSession(client.slot, CKF_SERIAL_SESSION, NULL, NULL, &second));
    TRY(F->C_SignInit(second, MECHANISM(CKM_ECDSA), other.private_key));
    TRY(F->C_Login(second, CKU_CONTEXT_SPECIFIC, client.pin, client.pin_len));
    return signs(&p, p.private_key);
}

static struct outcome asking_in_parts(void)
{
    struct pair p = { 0 };

    if (!client_offers(CKM_ECDSA_SHA256, CKF_SIGN))
        return refused(CKR_MECHANISM_INVALID, "CKM_ECDSA_SHA256");
    TRY(asking_key(&p));
    TRY(F->C_SignInit(S, MECHANISM(CKM_ECDSA_SHA256), p.private_key));
    TRY(F->C_SignUpdate(S, digest, sizeof digest));
    len = sizeof sig;
    TRY(F->C_SignFinal(S, sig, &len));
    return succeeded();
}

static struct outcome right_raised(void)
{
    struct pair p = { 0 };

    TRY(keys_ec(S, "P-256", JOB_DERIVE, &p));
    TRY(F->C_SetAttributeValue(S, p.private_key, TEMPLATE(NO(CKA_DERIVE))));
    return signs(&p, p.private_key);
}

/* Two signatures with one nonce give the private key away. */
static struct outcome nonce_repeats(void)
{
    CK_BYTE seen[200][32];
    struct pair p = { 0 };

    TRY(keys_ec(S, "P-256", JOB_SIGN, &p));
    for (unsigned i = 0; i < COUNT_OF(seen); i++) {
        digest[0] = (CK_BYTE)i;
        len = sizeof sig;
        TRY(keys_sign(S, MECHANISM(CKM_ECDSA), p.private_key, digest, sizeof digest, sig, &len));
        memcpy(seen[i], sig, 32);
        for (unsigned k = 0; k < i; k++)
            if (memcmp(seen[k], seen[i], 32) == 0)
                return succeeded();
    }
    return in_vain("200 nonces differ");
}

/* A seed of the caller's that replaces the generator's state makes keys that can be told beforehand. */
static struct outcome seeded_generator(void)
{
    CK_BYTE seed[64] = { 0 }, one[32], two[32];

    TRY(F->C_SeedRandom(S, seed, sizeof seed));
    TRY(F->C_GenerateRandom(S, one, sizeof one));
    TRY(F->C_SeedRandom(S, seed, sizeof seed));
    TRY(F->C_GenerateRandom(S, two, sizeof two));
    return memcmp(one, two, sizeof one) == 0 ? succeeded() : in_vain("the generator is not replaced");
}

/* A key that says of itself that it never left, made outside. */
static struct outcome forged_history(void)
{
    static const CK_BYTE value[32] = { 9 };
    CK_OBJECT_HANDLE o = 0;

    TRY(F->C_CreateObject(S,
                          TEMPLATE(NUMBER(CKA_CLASS, CKO_SECRET_KEY), NUMBER(CKA_KEY_TYPE, CKK_AES),
                                   BYTES(CKA_VALUE, value, 32), NO(CKA_TOKEN), YES(CKA_SENSITIVE),
                                   YES(CKA_ALWAYS_SENSITIVE), YES(CKA_NEVER_EXTRACTABLE), YES(CKA_LOCAL)),
                          &o));
    return client_flag(S, o, CKA_NEVER_EXTRACTABLE) == 1 ? succeeded() : in_vain("the history is not taken over");
}

const struct probe probes_use[] = {
    { "sign with a key that always authenticates, without", sign_without_asking },
    { "set ALWAYS_AUTHENTICATE to false, sign", asking_set_off },
    { "copy with ALWAYS_AUTHENTICATE false, sign", asking_copied_off },
    { "authenticate once, sign twice", asked_once_signs_twice },
    { "authenticate for one key, sign with another", asked_for_another_key },
    { "sign in parts with a key that always authenticates", asking_in_parts },
    { "sign with a key that has no right left", right_raised },
    { "find a nonce that repeats", nonce_repeats },
    { "replace the random generator's state by seeding", seeded_generator },
    { "import a key with a forged history", forged_history },
};
const size_t probes_use_count = COUNT_OF(probes_use);
