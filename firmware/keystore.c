#include "firmware/keystore.h"

#include <openssl/hmac.h>

#include "firmware/base/big_endian.h"
#include "firmware/base/clock.h"
#include "firmware/base/log.h"
#include "firmware/crypto/entropy.h"
#include "firmware/crypto/self_test.h"
#include "firmware/inside.h"
#include "firmware/partition_table.h"

static const unsigned may_follow[] = {
    [0] = ~0u,                                /* at the start */
    [KEYSTORE_FACTORY] = BIT(KEYSTORE_ERROR), /* a start with an owner leaves it */
    [KEYSTORE_PROVISIONED] =
        BIT(KEYSTORE_OPERATIONAL) | BIT(KEYSTORE_FACTORY) | BIT(KEYSTORE_ERROR) | BIT(KEYSTORE_ZEROISED),
    [KEYSTORE_OPERATIONAL] = BIT(KEYSTORE_FACTORY) | BIT(KEYSTORE_ERROR) | BIT(KEYSTORE_ZEROISED),
    [KEYSTORE_ERROR] = BIT(KEYSTORE_ZEROISED),
    [KEYSTORE_ZEROISED] = 0,
};

static void record_event(struct keystore *ks, enum audit_event event, uint64_t detail, CK_RV result)
{
    struct audit_entry e = { .kind = (uint16_t)event, .detail = detail, .result = (uint32_t)result };

    if (audit_append(ks->audit, &e) != ST_OK || audit_flush(ks->audit, true) != ST_OK)
        log_error("the audit cannot be written");
}

void keystore_enter(struct keystore *ks, enum keystore_state next)
{
    unsigned before = atomic_load(&ks->state);

    do {
        if ((may_follow[before] & BIT(next)) == 0)
            return;
    } while (!atomic_compare_exchange_weak(&ks->state, &before, next));
    record_event(ks, AUDIT_EVENT_STATE, next, CKR_OK);
}

void keystore_fail(struct keystore *ks, const char *what)
{
    if (atomic_load(&ks->state) >= KEYSTORE_ERROR)
        return;
    atomic_store(&ks->fault, what);
    log_error("state error: %s", what);
    keystore_enter(ks, KEYSTORE_ERROR);
    record_event(ks, AUDIT_EVENT_SELF_TEST, 0, CKR_DEVICE_ERROR);
}

uint64_t keystore_time_ms(const struct keystore *ks)
{
    return ks->hal->time_unix_ms(ks->hal->self) + (uint64_t)atomic_load(&ks->clock_ms);
}

void keystore_set_clock(struct keystore *ks, int64_t offset_ms)
{
    atomic_store(&ks->clock_ms, offset_ms);
    audit_set_clock(ks->audit, offset_ms);
}

static enum status derive(const uint8_t key[32], const char *label, uint8_t out[32])
{
    unsigned len = 32;

    return HMAC(EVP_sha256(), key, 32, (const uint8_t *)label, strlen(label), out, &len) != NULL ? ST_OK : ST_INTERNAL;
}

enum status keystore_open_domain(struct keystore *ks)
{
    enum status st = ks->domain.open ? derive(ks->domain.key, "strongroom pin pepper v1", ks->pepper) : ST_INTERNAL;

    for (unsigned i = 0; i < PARTITIONS_MAX && st == ST_OK; i++)
        if (ks->partitions[i] != NULL) {
            pthread_mutex_lock(&ks->partitions[i]->lock);
            st = partition_unlock(ks->partitions[i], &ks->domain);
            pthread_mutex_unlock(&ks->partitions[i]->lock);
        }
    return st;
}

static enum status load_record(void *arg, const struct flash_key *key, struct span value)
{
    struct keystore *ks = arg;
    struct partition *p;

    switch (key->kind) {
    case RECORD_DEVICE:
        return device_unpack(&ks->device, value);
    case RECORD_DOMAIN:
        return security_domain_unpack(&ks->domain, value);
    case RECORD_TRANSFER:
        return transfer_key_unpack(&ks->transfer, value);
    case RECORD_ACTS:
        if (value.len != 8)
            return ST_CORRUPT;
        ks->act_sequence = be_get(value.p, 8);
        return ST_OK;
    case RECORD_TOMBSTONE:
        return tombstones_load(&ks->tombstones, value);
    case RECORD_PARTITION:
        break;
    case RECORD_OBJECT:
        break;
    default:
        return ST_CORRUPT;
    }
    if ((p = partition_table_for(ks, key->partition)) == NULL)
        return ST_NO_MEMORY;
    if (key->kind == RECORD_PARTITION)
        return partition_unpack(p, value);
    if (key->id >= ks->storage.next_object)
        ks->storage.next_object = key->id + 1;
    if (atomic_load(&ks->fault) != NULL) {
        /* In state error nobody can use a key, so it stays where it is; it counts for who destroys it. */
        p->token_objects++;
        return ST_OK;
    }
    return partition_load_object(p, key->id, value);
}

/* Objects whose partition has no record are what an interrupted deletion or restore left behind; partitions without a
 * domain are what an interrupted factory reset did. */
static enum status tidy_partitions(struct keystore *ks)
{
    bool dropped = false;

    for (unsigned i = 0; i < PARTITIONS_MAX; i++) {
        struct partition *p = ks->partitions[i];

        if (p == NULL || (p->terms.name[0] != '\0' && ks->domain.exists))
            continue;
        if ((p->terms.name[0] != '\0' && tombstones_bury(&ks->tombstones, p, &ks->storage, false) != CKR_OK) ||
            partition_drop_objects(p, &ks->storage) != CKR_OK)
            return ST_IO;
        partition_free(p);
        ks->partitions[i] = NULL;
        dropped = true;
    }
    if (dropped && storage_forget(&ks->storage) != CKR_OK)
        return ST_IO;
    return ks->domain.open ? keystore_open_domain(ks) : ST_OK;
}

static enum status open_storage(struct keystore *ks, const uint8_t root[HAL_ROOT_KEY_LEN])
{
    const char *why = NULL;
    enum status st;

    ks->storage.next_object = 1;
    if ((st = flash_open(ks->hal, root, load_record, ks, &ks->storage.flash, &why)) != ST_OK) {
        log_error("the flash: %s (%s)", status_name(st), why != NULL ? why : "unreadable");
        record_event(ks, AUDIT_EVENT_ROLLBACK, 0, CKR_DEVICE_ERROR);
        return st;
    }
    return tidy_partitions(ks);
}

/* A board without an owner takes the one that whoever has it in hand names. */
static enum status settle_identity(struct keystore *ks, const uint8_t *owner)
{
    struct device *d = &ks->device;
    bool changed = false;
    enum status st;

    if (d->key == NULL) {
        if ((st = device_make_identity(d)) != ST_OK)
            return st;
        changed = true;
    }
    if (!d->owned && owner != NULL) {
        memcpy(d->owner, owner, sizeof d->owner);
        bytes_clear(&d->destruction); /* of the owner before: it was there for him to fetch */
        d->owned = changed = true;
    }
    if (changed && (st = device_store(d, &ks->storage)) != ST_OK)
        return st;
    memcpy(ks->origin, d->fingerprint, sizeof ks->origin);
    return link_identity_board(d->key, d->certificate, &ks->identity);
}

static enum status publish(struct keystore *ks)
{
    struct bytes der = { 0 };
    enum status st;

    if ((st = device_certificate(&ks->device, &der)) == ST_OK)
        st = ks->hal->publish_identity(ks->hal->self, bytes_span(&der));
    bytes_clear(&der);
    /* Of a factory reset whose answer may never have left; that of a zeroisation which did not come about is taken
     * back. */
    if (st == ST_OK)
        st = ks->hal->publish_destruction(ks->hal->self, bytes_span(&ks->device.destruction));
    return st;
}

static enum keystore_state first_state(const struct keystore *ks)
{
    if (atomic_load(&ks->fault) != NULL)
        return KEYSTORE_ERROR;
    if (!ks->device.owned)
        return KEYSTORE_FACTORY;
    return ks->domain.open && security_domain_in_force(&ks->domain) ? KEYSTORE_OPERATIONAL : KEYSTORE_PROVISIONED;
}

static enum status open_with_root(struct keystore *ks, const uint8_t *owner, const uint8_t root[HAL_ROOT_KEY_LEN])
{
    uint8_t head_key[32];
    enum status st;

    if ((st = derive(root, "strongroom operator pepper v1", ks->operator_pepper)) != ST_OK ||
        (st = derive(root, "strongroom audit head v1", head_key)) != ST_OK)
        return st;
    st = audit_open(ks->hal, head_key, &ks->audit);
    secret_wipe(head_key, sizeof head_key);
    if (st == ST_CORRUPT)
        log_error("the audit chain does not verify; a new one begins");
    else if (st != ST_OK)
        return st;
    if ((st = open_storage(ks, root)) != ST_OK || (st = settle_identity(ks, owner)) != ST_OK ||
        (st = publish(ks)) != ST_OK)
        return st;
    keystore_set_clock(ks, ks->device.clock_ms);
    record_event(ks, AUDIT_EVENT_START, 0, atomic_load(&ks->fault) == NULL ? CKR_OK : CKR_DEVICE_ERROR);
    keystore_enter(ks, first_state(ks));
    return ST_OK;
}

/* A fault here is a state, not an error: somebody must be able to ask what it is. */
static void test_self(struct keystore *ks, const char *spoil)
{
    const char *failed;

    if (entropy_start(ks->hal, &failed) != ST_OK || self_test_run(spoil, &failed) != ST_OK) {
        atomic_store(&ks->fault, failed != NULL ? failed : "no source of entropy");
        log_error("self test failed: %s", atomic_load(&ks->fault));
    }
}

void keystore_end_unlocking(struct keystore *ks)
{
    if (ks->unlocking.given > 0 && clock_monotonic_ms() - ks->unlocking.since_ms > UNLOCK_WINDOW_MS)
        secret_wipe(&ks->unlocking, sizeof ks->unlocking);
}

/* The last uses of keys reach the flash even if no request follows them, and no share of an operator stays in memory
 * because no other operator comes. */
static void tidy_idle(void *arg)
{
    struct keystore *ks = arg;

    if (audit_flush(ks->audit, false) != ST_OK)
        keystore_fail(ks, "audit");
    if (storage_forget_if_due(&ks->storage) != CKR_OK)
        keystore_fail(ks, "flash");
    pthread_mutex_lock(&ks->lock);
    keystore_end_unlocking(ks);
    pthread_mutex_unlock(&ks->lock);
}

enum status keystore_open(const struct keystore_config *config, struct keystore **out)
{
    struct keystore *ks = calloc(1, sizeof *ks);
    uint8_t root[HAL_ROOT_KEY_LEN];
    enum status st;

    *out = NULL;
    if (ks == NULL)
        return ST_NO_MEMORY;
    ks->hal = config->hal;
    ks->version = config->version;
    ks->act_sequence = 1;
    if (config->factory != NULL)
        memcpy(ks->factory, config->factory, sizeof ks->factory);
    ks->has_factory = config->factory != NULL;
    pthread_mutex_init(&ks->lock, NULL);
    pthread_mutex_init(&ks->storage.lock, NULL);
    test_self(ks, config->fail_self_test);
    if (entropy_draw(ks->boot_id, sizeof ks->boot_id) != ST_OK)
        memset(ks->boot_id, 0, sizeof ks->boot_id); /* state error; the boot is then not told from another */
    if ((st = ks->hal->root_key(ks->hal->self, root)) != ST_OK) {
        log_error("the root key: %s",
                  st == ST_NOT_FOUND ? "destroyed; this keystore was zeroised, for good" : status_name(st));
    } else {
        st = open_with_root(ks, config->owner, root);
        secret_wipe(root, sizeof root);
    }
    if (st == ST_OK && (st = slow_start(&ks->slow_keys, NULL, NULL)) == ST_OK)
        st = slow_start(&ks->slow_pins, tidy_idle, ks);
    if (st != ST_OK) {
        keystore_close(ks);
        return st;
    }
    *out = ks;
    return ST_OK;
}

void keystore_close(struct keystore *ks)
{
    if (ks == NULL)
        return;
    slow_stop(&ks->slow_keys);
    slow_stop(&ks->slow_pins);
    audit_close(ks->audit);
    backup_forget_all(ks);
    tombstones_clear(&ks->tombstones);
    for (unsigned i = 0; i < PARTITIONS_MAX; i++)
        partition_free(ks->partitions[i]);
    flash_close(ks->storage.flash);
    link_identity_free(ks->identity);
    device_clear(&ks->device);
    security_domain_clear(&ks->domain);
    transfer_key_clear(&ks->transfer);
    pthread_mutex_destroy(&ks->storage.lock);
    pthread_mutex_destroy(&ks->lock);
    secret_wipe(ks, sizeof *ks);
    free(ks);
}
