/* firmware/quorum.c: each dangerous act, with approvals of every wrong kind, and then with the right ones. */
#include "firmware/crypto/pin.h"
#include "firmware/inside.h"
#include "tests/unit/firmware/ceremony_restore.h"
#include "tests/unit/firmware/rig.h"

#define HOLDERS 5
#define QUORUM  3

static struct rig rig;
static struct rig_client owner;
static Ks__Empty empty = KS__EMPTY__INIT;

static ProtobufCBinaryData data_of(const void *p, size_t len)
{
    return (ProtobufCBinaryData){ len, (uint8_t *)(uintptr_t)p };
}

/* --- the acts: a request each, and whether it is done --- */

static union {
    ProtobufCMessage base;
    Ks__DomainChange change;
    Ks__DomainExport export;
    Ks__RoleSet role;
    Ks__AuditSinkSet sink;
    Ks__FirmwareKeySet key;
    Ks__ClockSet clock;
    Ks__StartModeSet start;
    Ks__Decommission end;
    Ks__Partition partition;
    Ks__RestoreBegin backup;
    Ks__DomainRestore restore;
} request;

static struct ceremony_people people;
static uint8_t fingerprint[LINK_FINGERPRINT_LEN] = { 0xfe };
static uint8_t *spki;
static Ks__Operator operator, * operators[] = { &operator};

static void make_change(void)
{
    ks__domain_change__init(&request.change);
    ceremony_people(&people, 1, HOLDERS);
    request.change.required = 2;
    request.change.n_holders = HOLDERS;
    request.change.holders = people.list;
}

static bool is_changed(void)
{
    return rig.ks->domain.pending.count == HOLDERS && rig.ks->domain.pending.generation == 2;
}

static void make_export(void)
{
    ks__domain_export__init(&request.export);
}

static bool is_exported(void)
{
    return rig.ks->act_sequence == 2;
}

static void make_role(void)
{
    ks__role_set__init(&request.role);
    request.role.role = PEER_OWNER;
    request.role.fingerprint = data_of(fingerprint, sizeof fingerprint);
    request.role.name = (char *)(uintptr_t) "heir";
}

static bool is_owned_by_another(void)
{
    return memcmp(rig.ks->device.owner, fingerprint, sizeof fingerprint) == 0;
}

static void make_sink(void)
{
    ks__audit_sink_set__init(&request.sink);
    request.sink.address = (char *)(uintptr_t) "syslog://collector.example:6514";
    request.sink.fingerprint = data_of(fingerprint, sizeof fingerprint);
}

static bool has_sink(void)
{
    return strcmp(rig.ks->device.sink.address, "syslog://collector.example:6514") == 0;
}

static void make_key(void)
{
    int len;

    OPENSSL_free(spki);
    spki = NULL;
    len = i2d_PUBKEY(rig.other.key, &spki);
    ks__firmware_key_set__init(&request.key);
    request.key.public_key = data_of(spki, (size_t)len);
}

static bool has_key(void)
{
    return span_equal(bytes_span(&rig.ks->device.firmware_key),
                      span_of(request.key.public_key.data, request.key.public_key.len));
}

static void make_clock(void)
{
    ks__clock_set__init(&request.clock);
    request.clock.time_ms = rig.hal->time_ms + CLOCK_FREE_MS + 60000;
}

static bool clock_is_set(void)
{
    return rig.ks->device.clock_ms != 0;
}

static void make_start(void)
{
    ks__operator__init(&operator);
    operator.name =(char *)(uintptr_t) "ada";
    operator.passphrase = data_of("correct horse", 13);
    ks__start_mode_set__init(&request.start);
    request.start.required = 1;
    request.start.n_operators = 1;
    request.start.operators = operators;
}

static bool is_attended(void)
{
    return rig.ks->domain.start.required == 1;
}

static void make_end(void)
{
    ks__decommission__init(&request.end);
}

static bool is_reset(void)
{
    return atomic_load(&rig.ks->state) == KEYSTORE_FACTORY;
}

static bool is_zeroised(void)
{
    return atomic_load(&rig.ks->state) == KEYSTORE_ZEROISED;
}

/* Another client of a partition that is in use. */
static Ks__Identity identity, *identities[] = { &identity };

static void open_partition(void)
{
    Ks__Partition m = KS__PARTITION__INIT;

    m.name = (char *)(uintptr_t) "one";
    m.policy = (char *)(uintptr_t) "strict";
    CU_ASSERT_EQUAL_FATAL(rig_call(&owner, MESSAGE_PARTITION_CREATE, &m.base, NULL), CKR_OK);
    rig.ks->partitions[0]->initialised = true;
}

static void make_partition(void)
{
    ks__identity__init(&identity);
    identity.fingerprint = data_of(fingerprint, sizeof fingerprint);
    identity.role = PEER_CLIENT;
    identity.name = (char *)(uintptr_t) "heir";
    ks__partition__init(&request.partition);
    request.partition.id = 1;
    request.partition.name = (char *)(uintptr_t) "one";
    request.partition.policy = (char *)(uintptr_t) "strict";
    request.partition.n_identities = 1;
    request.partition.identities = identities;
}

static bool has_client(void)
{
    return rig.ks->partitions[0]->terms.identity_count == 1;
}

/* A backup's first part; the partition goes as if this were another board of the domain. */
static struct bytes first_part;

static void open_backup(void)
{
    Ks__BackupBegin m = KS__BACKUP_BEGIN__INIT;
    Ks__BackupPart *answer;
    struct flash_change gone = { .key = { .kind = RECORD_PARTITION, .partition = 1 }, .remove = true };
    struct partition *p;

    open_partition();
    m.partition = 1;
    CU_ASSERT_EQUAL_FATAL(rig_call(&owner, MESSAGE_BACKUP_BEGIN, &m.base, &answer), CKR_OK);
    CU_ASSERT_EQUAL_FATAL(bytes_set(&first_part, span_of(answer->part.data, answer->part.len)), ST_OK);
    backup_forget_all(rig.ks);
    p = rig.ks->partitions[0];
    rig.ks->partitions[0] = NULL;
    CU_ASSERT_EQUAL_FATAL(storage_commit(&rig.ks->storage, &gone, 1, false), CKR_OK);
    CU_ASSERT_EQUAL_FATAL(partition_drop_objects(p, &rig.ks->storage), CKR_OK);
    partition_free(p);
}

static void make_backup(void)
{
    ks__restore_begin__init(&request.backup);
    request.backup.part = data_of(first_part.p, first_part.len);
}

static bool is_restoring(void)
{
    return rig.ks->restore != NULL;
}

/* A domain that comes from another keystore: this one has none, and its holders are those of the file. */
static struct ceremony_file kept;
static struct ceremony_restore restore;

static void open_restore(void)
{
    Ks__DomainExport export = KS__DOMAIN_EXPORT__INIT;
    struct ceremony_approvals a;
    Ks__DomainFile *given;
    X509 *to;

    ceremony_approve(rig_link(&owner), MESSAGE_DOMAIN_EXPORT, &export.base, BIT(0) | BIT(1) | BIT(2), &a);
    CU_ASSERT_EQUAL_FATAL(rig_call(&owner, MESSAGE_DOMAIN_EXPORT, &export.base, &given), CKR_OK);
    ceremony_keep(given, &kept);
    rig_disconnect(&owner);
    rig_close(&rig);
    rig_open(&rig);
    rig.hal->time_ms = 1800000000000;
    CU_ASSERT_FATAL(rig_connect(&rig, &rig.owner, &owner) == ST_OK);
    ceremony_restore_begin(&restore, &kept);
    to = ceremony_transfer(rig_link(&owner));
    for (unsigned i = 0; i < QUORUM; i++)
        ceremony_release(&restore, &kept, 0, i, to);
    X509_free(to);
}

static void make_restore(void)
{
    request.restore = restore.m;
}

static bool is_restored(void)
{
    return rig.ks->domain.exists;
}

static const struct dangerous {
    uint16_t kind;
    void (*make)(void);
    bool (*done)(void);
    void (*open)(void); /* what it takes beside a domain; NULL: nothing */
} acts[] = {
    { MESSAGE_DOMAIN_CHANGE, make_change, is_changed, NULL },
    { MESSAGE_DOMAIN_EXPORT, make_export, is_exported, NULL },
    { MESSAGE_ROLE_SET, make_role, is_owned_by_another, NULL },
    { MESSAGE_AUDIT_SINK_SET, make_sink, has_sink, NULL },
    { MESSAGE_FIRMWARE_KEY_SET, make_key, has_key, NULL },
    { MESSAGE_CLOCK_SET, make_clock, clock_is_set, NULL },
    { MESSAGE_START_MODE_SET, make_start, is_attended, NULL },
    { MESSAGE_PARTITION_SET, make_partition, has_client, open_partition },
    { MESSAGE_RESTORE_BEGIN, make_backup, is_restoring, open_backup },
    { MESSAGE_DOMAIN_RESTORE, make_restore, is_restored, open_restore },
    { MESSAGE_FACTORY_RESET, make_end, is_reset, NULL },
    { MESSAGE_ZEROISE, make_end, is_zeroised, NULL },
};

/* --- the audit --- */

struct record {
    unsigned kind, result;
    uint64_t detail;
    uint8_t peer[8];
};

/* The records from number `from` on; how many there are. */
static unsigned read_audit(uint64_t from, struct record *out, unsigned max)
{
    struct bytes records = { 0 };
    uint64_t next;
    unsigned n = 0;

    CU_ASSERT_EQUAL_FATAL(audit_read(rig.ks->audit, from, max, &records, &next), ST_OK);
    for (size_t at = 0; at + AUDIT_RECORD_LEN <= records.len && n < max; at += AUDIT_RECORD_LEN, n++) {
        const uint8_t *r = records.p + at;

        out[n].kind = (unsigned)r[16] << 8 | r[17];
        out[n].result = (unsigned)r[23] << 24 | (unsigned)r[24] << 16 | (unsigned)r[25] << 8 | r[26];
        out[n].detail = 0;
        for (unsigned i = 0; i < 8; i++)
            out[n].detail = out[n].detail << 8 | r[59 + i];
        memcpy(out[n].peer, r + 51, 8);
    }
    bytes_clear(&records);
    return n;
}

static uint64_t audit_next(void)
{
    uint8_t head[AUDIT_HASH_LEN];
    uint64_t sequence;

    audit_head(rig.ks->audit, &sequence, head);
    return sequence + 1;
}

/* --- --- */

static void open_rig(const struct dangerous *d)
{
    pin_cost = 2;
    rig_open(&rig);
    rig.hal->time_ms = 1800000000000;
    CU_ASSERT_FATAL(rig_connect(&rig, &rig.owner, &owner) == ST_OK);
    ceremony_domain(rig_link(&owner), "domain", HOLDERS, QUORUM);
    if (d->open != NULL)
        d->open();
}

static void close_rig(void)
{
    rig_disconnect(&owner);
    rig_close(&rig);
    ceremony_drop(&kept);
    kept = (struct ceremony_file){ 0 };
    ceremony_restore_end(&restore);
    bytes_clear(&first_part);
    OPENSSL_free(spki);
    spki = NULL;
}

/* Refused for this reason, which the audit tells twice, of the approval and of the request; and nothing is done. */
static void refused(const struct dangerous *d, CK_RV why)
{
    uint64_t sequence = rig.ks->act_sequence, from = audit_next();
    struct record records[HOLDERS_MAX + 4];
    unsigned n;

    CU_ASSERT_EQUAL(rig_call(&owner, d->kind, &request.base, NULL), why);
    CU_ASSERT_FALSE(d->done());
    CU_ASSERT_EQUAL(rig.ks->act_sequence, sequence);
    n = read_audit(from, records, ARRAY_LEN(records));
    CU_ASSERT_FATAL(n >= 2);
    CU_ASSERT_EQUAL(records[n - 2].kind, AUDIT_EVENT_APPROVAL);
    CU_ASSERT_EQUAL(records[n - 2].result, why);
    CU_ASSERT_EQUAL(records[n - 2].detail >> 48, d->kind);
    CU_ASSERT_EQUAL(records[n - 1].kind, d->kind);
    CU_ASSERT_EQUAL(records[n - 1].result, why);
}

static void sign_with(const struct dangerous *d, unsigned who, struct ceremony_approvals *a)
{
    d->make();
    ceremony_approve(rig_link(&owner), d->kind, &request.base, who, a);
}

static void wrong_in_number(const struct dangerous *d)
{
    struct ceremony_approvals a;

    d->make();
    refused(d, CKR_APPROVALS_MISSING); /* no authorisation at all */
    sign_with(d, 0, &a);
    refused(d, CKR_APPROVALS_MISSING);
    sign_with(d, BIT(0) | BIT(1), &a);
    refused(d, CKR_APPROVALS_MISSING);
    sign_with(d, BIT(0) | BIT(1), &a);
    ceremony_sign(&a, 1);
    refused(d, CKR_APPROVAL_REPEATED);
    sign_with(d, BIT(0) | BIT(1) | BIT(2), &a); /* also where it is not needed */
    ceremony_sign(&a, 1);
    refused(d, CKR_APPROVAL_REPEATED);
}

/* The request or what was signed is another one in some respect. */
static void wrong_in_what(const struct dangerous *d)
{
    struct ceremony_approvals a;

    for (unsigned part = 0; part < 6; part++) {
        d->make();
        ceremony_prepare(rig_link(&owner), d->kind, &request.base, CEREMONY_HOUR_MS, &a);
        switch (part) {
        case 0:
            a.act.kind = d->kind == MESSAGE_ZEROISE ? MESSAGE_FACTORY_RESET : MESSAGE_ZEROISE;
            break;
        case 1:
            a.act.digest[31] ^= 1; /* other parameters */
            break;
        case 2:
            a.act.device[0] ^= 1; /* another keystore */
            break;
        case 3:
            a.act.domain_id[0] ^= 1;
            break;
        case 4:
            a.act.generation++;
            break;
        case 5:
            a.act.expires_ms++; /* not the one that the request says */
            break;
        }
        for (unsigned i = 0; i < QUORUM; i++)
            ceremony_sign(&a, i);
        ceremony_attach(d->kind, &request.base, &a);
        refused(d, CKR_APPROVAL_INVALID);
    }
    sign_with(d, BIT(0) | BIT(1) | BIT(2), &a);
    a.signatures[2][17] ^= 1;
    refused(d, CKR_APPROVAL_INVALID);
    sign_with(d, BIT(0) | BIT(1) | BIT(2), &a);
    a.items[2].holder = a.items[1].holder; /* another's name under it */
    refused(d, CKR_APPROVAL_REPEATED);
    a.items[1].holder = data_of(ceremony_holder(3)->id, 32);
    refused(d, CKR_APPROVAL_INVALID);
}

static void wrong_in_time(const struct dangerous *d)
{
    uint64_t now = rig.hal->time_ms;
    struct ceremony_approvals a;

    sign_with(d, BIT(0) | BIT(1) | BIT(2), &a);
    rig.hal->time_ms += CEREMONY_HOUR_MS;
    refused(d, CKR_APPROVAL_EXPIRED);
    rig.hal->time_ms = now;
    d->make();
    ceremony_prepare(rig_link(&owner), d->kind, &request.base, (int64_t)ACT_EXPIRY_MAX_MS + 1000, &a);
    for (unsigned i = 0; i < QUORUM; i++)
        ceremony_sign(&a, i);
    ceremony_attach(d->kind, &request.base, &a);
    refused(d, CKR_APPROVAL_EXPIRED); /* good for too long */
}

static void wrong_in_sequence(const struct dangerous *d)
{
    struct ceremony_approvals a;

    sign_with(d, BIT(0) | BIT(1) | BIT(2), &a);
    rig.ks->act_sequence += 10; /* as if other acts had been done meanwhile */
    refused(d, CKR_APPROVAL_USED);
    rig.ks->act_sequence -= 11; /* signed in advance */
    refused(d, CKR_APPROVAL_USED);
    rig.ks->act_sequence++;
}

static void wrong_in_who(const struct dangerous *d)
{
    struct ceremony_approvals a;

    sign_with(d, BIT(0) | BIT(1), &a);
    ceremony_sign(&a, HOLDERS); /* a person who holds nothing */
    refused(d, CKR_APPROVAL_STRANGER);
}

static void each_act_refuses_each_wrong_approval(void)
{
    for (size_t i = 0; i < ARRAY_LEN(acts); i++) {
        open_rig(&acts[i]);
        wrong_in_number(&acts[i]);
        wrong_in_what(&acts[i]);
        wrong_in_time(&acts[i]);
        wrong_in_sequence(&acts[i]);
        wrong_in_who(&acts[i]);
        close_rig();
    }
}

/* Done by a quorum, with a record for each who approved; the same approvals again are used up. */
static void each_act_is_done_once_by_a_quorum(void)
{
    for (size_t i = 0; i < ARRAY_LEN(acts); i++) {
        struct record records[HOLDERS_MAX + 8];
        struct ceremony_approvals a;
        unsigned approved = 0, n;
        uint64_t from;
        CK_RV again;

        open_rig(&acts[i]);
        sign_with(&acts[i], BIT(4) | BIT(0) | BIT(2), &a);
        from = audit_next();
        CU_ASSERT_EQUAL(rig_call(&owner, acts[i].kind, &request.base, NULL), CKR_OK);
        CU_ASSERT_TRUE(acts[i].done());
        n = read_audit(from, records, ARRAY_LEN(records));
        for (unsigned r = 0; r < n; r++)
            if (records[r].kind == AUDIT_EVENT_APPROVAL) {
                CU_ASSERT_EQUAL(records[r].result, CKR_OK);
                CU_ASSERT_EQUAL(records[r].detail, (uint64_t)acts[i].kind << 48 | 1);
                CU_ASSERT_EQUAL(memcmp(records[r].peer, a.items[approved].holder.data, 8), 0);
                approved++;
            }
        CU_ASSERT_EQUAL(approved, 3);
        again = rig_call(&owner, acts[i].kind, &request.base, NULL);
        /* Who sent them may be nobody any more, or the keystore at its end. A restore uses them up with its last part;
         * a client who is there already takes no approval. */
        CU_ASSERT(
            again == CKR_APPROVAL_USED || again == CKR_ACTION_PROHIBITED || again == CKR_DEVICE_ERROR ||
            again == CKR_DOMAIN_EXISTS ||
            (again == CKR_OK && (acts[i].kind == MESSAGE_RESTORE_BEGIN || acts[i].kind == MESSAGE_PARTITION_SET)));
        close_rig();
    }
}

/* More than the quorum is as good; and the number that was used stays used after a restart. */
static void a_number_stays_used(void)
{
    struct ceremony_approvals a;

    open_rig(&acts[3]);
    sign_with(&acts[3], BIT(0) | BIT(1) | BIT(2) | BIT(3) | BIT(4), &a);
    CU_ASSERT_EQUAL(rig_call(&owner, acts[3].kind, &request.base, NULL), CKR_OK);
    rig_disconnect(&owner);
    rig_restart(&rig);
    CU_ASSERT_FATAL(rig_connect(&rig, &rig.owner, &owner) == ST_OK);
    CU_ASSERT_EQUAL(rig.ks->act_sequence, 2);
    CU_ASSERT_EQUAL(rig_call(&owner, acts[3].kind, &request.base, NULL), CKR_APPROVAL_USED);
    close_rig();
}

static unsigned count_approvals(uint64_t from)
{
    struct record records[HOLDERS_MAX + 8];
    unsigned n = read_audit(from, records, ARRAY_LEN(records)), count = 0;

    for (unsigned i = 0; i < n; i++)
        count += records[i].kind == AUDIT_EVENT_APPROVAL && records[i].result == CKR_OK;
    return count;
}

/* The power goes at any moment of an act: it is not done, or it is done and the audit tells who approved it. */
static void a_cut_leaves_no_act_of_nobody(void)
{
    struct ceremony_approvals a;
    struct memory_hal *whole;
    unsigned done = 0, cuts = 0;
    uint64_t from;
    size_t before;

    open_rig(&acts[3]);
    sign_with(&acts[3], BIT(0) | BIT(1) | BIT(2), &a);
    from = audit_next();
    before = rig.hal->event_count;
    CU_ASSERT_EQUAL_FATAL(rig_call(&owner, acts[3].kind, &request.base, NULL), CKR_OK);
    rig_disconnect(&owner);
    keystore_close(rig.ks);
    whole = rig.hal;
    for (size_t n = before; n <= whole->event_count; n++, cuts++) {
        rig.hal = memory_hal_cut(whole, n, CUT_LOSES, 0);
        rig_reopen(&rig);
        CU_ASSERT_EQUAL(acts[3].done(), rig.ks->act_sequence == 2);
        CU_ASSERT_FATAL(rig_connect(&rig, &rig.owner, &owner) == ST_OK);
        CU_ASSERT(rig.ks->act_sequence == 1 || count_approvals(from) == QUORUM);
        done += rig.ks->act_sequence == 2;
        rig_disconnect(&owner);
        keystore_close(rig.ks);
        memory_hal_free(rig.hal);
    }
    CU_ASSERT(done > 0 && done < cuts);
    rig.hal = whole;
    rig_reopen(&rig);
    CU_ASSERT_FATAL(rig_connect(&rig, &rig.owner, &owner) == ST_OK);
    close_rig();
}

/* The holders change from 0..4 to 1..5: the one who went has no voice any more, the new one has. */
static void who_was_removed_has_no_voice(void)
{
    Ks__DomainExport export = KS__DOMAIN_EXPORT__INIT;
    Ks__DomainConfirm confirm = KS__DOMAIN_CONFIRM__INIT;
    struct ceremony_approvals a, old;
    Ks__DomainFile *file;

    open_rig(&acts[0]);
    sign_with(&acts[0], BIT(0) | BIT(1) | BIT(2), &a);
    request.change.required = QUORUM;
    ceremony_approve(rig_link(&owner), MESSAGE_DOMAIN_CHANGE, &request.base, BIT(0) | BIT(1) | BIT(2), &a);
    CU_ASSERT_EQUAL_FATAL(rig_call(&owner, MESSAGE_DOMAIN_CHANGE, &request.base, NULL), CKR_OK);
    sign_with(&acts[3], BIT(0) | BIT(1) | BIT(2), &old); /* while the old ones are still in force */
    CU_ASSERT_EQUAL_FATAL(rig_call(&owner, MESSAGE_DOMAIN_EXPORT, &export.base, &file), CKR_OK);
    confirm.digest = file->digest;
    CU_ASSERT_EQUAL_FATAL(rig_call(&owner, MESSAGE_DOMAIN_CONFIRM, &confirm.base, NULL), CKR_OK);
    refused(&acts[3], CKR_APPROVAL_STRANGER); /* what the old holders signed before */
    sign_with(&acts[3], BIT(0) | BIT(1) | BIT(2), &a);
    refused(&acts[3], CKR_APPROVAL_STRANGER);
    sign_with(&acts[3], BIT(1) | BIT(2) | BIT(3), &old);
    old.act.generation = 1;
    old.authorisation.n_approvals = 0;
    for (unsigned i = 1; i <= QUORUM; i++)
        ceremony_sign(&old, i);
    refused(&acts[3], CKR_APPROVAL_INVALID); /* under the holders before */
    sign_with(&acts[3], BIT(1) | BIT(2) | BIT(5), &a);
    CU_ASSERT_EQUAL(rig_call(&owner, acts[3].kind, &request.base, NULL), CKR_OK);
    close_rig();
}

/* Before there are holders in force the owner sets up his board alone; a client never does. */
static void nobody_is_asked_before_there_are_holders(void)
{
    pin_cost = 2;
    rig_open(&rig);
    CU_ASSERT_FATAL(rig_connect(&rig, &rig.owner, &owner) == ST_OK);
    make_sink();
    CU_ASSERT_EQUAL(rig_call(&owner, MESSAGE_AUDIT_SINK_SET, &request.base, NULL), CKR_OK);
    CU_ASSERT_TRUE(has_sink());
    make_start();
    CU_ASSERT_EQUAL(rig_call(&owner, MESSAGE_START_MODE_SET, &request.base, NULL), CKR_DEVICE_ERROR);
    CU_ASSERT_EQUAL(rig_call(&owner, MESSAGE_DOMAIN_INFO, &empty.base, NULL), CKR_OK);
    close_rig();
}

int main(void)
{
    static CU_TestInfo cases[] = {
        { "each act refuses each wrong approval", each_act_refuses_each_wrong_approval },
        { "each act is done, once, by a quorum", each_act_is_done_once_by_a_quorum },
        { "a number that was used stays used", a_number_stays_used },
        { "a cut leaves no act of nobody", a_cut_leaves_no_act_of_nobody },
        { "who was removed has no voice", who_was_removed_has_no_voice },
        { "nobody is asked before there are holders", nobody_is_asked_before_there_are_holders },
        CU_TEST_INFO_NULL,
    };
    static CU_SuiteInfo suites[] = { { "quorum", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
