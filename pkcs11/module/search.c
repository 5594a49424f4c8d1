#include "pkcs11/module/search.h"

#include <stdlib.h>

#include "pkcs11/module/template.h"

#define FOUND_MAX (SESSION_OBJECTS_MAX + 64u * 1024) /* of one search: what a partition may hold, with room */

void search_clear(struct session *s)
{
    free(s->found);
    s->found = NULL;
    s->found_count = s->found_taken = 0;
    s->finding = false;
}

static CK_RV add_page(struct session *s, const Ks__Handles *page)
{
    uint64_t *grown;

    if (page->n_handles > FOUND_MAX - s->found_count)
        return CKR_DEVICE_ERROR;
    if (page->n_handles == 0)
        return page->next == 0 ? CKR_OK : CKR_DEVICE_ERROR; /* pages without end */
    if ((grown = realloc(s->found, (s->found_count + page->n_handles) * sizeof *grown)) == NULL)
        return CKR_HOST_MEMORY;
    memcpy(grown + s->found_count, page->handles, page->n_handles * sizeof *grown);
    s->found = grown;
    s->found_count += page->n_handles;
    return CKR_OK;
}

CK_RV search_begin(struct session *s, const CK_ATTRIBUTE *attributes, CK_ULONG count)
{
    Ks__FindObjects request = KS__FIND_OBJECTS__INIT;
    struct template t;
    struct reply reply;
    CK_RV rv;

    if (s->finding)
        return CKR_OPERATION_ACTIVE;
    rv = template_to_wire(attributes, count, &t);
    request.session = s->number;
    request.template_ = &t.message;
    while (rv == CKR_OK) {
        if ((rv = session_call(s, MESSAGE_FIND_OBJECTS, &request.base, CALL_MS, &reply)) == CKR_OK &&
            (rv = add_page(s, (const Ks__Handles *)reply.message)) == CKR_OK)
            request.after = ((const Ks__Handles *)reply.message)->next;
        reply_done(&reply);
        if (request.after == 0)
            break;
    }
    template_clear(&t);
    if (rv != CKR_OK)
        search_clear(s);
    s->finding = rv == CKR_OK;
    return rv;
}

CK_RV search_take(struct session *s, CK_OBJECT_HANDLE *out, CK_ULONG max, CK_ULONG *count)
{
    size_t left = s->found_count - s->found_taken;

    if (!s->finding)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (count == NULL || (out == NULL && max > 0))
        return CKR_ARGUMENTS_BAD;
    *count = max < left ? max : left;
    for (CK_ULONG i = 0; i < *count; i++)
        out[i] = s->found[s->found_taken++];
    return CKR_OK;
}

CK_RV search_end(struct session *s)
{
    if (!s->finding)
        return CKR_OPERATION_NOT_INITIALIZED;
    search_clear(s);
    return CKR_OK;
}
