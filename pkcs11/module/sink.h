/* sink.h - where the output of an operation goes as it arrives: into the caller's buffer while it fits, else, from its
 * beginning, into memory of ours, to wait for a larger buffer. That memory is taken once and wiped. */
#ifndef STRONGROOM_PKCS11_MODULE_SINK_H
#define STRONGROOM_PKCS11_MODULE_SINK_H

#include "firmware/base/secret.h"
#include "firmware/wire/pkcs11.h"

struct sink {
    CK_BYTE_PTR out;
    size_t room, len;
    size_t max; /* that can come at all */
    struct bytes *spill;
};

static inline void bytes_wipe(struct bytes *b)
{
    if (b->p != NULL)
        secret_wipe(b->p, b->cap);
    bytes_clear(b);
}

MUST_CHECK static inline CK_RV sink_put(struct sink *s, struct span piece)
{
    if (piece.len == 0)
        return CKR_OK;
    if (piece.len > s->max - s->len)
        return CKR_DEVICE_ERROR; /* more than the operation can give */
    if (s->spill->p == NULL && piece.len <= s->room - s->len) {
        memcpy(s->out + s->len, piece.p, piece.len);
        s->len += piece.len;
        return CKR_OK;
    }
    if (s->spill->p == NULL) {
        if (bytes_reserve(s->spill, s->max + 1) != ST_OK)
            return CKR_HOST_MEMORY;
        bytes_append(s->spill, s->out, s->len);
        secret_wipe(s->out, s->len);
    }
    bytes_append_span(s->spill, piece);
    s->len += piece.len;
    return bytes_status(s->spill) == ST_OK ? CKR_OK : CKR_HOST_MEMORY;
}

/* CKR_OK: all is in the caller's buffer. CKR_BUFFER_TOO_SMALL: it is in `spill`. *len is how much it is. */
MUST_CHECK static inline CK_RV sink_end(const struct sink *s, CK_ULONG_PTR len)
{
    *len = s->len;
    return s->spill->p == NULL ? CKR_OK : CKR_BUFFER_TOO_SMALL;
}

#endif
