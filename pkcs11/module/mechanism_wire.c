#include "pkcs11/module/mechanism_wire.h"

#include "pkcs11/module/pkcs11_3.h"
#include "pkcs11/module/strongroom.h"

/* p11-kit's header leaves its own short names for members behind as macros. */
#undef hash_alg
#undef iv_len

#define GMAC_IV_LEN   12
#define GMAC_TAG_BITS 128
#define IV_MAX        256 /* SP 800-38D allows more; nobody sends it */

static bool has(struct span p)
{
    return p.p != NULL || p.len == 0;
}

static struct span parameter_part(const void *p, CK_ULONG len)
{
    return span_of(p, len);
}

static bool part_fits(struct span s)
{
    return has(s) && s.len <= MECHANISM_PART_MAX;
}

static bool read_oaep(const CK_RSA_PKCS_OAEP_PARAMS *p, struct mechanism *m)
{
    m->hash = p->hashAlg;
    m->mgf = p->mgf;
    m->aad = parameter_part(p->pSourceData, p->ulSourceDataLen);
    /* PKCS#11 2.40, 2.1.7: a source of 0 is an empty label. */
    return part_fits(m->aad) && (p->source == CKZ_DATA_SPECIFIED || (p->source == 0 && m->aad.len == 0));
}

static bool read_hkdf(const CK_HKDF_PARAMS *p, struct mechanism *m)
{
    m->hash = p->prfHashMechanism;
    m->flags = (p->bExtract ? MECHANISM_HKDF_EXTRACT : 0) | (p->bExpand ? MECHANISM_HKDF_EXPAND : 0);
    m->number = p->ulSaltType;
    m->aad = parameter_part(p->pInfo, p->ulInfoLen);
    if (p->ulSaltType == CKF_HKDF_SALT_DATA)
        m->data = parameter_part(p->pSalt, p->ulSaltLen);
    else if (p->ulSaltType == CKF_HKDF_SALT_KEY)
        m->key = p->hSaltKey;
    else if (p->ulSaltType != CKF_HKDF_SALT_NULL && p->bExtract)
        return false;
    return m->flags != 0 && part_fits(m->aad) && part_fits(m->data);
}

static bool read_context(const CK_SIGN_ADDITIONAL_CONTEXT *p, struct mechanism *m)
{
    m->number = p->hedgeVariant;
    m->aad = parameter_part(p->pContext, p->ulContextLen);
    return part_fits(m->aad);
}

static bool read_gcm(const CK_GCM_PARAMS *p, struct mechanism *m)
{
    m->iv = parameter_part(p->pIv, p->ulIvLen);
    m->aad = parameter_part(p->pAAD, p->ulAADLen);
    m->number = p->ulTagBits;
    return m->iv.p != NULL && m->iv.len > 0 && m->iv.len <= IV_MAX && part_fits(m->aad);
}

static bool read_ecdh(const CK_ECDH1_DERIVE_PARAMS *p, struct mechanism *m)
{
    m->number = p->kdf;
    m->aad = parameter_part(p->pSharedData, p->ulSharedDataLen);
    m->data = parameter_part(p->pPublicData, p->ulPublicDataLen);
    return part_fits(m->aad) && part_fits(m->data) && m->data.len > 0;
}

/* The parameter as it lies at `p`, whose length is right for its form. */
static bool read_structure(enum parameter_form form, const void *p, struct mechanism *m)
{
    switch (form) {
    case PARAMETER_PSS: {
        const CK_RSA_PKCS_PSS_PARAMS *pss = p;

        m->hash = pss->hashAlg;
        m->mgf = pss->mgf;
        m->number = pss->sLen;
        return true;
    }
    case PARAMETER_OAEP:
        return read_oaep(p, m);
    case PARAMETER_RSA_AES_WRAP: {
        const CK_RSA_AES_KEY_WRAP_PARAMS *w = p;

        m->number = w->ulAESKeyBits;
        return w->pOAEPParams != NULL && read_oaep(w->pOAEPParams, m);
    }
    case PARAMETER_EDDSA: {
        const CK_EDDSA_PARAMS *e = p;

        m->flags = e->phFlag ? MECHANISM_EDDSA_PREHASH : 0;
        m->aad = parameter_part(e->pContextData, e->ulContextDataLen);
        return part_fits(m->aad);
    }
    case PARAMETER_CONTEXT:
        return read_context(p, m);
    case PARAMETER_HASH_CONTEXT: {
        const CK_HASH_SIGN_ADDITIONAL_CONTEXT *h = p;

        m->hash = h->hash;
        m->number = h->hedgeVariant;
        m->aad = parameter_part(h->pContext, h->ulContextLen);
        return part_fits(m->aad);
    }
    case PARAMETER_CTR: {
        const CK_AES_CTR_PARAMS *c = p;

        m->number = c->ulCounterBits;
        m->iv = span_of(c->cb, sizeof c->cb);
        return true;
    }
    case PARAMETER_GCM:
        return read_gcm(p, m);
    case PARAMETER_GMAC: /* the message is the additional data */
        return read_gcm(p, m) && m->aad.len == 0;
    case PARAMETER_NUMBER:
        m->number = *(const CK_ULONG *)p;
        return true;
    case PARAMETER_HANDLE:
        m->key = *(const CK_OBJECT_HANDLE *)p;
        return true;
    case PARAMETER_ECDH:
        return read_ecdh(p, m);
    case PARAMETER_HKDF:
        return read_hkdf(p, m);
    case PARAMETER_SEAL: {
        const CK_STRONGROOM_SEAL_PARAMS *s = p;

        m->aad = parameter_part(s->pContext, s->ulContextLen);
        return has(m->aad) && m->aad.len <= STRONGROOM_SEAL_CONTEXT_MAX;
    }
    case PARAMETER_STRING: {
        const CK_KEY_DERIVATION_STRING_DATA *s = p;

        m->data = parameter_part(s->pData, s->ulLen);
        return part_fits(m->data);
    }
    default:
        return false;
    }
}

static const size_t form_sizes[] = {
    [PARAMETER_PSS] = sizeof(CK_RSA_PKCS_PSS_PARAMS),
    [PARAMETER_OAEP] = sizeof(CK_RSA_PKCS_OAEP_PARAMS),
    [PARAMETER_RSA_AES_WRAP] = sizeof(CK_RSA_AES_KEY_WRAP_PARAMS),
    [PARAMETER_EDDSA] = sizeof(CK_EDDSA_PARAMS),
    [PARAMETER_CONTEXT] = sizeof(CK_SIGN_ADDITIONAL_CONTEXT),
    [PARAMETER_HASH_CONTEXT] = sizeof(CK_HASH_SIGN_ADDITIONAL_CONTEXT),
    [PARAMETER_CTR] = sizeof(CK_AES_CTR_PARAMS),
    [PARAMETER_GCM] = sizeof(CK_GCM_PARAMS),
    [PARAMETER_GMAC] = sizeof(CK_GCM_PARAMS),
    [PARAMETER_NUMBER] = sizeof(CK_ULONG),
    [PARAMETER_HANDLE] = sizeof(CK_OBJECT_HANDLE),
    [PARAMETER_ECDH] = sizeof(CK_ECDH1_DERIVE_PARAMS),
    [PARAMETER_HKDF] = sizeof(CK_HKDF_PARAMS),
    [PARAMETER_SEAL] = sizeof(CK_STRONGROOM_SEAL_PARAMS),
    [PARAMETER_STRING] = sizeof(CK_KEY_DERIVATION_STRING_DATA),
};

static bool read_parameter(enum parameter_form form, struct span p, struct mechanism *m)
{
    if (!has(p))
        return false;
    switch (form) {
    case PARAMETER_NONE:
        return p.len == 0;
    case PARAMETER_IV16:
        m->iv = p;
        return p.len == 16;
    case PARAMETER_GMAC:
        if (p.len == GMAC_IV_LEN) {
            m->iv = p;
            m->number = GMAC_TAG_BITS;
            return true;
        }
        break;
    case PARAMETER_WRAP_IV:
        m->iv = p;
        return p.len == 0 || p.len == 4 || p.len == 8;
    case PARAMETER_EDDSA:
    case PARAMETER_CONTEXT:
        if (p.len == 0)
            return true;
        break;
    default:
        break;
    }
    m->has_parameter = true;
    return p.len == form_sizes[form] && read_structure(form, p.p, m);
}

CK_RV mechanism_convert(const CK_MECHANISM *in, struct mechanism *out)
{
    const struct mechanism_shape *shape;

    if (in == NULL)
        return CKR_ARGUMENTS_BAD;
    *out = (struct mechanism){ .type = in->mechanism };
    if ((shape = mechanism_shape(in->mechanism)) == NULL)
        return CKR_MECHANISM_INVALID;
    return read_parameter(shape->form, span_of(in->pParameter, in->ulParameterLen), out) ? CKR_OK
                                                                                         : CKR_MECHANISM_PARAM_INVALID;
}

size_t mechanism_parts_len(const struct mechanism *m)
{
    return m->iv.len + m->aad.len + m->data.len;
}

void mechanism_keep(struct mechanism *m, uint8_t *parts)
{
    struct span *const spans[] = { &m->iv, &m->aad, &m->data };

    for (unsigned i = 0; i < ARRAY_LEN(spans); i++) {
        if (spans[i]->len > 0)
            memcpy(parts, spans[i]->p, spans[i]->len);
        spans[i]->p = parts;
        parts += spans[i]->len;
    }
}
