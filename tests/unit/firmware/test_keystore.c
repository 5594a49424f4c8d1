/* The keystore from end to end, through its peers: life cycle, roles, restart, sealing. */
#include "tests/unit/firmware/rig.h"

static struct rig rig;
static struct rig_client client;
static uint64_t session;

static void open_ready(void)
{
    rig_open(&rig);
    rig_provision(&rig, "strict");
    rig_attach(&rig, &rig.user, &client);
    session = rig_ready_session(&client);
}

static void close_all(void)
{
    rig_disconnect(&client);
    rig_close(&rig);
}

static uint64_t signing_key(bool token)
{
    struct rig_template t;
    uint64_t public = 0, private = 0;

    rig_template_init(&t);
    rig_bool(&t, CKA_TOKEN, token);
    rig_bool(&t, CKA_SIGN, true);
    CU_ASSERT_FATAL(rig_generate_ec(&client, session, &t, &public, &private) == CKR_OK);
    return private;
}

static CK_RV sign(uint64_t key)
{
    uint8_t digest[32] = { 1, 2, 3 };
    struct bytes out = { 0 };
    CK_RV rv = rig_compute(&client, session, OPERATION_SIGN, CKM_ECDSA, key, span_of(digest, sizeof digest),
                           span_of(NULL, 0), &out);

    if (rv == CKR_OK)
        CU_ASSERT_EQUAL(out.len, 64);
    bytes_clear(&out);
    return rv;
}

static void stranger_is_refused(void)
{
    struct rig_client c;

    CU_ASSERT_EQUAL(rig_connect(&rig, &rig.other, &c), ST_UNAUTHENTICATED);
    rig_disconnect(&c);
}

static void owner_cannot_enter(void)
{
    Ks__Attach attach = KS__ATTACH__INIT;
    Ks__OpenSession open = KS__OPEN_SESSION__INIT;
    struct rig_client c;

    CU_ASSERT_FATAL(rig_connect(&rig, &rig.owner, &c) == ST_OK);
    CU_ASSERT_EQUAL(rig_call(&c, MESSAGE_ATTACH, &attach.base, NULL), CKR_ACTION_PROHIBITED);
    CU_ASSERT_EQUAL(rig_call(&c, MESSAGE_OPEN_SESSION, &open.base, NULL), CKR_ACTION_PROHIBITED);
    rig_disconnect(&c);
}

static void client_cannot_administrate(void)
{
    Ks__PartitionId id = KS__PARTITION_ID__INIT;
    Ks__Empty empty = KS__EMPTY__INIT;

    id.id = 1;
    CU_ASSERT_EQUAL(rig_call(&client, MESSAGE_PARTITION_DELETE, &id.base, NULL), CKR_ACTION_PROHIBITED);
    CU_ASSERT_EQUAL(rig_call(&client, MESSAGE_PARTITION_LIST, &empty.base, NULL), CKR_ACTION_PROHIBITED);
    CU_ASSERT_EQUAL(rig_call(&client, MESSAGE_PARTITION_LIST, &empty.base, NULL), CKR_ACTION_PROHIBITED);
}

static void key_signs(void)
{
    CU_ASSERT_EQUAL(sign(signing_key(false)), CKR_OK);
}

static void key_without_the_right_does_not(void)
{
    struct rig_template t;
    uint64_t public, private;

    rig_template_init(&t);
    rig_bool(&t, CKA_SIGN, false);
    CU_ASSERT_FATAL(rig_generate_ec(&client, session, &t, &public, &private) == CKR_OK);
    CU_ASSERT_EQUAL(sign(private), CKR_KEY_FUNCTION_NOT_PERMITTED);
}

static CK_RV seal(uint64_t key, const char *context, struct bytes *out)
{
    Ks__WrapKey m = KS__WRAP_KEY__INIT;
    Ks__Mechanism mechanism = KS__MECHANISM__INIT;
    Ks__Data *answer;
    CK_RV rv;

    mechanism.type = CKM_STRONGROOM_SEAL;
    mechanism.has_parameter = true;
    mechanism.aad = (ProtobufCBinaryData){ strlen(context), (uint8_t *)(uintptr_t)context };
    m.session = session;
    m.mechanism = &mechanism;
    m.key = key;
    if ((rv = rig_call(&client, MESSAGE_WRAP_KEY, &m.base, &answer)) == CKR_OK)
        CU_ASSERT_FATAL(bytes_set(out, span_of(answer->data.data, answer->data.len)) == ST_OK);
    return rv;
}

static CK_RV unseal(struct span blob, const char *context, uint64_t *key)
{
    Ks__UnwrapKey m = KS__UNWRAP_KEY__INIT;
    Ks__Mechanism mechanism = KS__MECHANISM__INIT;
    Ks__Template none = KS__TEMPLATE__INIT;
    Ks__Handle *answer;
    CK_RV rv;

    mechanism.type = CKM_STRONGROOM_SEAL;
    mechanism.has_parameter = true;
    mechanism.aad = (ProtobufCBinaryData){ strlen(context), (uint8_t *)(uintptr_t)context };
    m.session = session;
    m.mechanism = &mechanism;
    m.wrapped = (ProtobufCBinaryData){ blob.len, (uint8_t *)(uintptr_t)blob.p };
    m.template_ = &none;
    if ((rv = rig_call(&client, MESSAGE_UNWRAP_KEY, &m.base, &answer)) == CKR_OK)
        *key = answer->handle;
    return rv;
}

static void sealed_key_opens_with_its_context_alone(void)
{
    struct bytes blob = { 0 };
    uint64_t key = 0;

    CU_ASSERT_FATAL(seal(signing_key(false), "vault/a", &blob) == CKR_OK);
    CU_ASSERT_EQUAL(unseal(bytes_span(&blob), "vault/a", &key), CKR_OK);
    CU_ASSERT_EQUAL(sign(key), CKR_OK);
    CU_ASSERT_EQUAL(unseal(bytes_span(&blob), "vault/b", &key), CKR_WRAPPED_KEY_INVALID);
    bytes_clear(&blob);
}

static void every_byte_of_a_sealed_key_counts(void)
{
    struct bytes blob = { 0 };
    uint64_t key;

    CU_ASSERT_FATAL(seal(signing_key(false), "x", &blob) == CKR_OK);
    for (size_t i = 0; i < blob.len; i++) {
        blob.p[i] ^= 1;
        CU_ASSERT_EQUAL(unseal(bytes_span(&blob), "x", &key), CKR_WRAPPED_KEY_INVALID);
        blob.p[i] ^= 1;
    }
    CU_ASSERT_EQUAL(unseal(span_of(blob.p, blob.len - 1), "x", &key), CKR_WRAPPED_KEY_INVALID);
    bytes_clear(&blob);
}

static void restart_keeps_keys_and_forgets_sessions(void)
{
    struct bytes blob = { 0 };
    uint64_t key;

    (void)signing_key(true);
    CU_ASSERT_FATAL(seal(signing_key(false), "x", &blob) == CKR_OK);
    rig_disconnect(&client);
    rig_restart(&rig);
    rig_attach(&rig, &rig.user, &client);
    CU_ASSERT_EQUAL(sign(1), CKR_SESSION_HANDLE_INVALID);
    session = rig_session(&client, true);
    CU_ASSERT_EQUAL(unseal(bytes_span(&blob), "x", &key), CKR_USER_NOT_LOGGED_IN);
    CU_ASSERT_EQUAL(rig_login(&client, session, CKU_USER, RIG_PIN), CKR_OK);
    CU_ASSERT_EQUAL(unseal(bytes_span(&blob), "x", &key), CKR_OK);
    CU_ASSERT_EQUAL(sign(key), CKR_OK);
    bytes_clear(&blob);
}

static void wrong_pins_are_counted_across_restarts(void)
{
    Ks__Session logout = KS__SESSION__INIT;

    logout.session = session;
    CU_ASSERT_FATAL(rig_call(&client, MESSAGE_LOGOUT, &logout.base, NULL) == CKR_OK);
    for (int i = 0; i < 5; i++)
        CU_ASSERT_EQUAL(rig_login(&client, session, CKU_USER, "wrong-pin"), CKR_PIN_INCORRECT);
    rig_disconnect(&client);
    rig_restart(&rig);
    rig_attach(&rig, &rig.user, &client);
    session = rig_session(&client, true);
    for (int i = 5; i < PIN_TRIES_MAX - 1; i++)
        CU_ASSERT_EQUAL(rig_login(&client, session, CKU_USER, "wrong-pin"), CKR_PIN_INCORRECT);
    CU_ASSERT_EQUAL(rig_login(&client, session, CKU_USER, "wrong-pin"), CKR_PIN_LOCKED);
    CU_ASSERT_EQUAL(rig_login(&client, session, CKU_USER, RIG_PIN), CKR_PIN_LOCKED);
    CU_ASSERT_EQUAL(rig_login(&client, session, CKU_SO, RIG_SO_PIN), CKR_OK);
}

static void handles_mean_nothing_to_another_application(void)
{
    uint64_t key = signing_key(false), token_key = signing_key(true), mine = session;
    struct rig_client first = client;

    rig_attach(&rig, &rig.user, &client);
    session = rig_session(&client, true);
    CU_ASSERT_EQUAL(rig_login(&client, session, CKU_USER, RIG_PIN), CKR_OK);
    CU_ASSERT_EQUAL(sign(key), CKR_KEY_HANDLE_INVALID);
    CU_ASSERT_EQUAL(sign(token_key), CKR_KEY_HANDLE_INVALID);
    rig_disconnect(&client);
    client = first;
    session = mine;
}

static CU_TestInfo cases[] = {
    { "a stranger is refused", stranger_is_refused },
    { "the owner cannot enter a partition", owner_cannot_enter },
    { "a client cannot administrate", client_cannot_administrate },
    { "a key signs", key_signs },
    { "a key without the right does not", key_without_the_right_does_not },
    { "a sealed key opens with its context alone", sealed_key_opens_with_its_context_alone },
    { "every byte of a sealed key counts", every_byte_of_a_sealed_key_counts },
    { "handles mean nothing to another application", handles_mean_nothing_to_another_application },
    { "a restart keeps keys and forgets sessions", restart_keeps_keys_and_forgets_sessions },
    { "wrong PINs are counted across restarts", wrong_pins_are_counted_across_restarts },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = {
        { "keystore", NULL, NULL, open_ready, close_all, cases },
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
