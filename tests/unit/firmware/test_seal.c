/* Sealed keys: what a blob is bound to, and that no order of requests makes a key looser than it was. */
#include "firmware/inside.h"
#include "tests/unit/firmware/rig.h"

static struct rig rig;
static struct rig_client client;
static uint64_t session;

static void open_rig(void)
{
    session = rig_open_ready(&rig, &client);
}

static void close_rig(void)
{
    rig_disconnect(&client);
    rig_close(&rig);
}

/* --- the blob by itself --- */

static const uint8_t domain_key[DOMAIN_KEY_LEN] = { 1 };
static const uint8_t domain_id[DOMAIN_ID_LEN] = { 2 };

static struct seal *seal_of(const uint8_t key[DOMAIN_KEY_LEN], const uint8_t id[DOMAIN_ID_LEN], const char *partition)
{
    struct seal *s = NULL;

    CU_ASSERT_FATAL(seal_new(key, id, span_text(partition), &s) == ST_OK);
    return s;
}

static struct output blob_of(struct seal *s, const char *value, const char *context, uint8_t room[256])
{
    struct output out = { .p = room, .room = 256 };
    struct attributes a = { 0 };

    CU_ASSERT_FATAL(attributes_set(&a, CKA_VALUE, span_text(value)) == CKR_OK);
    CU_ASSERT_FATAL(seal_close(s, &a, span_text(context), &out) == CKR_OK);
    attributes_clear(&a);
    return out;
}

static CK_RV open_blob(struct seal *s, struct span blob, const char *context)
{
    struct attributes a = { 0 };
    CK_RV rv = seal_open(s, blob, span_text(context), &a);

    CU_ASSERT(rv != CKR_OK || span_equal(attributes_get(&a, CKA_VALUE), span_text("value")));
    CU_ASSERT(rv == CKR_OK || a.count == 0);
    attributes_clear(&a);
    return rv;
}

static void a_blob_opens_where_it_was_made_alone(void)
{
    uint8_t room[256], other_key[DOMAIN_KEY_LEN] = { 3 }, other_id[DOMAIN_ID_LEN] = { 4 };
    struct seal *mine = seal_of(domain_key, domain_id, "one"), *same = seal_of(domain_key, domain_id, "one");
    struct seal *others[] = { seal_of(domain_key, domain_id, "two"), seal_of(other_key, domain_id, "one"),
                              seal_of(domain_key, other_id, "one") };
    struct output out = blob_of(mine, "value", "context", room);
    struct span blob = span_of(out.p, out.len);

    CU_ASSERT_EQUAL(open_blob(mine, blob, "context"), CKR_OK);
    CU_ASSERT_EQUAL(open_blob(same, blob, "context"), CKR_OK);
    CU_ASSERT_EQUAL(open_blob(mine, blob, "contexts"), CKR_WRAPPED_KEY_INVALID);
    CU_ASSERT_EQUAL(open_blob(mine, blob, ""), CKR_WRAPPED_KEY_INVALID);
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        CU_ASSERT_EQUAL(open_blob(others[i], blob, "context"), CKR_WRAPPED_KEY_INVALID);
        seal_free(others[i]);
    }
    for (size_t len = 0; len < blob.len; len++)
        CU_ASSERT_EQUAL(open_blob(mine, span_of(blob.p, len), "context"), CKR_WRAPPED_KEY_INVALID);
    for (size_t bit = 0; bit < 8 * blob.len; bit++) {
        room[bit / 8] ^= (uint8_t)(1u << bit % 8);
        CU_ASSERT_EQUAL(open_blob(mine, blob, "context"), CKR_WRAPPED_KEY_INVALID);
        room[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    CU_ASSERT_EQUAL(open_blob(mine, blob, "context"), CKR_OK); /* failures leave nothing behind */
    seal_free(mine);
    seal_free(same);
}

static void no_two_blobs_are_alike(void)
{
    uint8_t first[256], second[256];
    struct seal *s = seal_of(domain_key, domain_id, "one");
    struct output a = blob_of(s, "value", "", first), b = blob_of(s, "value", "", second);

    CU_ASSERT_EQUAL(a.len, b.len);
    CU_ASSERT_NOT_EQUAL(memcmp(first, second, a.len), 0);
    CU_ASSERT_PTR_NULL(memmem(first, a.len, "value", 5));
    seal_free(s);
}

/* --- through the link --- */

static uint8_t blob[4096];

static CK_RV seal(uint64_t key, size_t *len)
{
    Ks__WrapKey m = KS__WRAP_KEY__INIT;
    Ks__Mechanism mechanism = KS__MECHANISM__INIT;
    Ks__Data *answer;
    CK_RV rv;

    mechanism.type = CKM_STRONGROOM_SEAL;
    m.session = session;
    m.mechanism = &mechanism;
    m.key = key;
    if ((rv = rig_call(&client, MESSAGE_WRAP_KEY, &m.base, &answer)) == CKR_OK) {
        *len = answer->data.len;
        memcpy(blob, answer->data.data, *len);
    }
    return rv;
}

static CK_RV unseal(size_t len, struct rig_template *t, uint64_t *key)
{
    Ks__UnwrapKey m = KS__UNWRAP_KEY__INIT;
    Ks__Mechanism mechanism = KS__MECHANISM__INIT;
    Ks__Handle *answer;
    CK_RV rv;

    mechanism.type = CKM_STRONGROOM_SEAL;
    m.session = session;
    m.mechanism = &mechanism;
    m.wrapped = (ProtobufCBinaryData){ len, blob };
    m.template_ = t != NULL ? &t->t : NULL;
    if ((rv = rig_call(&client, MESSAGE_UNWRAP_KEY, &m.base, &answer)) == CKR_OK)
        *key = answer->handle;
    return rv;
}

static uint64_t known_key(bool readable)
{
    Ks__CreateObject m = KS__CREATE_OBJECT__INIT;
    struct rig_template t;
    Ks__Handle *answer;

    rig_template_init(&t);
    rig_ulong(&t, CKA_CLASS, CKO_SECRET_KEY);
    rig_ulong(&t, CKA_KEY_TYPE, CKK_GENERIC_SECRET);
    rig_bytes(&t, CKA_VALUE, "0123456789abcdef", 16);
    rig_bool(&t, CKA_SIGN, true);
    rig_bool(&t, CKA_SENSITIVE, !readable);
    rig_bool(&t, CKA_EXTRACTABLE, readable);
    rig_bool(&t, CKA_MODIFIABLE, false);
    rig_bool(&t, CKA_COPYABLE, false);
    m.session = session;
    m.template_ = &t.t;
    CU_ASSERT_FATAL(rig_call(&client, MESSAGE_CREATE_OBJECT, &m.base, &answer) == CKR_OK);
    return answer->handle;
}

static const struct attributes *attributes_of(uint64_t handle)
{
    const struct object *o = application_object(rig.ks->partitions[0]->applications, handle);

    CU_ASSERT_FATAL(o != NULL);
    return &o->attributes;
}

static void all_attributes_come_back(void)
{
    uint64_t key = known_key(false), again = 0;
    const struct attributes *before, *after;
    size_t len = 0;

    CU_ASSERT_FATAL(seal(key, &len) == CKR_OK && unseal(len, NULL, &again) == CKR_OK);
    before = attributes_of(key);
    after = attributes_of(again);
    CU_ASSERT_EQUAL(before->count, after->count);
    for (unsigned i = 0; i < before->count; i++) {
        struct span was = span_of(before->items[i].p, before->items[i].len);

        CU_ASSERT_EQUAL(span_equal(attributes_get(after, before->items[i].type), was),
                        before->items[i].type != CKA_UNIQUE_ID);
    }
}

static void a_template_changes_where_it_lies_and_its_names_alone(void)
{
    static const CK_ATTRIBUTE_TYPE flags[] = { CKA_SENSITIVE,  CKA_EXTRACTABLE, CKA_SIGN,
                                               CKA_VERIFY,     CKA_DECRYPT,     CKA_WRAP,
                                               CKA_UNWRAP,     CKA_DERIVE,      CKA_PRIVATE,
                                               CKA_MODIFIABLE, CKA_COPYABLE,    CKA_DESTROYABLE,
                                               CKA_TRUSTED,    CKA_LOCAL,       CKA_ALWAYS_SENSITIVE };
    struct rig_template t;
    uint64_t key = known_key(false), again = 0;
    size_t len = 0;

    CU_ASSERT_FATAL(seal(key, &len) == CKR_OK);
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        bool is = attributes_bool(attributes_of(key), flags[i]);

        rig_template_init(&t);
        rig_bool(&t, flags[i], is);
        CU_ASSERT_EQUAL(unseal(len, &t, &again),
                        attributes_has(attributes_of(key), flags[i]) ? CKR_OK : CKR_TEMPLATE_INCONSISTENT);
        rig_template_init(&t);
        rig_bool(&t, flags[i], !is);
        CU_ASSERT_EQUAL(unseal(len, &t, &again), CKR_TEMPLATE_INCONSISTENT);
    }
    rig_template_init(&t);
    rig_bool(&t, CKA_TOKEN, true);
    rig_bytes(&t, CKA_LABEL, "label", 5);
    rig_bytes(&t, CKA_ID, "id", 2);
    CU_ASSERT_EQUAL(unseal(len, &t, &again), CKR_OK);
    CU_ASSERT(attributes_bool(attributes_of(again), CKA_TOKEN));
    CU_ASSERT(span_equal(attributes_get(attributes_of(again), CKA_LABEL), span_text("label")));
}

/* The right value is answered as the wrong one: else a blob could be asked what is in it. */
static void a_template_does_not_ask_for_the_value(void)
{
    static const char *const guesses[] = { "0123456789abcdef", "0123456789abcdeX" };
    uint64_t again = 0;
    size_t len = 0;

    for (unsigned readable = 0; readable < 2; readable++) {
        CU_ASSERT_FATAL(seal(known_key(readable), &len) == CKR_OK);
        for (size_t i = 0; i < ARRAY_LEN(guesses); i++) {
            struct rig_template t;

            rig_template_init(&t);
            rig_bytes(&t, CKA_VALUE, guesses[i], 16);
            CU_ASSERT_EQUAL(unseal(len, &t, &again), CKR_TEMPLATE_INCONSISTENT);
        }
    }
}

static void sealing_is_the_users(void)
{
    Ks__Session logout = KS__SESSION__INIT;
    struct rig_template t;
    uint64_t open = 0, again = 0;
    size_t len = 0;

    rig_template_init(&t);
    rig_bool(&t, CKA_PRIVATE, false);
    CU_ASSERT_FATAL(rig_generate_aes(&client, session, 32, &t, &open) == CKR_OK && seal(open, &len) == CKR_OK);
    logout.session = session;
    CU_ASSERT_FATAL(rig_call(&client, MESSAGE_LOGOUT, &logout.base, NULL) == CKR_OK);
    rig_template_init(&t);
    rig_bool(&t, CKA_PRIVATE, false);
    CU_ASSERT_FATAL(rig_generate_aes(&client, session, 32, &t, &open) == CKR_OK);
    CU_ASSERT_EQUAL(seal(open, &len), CKR_USER_NOT_LOGGED_IN);
    CU_ASSERT_EQUAL(unseal(len, NULL, &again), CKR_USER_NOT_LOGGED_IN);
    CU_ASSERT_EQUAL(rig_login(&client, session, CKU_SO, RIG_SO_PIN), CKR_OK);
    CU_ASSERT_EQUAL(seal(open, &len), CKR_USER_NOT_LOGGED_IN);
    CU_ASSERT_EQUAL(unseal(len, NULL, &again), CKR_USER_NOT_LOGGED_IN);
}

static void only_secret_things_are_sealed(void)
{
    struct rig_template t;
    uint64_t public, private;
    size_t len;

    rig_template_init(&t);
    CU_ASSERT_FATAL(rig_generate_ec(&client, session, &t, &public, &private) == CKR_OK);
    CU_ASSERT_EQUAL(seal(public, &len), CKR_KEY_NOT_WRAPPABLE);
    CU_ASSERT_EQUAL(seal(private, &len), CKR_OK);
}

static CU_TestInfo cases[] = {
    { "a blob opens where it was made alone", a_blob_opens_where_it_was_made_alone },
    { "no two blobs are alike", no_two_blobs_are_alike },
    { "all attributes come back", all_attributes_come_back },
    { "a template changes where a key lies and its names alone", a_template_changes_where_it_lies_and_its_names_alone },
    { "a template does not ask for the value", a_template_does_not_ask_for_the_value },
    { "sealing is the user's", sealing_is_the_users },
    { "only secret things are sealed", only_secret_things_are_sealed },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { "seal", NULL, NULL, open_rig, close_rig, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
