/* firmware/requests/decommission.c, requests/device.c: the end of a domain, and what the owner sets on the board. */
#include "firmware/base/big_endian.h"
#include "firmware/crypto/pin.h"
#include "firmware/inside.h"
#include "tests/unit/firmware/log_search.h"
#include "tests/unit/firmware/rig.h"

static struct rig rig;
static struct rig_client owner;
static Ks__Empty empty = KS__EMPTY__INIT;

static ProtobufCBinaryData data_of(const void *p, size_t len)
{
    return (ProtobufCBinaryData){ len, (uint8_t *)(uintptr_t)p };
}

static void open_rig(void)
{
    struct rig_client user;
    struct rig_template t;
    uint64_t session, public, private;

    session = rig_open_ready(&rig, &user);
    rig_template_init(&t);
    rig_bool(&t, CKA_TOKEN, true);
    rig_bool(&t, CKA_SIGN, true);
    CU_ASSERT_EQUAL_FATAL(rig_generate_ec(&user, session, &t, &public, &private), CKR_OK);
    rig_disconnect(&user);
    CU_ASSERT_FATAL(rig_connect(&rig, &rig.owner, &owner) == ST_OK);
}

static void close_rig(void)
{
    rig_disconnect(&owner);
    rig_close(&rig);
}

static Ks__Statement *statement_of(const Ks__SignedStatement *s)
{
    return ks__statement__unpack(NULL, s->statement.len, s->statement.data);
}

/* By the device key that the board's certificate has. */
static bool is_signed(const Ks__SignedStatement *s)
{
    const uint8_t *p = s->certificates[0].data;
    X509 *x = d2i_X509(NULL, &p, (long)s->certificates[0].len);
    struct bytes text = { 0 };
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool ok;

    bytes_append(&text, STATEMENT_PREFIX, sizeof STATEMENT_PREFIX);
    bytes_append(&text, s->statement.data, s->statement.len);
    ok = EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, X509_get0_pubkey(x)) == 1 &&
         EVP_DigestVerify(md, s->signature.data, s->signature.len, text.p, text.len) == 1;
    EVP_MD_CTX_free(md);
    bytes_clear(&text);
    X509_free(x);
    return ok;
}

static CK_RV end(uint16_t kind, Ks__SignedStatement **out)
{
    Ks__Decommission m = KS__DECOMMISSION__INIT;
    struct ceremony_approvals approvals;

    ceremony_approve(rig_link(&owner), kind, &m.base, BIT(0) | BIT(2), &approvals);
    return rig_call(&owner, kind, &m.base, out);
}

static void check_statement(const Ks__SignedStatement *out, uint16_t kind)
{
    Ks__Statement *s = statement_of(out);

    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_TRUE(is_signed(out));
    CU_ASSERT_EQUAL(s->purpose, STATEMENT_DESTRUCTION);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s->destruction);
    CU_ASSERT_EQUAL(s->destruction->act, kind);
    CU_ASSERT(s->destruction->partitions == 1 && s->destruction->objects == 1);
    CU_ASSERT_EQUAL_FATAL(s->destruction->n_approved_by, 2);
    CU_ASSERT_EQUAL(memcmp(s->destruction->approved_by[1].data, ceremony_holder(2)->id, 32), 0);
    CU_ASSERT_STRING_EQUAL(s->domain_name, "domain");
    ks__statement__free_unpacked(s, NULL);
}

/* The board tells it, too, to whoever has it in hand: word for word what the owner got. */
static void check_published(const Ks__SignedStatement *out)
{
    struct bytes packed = { 0 };

    CU_ASSERT_EQUAL_FATAL(bytes_reserve(&packed, protobuf_c_message_get_packed_size(&out->base)), ST_OK);
    packed.len = protobuf_c_message_pack(&out->base, packed.p);
    CU_ASSERT_TRUE(span_equal(bytes_span(&rig.hal->destruction), bytes_span(&packed)));
    bytes_clear(&packed);
}

static void a_reset_board_is_as_from_the_factory(void)
{
    uint8_t device[LINK_FINGERPRINT_LEN], domain_key[DOMAIN_KEY_LEN];
    struct keystore_config config = { .hal = NULL, .version = "0.1.0" };
    struct partition was = { 0 };
    Ks__SignedStatement *out;
    struct rig_client c;

    open_rig();
    memcpy(domain_key, rig.ks->domain.key, sizeof domain_key);
    CU_ASSERT_TRUE(log_has(rig.hal, span_of(domain_key, sizeof domain_key)));
    memcpy(device, rig.ks->device.fingerprint, sizeof device);
    memcpy(was.family, rig.ks->partitions[0]->family, sizeof was.family);
    CU_ASSERT_EQUAL_FATAL(end(MESSAGE_FACTORY_RESET, &out), CKR_OK);
    check_statement(out, MESSAGE_FACTORY_RESET);
    check_published(out);
    CU_ASSERT_FALSE(log_has(rig.hal, span_of(domain_key, sizeof domain_key))); /* not even with the root key */
    CU_ASSERT_EQUAL(atomic_load(&rig.ks->state), KEYSTORE_FACTORY);
    CU_ASSERT_EQUAL(rig_call(&owner, MESSAGE_STATUS, &empty.base, NULL), CKR_ACTION_PROHIBITED);
    rig_disconnect(&owner);
    CU_ASSERT_EQUAL(rig_connect(&rig, &rig.owner, &owner), ST_UNAUTHENTICATED);
    rig_disconnect(&owner);
    CU_ASSERT_EQUAL(rig_connect(&rig, &rig.user, &c), ST_UNAUTHENTICATED);
    rig_disconnect(&c);
    /* It starts without an owner, keeps its identity, and goes on telling what was destroyed. */
    keystore_close(rig.ks);
    config.hal = &rig.hal->hal;
    CU_ASSERT_EQUAL_FATAL(keystore_open(&config, &rig.ks), ST_OK);
    CU_ASSERT_EQUAL(atomic_load(&rig.ks->state), KEYSTORE_FACTORY);
    CU_ASSERT_EQUAL(memcmp(device, rig.ks->device.fingerprint, sizeof device), 0);
    CU_ASSERT_FALSE(rig.ks->domain.exists);
    CU_ASSERT_TRUE(rig.hal->destruction.len > 0);
    /* What it says is destroyed is not restored here, by whoever owns it next, with the domain's holders. */
    CU_ASSERT(tombstones_forbid(&rig.ks->tombstones, &was));
    for (unsigned i = 0; i < PARTITIONS_MAX; i++)
        CU_ASSERT_PTR_NULL(rig.ks->partitions[i]);
    /* Somebody else's, with a domain of his own; nothing of the old one is left, and his word of it goes. */
    keystore_close(rig.ks);
    config.owner = rig.other.fingerprint;
    CU_ASSERT_EQUAL_FATAL(keystore_open(&config, &rig.ks), ST_OK);
    CU_ASSERT_EQUAL(rig.hal->destruction.len, 0);
    CU_ASSERT_FATAL(rig_connect(&rig, &rig.other, &owner) == ST_OK);
    ceremony_domain(rig_link(&owner), "next", 3, 2);
    CU_ASSERT_EQUAL(atomic_load(&rig.ks->state), KEYSTORE_OPERATIONAL);
    close_rig();
}

static void a_zeroised_board_leaves_its_word(void)
{
    Ks__SignedStatement *out;

    open_rig();
    CU_ASSERT_EQUAL_FATAL(end(MESSAGE_ZEROISE, &out), CKR_OK);
    check_statement(out, MESSAGE_ZEROISE);
    check_published(out);
    CU_ASSERT_TRUE(rig.hal->root_destroyed);
    close_rig();
}

/* If the board cannot keep the statement, nothing is destroyed. */
static void nothing_is_destroyed_without_a_word_of_it(void)
{
    Ks__SignedStatement *out;

    open_rig();
    rig.hal->fail_destruction = 1;
    CU_ASSERT_EQUAL(end(MESSAGE_ZEROISE, &out), CKR_DEVICE_ERROR);
    CU_ASSERT_FALSE(rig.hal->root_destroyed);
    CU_ASSERT_EQUAL(atomic_load(&rig.ks->state), KEYSTORE_OPERATIONAL);
    close_rig();
}

static enum status no_destroy(void *self)
{
    (void)self;
    return ST_IO;
}

/* A root key that is still there may open what a copy of the flash holds: nobody says that it is destroyed, neither the
 * answer nor the board; the audit says that it was tried in vain. */
static void a_root_that_stays_is_not_called_destroyed(void)
{
    uint8_t head[AUDIT_HASH_LEN];
    struct bytes records = { 0 };
    uint64_t newest, next;

    open_rig();
    rig.hal->hal.root_destroy = no_destroy;
    CU_ASSERT_EQUAL(end(MESSAGE_ZEROISE, NULL), CKR_DEVICE_ERROR);
    CU_ASSERT_EQUAL(rig.hal->destruction.len, 0);
    CU_ASSERT_EQUAL(atomic_load(&rig.ks->state), KEYSTORE_ZEROISED);
    audit_head(rig.ks->audit, &newest, head);
    CU_ASSERT_FATAL(audit_read(rig.ks->audit, newest, 1, &records, &next) == ST_OK);
    CU_ASSERT_EQUAL(be_get(records.p + 16, 2), MESSAGE_ZEROISE);
    CU_ASSERT_EQUAL(be_get(records.p + 23, 4), CKR_DEVICE_ERROR);
    bytes_clear(&records);
    close_rig();
}

/* Wherever the power is cut, the next start finds the partition there, or buried. */
static void a_reset_that_is_cut_buries_all_the_same(void)
{
    struct memory_hal *whole;
    unsigned there = 0, gone = 0;
    struct partition was = { 0 };
    Ks__SignedStatement *out;
    size_t first;

    open_rig();
    whole = rig.hal;
    memcpy(was.family, rig.ks->partitions[0]->family, sizeof was.family);
    first = whole->event_count;
    CU_ASSERT_EQUAL_FATAL(end(MESSAGE_FACTORY_RESET, &out), CKR_OK);
    rig_disconnect(&owner);
    keystore_close(rig.ks);
    for (size_t events = first; events <= whole->event_count; events++) {
        struct keystore_config config = { .version = "0.1.0" };

        rig.hal = memory_hal_cut(whole, events, CUT_LOSES, events);
        config.hal = &rig.hal->hal;
        CU_ASSERT_EQUAL_FATAL(keystore_open(&config, &rig.ks), ST_OK);
        CU_ASSERT_NOT_EQUAL(rig.ks->domain.exists, tombstones_forbid(&rig.ks->tombstones, &was));
        there += rig.ks->partitions[0] != NULL;
        gone += tombstones_forbid(&rig.ks->tombstones, &was);
        keystore_close(rig.ks);
        memory_hal_free(rig.hal);
    }
    CU_ASSERT(there > 0 && gone > 0);
    rig.hal = whole;
    rig_reopen(&rig);
    CU_ASSERT_FATAL(rig_connect(&rig, &rig.owner, &owner) == ST_OK);
    close_rig();
}

/* Killed between the statement and the destruction: the old state is whole, and the statement is taken back. */
static void a_statement_whose_act_did_not_come_about_is_taken_back(void)
{
    open_rig();
    CU_ASSERT_EQUAL(rig.hal->hal.publish_destruction(rig.hal->hal.self, span_text("everything is gone")), ST_OK);
    rig_disconnect(&owner);
    rig_restart(&rig);
    CU_ASSERT_EQUAL(rig.hal->destruction.len, 0);
    CU_ASSERT_EQUAL(atomic_load(&rig.ks->state), KEYSTORE_OPERATIONAL);
    CU_ASSERT_FATAL(rig_connect(&rig, &rig.owner, &owner) == ST_OK);
    close_rig();
}

static void in_state_error_the_owner_alone_ends_it(void)
{
    Ks__Decommission m = KS__DECOMMISSION__INIT;

    open_rig();
    keystore_fail(rig.ks, "a test's fault");
    CU_ASSERT_EQUAL(rig_call(&owner, MESSAGE_FACTORY_RESET, &m.base, NULL), CKR_DEVICE_ERROR);
    CU_ASSERT_EQUAL(rig_call(&owner, MESSAGE_ZEROISE, &m.base, NULL), CKR_OK);
    CU_ASSERT_TRUE(rig.hal->root_destroyed);
    close_rig();
}

/* A keystore that started in state error has opened no key, and still says how many there were. */
static void a_fault_from_the_start_on_counts_the_keys(void)
{
    struct keystore_config config = { .version = "0.1.0", .fail_self_test = "AES GCM" };
    Ks__Decommission m = KS__DECOMMISSION__INIT;
    Ks__SignedStatement *out;
    Ks__Statement *s;

    open_rig();
    rig_disconnect(&owner);
    keystore_close(rig.ks);
    config.hal = &rig.hal->hal;
    CU_ASSERT_EQUAL_FATAL(keystore_open(&config, &rig.ks), ST_OK);
    CU_ASSERT_EQUAL(atomic_load(&rig.ks->state), KEYSTORE_ERROR);
    CU_ASSERT_FATAL(rig_connect(&rig, &rig.owner, &owner) == ST_OK);
    CU_ASSERT_EQUAL_FATAL(rig_call(&owner, MESSAGE_ZEROISE, &m.base, &out), CKR_OK);
    s = statement_of(out);
    CU_ASSERT(s->destruction->partitions == 1 && s->destruction->objects == 1);
    ks__statement__free_unpacked(s, NULL);
    close_rig();
}

/* --- what the owner sets --- */

static CK_RV set_clock(uint64_t time_ms)
{
    Ks__ClockSet m = KS__CLOCK_SET__INIT;

    m.time_ms = time_ms;
    return rig_call(&owner, MESSAGE_CLOCK_SET, &m.base, NULL);
}

static uint64_t now(void)
{
    Ks__Status *s;

    CU_ASSERT_EQUAL_FATAL(rig_call(&owner, MESSAGE_STATUS, &empty.base, &s), CKR_OK);
    return s->time_ms;
}

/* The board's clock ticks with each look at it. */
static bool is_about(uint64_t time_ms)
{
    uint64_t t = now();

    return t >= time_ms && t < time_ms + 1000;
}

/* Five minutes in all, however they are cut, and in either direction. */
static void the_clock_moves_five_minutes_without_a_quorum(void)
{
    Ks__ClockSet m = KS__CLOCK_SET__INIT;
    struct ceremony_approvals approvals;
    uint64_t start;

    open_rig();
    start = now();
    CU_ASSERT_EQUAL(set_clock(start + CLOCK_FREE_MS + 1000), CKR_APPROVALS_MISSING);
    CU_ASSERT_EQUAL(set_clock(0), CKR_APPROVALS_MISSING);
    CU_ASSERT_EQUAL(set_clock(UINT64_MAX), CKR_ARGUMENTS_BAD);
    CU_ASSERT_TRUE(is_about(start));
    CU_ASSERT_EQUAL(set_clock(start + 2 * 60000), CKR_OK);
    CU_ASSERT_TRUE(is_about(start + 2 * 60000));
    CU_ASSERT_EQUAL(set_clock(start), CKR_OK);
    CU_ASSERT_EQUAL(set_clock(start + 60000 + 1000), CKR_APPROVALS_MISSING); /* four of the five are used up */
    rig_disconnect(&owner);
    rig_restart(&rig);
    CU_ASSERT_FATAL(rig_connect(&rig, &rig.owner, &owner) == ST_OK);
    CU_ASSERT_EQUAL(set_clock(start + 60000 + 1000), CKR_APPROVALS_MISSING); /* a restart gives nothing back */
    CU_ASSERT_EQUAL(set_clock(start + 60000 - 1000), CKR_OK);
    m.time_ms = start + 10 * 60000;
    ceremony_approve(rig_link(&owner), MESSAGE_CLOCK_SET, &m.base, BIT(0) | BIT(1), &approvals);
    CU_ASSERT_EQUAL(rig_call(&owner, MESSAGE_CLOCK_SET, &m.base, NULL), CKR_OK);
    CU_ASSERT_TRUE(is_about(start + 10 * 60000));
    CU_ASSERT_EQUAL(set_clock(start + 6 * 60000), CKR_OK); /* a quorum begins anew */
    rig_disconnect(&owner);
    rig_restart(&rig);
    CU_ASSERT_FATAL(rig_connect(&rig, &rig.owner, &owner) == ST_OK);
    CU_ASSERT_TRUE(is_about(start + 6 * 60000));
    close_rig();
}

static CK_RV set_role(uint32_t role, const uint8_t *fingerprint, const char *name, bool remove)
{
    Ks__RoleSet m = KS__ROLE_SET__INIT;
    struct ceremony_approvals approvals;

    m.role = role;
    m.fingerprint = data_of(fingerprint, LINK_FINGERPRINT_LEN);
    m.name = (char *)(uintptr_t)name;
    m.remove = remove;
    ceremony_approve(rig_link(&owner), MESSAGE_ROLE_SET, &m.base, BIT(0) | BIT(1), &approvals);
    return rig_call(&owner, MESSAGE_ROLE_SET, &m.base, NULL);
}

static void auditors_read_and_do_no_more(void)
{
    Ks__AuditRead read = KS__AUDIT_READ__INIT;
    Ks__Decommission m = KS__DECOMMISSION__INIT;
    struct rig_client auditor;

    open_rig();
    CU_ASSERT_EQUAL(rig_connect(&rig, &rig.other, &auditor), ST_UNAUTHENTICATED);
    rig_disconnect(&auditor);
    CU_ASSERT_EQUAL(set_role(PEER_AUDITOR, rig.owner.fingerprint, "me", false), CKR_ACTION_PROHIBITED);
    CU_ASSERT_EQUAL(set_role(PEER_AUDITOR, rig.user.fingerprint, "user", false), CKR_ACTION_PROHIBITED);
    CU_ASSERT_EQUAL(set_role(PEER_AUDITOR, rig.other.fingerprint, "", false), CKR_ARGUMENTS_BAD);
    CU_ASSERT_EQUAL(set_role(PEER_AUDITOR, rig.other.fingerprint, "otto", true), CKR_ARGUMENTS_BAD);
    CU_ASSERT_EQUAL(set_role(PEER_OWNER, rig.owner.fingerprint, "me", true), CKR_ARGUMENTS_BAD);
    CU_ASSERT_EQUAL(set_role(PEER_OWNER, rig.user.fingerprint, "user", false), CKR_ACTION_PROHIBITED);
    CU_ASSERT_EQUAL(set_role(PEER_AUDITOR, rig.other.fingerprint, "otto", false), CKR_OK);
    CU_ASSERT_FATAL(rig_connect(&rig, &rig.other, &auditor) == ST_OK);
    CU_ASSERT_EQUAL(rig_call(&auditor, MESSAGE_AUDIT_READ, &read.base, NULL), CKR_OK);
    CU_ASSERT_EQUAL(rig_call(&auditor, MESSAGE_ZEROISE, &m.base, NULL), CKR_ACTION_PROHIBITED);
    CU_ASSERT_EQUAL(rig_call(&auditor, MESSAGE_PARTITION_LIST, &empty.base, NULL), CKR_ACTION_PROHIBITED);
    CU_ASSERT_EQUAL(set_role(PEER_AUDITOR, rig.other.fingerprint, "", true), CKR_OK);
    CU_ASSERT_EQUAL(rig_call(&auditor, MESSAGE_AUDIT_READ, &read.base, NULL), CKR_ACTION_PROHIBITED);
    rig_disconnect(&auditor);
    close_rig();
}

static CK_RV set_sink(const char *address, const uint8_t *fingerprint)
{
    Ks__AuditSinkSet m = KS__AUDIT_SINK_SET__INIT;
    struct ceremony_approvals approvals;

    m.address = (char *)(uintptr_t)address;
    if (fingerprint != NULL)
        m.fingerprint = data_of(fingerprint, LINK_FINGERPRINT_LEN);
    ceremony_approve(rig_link(&owner), MESSAGE_AUDIT_SINK_SET, &m.base, BIT(0) | BIT(1), &approvals);
    return rig_call(&owner, MESSAGE_AUDIT_SINK_SET, &m.base, NULL);
}

/* Does the newest record say that it is about this key? */
static bool is_recorded_of(const uint8_t fingerprint[LINK_FINGERPRINT_LEN])
{
    struct bytes record = { 0 };
    uint64_t newest, next;
    uint8_t head[AUDIT_HASH_LEN];
    bool same;

    audit_head(rig.ks->audit, &newest, head);
    CU_ASSERT_EQUAL_FATAL(audit_read(rig.ks->audit, newest, 1, &record, &next), ST_OK);
    same = memcmp(record.p + 35, fingerprint, 16) == 0; /* audit.h */
    bytes_clear(&record);
    return same;
}

static void the_audit_sink_is_an_auditor(void)
{
    Ks__AuditRead read = KS__AUDIT_READ__INIT;
    struct rig_client sink;

    open_rig();
    CU_ASSERT_EQUAL(set_sink("syslog://collector", NULL), CKR_ARGUMENTS_BAD);
    CU_ASSERT_EQUAL(set_sink("", rig.other.fingerprint), CKR_ARGUMENTS_BAD);
    CU_ASSERT_EQUAL(set_sink("two words", rig.other.fingerprint), CKR_ARGUMENTS_BAD);
    CU_ASSERT_EQUAL(set_sink("syslog://collector", rig.owner.fingerprint), CKR_ACTION_PROHIBITED);
    CU_ASSERT_TRUE(is_recorded_of(rig.owner.fingerprint));
    CU_ASSERT_EQUAL(set_sink("syslog://collector", rig.other.fingerprint), CKR_OK);
    CU_ASSERT_TRUE(is_recorded_of(rig.other.fingerprint));
    CU_ASSERT_FATAL(rig_connect(&rig, &rig.other, &sink) == ST_OK);
    CU_ASSERT_EQUAL(rig_call(&sink, MESSAGE_AUDIT_READ, &read.base, NULL), CKR_OK);
    CU_ASSERT_EQUAL(set_sink("", NULL), CKR_OK);
    CU_ASSERT_EQUAL(rig_call(&sink, MESSAGE_AUDIT_READ, &read.base, NULL), CKR_ACTION_PROHIBITED);
    rig_disconnect(&sink);
    close_rig();
}

static void the_firmware_key_is_one(void)
{
    EVP_PKEY *rsa = EVP_RSA_gen(2048), *keys[] = { rsa, EVP_EC_gen("P-521") };
    Ks__FirmwareKeySet m = KS__FIRMWARE_KEY_SET__INIT;

    open_rig();
    CU_ASSERT_EQUAL(rig_call(&owner, MESSAGE_FIRMWARE_KEY_SET, &m.base, NULL), CKR_ARGUMENTS_BAD);
    m.public_key = data_of("no key", 6);
    CU_ASSERT_EQUAL(rig_call(&owner, MESSAGE_FIRMWARE_KEY_SET, &m.base, NULL), CKR_ARGUMENTS_BAD);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        unsigned char *der = NULL;
        int len = i2d_PUBKEY(keys[i], &der);

        m.public_key = data_of(der, (size_t)len);
        CU_ASSERT_EQUAL(rig_call(&owner, MESSAGE_FIRMWARE_KEY_SET, &m.base, NULL), CKR_ARGUMENTS_BAD);
        OPENSSL_free(der);
        EVP_PKEY_free(keys[i]);
    }
    CU_ASSERT_EQUAL(rig.ks->device.firmware_key.len, 0);
    close_rig();
}

int main(void)
{
    static CU_TestInfo cases[] = {
        { "a reset board is as from the factory", a_reset_board_is_as_from_the_factory },
        { "a reset that is cut buries all the same", a_reset_that_is_cut_buries_all_the_same },
        { "a zeroised board leaves its word", a_zeroised_board_leaves_its_word },
        { "nothing is destroyed without a word of it", nothing_is_destroyed_without_a_word_of_it },
        { "a root that stays is not called destroyed", a_root_that_stays_is_not_called_destroyed },
        { "a statement whose act did not come about is taken back",
          a_statement_whose_act_did_not_come_about_is_taken_back },
        { "in state error the owner alone ends it", in_state_error_the_owner_alone_ends_it },
        { "a fault from the start on counts the keys", a_fault_from_the_start_on_counts_the_keys },
        { "the clock moves five minutes without a quorum", the_clock_moves_five_minutes_without_a_quorum },
        { "auditors read, and do no more", auditors_read_and_do_no_more },
        { "the audit sink is an auditor", the_audit_sink_is_an_auditor },
        { "the firmware key is one", the_firmware_key_is_one },
        CU_TEST_INFO_NULL,
    };
    static CU_SuiteInfo suites[] = { { "decommission and device", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
