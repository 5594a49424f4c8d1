/* Sealed keys: what they are bound to, and the cache of open ones under load. */
#include <pthread.h>
#include <stdatomic.h>

#include "pkcs11/token/seal_blob.h"
#include "tests/unit/pkcs11/token/fixture.h"

static struct token *token;

static const uint8_t digest[32] = { 5 };

static int start(void)
{
    struct token_config config = fixture_config();

    config.cache_limit = 2;
    token = fixture_open(&config);
    return 0;
}

static int stop(void)
{
    token_close(token);
    return 0;
}

static enum status try_sign(struct test_key *k)
{
    struct token_job job = { 0 };
    enum status st;

    test_key_new_id(k);
    st = run_on(token, &job, TOKEN_SIGN, k->sealed.spec.type == KEY_TYPE_EC ? TOKEN_ES256 : TOKEN_RS256, k,
                span_of(digest, 32));
    token_job_clear(&job);
    return st;
}

static void edited_anywhere(void)
{
    struct test_key k;

    test_key_make(&k, token, ec_spec(KEY_CURVE_P256), KEY_USE_SIGN, "context");
    CU_ASSERT_EQUAL(try_sign(&k), ST_OK);
    for (size_t i = 0; i < k.blob.len; i++) { /* version, KEK id, wrapped key, MAC: every byte */
        k.blob.p[i] ^= 1;
        CU_ASSERT_EQUAL(try_sign(&k), ST_CORRUPT);
        k.blob.p[i] ^= 1;
    }
    for (size_t len = 0; len < k.blob.len; len++) {
        k.sealed.blob.len = len;
        CU_ASSERT_EQUAL(try_sign(&k), ST_CORRUPT);
    }
    k.sealed.blob.len = k.blob.len;
    CU_ASSERT_EQUAL(try_sign(&k), ST_OK);
    CU_ASSERT_TRUE(token_is_up(token));
    test_key_clear(&k);
}

static void bound_to_all_that_is_said(void)
{
    struct test_key k, other;

    test_key_make(&k, token, ec_spec(KEY_CURVE_P256), KEY_USE_SIGN, "vault/key/1");
    test_key_make(&other, token, ec_spec(KEY_CURVE_P256), KEY_USE_SIGN, "vault/key/2");
    k.sealed.context = span_text("vault/key/2");
    CU_ASSERT_EQUAL(try_sign(&k), ST_CORRUPT);
    k.sealed.context = span_text("vault/key/");
    CU_ASSERT_EQUAL(try_sign(&k), ST_CORRUPT);
    k.sealed.context = span_of(NULL, 0);
    CU_ASSERT_EQUAL(try_sign(&k), ST_CORRUPT);
    k.sealed.context = bytes_span(&k.context);
    k.sealed.public_der = other.sealed.public_der;
    CU_ASSERT_EQUAL(try_sign(&k), ST_CORRUPT);
    k.sealed.public_der = span_of(NULL, 0);
    CU_ASSERT_EQUAL(try_sign(&k), ST_CORRUPT);
    k.sealed.public_der = bytes_span(&k.public_der);
    k.sealed.blob = other.sealed.blob;
    CU_ASSERT_EQUAL(try_sign(&k), ST_CORRUPT);
    k.sealed.blob = bytes_span(&k.blob);
    k.sealed.uses = KEY_USE_SIGN | KEY_USE_DECRYPT;
    CU_ASSERT_EQUAL(try_sign(&k), ST_CORRUPT);
    k.sealed.uses = 0;
    CU_ASSERT_EQUAL(try_sign(&k), ST_CORRUPT);
    k.sealed.uses = KEY_USE_SIGN;
    CU_ASSERT_EQUAL(try_sign(&k), ST_OK);
    test_key_clear(&k);
    test_key_clear(&other);
}

static void widened_uses(void)
{
    struct token_job job = { 0 };
    struct test_key k;

    test_key_make(&k, token, rsa_spec(2048), KEY_USE_SIGN, "rsa");
    k.sealed.uses |= KEY_USE_DECRYPT;
    CU_ASSERT_EQUAL(try_sign(&k), ST_CORRUPT);
    k.sealed.uses = KEY_USE_SIGN;
    CU_ASSERT_EQUAL(try_sign(&k), ST_OK);
    k.sealed.uses |= KEY_USE_DECRYPT; /* with the key open already */
    CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_DECRYPT, TOKEN_RSA_OAEP, &k, span_of(k.blob.p, 256)), ST_CORRUPT);
    k.sealed.uses = KEY_USE_SIGN;
    CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_DECRYPT, TOKEN_RSA_OAEP, &k, span_of(k.blob.p, 256)), ST_NOT_PERMITTED);
    k.sealed.spec.bits = 3072;
    CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_SIGN, TOKEN_RS256, &k, span_of(digest, 32)), ST_CORRUPT);
    CU_ASSERT_EQUAL(try_sign(&k), ST_CORRUPT);
    test_key_clear(&k);
}

static void another_blob_under_an_open_id(void)
{
    struct token_job job = { 0 };
    struct test_key a, b;

    test_key_make(&a, token, ec_spec(KEY_CURVE_P256), KEY_USE_SIGN, "a");
    test_key_make(&b, token, ec_spec(KEY_CURVE_P256), KEY_USE_SIGN, "b");
    CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_SIGN, TOKEN_ES256, &a, span_of(digest, 32)), ST_OK);
    memcpy(b.sealed.cache_id, a.sealed.cache_id, sizeof a.sealed.cache_id);
    CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_SIGN, TOKEN_ES256, &b, span_of(digest, 32)), ST_CORRUPT);
    CU_ASSERT_EQUAL(run_on(token, &job, TOKEN_SIGN, TOKEN_ES256, &a, span_of(digest, 32)), ST_OK);
    token_job_clear(&job);
    test_key_clear(&a);
    test_key_clear(&b);
}

static enum status reseal(struct test_key *k, const char *context, unsigned uses, struct token_job *job)
{
    *job = (struct token_job){ .op = TOKEN_RESEAL, .key = &k->sealed, .context = span_text(context), .uses = uses };
    return token_run(token, job);
}

static void resealing(void)
{
    struct token_job job;
    struct test_key k;

    test_key_make(&k, token, ec_spec(KEY_CURVE_P256), KEY_USE_SIGN, "old");
    CU_ASSERT_EQUAL(reseal(&k, "new", 0, &job), ST_OK);
    k.sealed.blob = bytes_span(&job.sealed);
    CU_ASSERT_EQUAL(try_sign(&k), ST_CORRUPT); /* the new blob with the old context */
    k.sealed.context = span_text("new");
    CU_ASSERT_EQUAL(try_sign(&k), ST_OK);
    k.sealed.blob = bytes_span(&k.blob);
    CU_ASSERT_EQUAL(try_sign(&k), ST_CORRUPT); /* and the other way */
    /* Together the old ones still verify: which pair is current, the store's versions say. */
    k.sealed.context = bytes_span(&k.context);
    CU_ASSERT_EQUAL(try_sign(&k), ST_OK);
    token_job_clear(&job);
    test_key_clear(&k);
}

static void resealing_refuses(void)
{
    struct token_job job;
    struct test_key k, oct;

    test_key_make(&k, token, rsa_spec(2048), KEY_USE_SIGN, "old");
    test_key_make(&oct, token, oct_spec(256), KEY_USE_SIGN, "oct");
    CU_ASSERT_EQUAL(reseal(&oct, "new", KEY_USE_DECRYPT, &job), ST_BAD_REQUEST); /* a MAC key stays one */
    CU_ASSERT_EQUAL(reseal(&k, "new", KEY_USE_WRAP, &job), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(reseal(&k, "new", KEY_USE_SIGN | KEY_USE_DECRYPT, &job), ST_OK);
    token_job_clear(&job);
    k.sealed.context = span_text("other");
    CU_ASSERT_EQUAL(reseal(&k, "new", 0, &job), ST_CORRUPT);
    CU_ASSERT_EQUAL(job.sealed.len, 0);
    k.sealed.context = bytes_span(&k.context);
    k.blob.p[30] ^= 1;
    CU_ASSERT_EQUAL(reseal(&k, "new", 0, &job), ST_CORRUPT);
    job = (struct token_job){ .op = TOKEN_RESEAL };
    CU_ASSERT_EQUAL(token_run(token, &job), ST_BAD_REQUEST);
    test_key_clear(&k);
    test_key_clear(&oct);
}

static void generation_refuses(void)
{
    static const uint8_t context[TOKEN_CONTEXT_MAX + 1];
    static const struct {
        struct key_spec spec;
        unsigned uses;
    } cases[] = {
        { { KEY_TYPE_OCT, KEY_CURVE_NONE, 256 }, KEY_USE_SIGN | KEY_USE_DECRYPT },
        { { KEY_TYPE_OCT, KEY_CURVE_NONE, 256 }, KEY_USE_SIGN | KEY_USE_WRAP },
        { { KEY_TYPE_OCT, KEY_CURVE_NONE, 512 }, KEY_USE_DECRYPT },
        { { KEY_TYPE_RSA, KEY_CURVE_NONE, 1024 }, KEY_USE_SIGN },
        { { KEY_TYPE_RSA, KEY_CURVE_NONE, 2048 }, KEY_USE_WRAP },
        { { KEY_TYPE_EC, KEY_CURVE_P256, 256 }, KEY_USE_DECRYPT },
        { { KEY_TYPE_EC, KEY_CURVE_P256, 384 }, KEY_USE_SIGN },
        { { KEY_TYPE_EC, KEY_CURVE_P256, 256 }, 0 },
        { { KEY_TYPE_NONE, KEY_CURVE_NONE, 0 }, KEY_USE_SIGN },
    };
    struct token_job job;

    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        job = (struct token_job){ .op = TOKEN_GENERATE, .spec = cases[i].spec, .uses = cases[i].uses };
        CU_ASSERT_EQUAL(token_run(token, &job), ST_BAD_REQUEST);
    }
    job = (struct token_job){ .op = TOKEN_GENERATE, .spec = ec_spec(KEY_CURVE_P256), .uses = KEY_USE_SIGN };
    job.context = span_of(context, sizeof context);
    CU_ASSERT_EQUAL(token_run(token, &job), ST_BAD_REQUEST);
    job.context.len--;
    CU_ASSERT_EQUAL(token_run(token, &job), ST_OK);
    token_job_clear(&job);
}

static void every_kind_seals(void)
{
    static const struct {
        struct key_spec spec;
        unsigned uses;
    } cases[] = {
        { { KEY_TYPE_RSA, KEY_CURVE_NONE, 3072 }, KEY_USE_DECRYPT },
        { { KEY_TYPE_EC, KEY_CURVE_P384, 384 }, KEY_USE_SIGN },
        { { KEY_TYPE_EC, KEY_CURVE_P521, 521 }, KEY_USE_SIGN },
        { { KEY_TYPE_EC, KEY_CURVE_P256K, 256 }, KEY_USE_SIGN },
        { { KEY_TYPE_OCT, KEY_CURVE_NONE, 192 }, KEY_USE_WRAP },
        { { KEY_TYPE_OCT, KEY_CURVE_NONE, 384 }, KEY_USE_SIGN },
    };

    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        struct seal_blob parts;
        struct test_key k;

        test_key_make(&k, token, cases[i].spec, cases[i].uses, "kind");
        if (fixture_is_softhsm()) /* a keystore's blob is its own affair */
            CU_ASSERT_EQUAL(seal_blob_parse(bytes_span(&k.blob), &parts), ST_OK);
        CU_ASSERT_EQUAL(k.public_der.len == 0, cases[i].spec.type == KEY_TYPE_OCT);
        test_key_clear(&k);
    }
}

#define KEYS    50
#define THREADS 8
#define ROUNDS  60

static struct test_key crowd[KEYS];
static atomic_uint failures;

static void *sign_many(void *arg)
{
    unsigned seed = (unsigned)(uintptr_t)arg;

    for (unsigned i = 0; i < ROUNDS; i++) {
        struct token_job job = { 0 };

        seed = seed * 1103515245u + 12345u;
        if (run_on(token, &job, TOKEN_SIGN, TOKEN_ES256, &crowd[(seed >> 16) % KEYS], span_of(digest, 32)) != ST_OK ||
            job.output.len != 64)
            atomic_fetch_add(&failures, 1);
        token_job_clear(&job);
    }
    return NULL;
}

static void a_small_cache_under_a_crowd(void)
{
    pthread_t threads[THREADS];

    for (unsigned i = 0; i < KEYS; i++)
        test_key_make(&crowd[i], token, ec_spec(KEY_CURVE_P256), KEY_USE_SIGN, "crowd");
    for (unsigned i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, sign_many, (void *)(uintptr_t)(i + 1));
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CU_ASSERT_EQUAL(atomic_load(&failures), 0);
    CU_ASSERT_TRUE(token_is_up(token)); /* no handle was used after its object was destroyed */
    for (unsigned i = 0; i < KEYS; i++)
        test_key_clear(&crowd[i]);
}

static void blob_parsing(void)
{
    uint8_t blob[TOKEN_SEALED_MAX + 8] = { SEAL_VERSION };
    struct seal_blob parts;

    CU_ASSERT_EQUAL(seal_blob_parse(span_of(blob, 17 + 24 + 32), &parts), ST_OK);
    CU_ASSERT_PTR_EQUAL(parts.kek_id.p, blob + 1);
    CU_ASSERT_PTR_EQUAL(parts.wrapped.p, blob + 17);
    CU_ASSERT_EQUAL(parts.wrapped.len, 24);
    CU_ASSERT_PTR_EQUAL(parts.mac.p, blob + 17 + 24);
    CU_ASSERT_EQUAL(seal_blob_parse(span_of(blob, 17 + 23 + 32), &parts), ST_CORRUPT);
    CU_ASSERT_EQUAL(seal_blob_parse(span_of(blob, 17 + 25 + 32), &parts), ST_CORRUPT);
    CU_ASSERT_EQUAL(seal_blob_parse(span_of(blob, sizeof blob), &parts), ST_CORRUPT);
    CU_ASSERT_EQUAL(seal_blob_parse(span_of(NULL, 0), &parts), ST_CORRUPT);
    blob[0] = SEAL_VERSION + 1;
    CU_ASSERT_EQUAL(seal_blob_parse(span_of(blob, 17 + 24 + 32), &parts), ST_CORRUPT);
}

/* Parts that move a byte from one to the next give another input. */
static void mac_input_is_unambiguous(void)
{
    struct seal_binding a = { ec_spec(KEY_CURVE_P256), 1, span_text("abc"), span_text("def") },
                        b = { ec_spec(KEY_CURVE_P256), 1, span_text("abcd"), span_text("ef") };
    struct bytes x = { 0 }, y = { 0 };

    seal_blob_mac_input(&x, span_text("body"), &a);
    seal_blob_mac_input(&y, span_text("body"), &b);
    CU_ASSERT_EQUAL(x.len, y.len);
    CU_ASSERT_FALSE(span_equal(bytes_span(&x), bytes_span(&y)));
    bytes_clear(&x);
    bytes_clear(&y);
}

int main(void)
{
    CU_TestInfo cases[] = {
        { "the parts of a blob", blob_parsing },
        { "the MAC's input reads one way only", mac_input_is_unambiguous },
        { "every kind of key seals", every_kind_seals },
        { "a blob edited or cut anywhere does not open", edited_anywhere },
        { "a blob opens only with its context, public key and uses", bound_to_all_that_is_said },
        { "uses and size cannot be widened, open or not", widened_uses },
        { "another blob under the id of an open one is refused", another_blob_under_an_open_id },
        { "resealing binds the same key to another context", resealing },
        { "resealing refuses what does not verify, and another job", resealing_refuses },
        { "generation refuses impossible keys and mixed uses", generation_refuses },
        { "50 keys, 8 threads, a cache of 2", a_small_cache_under_a_crowd },
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = { { "sealing", start, stop, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
