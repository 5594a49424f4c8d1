#include "provisioning/attest/tpm_quote.h"

#include <openssl/sha.h>

/* Part 2: 6.2, 6.9, 6.3. */
#define TPM_GENERATED_VALUE 0xff544347u
#define TPM_ST_ATTEST_QUOTE 0x8018u
#define TPM_ALG_SHA256      0x000bu

#define CLOCK_INFO_LEN (8 + 4 + 4 + 1)
#define SELECT_LEN     3

/* What is left; `p` is NULL once something was missing. */
static uint32_t take_number(struct span *in, unsigned len)
{
    uint32_t v = 0;

    if (in->p == NULL || in->len < len) {
        *in = span_of(NULL, 0);
        return 0;
    }
    for (unsigned i = 0; i < len; i++)
        v = v << 8 | in->p[i];
    *in = span_of(in->p + len, in->len - len);
    return v;
}

static struct span take_bytes(struct span *in, size_t len)
{
    struct span out = span_of(in->p, len);

    if (in->p == NULL || in->len < len) {
        *in = span_of(NULL, 0);
        return *in;
    }
    *in = span_of(in->p + len, in->len - len);
    return out;
}

static struct span take_sized(struct span *in)
{
    return take_bytes(in, take_number(in, 2));
}

/* TPML_PCR_SELECTION of one bank and one PCR. */
static bool selects_our_pcr(struct span *in)
{
    static const uint8_t wanted[SELECT_LEN] = { [TPM_QUOTE_PCR / 8] = 1 << TPM_QUOTE_PCR % 8 };

    return take_number(in, 4) == 1 && take_number(in, 2) == TPM_ALG_SHA256 && take_number(in, 1) == SELECT_LEN &&
           span_equal(take_bytes(in, SELECT_LEN), span_of(wanted, sizeof wanted));
}

enum status tpm_quote_parse(struct span attest, struct tpm_quote *out)
{
    struct span in = attest;

    *out = (struct tpm_quote){ 0 };
    if (take_number(&in, 4) != TPM_GENERATED_VALUE || take_number(&in, 2) != TPM_ST_ATTEST_QUOTE)
        return ST_BAD_REQUEST;
    take_sized(&in); /* qualifiedSigner: the key is known by itself */
    out->extra_data = take_sized(&in);
    take_bytes(&in, CLOCK_INFO_LEN);
    take_bytes(&in, 8); /* firmwareVersion, of the TPM */
    if (!selects_our_pcr(&in))
        return ST_BAD_REQUEST;
    out->pcr_digest = take_sized(&in);
    return in.p != NULL && in.len == 0 ? ST_OK : ST_BAD_REQUEST;
}

void tpm_quote_digest(const uint8_t image[32], uint8_t out[32])
{
    uint8_t extended[64] = { 0 }, pcr[32];

    memcpy(extended + 32, image, 32);
    SHA256(extended, sizeof extended, pcr);
    SHA256(pcr, sizeof pcr, out);
}
