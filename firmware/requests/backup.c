/* Requests of the owner that carry partitions from one keystore of a domain to another. */
#include "firmware/backup.h"
#include "firmware/base/log.h"
#include "firmware/partition_table.h"
#include "firmware/restore.h"

static void end_backup(struct keystore *ks)
{
    backup_free(ks->backup);
    ks->backup = NULL;
}

static CK_RV reply_part(struct call *c)
{
    struct keystore *ks = c->ks;
    uint8_t *part = call_memory(c, BACKUP_PART_MAX);
    Ks__BackupPart *answer = &c->answer.backup_part;
    size_t len = 0;
    bool last = false;
    CK_RV rv;

    c->entry.detail = backup_partition(ks->backup);
    rv = part != NULL ? backup_next(ks->backup, part, &len, &last) : CKR_HOST_MEMORY;
    if (rv != CKR_OK || last)
        end_backup(ks);
    ks__backup_part__init(answer);
    answer->part = (ProtobufCBinaryData){ .len = len, .data = part };
    answer->last = last;
    c->reply = &answer->base;
    return rv;
}

static CK_RV begin_backup(struct call *c, uint64_t id)
{
    struct keystore *ks = c->ks;
    struct backup *made;
    unsigned i = partition_table_index(ks, id);
    CK_RV rv;

    if (i == PARTITIONS_MAX)
        return CKR_SLOT_ID_INVALID;
    if ((rv = backup_new(&ks->domain, ks->partitions[i], c->who->link, &made)) != CKR_OK)
        return rv;
    end_backup(ks);
    ks->backup = made;
    return reply_part(c);
}

CK_RV on_backup_begin(struct call *c, const ProtobufCMessage *request)
{
    CK_RV rv;

    c->entry.detail = ((const Ks__BackupBegin *)request)->partition;
    if ((rv = call_enter(c)) == CKR_OK) {
        rv = begin_backup(c, c->entry.detail);
        call_leave(c);
    }
    return rv;
}

CK_RV on_backup_next(struct call *c, const ProtobufCMessage *request)
{
    const struct backup *b;
    CK_RV rv;

    (void)request;
    if ((rv = call_enter(c)) == CKR_OK) {
        b = c->ks->backup;
        rv = b != NULL && backup_link(b) == c->who->link ? reply_part(c) : CKR_OPERATION_NOT_INITIALIZED;
        call_leave(c);
    }
    return rv;
}

CK_RV on_restore_begin(struct call *c, const ProtobufCMessage *request)
{
    uint32_t partition = 0;
    CK_RV rv;

    if ((rv = call_enter(c)) == CKR_OK) {
        rv = restore_begin(c, (const Ks__RestoreBegin *)request, &partition);
        call_leave(c);
    }
    c->entry.detail = partition;
    return rv;
}

CK_RV on_restore_next(struct call *c, const ProtobufCMessage *request)
{
    const Ks__RestorePart *m = (const Ks__RestorePart *)request;
    uint32_t partition = 0;
    CK_RV rv;

    if ((rv = call_enter(c)) == CKR_OK) {
        rv = restore_next(c, span_of(m->part.data, m->part.len), &partition);
        call_leave(c);
    }
    c->entry.detail = partition;
    return rv;
}

void backup_link_gone(struct keystore *ks, uint64_t link)
{
    pthread_mutex_lock(&ks->lock);
    if (ks->backup != NULL && backup_link(ks->backup) == link)
        end_backup(ks);
    if (ks->restore != NULL && restore_link(ks->restore) == link && restore_drop(ks) != CKR_OK)
        log_error("a restore that was given up: what it wrote is removed at the next start");
    pthread_mutex_unlock(&ks->lock);
}

void backup_end_of(struct keystore *ks, uint32_t partition)
{
    if (ks->backup != NULL && backup_partition(ks->backup) == partition)
        end_backup(ks);
}

void backup_forget_all(struct keystore *ks)
{
    end_backup(ks);
    restore_forget(ks);
}
