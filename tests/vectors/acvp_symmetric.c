/* ACVP: AES, MACs, hashes, with the Monte Carlo chains. */
#include "tests/vectors/acvp_cases.h"

#define MONTE_CARLO_OUTER 100
#define MONTE_CARLO_INNER 1000
#define BLOCK             16

static bool is_encrypt(const struct work *w)
{
    return strcmp(json_text(w->group, "direction"), "encrypt") == 0;
}

static bool is_monte_carlo(const struct work *w)
{
    return strcmp(json_text(w->group, "testType"), "MCT") == 0;
}

/* The file gives one of the two texts, the answers the other (none, when it must be refused). */
static struct span text_of(struct work *w, const char *field)
{
    return work_hex(w, json_object_get(w->test, field) != NULL ? w->test : w->expected, field);
}

static CK_MECHANISM_TYPE aes_type(const char *mode)
{
    return strcmp(mode, "CBC") == 0   ? CKM_AES_CBC
           : strcmp(mode, "CTR") == 0 ? CKM_AES_CTR
           : strcmp(mode, "GCM") == 0 ? CKM_AES_GCM
                                      : CKM_AES_ECB;
}

/* AESAVS 6.4.1 and 6.4.2: the next key is this one, xored with the end of the last two outputs. */
static void next_key(uint8_t *key, size_t len, const uint8_t *before, const uint8_t *last)
{
    uint8_t both[2 * BLOCK];

    memcpy(both, before, BLOCK);
    memcpy(both + BLOCK, last, BLOCK);
    for (size_t i = 0; i < len; i++)
        key[i] ^= both[2 * BLOCK - len + i];
}

struct chain {
    CK_MECHANISM_TYPE type;
    bool encrypt;
    uint8_t key[32], iv[BLOCK], in[BLOCK], before[BLOCK], last[BLOCK];
    size_t key_len;
};

static CK_RV block(struct work *w, const struct chain *c, CK_OBJECT_HANDLE key, uint8_t *iv, uint8_t *out)
{
    CK_MECHANISM m = c->type == CKM_AES_CBC ? mechanism_of(c->type, iv, BLOCK) : mechanism_of(c->type, NULL, 0);
    struct bytes result = { 0 };
    CK_RV rv = c->encrypt ? token_encrypt(w->token, &m, key, span_of(c->in, BLOCK), &result)
                          : token_decrypt(w->token, &m, key, span_of(c->in, BLOCK), &result);

    if (rv == CKR_OK && result.len != BLOCK)
        rv = CKR_GENERAL_ERROR;
    if (rv == CKR_OK)
        memcpy(out, result.p, BLOCK);
    bytes_clear(&result);
    return rv;
}

/* The thousand steps under one key. In CBC the next input is the output before the last one, at first the IV, and the
 * chaining value is the last ciphertext. */
static CK_RV thousand(struct work *w, struct chain *c)
{
    bool cbc = c->type == CKM_AES_CBC;
    uint8_t chaining[BLOCK], out[BLOCK] = { 0 };
    CK_OBJECT_HANDLE key;
    CK_RV rv = key_secret(w->token, CKK_AES, span_of(c->key, c->key_len), USE_ENCRYPT | USE_DECRYPT, &key);

    memcpy(chaining, c->iv, BLOCK);
    for (int j = 0; j < MONTE_CARLO_INNER && rv == CKR_OK; j++) {
        rv = block(w, c, key, chaining, out);
        memcpy(chaining, c->encrypt ? out : c->in, BLOCK);
        if (cbc)
            memcpy(c->in, j == 0 ? c->iv : c->last, BLOCK);
        else
            memcpy(c->in, out, BLOCK);
        memcpy(c->before, c->last, BLOCK);
        memcpy(c->last, out, BLOCK);
    }
    token_destroy(w->token, key);
    return rv;
}

static bool monte_carlo_step(struct work *w, struct chain *c, const json_t *answer, CK_RV *rv)
{
    struct span key = work_hex(w, answer, "key"), out = work_hex(w, answer, c->encrypt ? "ct" : "pt"),
                in = work_hex(w, answer, c->encrypt ? "pt" : "ct");
    bool right = span_equal(key, span_of(c->key, c->key_len)) && span_equal(in, span_of(c->in, BLOCK));

    *rv = thousand(w, c);
    right = right && *rv == CKR_OK && span_equal(out, span_of(c->last, BLOCK));
    next_key(c->key, c->key_len, c->before, c->last);
    memcpy(c->iv, c->last, BLOCK);
    memcpy(c->in, c->type == CKM_AES_CBC ? c->before : c->last, BLOCK);
    return right;
}

static void monte_carlo(struct work *w, CK_MECHANISM_TYPE type, struct outcome *o)
{
    struct span key = work_hex(w, w->test, "key"), iv = work_hex(w, w->test, "iv"),
                in = work_hex(w, w->test, is_encrypt(w) ? "pt" : "ct");
    struct chain c = { .type = type, .encrypt = is_encrypt(w), .key_len = key.len };
    const json_t *answers = json_object_get(w->expected, "resultsArray");
    unsigned mark = w->used;
    CK_RV rv = CKR_OK;
    bool right = json_array_size(answers) == MONTE_CARLO_OUTER && in.len == BLOCK;

    if (!token_offers(w->token, type, CKF_ENCRYPT | CKF_DECRYPT)) {
        outcome_left_out(o, not_offered(type == CKM_AES_CBC ? "AES_CBC" : "AES_ECB"));
        return;
    }
    memcpy(c.key, key.p, key.len);
    memcpy(c.iv, iv.p, iv.len);
    memcpy(c.in, in.p, BLOCK);
    for (size_t i = 0; i < MONTE_CARLO_OUTER && right; i++) {
        right = monte_carlo_step(w, &c, json_array_get(answers, i), &rv);
        while (w->used > mark)
            bytes_clear(&w->pool[--w->used]);
    }
    outcome_rv(o, rv);
    o->right = right;
}

static void aes_run(struct work *w, struct outcome *o)
{
    struct aes_case c = { .type = aes_type(w->argument), .encrypt = is_encrypt(w), .decrypt = !is_encrypt(w) };
    struct bytes *cipher = work_bytes(w);

    if (is_monte_carlo(w)) {
        monte_carlo(w, c.type, o);
        return;
    }
    bytes_append_span(cipher, text_of(w, "ct"));
    if (c.type == CKM_AES_GCM)
        bytes_append_span(cipher, text_of(w, "tag"));
    c.key = work_hex(w, w->test, "key");
    c.iv = work_hex(w, w->test, "iv");
    c.aad = work_hex(w, w->test, "aad");
    c.tag_bits = (unsigned)json_number(w->group, "tagLen");
    c.plain = text_of(w, "pt");
    c.cipher = bytes_span(cipher);
    if (c.type == CKM_AES_CTR && json_object_get(w->test, "iv") == NULL)
        outcome_left_out(o, "counter of the implementation's choice: a caller's is what the token takes");
    else
        check_aes(w, &c, o);
}

const struct family acvp_aes_family = { NULL, aes_run };

static void wrap_run(struct work *w, struct outcome *o)
{
    struct aes_case c = { .key = work_hex(w, w->test, "key"),
                          .plain = text_of(w, "pt"),
                          .cipher = text_of(w, "ct"),
                          .encrypt = is_encrypt(w),
                          .decrypt = !is_encrypt(w) };

    if (strcmp(json_text(w->group, "kwCipher"), "cipher") != 0)
        outcome_left_out(o, "key wrap with the inverse cipher: no mechanism of PKCS#11");
    else
        check_wrap(w, &c, strcmp(w->argument, "KWP") == 0, o);
}

const struct family acvp_wrap_family = { NULL, wrap_run };

static void gmac_run(struct work *w, struct outcome *o)
{
    struct mac_case c = { .key = work_hex(w, w->test, "key"),
                          .key_type = CKK_AES,
                          .message = work_hex(w, w->test, "aad"),
                          .iv = work_hex(w, w->test, "iv"),
                          .mac = text_of(w, "tag"),
                          .sign = is_encrypt(w),
                          .verify = true };

    check_gmac(w, &c, o);
}

const struct family acvp_gmac_family = { NULL, gmac_run };

static void cmac_run(struct work *w, struct outcome *o)
{
    struct mac_case c = { .type = CKM_AES_CMAC,
                          .general = CKM_AES_CMAC_GENERAL,
                          .key_type = CKK_AES,
                          .name = "AES_CMAC",
                          .full = BLOCK,
                          .key = work_hex(w, w->test, "key"),
                          .message = work_hex(w, w->test, "message"),
                          .mac = text_of(w, "mac"),
                          .sign = strcmp(json_text(w->group, "direction"), "gen") == 0,
                          .verify = true };

    check_mac(w, &c, o);
}

const struct family acvp_cmac_family = { NULL, cmac_run };

static void hmac_run(struct work *w, struct outcome *o)
{
    const struct hash *h = hash_find(w->argument + strlen("HMAC-"));
    struct mac_case c = { .key_type = CKK_GENERIC_SECRET,
                          .key = work_hex(w, w->test, "key"),
                          .message = work_hex(w, w->test, "msg"),
                          .mac = text_of(w, "mac"),
                          .sign = true,
                          .verify = true };
    char name[64];

    INVARIANT(h != NULL);
    snprintf(name, sizeof name, "%s HMAC", h->names[0]);
    c.type = h->hmac;
    c.general = h->hmac_general;
    c.name = name;
    c.full = h->len;
    check_mac(w, &c, o);
}

const struct family acvp_hmac_family = { NULL, hmac_run };

/* SHAVS 6.4: a hundred checkpoints, a thousand hashes of the last three each. */
static void digest_chain(struct work *w, CK_MECHANISM *m, struct outcome *o)
{
    struct span seed = work_hex(w, w->test, "msg");
    const json_t *answers = json_object_get(w->expected, "resultsArray"), *answer;
    struct bytes three = { 0 }, out = { 0 };
    unsigned mark = w->used;
    uint8_t md[EVP_MAX_MD_SIZE];
    size_t len = seed.len;
    CK_RV rv = CKR_OK;
    bool right = len <= sizeof md && json_array_size(answers) == MONTE_CARLO_OUTER;

    if (right)
        memcpy(md, seed.p, len);
    for (size_t i = 0; i < MONTE_CARLO_OUTER && right; i++) {
        bytes_reset(&three);
        for (int j = 0; j < 3; j++)
            bytes_append(&three, md, len);
        for (int j = 0; j < MONTE_CARLO_INNER && rv == CKR_OK; j++) {
            rv = token_digest(w->token, m, bytes_span(&three), &out);
            if (rv != CKR_OK || out.len != len)
                break;
            memmove(three.p, three.p + len, 2 * len);
            memcpy(three.p + 2 * len, out.p, len);
        }
        memcpy(md, three.p + 2 * len, len);
        answer = json_array_get(answers, i);
        right = rv == CKR_OK && span_equal(work_hex(w, answer, "md"), span_of(md, len));
        while (w->used > mark)
            bytes_clear(&w->pool[--w->used]);
    }
    outcome_rv(o, rv);
    o->right = right;
    bytes_clear(&three);
    bytes_clear(&out);
}

static void digest_run(struct work *w, struct outcome *o)
{
    const struct hash *h = hash_find(w->argument);
    struct bytes *out = work_bytes(w);
    CK_MECHANISM m;

    INVARIANT(h != NULL);
    m = mechanism_of(h->digest, NULL, 0);
    if (!token_offers(w->token, h->digest, CKF_DIGEST))
        outcome_left_out(o, not_offered(h->names[0]));
    else if (is_monte_carlo(w))
        digest_chain(w, &m, o);
    else
        outcome_result(o, token_digest(w->token, &m, work_hex(w, w->test, "msg"), out), out,
                       work_hex(w, w->expected, "md"));
}

const struct family acvp_digest_family = { NULL, digest_run };
