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

/* Under the lock. */
static CK_RV forget(struct storage *s)
{
    enum status st = flash_commit_forgetting(s->flash, NULL, 0);

    s->forget_due = st == ST_NO_MEMORY;
    return s->forget_due ? CKR_OK : verdict(st);
}

CK_RV storage_forget(struct storage *s)
{
    CK_RV rv;

    pthread_mutex_lock(&s->lock);
    rv = forget(s);
    pthread_mutex_unlock(&s->lock);
    return rv;
}

CK_RV storage_forget_if_due(struct storage *s)
{
    CK_RV rv;

    pthread_mutex_lock(&s->lock);
    rv = s->forget_due ? forget(s) : CKR_OK;
    pthread_mutex_unlock(&s->lock);
    return rv;
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
