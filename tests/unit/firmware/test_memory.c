/* The n-th allocation fails, for n = 0, 1, 2 and so on until the act succeeds: at the start of a keystore, and in one
 * request of each kind. Nothing crashes, nothing leaks (with the sanitizer), the keystore works afterwards. */
#include "firmware/dispatch.h"
#include "firmware/inside.h"
#include "tests/unit/firmware/rig.h"

void *__real_malloc(size_t len);
void *__real_calloc(size_t n, size_t len);
void *__real_realloc(void *p, size_t len);
void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t n, size_t len);
void *__wrap_realloc(void *p, size_t len);

/* An audit that runs out of memory fails closed until the next start: here it has enough. */
enum status __real_audit_append(struct audit *a, const struct audit_entry *e);
enum status __wrap_audit_append(struct audit *a, const struct audit_entry *e);
enum status __real_audit_flush(struct audit *a, bool sync);
enum status __wrap_audit_flush(struct audit *a, bool sync);

static atomic_long left = -1; /* allocations until one fails; negative: none does */
static atomic_int spared;     /* how many functions under way have enough */

static bool fails(void)
{
    long n = atomic_load(&left);

    return atomic_load(&spared) == 0 && n >= 0 && atomic_fetch_sub(&left, 1) == 0;
}

void *__wrap_malloc(size_t len)
{
    return fails() ? NULL : __real_malloc(len);
}

void *__wrap_calloc(size_t n, size_t len)
{
    return fails() ? NULL : __real_calloc(n, len);
}

void *__wrap_realloc(void *p, size_t len)
{
    return fails() ? NULL : __real_realloc(p, len);
}

enum status __wrap_audit_append(struct audit *a, const struct audit_entry *e)
{
    enum status st;

    atomic_fetch_add(&spared, 1);
    st = __real_audit_append(a, e);
    atomic_fetch_sub(&spared, 1);
    return st;
}

enum status __wrap_audit_flush(struct audit *a, bool sync)
{
    enum status st;

    atomic_fetch_add(&spared, 1);
    st = __real_audit_flush(a, sync);
    atomic_fetch_sub(&spared, 1);
    return st;
}

/* The board in memory remembers what is written, which is no business of the keystore's. */
static struct hal sound;

static enum status spared_write(void *self, enum hal_region region, size_t at, const void *p, size_t len)
{
    enum status st;

    atomic_fetch_add(&spared, 1);
    st = sound.flash_write(self, region, at, p, len);
    atomic_fetch_sub(&spared, 1);
    return st;
}

static enum status spared_sync(void *self, enum hal_region region)
{
    enum status st;

    atomic_fetch_add(&spared, 1);
    st = sound.flash_sync(self, region);
    atomic_fetch_sub(&spared, 1);
    return st;
}

static enum status spared_increment(void *self, uint64_t *out)
{
    enum status st;

    atomic_fetch_add(&spared, 1);
    st = sound.counter_increment(self, out);
    atomic_fetch_sub(&spared, 1);
    return st;
}

static struct rig rig;
static struct rig_client client;
static uint64_t session, aes, ec, wrapping;

static void open_rig(void)
{
    struct rig_template t;
    uint64_t public;

    pin_cost = 2;
    rig_open(&rig);
    sound = rig.hal->hal;
    rig.hal->hal.flash_write = spared_write;
    rig.hal->hal.flash_sync = spared_sync;
    rig.hal->hal.counter_increment = spared_increment;
    rig_provision(&rig, "strict");
    rig_attach(&rig, &rig.user, &client);
    session = rig_ready_session(&client);
    rig_template_init(&t);
    rig_bool(&t, CKA_ENCRYPT, true);
    rig_bool(&t, CKA_EXTRACTABLE, true);
    CU_ASSERT_FATAL(rig_generate_aes(&client, session, 32, &t, &aes) == CKR_OK);
    rig_template_init(&t);
    rig_bool(&t, CKA_WRAP, true);
    CU_ASSERT_FATAL(rig_generate_aes(&client, session, 32, &t, &wrapping) == CKR_OK);
    rig_template_init(&t);
    rig_bool(&t, CKA_SIGN, true);
    rig_bool(&t, CKA_DERIVE, true);
    CU_ASSERT_FATAL(rig_generate_ec(&client, session, &t, &public, &ec) == CKR_OK);
}

static void close_rig(void)
{
    rig_disconnect(&client);
    rig_close(&rig);
}

/* --- one request of each kind, at the dispatcher: the link has tests of its own --- */

static CK_RV run(struct caller *who, uint16_t kind, const ProtobufCMessage *m)
{
    struct call c = { .ks = rig.ks, .who = who, .budget = dispatch_budget() };
    bool sync = false;
    CK_RV rv = dispatch_run(&c, kind, m, &sync);

    budget_reset(c.budget);
    return rv;
}

static void sweep(const char *name, struct caller *who, uint16_t kind, const ProtobufCMessage *m)
{
    CK_RV rv = CKR_HOST_MEMORY;
    long n = 0;

    CU_ASSERT_FATAL(dispatch_budget() != NULL);
    for (; rv != CKR_OK && n < 4000; n++) {
        atomic_store(&left, n);
        rv = run(who, kind, m);
        atomic_store(&left, -1);
        /* A pairwise test without memory is one that failed: state error, which only a start leaves. */
        if (kind == MESSAGE_GENERATE_KEY || kind == MESSAGE_GENERATE_KEY_PAIR)
            atomic_store(&rig.ks->state, KEYSTORE_OPERATIONAL);
        CU_ASSERT_FATAL(atomic_load(&rig.ks->state) == KEYSTORE_OPERATIONAL);
        /* A key whose curve libcrypto has no memory for loads no better than one of an unknown curve; a signature that
         * it has none for is as good as a wrong one. */
        CU_ASSERT(rv == CKR_OK || rv == CKR_HOST_MEMORY || rv == CKR_DEVICE_ERROR || rv == CKR_DEVICE_MEMORY ||
                  rv == CKR_ATTRIBUTE_VALUE_INVALID || rv == CKR_APPROVAL_INVALID);
    }
    if (rv != CKR_OK)
        printf("%s: %#lx\n", name, rv);
    CU_ASSERT_EQUAL(rv, CKR_OK);
}

static struct caller caller_of(enum peer_role role)
{
    struct caller who = { .role = role };

    if (role == PEER_CLIENT) {
        who.partition = rig.ks->partitions[0];
        who.application = who.partition->applications;
    }
    memcpy(who.fingerprint, role == PEER_CLIENT ? rig.user.fingerprint : rig.owner.fingerprint, LINK_FINGERPRINT_LEN);
    return who;
}

static ProtobufCBinaryData text(const char *t)
{
    return (ProtobufCBinaryData){ strlen(t), (uint8_t *)(uintptr_t)t };
}

static void keys_are_made(void)
{
    static const uint8_t p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
    struct caller who = caller_of(PEER_CLIENT);
    Ks__GenerateKey generate = KS__GENERATE_KEY__INIT;
    Ks__GenerateKeyPair pair = KS__GENERATE_KEY_PAIR__INIT;
    Ks__CreateObject create = KS__CREATE_OBJECT__INIT;
    Ks__Mechanism mechanism = KS__MECHANISM__INIT;
    struct rig_template t, public;

    generate.session = pair.session = create.session = session;
    generate.mechanism = pair.mechanism = &mechanism;

    rig_template_init(&t);
    rig_bool(&t, CKA_TOKEN, true);
    rig_ulong(&t, CKA_VALUE_LEN, 32);
    generate.template_ = &t.t;
    mechanism.type = CKM_AES_KEY_GEN;
    sweep("generate a key", &who, MESSAGE_GENERATE_KEY, &generate.base);

    rig_template_init(&t);
    rig_bool(&t, CKA_TOKEN, true);
    rig_template_init(&public);
    rig_bytes(&public, CKA_EC_PARAMS, p256, sizeof p256);
    pair.public_template = &public.t;
    pair.private_template = &t.t;
    mechanism.type = CKM_EC_KEY_PAIR_GEN;
    sweep("generate a pair", &who, MESSAGE_GENERATE_KEY_PAIR, &pair.base);

    rig_template_init(&t);
    rig_ulong(&t, CKA_CLASS, CKO_SECRET_KEY);
    rig_ulong(&t, CKA_KEY_TYPE, CKK_AES);
    rig_bytes(&t, CKA_VALUE, p256, 0);
    t.items[2].value = text("0123456789abcdef");
    create.template_ = &t.t;
    sweep("create", &who, MESSAGE_CREATE_OBJECT, &create.base);
}

static void objects_are_used(void)
{
    struct caller who = caller_of(PEER_CLIENT);
    Ks__CopyObject copy = KS__COPY_OBJECT__INIT;
    Ks__SetAttributes set = KS__SET_ATTRIBUTES__INIT;
    Ks__GetAttributes get = KS__GET_ATTRIBUTES__INIT;
    Ks__FindObjects find = KS__FIND_OBJECTS__INIT;
    Ks__WrapKey wrap = KS__WRAP_KEY__INIT;
    Ks__Mechanism mechanism = KS__MECHANISM__INIT;
    uint64_t types[] = { CKA_LABEL, CKA_EC_POINT };
    struct rig_template t;

    copy.session = set.session = get.session = find.session = wrap.session = session;
    copy.object = ec;
    sweep("copy", &who, MESSAGE_COPY_OBJECT, &copy.base);

    rig_template_init(&t);
    rig_bytes(&t, CKA_LABEL, "new", 3);
    set.object = ec;
    set.template_ = &t.t;
    sweep("set", &who, MESSAGE_SET_ATTRIBUTES, &set.base);
    get.object = ec;
    get.types = types;
    get.n_types = 2;
    sweep("get", &who, MESSAGE_GET_ATTRIBUTES, &get.base);
    find.template_ = &t.t;
    sweep("find", &who, MESSAGE_FIND_OBJECTS, &find.base);

    wrap.key = aes;
    wrap.wrapping_key = wrapping;
    wrap.mechanism = &mechanism;
    mechanism.type = CKM_AES_KEY_WRAP;
    sweep("wrap", &who, MESSAGE_WRAP_KEY, &wrap.base);
    mechanism.type = CKM_STRONGROOM_SEAL;
    sweep("seal", &who, MESSAGE_WRAP_KEY, &wrap.base);
}

static void operations(void)
{
    struct caller who = caller_of(PEER_CLIENT);
    Ks__Compute compute = KS__COMPUTE__INIT;
    Ks__OperationBegin begin = KS__OPERATION_BEGIN__INIT;
    Ks__OperationUpdate update = KS__OPERATION_UPDATE__INIT;
    Ks__OperationFinal final = KS__OPERATION_FINAL__INIT;
    Ks__Mechanism mechanism = KS__MECHANISM__INIT;
    Ks__OpenSession open = KS__OPEN_SESSION__INIT;

    compute.session = begin.session = update.session = final.session = session;
    compute.mechanism = begin.mechanism = &mechanism;
    compute.key = ec;
    compute.operation = OPERATION_SIGN;
    compute.data = text("0123456789abcdef0123456789abcdef");
    mechanism.type = CKM_ECDSA;
    sweep("sign", &who, MESSAGE_COMPUTE, &compute.base);
    begin.operation = update.operation = final.operation = OPERATION_ENCRYPT;
    begin.key = aes;
    mechanism.type = CKM_AES_ECB;
    sweep("begin", &who, MESSAGE_OPERATION_BEGIN, &begin.base);
    update.data = compute.data;
    sweep("update", &who, MESSAGE_OPERATION_UPDATE, &update.base);
    sweep("final", &who, MESSAGE_OPERATION_FINAL, &final.base);
    sweep("open a session", &who, MESSAGE_OPEN_SESSION, &open.base);
}

static void pins(void)
{
    struct caller who = caller_of(PEER_CLIENT);
    Ks__Login login = KS__LOGIN__INIT;
    Ks__SetPin set = KS__SET_PIN__INIT;
    Ks__InitToken init = KS__INIT_TOKEN__INIT;
    Ks__Session all = KS__SESSION__INIT;

    login.session = set.session = session;
    login.user_type = CKU_CONTEXT_SPECIFIC;
    login.pin = set.old_pin = set.new_pin = text(RIG_PIN);
    sweep("log in", &who, MESSAGE_LOGIN, &login.base);
    sweep("set a PIN", &who, MESSAGE_SET_PIN, &set.base);
    CU_ASSERT_EQUAL(run(&who, MESSAGE_CLOSE_SESSION, &all.base), CKR_OK);
    init.so_pin = text(RIG_SO_PIN);
    init.label = text("two                             ");
    sweep("initialise", &who, MESSAGE_INIT_TOKEN, &init.base);
}

static void administration(void)
{
    struct caller who = caller_of(PEER_OWNER);
    Ks__Partition partition = KS__PARTITION__INIT;
    Ks__AuditRead read = KS__AUDIT_READ__INIT;
    Ks__PartitionId id = KS__PARTITION_ID__INIT;
    Ks__Empty empty = KS__EMPTY__INIT;

    partition.name = (char *)(uintptr_t) "two";
    partition.policy = (char *)(uintptr_t) "strict";
    sweep("make a partition", &who, MESSAGE_PARTITION_CREATE, &partition.base);
    partition.id = id.id = rig.ks->partitions[1]->id;
    sweep("set it", &who, MESSAGE_PARTITION_SET, &partition.base);
    sweep("list", &who, MESSAGE_PARTITION_LIST, &empty.base);
    sweep("read the audit", &who, MESSAGE_AUDIT_READ, &read.base);
    sweep("delete it", &who, MESSAGE_PARTITION_DELETE, &id.base);
}

/* --- a partition carried to another keystore --- */

static CK_RV part_of(struct caller *who, uint16_t kind, const ProtobufCMessage *m, struct bytes *part)
{
    struct call c = { .ks = rig.ks, .who = who, .budget = dispatch_budget() };
    bool sync = false;
    CK_RV rv = dispatch_run(&c, kind, m, &sync);

    if (rv == CKR_OK) {
        atomic_fetch_add(&spared, 1);
        INVARIANT(bytes_set(part, span_of(c.answer.backup_part.part.data, c.answer.backup_part.part.len)) == ST_OK);
        atomic_fetch_sub(&spared, 1);
    }
    budget_reset(c.budget);
    return rv;
}

/* A part that finds no memory ends the job, so each try begins a new one. */
static void take_backup(struct caller *who, struct bytes parts[2])
{
    Ks__BackupBegin begin = KS__BACKUP_BEGIN__INIT;
    Ks__Empty empty = KS__EMPTY__INIT;
    CK_RV rv = CKR_HOST_MEMORY;

    begin.partition = 1;
    sweep("begin a backup", who, MESSAGE_BACKUP_BEGIN, &begin.base);
    for (long n = 0; rv != CKR_OK && n < 4000; n++) {
        CU_ASSERT_FATAL(part_of(who, MESSAGE_BACKUP_BEGIN, &begin.base, &parts[0]) == CKR_OK);
        atomic_store(&left, n);
        rv = part_of(who, MESSAGE_BACKUP_NEXT, &empty.base, &parts[1]);
        atomic_store(&left, -1);
        CU_ASSERT(rv == CKR_OK || rv == CKR_HOST_MEMORY || rv == CKR_DEVICE_ERROR);
        CU_ASSERT_PTR_NULL(rig.ks->backup);
    }
    CU_ASSERT_EQUAL_FATAL(rv, CKR_OK);
}

static void restore_it(struct caller *who, const struct bytes parts[2])
{
    Ks__RestoreBegin begin = KS__RESTORE_BEGIN__INIT;
    Ks__RestorePart next = KS__RESTORE_PART__INIT;
    struct ceremony_approvals approvals;
    struct rig_client owner;
    CK_RV rv = CKR_HOST_MEMORY;

    begin.part = (ProtobufCBinaryData){ parts[0].len, parts[0].p };
    next.part = (ProtobufCBinaryData){ parts[1].len, parts[1].p };
    CU_ASSERT_FATAL(rig_connect(&rig, &rig.owner, &owner) == ST_OK);
    ceremony_approve(rig_link(&owner), MESSAGE_RESTORE_BEGIN, &begin.base, BIT(0) | BIT(1), &approvals);
    sweep("begin a restore", who, MESSAGE_RESTORE_BEGIN, &begin.base);
    for (long n = 0; rv != CKR_OK && n < 4000; n++) {
        CU_ASSERT_FATAL(run(who, MESSAGE_RESTORE_BEGIN, &begin.base) == CKR_OK);
        atomic_store(&left, n);
        rv = run(who, MESSAGE_RESTORE_NEXT, &next.base);
        atomic_store(&left, -1);
        CU_ASSERT(rv == CKR_OK || rv == CKR_HOST_MEMORY || rv == CKR_DEVICE_ERROR || rv == CKR_APPROVAL_INVALID);
        CU_ASSERT_PTR_NULL(rig.ks->restore);
        CU_ASSERT_EQUAL(rig.ks->partitions[1] != NULL, rv == CKR_OK);
    }
    CU_ASSERT_EQUAL(rv, CKR_OK);
    rig_disconnect(&owner);
}

static void carrying(void)
{
    struct caller who = caller_of(PEER_OWNER);
    struct partition *p = rig.ks->partitions[0];
    struct bytes parts[2] = { 0 };
    struct rig_template t;
    uint64_t key;

    rig_template_init(&t);
    rig_bool(&t, CKA_TOKEN, true);
    CU_ASSERT_FATAL(rig_generate_aes(&client, session, 32, &t, &key) == CKR_OK);
    take_backup(&who, parts);
    /* It goes, as far as a restore can see. */
    memcpy(p->terms.name, "two", sizeof "two");
    p->family[0] ^= 1;
    p->terms.identity_count = 0;
    restore_it(&who, parts);
    CU_ASSERT_EQUAL(rig.ks->partitions[1]->token_objects, 1);
    bytes_clear(&parts[0]);
    bytes_clear(&parts[1]);
}

/* --- the start --- */

static void the_start(void)
{
    struct keystore_config config = { .hal = &rig.hal->hal, .version = "0.1.0", .owner = rig.owner.fingerprint };
    enum status st = ST_NO_MEMORY;
    struct keystore *ks = NULL;
    unsigned starts = 0;

    rig_disconnect(&client);
    keystore_close(rig.ks);
    /* Libcrypto alone allocates some thousand times: the first ones each, then in growing steps. */
    for (long n = 0; n < 100000 && !(st == ST_OK && atomic_load(&ks->state) == KEYSTORE_OPERATIONAL); n += 1 + n / 8) {
        if (st == ST_OK)
            keystore_close(ks);
        atomic_store(&left, n);
        st = keystore_open(&config, &ks);
        atomic_store(&left, -1);
        CU_ASSERT(st == ST_OK || ks == NULL);
        starts++;
    }
    printf("%u starts, ", starts);
    CU_ASSERT_EQUAL_FATAL(st, ST_OK);
    keystore_close(ks);
    rig_reopen(&rig);
    rig_attach(&rig, &rig.user, &client);
    session = rig_session(&client, true);
    CU_ASSERT_EQUAL(rig_login(&client, session, CKU_USER, RIG_PIN), CKR_OK);
}

static CU_TestInfo cases[] = {
    { "keys, as they are made", keys_are_made },
    { "objects, as they are used", objects_are_used },
    { "operations", operations },
    { "PINs", pins },
    { "administration", administration },
    { "carrying", carrying },
    { "the start", the_start },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { "memory", NULL, NULL, open_rig, close_rig, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
