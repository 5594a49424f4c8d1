/* What becomes of a request when the token lets us down. The token here is a double of the three functions that the
 * authority calls; the real one is in test_authority.c. */
#include "service/identity/access_token.h"

#include <openssl/err.h>

#include "service/identity/application.h"
#include "tests/unit/service/identity/asking.h"

static struct {
    enum status submit, job;
    bool wrong_signature;
    enum signing_key key;
} double_;

enum status token_public_key(struct token *t, const char *label, EVP_PKEY **out)
{
    (void)t;
    if (strcmp(label, TOKEN_LABEL_AUTHORITY) != 0 || double_.key == SIGNING_KEY_COUNT)
        return ST_NOT_FOUND;
    *out = signer_key(double_.key);
    EVP_PKEY_up_ref(*out);
    return ST_OK;
}

enum status token_submit(struct token *t, struct token_job *job)
{
    (void)t;
    if (double_.submit != ST_OK)
        return double_.submit;
    CU_ASSERT_EQUAL(job->op, TOKEN_SIGN);
    CU_ASSERT_EQUAL(job->alg, TOKEN_RS256);
    CU_ASSERT_STRING_EQUAL(job->label, TOKEN_LABEL_AUTHORITY);
    CU_ASSERT_EQUAL(job->input.len, 32);
    job->status = double_.job;
    if (job->status == ST_OK) {
        EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(signer_key(RSA_A), NULL);
        uint8_t sig[256];
        size_t len = sizeof sig;

        CU_ASSERT(EVP_PKEY_sign_init(context) == 1 && EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) == 1 &&
                  EVP_PKEY_sign(context, sig, &len, job->input.p, job->input.len) == 1);
        sig[100] ^= double_.wrong_signature;
        bytes_append(&job->output, sig, len);
        EVP_PKEY_CTX_free(context);
    }
    job->done(job);
    return ST_OK;
}

void token_job_clear(struct token_job *job)
{
    bytes_clear(&job->output);
}

/* ---- */

static struct store *store;
static const char *form;

static enum status start(struct authority **out)
{
    static const char *const resources[] = { AUDIENCE, NULL };
    struct authority_config config = {
        .base_url = BASE_URL, .resources = resources, .store = store, .now = test_clock
    };

    memcpy(config.tenant_id.text, TENANT, GUID_LEN);
    return authority_new(&config, out);
}

static int open_store(void)
{
    static struct bytes text;
    struct application app = { .enabled = true };
    struct secret secret = { 0 };

    double_.key = RSA_A;
    if (store_open_memory(&store) != ST_OK || application_create(store, &app) != ST_OK ||
        application_add_secret(store, &app.client_id, 0, &secret) != ST_OK)
        return 1;
    bytes_reset(&text);
    bytes_printf(&text, "grant_type=client_credentials&scope=" AUDIENCE "/.default&client_id=%s&client_secret=%.*s",
                 app.client_id.text, (int)secret.len, (const char *)secret.p);
    form = bytes_text(&text);
    secret_clear(&secret);
    return 0;
}

static int close_store(void)
{
    store_close(store);
    return 0;
}

static void expect(struct authority *a, unsigned http_status, const char *outcome)
{
    struct answer answer;

    ask(&answer, a, form);
    CU_ASSERT_EQUAL(answer.http_status, http_status);
    CU_ASSERT_STRING_EQUAL(answer.outcome, outcome);
    if (http_status != 200) {
        CU_ASSERT_STRING_EQUAL(answer_text(&answer, "error"), "temporarily_unavailable");
        CU_ASSERT_PTR_NULL(json_object_get(answer.json, "access_token"));
    }
    answer_clear(&answer);
}

static void token_trouble(void)
{
    struct authority *a = NULL;

    CU_ASSERT_EQUAL_FATAL(start(&a), ST_OK);
    expect(a, 200, "issued");
    double_.submit = ST_BUSY;
    expect(a, 503, "unavailable");
    double_.submit = ST_CLOSED;
    expect(a, 503, "unavailable");
    double_.submit = ST_OK;
    double_.job = ST_UNAVAILABLE;
    expect(a, 503, "unavailable");
    double_.job = ST_NOT_FOUND;
    expect(a, 503, "unavailable");
    double_.job = ST_OK;
    expect(a, 200, "issued");
    authority_free(a);
}

static void wrong_signature(void)
{
    struct authority *a = NULL;

    CU_ASSERT_EQUAL_FATAL(start(&a), ST_OK);
    double_.wrong_signature = true;
    expect(a, 503, "unavailable");
    CU_ASSERT_EQUAL(ERR_peek_error(), 0);
    double_.wrong_signature = false;
    expect(a, 200, "issued");
    authority_free(a);
}

static void unfit_keys(void)
{
    static const struct {
        enum signing_key key;
        enum status st;
    } table[] = { { SIGNING_KEY_COUNT, ST_NOT_FOUND }, { P256_A, ST_UNSUPPORTED }, { RSA_1024, ST_UNSUPPORTED } };
    struct authority *a = NULL;

    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        double_.key = table[i].key;
        CU_ASSERT_EQUAL(start(&a), table[i].st);
        CU_ASSERT_PTR_NULL(a);
    }
    double_.key = RSA_A;
}

static CU_TestInfo cases[] = {
    { "a busy, closed or absent token is a 503, and the next request works", token_trouble },
    { "a signature that does not verify never leaves", wrong_signature },
    { "without a key, or with an unfit one, there is no authority", unfit_keys },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { "trouble with the token", open_store, close_store, NULL, NULL, cases },
                              CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
