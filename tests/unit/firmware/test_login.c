/* A token as its clients see it: PINs and their tries, sessions, logins, handles, and what ends with what. */
#include "firmware/inside.h"
#include "tests/unit/firmware/rig.h"

static struct rig rig;
static struct rig_client client;
static uint64_t session;
static struct partition *p;

static void open_rig(void)
{
    session = rig_open_ready(&rig, &client);
    p = rig.ks->partitions[0];
}

static void close_rig(void)
{
    rig_disconnect(&client);
    rig_close(&rig);
}

static ProtobufCBinaryData text(const char *t)
{
    return (ProtobufCBinaryData){ strlen(t), (uint8_t *)(uintptr_t)t };
}

static CK_RV on_session(uint16_t kind, uint64_t s)
{
    Ks__Session m = KS__SESSION__INIT;

    m.session = s;
    return rig_call(&client, kind, &m.base, NULL);
}

static CK_RV init_token(const char *so_pin)
{
    Ks__InitToken m = KS__INIT_TOKEN__INIT;

    m.so_pin = text(so_pin);
    m.label = text("two                             ");
    return rig_call(&client, MESSAGE_INIT_TOKEN, &m.base, NULL);
}

static CK_RV set_pin(uint64_t s, const char *before, const char *after)
{
    Ks__SetPin m = KS__SET_PIN__INIT;

    m.session = s;
    m.old_pin = text(before);
    m.new_pin = text(after);
    return rig_call(&client, MESSAGE_SET_PIN, &m.base, NULL);
}

static CK_RV init_pin(uint64_t s, const char *pin)
{
    Ks__InitPin m = KS__INIT_PIN__INIT;

    m.session = s;
    m.pin = text(pin);
    return rig_call(&client, MESSAGE_INIT_PIN, &m.base, NULL);
}

static CK_RV logout(void)
{
    return on_session(MESSAGE_LOGOUT, session);
}

/* --- PINs --- */

static void each_way_to_guess_costs_a_try(void)
{
    CU_ASSERT_EQUAL(logout(), CKR_OK);
    CU_ASSERT_EQUAL(rig_login(&client, session, CKU_USER, "wrong"), CKR_PIN_INCORRECT);
    CU_ASSERT_EQUAL(p->user_pin.tries, 1);
    CU_ASSERT_EQUAL(set_pin(session, "wrong", "new-pin"), CKR_PIN_INCORRECT);
    CU_ASSERT_EQUAL(p->user_pin.tries, 2);
    CU_ASSERT_EQUAL(rig_login(&client, session, CKU_USER, RIG_PIN), CKR_OK);
    CU_ASSERT_EQUAL(p->user_pin.tries, 0);
    CU_ASSERT_EQUAL(rig_login(&client, session, CKU_CONTEXT_SPECIFIC, "wrong"), CKR_PIN_INCORRECT);
    CU_ASSERT_EQUAL(p->user_pin.tries, 1);
    CU_ASSERT_EQUAL(rig_login(&client, session, CKU_CONTEXT_SPECIFIC, RIG_PIN), CKR_OK);
    CU_ASSERT_EQUAL(on_session(MESSAGE_CLOSE_SESSION, 0), CKR_OK);
    CU_ASSERT_EQUAL(init_token("wrong"), CKR_PIN_INCORRECT);
    CU_ASSERT_EQUAL(p->so_pin.tries, 1);
    CU_ASSERT_EQUAL(init_token(RIG_SO_PIN), CKR_OK);
    CU_ASSERT_EQUAL(p->so_pin.tries, 0);
}

static void what_is_refused_before_costs_none(void)
{
    CU_ASSERT_EQUAL(rig_login(&client, session, CKU_USER, "wrong"), CKR_USER_ALREADY_LOGGED_IN);
    CU_ASSERT_EQUAL(rig_login(&client, session, CKU_SO, "wrong"), CKR_USER_ANOTHER_ALREADY_LOGGED_IN);
    CU_ASSERT_EQUAL(rig_login(&client, session, 77, "wrong"), CKR_USER_TYPE_INVALID);
    CU_ASSERT_EQUAL(rig_login(&client, 1, CKU_USER, "wrong"), CKR_SESSION_HANDLE_INVALID);
    CU_ASSERT_EQUAL(set_pin(session, "wrong", "abc"), CKR_PIN_LEN_RANGE);
    CU_ASSERT_EQUAL(init_token("wrong"), CKR_SESSION_EXISTS);
    CU_ASSERT_EQUAL(p->user_pin.tries + p->so_pin.tries, 0);
}

static void a_locked_user_pin_is_the_officers_to_renew(void)
{
    CU_ASSERT_EQUAL(logout(), CKR_OK);
    for (unsigned i = 1; i <= PIN_TRIES_MAX; i++)
        CU_ASSERT_EQUAL(i % 2 == 0 ? rig_login(&client, session, CKU_USER, "wrong")
                                   : set_pin(session, "wrong", "new-pin"),
                        i < PIN_TRIES_MAX ? CKR_PIN_INCORRECT : CKR_PIN_LOCKED);
    CU_ASSERT_EQUAL(rig_login(&client, session, CKU_USER, RIG_PIN), CKR_PIN_LOCKED);
    CU_ASSERT_EQUAL(set_pin(session, RIG_PIN, "new-pin"), CKR_PIN_LOCKED);
    CU_ASSERT_EQUAL(rig_login(&client, session, CKU_SO, RIG_SO_PIN), CKR_OK);
    CU_ASSERT_EQUAL(init_pin(session, "renewed"), CKR_OK);
    CU_ASSERT_EQUAL(logout(), CKR_OK);
    CU_ASSERT_EQUAL(rig_login(&client, session, CKU_USER, "renewed"), CKR_OK);
}

static void a_locked_officer_stays_locked(void)
{
    CU_ASSERT_EQUAL(logout(), CKR_OK);
    for (unsigned i = 0; i < PIN_TRIES_MAX; i++)
        (void)rig_login(&client, session, CKU_SO, "wrong");
    CU_ASSERT_EQUAL(rig_login(&client, session, CKU_SO, RIG_SO_PIN), CKR_PIN_LOCKED);
    CU_ASSERT_EQUAL(on_session(MESSAGE_CLOSE_SESSION, 0), CKR_OK);
    CU_ASSERT_EQUAL(init_token(RIG_SO_PIN), CKR_PIN_LOCKED);
    rig_disconnect(&client);
    rig_restart(&rig);
    rig_attach(&rig, &rig.user, &client);
    CU_ASSERT_EQUAL(init_token(RIG_SO_PIN), CKR_PIN_LOCKED);
    session = rig_session(&client, true);
    CU_ASSERT_EQUAL(rig_login(&client, session, CKU_USER, RIG_PIN), CKR_OK); /* the user's is another one */
}

static void a_new_pin_outlives_a_restart(void)
{
    CU_ASSERT_EQUAL(set_pin(session, RIG_PIN, "another-pin"), CKR_OK);
    rig_disconnect(&client);
    rig_restart(&rig);
    rig_attach(&rig, &rig.user, &client);
    session = rig_session(&client, true);
    CU_ASSERT_EQUAL(rig_login(&client, session, CKU_USER, RIG_PIN), CKR_PIN_INCORRECT);
    CU_ASSERT_EQUAL(rig_login(&client, session, CKU_USER, "another-pin"), CKR_OK);
}

static void a_pin_that_cannot_be_stored_is_not_set(void)
{
    rig.hal->fail_counter = 1; /* the try is stored, the new PIN is not */
    CU_ASSERT_NOT_EQUAL(set_pin(session, RIG_PIN, "another-pin"), CKR_OK);
    rig.hal->fail_counter = 0;
    CU_ASSERT(p->user_pin.set);
    rig_disconnect(&client);
    rig_restart(&rig);
    rig_attach(&rig, &rig.user, &client);
    session = rig_session(&client, true);
}

static void only_the_officer_sets_the_user_pin(void)
{
    uint64_t public;

    CU_ASSERT_EQUAL(init_pin(session, "mine-now"), CKR_USER_NOT_LOGGED_IN);
    CU_ASSERT_EQUAL(logout(), CKR_OK);
    CU_ASSERT_EQUAL(init_pin(session, "mine-now"), CKR_USER_NOT_LOGGED_IN);
    public = rig_session(&client, false);
    CU_ASSERT_EQUAL(set_pin(public, RIG_PIN, "mine-now"), CKR_SESSION_READ_ONLY);
    CU_ASSERT_EQUAL(rig_login(&client, session, CKU_SO, RIG_SO_PIN), CKR_SESSION_READ_ONLY_EXISTS);
    CU_ASSERT_EQUAL(on_session(MESSAGE_CLOSE_SESSION, public), CKR_OK);
    CU_ASSERT_EQUAL(rig_login(&client, session, CKU_SO, RIG_SO_PIN), CKR_OK);
    CU_ASSERT_EQUAL(init_pin(session, "abc"), CKR_PIN_LEN_RANGE);
}

static void initialising_waits_for_everybodys_sessions(void)
{
    struct rig_client second;
    uint64_t theirs;

    rig_attach(&rig, &rig.user, &second);
    theirs = rig_session(&second, false);
    CU_ASSERT_EQUAL(on_session(MESSAGE_CLOSE_SESSION, 0), CKR_OK);
    CU_ASSERT_EQUAL(init_token(RIG_SO_PIN), CKR_SESSION_EXISTS);
    CU_ASSERT(theirs != 0);
    rig_disconnect(&second); /* ends its application */
    CU_ASSERT_EQUAL(init_token(RIG_SO_PIN), CKR_OK);
    session = rig_session(&client, true);
    CU_ASSERT_EQUAL(rig_login(&client, session, CKU_USER, RIG_PIN), CKR_USER_PIN_NOT_INITIALIZED);
}

/* --- sessions, logins, handles --- */

static uint64_t aes(bool token, bool private)
{
    struct rig_template t;
    uint64_t key = 0;

    rig_template_init(&t);
    rig_bool(&t, CKA_TOKEN, token);
    rig_bool(&t, CKA_PRIVATE, private);
    rig_bool(&t, CKA_ENCRYPT, true);
    rig_bool(&t, CKA_DECRYPT, true);
    CU_ASSERT_EQUAL(rig_generate_aes(&client, session, 32, &t, &key), CKR_OK);
    return key;
}

static CK_RV use(uint64_t s, uint64_t key)
{
    static const uint8_t data[16];

    return rig_compute(&client, s, OPERATION_ENCRYPT, CKM_AES_ECB, key, span_of(data, sizeof data), span_of(NULL, 0),
                       NULL);
}

static void no_handle_outlives_its_login(void)
{
    uint64_t token = aes(true, true), public = aes(true, false), second;

    CU_ASSERT_EQUAL(use(session, token), CKR_OK);
    CU_ASSERT_EQUAL(logout(), CKR_OK);
    CU_ASSERT_EQUAL(use(session, token), CKR_KEY_HANDLE_INVALID);
    CU_ASSERT_EQUAL(rig_login(&client, session, CKU_USER, RIG_PIN), CKR_OK);
    CU_ASSERT_EQUAL(use(session, token), CKR_KEY_HANDLE_INVALID);
    CU_ASSERT_EQUAL(use(session, public), CKR_KEY_HANDLE_INVALID);

    token = aes(true, true);
    second = rig_session(&client, true);
    CU_ASSERT_EQUAL(on_session(MESSAGE_CLOSE_SESSION, session), CKR_OK);
    CU_ASSERT_EQUAL(use(second, token), CKR_OK); /* as long as one is open */
    CU_ASSERT_EQUAL(on_session(MESSAGE_CLOSE_SESSION, second), CKR_OK);
    session = rig_session(&client, true);
    CU_ASSERT_EQUAL(use(session, token), CKR_KEY_HANDLE_INVALID);
    CU_ASSERT_EQUAL(rig_login(&client, session, CKU_USER, RIG_PIN), CKR_OK);
    CU_ASSERT_EQUAL(use(session, token), CKR_KEY_HANDLE_INVALID);
}

static void session_objects_end_with_their_session(void)
{
    uint64_t key = aes(false, true), second = rig_session(&client, true);

    CU_ASSERT_EQUAL(use(second, key), CKR_OK);
    CU_ASSERT_EQUAL(on_session(MESSAGE_CLOSE_SESSION, session), CKR_OK);
    CU_ASSERT_EQUAL(use(second, key), CKR_KEY_HANDLE_INVALID);
    CU_ASSERT_EQUAL(p->session_objects, 0);
    CU_ASSERT_EQUAL(use(session, key), CKR_SESSION_HANDLE_INVALID);
    session = second;
}

static void a_logout_ends_private_session_objects(void)
{
    uint64_t secret = aes(false, true), open = aes(false, false);

    CU_ASSERT_EQUAL(p->session_objects, 2);
    CU_ASSERT_EQUAL(logout(), CKR_OK);
    CU_ASSERT_EQUAL(p->session_objects, 1);
    CU_ASSERT(secret != open);
}

static void public_sessions_make_public_things_alone(void)
{
    struct rig_template t;
    uint64_t key;

    CU_ASSERT_EQUAL(logout(), CKR_OK);
    rig_template_init(&t);
    CU_ASSERT_EQUAL(rig_generate_aes(&client, session, 32, &t, &key), CKR_USER_NOT_LOGGED_IN);
    CU_ASSERT_EQUAL(use(session, aes(false, false)), CKR_OK);
    CU_ASSERT_EQUAL(rig_login(&client, session, CKU_SO, RIG_SO_PIN), CKR_OK);
    rig_template_init(&t);
    CU_ASSERT_EQUAL(rig_generate_aes(&client, session, 32, &t, &key), CKR_USER_NOT_LOGGED_IN);
}

static void read_only_sessions_make_no_token_objects(void)
{
    struct rig_template t;
    uint64_t key, mine = session;

    session = rig_session(&client, false);
    rig_template_init(&t);
    rig_bool(&t, CKA_TOKEN, true);
    CU_ASSERT_EQUAL(rig_generate_aes(&client, session, 32, &t, &key), CKR_SESSION_READ_ONLY);
    CU_ASSERT_EQUAL(use(session, aes(false, true)), CKR_OK);
    session = mine;
}

/* --- operations in parts, and what ends them --- */

static CK_RV begin(uint64_t key)
{
    Ks__OperationBegin m = KS__OPERATION_BEGIN__INIT;
    Ks__Mechanism mechanism = KS__MECHANISM__INIT;

    mechanism.type = CKM_AES_ECB;
    m.session = session;
    m.operation = OPERATION_ENCRYPT;
    m.mechanism = &mechanism;
    m.key = key;
    return rig_call(&client, MESSAGE_OPERATION_BEGIN, &m.base, NULL);
}

static CK_RV update(void)
{
    static uint8_t data[16];
    Ks__OperationUpdate m = KS__OPERATION_UPDATE__INIT;

    m.session = session;
    m.operation = OPERATION_ENCRYPT;
    m.data = (ProtobufCBinaryData){ sizeof data, data };
    return rig_call(&client, MESSAGE_OPERATION_UPDATE, &m.base, NULL);
}

static void an_operation_ends_with_its_last_part(void)
{
    Ks__OperationFinal m = KS__OPERATION_FINAL__INIT;

    m.session = session;
    m.operation = OPERATION_ENCRYPT;
    CU_ASSERT_EQUAL(begin(aes(true, true)), CKR_OK);
    CU_ASSERT_EQUAL(update(), CKR_OK);
    CU_ASSERT_EQUAL(rig_call(&client, MESSAGE_OPERATION_FINAL, &m.base, NULL), CKR_OK);
    CU_ASSERT_EQUAL(p->operations, 0);
    CU_ASSERT_EQUAL(update(), CKR_OPERATION_NOT_INITIALIZED);
    CU_ASSERT_EQUAL(rig_call(&client, MESSAGE_OPERATION_FINAL, &m.base, NULL), CKR_OPERATION_NOT_INITIALIZED);
}

static void operations_end_with_the_login(void)
{
    uint64_t key = aes(true, true);

    CU_ASSERT_EQUAL(begin(key), CKR_OK);
    CU_ASSERT_EQUAL(begin(key), CKR_OPERATION_ACTIVE);
    CU_ASSERT_EQUAL(update(), CKR_OK);
    CU_ASSERT_EQUAL(logout(), CKR_OK);
    CU_ASSERT_EQUAL(update(), CKR_OPERATION_NOT_INITIALIZED);
}

/* The same for one that is being worked on by another thread at that moment: it does not come back. */
static void an_operation_at_work_ends_too(void)
{
    enum { LOGOUT, CANCEL, CLOSE, WAYS };
    struct operation *op;
    struct session *s;

    for (int way = LOGOUT; way < WAYS; way++) {
        CU_ASSERT_EQUAL(begin(aes(true, true)), CKR_OK);
        pthread_mutex_lock(&p->lock);
        s = session_find(p->applications, session);
        CU_ASSERT_FATAL(s != NULL && session_take_operation(s, OPERATION_ENCRYPT, &op) == CKR_OK);
        if (way == LOGOUT)
            application_logout(p->applications, &rig.ks->storage);
        else if (way == CANCEL)
            session_end_operation(s, OPERATION_ENCRYPT);
        else
            session_close(s, &rig.ks->storage);
        session_put_operation(s, OPERATION_ENCRYPT, op); /* frees the closed session, too */
        CU_ASSERT_EQUAL(p->operations, 0);
        pthread_mutex_unlock(&p->lock);
        CU_ASSERT_EQUAL(update(), way == CLOSE ? CKR_SESSION_HANDLE_INVALID : CKR_OPERATION_NOT_INITIALIZED);
        if (way == LOGOUT)
            CU_ASSERT_EQUAL(rig_login(&client, session, CKU_USER, RIG_PIN), CKR_OK);
    }
}

static void operations_are_counted(void)
{
    uint64_t key = aes(true, true), mine = session;

    CU_ASSERT_EQUAL(begin(key), CKR_OK);
    CU_ASSERT_EQUAL(update(), CKR_OK);
    CU_ASSERT_EQUAL(p->operations, 1);
    while (p->operations < OPERATIONS_MAX) {
        session = rig_session(&client, true);
        CU_ASSERT_EQUAL_FATAL(begin(key), CKR_OK);
    }
    session = rig_session(&client, true);
    CU_ASSERT_EQUAL(begin(key), CKR_DEVICE_MEMORY);
    CU_ASSERT_EQUAL(on_session(MESSAGE_CLOSE_SESSION, mine), CKR_OK);
    CU_ASSERT_EQUAL(begin(key), CKR_OK);
    CU_ASSERT_EQUAL(logout(), CKR_OK);
    CU_ASSERT_EQUAL(p->operations, 0);
}

/* --- CKA_ALWAYS_AUTHENTICATE --- */

static void each_use_wants_its_pin(void)
{
    static const uint8_t digest[32];
    struct rig_template t;
    uint64_t public, private;

    rig_template_init(&t);
    rig_bool(&t, CKA_SIGN, true);
    rig_bool(&t, CKA_ALWAYS_AUTHENTICATE, true);
    CU_ASSERT_FATAL(rig_generate_ec(&client, session, &t, &public, &private) == CKR_OK);
    for (unsigned i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(rig_compute(&client, session, OPERATION_SIGN, CKM_ECDSA, private,
                                    span_of(digest, sizeof digest), span_of(NULL, 0), NULL),
                        CKR_USER_NOT_LOGGED_IN);
        CU_ASSERT_EQUAL(rig_login(&client, session, CKU_CONTEXT_SPECIFIC, RIG_PIN), CKR_OK);
        CU_ASSERT_EQUAL(rig_compute(&client, session, OPERATION_SIGN, CKM_ECDSA, private,
                                    span_of(digest, sizeof digest), span_of(NULL, 0), NULL),
                        CKR_OK);
    }
    CU_ASSERT_EQUAL(rig_login(&client, session, CKU_CONTEXT_SPECIFIC, RIG_PIN), CKR_OK);
    CU_ASSERT_EQUAL(logout(), CKR_OK);
    CU_ASSERT_EQUAL(rig_login(&client, session, CKU_CONTEXT_SPECIFIC, RIG_PIN), CKR_USER_NOT_LOGGED_IN);
}

static void sessions_are_counted(void)
{
    Ks__OpenSession open = KS__OPEN_SESSION__INIT;

    while (p->sessions < SESSIONS_MAX)
        (void)rig_session(&client, false);
    CU_ASSERT_EQUAL(rig_call(&client, MESSAGE_OPEN_SESSION, &open.base, NULL), CKR_SESSION_COUNT);
    CU_ASSERT_EQUAL(on_session(MESSAGE_CLOSE_SESSION, 0), CKR_OK);
    CU_ASSERT_EQUAL(p->sessions, 0);
    CU_ASSERT_EQUAL(p->rw_sessions, 0);
    session = rig_session(&client, true);
}

static CU_TestInfo pins[] = {
    { "each way to guess costs a try", each_way_to_guess_costs_a_try },
    { "what is refused before costs none", what_is_refused_before_costs_none },
    { "a locked user PIN is the officer's to renew", a_locked_user_pin_is_the_officers_to_renew },
    { "a locked officer stays locked", a_locked_officer_stays_locked },
    { "a new PIN outlives a restart", a_new_pin_outlives_a_restart },
    { "a PIN that cannot be stored is not set", a_pin_that_cannot_be_stored_is_not_set },
    { "only the officer sets the user PIN", only_the_officer_sets_the_user_pin },
    { "initialising waits for everybody's sessions", initialising_waits_for_everybodys_sessions },
    CU_TEST_INFO_NULL,
};

static CU_TestInfo sessions[] = {
    { "no handle outlives its login", no_handle_outlives_its_login },
    { "session objects end with their session", session_objects_end_with_their_session },
    { "a logout ends private session objects", a_logout_ends_private_session_objects },
    { "public sessions make public things alone", public_sessions_make_public_things_alone },
    { "read-only sessions make no token objects", read_only_sessions_make_no_token_objects },
    { "an operation ends with its last part", an_operation_ends_with_its_last_part },
    { "operations end with the login", operations_end_with_the_login },
    { "an operation at work ends, too", an_operation_at_work_ends_too },
    { "operations are counted", operations_are_counted },
    { "each use of some keys wants its PIN", each_use_wants_its_pin },
    { "sessions are counted", sessions_are_counted },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = {
        { "PINs", NULL, NULL, open_rig, close_rig, pins },
        { "sessions", NULL, NULL, open_rig, close_rig, sessions },
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
