/* Templates and mechanisms from a caller that means no good. Values lie at the end of a page that nothing follows, so
 * that a byte read too many ends the test. */
#include <sys/mman.h>
#include <unistd.h>

#include "pkcs11/module/mechanism_wire.h"
#include "pkcs11/module/parameter.h"
#include "pkcs11/module/pkcs11_3.h"
#include "pkcs11/module/strongroom.h"
#include "pkcs11/module/template.h"
#include "tests/unit/harness.h"

static uint8_t *edge;

static int make_edge(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED || mprotect(p + page, page, PROT_NONE) != 0)
        return 1;
    edge = p + page;
    return 0;
}

static void *at_edge(const void *p, size_t len)
{
    memcpy(edge - len, p, len);
    return edge - len;
}

static CK_RV convert(const CK_ATTRIBUTE *a, CK_ULONG count)
{
    struct template t;
    CK_RV rv = template_to_wire(a, count, &t);

    template_clear(&t);
    return rv;
}

static void counts_and_lengths_of_all_ones(void)
{
    CK_ATTRIBUTE one = { CKA_LABEL, edge - 1, 1 };
    CK_ATTRIBUTE *a = at_edge(&one, sizeof one);

    CU_ASSERT(convert(a, 1) == CKR_OK);
    CU_ASSERT(convert(NULL, 0) == CKR_OK);
    CU_ASSERT(convert(a, (CK_ULONG)-1) == CKR_ARGUMENTS_BAD);
    CU_ASSERT(convert(a, TEMPLATE_ATTRIBUTES_MAX + 1) == CKR_ARGUMENTS_BAD);
    CU_ASSERT(convert(NULL, 1) == CKR_ARGUMENTS_BAD);
    a->ulValueLen = (CK_ULONG)-1;
    CU_ASSERT(convert(a, 1) == CKR_ATTRIBUTE_VALUE_INVALID);
    a->ulValueLen = ATTRIBUTE_VALUE_MAX + 1;
    CU_ASSERT(convert(a, 1) == CKR_ATTRIBUTE_VALUE_INVALID);
    *a = (CK_ATTRIBUTE){ CKA_VALUE, NULL, 1 };
    CU_ASSERT(convert(a, 1) == CKR_ATTRIBUTE_VALUE_INVALID);
    *a = (CK_ATTRIBUTE){ CKA_VALUE, NULL, 0 };
    CU_ASSERT(convert(a, 1) == CKR_OK);
}

static void templates_inside_templates(void)
{
    uint8_t yes = 1;
    CK_ATTRIBUTE inner[2] = { { CKA_ENCRYPT, &yes, 1 }, { CKA_LABEL, &yes, 1 } };
    CK_ATTRIBUTE outer = { CKA_WRAP_TEMPLATE, at_edge(inner, sizeof inner), sizeof inner }, *in = outer.pValue;
    static uint8_t block[BUDGET_SIZE];
    struct budget b;
    Ks__Template *back;
    struct template t;

    budget_init(&b, block, sizeof block);
    CU_ASSERT_FATAL(template_to_wire(&outer, 1, &t) == CKR_OK);
    CU_ASSERT_FATAL(template_unpack(span_of(t.attributes[0].value.data, t.attributes[0].value.len), &b, &back) ==
                    ST_OK);
    CU_ASSERT(back->n_attributes == 2 && back->attributes[1]->type == CKA_LABEL);
    template_clear(&t);
    outer.ulValueLen = sizeof inner - 1;
    CU_ASSERT(convert(&outer, 1) == CKR_ATTRIBUTE_VALUE_INVALID);
    outer.ulValueLen = sizeof inner;
    in[1].type = CKA_UNWRAP_TEMPLATE; /* one level, no more */
    CU_ASSERT(convert(&outer, 1) == CKR_ATTRIBUTE_VALUE_INVALID);
    in[1] = (CK_ATTRIBUTE){ CKA_LABEL, NULL, 5 };
    CU_ASSERT(convert(&outer, 1) == CKR_ATTRIBUTE_VALUE_INVALID);
    in[1] = (CK_ATTRIBUTE){ CKA_LABEL, &yes, (CK_ULONG)-1 };
    CU_ASSERT(convert(&outer, 1) == CKR_ATTRIBUTE_VALUE_INVALID);
}

static void answers_are_given_by_the_rule(void)
{
    Ks__Attribute a[3] = { KS__ATTRIBUTE__INIT, KS__ATTRIBUTE__INIT, KS__ATTRIBUTE__INIT };
    Ks__Attribute *pointers[] = { &a[0], &a[1], &a[2] };
    Ks__Template answer = KS__TEMPLATE__INIT;
    uint8_t value[4], block[256];
    CK_ATTRIBUTE out[3] = { { CKA_LABEL, value, 4 }, { CKA_VALUE, value, 4 }, { CKA_ID, NULL, 0 } };
    struct budget b;

    budget_init(&b, block, sizeof block);
    a[0].type = CKA_LABEL;
    a[0].value = (ProtobufCBinaryData){ .data = (uint8_t *)"abcd", .len = 4 };
    a[1].type = CKA_VALUE;
    a[1].state = 1;
    a[2].type = CKA_ID;
    a[2].state = 2;
    answer.attributes = pointers;
    answer.n_attributes = 3;
    CU_ASSERT(template_from_wire(&answer, out, 3, &b) == CKR_ATTRIBUTE_SENSITIVE);
    CU_ASSERT(out[0].ulValueLen == 4 && memcmp(value, "abcd", 4) == 0);
    CU_ASSERT(out[1].ulValueLen == CK_UNAVAILABLE_INFORMATION && out[2].ulValueLen == CK_UNAVAILABLE_INFORMATION);
    answer.n_attributes = 1;
    out[0].ulValueLen = 3;
    CU_ASSERT(template_from_wire(&answer, out, 1, &b) == CKR_BUFFER_TOO_SMALL);
    CU_ASSERT(out[0].ulValueLen == CK_UNAVAILABLE_INFORMATION);
    out[0] = (CK_ATTRIBUTE){ CKA_LABEL, NULL, 77 };
    CU_ASSERT(template_from_wire(&answer, out, 1, &b) == CKR_OK && out[0].ulValueLen == 4);
    /* An answer to something else. */
    CU_ASSERT(template_from_wire(&answer, out, 2, &b) == CKR_DEVICE_ERROR);
    out[0].type = CKA_ID;
    CU_ASSERT(template_from_wire(&answer, out, 1, &b) == CKR_DEVICE_ERROR);
}

static CK_RV mechanism(CK_MECHANISM_TYPE type, void *parameter, CK_ULONG len)
{
    CK_MECHANISM m = { type, parameter, len };
    struct mechanism out;

    return mechanism_convert(&m, &out);
}

static void mechanisms_nobody_knows(void)
{
    struct mechanism out;

    CU_ASSERT(mechanism_convert(NULL, &out) == CKR_ARGUMENTS_BAD);
    CU_ASSERT(mechanism(CKM_VENDOR_DEFINED | 7, NULL, 0) == CKR_MECHANISM_INVALID);
    CU_ASSERT(mechanism(CKM_DES3_CBC, NULL, 0) == CKR_MECHANISM_INVALID);
}

static void parameters_of_a_wrong_size(void)
{
    static const struct {
        CK_MECHANISM_TYPE type;
        CK_ULONG size;
    } sized[] = {
        { CKM_RSA_PKCS_PSS, sizeof(CK_RSA_PKCS_PSS_PARAMS) },
        { CKM_RSA_PKCS_OAEP, sizeof(CK_RSA_PKCS_OAEP_PARAMS) },
        { CKM_RSA_AES_KEY_WRAP, sizeof(CK_RSA_AES_KEY_WRAP_PARAMS) },
        { CKM_AES_CBC, 16 },
        { CKM_AES_CBC_PAD, 16 },
        { CKM_AES_CTR, sizeof(CK_AES_CTR_PARAMS) },
        { CKM_AES_GCM, sizeof(CK_GCM_PARAMS) },
        { CKM_AES_CMAC_GENERAL, sizeof(CK_ULONG) },
        { CKM_ECDH1_DERIVE, sizeof(CK_ECDH1_DERIVE_PARAMS) },
        { CKM_HKDF_DERIVE, sizeof(CK_HKDF_PARAMS) },
        { CKM_STRONGROOM_SEAL, sizeof(CK_STRONGROOM_SEAL_PARAMS) },
        { CKM_HASH_ML_DSA, sizeof(CK_HASH_SIGN_ADDITIONAL_CONTEXT) },
    };

    for (unsigned i = 0; i < ARRAY_LEN(sized); i++) {
        CU_ASSERT(mechanism(sized[i].type, NULL, 0) == CKR_MECHANISM_PARAM_INVALID);
        CU_ASSERT(mechanism(sized[i].type, NULL, sized[i].size) == CKR_MECHANISM_PARAM_INVALID);
        for (CK_ULONG less = 1; less < sized[i].size; less++) /* just as much as that is there */
            CU_ASSERT(mechanism(sized[i].type, edge - less, less) == CKR_MECHANISM_PARAM_INVALID);
        CU_ASSERT(mechanism(sized[i].type, edge - 1, (CK_ULONG)-1) == CKR_MECHANISM_PARAM_INVALID);
    }
    CU_ASSERT(mechanism(CKM_ECDSA, edge - 1, 1) == CKR_MECHANISM_PARAM_INVALID);
    CU_ASSERT(mechanism(CKM_ECDSA, NULL, 1) == CKR_MECHANISM_PARAM_INVALID);
    CU_ASSERT(mechanism(CKM_ECDSA, edge - 1, 0) == CKR_OK);
    CU_ASSERT(mechanism(CKM_EDDSA, NULL, 0) == CKR_OK);
    CU_ASSERT(mechanism(CKM_AES_KEY_WRAP, edge - 7, 7) == CKR_MECHANISM_PARAM_INVALID);
    CU_ASSERT(mechanism(CKM_AES_KEY_WRAP, edge - 8, 8) == CKR_OK);
}

static void pointers_inside_parameters(void)
{
    uint8_t bytes[16] = { 0 };
    CK_GCM_PARAMS gcm = { .pIv = bytes, .ulIvLen = 12, .ulTagBits = 128 };
    CK_RSA_PKCS_OAEP_PARAMS oaep = { .hashAlg = CKM_SHA256, .mgf = CKG_MGF1_SHA256, .source = CKZ_DATA_SPECIFIED };
    CK_RSA_AES_KEY_WRAP_PARAMS wrap = { 256, NULL };
    CK_ECDH1_DERIVE_PARAMS ecdh = { .kdf = CKD_NULL };
    CK_HKDF_PARAMS hkdf = { .bExtract = 1, .ulSaltType = CKF_HKDF_SALT_DATA, .ulSaltLen = 1 };
    CK_SIGN_ADDITIONAL_CONTEXT context = { 0, NULL, 1 };
    CK_STRONGROOM_SEAL_PARAMS seal = { NULL, 1 };

    CU_ASSERT(mechanism(CKM_AES_GCM, &gcm, sizeof gcm) == CKR_OK);
    gcm.ulIvLen = 0;
    CU_ASSERT(mechanism(CKM_AES_GCM, &gcm, sizeof gcm) == CKR_MECHANISM_PARAM_INVALID);
    gcm = (CK_GCM_PARAMS){ .pIv = NULL, .ulIvLen = 12, .ulTagBits = 128 };
    CU_ASSERT(mechanism(CKM_AES_GCM, &gcm, sizeof gcm) == CKR_MECHANISM_PARAM_INVALID);
    gcm = (CK_GCM_PARAMS){ .pIv = bytes, .ulIvLen = 12, .ulAADLen = 1 };
    CU_ASSERT(mechanism(CKM_AES_GCM, &gcm, sizeof gcm) == CKR_MECHANISM_PARAM_INVALID);
    gcm = (CK_GCM_PARAMS){ .pIv = bytes, .ulIvLen = 12, .pAAD = bytes, .ulAADLen = (CK_ULONG)-1 };
    CU_ASSERT(mechanism(CKM_AES_GCM, &gcm, sizeof gcm) == CKR_MECHANISM_PARAM_INVALID);
    CU_ASSERT(mechanism(CKM_RSA_PKCS_OAEP, &oaep, sizeof oaep) == CKR_OK);
    oaep.ulSourceDataLen = 3;
    CU_ASSERT(mechanism(CKM_RSA_PKCS_OAEP, &oaep, sizeof oaep) == CKR_MECHANISM_PARAM_INVALID);
    oaep = (CK_RSA_PKCS_OAEP_PARAMS){ .source = 2 };
    CU_ASSERT(mechanism(CKM_RSA_PKCS_OAEP, &oaep, sizeof oaep) == CKR_MECHANISM_PARAM_INVALID);
    CU_ASSERT(mechanism(CKM_RSA_AES_KEY_WRAP, &wrap, sizeof wrap) == CKR_MECHANISM_PARAM_INVALID);
    CU_ASSERT(mechanism(CKM_ECDH1_DERIVE, &ecdh, sizeof ecdh) == CKR_MECHANISM_PARAM_INVALID);
    CU_ASSERT(mechanism(CKM_HKDF_DERIVE, &hkdf, sizeof hkdf) == CKR_MECHANISM_PARAM_INVALID);
    hkdf = (CK_HKDF_PARAMS){ .bExtract = 1, .ulSaltType = 9 };
    CU_ASSERT(mechanism(CKM_HKDF_DERIVE, &hkdf, sizeof hkdf) == CKR_MECHANISM_PARAM_INVALID);
    CU_ASSERT(mechanism(CKM_ML_DSA, &context, sizeof context) == CKR_MECHANISM_PARAM_INVALID);
    CU_ASSERT(mechanism(CKM_STRONGROOM_SEAL, &seal, sizeof seal) == CKR_MECHANISM_PARAM_INVALID);
    seal = (CK_STRONGROOM_SEAL_PARAMS){ bytes, STRONGROOM_SEAL_CONTEXT_MAX + 1 };
    CU_ASSERT(mechanism(CKM_STRONGROOM_SEAL, &seal, sizeof seal) == CKR_MECHANISM_PARAM_INVALID);
}

static CK_RV value(CK_MECHANISM_TYPE type, struct mechanism m)
{
    m.type = type;
    return parameter_check(&m, mechanism_shape(type), 2048);
}

static void values_of_parameters(void)
{
    static const struct {
        CK_MECHANISM_TYPE type;
        struct mechanism good, bad;
    } values[] = {
        { CKM_AES_GCM, { .number = 96 }, { .number = 88 } },
        { CKM_AES_GCM, { .number = 128 }, { .number = 136 } },
        { CKM_AES_GCM, { .number = 104 }, { .number = 100 } },
        { CKM_AES_CTR, { .number = 128 }, { .number = 129 } },
        { CKM_AES_CTR, { .number = 1 }, { .number = 0 } },
        { CKM_SHA256_HMAC_GENERAL, { .number = 32 }, { .number = 33 } },
        { CKM_AES_CMAC_GENERAL, { .number = 10 }, { .number = 9 } },
        { CKM_EDDSA, { .aad.len = 255 }, { .aad.len = 256 } },
        { CKM_ML_DSA, { .number = CKH_DETERMINISTIC_REQUIRED }, { .number = 3 } },
        { CKM_ML_DSA, { .aad.len = 255 }, { .aad.len = 256 } },
        { CKM_HASH_ML_DSA, { .hash = CKM_SHA512 }, { .hash = CKM_SHA512_HMAC } },
        { CKM_AES_KEY_WRAP, { .iv.len = 8 }, { .iv.len = 4 } },
        { CKM_AES_KEY_WRAP_KWP, { .iv.len = 4 }, { .iv.len = 8 } },
        { CKM_RSA_PKCS_OAEP, { .hash = CKM_SHA_1, .mgf = 1 }, { .hash = CKM_SHA_1, .mgf = 10 } },
        { CKM_RSA_PKCS_OAEP, { .hash = CKM_SHA3_256, .mgf = 7 }, { .hash = CKM_ECDSA, .mgf = 7 } },
        { CKM_RSA_PKCS_PSS,
          { .hash = CKM_SHA256, .mgf = 2, .number = 222 },
          { .hash = CKM_SHA256, .mgf = 2, .number = 223 } },
        { CKM_RSA_PKCS_PSS,
          { .hash = CKM_SHA256, .mgf = 2 },
          { .hash = CKM_SHA256, .mgf = 2, .number = (CK_ULONG)-8 } },
        { CKM_SHA256_RSA_PKCS_PSS, { .hash = CKM_SHA256, .mgf = 2 }, { .hash = CKM_SHA384, .mgf = 2 } },
    };

    for (unsigned i = 0; i < ARRAY_LEN(values); i++) {
        CU_ASSERT(value(values[i].type, values[i].good) == CKR_OK);
        CU_ASSERT(value(values[i].type, values[i].bad) == CKR_MECHANISM_PARAM_INVALID);
    }
}

static void a_kept_mechanism_outlives_the_callers(void)
{
    CK_AES_CTR_PARAMS ctr = { .ulCounterBits = 64, .cb = "0123456789abcde" };
    CK_MECHANISM m = { CKM_AES_CTR, &ctr, sizeof ctr };
    uint8_t parts[16];
    struct mechanism kept;

    CU_ASSERT_FATAL(mechanism_convert(&m, &kept) == CKR_OK);
    CU_ASSERT_FATAL(mechanism_parts_len(&kept) == sizeof parts);
    mechanism_keep(&kept, parts);
    memset(&ctr, 0, sizeof ctr);
    CU_ASSERT(kept.number == 64 && kept.iv.len == 16 && memcmp(kept.iv.p, "0123456789abcde", 15) == 0);
}

int main(void)
{
    static CU_TestInfo cases[] = {
        { "counts and lengths of all ones, NULL with a length", counts_and_lengths_of_all_ones },
        { "templates inside templates, one level", templates_inside_templates },
        { "answers are given by the rule of C_GetAttributeValue", answers_are_given_by_the_rule },
        { "mechanisms nobody knows, and none", mechanisms_nobody_knows },
        { "parameters of a wrong size are not read", parameters_of_a_wrong_size },
        { "pointers and lengths inside parameters", pointers_inside_parameters },
        { "values of parameters", values_of_parameters },
        { "a kept mechanism outlives the caller's", a_kept_mechanism_outlives_the_callers },
        CU_TEST_INFO_NULL
    };
    CU_SuiteInfo suites[] = { { "pkcs11 hostile input", make_edge, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
