#include "firmware/storage.h"

CK_RV storage_commit(struct storage *s, const struct flash_change *changes, unsigned count, bool irrevocable)
{
    enum status st;

    pthread_mutex_lock(&s->lock);
    st = flash_commit(s->flash, changes, count, irrevocable);
    pthread_mutex_unlock(&s->lock);
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
