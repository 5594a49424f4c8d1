/* Objects through the link: who sees which, what may be read, found, copied, changed and destroyed. */
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

static CK_RV create(uint64_t s, struct rig_template *t, uint64_t *out)
{
    Ks__CreateObject m = KS__CREATE_OBJECT__INIT;
    Ks__Handle *answer;
    CK_RV rv;

    m.session = s;
    m.template_ = &t->t;
    if ((rv = rig_call(&client, MESSAGE_CREATE_OBJECT, &m.base, &answer)) == CKR_OK)
        *out = answer->handle;
    return rv;
}

static CK_RV copy(uint64_t key, struct rig_template *t, uint64_t *out)
{
    Ks__CopyObject m = KS__COPY_OBJECT__INIT;
    Ks__Handle *answer;
    CK_RV rv;

    m.session = session;
    m.object = key;
    m.template_ = &t->t;
    if ((rv = rig_call(&client, MESSAGE_COPY_OBJECT, &m.base, &answer)) == CKR_OK)
        *out = answer->handle;
    return rv;
}

static CK_RV set_one(uint64_t key, CK_ATTRIBUTE_TYPE type, bool value)
{
    Ks__SetAttributes m = KS__SET_ATTRIBUTES__INIT;
    struct rig_template t;

    rig_template_init(&t);
    rig_bool(&t, type, value);
    m.session = session;
    m.object = key;
    m.template_ = &t.t;
    return rig_call(&client, MESSAGE_SET_ATTRIBUTES, &m.base, NULL);
}

static CK_RV on_object(uint16_t kind, uint64_t s, uint64_t object)
{
    Ks__Object m = KS__OBJECT__INIT;

    m.session = s;
    m.object = object;
    return rig_call(&client, kind, &m.base, NULL);
}

/* How reading one attribute goes: KS__ATTRIBUTE state; the value in `out`. */
static uint32_t read_state(uint64_t object, CK_ATTRIBUTE_TYPE type, struct bytes *out)
{
    Ks__GetAttributes m = KS__GET_ATTRIBUTES__INIT;
    uint64_t types[] = { type };
    Ks__Template *answer;

    m.session = session;
    m.object = object;
    m.types = types;
    m.n_types = 1;
    CU_ASSERT_FATAL(rig_call(&client, MESSAGE_GET_ATTRIBUTES, &m.base, &answer) == CKR_OK);
    CU_ASSERT_FATAL(answer->n_attributes == 1);
    CU_ASSERT_FATAL(bytes_set(out, span_of(answer->attributes[0]->value.data, answer->attributes[0]->value.len)) ==
                    ST_OK);
    return answer->attributes[0]->state;
}

static void secret_template(struct rig_template *t, bool sensitive, bool extractable)
{
    rig_template_init(t);
    rig_ulong(t, CKA_CLASS, CKO_SECRET_KEY);
    rig_ulong(t, CKA_KEY_TYPE, CKK_AES);
    rig_bytes(t, CKA_VALUE, "0123456789abcdef", 16);
    rig_bool(t, CKA_SENSITIVE, sensitive);
    rig_bool(t, CKA_EXTRACTABLE, extractable);
}

static uint64_t secret(bool sensitive, bool extractable)
{
    struct rig_template t;
    uint64_t key = 0;

    secret_template(&t, sensitive, extractable);
    CU_ASSERT_FATAL(create(session, &t, &key) == CKR_OK);
    return key;
}

enum { THERE, SENSITIVE, NONE };

static void closed_values_are_not_read(void)
{
    struct bytes out = { 0 };

    CU_ASSERT_EQUAL(read_state(secret(true, true), CKA_VALUE, &out), SENSITIVE);
    CU_ASSERT_EQUAL(out.len, 0);
    CU_ASSERT_EQUAL(read_state(secret(true, false), CKA_VALUE, &out), SENSITIVE);
    CU_ASSERT_EQUAL(read_state(secret(false, false), CKA_VALUE, &out), SENSITIVE);
    CU_ASSERT_EQUAL(out.len, 0);
    CU_ASSERT_EQUAL(read_state(secret(false, true), CKA_VALUE, &out), THERE);
    CU_ASSERT_EQUAL(out.len, 16);
    CU_ASSERT_EQUAL(read_state(secret(true, true), CKA_VALUE_LEN, &out), THERE);
    CU_ASSERT_EQUAL(read_state(secret(true, true), CKA_MODULUS, &out), NONE);
    bytes_clear(&out);
}

/* Each way to have the value that a tightened key had. */
static void a_key_that_was_closed_stays_closed(void)
{
    struct bytes out = { 0 };
    struct rig_template t;
    uint64_t key = secret(false, true), copied = 0;

    CU_ASSERT_EQUAL(read_state(key, CKA_VALUE, &out), THERE);
    CU_ASSERT_EQUAL(set_one(key, CKA_SENSITIVE, true), CKR_OK);
    CU_ASSERT_EQUAL(read_state(key, CKA_VALUE, &out), SENSITIVE);
    CU_ASSERT_EQUAL(set_one(key, CKA_SENSITIVE, false), CKR_ATTRIBUTE_READ_ONLY);
    rig_template_init(&t);
    rig_bool(&t, CKA_SENSITIVE, false);
    CU_ASSERT_EQUAL(copy(key, &t, &copied), CKR_ATTRIBUTE_READ_ONLY);
    CU_ASSERT_EQUAL(set_one(key, CKA_EXTRACTABLE, false), CKR_OK);
    rig_template_init(&t);
    rig_bool(&t, CKA_EXTRACTABLE, true);
    CU_ASSERT_EQUAL(copy(key, &t, &copied), CKR_ATTRIBUTE_READ_ONLY);
    rig_template_init(&t);
    CU_ASSERT_EQUAL(copy(key, &t, &copied), CKR_OK);
    CU_ASSERT_EQUAL(read_state(copied, CKA_VALUE, &out), SENSITIVE);
    bytes_clear(&out);
}

static void what_is_not_modifiable_copyable_destroyable_is_not(void)
{
    struct rig_template t;
    uint64_t key = 0, copied = 0;

    secret_template(&t, true, false);
    rig_bool(&t, CKA_MODIFIABLE, false);
    rig_bool(&t, CKA_COPYABLE, false);
    rig_bool(&t, CKA_DESTROYABLE, false);
    CU_ASSERT_FATAL(create(session, &t, &key) == CKR_OK);
    CU_ASSERT_EQUAL(set_one(key, CKA_SIGN, true), CKR_ACTION_PROHIBITED);
    CU_ASSERT_EQUAL(set_one(key, CKA_DESTROYABLE, true), CKR_ACTION_PROHIBITED);
    rig_template_init(&t);
    CU_ASSERT_EQUAL(copy(key, &t, &copied), CKR_ACTION_PROHIBITED);
    CU_ASSERT_EQUAL(on_object(MESSAGE_DESTROY_OBJECT, session, key), CKR_ACTION_PROHIBITED);
    CU_ASSERT_EQUAL(on_object(MESSAGE_OBJECT_SIZE, session, key), CKR_OK);
}

static void read_only_sessions_change_no_token_objects(void)
{
    uint64_t read_only = rig_session(&client, false), token = 0, own = 0, mine = session;
    struct rig_template t;

    secret_template(&t, true, false);
    rig_bool(&t, CKA_TOKEN, true);
    CU_ASSERT_FATAL(create(session, &t, &token) == CKR_OK);
    CU_ASSERT_EQUAL(create(read_only, &t, &own), CKR_SESSION_READ_ONLY);
    session = read_only;
    CU_ASSERT_EQUAL(set_one(token, CKA_SIGN, true), CKR_SESSION_READ_ONLY);
    CU_ASSERT_EQUAL(on_object(MESSAGE_DESTROY_OBJECT, session, token), CKR_SESSION_READ_ONLY);
    rig_template_init(&t);
    CU_ASSERT_EQUAL(copy(token, &t, &own), CKR_SESSION_READ_ONLY);
    rig_template_init(&t);
    rig_bool(&t, CKA_TOKEN, false);
    CU_ASSERT_EQUAL(copy(token, &t, &own), CKR_OK);
    CU_ASSERT_EQUAL(on_object(MESSAGE_DESTROY_OBJECT, session, own), CKR_OK);
    session = mine;
}

static size_t find(struct rig_template *t)
{
    Ks__FindObjects m = KS__FIND_OBJECTS__INIT;
    Ks__Handles *found;
    size_t count = 0;

    m.session = session;
    m.template_ = &t->t;
    do {
        CU_ASSERT_FATAL(rig_call(&client, MESSAGE_FIND_OBJECTS, &m.base, &found) == CKR_OK);
        count += found->n_handles;
        m.after = found->next;
    } while (m.after != 0);
    return count;
}

static void a_search_does_not_ask_for_values(void)
{
    struct rig_template t;

    (void)secret(true, false);
    rig_template_init(&t);
    rig_ulong(&t, CKA_KEY_TYPE, CKK_AES);
    CU_ASSERT_EQUAL(find(&t), 1);
    rig_bytes(&t, CKA_VALUE, "0123456789abcdef", 16);
    CU_ASSERT_EQUAL(find(&t), 0);
}

static void private_objects_are_the_users(void)
{
    Ks__Session logout = KS__SESSION__INIT;
    struct rig_template t;
    uint64_t token = 0;

    secret_template(&t, true, false);
    rig_bool(&t, CKA_TOKEN, true);
    CU_ASSERT_FATAL(create(session, &t, &token) == CKR_OK);
    logout.session = session;
    rig_template_init(&t);
    CU_ASSERT_EQUAL(find(&t), 1);
    CU_ASSERT_FATAL(rig_call(&client, MESSAGE_LOGOUT, &logout.base, NULL) == CKR_OK);
    CU_ASSERT_EQUAL(find(&t), 0);
    CU_ASSERT_EQUAL(rig_login(&client, session, CKU_SO, RIG_SO_PIN), CKR_OK);
    CU_ASSERT_EQUAL(find(&t), 0);
    CU_ASSERT_EQUAL(on_object(MESSAGE_OBJECT_SIZE, session, token), CKR_OBJECT_HANDLE_INVALID);
}

static void a_search_goes_on_where_it_was(void)
{
    struct rig_template t;
    uint64_t key;

    for (unsigned i = 0; i < FIND_RESULT_MAX + 76; i++) {
        rig_template_init(&t);
        rig_ulong(&t, CKA_CLASS, CKO_DATA);
        CU_ASSERT_FATAL(create(session, &t, &key) == CKR_OK);
    }
    rig_template_init(&t);
    CU_ASSERT_EQUAL(find(&t), FIND_RESULT_MAX + 76);
}

static CU_TestInfo cases[] = {
    { "closed values are not read", closed_values_are_not_read },
    { "a key that was closed stays closed", a_key_that_was_closed_stays_closed },
    { "what is not modifiable, copyable, destroyable, is not", what_is_not_modifiable_copyable_destroyable_is_not },
    { "read-only sessions change no token objects", read_only_sessions_change_no_token_objects },
    { "a search does not ask for values", a_search_does_not_ask_for_values },
    { "private objects are the user's", private_objects_are_the_users },
    { "a search goes on where it was", a_search_goes_on_where_it_was },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { "objects", NULL, NULL, open_rig, close_rig, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
