/* cases.h - the families of cases, and the checks that Wycheproof and ACVP share. */
#ifndef STRONGROOM_TESTS_VECTORS_CASES_H
#define STRONGROOM_TESTS_VECTORS_CASES_H

#include "tests/vectors/hash.h"
#include "tests/vectors/keys.h"

/* Wycheproof's families; the argument of a file is in brackets. */
extern const struct family ecdsa_family, ecdsa_p1363_family, eddsa_family;
extern const struct family rsa_verify_family, rsa_pss_family;
extern const struct family rsa_sign_family, rsa_oaep_family, rsa_decrypt_family, primality_family;
extern const struct family gcm_family, cbc_family, wrap_family, wrap_padded_family;
extern const struct family hmac_family /* [hash] */, cmac_family, gmac_family;
extern const struct family ecdh_point_family, ecdh_spki_family, ecdh_jwk_family, xdh_family, xdh_jwk_family;
extern const struct family hkdf_family /* [hash] */;
extern const struct family ml_dsa_verify_family, ml_dsa_sign_family; /* [parameter set] */
extern const struct family ml_kem_family, ml_kem_expanded_family, ml_kem_encaps_family;

/* Reasons that several have. */
extern const char policy_rsa_bits[], policy_rsa_exponent[];
/* "mechanism not offered: <name>"; the texts last. */
const char *not_offered(const char *mechanism);
const char *curve_not_offered(const char *curve);

/* signature.c. The key's public half has been imported into w->key. */
void check_ecdsa(struct work *w, const struct hash *h, struct span message, struct span signature, struct outcome *o);
void check_eddsa(struct work *w, bool prehash, struct span message, struct span signature, struct outcome *o);
void check_rsa_pkcs1(struct work *w, const struct hash *h, struct span message, struct span signature,
                     struct outcome *o);
void check_rsa_pss(struct work *w, const struct hash *h, const struct hash *mgf, CK_ULONG salt, struct span message,
                   struct span signature, struct outcome *o);
/* The reason why refusing such a key is policy; NULL when it is not. */
const char *rsa_policy(struct span modulus, struct span exponent);
bool rsa_pkcs1_mechanism(struct work *w, const struct hash *h, CK_FLAGS flag, struct span message, CK_MECHANISM *m,
                         struct span *data);

/* cipher.c. One key, one message; encrypting and decrypting is up to the caller. */
struct aes_case {
    CK_MECHANISM_TYPE type;
    struct span key, iv, aad, plain, cipher; /* GCM: the tag at the end of `cipher` */
    unsigned tag_bits;
    bool encrypt, decrypt; /* what to do: each that is set must go well */
};
void check_aes(struct work *w, const struct aes_case *c, struct outcome *o);
void check_wrap(struct work *w, const struct aes_case *c, bool padded, struct outcome *o);

/* mac.c. */
struct mac_case {
    CK_MECHANISM_TYPE type, general; /* general: takes the length of the MAC */
    CK_KEY_TYPE key_type;
    const char *name;
    size_t full; /* length of the whole MAC */
    struct span key, message, mac, iv;
    bool sign, verify;
};
void check_mac(struct work *w, const struct mac_case *c, struct outcome *o);
void check_gmac(struct work *w, const struct mac_case *c, struct outcome *o);

/* derive.c */
void check_ecdh(struct work *w, const struct curve *c, struct span private, struct span point, struct span shared,
                struct outcome *o);
void check_hkdf(struct work *w, const struct hash *h, struct span ikm, struct span salt, struct span info, size_t len,
                struct span okm, struct outcome *o);

/* pqc.c */
CK_ULONG pqc_set(const char *name);
bool ml_kem_offered(struct work *w, CK_FLAGS flag);

#endif
