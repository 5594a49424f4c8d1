#include "pkcs11/token/mechanism.h"

static CK_MECHANISM_TYPE main_mechanism(enum token_alg alg)
{
    switch (alg_info(alg)->kind) {
    case ALG_KIND_SIGNATURE:
        if (alg_info(alg)->type == KEY_TYPE_EC)
            return CKM_ECDSA;
        return alg == TOKEN_PS256 || alg == TOKEN_PS384 || alg == TOKEN_PS512 ? CKM_RSA_PKCS_PSS : CKM_RSA_PKCS;
    case ALG_KIND_MAC:
        return alg == TOKEN_HS256 ? CKM_SHA256_HMAC : alg == TOKEN_HS384 ? CKM_SHA384_HMAC : CKM_SHA512_HMAC;
    case ALG_KIND_RSA_ENCRYPTION:
        return CKM_RSA_X_509; /* and unpad.c: SoftHSM has OAEP with SHA-1 only, and shows bad v1.5 paddings */
    case ALG_KIND_GCM:
        return CKM_AES_GCM;
    case ALG_KIND_CBC:
        return CKM_AES_CBC;
    case ALG_KIND_CBC_PAD:
        return CKM_AES_CBC_PAD;
    case ALG_KIND_KEY_WRAP:
        return CKM_AES_ECB; /* and keywrap.c */
    }
    return CKM_VENDOR_DEFINED;
}

struct mechanism_needs mechanism_needs(enum token_alg alg)
{
    struct mechanism_needs needs = { { main_mechanism(alg), CKM_VENDOR_DEFINED } };
    const struct alg_info *info = alg_info(alg);

    if (info->type == KEY_TYPE_RSA)
        needs.types[1] = CKM_RSA_PKCS_KEY_PAIR_GEN;
    else if (info->type == KEY_TYPE_EC)
        needs.types[1] = CKM_EC_KEY_PAIR_GEN;
    else
        needs.types[1] = info->kind == ALG_KIND_MAC ? CKM_GENERIC_SECRET_KEY_GEN : CKM_AES_KEY_GEN;
    return needs;
}
