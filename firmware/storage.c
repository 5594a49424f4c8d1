#include "firmware/storage.h"

static CK_RV verdict(enum status st)
{
    switch (st) {
    case ST_OK:
        return CKR_OK;
    case ST_TOO_LARGE:
        return CKR_DEVICE_MEMORY;
    case ST_NO_MEMORY:
        return CKR_HOST_MEMORY;
    default:
        return CKR_DEVICE_ERROR;
    }
}

CK_RV storage_commit(struct storage *s, const struct flash_change *changes, unsigned count, bool irrevocable)
{
    enum status st;

    pthread_mutex_lock(&s->lock);
    st = flash_commit(s->flash, changes, count, irrevocable);
    pthread_mutex_unlock(&s->lock);
    return verdict(st);
}

CK_RV storage_commit_forgetting(struct storage *s, const struct flash_change *changes, unsigned count)
{
    enum status st;

    pthread_mutex_lock(&s->lock);
    st = flash_commit_forgetting(s->flash, changes, count);
    pthread_mutex_unlock(&s->lock);
    return verdict(st);
}

CK_RV storage_pack(const struct attributes *a, const struct flash_key *key, struct flash_change *change,
                   struct bytes *buffer)
{
    size_t len = attributes_packed_len(a);

    if (bytes_reserve(buffer, len) != ST_OK)
        return CKR_HOST_MEMORY;
    attributes_pack(a, buffer->p);
    buffer->len = len;
    *change = (struct flash_change){ .key = *key, .value = bytes_span(buffer) };
    return CKR_OK;
}

void storage_release(struct bytes *buffer)
{
    if (buffer->p != NULL)
        secret_wipe(buffer->p, buffer->cap);
    bytes_clear(buffer);
}
