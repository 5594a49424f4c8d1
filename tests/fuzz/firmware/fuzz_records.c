/* What the keystore reads back, from its flash or of a backup, the first byte says which: a part of a backup, and the
 * records of a partition, the security domain, the device, the transfer key. Whatever comes in, it ends; what is
 * accepted is written as what is accepted. */
#include "firmware/backup_part.h"
#include "firmware/device.h"
#include "firmware/partition.h"
#include "firmware/security_domain.h"
#include "firmware/transfer_key.h"
#include "firmware/wire/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct backup_series series = { .domain_id = "domain",
                                             .id = "backup",
                                             .key = "thirty-two bytes of a known key" };

/* Nothing has the tag but what was sealed. */
static void part(struct span p)
{
    static uint8_t body[BACKUP_PART_MAX];
    struct backup_header h;
    size_t len;
    bool last;

    if (p.len > BACKUP_PART_MAX)
        return;
    if (backup_header_read(p, &h))
        INVARIANT(p.len > BACKUP_HEADER_LEN + BACKUP_TAG_LEN);
    INVARIANT(backup_part_open(&series, h.index, p, &last, body, &len) != CKR_OK);
}

static void partition(struct span record)
{
    struct partition *p = partition_new(1), *back = partition_new(1);
    uint8_t *packed = NULL, *again = NULL;
    size_t len, len_again;

    if (p != NULL && back != NULL && partition_unpack(p, record) == ST_OK) {
        INVARIANT(p->terms.identity_count <= PARTITION_IDENTITIES_MAX);
        INVARIANT(partition_pack(p, &packed, &len) == CKR_OK);
        INVARIANT(partition_unpack(back, span_of(packed, len)) == ST_OK);
        INVARIANT(partition_pack(back, &again, &len_again) == CKR_OK);
        INVARIANT(span_equal(span_of(packed, len), span_of(again, len_again)));
    }
    free(packed);
    free(again);
    partition_free(p);
    partition_free(back);
}

static void domain(struct span record)
{
    static struct security_domain d, back;
    struct flash_change change;
    struct bytes buffer = { 0 };

    if (security_domain_unpack(&d, record) == ST_OK && d.exists) {
        INVARIANT(d.current.count <= HOLDERS_MAX && d.pending.count <= HOLDERS_MAX);
        INVARIANT(security_domain_change(&d, &change, &buffer) == CKR_OK);
        INVARIANT(security_domain_unpack(&back, bytes_span(&buffer)) == ST_OK);
    }
    bytes_clear(&buffer);
    security_domain_clear(&d);
    security_domain_clear(&back);
}

static void device(struct span record)
{
    static struct device d, back;
    struct flash_change change;
    struct bytes buffer = { 0 };

    if (device_unpack(&d, record) == ST_OK) {
        INVARIANT(d.key != NULL && d.chain_count <= CERTIFICATE_CHAIN_MAX && d.auditor_count <= AUDITORS_MAX);
        INVARIANT(device_change(&d, &change, &buffer) == CKR_OK);
        INVARIANT(device_unpack(&back, bytes_span(&buffer)) == ST_OK);
    }
    bytes_clear(&buffer);
    device_clear(&d);
    device_clear(&back);
}

static void transfer(struct span record)
{
    struct transfer_key t = { 0 };

    INVARIANT(transfer_key_unpack(&t, record) != ST_OK || (t.key == NULL) == (t.certificate == NULL));
    transfer_key_clear(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const readers[])(struct span) = { part, partition, domain, device, transfer };

    if (size > 0)
        readers[data[0] % ARRAY_LEN(readers)](span_of(data + 1, size - 1));
    return 0;
}
