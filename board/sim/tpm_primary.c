#include "board/sim/tpm_command.h"

enum status tpm_create_primary(struct tpm *t, const struct tpm_template *key, uint32_t *handle, struct tpm_reader *out)
{
    struct tpm_writer w;
    size_t size;

    tpm_begin(&w, CC_CREATE_PRIMARY, RH_OWNER, RS_PW);
    size = tpm_size_begin(&w);
    tpm_put_sized(&w, span_of(NULL, 0)); /* authorisation */
    tpm_put_sized(&w, span_of(NULL, 0)); /* data */
    tpm_size_end(&w, size);
    size = tpm_size_begin(&w);
    tpm_put_u16(&w, ALG_ECC);
    tpm_put_u16(&w, ALG_SHA256);
    tpm_put_u32(&w, key->attributes);
    tpm_put_sized(&w, span_of(NULL, 0)); /* policy */
    for (size_t i = 0; i < key->count; i++)
        tpm_put_u16(&w, key->algorithms[i]);
    tpm_put_u16(&w, ECC_NIST_P256);
    tpm_put_u16(&w, ALG_NULL);           /* KDF */
    tpm_put_sized(&w, span_of(NULL, 0)); /* x */
    tpm_put_sized(&w, span_of(NULL, 0)); /* y */
    tpm_size_end(&w, size);
    tpm_put_sized(&w, span_of(NULL, 0)); /* outside information */
    tpm_put_u32(&w, 0);                  /* creation PCRs */
    return tpm_run(t, &w, handle, out);
}
