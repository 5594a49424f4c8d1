/* Each act leaves its record: who, what, which key, what came of it; and no secret. */
#include <unistd.h>

#include "firmware/inside.h"
#include "tests/unit/firmware/rig.h"

static struct rig rig;
static struct rig_client client;
static uint64_t session;
static Ks__Empty empty = KS__EMPTY__INIT;

static void open_rig(void)
{
    session = rig_open_ready(&rig, &client);
}

static void close_rig(void)
{
    rig_disconnect(&client);
    rig_close(&rig);
}

struct record {
    uint16_t kind;
    uint8_t role;
    uint32_t partition, result;
    uint64_t mechanism, detail;
    uint8_t object[16], peer[8];
};

static uint64_t number(const uint8_t *p, size_t len)
{
    uint64_t n = 0;

    while (len-- > 0)
        n = n << 8 | *p++;
    return n;
}

static uint64_t newest(void)
{
    uint8_t hash[AUDIT_HASH_LEN];
    uint64_t sequence;

    audit_head(rig.ks->audit, &sequence, hash);
    return sequence;
}

static struct record last(void)
{
    struct bytes out = { 0 };
    struct record r;
    uint64_t next;

    CU_ASSERT_FATAL(audit_read(rig.ks->audit, newest(), 1, &out, &next) == ST_OK && out.len == AUDIT_RECORD_LEN);
    r = (struct record){ .kind = (uint16_t)number(out.p + 16, 2),
                         .role = out.p[18],
                         .partition = (uint32_t)number(out.p + 19, 4),
                         .result = (uint32_t)number(out.p + 23, 4),
                         .mechanism = number(out.p + 27, 8),
                         .detail = number(out.p + 59, 8) };
    memcpy(r.object, out.p + 35, 16);
    memcpy(r.peer, out.p + 51, 8);
    bytes_clear(&out);
    return r;
}

static uint64_t key(CK_ATTRIBUTE_TYPE right, bool extractable)
{
    struct rig_template t;
    uint64_t handle = 0;

    rig_template_init(&t);
    rig_bool(&t, right, true);
    rig_bool(&t, CKA_EXTRACTABLE, extractable);
    CU_ASSERT_FATAL(rig_generate_aes(&client, session, 32, &t, &handle) == CKR_OK);
    return handle;
}

static const uint8_t *unique(uint64_t handle)
{
    const struct object *o = application_object(rig.ks->partitions[0]->applications, handle);

    CU_ASSERT_FATAL(o != NULL);
    return o->unique;
}

static bool is_half(uint64_t detail, uint64_t handle)
{
    return detail == number(unique(handle), 8);
}

static void the_use_of_a_key_names_it(void)
{
    uint64_t k = key(CKA_SIGN, false);
    uint64_t before = newest();
    struct record r;

    CU_ASSERT_EQUAL(
        rig_compute(&client, session, OPERATION_SIGN, CKM_AES_CMAC, k, span_text("text"), span_of(NULL, 0), NULL),
        CKR_OK);
    CU_ASSERT_EQUAL(newest(), before + 1);
    r = last();
    CU_ASSERT_EQUAL(r.kind, MESSAGE_COMPUTE);
    CU_ASSERT_EQUAL(r.role, PEER_CLIENT);
    CU_ASSERT_EQUAL(r.partition, 1);
    CU_ASSERT_EQUAL(r.result, CKR_OK);
    CU_ASSERT_EQUAL(r.mechanism, CKM_AES_CMAC);
    CU_ASSERT_EQUAL(r.detail, OPERATION_SIGN);
    CU_ASSERT_EQUAL(memcmp(r.object, unique(k), 16), 0);
    CU_ASSERT_EQUAL(memcmp(r.peer, rig.user.fingerprint, 8), 0);
}

static void so_does_the_attempt(void)
{
    uint64_t k = key(CKA_ENCRYPT, false);
    struct record r;

    CU_ASSERT_EQUAL(
        rig_compute(&client, session, OPERATION_SIGN, CKM_AES_CMAC, k, span_text("text"), span_of(NULL, 0), NULL),
        CKR_KEY_FUNCTION_NOT_PERMITTED);
    r = last();
    CU_ASSERT_EQUAL(r.result, CKR_KEY_FUNCTION_NOT_PERMITTED);
    CU_ASSERT_EQUAL(memcmp(r.object, unique(k), 16), 0);
}

static void a_wrapped_key_is_named_with_what_carried_it(void)
{
    Ks__WrapKey wrap = KS__WRAP_KEY__INIT;
    Ks__UnwrapKey unwrap = KS__UNWRAP_KEY__INIT;
    Ks__Mechanism mechanism = KS__MECHANISM__INIT;
    static uint8_t blob[256];
    struct rig_template t;
    struct record r;
    uint64_t kek, target;
    Ks__Handle *arrived;
    Ks__Data *wrapped;

    rig_template_init(&t);
    rig_bool(&t, CKA_WRAP, true);
    rig_bool(&t, CKA_UNWRAP, true);
    CU_ASSERT_FATAL(rig_generate_aes(&client, session, 32, &t, &kek) == CKR_OK);
    target = key(CKA_SIGN, true);
    mechanism.type = CKM_AES_KEY_WRAP;
    wrap.session = unwrap.session = session;
    wrap.mechanism = unwrap.mechanism = &mechanism;
    wrap.wrapping_key = unwrap.unwrapping_key = kek;
    wrap.key = target;
    CU_ASSERT_FATAL(rig_call(&client, MESSAGE_WRAP_KEY, &wrap.base, &wrapped) == CKR_OK);
    r = last();
    CU_ASSERT_EQUAL(memcmp(r.object, unique(target), 16), 0);
    CU_ASSERT(is_half(r.detail, kek));

    memcpy(blob, wrapped->data.data, wrapped->data.len);
    unwrap.wrapped = (ProtobufCBinaryData){ wrapped->data.len, blob };
    rig_template_init(&t);
    rig_ulong(&t, CKA_CLASS, CKO_SECRET_KEY);
    rig_ulong(&t, CKA_KEY_TYPE, CKK_AES);
    unwrap.template_ = &t.t;
    CU_ASSERT_FATAL(rig_call(&client, MESSAGE_UNWRAP_KEY, &unwrap.base, &arrived) == CKR_OK);
    r = last();
    CU_ASSERT_EQUAL(memcmp(r.object, unique(kek), 16), 0);
    CU_ASSERT(is_half(r.detail, arrived->handle));
}

static void a_sealed_key_is_followed_through_its_blob(void)
{
    Ks__WrapKey seal = KS__WRAP_KEY__INIT;
    Ks__UnwrapKey unseal = KS__UNWRAP_KEY__INIT;
    Ks__Mechanism mechanism = KS__MECHANISM__INIT;
    static uint8_t blob[2048];
    Ks__Handle *opened;
    Ks__Data *sealed;
    struct record r;
    uint64_t k = key(CKA_SIGN, false);

    mechanism.type = CKM_STRONGROOM_SEAL;
    seal.session = unseal.session = session;
    seal.mechanism = unseal.mechanism = &mechanism;
    seal.key = k;
    CU_ASSERT_FATAL(rig_call(&client, MESSAGE_WRAP_KEY, &seal.base, &sealed) == CKR_OK);
    r = last();
    CU_ASSERT_EQUAL(memcmp(r.object, unique(k), 16), 0);
    memcpy(blob, sealed->data.data, sealed->data.len);
    unseal.wrapped = (ProtobufCBinaryData){ sealed->data.len, blob };
    CU_ASSERT_FATAL(rig_call(&client, MESSAGE_UNWRAP_KEY, &unseal.base, &opened) == CKR_OK);
    r = last();
    CU_ASSERT_EQUAL(memcmp(r.object, unique(k), 16), 0);
    CU_ASSERT(is_half(r.detail, opened->handle));
}

static void a_copy_names_both(void)
{
    Ks__CopyObject copy = KS__COPY_OBJECT__INIT;
    uint64_t k = key(CKA_SIGN, false);
    Ks__Handle *made;
    struct record r;

    copy.session = session;
    copy.object = k;
    CU_ASSERT_FATAL(rig_call(&client, MESSAGE_COPY_OBJECT, &copy.base, &made) == CKR_OK);
    r = last();
    CU_ASSERT_EQUAL(memcmp(r.object, unique(k), 16), 0);
    CU_ASSERT(is_half(r.detail, made->handle));
}

static void a_key_in_a_digest_is_a_use(void)
{
    Ks__OperationBegin begin = KS__OPERATION_BEGIN__INIT;
    Ks__OperationUpdate update = KS__OPERATION_UPDATE__INIT;
    Ks__Mechanism mechanism = KS__MECHANISM__INIT;
    uint64_t k = key(CKA_SIGN, false), before;

    mechanism.type = CKM_SHA256;
    begin.session = update.session = session;
    begin.operation = update.operation = OPERATION_DIGEST;
    begin.mechanism = &mechanism;
    CU_ASSERT_FATAL(rig_call(&client, MESSAGE_OPERATION_BEGIN, &begin.base, NULL) == CKR_OK);
    update.key = k;
    before = newest();
    CU_ASSERT_EQUAL(rig_call(&client, MESSAGE_OPERATION_UPDATE, &update.base, NULL), CKR_KEY_INDIGESTIBLE);
    CU_ASSERT_EQUAL(newest(), before + 1);
    CU_ASSERT_EQUAL(memcmp(last().object, unique(k), 16), 0);
}

static void logins_tell_who_and_whether(void)
{
    struct record r;

    CU_ASSERT_EQUAL(rig_login(&client, session, CKU_CONTEXT_SPECIFIC, "a-wrong-pin-4711"), CKR_PIN_INCORRECT);
    r = last();
    CU_ASSERT_EQUAL(r.kind, MESSAGE_LOGIN);
    CU_ASSERT_EQUAL(r.result, CKR_PIN_INCORRECT);
    CU_ASSERT_EQUAL(r.detail, CKU_CONTEXT_SPECIFIC);
}

static void strangers_and_states_are_there(void)
{
    Ks__Decommission m = KS__DECOMMISSION__INIT;
    struct ceremony_approvals approvals;
    struct rig_client c;
    struct record r;

    CU_ASSERT_EQUAL(rig_connect(&rig, &rig.other, &c), ST_UNAUTHENTICATED);
    rig_disconnect(&c);
    r = last();
    CU_ASSERT_EQUAL(r.kind, AUDIT_EVENT_REFUSED_PEER);
    CU_ASSERT_EQUAL(memcmp(r.peer, rig.other.fingerprint, 8), 0);
    CU_ASSERT_FATAL(rig_connect(&rig, &rig.owner, &c) == ST_OK);
    ceremony_approve(rig_link(&c), MESSAGE_ZEROISE, &m.base, BIT(0) | BIT(1), &approvals);
    CU_ASSERT_EQUAL(rig_call(&c, MESSAGE_ZEROISE, &m.base, NULL), CKR_OK);
    rig_disconnect(&c);
    r = last();
    CU_ASSERT_EQUAL(r.kind, MESSAGE_ZEROISE);
    CU_ASSERT_EQUAL(r.role, PEER_OWNER);
    CU_ASSERT_EQUAL(r.result, CKR_OK);
}

/* Neither in the records nor anywhere else in the flash. */
static void no_secret_is_in_the_flash(void)
{
    static const char *const secrets[] = { RIG_PIN, RIG_SO_PIN, "a-wrong-pin-4711",
                                           "a secret value of 32 bytes......" };
    Ks__CreateObject create = KS__CREATE_OBJECT__INIT;
    struct rig_template t;

    (void)rig_login(&client, session, CKU_CONTEXT_SPECIFIC, secrets[2]);
    rig_template_init(&t);
    rig_ulong(&t, CKA_CLASS, CKO_SECRET_KEY);
    rig_ulong(&t, CKA_KEY_TYPE, CKK_AES);
    rig_bool(&t, CKA_TOKEN, true);
    rig_bytes(&t, CKA_VALUE, secrets[3], 32);
    create.session = session;
    create.template_ = &t.t;
    CU_ASSERT_EQUAL(rig_call(&client, MESSAGE_CREATE_OBJECT, &create.base, NULL), CKR_OK);
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++)
        for (size_t region = 0; region < HAL_REGION_COUNT_; region++)
            CU_ASSERT_PTR_NULL(memmem(rig.hal->flash[region], rig.hal->size[region], secrets[i], strlen(secrets[i])));
}

/* docs/keystore.md: a key use outlives the machine after a second, also when it was the last one. */
static void the_last_use_of_a_key_is_synced_too(void)
{
    size_t syncs;
    uint64_t k = key(CKA_SIGN, false);

    CU_ASSERT_EQUAL(
        rig_compute(&client, session, OPERATION_SIGN, CKM_AES_CMAC, k, span_text("text"), span_of(NULL, 0), NULL),
        CKR_OK);
    pthread_mutex_lock(&rig.hal->lock);
    syncs = rig.hal->syncs;
    pthread_mutex_unlock(&rig.hal->lock);
    for (size_t now = syncs; now == syncs;) { /* the test's time-out is the end of it */
        usleep(1000);
        pthread_mutex_lock(&rig.hal->lock);
        now = rig.hal->syncs;
        pthread_mutex_unlock(&rig.hal->lock);
    }
}

/* THREATS.md C15: what cannot be recorded is not answered, and from then on nothing is done; but what it is can be
 * asked. */
static void without_the_audit_nothing_is_done(void)
{
    uint64_t k = key(CKA_SIGN, false);
    Ks__Status *s;

    rig.hal->fail_sync = 1;
    CU_ASSERT_EQUAL(rig_login(&client, session, CKU_CONTEXT_SPECIFIC, RIG_PIN), CKR_DEVICE_ERROR);
    CU_ASSERT_FATAL(rig_call(&client, MESSAGE_STATUS, &empty.base, &s) == CKR_OK);
    CU_ASSERT_EQUAL(s->state, KEYSTORE_ERROR);
    CU_ASSERT_STRING_EQUAL(s->fault, "audit");
    CU_ASSERT_EQUAL(
        rig_compute(&client, session, OPERATION_SIGN, CKM_AES_CMAC, k, span_text("text"), span_of(NULL, 0), NULL),
        CKR_DEVICE_ERROR);
}

static CU_TestInfo cases[] = {
    { "the use of a key names it", the_use_of_a_key_names_it },
    { "so does the attempt", so_does_the_attempt },
    { "a wrapped key is named with what carried it", a_wrapped_key_is_named_with_what_carried_it },
    { "a sealed key is followed through its blob", a_sealed_key_is_followed_through_its_blob },
    { "a copy names both", a_copy_names_both },
    { "a key in a digest is a use", a_key_in_a_digest_is_a_use },
    { "logins tell who and whether", logins_tell_who_and_whether },
    { "strangers and states are there", strangers_and_states_are_there },
    { "the last use of a key is synced, too", the_last_use_of_a_key_is_synced_too },
    { "no secret is in the flash", no_secret_is_in_the_flash },
    { "without the audit nothing is done", without_the_audit_nothing_is_done },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { "audit trail", NULL, NULL, open_rig, close_rig, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
