/* Which request in which state from whom: the table of dispatch.c, said again. A request that is not in it ends the
 * link; one that is not allowed is answered and recorded, and does nothing. */
#include "firmware/dispatch.h"

#include "tests/unit/firmware/rig.h"

static struct rig rig;

static void open_rig(void)
{
    rig_open(&rig);
}

static void close_rig(void)
{
    rig_close(&rig);
}

/* States, in the order of their numbers: Factory, Provisioned, Operational, Error, Zeroised. Roles: Owner, Client,
 * Auditor, Factory. '@': only as an attached application. */
static const struct {
    uint16_t kind;
    const char *states, *roles;
} table[] = {
    { MESSAGE_ATTACH, "PO", "C" },
    { MESSAGE_STATUS, "FPOEZ", "OCAF" },
    { MESSAGE_TOKEN_INFO, "PO", "C" },
    { MESSAGE_MECHANISM_LIST, "PO", "C" },
    { MESSAGE_INIT_TOKEN, "O", "C@" },
    { MESSAGE_INIT_PIN, "O", "C@" },
    { MESSAGE_SET_PIN, "O", "C@" },
    { MESSAGE_LOGIN, "O", "C@" },
    { MESSAGE_LOGOUT, "O", "C@" },
    { MESSAGE_OPEN_SESSION, "O", "C@" },
    { MESSAGE_CLOSE_SESSION, "O", "C@" },
    { MESSAGE_SESSION_INFO, "O", "C@" },
    { MESSAGE_CREATE_OBJECT, "O", "C@" },
    { MESSAGE_COPY_OBJECT, "O", "C@" },
    { MESSAGE_DESTROY_OBJECT, "O", "C@" },
    { MESSAGE_GET_ATTRIBUTES, "O", "C@" },
    { MESSAGE_SET_ATTRIBUTES, "O", "C@" },
    { MESSAGE_FIND_OBJECTS, "O", "C@" },
    { MESSAGE_OBJECT_SIZE, "O", "C@" },
    { MESSAGE_GENERATE_KEY, "O", "C@" },
    { MESSAGE_GENERATE_KEY_PAIR, "O", "C@" },
    { MESSAGE_WRAP_KEY, "O", "C@" },
    { MESSAGE_UNWRAP_KEY, "O", "C@" },
    { MESSAGE_DERIVE_KEY, "O", "C@" },
    { MESSAGE_ENCAPSULATE, "O", "C@" },
    { MESSAGE_DECAPSULATE, "O", "C@" },
    { MESSAGE_COMPUTE, "O", "C@" },
    { MESSAGE_OPERATION_BEGIN, "O", "C@" },
    { MESSAGE_OPERATION_UPDATE, "O", "C@" },
    { MESSAGE_OPERATION_FINAL, "O", "C@" },
    { MESSAGE_OPERATION_CANCEL, "O", "C@" },
    { MESSAGE_RANDOM, "O", "C" },
    { MESSAGE_SEED, "O", "C" },
    { MESSAGE_PARTITION_CREATE, "O", "O" },
    { MESSAGE_PARTITION_LIST, "O", "O" },
    { MESSAGE_PARTITION_DELETE, "O", "O" },
    { MESSAGE_PARTITION_SET, "O", "O" },
    { MESSAGE_AUDIT_READ, "POE", "OA" },
    { MESSAGE_SELF_TEST, "PO", "O" },
    { MESSAGE_BACKUP_BEGIN, "O", "O" },
    { MESSAGE_BACKUP_NEXT, "O", "O" },
    { MESSAGE_RESTORE_BEGIN, "O", "O" },
    { MESSAGE_RESTORE_NEXT, "O", "O" },
    { MESSAGE_ZEROISE, "POE", "O" },
    { MESSAGE_FACTORY_RESET, "PO", "O" },
    { MESSAGE_DOMAIN_INFO, "PO", "OA" },
    { MESSAGE_DOMAIN_CREATE, "P", "O" },
    { MESSAGE_DOMAIN_EXPORT, "PO", "O" },
    { MESSAGE_DOMAIN_CONFIRM, "PO", "O" },
    { MESSAGE_DOMAIN_CHANGE, "O", "O" },
    { MESSAGE_DOMAIN_TRANSFER, "P", "O" },
    { MESSAGE_DOMAIN_RESTORE, "PO", "O" },
    { MESSAGE_ROLE_SET, "PO", "O" },
    { MESSAGE_AUDIT_SINK_SET, "PO", "O" },
    { MESSAGE_FIRMWARE_KEY_SET, "PO", "O" },
    { MESSAGE_CLOCK_SET, "PO", "O" },
    { MESSAGE_START_MODE_SET, "O", "O" },
    { MESSAGE_UNLOCK, "P", "O" },
    { MESSAGE_ATTEST, "FPO", "OCAF" },
    { MESSAGE_DEVICE_IDENTITY, "FPO", "OF" },
    { MESSAGE_CERTIFICATE_INSTALL, "FPO", "OF" },
};

/* The least that is a valid body of a kind, as a link carries it. */
static size_t body_for(uint16_t kind, uint8_t out[256])
{
    uint8_t label[LABEL_LEN] = { 0 };
    Ks__InitToken init_token = KS__INIT_TOKEN__INIT;
    Ks__Mechanism mechanism = KS__MECHANISM__INIT;
    Ks__Partition partition = KS__PARTITION__INIT;
    Ks__GenerateKey first_field_only = KS__GENERATE_KEY__INIT; /* WRAP, UNWRAP and so on have the mechanism there too */
    Ks__Compute compute = KS__COMPUTE__INIT;
    Ks__OperationUpdate update = KS__OPERATION_UPDATE__INIT;
    Ks__RestorePart part = KS__RESTORE_PART__INIT; /* RESTORE_BEGIN has it in the same field */
    Ks__Attest attest = KS__ATTEST__INIT;
    Ks__DomainConfirm confirm = KS__DOMAIN_CONFIRM__INIT;
    Ks__DomainRestore restore = KS__DOMAIN_RESTORE__INIT;
    Ks__RoleSet role = KS__ROLE_SET__INIT;
    Ks__CertificateInstall install = KS__CERTIFICATE_INSTALL__INIT;
    ProtobufCBinaryData certificate = { 1, label };

    init_token.label = (ProtobufCBinaryData){ LABEL_LEN, label };
    mechanism.type = CKM_SHA256;
    first_field_only.mechanism = compute.mechanism = &mechanism;
    compute.operation = update.operation = OPERATION_DIGEST;
    partition.policy = (char *)(uintptr_t) "strict";
    attest.nonce = (ProtobufCBinaryData){ NONCE_MIN, label };
    confirm.digest = role.fingerprint = (ProtobufCBinaryData){ LABEL_LEN, label };
    restore.required = QUORUM_MIN;
    role.role = PEER_AUDITOR;
    install.n_chain = 1;
    install.chain = &certificate;
    switch (kind) {
    case MESSAGE_INIT_TOKEN:
        return ks__init_token__pack(&init_token, out);
    case MESSAGE_GENERATE_KEY:
    case MESSAGE_GENERATE_KEY_PAIR:
    case MESSAGE_WRAP_KEY:
    case MESSAGE_UNWRAP_KEY:
    case MESSAGE_DERIVE_KEY:
    case MESSAGE_ENCAPSULATE:
    case MESSAGE_DECAPSULATE:
        return ks__generate_key__pack(&first_field_only, out);
    case MESSAGE_COMPUTE:
    case MESSAGE_OPERATION_BEGIN:
        return ks__compute__pack(&compute, out);
    case MESSAGE_OPERATION_UPDATE:
    case MESSAGE_OPERATION_FINAL:
        return ks__operation_update__pack(&update, out);
    case MESSAGE_RESTORE_BEGIN:
    case MESSAGE_RESTORE_NEXT:
        part.part = (ProtobufCBinaryData){ LABEL_LEN, label };
        return ks__restore_part__pack(&part, out);
    case MESSAGE_PARTITION_CREATE:
    case MESSAGE_PARTITION_SET:
        return ks__partition__pack(&partition, out);
    case MESSAGE_ATTEST:
        return ks__attest__pack(&attest, out);
    case MESSAGE_CERTIFICATE_INSTALL:
        return ks__certificate_install__pack(&install, out);
    case MESSAGE_DOMAIN_CONFIRM:
        return ks__domain_confirm__pack(&confirm, out);
    case MESSAGE_DOMAIN_RESTORE:
        return ks__domain_restore__pack(&restore, out);
    case MESSAGE_ROLE_SET:
        return ks__role_set__pack(&role, out);
    default:
        return 0;
    }
}

static enum status open_one(struct caller *who, uint16_t kind, bool answer, struct span body, CK_RV *verdict)
{
    struct call c = { .ks = rig.ks, .who = who, .budget = dispatch_budget() };
    struct message m = { .id = 1, .kind = kind, .answer = answer, .body = body };
    ProtobufCMessage *request;
    enum pace pace;
    enum status st;

    CU_ASSERT_FATAL(c.budget != NULL);
    st = dispatch_open(&c, &m, &request, &pace, verdict);
    budget_reset(c.budget);
    return st;
}

static CK_RV expected(size_t row, enum keystore_state state, enum peer_role role, bool attached)
{
    static const char letters_of_states[] = "?FPOEZ", letters_of_roles[] = "?OCAF";

    if (strchr(table[row].roles, letters_of_roles[role]) == NULL)
        return CKR_ACTION_PROHIBITED;
    if (strchr(table[row].states, letters_of_states[state]) == NULL)
        return CKR_DEVICE_ERROR;
    return strchr(table[row].roles, '@') != NULL && !attached ? CKR_CRYPTOKI_NOT_INITIALIZED : CKR_OK;
}

static void each_kind_in_each_state_for_each_role(void)
{
    struct application application = { .links = 1 };
    uint8_t body[256];

    for (size_t row = 0; row < ARRAY_LEN(table); row++)
        for (unsigned state = KEYSTORE_FACTORY; state <= KEYSTORE_ZEROISED; state++)
            for (unsigned role = PEER_OWNER; role <= PEER_FACTORY; role++)
                for (unsigned attached = 0; attached < 2; attached++) {
                    struct caller who = { .role = role, .application = attached ? &application : NULL };
                    CK_RV verdict;

                    atomic_store(&rig.ks->state, state);
                    CU_ASSERT_EQUAL(open_one(&who, table[row].kind, false,
                                             span_of(body, body_for(table[row].kind, body)), &verdict),
                                    ST_OK);
                    if (verdict != expected(row, state, role, attached))
                        printf("kind %u, state %u, role %u: %#lx\n", table[row].kind, state, role, verdict);
                    CU_ASSERT_EQUAL(verdict, expected(row, state, role, attached));
                }
    atomic_store(&rig.ks->state, KEYSTORE_PROVISIONED);
}

static void strangers_are_refused_everything(void)
{
    struct caller who = { .role = PEER_STRANGER };
    uint8_t body[256];
    CK_RV verdict;

    for (size_t row = 0; row < ARRAY_LEN(table); row++) {
        CU_ASSERT_EQUAL(
            open_one(&who, table[row].kind, false, span_of(body, body_for(table[row].kind, body)), &verdict), ST_OK);
        CU_ASSERT_EQUAL(verdict, CKR_ACTION_PROHIBITED);
    }
}

static bool is_listed(unsigned kind)
{
    for (size_t row = 0; row < ARRAY_LEN(table); row++)
        if (table[row].kind == kind)
            return true;
    return false;
}

static void what_is_no_request_ends_the_link(void)
{
    struct caller who = { .role = PEER_OWNER };
    CK_RV verdict;

    for (unsigned kind = 0; kind <= UINT16_MAX; kind++)
        if (!is_listed(kind))
            CU_ASSERT_EQUAL(open_one(&who, (uint16_t)kind, false, span_of(NULL, 0), &verdict), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(open_one(&who, MESSAGE_STATUS, true, span_of(NULL, 0), &verdict), ST_BAD_REQUEST);
}

static void bodies_that_are_too_long_or_malformed_end_the_link(void)
{
    static uint8_t junk[LINK_MESSAGE_MAX + 1];
    struct caller who = { .role = PEER_CLIENT };
    CK_RV verdict;

    memset(junk, 0xff, sizeof junk);
    for (size_t row = 0; row < ARRAY_LEN(table); row++) {
        CU_ASSERT_EQUAL(open_one(&who, table[row].kind, false, span_of(junk, sizeof junk), &verdict), ST_TOO_LARGE);
        CU_ASSERT_NOT_EQUAL(open_one(&who, table[row].kind, false, span_of(junk, 1), &verdict), ST_OK);
    }
}

/* --- what a refusal leaves behind --- */

static uint64_t records(struct audit_entry *last)
{
    struct bytes out = { 0 };
    uint64_t sequence, next;
    uint8_t hash[AUDIT_HASH_LEN];

    audit_head(rig.ks->audit, &sequence, hash);
    CU_ASSERT_FATAL(audit_read(rig.ks->audit, sequence, 1, &out, &next) == ST_OK && out.len == AUDIT_RECORD_LEN);
    last->kind = (uint16_t)(out.p[16] << 8 | out.p[17]);
    last->result = (uint32_t)out.p[23] << 24 | (uint32_t)out.p[24] << 16 | (uint32_t)out.p[25] << 8 | out.p[26];
    bytes_clear(&out);
    return sequence;
}

static void a_refusal_is_recorded(void)
{
    struct audit_entry last;
    Ks__Empty empty = KS__EMPTY__INIT;
    struct rig_client c;
    uint64_t before;

    rig_provision(&rig, "strict");
    CU_ASSERT_FATAL(rig_connect(&rig, &rig.user, &c) == ST_OK);
    before = records(&last);
    CU_ASSERT_EQUAL(rig_call(&c, MESSAGE_PARTITION_LIST, &empty.base, NULL), CKR_ACTION_PROHIBITED);
    CU_ASSERT_EQUAL(records(&last), before + 1);
    CU_ASSERT_EQUAL(last.kind, MESSAGE_PARTITION_LIST);
    CU_ASSERT_EQUAL(last.result, CKR_ACTION_PROHIBITED);
    CU_ASSERT_FALSE(rig.hal->root_destroyed);
    rig_disconnect(&c);
}

/* The state may change while a request waits for its partition's lock. */
static void the_state_is_looked_at_again_under_the_lock(void)
{
    Ks__OpenSession open = KS__OPEN_SESSION__INIT;
    struct partition *p;
    struct caller who;
    struct call c;
    bool sync = false;

    rig_provision(&rig, "strict");
    who = (struct caller){ .role = keystore_role_of(rig.ks, rig.user.fingerprint, &p) };
    CU_ASSERT_FATAL(who.role == PEER_CLIENT);
    who.partition = p;
    memcpy(who.fingerprint, rig.user.fingerprint, sizeof who.fingerprint);
    CU_ASSERT_FATAL(application_new(p, who.fingerprint, &who.application) == CKR_OK);
    p->initialised = true;
    c = (struct call){ .ks = rig.ks, .who = &who, .budget = dispatch_budget() };
    CU_ASSERT_EQUAL(dispatch_run(&c, MESSAGE_OPEN_SESSION, &open.base, &sync), CKR_OK);
    atomic_store(&rig.ks->state, KEYSTORE_ZEROISED);
    CU_ASSERT_EQUAL(dispatch_run(&c, MESSAGE_OPEN_SESSION, &open.base, &sync), CKR_DEVICE_ERROR);
    atomic_store(&rig.ks->state, KEYSTORE_OPERATIONAL);
    who.role = PEER_AUDITOR; /* its identity is a client's: made another since the link was opened */
    CU_ASSERT_EQUAL(dispatch_run(&c, MESSAGE_OPEN_SESSION, &open.base, &sync), CKR_TOKEN_NOT_PRESENT);
    application_leave(who.application, &rig.ks->storage, false);
}

/* The same for the owner, whose requests wait for the keystore's lock: the keystore is reset or fails meanwhile. */
static void the_owners_state_is_looked_at_again(void)
{
    static const struct {
        uint16_t kind;
        const ProtobufCMessageDescriptor *message;
    } kinds[] = {
        { MESSAGE_PARTITION_CREATE, &ks__partition__descriptor },
        { MESSAGE_PARTITION_SET, &ks__partition__descriptor },
        { MESSAGE_PARTITION_DELETE, &ks__partition_id__descriptor },
        { MESSAGE_BACKUP_BEGIN, &ks__backup_begin__descriptor },
        { MESSAGE_BACKUP_NEXT, &ks__empty__descriptor },
        { MESSAGE_RESTORE_BEGIN, &ks__restore_begin__descriptor },
        { MESSAGE_RESTORE_NEXT, &ks__restore_part__descriptor },
        { MESSAGE_FACTORY_RESET, &ks__decommission__descriptor },
        { MESSAGE_ZEROISE, &ks__decommission__descriptor },
        { MESSAGE_DOMAIN_CREATE, &ks__domain_create__descriptor },
        { MESSAGE_DOMAIN_EXPORT, &ks__domain_export__descriptor },
        { MESSAGE_DOMAIN_CONFIRM, &ks__domain_confirm__descriptor },
        { MESSAGE_DOMAIN_CHANGE, &ks__domain_change__descriptor },
        { MESSAGE_DOMAIN_TRANSFER, &ks__empty__descriptor },
        { MESSAGE_DOMAIN_RESTORE, &ks__domain_restore__descriptor },
        { MESSAGE_ROLE_SET, &ks__role_set__descriptor },
        { MESSAGE_AUDIT_SINK_SET, &ks__audit_sink_set__descriptor },
        { MESSAGE_FIRMWARE_KEY_SET, &ks__firmware_key_set__descriptor },
        { MESSAGE_CLOCK_SET, &ks__clock_set__descriptor },
        { MESSAGE_START_MODE_SET, &ks__start_mode_set__descriptor },
        { MESSAGE_UNLOCK, &ks__unlock__descriptor },
    };
    struct caller who = { .role = PEER_OWNER };
    bool sync = false;

    memcpy(who.fingerprint, rig.owner.fingerprint, sizeof who.fingerprint);
    atomic_store(&rig.ks->state, KEYSTORE_ZEROISED);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct call c = { .ks = rig.ks, .who = &who, .budget = dispatch_budget() };
        ProtobufCMessage *m = call_memory(&c, kinds[i].message->sizeof_message);
        CK_RV rv;

        kinds[i].message->message_init(m);
        rv = dispatch_run(&c, kinds[i].kind, m, &sync);
        if (rv != CKR_DEVICE_ERROR)
            printf("%s: %#lx\n", kinds[i].message->name, rv);
        CU_ASSERT_EQUAL(rv, CKR_DEVICE_ERROR);
        CU_ASSERT_EQUAL(pthread_mutex_trylock(&rig.ks->lock), 0);
        pthread_mutex_unlock(&rig.ks->lock);
        budget_reset(c.budget);
    }
    atomic_store(&rig.ks->state, KEYSTORE_OPERATIONAL);
}

static CU_TestInfo cases[] = {
    { "each kind in each state for each role", each_kind_in_each_state_for_each_role },
    { "strangers are refused everything", strangers_are_refused_everything },
    { "what is no request ends the link", what_is_no_request_ends_the_link },
    { "bodies that are too long or malformed end the link", bodies_that_are_too_long_or_malformed_end_the_link },
    { "a refusal is recorded", a_refusal_is_recorded },
    { "the state is looked at again under the lock", the_state_is_looked_at_again_under_the_lock },
    { "the owner's state is looked at again", the_owners_state_is_looked_at_again },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { "dispatch", NULL, NULL, open_rig, close_rig, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
