/* firmware/start_mode.c, requests/start.c: an attended start, by one operator or by several. */
#include "firmware/crypto/pin.h"
#include "firmware/inside.h"
#include "tests/unit/firmware/log_search.h"
#include "tests/unit/firmware/rig.h"

static struct rig rig;
static struct rig_client owner;

static const char *const names[] = { "ada", "bob", "cleo", "dan" };
static const char *const words[] = { "a good passphrase", "bees make honey", "clouds over water", "doors and windows" };

static ProtobufCBinaryData data_of(const char *text)
{
    return (ProtobufCBinaryData){ strlen(text), (uint8_t *)(uintptr_t)text };
}

struct operators {
    Ks__StartModeSet m;
    Ks__Operator items[OPERATORS_MAX], *list[OPERATORS_MAX];
    struct ceremony_approvals approvals;
};

static void make(struct operators *o, unsigned count, unsigned required)
{
    ks__start_mode_set__init(&o->m);
    o->m.required = required;
    o->m.n_operators = count;
    o->m.operators = o->list;
    for (unsigned i = 0; i < count; i++) {
        ks__operator__init(&o->items[i]);
        o->items[i].name = (char *)(uintptr_t)names[i];
        o->items[i].passphrase = data_of(words[i]);
        o->list[i] = &o->items[i];
    }
}

static CK_RV set(struct operators *o)
{
    ceremony_approve(rig_link(&owner), MESSAGE_START_MODE_SET, &o->m.base, BIT(0) | BIT(1), &o->approvals);
    return rig_call(&owner, MESSAGE_START_MODE_SET, &o->m.base, NULL);
}

static void restart(void)
{
    rig_disconnect(&owner);
    rig_restart(&rig);
    CU_ASSERT_FATAL(rig_connect(&rig, &rig.owner, &owner) == ST_OK);
}

static enum keystore_state state(void)
{
    return (enum keystore_state)atomic_load(&rig.ks->state);
}

static CK_RV unlock(const char *name, const char *passphrase, Ks__Unlocked **out)
{
    Ks__Unlock m = KS__UNLOCK__INIT;
    Ks__Unlocked *answer;
    CK_RV rv;

    m.operator_ = (char *)(uintptr_t)name;
    m.passphrase = data_of(passphrase);
    rv = rig_call(&owner, MESSAGE_UNLOCK, &m.base, &answer);
    if (rv == CKR_OK && out != NULL)
        *out = answer;
    return rv;
}

/* A keystore with a token key of the user; attended by `count` operators of whom `required` must come. */
static void open_attended(unsigned count, unsigned required)
{
    struct rig_client user;
    struct rig_template t;
    struct operators o;
    uint64_t session, public, private;

    session = rig_open_ready(&rig, &user);
    rig_template_init(&t);
    rig_bool(&t, CKA_TOKEN, true);
    rig_bool(&t, CKA_SIGN, true);
    CU_ASSERT_EQUAL_FATAL(rig_generate_ec(&user, session, &t, &public, &private), CKR_OK);
    rig_disconnect(&user);
    CU_ASSERT_FATAL(rig_connect(&rig, &rig.owner, &owner) == ST_OK);
    make(&o, count, required);
    CU_ASSERT_EQUAL_FATAL(set(&o), CKR_OK);
    CU_ASSERT_EQUAL(state(), KEYSTORE_OPERATIONAL); /* it is for the next start */
    restart();
}

static void close_rig(void)
{
    rig_disconnect(&owner);
    rig_close(&rig);
}

static void the_user_works(void)
{
    struct rig_client user;
    uint64_t session;

    rig_attach(&rig, &rig.user, &user);
    session = rig_session(&user, true);
    CU_ASSERT_EQUAL(rig_login(&user, session, CKU_USER, RIG_PIN), CKR_OK);
    CU_ASSERT_EQUAL(rig.ks->partitions[0]->token_objects, 1);
    rig_disconnect(&user);
}

static void locked_until_the_operator_comes(void)
{
    struct rig_client user;
    Ks__OpenSession open = KS__OPEN_SESSION__INIT;
    Ks__Status *status;
    Ks__Empty empty = KS__EMPTY__INIT;
    Ks__Unlocked *u;

    open_attended(1, 1);
    CU_ASSERT_EQUAL(state(), KEYSTORE_PROVISIONED);
    CU_ASSERT_FATAL(rig_call(&owner, MESSAGE_STATUS, &empty.base, &status) == CKR_OK);
    CU_ASSERT(status->locked && status->attended);
    for (size_t i = 0; i < sizeof rig.ks->domain.key; i++)
        CU_ASSERT_EQUAL(rig.ks->domain.key[i], 0); /* the key is not here */
    rig_attach(&rig, &rig.user, &user);
    CU_ASSERT_EQUAL(rig_call(&user, MESSAGE_OPEN_SESSION, &open.base, NULL), CKR_DEVICE_ERROR);
    rig_disconnect(&user);
    CU_ASSERT_EQUAL(unlock("ada", "a bad passphrase", NULL), CKR_PASSPHRASE_INCORRECT);
    CU_ASSERT_EQUAL(unlock("eve", words[0], NULL), CKR_PASSPHRASE_INCORRECT);
    CU_ASSERT_EQUAL(unlock("ada", "", NULL), CKR_PASSPHRASE_INCORRECT);
    CU_ASSERT_EQUAL(state(), KEYSTORE_PROVISIONED);
    CU_ASSERT_EQUAL(unlock("ada", words[0], &u), CKR_OK);
    CU_ASSERT(u->given == 1 && u->required == 1);
    CU_ASSERT_EQUAL(state(), KEYSTORE_OPERATIONAL);
    CU_ASSERT_EQUAL(unlock("ada", words[0], NULL), CKR_DEVICE_ERROR); /* nothing is locked */
    the_user_works();
    restart();
    CU_ASSERT_EQUAL(state(), KEYSTORE_PROVISIONED);
    close_rig();
}

static void two_of_four(void)
{
    Ks__Unlocked *u;

    open_attended(4, 2);
    CU_ASSERT_EQUAL(unlock("cleo", words[2], &u), CKR_OK);
    CU_ASSERT(u->given == 1 && u->required == 2);
    CU_ASSERT_EQUAL(state(), KEYSTORE_PROVISIONED);
    CU_ASSERT_EQUAL(unlock("cleo", words[2], &u), CKR_OK); /* twice counts once */
    CU_ASSERT_EQUAL(u->given, 1);
    CU_ASSERT_EQUAL(unlock("ada", words[2], NULL), CKR_PASSPHRASE_INCORRECT); /* another's passphrase */
    CU_ASSERT_EQUAL(state(), KEYSTORE_PROVISIONED);
    CU_ASSERT_EQUAL(unlock("ada", words[0], &u), CKR_OK);
    CU_ASSERT_EQUAL(state(), KEYSTORE_OPERATIONAL);
    the_user_works();
    restart(); /* who came before it does not count after it */
    CU_ASSERT_EQUAL(unlock("dan", words[3], &u), CKR_OK);
    CU_ASSERT_EQUAL(u->given, 1);
    rig.ks->unlocking.since_ms -= UNLOCK_WINDOW_MS + 1; /* he came too long ago */
    CU_ASSERT_EQUAL(unlock("bob", words[1], &u), CKR_OK);
    CU_ASSERT_EQUAL(u->given, 1);
    CU_ASSERT_EQUAL(unlock("dan", words[3], &u), CKR_OK);
    CU_ASSERT_EQUAL(state(), KEYSTORE_OPERATIONAL);
    the_user_works();
    close_rig();
}

/* Also over restarts; and an operator's right one in between does not begin anew, only the domain's opening does. */
static void ten_wrong_passphrases_close_the_door(void)
{
    open_attended(2, 2);
    for (unsigned i = 0; i < UNLOCK_TRIES_MAX - 1; i++) {
        CU_ASSERT_EQUAL(unlock("bob", "a bad passphrase", NULL), CKR_PASSPHRASE_INCORRECT);
        CU_ASSERT_EQUAL(unlock("ada", words[0], NULL), CKR_OK);
        if (i == 4)
            restart();
    }
    CU_ASSERT_EQUAL(unlock("ada", words[0], NULL), CKR_OK);
    CU_ASSERT_EQUAL(unlock("bob", words[1], NULL), CKR_OK);
    CU_ASSERT_EQUAL(state(), KEYSTORE_OPERATIONAL);
    restart();
    for (unsigned i = 0; i < UNLOCK_TRIES_MAX - 1; i++)
        CU_ASSERT_EQUAL(unlock("bob", "a bad passphrase", NULL), CKR_PASSPHRASE_INCORRECT);
    CU_ASSERT_EQUAL(unlock("bob", "a bad passphrase", NULL), CKR_PASSPHRASE_LOCKED);
    CU_ASSERT_EQUAL(unlock("bob", words[1], NULL), CKR_PASSPHRASE_LOCKED);
    restart();
    CU_ASSERT_EQUAL(unlock("bob", words[1], NULL), CKR_PASSPHRASE_LOCKED);
    CU_ASSERT_EQUAL(state(), KEYSTORE_PROVISIONED);
    close_rig();
}

static void what_start_modes_are_refused(void)
{
    struct operators o;

    open_attended(1, 1);
    CU_ASSERT_EQUAL(unlock("ada", words[0], NULL), CKR_OK);
    make(&o, 2, 3); /* fewer than must come */
    CU_ASSERT_EQUAL(set(&o), CKR_ARGUMENTS_BAD);
    make(&o, 0, 1);
    CU_ASSERT_EQUAL(set(&o), CKR_ARGUMENTS_BAD);
    make(&o, 2, 0); /* unattended, with operators */
    CU_ASSERT_EQUAL(set(&o), CKR_ARGUMENTS_BAD);
    make(&o, 2, 1);
    o.items[1].name = (char *)(uintptr_t) "ada"; /* one twice */
    CU_ASSERT_EQUAL(set(&o), CKR_ARGUMENTS_BAD);
    make(&o, 2, 1);
    o.items[1].name = (char *)(uintptr_t) "not a name";
    CU_ASSERT_EQUAL(set(&o), CKR_ARGUMENTS_BAD);
    make(&o, 2, 1);
    o.items[1].passphrase = data_of("short");
    CU_ASSERT_EQUAL(set(&o), CKR_ARGUMENTS_BAD);
    CU_ASSERT_EQUAL(rig.ks->domain.start.count, 1); /* as it was */
    CU_ASSERT_EQUAL(rig.ks->act_sequence, 2);
    make(&o, 0, 0);
    CU_ASSERT_EQUAL(set(&o), CKR_OK);
    restart();
    CU_ASSERT_EQUAL(state(), KEYSTORE_OPERATIONAL); /* unattended again */
    the_user_works();
    close_rig();
}

/* The passphrases may be typed when the act is done: approvals are over who comes, not over what they say. */
static void approvals_are_over_names_alone(void)
{
    struct operators o;

    open_attended(1, 1);
    CU_ASSERT_EQUAL(unlock("ada", words[0], NULL), CKR_OK);
    make(&o, 2, 2);
    ceremony_approve(rig_link(&owner), MESSAGE_START_MODE_SET, &o.m.base, BIT(0) | BIT(1), &o.approvals);
    o.items[1].passphrase = data_of("something else said");
    o.items[0].name = (char *)(uintptr_t) "eve";
    CU_ASSERT_EQUAL(rig_call(&owner, MESSAGE_START_MODE_SET, &o.m.base, NULL), CKR_APPROVAL_INVALID);
    o.items[0].name = (char *)(uintptr_t) "ada";
    CU_ASSERT_EQUAL(rig_call(&owner, MESSAGE_START_MODE_SET, &o.m.base, NULL), CKR_OK);
    restart();
    CU_ASSERT_EQUAL(unlock("ada", words[0], NULL), CKR_OK);
    CU_ASSERT_EQUAL(unlock("bob", "something else said", NULL), CKR_OK);
    CU_ASSERT_EQUAL(state(), KEYSTORE_OPERATIONAL);
    close_rig();
}

/* Whoever has the root key and the whole flash finds neither passphrases nor the domain key, which was there until the
 * start became attended, nor the shares of former operators. */
static void nothing_of_it_is_in_the_flash(void)
{
    struct operator_record before;
    uint8_t key[DOMAIN_KEY_LEN];
    struct operators o;

    open_attended(2, 2);
    CU_ASSERT_EQUAL(unlock("ada", words[0], NULL), CKR_OK);
    CU_ASSERT_EQUAL(unlock("bob", words[1], NULL), CKR_OK);
    memcpy(key, rig.ks->domain.key, sizeof key);
    before = rig.ks->domain.start.operators[0];
    CU_ASSERT_TRUE(log_has(rig.hal, span_of(before.share, sizeof before.share)));
    CU_ASSERT_FALSE(log_has(rig.hal, span_of(key, sizeof key)));
    CU_ASSERT_FALSE(log_has(rig.hal, span_text(words[0])));
    make(&o, 2, 1);
    CU_ASSERT_EQUAL(set(&o), CKR_OK);
    CU_ASSERT_FALSE(log_has(rig.hal, span_of(before.share, sizeof before.share)));
    make(&o, 0, 0);
    CU_ASSERT_EQUAL(set(&o), CKR_OK);
    CU_ASSERT_TRUE(log_has(rig.hal, span_of(key, sizeof key))); /* the search itself can find it */
    close_rig();
}

int main(void)
{
    static CU_TestInfo cases[] = {
        { "locked until the operator comes", locked_until_the_operator_comes },
        { "two of four", two_of_four },
        { "ten wrong passphrases close the door", ten_wrong_passphrases_close_the_door },
        { "what start modes are refused", what_start_modes_are_refused },
        { "approvals are over names alone", approvals_are_over_names_alone },
        { "nothing of it is in the flash", nothing_of_it_is_in_the_flash },
        CU_TEST_INFO_NULL,
    };
    static CU_SuiteInfo suites[] = { { "start mode", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
