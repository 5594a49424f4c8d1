/* Keys end to end: a real SoftHSM token, the memory store, and libcrypto to check what comes out. */
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>

#include "firmware/base/clock.h"
#include "service/vault/keys.h"
#include "service/vault/public_key.h"
#include "service/vault/purged_vault.h"
#include "tests/unit/pkcs11/token/fixture.h"
#include "tests/unit/service/vault/waiting.h"

static struct token *token;
static struct store *store, *management;
static struct keys *keys;
static struct vault vault;

static int set_up(void)
{
    struct token_config config = fixture_config();

    token = fixture_open(&config);
    vault = (struct vault){ .id = guid_random(), .name = "unit", .retention_days = 90, .premium = true };
    return store_open_memory(&store) == ST_OK && store_open_memory(&management) == ST_OK &&
                   keys_open(store, token, management, &keys) == ST_OK
               ? 0
               : 1;
}

static int tear_down(void)
{
    keys_close(keys);
    store_close(store);
    store_close(management);
    token_close(token);
    return 0;
}

static struct key_change named(const char *name)
{
    return (struct key_change){ .vault = &vault, .name = span_text(name) };
}

static struct key_change create_ec(const char *name)
{
    struct key_change c = named(name);

    c.spec = (struct key_spec){ .type = KEY_TYPE_EC, .curve = KEY_CURVE_P256, .bits = 256 };
    run_change(key_create, keys, &c);
    return c;
}

static enum fault_code change(void (*run)(struct keys *, struct key_change *), struct key_change *c)
{
    enum fault_code code;

    run_change(run, keys, c);
    code = c->fault.code;
    key_change_clear(c);
    return code;
}

static const struct key_version *found(const char *name, const char *version)
{
    const struct key_version *v = NULL;

    CU_ASSERT_EQUAL_FATAL(keys_find(keys, &vault, span_text(name), span_text(version), &v), ST_OK);
    return v;
}

static enum status find(const char *name, const char *version)
{
    const struct key_version *v = NULL;
    enum status st = keys_find(keys, &vault, span_text(name), span_text(version), &v);

    key_version_unref(v);
    return st;
}

/* Sign a digest with ES256 and check it by libcrypto with the public key from the record. */
static bool signs(const struct key_version *v)
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    struct key_operation o = { .key = v, .op = KEY_OP_SIGN, .alg = span_text("ES256"), .value = span_of(digest, 32) };
    const uint8_t *der = v->public_der.p;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &der, (long)v->public_der.len);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    ECDSA_SIG *sig = ECDSA_SIG_new();
    uint8_t *sig_der = NULL;
    bool ok = false;
    int len;

    SHA256((const uint8_t *)"hello", 5, digest);
    run_operation(keys, &o);
    if (o.fault.code == FAULT_NONE && key_operation_result(&o).len == 64) {
        const uint8_t *raw = key_operation_result(&o).p;

        ECDSA_SIG_set0(sig, BN_bin2bn(raw, 32, NULL), BN_bin2bn(raw + 32, 32, NULL));
        len = i2d_ECDSA_SIG(sig, &sig_der);
        ok = EVP_PKEY_verify_init(ctx) == 1 && EVP_PKEY_verify(ctx, sig_der, (size_t)len, digest, 32) == 1;
    }
    key_operation_clear(&o);
    OPENSSL_free(sig_der);
    ECDSA_SIG_free(sig);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(key);
    return ok;
}

static void creates_and_signs(void)
{
    struct key_change c = create_ec("First");
    const struct key_version *v;

    CU_ASSERT_EQUAL_FATAL(c.fault.code, FAULT_NONE);
    CU_ASSERT_TRUE(key_version_valid(span_text(c.key->version)));
    v = found("fIRST", "");
    CU_ASSERT_STRING_EQUAL(v->name, "First");
    CU_ASSERT_STRING_EQUAL(v->version, c.key->version);
    CU_ASSERT_EQUAL(v->ops, key_ops_default(KEY_TYPE_EC));
    CU_ASSERT_TRUE(signs(v));
    key_version_unref(v);
    key_change_clear(&c);
}

static void versions(void)
{
    struct key_change a = create_ec("versions"), b = create_ec("VERSIONS");

    CU_ASSERT_STRING_NOT_EQUAL(a.key->version, b.key->version);
    CU_ASSERT_STRING_EQUAL(b.key->name, "versions"); /* the casing of the first creation */
    CU_ASSERT_EQUAL(find("versions", a.key->version), ST_OK);
    CU_ASSERT_EQUAL(find("versions", b.key->version), ST_OK);
    CU_ASSERT_EQUAL(find("versions", "00000000000000000000000000000000"), ST_NOT_FOUND);
    CU_ASSERT_EQUAL(find("nobody", ""), ST_NOT_FOUND);
    key_change_clear(&a);
    key_change_clear(&b);
}

static void other_vaults(void)
{
    struct vault other = vault;
    const struct key_version *v = NULL;
    struct key_change c = create_ec("mine");

    other.id = guid_random();
    CU_ASSERT_EQUAL(keys_find(keys, &other, span_text("mine"), (struct span){ 0 }, &v), ST_NOT_FOUND);
    key_change_clear(&c);
}

static void updates(void)
{
    struct key_change c = create_ec("updated"), u = named("updated");
    struct key_operation o;
    const struct key_version *v;

    key_change_clear(&c);
    u.has_enabled = true; /* disable, drop `sign` */
    u.has_ops = true;
    u.ops = BIT(KEY_OP_VERIFY);
    u.has_expires = true;
    u.attributes.expires = 4102444800;
    u.has_tags = true;
    u.tags_json = span_text("{\"a\":\"b\"}");
    CU_ASSERT_EQUAL(change(key_update, &u), FAULT_NONE);
    v = found("updated", "");
    CU_ASSERT_FALSE(v->attributes.enabled);
    CU_ASSERT_EQUAL(v->ops, BIT(KEY_OP_VERIFY));
    CU_ASSERT_EQUAL(v->attributes.expires, 4102444800);
    CU_ASSERT_STRING_EQUAL(v->tags_json, "{\"a\":\"b\"}");
    o = (struct key_operation){ .key = v, .op = KEY_OP_SIGN, .alg = span_text("ES256"), .value = span_text("x") };
    run_operation(keys, &o);
    CU_ASSERT_EQUAL(o.fault.code, FAULT_KEY_DISABLED);
    key_operation_clear(&o);
    key_version_unref(v);

    u = named("updated");
    u.has_enabled = u.attributes.enabled = true;
    CU_ASSERT_EQUAL(change(key_update, &u), FAULT_NONE);
    v = found("updated", "");
    o = (struct key_operation){ .key = v, .op = KEY_OP_SIGN, .alg = span_text("ES256"), .value = span_text("x") };
    run_operation(keys, &o);
    CU_ASSERT_EQUAL(o.fault.code, FAULT_OPERATION_NOT_PERMITTED);
    key_operation_clear(&o);
    key_version_unref(v);

    u = named("updated");
    u.has_ops = true;
    u.ops = key_ops_default(KEY_TYPE_EC);
    u.clear_expires = true;
    CU_ASSERT_EQUAL(change(key_update, &u), FAULT_NONE);
    v = found("updated", "");
    CU_ASSERT_FALSE(v->attributes.has_expires);
    CU_ASSERT_TRUE(signs(v)); /* the blob was bound anew three times and still opens */
    key_version_unref(v);

    u = named("updated");
    u.has_ops = true;
    u.ops = BIT(KEY_OP_ENCRYPT);
    CU_ASSERT_EQUAL(change(key_update, &u), FAULT_BAD_PARAMETER);
    u = named("nobody");
    CU_ASSERT_EQUAL(change(key_update, &u), FAULT_KEY_NOT_FOUND);
}

static void time_window(void)
{
    struct key_change c = named("window");
    const struct key_version *v;
    struct key_operation o;
    uint8_t digest[32] = { 1 }, signature[64] = { 1 };

    c.spec = (struct key_spec){ .type = KEY_TYPE_EC, .curve = KEY_CURVE_P256, .bits = 256 };
    c.has_expires = true;
    c.attributes.expires = 1000000000;
    CU_ASSERT_EQUAL(change(key_create, &c), FAULT_NONE);
    v = found("window", "");
    o = (struct key_operation){ .key = v, .op = KEY_OP_SIGN, .alg = span_text("ES256"), .value = span_of(digest, 32) };
    run_operation(keys, &o);
    CU_ASSERT_EQUAL(o.fault.code, FAULT_KEY_EXPIRED);
    key_operation_clear(&o);
    o = (struct key_operation){ .key = v,
                                .op = KEY_OP_VERIFY,
                                .alg = span_text("ES256"),
                                .digest = span_of(digest, 32),
                                .value = span_of(signature, 64) };
    run_operation(keys, &o); /* undoing and checking go on after the end */
    CU_ASSERT_EQUAL(o.fault.code, FAULT_NONE);
    CU_ASSERT_FALSE(o.verified);
    key_operation_clear(&o);
    key_version_unref(v);
}

static void refused_operations(void)
{
    static const struct {
        enum key_op op;
        const char *alg;
        size_t len;
    } bad[] = {
        { KEY_OP_SIGN, "ES256", 31 }, { KEY_OP_SIGN, "ES256", 33 },   { KEY_OP_SIGN, "ES256", 0 },
        { KEY_OP_SIGN, "ES384", 48 }, { KEY_OP_SIGN, "ES256K", 32 },  { KEY_OP_SIGN, "RS256", 32 },
        { KEY_OP_SIGN, "es256", 32 }, { KEY_OP_SIGN, "", 32 },        { KEY_OP_SIGN, "none", 32 },
        { KEY_OP_SIGN, "HS256", 32 }, { KEY_OP_VERIFY, "ES512", 64 }, { KEY_OP_SIGN, "RSA-OAEP", 32 },
    };
    struct key_change c = create_ec("refused");
    uint8_t input[64] = { 0 };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct key_operation o = { .key = c.key,
                                   .op = bad[i].op,
                                   .alg = span_text(bad[i].alg),
                                   .value = span_of(input, bad[i].len),
                                   .digest = span_of(input, bad[i].len) };

        run_operation(keys, &o);
        CU_ASSERT_EQUAL(o.fault.code, FAULT_BAD_PARAMETER);
        key_operation_clear(&o);
    }
    key_change_clear(&c);
}

static void deletes_and_recovers(void)
{
    struct key_change c = create_ec("gone"), d = named("gone"), again;
    struct key_head head;
    const struct key_version *v = NULL;

    key_change_clear(&c);
    run_change(key_delete, keys, &d);
    CU_ASSERT_EQUAL_FATAL(d.fault.code, FAULT_NONE);
    CU_ASSERT_EQUAL(d.head.purge_at - d.head.deleted_at, 90 * 86400);
    key_change_clear(&d);
    CU_ASSERT_EQUAL(find("gone", ""), ST_NOT_FOUND);
    CU_ASSERT_EQUAL(keys_find_deleted(keys, &vault, span_text("GONE"), &v, &head), ST_OK);
    key_version_unref(v);
    again = create_ec("gone");
    CU_ASSERT_EQUAL(again.fault.code, FAULT_NAME_IS_DELETED);
    key_change_clear(&again);
    d = named("gone");
    CU_ASSERT_EQUAL(change(key_delete, &d), FAULT_KEY_NOT_FOUND);
    d = named("gone");
    CU_ASSERT_EQUAL(change(key_update, &d), FAULT_KEY_NOT_FOUND);
    d = named("gone");
    CU_ASSERT_EQUAL(change(key_recover, &d), FAULT_NONE);
    v = found("gone", "");
    CU_ASSERT_TRUE(signs(v));
    key_version_unref(v);
    d = named("gone");
    CU_ASSERT_EQUAL(change(key_recover, &d), FAULT_DELETED_KEY_NOT_FOUND);
    d = named("gone");
    CU_ASSERT_EQUAL(change(key_purge, &d), FAULT_DELETED_KEY_NOT_FOUND); /* only what is deleted can be purged */
}

static bool count_record(const struct store_record *r, void *arg)
{
    (void)r;
    ++*(unsigned *)arg;
    return true;
}

static unsigned records_of(const char *name)
{
    struct bytes head = { 0 }, versions_path = { 0 }, index = { 0 };
    unsigned n = 0;

    key_head_path(&head, &vault.id, span_text(name));
    key_version_path(&versions_path, &vault.id, span_text(name), (struct span){ 0 });
    key_deleted_path(&index, &vault.id, span_text(name));
    CU_ASSERT_EQUAL(store_range(store, bytes_span(&head), (struct span){ 0 }, 10, count_record, &n, NULL), ST_OK);
    CU_ASSERT_EQUAL(store_range(store, bytes_span(&versions_path), (struct span){ 0 }, 10, count_record, &n, NULL),
                    ST_OK);
    CU_ASSERT_EQUAL(store_range(store, bytes_span(&index), (struct span){ 0 }, 10, count_record, &n, NULL), ST_OK);
    bytes_clear(&head);
    bytes_clear(&versions_path);
    bytes_clear(&index);
    return n;
}

static void purges(void)
{
    struct key_change a = create_ec("purged"), b = create_ec("purged"), d;

    key_change_clear(&a);
    key_change_clear(&b);
    CU_ASSERT_EQUAL(records_of("purged"), 3);
    d = named("purged");
    CU_ASSERT_EQUAL(change(key_delete, &d), FAULT_NONE);
    vault.purge_protection = true;
    d = named("purged");
    CU_ASSERT_EQUAL(change(key_purge, &d), FAULT_PURGE_PROTECTED);
    CU_ASSERT_EQUAL(records_of("purged"), 4);
    vault.purge_protection = false;
    d = named("purged");
    CU_ASSERT_EQUAL(change(key_purge, &d), FAULT_NONE);
    CU_ASSERT_EQUAL(records_of("purged"), 0);
    a = create_ec("purged"); /* the name is free again */
    CU_ASSERT_EQUAL(a.fault.code, FAULT_NONE);
    key_change_clear(&a);
}

static bool has_gone(void *key)
{
    return store_get(store, bytes_span(key), NULL, NULL) == ST_NOT_FOUND;
}

/* A vault's mark in the management store makes its keys go, and no other's. */
static void purged_vaults(void)
{
    struct vault gone = vault;
    struct bytes path = { 0 }, mark = { 0 }, head = { 0 };
    struct store_write w = { .expected = STORE_ANY };
    struct store_commit commit = { .writes = &w, .count = 1 };
    struct key_change c = create_ec("stays");

    key_change_clear(&c);
    gone.id = guid_random();
    c = named("goes");
    c.vault = &gone;
    c.spec = (struct key_spec){ .type = KEY_TYPE_EC, .curve = KEY_CURVE_P256, .bits = 256 };
    CU_ASSERT_EQUAL(change(key_create, &c), FAULT_NONE);
    purged_vault_path(&path, &gone.id);
    CU_ASSERT_EQUAL_FATAL(purged_vault_pack(clock_unix_s(), &mark), ST_OK);
    w.key = bytes_span(&path);
    w.value = bytes_span(&mark);
    CU_ASSERT_EQUAL_FATAL(store_commit(management, &commit), ST_OK);
    key_head_path(&head, &gone.id, span_text("goes"));
    CU_ASSERT(wait_until(has_gone, &head));
    CU_ASSERT_EQUAL(find("stays", ""), ST_OK);
    bytes_clear(&path);
    bytes_clear(&mark);
    bytes_clear(&head);
}

struct names {
    char seen[40][KEY_NAME_MAX + 1];
    size_t count;
};

static void note_name(const struct key_version *v, const struct key_head *head, void *arg)
{
    struct names *n = arg;

    (void)head;
    if (n->count < ARRAY_LEN(n->seen))
        memcpy(n->seen[n->count++], v->name, sizeof v->name);
}

static void lists(void)
{
    struct vault here = vault;
    struct bytes next = { 0 }, after = { 0 };
    struct names n = { .count = 0 };
    unsigned pages = 0;
    char name[16];

    here.id = guid_random();
    for (unsigned i = 0; i < 30; i++) {
        struct key_change c;

        snprintf(name, sizeof name, "list-%02u", i);
        c = named(name);
        c.vault = &here;
        c.spec = (struct key_spec){ .type = KEY_TYPE_OCT, .bits = 128 };
        CU_ASSERT_EQUAL(change(key_create, &c), FAULT_NONE);
        if (i % 10 == 3) {
            c = named(name);
            c.vault = &here;
            CU_ASSERT_EQUAL(change(key_delete, &c), FAULT_NONE);
        }
    }
    do {
        CU_ASSERT_EQUAL_FATAL(bytes_set(&after, bytes_span(&next)), ST_OK);
        CU_ASSERT_EQUAL_FATAL(keys_list(keys, &here, false, bytes_span(&after), 7, note_name, &n, &next), ST_OK);
    } while (++pages < 10 && next.len > 0);
    CU_ASSERT_EQUAL(n.count, 27);
    CU_ASSERT_EQUAL(pages, 4);
    for (size_t i = 1; i < n.count; i++)
        CU_ASSERT_TRUE(strcmp(n.seen[i - 1], n.seen[i]) < 0); /* none twice, in order */
    n.count = 0;
    CU_ASSERT_EQUAL(keys_list(keys, &here, true, (struct span){ 0 }, 25, note_name, &n, &next), ST_OK);
    CU_ASSERT_EQUAL(n.count, 3);
    CU_ASSERT_EQUAL(next.len, 0);
    bytes_clear(&next);
    bytes_clear(&after);
}

/* Change one record as somebody with the store's file could. */
static void tamper(struct key_version *v)
{
    struct bytes path = { 0 }, record = { 0 };
    struct store_write w = { .expected = STORE_ANY };
    struct store_commit c = { .writes = &w, .count = 1 };

    key_version_path(&path, &vault.id, span_text(v->name), span_text(v->version));
    CU_ASSERT_EQUAL_FATAL(key_version_pack(v, &record), ST_OK);
    w.key = bytes_span(&path);
    w.value = bytes_span(&record);
    CU_ASSERT_EQUAL_FATAL(store_commit(store, &c), ST_OK);
    bytes_clear(&path);
    bytes_clear(&record);
}

static void edited_records(void)
{
    struct key_change c = named("edited"), other = create_ec("other");
    struct key_version *v;
    const struct key_version *now;

    c.spec = (struct key_spec){ .type = KEY_TYPE_EC, .curve = KEY_CURVE_P256, .bits = 256 };
    c.has_enabled = true; /* disabled from the start */
    run_change(key_create, keys, &c);
    CU_ASSERT_EQUAL_FATAL(c.fault.code, FAULT_NONE);
    v = (struct key_version *)c.key;

    v->attributes.enabled = true; /* a disabled key enabled */
    tamper(v);
    now = found("edited", "");
    CU_ASSERT_TRUE(now->attributes.enabled);
    CU_ASSERT_FALSE(signs(now));
    key_version_unref(now);

    CU_ASSERT_EQUAL(bytes_set(&v->blob, bytes_span(&other.key->blob)), ST_OK); /* another key's blob */
    CU_ASSERT_EQUAL(bytes_set(&v->public_der, bytes_span(&other.key->public_der)), ST_OK);
    tamper(v);
    now = found("edited", "");
    CU_ASSERT_FALSE(signs(now));
    key_version_unref(now);
    key_change_clear(&c);
    key_change_clear(&other);
}

static void *create_same_name(void *arg)
{
    struct key_change c = named("raced");

    c.spec = (struct key_spec){ .type = KEY_TYPE_EC, .curve = KEY_CURVE_P256, .bits = 256 };
    run_change(key_create, keys, &c);
    *(enum fault_code *)arg = c.fault.code;
    key_change_clear(&c);
    return NULL;
}

static void note_version(const struct key_version *v, const struct key_head *head, void *arg)
{
    (void)v;
    (void)head;
    ++*(unsigned *)arg;
}

static void racing_creations(void)
{
    enum fault_code codes[8];
    pthread_t threads[8];
    struct bytes next = { 0 };
    unsigned n = 0;

    for (unsigned i = 0; i < 8; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, create_same_name, &codes[i]), 0);
    for (unsigned i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        CU_ASSERT_EQUAL(codes[i], FAULT_NONE);
    }
    CU_ASSERT_EQUAL(
        keys_list_versions(keys, &vault, span_text("raced"), (struct span){ 0 }, 25, note_version, &n, &next), ST_OK);
    CU_ASSERT_EQUAL(n, 8);
    bytes_clear(&next);
}

static void *update_often(void *arg)
{
    unsigned *refused = arg;

    for (unsigned i = 0; i < 20; i++) {
        struct key_change u = named("contended");

        u.has_enabled = true;
        u.attributes.enabled = i % 2 == 0; /* what the seal binds: each goes through the token */
        *refused += change(key_update, &u) != FAULT_NONE;
    }
    return NULL;
}

static void racing_updates(void)
{
    struct key_change c = create_ec("contended"), u = named("contended");
    const struct key_version *v;
    unsigned refused[4] = { 0 };
    pthread_t threads[4];

    key_change_clear(&c);
    for (unsigned i = 0; i < 4; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, update_often, &refused[i]), 0);
    for (unsigned i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        CU_ASSERT_EQUAL(refused[i], 0); /* who was slower has been taken up again */
    }
    u.has_enabled = u.attributes.enabled = true;
    CU_ASSERT_EQUAL(change(key_update, &u), FAULT_NONE);
    v = found("contended", "");
    CU_ASSERT_TRUE(signs(v));
    key_version_unref(v);
}

static void public_jwk(void)
{
    struct key_change c = create_ec("jwk");
    struct public_jwk jwk = { { 0 }, { 0 } };

    CU_ASSERT_EQUAL(public_key_jwk(c.key, &jwk), ST_OK);
    CU_ASSERT_EQUAL(jwk.first.len, 32);
    CU_ASSERT_EQUAL(jwk.second.len, 32);
    public_jwk_clear(&jwk);
    key_change_clear(&c);
}

int main(void)
{
    static CU_TestInfo cases[] = {
        { "a key is made, found in any case, and signs", creates_and_signs },
        { "creating again makes a version; versions that are not there are not found", versions },
        { "another vault's keys are not found", other_vaults },
        { "an update is bound anew and still opens; what does not fit is refused", updates },
        { "outside its time window a key signs no more but still verifies", time_window },
        { "a wrong algorithm or digest length is refused", refused_operations },
        { "a deleted key is hidden, keeps its name, and comes back", deletes_and_recovers },
        { "a purge takes every record, unless the vault is protected", purges },
        { "the keys of a purged vault go", purged_vaults },
        { "pages list every live key once, and deleted ones apart", lists },
        { "a record edited in the store does not open", edited_records },
        { "eight creations of one name make eight versions", racing_creations },
        { "four threads update one key and none is refused", racing_updates },
        { "the public half has coordinates of fixed width", public_jwk },
        CU_TEST_INFO_NULL,
    };
    static CU_SuiteInfo suites[] = { { "keys", set_up, tear_down, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
