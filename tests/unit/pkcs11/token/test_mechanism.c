/* Every algorithm on a real token, checked by libcrypto with the public key that came with the sealed key. */
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "pkcs11/module/strongroom.h"
#include "tests/unit/pkcs11/token/fixture.h"

static struct token *token;
static struct test_key rsa2048, rsa3072, rsa4096, ec[5], mac, mac_long, aes[3];

static const uint8_t digest64[64] = { 1, 2, 3, 4, 5 };

static int start(void)
{
    struct token_config config = fixture_config();

    token = fixture_open(&config);
    test_key_make(&rsa2048, token, rsa_spec(2048), KEY_USE_SIGN | KEY_USE_DECRYPT, "rsa2048");
    test_key_make(&rsa3072, token, rsa_spec(3072), KEY_USE_SIGN, "rsa3072");
    test_key_make(&rsa4096, token, rsa_spec(4096), KEY_USE_SIGN | KEY_USE_DECRYPT, "rsa4096");
    for (unsigned c = KEY_CURVE_P256; c <= KEY_CURVE_P256K; c++)
        test_key_make(&ec[c], token, ec_spec((enum key_curve)c), KEY_USE_SIGN, "ec");
    test_key_make(&mac, token, oct_spec(256), KEY_USE_SIGN, "mac");
    test_key_make(&mac_long, token, oct_spec(512), KEY_USE_SIGN, "mac");
    for (unsigned i = 0; i < 3; i++)
        test_key_make(&aes[i], token, oct_spec(128 + 64 * i), KEY_USE_DECRYPT | KEY_USE_WRAP, "aes");
    return 0;
}

static int stop(void)
{
    test_key_clear(&rsa2048);
    test_key_clear(&rsa3072);
    test_key_clear(&rsa4096);
    for (unsigned c = KEY_CURVE_P256; c <= KEY_CURVE_P256K; c++)
        test_key_clear(&ec[c]);
    test_key_clear(&mac);
    test_key_clear(&mac_long);
    for (unsigned i = 0; i < 3; i++)
        test_key_clear(&aes[i]);
    token_close(token);
    return 0;
}

static EVP_PKEY *public_of(const struct test_key *k)
{
    const uint8_t *p = k->public_der.p;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &p, (long)k->public_der.len);

    CU_ASSERT_PTR_NOT_NULL_FATAL(key);
    CU_ASSERT_PTR_EQUAL(p, k->public_der.p + k->public_der.len);
    return key;
}

static struct span digest_for(enum token_alg alg)
{
    unsigned len = alg_info(alg)->digest_len;

    return span_of(digest64, len != 0 ? len : 20);
}

static bool libcrypto_verifies(const struct test_key *k, enum token_alg alg, struct span digest, struct span signature)
{
    EVP_PKEY *key = public_of(k);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    const struct alg_info *info = alg_info(alg);
    bool ok = EVP_PKEY_verify_init(ctx) == 1;

    if (info->type == KEY_TYPE_RSA) {
        bool pss = info->name[0] == 'P';

        ok = ok && EVP_PKEY_CTX_set_rsa_padding(ctx, pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) == 1 &&
             (info->digest == NULL || EVP_PKEY_CTX_set_signature_md(ctx, EVP_get_digestbyname(info->digest)) == 1) &&
             (!pss || EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1) &&
             EVP_PKEY_verify(ctx, signature.p, signature.len, digest.p, digest.len) == 1;
    } else {
        size_t half = signature.len / 2;
        ECDSA_SIG *sig = ECDSA_SIG_new();
        unsigned char *der = NULL;
        int len;

        ECDSA_SIG_set0(sig, BN_bin2bn(signature.p, (int)half, NULL), BN_bin2bn(signature.p + half, (int)half, NULL));
        len = i2d_ECDSA_SIG(sig, &der);
        ok = ok && EVP_PKEY_verify(ctx, der, (size_t)len, digest.p, digest.len) == 1;
        OPENSSL_free(der);
        ECDSA_SIG_free(sig);
    }
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return ok;
}

static void check_signature(const struct test_key *k, enum token_alg alg)
{
    struct token_job job = { 0 };

    CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_SIGN, alg, k, digest_for(alg)), ST_OK);
    CU_ASSERT_EQUAL(job.output.len, key_signature_len(&k->sealed.spec));
    CU_ASSERT_TRUE(libcrypto_verifies(k, alg, digest_for(alg), bytes_span(&job.output)));
    if (job.output.len > 0)
        job.output.p[3] ^= 1;
    CU_ASSERT_FALSE(libcrypto_verifies(k, alg, digest_for(alg), bytes_span(&job.output)));
    token_job_clear(&job);
}

static void rsa_signs(void)
{
    static const enum token_alg algs[] = { TOKEN_RS256, TOKEN_RS384, TOKEN_RS512, TOKEN_PS256,
                                           TOKEN_PS384, TOKEN_PS512, TOKEN_RSNULL };

    for (unsigned i = 0; i < ARRAY_LEN(algs); i++) {
        check_signature(&rsa2048, algs[i]);
        check_signature(&rsa3072, algs[i]);
        check_signature(&rsa4096, algs[i]);
    }
}

static void ec_signs(void)
{
    check_signature(&ec[KEY_CURVE_P256], TOKEN_ES256);
    check_signature(&ec[KEY_CURVE_P384], TOKEN_ES384);
    check_signature(&ec[KEY_CURVE_P521], TOKEN_ES512);
    check_signature(&ec[KEY_CURVE_P256K], TOKEN_ES256K);
}

static void wrong_digest_lengths(void)
{
    static const struct {
        const struct test_key *key;
        enum token_alg alg;
    } cases[] = { { &rsa2048, TOKEN_RS256 },
                  { &rsa2048, TOKEN_PS512 },
                  { &ec[KEY_CURVE_P256], TOKEN_ES256 },
                  { &ec[KEY_CURVE_P521], TOKEN_ES512 },
                  { &ec[KEY_CURVE_P256K], TOKEN_ES256K } };
    struct token_job job = { 0 };

    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        size_t len = alg_info(cases[i].alg)->digest_len;

        CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_SIGN, cases[i].alg, cases[i].key, span_of(digest64, len - 1)),
                        ST_BAD_REQUEST);
        CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_SIGN, cases[i].alg, cases[i].key, span_of(NULL, 0)), ST_BAD_REQUEST);
    }
    CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_SIGN, TOKEN_RSNULL, &rsa2048, span_of(NULL, 0)), ST_BAD_REQUEST);
    {
        uint8_t large[246] = { 0 };

        CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_SIGN, TOKEN_RSNULL, &rsa2048, span_of(large, 246)), ST_BAD_REQUEST);
        CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_SIGN, TOKEN_RSNULL, &rsa2048, span_of(large, 245)), ST_OK);
    }
    CU_ASSERT_EQUAL(job.output.len, 256);
    token_job_clear(&job);
}

static void wrong_algorithms(void)
{
    static const struct {
        const struct test_key *key;
        enum token_op op;
        enum token_alg alg;
        enum status want;
    } cases[] = {
        { &rsa2048, TOKEN_SIGN, TOKEN_ES256, ST_UNSUPPORTED },
        { &ec[KEY_CURVE_P256], TOKEN_SIGN, TOKEN_ES384, ST_UNSUPPORTED },
        { &ec[KEY_CURVE_P256], TOKEN_SIGN, TOKEN_ES256K, ST_UNSUPPORTED }, /* the same size, another curve */
        { &rsa2048, TOKEN_SIGN, TOKEN_RSA_OAEP, ST_UNSUPPORTED },
        { &rsa2048, TOKEN_DECRYPT, TOKEN_RS256, ST_UNSUPPORTED },
        { &rsa2048, TOKEN_ENCRYPT, TOKEN_RSA_OAEP, ST_UNSUPPORTED },
        { &rsa3072, TOKEN_DECRYPT, TOKEN_RSA_OAEP, ST_NOT_PERMITTED },
        { &mac, TOKEN_SIGN, TOKEN_HS384, ST_UNSUPPORTED }, /* too short for the hash */
        { &mac, TOKEN_ENCRYPT, TOKEN_A256GCM, ST_NOT_PERMITTED },
        { &mac, TOKEN_WRAP, TOKEN_A256KW, ST_NOT_PERMITTED },
        { &aes[2], TOKEN_SIGN, TOKEN_HS256, ST_NOT_PERMITTED },
        { &aes[0], TOKEN_ENCRYPT, TOKEN_A256GCM, ST_UNSUPPORTED },
        { &aes[0], TOKEN_WRAP, TOKEN_A128GCM, ST_UNSUPPORTED },
        { &aes[0], TOKEN_ENCRYPT, TOKEN_A128KW, ST_UNSUPPORTED },
        { &aes[0], TOKEN_SIGN, TOKEN_ALG_NONE, ST_UNSUPPORTED },
        { &aes[0], TOKEN_SIGN, (enum token_alg)999, ST_BAD_REQUEST },
        { &aes[0], (enum token_op)77, TOKEN_HS256, ST_BAD_REQUEST },
    };
    struct token_job job = { 0 };

    for (unsigned i = 0; i < ARRAY_LEN(cases); i++)
        CU_ASSERT_EQUAL(run_on(token, &job, cases[i].op, cases[i].alg, cases[i].key, span_of(digest64, 32)),
                        cases[i].want);
    token_job_clear(&job);
}

static size_t encrypt_by_libcrypto(const struct test_key *k, int padding, const EVP_MD *md, struct span message,
                                   uint8_t out[512])
{
    EVP_PKEY *key = public_of(k);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    size_t len = 512;
    bool ok =
        EVP_PKEY_encrypt_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, padding) == 1 &&
        (md == NULL || (EVP_PKEY_CTX_set_rsa_oaep_md(ctx, md) == 1 && EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) == 1)) &&
        EVP_PKEY_encrypt(ctx, out, &len, message.p, message.len) == 1;

    CU_ASSERT_TRUE(ok);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(key);
    return ok ? len : 0;
}

static const struct {
    enum token_alg alg;
    int padding;
    const char *md;
} rsa_modes[] = { { TOKEN_RSA_OAEP, RSA_PKCS1_OAEP_PADDING, "SHA1" },
                  { TOKEN_RSA_OAEP_256, RSA_PKCS1_OAEP_PADDING, "SHA256" },
                  { TOKEN_RSA1_5, RSA_PKCS1_PADDING, NULL } };

static void rsa_decrypts(void)
{
    const struct test_key *keys[] = { &rsa2048, &rsa4096 };
    uint8_t ciphertext[512];

    for (unsigned m = 0; m < ARRAY_LEN(rsa_modes); m++)
        for (unsigned i = 0; i < 2 * 33; i++) {
            const struct test_key *k = keys[i % 2];
            const EVP_MD *md = rsa_modes[m].md != NULL ? EVP_get_digestbyname(rsa_modes[m].md) : NULL;
            struct span message = span_of(digest64, i / 2);
            struct token_job job = { 0 };
            size_t len = encrypt_by_libcrypto(k, rsa_modes[m].padding, md, message, ciphertext);

            CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_DECRYPT, rsa_modes[m].alg, k, span_of(ciphertext, len)), ST_OK);
            CU_ASSERT_TRUE(span_equal(secret_span(&job.secret_output), message));
            token_job_clear(&job);
        }
}

static void bad_oaep(void)
{
    uint8_t ciphertext[512];
    size_t len = encrypt_by_libcrypto(&rsa2048, RSA_PKCS1_OAEP_PADDING, EVP_sha1(), span_of(digest64, 16), ciphertext);
    struct token_job job = { 0 };

    /* Another hash, an edit, a wrong length, a number above the modulus: one answer. */
    CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_DECRYPT, TOKEN_RSA_OAEP_256, &rsa2048, span_of(ciphertext, len)),
                    ST_BAD_CIPHERTEXT);
    CU_ASSERT_PTR_NULL(job.secret_output.p);
    ciphertext[9] ^= 4;
    CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_DECRYPT, TOKEN_RSA_OAEP, &rsa2048, span_of(ciphertext, len)),
                    ST_BAD_CIPHERTEXT);
    CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_DECRYPT, TOKEN_RSA_OAEP, &rsa2048, span_of(ciphertext, len - 1)),
                    ST_BAD_CIPHERTEXT);
    CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_DECRYPT, TOKEN_RSA_OAEP, &rsa2048, span_of(NULL, 0)), ST_BAD_CIPHERTEXT);
    memset(ciphertext, 0xff, len);
    CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_DECRYPT, TOKEN_RSA_OAEP, &rsa2048, span_of(ciphertext, len)),
                    ST_BAD_CIPHERTEXT);
    memset(ciphertext, 0, len);
    CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_DECRYPT, TOKEN_RSA_OAEP, &rsa2048, span_of(ciphertext, len)),
                    ST_BAD_CIPHERTEXT);
    CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_DECRYPT, TOKEN_RSA_OAEP, &rsa4096, span_of(ciphertext, len)),
                    ST_BAD_CIPHERTEXT);
    CU_ASSERT_TRUE(token_is_up(token)); /* the token's GENERAL_ERROR is not taken for a failure of its own */
    token_job_clear(&job);
}

static void bad_pkcs1_never_shows(void)
{
    uint8_t ciphertext[512];
    size_t lengths[16], distinct = 0;
    struct token_job first = { 0 }, again = { 0 };
    size_t len = encrypt_by_libcrypto(&rsa2048, RSA_PKCS1_PADDING, NULL, span_of(digest64, 16), ciphertext);

    ciphertext[0] = 0; /* stays below the modulus */
    for (unsigned i = 0; i < 16; i++) {
        ciphertext[20] = (uint8_t)i;
        CU_ASSERT_EQUAL(run_on(token, &first, TOKEN_DECRYPT, TOKEN_RSA1_5, &rsa2048, span_of(ciphertext, len)), ST_OK);
        if (i % 4 == 3)
            test_key_new_id(&rsa2048); /* opened anew, the key answers the same */
        CU_ASSERT_EQUAL(run_on(token, &again, TOKEN_DECRYPT, TOKEN_RSA1_5, &rsa2048, span_of(ciphertext, len)), ST_OK);
        CU_ASSERT_TRUE(span_equal(secret_span(&first.secret_output), secret_span(&again.secret_output)));
        CU_ASSERT_TRUE(first.secret_output.len <= 245);
        lengths[i] = first.secret_output.len;
        for (unsigned j = 0; j < i; j++)
            distinct += lengths[j] != lengths[i];
    }
    CU_ASSERT_TRUE(distinct > 60); /* of 120 pairs: the lengths are spread */
    /* What the eye can see without the key is refused openly. */
    CU_ASSERT_EQUAL(run_on(token, &first, TOKEN_DECRYPT, TOKEN_RSA1_5, &rsa2048, span_of(ciphertext, 255)),
                    ST_BAD_CIPHERTEXT);
    token_job_clear(&first);
    token_job_clear(&again);
}

static void hmac_works(void)
{
    static const enum token_alg algs[] = { TOKEN_HS256, TOKEN_HS384, TOKEN_HS512 };
    struct token_job job = { 0 }, again = { 0 };

    for (unsigned i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_SIGN, algs[i], &mac_long, span_text("data")), ST_OK);
        CU_ASSERT_EQUAL(job.output.len, alg_info(algs[i])->digest_len);
        again.tag = bytes_span(&job.output);
        CU_ASSERT_EQUAL(run_on(token, &again, TOKEN_VERIFY, algs[i], &mac_long, span_text("data")), ST_OK);
        CU_ASSERT_EQUAL(run_on(token, &again, TOKEN_VERIFY, algs[i], &mac_long, span_text("date")), ST_BAD_CIPHERTEXT);
        again.tag.len--;
        CU_ASSERT_EQUAL(run_on(token, &again, TOKEN_VERIFY, algs[i], &mac_long, span_text("data")), ST_BAD_CIPHERTEXT);
        again.tag = span_of(NULL, 0);
        CU_ASSERT_EQUAL(run_on(token, &again, TOKEN_VERIFY, algs[i], &mac_long, span_text("data")), ST_BAD_CIPHERTEXT);
        again.tag = bytes_span(&job.output);
        job.output.p[0] ^= 0x80;
        CU_ASSERT_EQUAL(run_on(token, &again, TOKEN_VERIFY, algs[i], &mac_long, span_text("data")), ST_BAD_CIPHERTEXT);
        token_job_clear(&job);
    }
    CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_SIGN, TOKEN_HS256, &mac, span_of(NULL, 0)), ST_OK);
    CU_ASSERT_EQUAL(run_on(token, &again, TOKEN_VERIFY, TOKEN_RS256, &rsa2048, span_of(digest64, 32)), ST_UNSUPPORTED);
    token_job_clear(&job);
    token_job_clear(&again);
}

static void gcm_works(void)
{
    static const enum token_alg algs[] = { TOKEN_A128GCM, TOKEN_A192GCM, TOKEN_A256GCM };
    static uint8_t large[TOKEN_INPUT_MAX + 1];
    const struct span texts[] = { span_of(NULL, 0), span_text("x"), span_text("sixteen bytes..."),
                                  span_of(large, TOKEN_INPUT_MAX) };

    for (unsigned i = 0; i < 12; i++) {
        struct token_job job = { .aad = span_text(i % 2 != 0 ? "aad" : "") }, back = { 0 };
        const struct test_key *k = &aes[i % 3];

        CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_ENCRYPT, algs[i % 3], k, texts[i / 3]), ST_OK);
        CU_ASSERT_EQUAL(job.out_iv_len, 12);
        CU_ASSERT_EQUAL(job.output.len, texts[i / 3].len);
        back.iv = span_of(job.out_iv, 12);
        back.tag = span_of(job.out_tag, 16);
        back.aad = job.aad;
        CU_ASSERT_EQUAL(run_on(token, &back, TOKEN_DECRYPT, algs[i % 3], k, bytes_span(&job.output)), ST_OK);
        CU_ASSERT_TRUE(span_equal(secret_span(&back.secret_output), texts[i / 3]));
        token_job_clear(&job);
        token_job_clear(&back);
    }
    {
        struct token_job job = { 0 };

        CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_ENCRYPT, TOKEN_A128GCM, &aes[0], span_of(large, sizeof large)),
                        ST_BAD_REQUEST);
    }
}

static void gcm_refuses(void)
{
    struct token_job job = { .aad = span_text("aad") }, back = { 0 };
    struct span good_iv, good_tag;

    CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_ENCRYPT, TOKEN_A256GCM, &aes[2], span_text("secret")), ST_OK);
    good_iv = back.iv = span_of(job.out_iv, 12);
    good_tag = back.tag = span_of(job.out_tag, 16);
    back.aad = span_text("aae");
    CU_ASSERT_EQUAL(run_on(token, &back, TOKEN_DECRYPT, TOKEN_A256GCM, &aes[2], bytes_span(&job.output)),
                    ST_BAD_CIPHERTEXT);
    CU_ASSERT_PTR_NULL(back.secret_output.p);
    back.aad = span_text("aad");
    job.out_tag[15] ^= 1;
    CU_ASSERT_EQUAL(run_on(token, &back, TOKEN_DECRYPT, TOKEN_A256GCM, &aes[2], bytes_span(&job.output)),
                    ST_BAD_CIPHERTEXT);
    job.out_tag[15] ^= 1;
    job.output.p[0] ^= 1;
    CU_ASSERT_EQUAL(run_on(token, &back, TOKEN_DECRYPT, TOKEN_A256GCM, &aes[2], bytes_span(&job.output)),
                    ST_BAD_CIPHERTEXT);
    job.output.p[0] ^= 1;
    job.out_iv[0] ^= 1;
    CU_ASSERT_EQUAL(run_on(token, &back, TOKEN_DECRYPT, TOKEN_A256GCM, &aes[2], bytes_span(&job.output)),
                    ST_BAD_CIPHERTEXT);
    job.out_iv[0] ^= 1;
    for (unsigned len = 0; len < 16; len++) {
        back.tag = span_of(job.out_tag, len);
        CU_ASSERT_EQUAL(run_on(token, &back, TOKEN_DECRYPT, TOKEN_A256GCM, &aes[2], bytes_span(&job.output)),
                        ST_BAD_REQUEST);
    }
    back.tag = good_tag;
    back.iv.len = 11;
    CU_ASSERT_EQUAL(run_on(token, &back, TOKEN_DECRYPT, TOKEN_A256GCM, &aes[2], bytes_span(&job.output)),
                    ST_BAD_REQUEST);
    back.iv = good_iv;
    CU_ASSERT_EQUAL(run_on(token, &back, TOKEN_DECRYPT, TOKEN_A256GCM, &aes[2], bytes_span(&job.output)), ST_OK);
    /* A nonce of the caller's is refused: two texts under one nonce give the key's secrets away. */
    token_job_clear(&job);
    job.iv = good_iv;
    CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_ENCRYPT, TOKEN_A256GCM, &aes[2], span_text("secret")), ST_BAD_REQUEST);
    token_job_clear(&back);
}

static void cbc_works(void)
{
    static const enum token_alg plain[] = { TOKEN_A128CBC, TOKEN_A192CBC, TOKEN_A256CBC },
                                pad[] = { TOKEN_A128CBCPAD, TOKEN_A192CBCPAD, TOKEN_A256CBCPAD };
    const uint8_t iv[16] = { 9, 8, 7 };

    for (unsigned i = 0; i < 3; i++)
        for (size_t len = 0; len <= 48; len++) {
            struct token_job job = { .iv = span_of(iv, len % 2 != 0 ? 16 : 0) }, back = { 0 };
            bool padded = len % 16 != 0 || len % 32 == 0;
            enum token_alg alg = padded ? pad[i] : plain[i];

            CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_ENCRYPT, alg, &aes[i], span_of(digest64, len)), ST_OK);
            CU_ASSERT_EQUAL(job.out_iv_len, 16);
            CU_ASSERT_TRUE(len % 2 == 0 || memcmp(job.out_iv, iv, 16) == 0);
            CU_ASSERT_EQUAL(job.output.len, padded ? len / 16 * 16 + 16 : len);
            back.iv = span_of(job.out_iv, 16);
            CU_ASSERT_EQUAL(run_on(token, &back, TOKEN_DECRYPT, alg, &aes[i], bytes_span(&job.output)), ST_OK);
            CU_ASSERT_TRUE(span_equal(secret_span(&back.secret_output), span_of(digest64, len)));
            token_job_clear(&job);
            token_job_clear(&back);
        }
}

static void cbc_refuses(void)
{
    const uint8_t iv[16] = { 0 };
    struct token_job job = { .iv = span_of(iv, 16) };

    CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_ENCRYPT, TOKEN_A128CBC, &aes[0], span_of(digest64, 17)), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_ENCRYPT, TOKEN_A128CBC, &aes[0], span_of(NULL, 0)), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_DECRYPT, TOKEN_A128CBC, &aes[0], span_of(digest64, 17)),
                    ST_BAD_CIPHERTEXT);
    CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_DECRYPT, TOKEN_A128CBCPAD, &aes[0], span_of(NULL, 0)), ST_BAD_CIPHERTEXT);
    /* Random blocks have a right padding about once in 256. */
    CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_ENCRYPT, TOKEN_A128CBC, &aes[0], span_of(iv, 16)), ST_OK);
    {
        struct bytes zeros = { 0 }; /* decrypts to sixteen zero bytes: no padding */

        bytes_move(&zeros, &job.output);
        CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_DECRYPT, TOKEN_A128CBCPAD, &aes[0], bytes_span(&zeros)),
                        ST_BAD_CIPHERTEXT);
        bytes_clear(&zeros);
    }
    job.iv = span_of(iv, 12);
    CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_ENCRYPT, TOKEN_A128CBC, &aes[0], span_of(digest64, 16)), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_DECRYPT, TOKEN_A128CBC, &aes[0], span_of(digest64, 16)), ST_BAD_REQUEST);
    token_job_clear(&job);
}

static void key_wrap_works(void)
{
    static const enum token_alg algs[] = { TOKEN_A128KW, TOKEN_A192KW, TOKEN_A256KW };
    static uint8_t large[TOKEN_KEYWRAP_MAX + 8];

    for (unsigned i = 0; i < 3; i++)
        for (size_t len = 16; len <= TOKEN_KEYWRAP_MAX; len = len < 64 ? len + 8 : len * 2) {
            struct token_job job = { 0 }, back = { 0 };

            CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_WRAP, algs[i], &aes[i], span_of(large, len)), ST_OK);
            CU_ASSERT_EQUAL(job.output.len, len + 8);
            CU_ASSERT_EQUAL(run_on(token, &back, TOKEN_UNWRAP, algs[i], &aes[i], bytes_span(&job.output)), ST_OK);
            CU_ASSERT_TRUE(span_equal(secret_span(&back.secret_output), span_of(large, len)));
            if (job.output.len > 0)
                job.output.p[len / 2] ^= 1;
            CU_ASSERT_EQUAL(run_on(token, &back, TOKEN_UNWRAP, algs[i], &aes[i], bytes_span(&job.output)),
                            ST_BAD_CIPHERTEXT);
            CU_ASSERT_PTR_NULL(back.secret_output.p);
            token_job_clear(&job);
        }
    {
        struct token_job job = { 0 };

        CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_WRAP, TOKEN_A256KW, &aes[2], span_of(large, 8)), ST_BAD_REQUEST);
        CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_WRAP, TOKEN_A256KW, &aes[2], span_of(large, 17)), ST_BAD_REQUEST);
        CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_WRAP, TOKEN_A256KW, &aes[2], span_of(large, sizeof large)),
                        ST_BAD_REQUEST);
        CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_UNWRAP, TOKEN_A256KW, &aes[2], span_of(large, 23)),
                        ST_BAD_CIPHERTEXT);
        CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_UNWRAP, TOKEN_A256KW, &aes[2], span_of(large, 16)),
                        ST_BAD_CIPHERTEXT);
        CU_ASSERT_TRUE(token_is_up(token));
    }
}

static void random_bytes(void)
{
    struct token_job a = { .op = TOKEN_RANDOM, .length = 48 }, b = { .op = TOKEN_RANDOM, .length = 48 };

    CU_ASSERT_EQUAL(token_run(token, &a), ST_OK);
    CU_ASSERT_EQUAL(token_run(token, &b), ST_OK);
    CU_ASSERT_EQUAL(a.secret_output.len, 48);
    CU_ASSERT_FALSE(span_equal(secret_span(&a.secret_output), secret_span(&b.secret_output)));
    a.length = SECRET_MAX + 1;
    CU_ASSERT_EQUAL(token_run(token, &a), ST_BAD_REQUEST);
    token_job_clear(&a);
    token_job_clear(&b);
}

/* The keystore says what its keys are; SoftHSM cannot. */
static void keys_are_attested(void)
{
    static const uint8_t nonce[STRONGROOM_NONCE_MAX + 1];
    enum status wanted = fixture_is_softhsm() ? ST_UNSUPPORTED : ST_OK;
    struct token_job job = { 0 };
    struct test_key key;

    test_key_make(&key, token, ec_spec(KEY_CURVE_P256), KEY_USE_SIGN, "attested");
    CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_ATTEST, TOKEN_ALG_NONE, &key, span_of(nonce, 32)), wanted);
    CU_ASSERT_EQUAL(job.output.len > 0, wanted == ST_OK);
    CU_ASSERT_EQUAL(span_starts_with(bytes_span(&job.certificates), span_text("-----BEGIN CERTIFICATE-----")),
                    wanted == ST_OK);
    token_job_clear(&job);
    CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_ATTEST, TOKEN_ALG_NONE, &key, span_of(nonce, STRONGROOM_NONCE_MIN - 1)),
                    ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_ATTEST, TOKEN_ALG_NONE, &key, span_of(nonce, sizeof nonce)),
                    ST_BAD_REQUEST);
    key.sealed.context = span_text("another");
    test_key_new_id(&key);
    CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_ATTEST, TOKEN_ALG_NONE, &key, span_of(nonce, 32)),
                    wanted == ST_OK ? ST_CORRUPT : ST_UNSUPPORTED);
    token_job_clear(&job);
    test_key_clear(&key);
}

static void everything_is_offered(void)
{
    for (unsigned alg = TOKEN_ALG_NONE + 1; alg < TOKEN_ALG_COUNT_; alg++)
        CU_ASSERT_TRUE(token_offers(token, (enum token_alg)alg));
    CU_ASSERT_FALSE(token_offers(token, TOKEN_ALG_NONE));
    CU_ASSERT_FALSE(token_offers(token, (enum token_alg)999));
}

int main(void)
{
    CU_TestInfo cases[] = {
        { "the token offers every algorithm", everything_is_offered },
        { "RSA signatures verify: PKCS #1, PSS, RSNULL; 2048 to 4096 bits", rsa_signs },
        { "ECDSA signatures verify on all four curves", ec_signs },
        { "a digest of another length is refused", wrong_digest_lengths },
        { "an algorithm that does not fit key, operation or use is refused", wrong_algorithms },
        { "what libcrypto encrypts to the public key, the token decrypts", rsa_decrypts },
        { "a bad OAEP ciphertext has one answer", bad_oaep },
        { "a bad PKCS #1 padding yields a constant pseudo-random message", bad_pkcs1_never_shows },
        { "HMACs verify, and edited ones do not", hmac_works },
        { "GCM there and back", gcm_works },
        { "GCM with another tag, text, nonce, AAD or a short tag is refused", gcm_refuses },
        { "CBC there and back, padded and not", cbc_works },
        { "CBC with bad lengths or padding is refused", cbc_refuses },
        { "AES-KW there and back; edited or of bad length refused", key_wrap_works },
        { "random bytes", random_bytes },
        { "keys are attested, or it is said that they are not", keys_are_attested },
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = { { "mechanisms", start, stop, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
