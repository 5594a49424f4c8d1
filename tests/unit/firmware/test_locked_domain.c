/* What can be done to a keystore that waits for its operators: requests/domain.c, restore.c, start.c. It has holders in
 * force and partitions; whoever has the owner's key, and files of his own making, gets none of them. */
#include "firmware/crypto/entropy.h"
#include "firmware/crypto/pin.h"
#include "firmware/domain/domain_file.h"
#include "firmware/inside.h"
#include "tests/unit/firmware/ceremony_restore.h"
#include "tests/unit/firmware/rig.h"

#define HOLDERS    3
#define QUORUM     2
#define BOTH       (BIT(0) | BIT(1))
#define PASSPHRASE "a good passphrase"

static struct rig rig;
static struct rig_client owner;
static struct ceremony_file file; /* of the holders in force */
static uint8_t key[DOMAIN_KEY_LEN], id[DOMAIN_ID_LEN];

static ProtobufCBinaryData data_of(const void *p, size_t len)
{
    return (ProtobufCBinaryData){ len, (uint8_t *)(uintptr_t)p };
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

static CK_RV confirm(const uint8_t digest[32])
{
    Ks__DomainConfirm m = KS__DOMAIN_CONFIRM__INIT;

    m.digest = data_of(digest, 32);
    return rig_call(&owner, MESSAGE_DOMAIN_CONFIRM, &m.base, NULL);
}

/* The pending holders' file. */
static void export(struct ceremony_file *out, uint8_t digest[32])
{
    Ks__DomainExport m = KS__DOMAIN_EXPORT__INIT;
    Ks__DomainFile *f;

    CU_ASSERT_EQUAL_FATAL(rig_call(&owner, MESSAGE_DOMAIN_EXPORT, &m.base, &f), CKR_OK);
    memcpy(digest, f->digest.data, 32);
    ceremony_keep(f, out);
}

/* The holders from `first` on take the place of those in force, when their file is confirmed. */
static void name_holders(unsigned first)
{
    Ks__DomainChange m = KS__DOMAIN_CHANGE__INIT;
    struct ceremony_approvals approvals;
    struct ceremony_people people;

    ceremony_people(&people, first, HOLDERS);
    m.required = QUORUM;
    m.n_holders = HOLDERS;
    m.holders = people.list;
    ceremony_approve(rig_link(&owner), MESSAGE_DOMAIN_CHANGE, &m.base, BOTH, &approvals);
    CU_ASSERT_EQUAL_FATAL(rig_call(&owner, MESSAGE_DOMAIN_CHANGE, &m.base, NULL), CKR_OK);
}

static CK_RV set_attended(unsigned who)
{
    Ks__StartModeSet m = KS__START_MODE_SET__INIT;
    Ks__Operator o = KS__OPERATOR__INIT, *list[] = { &o };
    struct ceremony_approvals approvals;

    o.name = (char *)(uintptr_t) "ada";
    o.passphrase = data_of(PASSPHRASE, strlen(PASSPHRASE));
    m.required = 1;
    m.n_operators = 1;
    m.operators = list;
    ceremony_approve(rig_link(&owner), MESSAGE_START_MODE_SET, &m.base, who, &approvals);
    return rig_call(&owner, MESSAGE_START_MODE_SET, &m.base, NULL);
}

static CK_RV unlock(const char *passphrase)
{
    Ks__Unlock m = KS__UNLOCK__INIT;

    m.operator_ = (char *)(uintptr_t) "ada";
    m.passphrase = data_of(passphrase, strlen(passphrase));
    return rig_call(&owner, MESSAGE_UNLOCK, &m.base, NULL);
}

static void open_working(void)
{
    Ks__DomainCreate create = KS__DOMAIN_CREATE__INIT;
    Ks__Partition partition = KS__PARTITION__INIT;
    struct ceremony_people people;
    uint8_t digest[32];

    pin_cost = 2;
    rig_open(&rig);
    CU_ASSERT_FATAL(rig_connect(&rig, &rig.owner, &owner) == ST_OK);
    ceremony_people(&people, 0, HOLDERS);
    create.name = (char *)(uintptr_t) "house";
    create.required = QUORUM;
    create.n_holders = HOLDERS;
    create.holders = people.list;
    CU_ASSERT_EQUAL_FATAL(rig_call(&owner, MESSAGE_DOMAIN_CREATE, &create.base, NULL), CKR_OK);
    export(&file, digest);
    CU_ASSERT_EQUAL_FATAL(confirm(digest), CKR_OK);
    partition.name = (char *)(uintptr_t) "one";
    partition.policy = (char *)(uintptr_t) "strict";
    CU_ASSERT_EQUAL_FATAL(rig_call(&owner, MESSAGE_PARTITION_CREATE, &partition.base, NULL), CKR_OK);
    memcpy(key, rig.ks->domain.key, sizeof key);
    memcpy(id, rig.ks->domain.id, sizeof id);
}

static void open_locked(void)
{
    open_working();
    CU_ASSERT_EQUAL_FATAL(set_attended(BOTH), CKR_OK);
    restart();
    CU_ASSERT_EQUAL(state(), KEYSTORE_PROVISIONED);
}

static void close_rig(void)
{
    ceremony_drop(&file);
    rig_disconnect(&owner);
    rig_close(&rig);
}

/* As it was before whatever was tried: locked, and open to its own operator. */
static void nothing_has_changed(void)
{
    CU_ASSERT(state() == KEYSTORE_PROVISIONED && !rig.ks->domain.open);
    restart();
    CU_ASSERT_EQUAL(unlock(PASSPHRASE), CKR_OK);
    CU_ASSERT_EQUAL(state(), KEYSTORE_OPERATIONAL);
    CU_ASSERT_EQUAL(memcmp(rig.ks->domain.key, key, sizeof key), 0);
    CU_ASSERT_PTR_NOT_NULL(rig.ks->partitions[0]->seal);
}

static CK_RV restore(const struct ceremony_file *f, unsigned first, unsigned who)
{
    X509 *to = ceremony_transfer(rig_link(&owner));
    struct ceremony_restore r;
    CK_RV rv;

    ceremony_restore_begin(&r, f);
    for (unsigned h = 0; h < 32; h++)
        if ((who & BIT(h)) != 0)
            ceremony_release(&r, f, first, h, to);
    ceremony_approve(rig_link(&owner), MESSAGE_DOMAIN_RESTORE, &r.m.base, who, &r.approvals);
    rv = rig_call(&owner, MESSAGE_DOMAIN_RESTORE, &r.m.base, NULL);
    ceremony_restore_end(&r);
    X509_free(to);
    return rv;
}

/* A file that somebody made, with whatever in it he likes. */
static void forge(const uint8_t domain_key[DOMAIN_KEY_LEN], const char *name, uint32_t generation, unsigned first,
                  struct ceremony_file *out)
{
    struct payload p = {
        .generation = generation, .required = QUORUM, .name = span_text(name), .holder_count = HOLDERS
    };
    struct budget *b = malloc(sizeof *b + BUDGET_SIZE);
    Ks__DomainFile *f;

    CU_ASSERT_PTR_NOT_NULL_FATAL(b);
    budget_init(b, b + 1, BUDGET_SIZE);
    memcpy(p.domain_id, id, sizeof p.domain_id);
    memcpy(p.domain_key, domain_key, sizeof p.domain_key);
    for (unsigned i = 0; i < HOLDERS; i++) {
        const struct ceremony_holder *h = ceremony_holder(first + i);

        p.holders[i] = (struct payload_holder){ span_text(h->name), bytes_span(&h->certificate) };
    }
    CU_ASSERT_EQUAL_FATAL(domain_file_make(&p, entropy_draw, b, &f), ST_OK);
    ceremony_keep(f, out);
    free(b);
}

/* The owner alone has the digest of the last file, and says that it is safe: that opens nothing. */
static void a_confirmation_opens_nothing(void)
{
    struct ceremony_file next;
    uint8_t digest[32];

    open_working();
    name_holders(2);
    export(&next, digest);
    CU_ASSERT_EQUAL_FATAL(set_attended(BOTH), CKR_OK);
    restart();
    CU_ASSERT_EQUAL(confirm(digest), CKR_LOCKED);
    nothing_has_changed();
    CU_ASSERT_EQUAL(rig.ks->domain.current.generation, 1);
    CU_ASSERT_EQUAL(confirm(digest), CKR_OK);
    CU_ASSERT_EQUAL(rig.ks->domain.current.generation, 2);
    ceremony_drop(&next);
    close_rig();
}

static void a_file_with_the_same_id_is_another_domain(void)
{
    static const uint8_t other[DOMAIN_KEY_LEN] = { 1, 2, 3 };
    struct ceremony_file forged;

    open_locked();
    forge(other, "house", 1, 4, &forged); /* other people, another key */
    CU_ASSERT_EQUAL(restore(&forged, 4, BIT(4) | BIT(5)), CKR_DOMAIN_EXISTS);
    ceremony_drop(&forged);
    forge(other, "house", 1, 0, &forged); /* the same people, another key */
    CU_ASSERT_EQUAL(restore(&forged, 0, BOTH), CKR_DOMAIN_EXISTS);
    ceremony_drop(&forged);
    nothing_has_changed();
    close_rig();
}

/* Whose place others took still has a file with the right key in it. */
static void former_holders_are_refused(void)
{
    struct ceremony_file next;
    uint8_t digest[32];

    open_working();
    name_holders(3);
    export(&next, digest);
    CU_ASSERT_EQUAL_FATAL(confirm(digest), CKR_OK);
    CU_ASSERT_EQUAL_FATAL(set_attended(BIT(3) | BIT(4)), CKR_OK);
    restart();
    CU_ASSERT_EQUAL(restore(&file, 0, BOTH), CKR_DOMAIN_EXISTS);
    CU_ASSERT_EQUAL(restore(&next, 3, BIT(3)), CKR_DOMAIN_SHARES);
    CU_ASSERT(state() == KEYSTORE_PROVISIONED && !rig.ks->domain.open);
    CU_ASSERT_EQUAL(restore(&next, 3, BIT(3) | BIT(4)), CKR_OK);
    CU_ASSERT_EQUAL(rig.ks->domain.current.generation, 2);
    ceremony_drop(&next);
    close_rig();
}

/* The other door, when the operators' is shut for good. */
static void its_own_holders_open_it(void)
{
    open_locked();
    for (unsigned i = 0; i < UNLOCK_TRIES_MAX; i++)
        CU_ASSERT_NOT_EQUAL(unlock("a bad passphrase"), CKR_OK);
    CU_ASSERT_EQUAL(unlock(PASSPHRASE), CKR_PASSPHRASE_LOCKED);
    CU_ASSERT_EQUAL(restore(&file, 0, BIT(0)), CKR_DOMAIN_SHARES);
    CU_ASSERT_EQUAL(restore(&file, 0, BOTH), CKR_OK);
    for (unsigned i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(state(), KEYSTORE_OPERATIONAL);
        CU_ASSERT_EQUAL(memcmp(rig.ks->domain.key, key, sizeof key), 0);
        CU_ASSERT_PTR_NOT_NULL(rig.ks->partitions[0]->seal);
        restart(); /* unattended from now on */
    }
    close_rig();
}

/* What no keystore writes into a file is taken from none. On a board without a domain, which would believe the rest. */
static void files_that_no_keystore_made(void)
{
    static const struct {
        const char *name;
        uint32_t generation;
    } wrong[] = { { "", 1 }, { "not a name", 1 }, { "house", 0 }, { "house", UINT32_MAX } };
    struct ceremony_file forged;

    pin_cost = 2;
    rig_open(&rig);
    CU_ASSERT_FATAL(rig_connect(&rig, &rig.owner, &owner) == ST_OK);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        forge(key, wrong[i].name, wrong[i].generation, 0, &forged);
        CU_ASSERT_EQUAL(restore(&forged, 0, BOTH), CKR_DOMAIN_FILE_INVALID);
        ceremony_drop(&forged);
    }
    CU_ASSERT(state() == KEYSTORE_PROVISIONED && !rig.ks->domain.exists);
    forge(key, "house", UINT32_MAX - 1, 0, &forged);
    CU_ASSERT_EQUAL(restore(&forged, 0, BOTH), CKR_OK);
    ceremony_drop(&forged);
    rig_disconnect(&owner);
    rig_close(&rig);
}

/* Operators who came and were left alone: their shares do not wait in memory. */
static void shares_do_not_wait_for_ever(void)
{
    struct unlocking none = { 0 };

    open_locked();
    pthread_mutex_lock(&rig.ks->lock);
    rig.ks->unlocking.given = 1;
    rig.ks->unlocking.has[0] = true;
    memset(rig.ks->unlocking.shares[0], 0xa5, START_SHARE_LEN);
    rig.ks->unlocking.since_ms -= UNLOCK_WINDOW_MS; /* before the clock began, or long ago */
    keystore_end_unlocking(rig.ks);
    CU_ASSERT_EQUAL(memcmp(&rig.ks->unlocking, &none, sizeof none), 0);
    pthread_mutex_unlock(&rig.ks->lock);
    close_rig();
}

int main(void)
{
    static CU_TestInfo cases[] = {
        { "a confirmation opens nothing", a_confirmation_opens_nothing },
        { "a file with the same id is another domain", a_file_with_the_same_id_is_another_domain },
        { "former holders are refused", former_holders_are_refused },
        { "its own holders open it, also when its operators may not", its_own_holders_open_it },
        { "files that no keystore made", files_that_no_keystore_made },
        { "shares do not wait for ever", shares_do_not_wait_for_ever },
        CU_TEST_INFO_NULL,
    };
    static CU_SuiteInfo suites[] = { { "locked domain", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
