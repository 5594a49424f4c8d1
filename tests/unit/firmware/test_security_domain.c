/* firmware/security_domain.c, requests/domain.c, requests/restore.c, holders.c: from a new keystore to one that works,
 * and from a file and a quorum to another one that opens what the first has sealed. */
#include "firmware/crypto/pin.h"
#include "firmware/domain/domain_file.h"
#include "firmware/inside.h"
#include "tests/unit/firmware/ceremony_restore.h"
#include "tests/unit/firmware/rig.h"

#define HOLDERS 5
#define QUORUM  3

static struct rig a, b;
static struct rig_client owner_a, owner_b;
static Ks__Empty empty = KS__EMPTY__INIT;

static ProtobufCBinaryData data_of(const void *p, size_t len)
{
    return (ProtobufCBinaryData){ len, (uint8_t *)(uintptr_t)p };
}

static void open_both(void)
{
    pin_cost = 2;
    rig_open(&a);
    rig_open(&b);
    CU_ASSERT_FATAL(rig_connect(&a, &a.owner, &owner_a) == ST_OK);
    CU_ASSERT_FATAL(rig_connect(&b, &b.owner, &owner_b) == ST_OK);
}

static void close_both(void)
{
    rig_disconnect(&owner_a);
    rig_disconnect(&owner_b);
    rig_close(&a);
    rig_close(&b);
}

static void restart(struct rig *r, struct rig_client *owner)
{
    rig_disconnect(owner);
    rig_restart(r);
    CU_ASSERT_FATAL(rig_connect(r, &r->owner, owner) == ST_OK);
}

static enum keystore_state state_of(const struct rig *r)
{
    return (enum keystore_state)atomic_load(&r->ks->state);
}

/* --- creation --- */

static CK_RV create(struct rig_client *owner, unsigned first, unsigned count, unsigned required)
{
    Ks__DomainCreate m = KS__DOMAIN_CREATE__INIT;
    struct ceremony_people people;

    ceremony_people(&people, first, count);
    m.name = (char *)(uintptr_t) "house";
    m.required = required;
    m.n_holders = count;
    m.holders = people.list;
    return rig_call(owner, MESSAGE_DOMAIN_CREATE, &m.base, NULL);
}

static CK_RV confirm(struct rig_client *owner, struct span digest)
{
    Ks__DomainConfirm m = KS__DOMAIN_CONFIRM__INIT;

    m.digest = data_of(digest.p, digest.len);
    return rig_call(owner, MESSAGE_DOMAIN_CONFIRM, &m.base, NULL);
}

/* Borrowed until the next call. */
static Ks__DomainFile *export(struct rig_client *owner)
{
    Ks__DomainExport m = KS__DOMAIN_EXPORT__INIT;
    Ks__DomainFile *file = NULL;

    return rig_call(owner, MESSAGE_DOMAIN_EXPORT, &m.base, &file) == CKR_OK ? file : NULL;
}

static void holders_and_quorum_have_limits(void)
{
    static const struct {
        unsigned count, required;
        CK_RV rv;
    } tries[] = { { 2, 2, CKR_HOLDERS_INVALID },
                  { 3, 1, CKR_HOLDERS_INVALID },
                  { 3, 0, CKR_HOLDERS_INVALID },
                  { 3, 4, CKR_HOLDERS_INVALID },
                  { 0, 0, CKR_HOLDERS_INVALID },
                  { 3, 2, CKR_OK },
                  { 3, 3, CKR_OK },
                  { 10, 11, CKR_HOLDERS_INVALID },
                  { 10, 10, CKR_OK } };
    unsigned there = 0;

    open_both();
    for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
        CU_ASSERT_EQUAL(create(&owner_a, 0, tries[i].count, tries[i].required), tries[i].rv);
        if (tries[i].rv == CKR_OK)
            there = tries[i].count;
        CU_ASSERT_EQUAL(a.ks->domain.pending.count, there);
    }
    close_both();
}

static CK_RV create_with(struct rig_client *owner, const char *name, Ks__Holder *third)
{
    Ks__DomainCreate m = KS__DOMAIN_CREATE__INIT;
    struct ceremony_people people;

    ceremony_people(&people, 0, 3);
    people.list[2] = third;
    m.name = (char *)(uintptr_t)name;
    m.required = 2;
    m.n_holders = 3;
    m.holders = people.list;
    return rig_call(owner, MESSAGE_DOMAIN_CREATE, &m.base, NULL);
}

static struct bytes certificate_of(EVP_PKEY *key)
{
    X509 *x = X509_new();
    struct bytes out = { 0 };
    unsigned char *der = NULL;
    int len;

    ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
    X509_gmtime_adj(X509_getm_notBefore(x), 0);
    X509_gmtime_adj(X509_getm_notAfter(x), 60);
    X509_set_pubkey(x, key);
    X509_sign(x, EVP_PKEY_is_a(key, "ED25519") ? key : key, EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256());
    len = i2d_X509(x, &der);
    INVARIANT(len > 0 && bytes_set(&out, span_of(der, (size_t)len)) == ST_OK);
    OPENSSL_free(der);
    X509_free(x);
    return out;
}

static void holders_are_people_with_rsa_keys(void)
{
    EVP_PKEY *keys[] = { EVP_EC_gen("P-256"), EVP_RSA_gen(1024), EVP_PKEY_Q_keygen(NULL, NULL, "ED25519") };
    Ks__Holder h = KS__HOLDER__INIT;
    struct bytes certificate, longer = { 0 };

    open_both();
    h.name = (char *)(uintptr_t) "third";
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        certificate = certificate_of(keys[i]);
        h.certificate = data_of(certificate.p, certificate.len);
        CU_ASSERT_EQUAL(create_with(&owner_a, "house", &h), CKR_HOLDERS_INVALID);
        bytes_clear(&certificate);
        EVP_PKEY_free(keys[i]);
    }
    h.certificate = data_of("no certificate", 14);
    CU_ASSERT_EQUAL(create_with(&owner_a, "house", &h), CKR_HOLDERS_INVALID);
    h.certificate = data_of(NULL, 0);
    CU_ASSERT_EQUAL(create_with(&owner_a, "house", &h), CKR_HOLDERS_INVALID);
    bytes_append_span(&longer, bytes_span(&ceremony_holder(2)->certificate));
    bytes_append_char(&longer, '\0');
    h.certificate = data_of(longer.p, longer.len);
    CU_ASSERT_EQUAL(create_with(&owner_a, "house", &h), CKR_HOLDERS_INVALID);
    /* the first holder's key in another certificate; his certificate again; his name */
    certificate = certificate_of(ceremony_holder(0)->key);
    h.certificate = data_of(certificate.p, certificate.len);
    CU_ASSERT_EQUAL(create_with(&owner_a, "house", &h), CKR_HOLDERS_INVALID);
    h.certificate = data_of(ceremony_holder(0)->certificate.p, ceremony_holder(0)->certificate.len);
    CU_ASSERT_EQUAL(create_with(&owner_a, "house", &h), CKR_HOLDERS_INVALID);
    h.certificate = data_of(ceremony_holder(2)->certificate.p, ceremony_holder(2)->certificate.len);
    h.name = ceremony_holder(0)->name;
    CU_ASSERT_EQUAL(create_with(&owner_a, "house", &h), CKR_HOLDERS_INVALID);
    h.name = (char *)(uintptr_t) "third";
    CU_ASSERT_EQUAL(create_with(&owner_a, "a house", &h), CKR_ARGUMENTS_BAD);
    CU_ASSERT_EQUAL(create_with(&owner_a, "", &h), CKR_ARGUMENTS_BAD);
    CU_ASSERT_FALSE(a.ks->domain.exists);
    CU_ASSERT_EQUAL(create_with(&owner_a, "house", &h), CKR_OK);
    bytes_clear(&certificate);
    bytes_clear(&longer);
    close_both();
}

/* Nothing works before the file is out and confirmed, by just this file; a restart in between changes nothing. */
static void not_operational_before_the_file_is_confirmed(void)
{
    uint8_t digest[32], first[32];
    Ks__DomainFile *file;

    open_both();
    CU_ASSERT_PTR_NULL(export(&owner_a));
    CU_ASSERT_EQUAL(confirm(&owner_a, span_of(digest, 32)), CKR_DOMAIN_NOT_CONFIRMED);
    CU_ASSERT_EQUAL(create(&owner_a, 0, HOLDERS, QUORUM), CKR_OK);
    CU_ASSERT_EQUAL(state_of(&a), KEYSTORE_PROVISIONED);
    memset(digest, 0, sizeof digest);
    CU_ASSERT_EQUAL(confirm(&owner_a, span_of(digest, 32)), CKR_DOMAIN_NOT_CONFIRMED); /* nothing was exported */
    restart(&a, &owner_a);
    CU_ASSERT_EQUAL(state_of(&a), KEYSTORE_PROVISIONED);
    CU_ASSERT_PTR_NOT_NULL_FATAL(file = export(&owner_a));
    memcpy(first, file->digest.data, 32);
    CU_ASSERT_PTR_NOT_NULL_FATAL(file = export(&owner_a)); /* the first file was lost on the way */
    memcpy(digest, file->digest.data, 32);
    CU_ASSERT_EQUAL(confirm(&owner_a, span_of(first, 32)), CKR_DOMAIN_NOT_CONFIRMED);
    restart(&a, &owner_a);
    CU_ASSERT_EQUAL(state_of(&a), KEYSTORE_PROVISIONED);
    digest[3] ^= 1;
    CU_ASSERT_EQUAL(confirm(&owner_a, span_of(digest, 32)), CKR_DOMAIN_NOT_CONFIRMED);
    digest[3] ^= 1;
    CU_ASSERT_EQUAL(confirm(&owner_a, span_of(digest, 32)), CKR_OK);
    CU_ASSERT_EQUAL(state_of(&a), KEYSTORE_OPERATIONAL);
    CU_ASSERT_EQUAL(confirm(&owner_a, span_of(digest, 32)), CKR_DOMAIN_NOT_CONFIRMED);
    CU_ASSERT_EQUAL(create(&owner_a, 0, HOLDERS, QUORUM), CKR_DEVICE_ERROR); /* there is one */
    restart(&a, &owner_a);
    CU_ASSERT_EQUAL(state_of(&a), KEYSTORE_OPERATIONAL);
    close_both();
}

/* --- a domain in force, and its file --- */

static void confirmed_domain(struct rig_client *owner, unsigned first, struct ceremony_file *out)
{
    Ks__DomainFile *file;
    uint8_t digest[32];

    CU_ASSERT_EQUAL_FATAL(create(owner, first, HOLDERS, QUORUM), CKR_OK);
    CU_ASSERT_PTR_NOT_NULL_FATAL(file = export(owner));
    memcpy(digest, file->digest.data, 32);
    ceremony_keep(file, out);
    CU_ASSERT_EQUAL_FATAL(confirm(owner, span_of(digest, 32)), CKR_OK);
}

/* --- a restore, as the people at b make it --- */

/* The holders in `who` release their shares, those in `approve` approve; what b says of it. */
static CK_RV restore(const struct ceremony_file *f, unsigned first, unsigned who, unsigned approve)
{
    X509 *to = ceremony_transfer(rig_link(&owner_b));
    struct ceremony_restore r;
    CK_RV rv;

    ceremony_restore_begin(&r, f);
    for (unsigned i = 0; i < HOLDERS_MAX; i++)
        if ((who & BIT(i)) != 0)
            ceremony_release(&r, f, first, i, to);
    ceremony_approve(rig_link(&owner_b), MESSAGE_DOMAIN_RESTORE, &r.m.base, approve, &r.approvals);
    rv = rig_call(&owner_b, MESSAGE_DOMAIN_RESTORE, &r.m.base, NULL);
    ceremony_restore_end(&r);
    X509_free(to);
    return rv;
}

/* A share that a holder encrypts to it goes nowhere else. */
static void the_transfer_certificate_is_of_this_keystore(void)
{
    X509 *to, *again;

    open_both();
    to = ceremony_transfer(rig_link(&owner_b));
    CU_ASSERT_PTR_NOT_NULL_FATAL(to);
    CU_ASSERT_EQUAL(X509_verify(to, b.ks->device.key), 1);
    CU_ASSERT_NOT_EQUAL(X509_verify(to, a.ks->device.key), 1);
    CU_ASSERT_NOT_EQUAL(X509_verify(to, X509_get0_pubkey(to)), 1);
    restart(&b, &owner_b);
    again = ceremony_transfer(rig_link(&owner_b));
    CU_ASSERT_EQUAL(X509_cmp(to, again), 0);
    X509_free(to);
    X509_free(again);
    close_both();
}

static void nothing_has_changed_on_b(void)
{
    CU_ASSERT_FALSE(b.ks->domain.exists);
    CU_ASSERT_EQUAL(b.ks->act_sequence, 1);
    CU_ASSERT_EQUAL(state_of(&b), KEYSTORE_PROVISIONED);
}

static void three_of_five_bring_the_domain_up_on_another_keystore(void)
{
    struct ceremony_file f;

    open_both();
    confirmed_domain(&owner_a, 0, &f);
    CU_ASSERT_EQUAL(restore(&f, 0, BIT(1) | BIT(3), BIT(1) | BIT(3)), CKR_DOMAIN_SHARES);
    nothing_has_changed_on_b();
    CU_ASSERT_EQUAL(restore(&f, 0, BIT(1) | BIT(3) | BIT(4), BIT(1) | BIT(3)), CKR_APPROVALS_MISSING);
    nothing_has_changed_on_b();
    CU_ASSERT_EQUAL(restore(&f, 0, BIT(1) | BIT(3), BIT(1) | BIT(3) | BIT(4)), CKR_DOMAIN_SHARES);
    nothing_has_changed_on_b();
    CU_ASSERT_EQUAL(restore(&f, 0, BIT(1) | BIT(3) | BIT(4), BIT(1) | BIT(3) | BIT(7)), CKR_APPROVAL_STRANGER);
    nothing_has_changed_on_b();
    restart(&b, &owner_b); /* the transfer key stays */
    CU_ASSERT_EQUAL(restore(&f, 0, BIT(1) | BIT(3) | BIT(4), BIT(1) | BIT(3) | BIT(4)), CKR_OK);
    CU_ASSERT_EQUAL(state_of(&b), KEYSTORE_OPERATIONAL);
    CU_ASSERT_EQUAL(memcmp(a.ks->domain.key, b.ks->domain.key, sizeof a.ks->domain.key), 0);
    CU_ASSERT_EQUAL(memcmp(a.ks->domain.id, b.ks->domain.id, sizeof a.ks->domain.id), 0);
    CU_ASSERT_STRING_EQUAL(b.ks->domain.name, "house");
    CU_ASSERT(b.ks->domain.current.count == HOLDERS && b.ks->domain.current.required == QUORUM);
    CU_ASSERT_PTR_NULL(b.ks->transfer.key); /* it has served */
    restart(&b, &owner_b);
    CU_ASSERT_EQUAL(state_of(&b), KEYSTORE_OPERATIONAL);
    CU_ASSERT_PTR_NULL(b.ks->transfer.key);
    ceremony_drop(&f);
    close_both();
}

static void any_three_of_five(void)
{
    struct ceremony_file f;

    open_both();
    confirmed_domain(&owner_a, 0, &f);
    for (unsigned who = 0; who < BIT(HOLDERS); who++)
        if (__builtin_popcount(who) == QUORUM) {
            CU_ASSERT_EQUAL(restore(&f, 0, who, who), CKR_OK);
            rig_disconnect(&owner_b);
            rig_close(&b);
            rig_open(&b);
            CU_ASSERT_FATAL(rig_connect(&b, &b.owner, &owner_b) == ST_OK);
        }
    ceremony_drop(&f);
    close_both();
}

static void a_share_twice_counts_once(void)
{
    X509 *to;
    struct ceremony_file f;
    struct ceremony_restore r;

    open_both();
    confirmed_domain(&owner_a, 0, &f);
    to = ceremony_transfer(rig_link(&owner_b));
    ceremony_restore_begin(&r, &f);
    ceremony_release(&r, &f, 0, 0, to);
    ceremony_release(&r, &f, 0, 1, to);
    ceremony_release(&r, &f, 0, 1, to);
    r.shares[2].holder = data_of(f.holders[2], 32); /* under another's name */
    ceremony_approve(rig_link(&owner_b), MESSAGE_DOMAIN_RESTORE, &r.m.base, BIT(0) | BIT(1) | BIT(2), &r.approvals);
    CU_ASSERT_EQUAL(rig_call(&owner_b, MESSAGE_DOMAIN_RESTORE, &r.m.base, NULL), CKR_DOMAIN_SHARES);
    nothing_has_changed_on_b();
    ceremony_restore_end(&r);
    X509_free(to);
    ceremony_drop(&f);
    close_both();
}

/* The file's item with one character changed, every one of them: each is refused, and nothing opens. */
static void a_changed_file_is_refused(void)
{
    struct ceremony_file f;
    struct ceremony_restore r;
    unsigned opened = 0;
    X509 *to;

    open_both();
    confirmed_domain(&owner_a, 0, &f);
    to = ceremony_transfer(rig_link(&owner_b));
    for (size_t i = 0, len = strlen(f.item); i < len; i += 97) { /* domain_file's own tests change every one */
        char kept = f.item[i];

        f.item[i] = kept == 'A' ? 'B' : 'A';
        ceremony_restore_begin(&r, &f);
        for (unsigned h = 0; h < QUORUM; h++)
            ceremony_release(&r, &f, 0, h, to);
        ceremony_approve(rig_link(&owner_b), MESSAGE_DOMAIN_RESTORE, &r.m.base, BIT(0) | BIT(1) | BIT(2), &r.approvals);
        opened += rig_call(&owner_b, MESSAGE_DOMAIN_RESTORE, &r.m.base, NULL) == CKR_OK;
        ceremony_restore_end(&r);
        f.item[i] = kept;
    }
    CU_ASSERT_EQUAL(opened, 0);
    nothing_has_changed_on_b();
    f.required = 2;
    CU_ASSERT_NOT_EQUAL(restore(&f, 0, BIT(0) | BIT(1), BIT(0) | BIT(1)), CKR_OK);
    f.required = 4;
    CU_ASSERT_NOT_EQUAL(restore(&f, 0, BIT(0) | BIT(1) | BIT(2) | BIT(3), BIT(0) | BIT(1) | BIT(2) | BIT(3)), CKR_OK);
    nothing_has_changed_on_b();
    X509_free(to);
    ceremony_drop(&f);
    close_both();
}

/* The shares of one domain do not open another's file; what was released for one keystore is nothing to another. */
static void another_domain_or_another_keystore_is_refused(void)
{
    struct ceremony_file f, other;
    struct ceremony_restore r;
    struct rig c;
    struct rig_client owner_c;
    X509 *to;

    open_both();
    rig_open(&c);
    CU_ASSERT_FATAL(rig_connect(&c, &c.owner, &owner_c) == ST_OK);
    confirmed_domain(&owner_a, 0, &f);
    confirmed_domain(&owner_c, 0, &other); /* the same people hold another domain */
    ceremony_restore_begin(&r, &other);
    to = ceremony_transfer(rig_link(&owner_b));
    for (unsigned h = 0; h < QUORUM; h++)
        ceremony_release(&r, &f, 0, h, to);
    ceremony_approve(rig_link(&owner_b), MESSAGE_DOMAIN_RESTORE, &r.m.base, BIT(0) | BIT(1) | BIT(2), &r.approvals);
    CU_ASSERT_EQUAL(rig_call(&owner_b, MESSAGE_DOMAIN_RESTORE, &r.m.base, NULL), CKR_DOMAIN_SHARES);
    ceremony_restore_end(&r);
    X509_free(to);
    rig_disconnect(&owner_c);
    rig_close(&c);
    /* released for keystore c, given to b */
    rig_open(&c);
    CU_ASSERT_FATAL(rig_connect(&c, &c.owner, &owner_c) == ST_OK);
    ceremony_restore_begin(&r, &f);
    to = ceremony_transfer(rig_link(&owner_c));
    for (unsigned h = 0; h < QUORUM; h++)
        ceremony_release(&r, &f, 0, h, to);
    ceremony_approve(rig_link(&owner_c), MESSAGE_DOMAIN_RESTORE, &r.m.base, BIT(0) | BIT(1) | BIT(2), &r.approvals);
    CU_ASSERT_EQUAL(rig_call(&owner_b, MESSAGE_DOMAIN_RESTORE, &r.m.base, NULL), CKR_DOMAIN_SHARES);
    nothing_has_changed_on_b();
    /* a keystore that has a domain takes no other, and none again */
    CU_ASSERT_EQUAL(rig_call(&owner_a, MESSAGE_DOMAIN_RESTORE, &r.m.base, NULL), CKR_DOMAIN_EXISTS);
    CU_ASSERT_EQUAL(rig_call(&owner_c, MESSAGE_DOMAIN_RESTORE, &r.m.base, NULL), CKR_OK);
    CU_ASSERT_EQUAL(rig_call(&owner_c, MESSAGE_DOMAIN_RESTORE, &r.m.base, NULL), CKR_DOMAIN_EXISTS);
    ceremony_restore_end(&r);
    X509_free(to);
    rig_disconnect(&owner_c);
    rig_close(&c);
    ceremony_drop(&f);
    ceremony_drop(&other);
    close_both();
}

/* --- other holders --- */

/* From holders 0..4 to 2..6: the key stays, the old file does not go with new people's shares. */
static void the_quorum_changes_and_no_key_does(void)
{
    Ks__DomainChange m = KS__DOMAIN_CHANGE__INIT;
    struct ceremony_approvals approvals;
    struct ceremony_people people;
    uint8_t key[DOMAIN_KEY_LEN], digest[32];
    struct ceremony_file f, next;
    Ks__DomainFile *file;

    open_both();
    confirmed_domain(&owner_a, 0, &f);
    memcpy(key, a.ks->domain.key, sizeof key);
    ceremony_people(&people, 2, 4);
    m.required = 2;
    m.n_holders = 4;
    m.holders = people.list;
    ceremony_approve(rig_link(&owner_a), MESSAGE_DOMAIN_CHANGE, &m.base, BIT(0) | BIT(1) | BIT(2), &approvals);
    CU_ASSERT_EQUAL_FATAL(rig_call(&owner_a, MESSAGE_DOMAIN_CHANGE, &m.base, NULL), CKR_OK);
    restart(&a, &owner_a);
    CU_ASSERT(a.ks->domain.current.count == HOLDERS && a.ks->domain.pending.count == 4); /* still the old ones */
    CU_ASSERT_PTR_NOT_NULL_FATAL(file = export(&owner_a));
    memcpy(digest, file->digest.data, 32);
    ceremony_keep(file, &next);
    CU_ASSERT_EQUAL(confirm(&owner_a, span_of(digest, 32)), CKR_OK);
    CU_ASSERT(a.ks->domain.current.count == 4 && a.ks->domain.current.required == 2 && a.ks->domain.pending.count == 0);
    CU_ASSERT_EQUAL(a.ks->domain.current.generation, 2);
    CU_ASSERT_EQUAL(memcmp(key, a.ks->domain.key, sizeof key), 0);
    CU_ASSERT_PTR_NULL(export(&owner_a)); /* from here on it takes a quorum again */
    CU_ASSERT_EQUAL(restore(&next, 2, BIT(4) | BIT(5), BIT(4) | BIT(5)), CKR_OK);
    CU_ASSERT_EQUAL(memcmp(key, b.ks->domain.key, sizeof key), 0);
    CU_ASSERT_EQUAL(b.ks->domain.current.generation, 2);
    ceremony_drop(&f);
    ceremony_drop(&next);
    close_both();
}

static void what_domain_info_tells(void)
{
    struct ceremony_file f;
    Ks__DomainInfo *info;

    open_both();
    CU_ASSERT_EQUAL_FATAL(rig_call(&owner_a, MESSAGE_DOMAIN_INFO, &empty.base, &info), CKR_OK);
    CU_ASSERT(info->current == NULL && info->pending == NULL && info->id.len == 0 && info->act_sequence == 1);
    CU_ASSERT(info->device.len == 32 && memcmp(info->device.data, link_peer_fingerprint(owner_a.link), 32) == 0);
    CU_ASSERT_EQUAL(create(&owner_a, 0, HOLDERS, QUORUM), CKR_OK);
    CU_ASSERT_EQUAL_FATAL(rig_call(&owner_a, MESSAGE_DOMAIN_INFO, &empty.base, &info), CKR_OK);
    CU_ASSERT(info->current == NULL && info->pending != NULL && info->pending->n_holders == HOLDERS);
    confirmed_domain(&owner_a, 0, &f);
    CU_ASSERT_EQUAL_FATAL(rig_call(&owner_a, MESSAGE_DOMAIN_INFO, &empty.base, &info), CKR_OK);
    CU_ASSERT(info->pending == NULL && info->current != NULL && info->current->required == QUORUM);
    CU_ASSERT_STRING_EQUAL(info->current->holders[3]->name, "holder3");
    CU_ASSERT_STRING_EQUAL(info->name, "house");
    ceremony_drop(&f);
    close_both();
}

/* An owner who is somebody else from one moment to the next: the old one's link is worth nothing any more. */
static void a_former_owner_is_nobody(void)
{
    Ks__RoleSet m = KS__ROLE_SET__INIT;
    struct ceremony_approvals approvals;
    struct ceremony_file f;
    struct rig_client heir;

    open_both();
    confirmed_domain(&owner_a, 0, &f);
    m.role = PEER_OWNER;
    m.fingerprint = data_of(a.other.fingerprint, sizeof a.other.fingerprint);
    ceremony_approve(rig_link(&owner_a), MESSAGE_ROLE_SET, &m.base, BIT(0) | BIT(1) | BIT(2), &approvals);
    CU_ASSERT_EQUAL_FATAL(rig_call(&owner_a, MESSAGE_ROLE_SET, &m.base, NULL), CKR_OK);
    CU_ASSERT_EQUAL(rig_call(&owner_a, MESSAGE_STATUS, &empty.base, NULL), CKR_ACTION_PROHIBITED);
    CU_ASSERT_EQUAL(rig_call(&owner_a, MESSAGE_PARTITION_LIST, &empty.base, NULL), CKR_ACTION_PROHIBITED);
    CU_ASSERT_FATAL(rig_connect(&a, &a.other, &heir) == ST_OK);
    CU_ASSERT_EQUAL(rig_call(&heir, MESSAGE_PARTITION_LIST, &empty.base, NULL), CKR_OK);
    rig_disconnect(&heir);
    ceremony_drop(&f);
    close_both();
}

int main(void)
{
    static CU_TestInfo cases[] = {
        { "holders and quorum have limits", holders_and_quorum_have_limits },
        { "holders are people with RSA keys, each once", holders_are_people_with_rsa_keys },
        { "not operational before the file is confirmed", not_operational_before_the_file_is_confirmed },
        { "the transfer certificate is of this keystore", the_transfer_certificate_is_of_this_keystore },
        { "three of five bring the domain up on another keystore; two do not",
          three_of_five_bring_the_domain_up_on_another_keystore },
        { "any three of five do", any_three_of_five },
        { "a share twice counts once", a_share_twice_counts_once },
        { "a changed file is refused", a_changed_file_is_refused },
        { "another domain, or another keystore, is refused", another_domain_or_another_keystore_is_refused },
        { "the quorum changes and no key does", the_quorum_changes_and_no_key_does },
        { "what DOMAIN_INFO tells", what_domain_info_tells },
        { "a former owner is nobody", a_former_owner_is_nobody },
        CU_TEST_INFO_NULL,
    };
    static CU_SuiteInfo suites[] = { { "security domain", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
