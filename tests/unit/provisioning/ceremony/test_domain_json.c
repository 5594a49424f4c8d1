/* The security domain's file as JSON: there and back, as az leaves it, and every byte of it changed. */
#include "provisioning/ceremony/domain_json.h"

#include <jansson.h>

#include "firmware/base/base64url.h"
#include "firmware/domain/kdf.h"
#include "tests/unit/firmware/domain/domain_fixture.h"
#include "tests/unit/harness.h"

static uint8_t block[BUDGET_SIZE], made_block[BUDGET_SIZE];
static struct budget budget, made_budget;
static Ks__DomainFile *made; /* 5 holders, 3 of them required */
static struct bytes text;
static struct bytes last_wrapped; /* a wrapped key that opened, and what was in it */
static struct secret last_master;

/* Once, before the first test. */
static void make_file(void)
{
    struct payload p = fixture_payload(3, 5);

    if (made != NULL)
        return;
    budget_init(&made_budget, made_block, sizeof made_block);
    CU_ASSERT_EQUAL_FATAL(domain_file_make(&p, fixture_draw, &made_budget, &made), ST_OK);
    CU_ASSERT_EQUAL_FATAL(domain_json_write(made, &text), ST_OK);
}

static int free_file(void)
{
    bytes_clear(&text);
    bytes_clear(&last_wrapped);
    secret_clear(&last_master);
    fixture_free();
    return 0;
}

static enum status read_in(struct span json, size_t room, Ks__DomainFile **out)
{
    enum status st;

    budget_init(&budget, block, room);
    st = domain_json_read(json, &budget, out);
    CU_ASSERT_EQUAL(*out != NULL, st == ST_OK);
    return st;
}

static enum status read_text(const char *json)
{
    Ks__DomainFile *f;

    return read_in(span_text(json), sizeof block, &f);
}

static enum status open_with_three(const Ks__DomainFile *f, struct payload *out)
{
    struct secret shares[3] = { { 0 } };
    unsigned distinct;
    enum status st;

    for (size_t i = 0; i < 3; i++)
        CU_ASSERT_EQUAL_FATAL(
            domain_share_open(span_text(f->shares[i]->compact_jwe), fixture_holders()[i].key, &shares[i]), ST_OK);
    st = domain_file_open(f->required, f->n_items, f->items, shares, 3, out, &distinct);
    for (size_t i = 0; i < 3; i++)
        secret_clear(&shares[i]);
    return st;
}

/* --- the file --- */

static void it_comes_back(void)
{
    struct payload p = fixture_payload(3, 5), back = { 0 };
    Ks__DomainFile *f;
    struct bytes again = { 0 };

    CU_ASSERT_EQUAL_FATAL(read_in(bytes_span(&text), sizeof block, &f), ST_OK);
    CU_ASSERT_EQUAL(memcmp(f->digest.data, made->digest.data, 32), 0);
    CU_ASSERT_EQUAL(domain_json_write(f, &again), ST_OK);
    CU_ASSERT(span_equal(bytes_span(&text), bytes_span(&again)));
    CU_ASSERT_EQUAL(open_with_three(f, &back), ST_OK);
    CU_ASSERT(payload_equal(&p, &back));
    payload_clear(&back);
    bytes_clear(&again);
}

static void it_has_azures_members(void)
{
    json_t *file = json_loadb((const char *)text.p, text.len, JSON_REJECT_DUPLICATES, NULL);
    const char *kdf, *tag, *jwe, *algorithm, *key, *x5t;
    struct bytes name = { 0 };
    uint8_t hash[32];
    json_t *shares;
    int required;

    CU_ASSERT_FATAL(file != NULL);
    CU_ASSERT_EQUAL(json_unpack(file, "{s:{s:[{s:s,s:s}],s:s},s:{s:o,s:s,s:i}}", "EncData", "data", "compact_jwe", &jwe,
                                "tag", &tag, "kdf", &kdf, "SharedKeys", "enc_shares", &shares, "key_algorithm",
                                &algorithm, "required", &required),
                    0);
    CU_ASSERT_STRING_EQUAL(kdf, "sp108_kdf");
    CU_ASSERT_STRING_EQUAL(tag, "strongroom-domain-v1");
    CU_ASSERT_STRING_EQUAL(algorithm, "shamir_share");
    CU_ASSERT_EQUAL(required, 3);
    CU_ASSERT_EQUAL_FATAL(json_array_size(shares), 5);
    for (size_t i = 0; i < 5; i++) {
        CU_ASSERT_EQUAL(json_unpack(json_array_get(shares, i), "{s:s,s:s!}", "enc_key", &key, "x5t_256", &x5t), 0);
        bytes_reset(&name);
        CU_ASSERT(X509_digest(fixture_holders()[i].certificate, EVP_sha256(), hash, NULL) == 1);
        base64url_append(&name, span_of(hash, sizeof hash));
        CU_ASSERT_STRING_EQUAL(x5t, bytes_text(&name));
    }
    bytes_clear(&name);
    json_decref(file);
}

/* Each byte becomes the next, or one with another bit, or white space. */
static void no_changed_file_is_read(void)
{
    unsigned accepted = 0;
    Ks__DomainFile *f;

    for (size_t i = 0; i < text.len; i++) {
        uint8_t was = text.p[i], others[] = { (uint8_t)(was + 1), (uint8_t)(was ^ 0x20), ' ' };

        text.p[i] = others[i % ARRAY_LEN(others)];
        accepted += read_in(bytes_span(&text), sizeof block, &f) == ST_OK;
        text.p[i] = was;
    }
    CU_ASSERT_EQUAL(accepted, 0);
    for (size_t len = 0; len < text.len; len += 7)
        CU_ASSERT_NOT_EQUAL(read_in(span_of(text.p, len), sizeof block, &f), ST_OK);
    CU_ASSERT_EQUAL(read_in(bytes_span(&text), sizeof block, &f), ST_OK);
}

/* The file's tree with `path` (of names, '/' between them; a number is an element) set to `value`, NULL: taken out. */
static char *edited(const char *json, const char *path, json_t *value)
{
    json_t *root = json_loads(json, 0, NULL), *at = root;
    char copy[128], *rest = copy, *name;
    char *out;

    CU_ASSERT_FATAL(root != NULL && strlen(path) < sizeof copy);
    strcpy(copy, path);
    while ((name = strsep(&rest, "/")) != NULL && rest != NULL)
        at = json_is_array(at) ? json_array_get(at, (size_t)atoi(name)) : json_object_get(at, name);
    if (json_is_array(at))
        value != NULL ? json_array_set_new(at, (size_t)atoi(name), value) : json_array_remove(at, (size_t)atoi(name));
    else
        value != NULL ? json_object_set_new(at, name, value) : json_object_del(at, name);
    out = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    return out;
}

static void expect_edited(const char *path, json_t *value, enum status expected)
{
    char *json = edited(bytes_text(&text), path, value);

    CU_ASSERT_EQUAL(read_text(json), expected);
    free(json);
}

static void members_are_just_those(void)
{
    static const char *const needed[] = {
        "EncData",
        "EncData/data",
        "EncData/data/0",
        "EncData/data/0/tag",
        "EncData/data/0/compact_jwe",
        "EncData/kdf",
        "SharedKeys",
        "SharedKeys/enc_shares",
        "SharedKeys/enc_shares/4/enc_key",
        "SharedKeys/enc_shares/4/x5t_256",
        "SharedKeys/key_algorithm",
        "SharedKeys/required",
        "version",
        "strongroom_digest",
    };
    static const char *const unknown[] = {
        "x",
        "strongroom",
        "EncData/x",
        "EncData/strongroom_x",
        "EncData/data/0/x",
        "SharedKeys/x",
        "SharedKeys/version",
        "SharedKeys/enc_shares/0/x",
    };

    for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
        expect_edited(needed[i], NULL, ST_BAD_REQUEST);
        expect_edited(needed[i], json_null(), ST_BAD_REQUEST);
        expect_edited(needed[i], json_true(), ST_BAD_REQUEST);
    }
    for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
        expect_edited(unknown[i], json_string("x"), ST_BAD_REQUEST);
    expect_edited("strongroom_x", json_string("x"), ST_OK);
    expect_edited("strongroom_x", json_pack("{s:[i]}", "y", 1), ST_OK);
}

static void values_are_just_those(void)
{
    static const int numbers[] = { -1, 0, 1, 6, 11 };

    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        expect_edited("SharedKeys/required", json_integer(numbers[i]), ST_BAD_REQUEST);
    expect_edited("SharedKeys/required", json_string("3"), ST_BAD_REQUEST);
    expect_edited("SharedKeys/required", json_real(3.0), ST_BAD_REQUEST);
    expect_edited("SharedKeys/required", json_integer(2), ST_CORRUPT);
    expect_edited("version", json_integer(1), ST_BAD_REQUEST);
    expect_edited("version", json_integer(3), ST_BAD_REQUEST);
    expect_edited("EncData/kdf", json_string("sp108"), ST_BAD_REQUEST);
    expect_edited("SharedKeys/key_algorithm", json_string("xor"), ST_BAD_REQUEST);
    expect_edited("EncData/data/0/tag", json_string(""), ST_BAD_REQUEST);
    expect_edited("EncData/data/0/tag", json_string("other"), ST_CORRUPT);
    expect_edited("EncData/data/0/compact_jwe", json_string(""), ST_BAD_REQUEST);
    expect_edited("EncData/data/0/compact_jwe", json_string("a.b.c.d"), ST_BAD_REQUEST);
    expect_edited("EncData/data/0/compact_jwe", json_string("a.b.c.d.e.f"), ST_BAD_REQUEST);
    expect_edited("EncData/data/0/compact_jwe", json_string("a.b.c.d.="), ST_BAD_REQUEST);
    expect_edited("EncData/data/0/compact_jwe", json_string("a.b.c.d.e"), ST_CORRUPT);
    expect_edited("SharedKeys/enc_shares/0/x5t_256", json_string("AAAA"), ST_BAD_REQUEST);
    expect_edited("SharedKeys/enc_shares/0/x5t_256", json_string("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB"),
                  ST_BAD_REQUEST); /* 43 characters with left-over bits */
    expect_edited("strongroom_digest", json_string("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), ST_CORRUPT);
    expect_edited("strongroom_digest", json_string(""), ST_BAD_REQUEST);
}

static json_t *element_of_file(const char *list, size_t i)
{
    json_t *root = json_loadb((const char *)text.p, text.len, 0, NULL), *element;

    element = json_incref(strcmp(list, "data") == 0
                              ? json_array_get(json_object_get(json_object_get(root, "EncData"), list), i)
                              : json_array_get(json_object_get(json_object_get(root, "SharedKeys"), list), i));
    json_decref(root);
    return element;
}

static json_t *list_of(const char *list, size_t count)
{
    json_t *array = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, element_of_file(list, strcmp(list, "data") == 0 ? 0 : i % 5));
    return array;
}

static json_t *text_of_length(size_t len)
{
    char *long_text = malloc(len + 1);
    json_t *value;

    memset(long_text, 'x', len);
    long_text[len] = '\0';
    value = json_string(long_text);
    free(long_text);
    return value;
}

static void lengths_and_counts_are_bounded(void)
{
    json_t *swapped = list_of("enc_shares", 5);

    expect_edited("EncData/data", list_of("data", 0), ST_BAD_REQUEST);
    expect_edited("EncData/data", list_of("data", 2), ST_CORRUPT);
    expect_edited("EncData/data", list_of("data", DOMAIN_ITEMS_MAX + 1), ST_TOO_LARGE);
    expect_edited("SharedKeys/enc_shares", list_of("enc_shares", 0), ST_BAD_REQUEST);
    expect_edited("SharedKeys/enc_shares", list_of("enc_shares", 2), ST_BAD_REQUEST);
    expect_edited("SharedKeys/enc_shares", list_of("enc_shares", 4), ST_CORRUPT);
    expect_edited("SharedKeys/enc_shares", list_of("enc_shares", 6), ST_BAD_REQUEST); /* one holder twice */
    expect_edited("SharedKeys/enc_shares", list_of("enc_shares", HOLDERS_MAX + 1), ST_TOO_LARGE);
    json_array_insert(swapped, 0, json_array_get(swapped, 4));
    json_array_remove(swapped, 5);
    expect_edited("SharedKeys/enc_shares", swapped, ST_CORRUPT);
    expect_edited("EncData/data/0/tag", text_of_length(DOMAIN_TAG_MAX), ST_CORRUPT);
    expect_edited("EncData/data/0/tag", text_of_length(DOMAIN_TAG_MAX + 1), ST_TOO_LARGE);
    expect_edited("EncData/data/0/compact_jwe", text_of_length(DOMAIN_JWE_MAX), ST_BAD_REQUEST);
    expect_edited("EncData/data/0/compact_jwe", text_of_length(DOMAIN_JWE_MAX + 1), ST_TOO_LARGE);
    expect_edited("SharedKeys/enc_shares/0/enc_key", text_of_length(DOMAIN_JWE_MAX + 1), ST_TOO_LARGE);
    expect_edited("strongroom_x", text_of_length(DOMAIN_JSON_MAX), ST_TOO_LARGE);
}

static void other_texts_are_refused(void)
{
    static const char *const bad[] = { "", "{}", "[]", "null", "\"EncData\"", "{\"EncData\":{}}", "{" };
    struct bytes twice = { 0 };
    Ks__DomainFile *f;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CU_ASSERT_EQUAL(read_text(bad[i]), ST_BAD_REQUEST);
    bytes_append_span(&twice, bytes_span(&text));
    bytes_append_char(&twice, 'x');
    CU_ASSERT_EQUAL(read_in(bytes_span(&twice), sizeof block, &f), ST_BAD_REQUEST);
    bytes_reset(&twice);
    bytes_append_text(&twice, "{\"version\":2,");
    bytes_append(&twice, text.p + 1, text.len - 1);
    CU_ASSERT_EQUAL(read_in(bytes_span(&twice), sizeof block, &f), ST_BAD_REQUEST); /* a name twice */
    bytes_clear(&twice);
}

static void a_small_budget_is_no_half_a_file(void)
{
    size_t room = 0;
    Ks__DomainFile *f;
    enum status st;

    while ((st = read_in(bytes_span(&text), room, &f)) != ST_OK) {
        CU_ASSERT_EQUAL(st, ST_TOO_LARGE);
        CU_ASSERT_FATAL((room += 48) < sizeof block);
    }
    CU_ASSERT(room > 4000);
}

/* --- the restore blob --- */

static struct fixture_holder *transfer; /* one more key */

static struct bytes again(struct span s, bool encoded)
{
    struct bytes out = { 0 };

    if (encoded)
        base64url_append(&out, s);
    else
        bytes_append_span(&out, s);
    return out;
}

/* As az makes it: the payload under a new master key, and that under the transfer certificate. */
static char *blob(bool jwe_again, bool key_again, bool name_again)
{
    static const uint8_t master[DOMAIN_MASTER_LEN] = { 9, 8, 7 };
    struct payload p = fixture_payload(3, 5);
    struct bytes item = { 0 }, wrapped = { 0 }, hash = { 0 };
    struct secret packed = { 0 };
    uint8_t key[JWE_KEY_LEN], name[32];
    struct bytes texts[3];
    json_t *root;
    char *out;

    transfer = &fixture_holders()[9];
    CU_ASSERT_FATAL(payload_pack(&p, &packed) == ST_OK);
    CU_ASSERT_FATAL(
        kdf_derive(span_of(master, sizeof master), span_text(DOMAIN_TAG), span_of(NULL, 0), key, sizeof key) == ST_OK);
    CU_ASSERT_FATAL(jwe_seal_direct(key, DOMAIN_TAG, secret_span(&packed), fixture_draw, &item) == ST_OK);
    CU_ASSERT_FATAL(jwe_seal_to(transfer->key, span_of(master, sizeof master), fixture_draw, &wrapped) == ST_OK);
    CU_ASSERT_FATAL(domain_holder_name(bytes_span(&transfer->der), name) == ST_OK);
    base64url_append(&hash, span_of(name, sizeof name));
    texts[0] = again(bytes_span(&item), jwe_again);
    texts[1] = again(bytes_span(&wrapped), key_again);
    texts[2] = again(bytes_span(&hash), name_again);
    root = json_pack("{s:{s:[{s:s,s:s}],s:s},s:{s:s,s:s}}", "EncData", "data", "compact_jwe", bytes_text(&texts[0]),
                     "tag", DOMAIN_TAG, "kdf", "sp108_kdf", "WrappedKey", "enc_key", bytes_text(&texts[1]), "x5t_256",
                     bytes_text(&texts[2]));
    out = json_dumps(root, 0);
    json_decref(root);
    for (size_t i = 0; i < 3; i++)
        bytes_clear(&texts[i]);
    bytes_clear(&item);
    bytes_clear(&wrapped);
    bytes_clear(&hash);
    secret_clear(&packed);
    return out;
}

static enum status read_blob(const char *json, Ks__DomainRestore **m, uint8_t name[32])
{
    enum status st;

    budget_init(&budget, block, sizeof block);
    st = domain_json_read_restore(span_text(json), &budget, m, name);
    CU_ASSERT_EQUAL(*m != NULL, st == ST_OK);
    return st;
}

/* RSA only where there is something new to decrypt: most of the changed blobs are changed elsewhere. */
static enum status open_wrapped(const char *wrapped, struct secret *master)
{
    enum status st;

    if (span_is(bytes_span(&last_wrapped), wrapped))
        return secret_set(master, secret_span(&last_master));
    if ((st = domain_master_open(span_text(wrapped), transfer->key, master)) == ST_OK) {
        CU_ASSERT_EQUAL(bytes_set(&last_wrapped, span_text(wrapped)), ST_OK);
        CU_ASSERT_EQUAL(secret_set(&last_master, secret_span(master)), ST_OK);
    }
    return st;
}

static enum status open_blob(const char *json)
{
    struct payload p = fixture_payload(3, 5), back = { 0 };
    struct secret master = { 0 };
    uint8_t name[32], right[32];
    Ks__DomainRestore *m;
    enum status st;

    if ((st = read_blob(json, &m, name)) != ST_OK)
        return st;
    CU_ASSERT(m->n_shares == 0 && m->authorisation == NULL && m->required == QUORUM_MIN);
    CU_ASSERT_FATAL(domain_holder_name(bytes_span(&transfer->der), right) == ST_OK);
    if (memcmp(name, right, 32) != 0)
        return ST_NOT_FOUND;
    if ((st = open_wrapped(m->wrapped_key, &master)) == ST_OK &&
        (st = domain_file_open_master(m->n_items, m->items, &master, &back)) == ST_OK)
        CU_ASSERT(payload_equal(&p, &back));
    payload_clear(&back);
    secret_clear(&master);
    return st;
}

static void blobs_of_both_versions_open(void)
{
    for (unsigned way = 0; way < 8; way++) {
        char *json = blob((way & 1) != 0, (way & 2) != 0, (way & 4) != 0);

        CU_ASSERT_EQUAL(open_blob(json), ST_OK);
        free(json);
    }
}

static void no_changed_blob_opens(void)
{
    for (unsigned encoded = 0; encoded < 2; encoded++) {
        char *json = blob(encoded, encoded, encoded);
        unsigned opened = 0;

        for (size_t i = 0; json[i] != '\0'; i++) {
            char was = json[i];

            if (was == ' ') /* white space, which json_dumps() writes, may become other white space */
                continue;
            json[i] = was == 'A' ? 'B' : 'A';
            opened += open_blob(json) == ST_OK;
            json[i] = was;
        }
        CU_ASSERT_EQUAL(opened, 0);
        CU_ASSERT_EQUAL(open_blob(json), ST_OK);
        free(json);
    }
}

static void expect_blob(const char *path, json_t *value, enum status expected)
{
    char *json = blob(false, false, false), *other = edited(json, path, value);

    CU_ASSERT_EQUAL(open_blob(other), expected);
    free(json);
    free(other);
}

static void blobs_are_read_strictly(void)
{
    Ks__DomainRestore *m;
    uint8_t name[32];

    expect_blob("version", json_integer(2), ST_OK);
    expect_blob("strongroom_x", json_integer(2), ST_OK);
    expect_blob("SharedKeys", json_object(), ST_BAD_REQUEST);
    expect_blob("x", json_integer(2), ST_BAD_REQUEST);
    expect_blob("WrappedKey/x", json_integer(2), ST_BAD_REQUEST);
    expect_blob("WrappedKey/enc_key", NULL, ST_BAD_REQUEST);
    expect_blob("WrappedKey/enc_key", json_string(""), ST_BAD_REQUEST);
    expect_blob("WrappedKey/enc_key", json_string("YS5iLmMuZA"), ST_BAD_REQUEST);       /* a.b.c.d */
    expect_blob("WrappedKey/enc_key", json_string("WVM1aUxtTXVaQzVs"), ST_BAD_REQUEST); /* a.b.c.d.e, twice */
    expect_blob("WrappedKey/enc_key", json_string("YS5iLmMuZC5l"), ST_BAD_CIPHERTEXT);  /* a.b.c.d.e */
    expect_blob("WrappedKey/enc_key", text_of_length(DOMAIN_JWE_MAX / 3 * 4 + 4), ST_TOO_LARGE);
    expect_blob("WrappedKey/x5t_256", json_string(""), ST_BAD_REQUEST);
    expect_blob("WrappedKey/x5t_256", json_string("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), ST_NOT_FOUND);
    expect_blob("EncData/kdf", json_string("x"), ST_BAD_REQUEST);
    expect_blob("EncData/data/0/tag", json_string("x"), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(read_blob(bytes_text(&text), &m, name), ST_BAD_REQUEST); /* the file is no blob */
    CU_ASSERT_EQUAL(read_blob("{}", &m, name), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(read_blob("", &m, name), ST_BAD_REQUEST);
}

static CU_TestInfo file_cases[] = {
    { "it comes back, byte for byte", it_comes_back },
    { "it has the members of Azure's", it_has_azures_members },
    { "no file is read of which a byte was changed, or that was cut", no_changed_file_is_read },
    { "a member too few, too many or of another type is refused", members_are_just_those },
    { "another value is refused", values_are_just_those },
    { "lengths and counts are bounded, the order counts", lengths_and_counts_are_bounded },
    { "other texts are refused", other_texts_are_refused },
    { "in a budget that is too small there is no half a file", a_small_budget_is_no_half_a_file },
    CU_TEST_INFO_NULL,
};

static CU_TestInfo blob_cases[] = {
    { "blobs open, encoded once or twice", blobs_of_both_versions_open },
    { "no blob opens of which a byte was changed", no_changed_blob_opens },
    { "blobs are read strictly", blobs_are_read_strictly },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { "security domain file as JSON", NULL, NULL, make_file, NULL, file_cases },
                              { "restore blob", NULL, free_file, make_file, NULL, blob_cases },
                              CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
