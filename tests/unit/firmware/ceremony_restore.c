#include "tests/unit/firmware/ceremony_restore.h"

#include "firmware/crypto/entropy.h"
#include "firmware/domain/domain_file.h"

void ceremony_keep(const Ks__DomainFile *file, struct ceremony_file *out)
{
    *out = (struct ceremony_file){ .required = file->required, .share_count = (unsigned)file->n_shares };
    INVARIANT(file->n_items == 1);
    out->item = strdup(file->items[0]->compact_jwe);
    out->tag = strdup(file->items[0]->tag);
    for (unsigned i = 0; i < out->share_count; i++) {
        memcpy(out->holders[i], file->shares[i]->holder.data, 32);
        out->shares[i] = strdup(file->shares[i]->compact_jwe);
    }
}

void ceremony_drop(struct ceremony_file *f)
{
    free(f->item);
    free(f->tag);
    for (unsigned i = 0; i < f->share_count; i++)
        free(f->shares[i]);
}

X509 *ceremony_transfer(struct ceremony_link owner)
{
    Ks__Empty empty = KS__EMPTY__INIT;
    Ks__Certificate *c = NULL;
    const uint8_t *p;

    INVARIANT(owner.call(owner.client, MESSAGE_DOMAIN_TRANSFER, &empty.base, &c) == CKR_OK);
    p = c->der.data;
    return d2i_X509(NULL, &p, (long)c->der.len);
}

void ceremony_restore_begin(struct ceremony_restore *r, const struct ceremony_file *f)
{
    *r = (struct ceremony_restore){ 0 };
    ks__domain_restore__init(&r->m);
    ks__encrypted_item__init(&r->item);
    r->item.tag = f->tag;
    r->item.compact_jwe = f->item;
    r->items[0] = &r->item;
    r->m.required = f->required;
    r->m.n_items = 1;
    r->m.items = r->items;
    r->m.shares = r->list;
}

void ceremony_release(struct ceremony_restore *r, const struct ceremony_file *f, unsigned first, unsigned who, X509 *to)
{
    size_t at = r->m.n_shares++;
    struct secret share = { 0 };

    INVARIANT(domain_share_open(span_text(f->shares[who - first]), ceremony_holder(who)->key, &share) == ST_OK);
    INVARIANT(domain_share_seal(secret_span(&share), to, entropy_draw, &r->texts[at]) == ST_OK);
    secret_clear(&share);
    ks__encrypted_share__init(&r->shares[at]);
    r->shares[at].holder = (ProtobufCBinaryData){ 32, (uint8_t *)(uintptr_t)f->holders[who - first] };
    r->shares[at].compact_jwe = (char *)r->texts[at].p;
    r->list[at] = &r->shares[at];
}

void ceremony_restore_end(struct ceremony_restore *r)
{
    for (size_t i = 0; i < ARRAY_LEN(r->texts); i++)
        bytes_clear(&r->texts[i]);
}
