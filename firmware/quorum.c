#include "firmware/quorum.h"

#include "firmware/base/big_endian.h"
#include "firmware/wire/act.h"

struct check {
    struct call *c;
    const struct holder_set *holders;
    const Ks__Authorisation *given;
    struct act act;
    uint8_t statement[ACT_STATEMENT_LEN];
};

/* Who approved, or whose approval was the one that did not count: durable with the record of the request itself. */
static CK_RV record(const struct check *k, struct span holder, CK_RV result)
{
    struct audit_entry e = { .kind = AUDIT_EVENT_APPROVAL,
                             .role = (uint8_t)k->c->who->role,
                             .result = (uint32_t)result,
                             .detail = (uint64_t)k->act.kind << 48 | (k->act.sequence & 0xffffffffffff) };

    if (holder.len >= sizeof e.peer)
        memcpy(e.peer, holder.p, sizeof e.peer);
    return audit_append(k->c->ks->audit, &e) == ST_OK ? result : CKR_DEVICE_ERROR;
}

static CK_RV check_terms(const struct check *k)
{
    uint64_t now = keystore_time_ms(k->c->ks), until = k->given->expires_ms;

    if (k->given->sequence != k->c->ks->act_sequence)
        return record(k, span_of(NULL, 0), CKR_APPROVAL_USED);
    if (until <= now || until - now > ACT_EXPIRY_MAX_MS)
        return record(k, span_of(NULL, 0), CKR_APPROVAL_EXPIRED);
    return CKR_OK;
}

static CK_RV check_one(const struct check *k, const Ks__Approval *a, struct quorum_use *use)
{
    struct span id = span_of(a->holder.data, a->holder.len);
    const struct holder *h = holder_set_find(k->holders, id);
    CK_RV rv;

    if (h == NULL)
        return record(k, id, CKR_APPROVAL_STRANGER);
    for (unsigned i = 0; i < use->count; i++)
        if (memcmp(use->holders[i], id.p, HOLDER_ID_LEN) == 0)
            return record(k, id, CKR_APPROVAL_REPEATED);
    rv = holder_verify(h, span_of(k->statement, sizeof k->statement), span_of(a->signature.data, a->signature.len));
    if (rv == CKR_OK)
        memcpy(use->holders[use->count++], id.p, HOLDER_ID_LEN);
    return record(k, id, rv);
}

CK_RV quorum_check_holders(struct call *c, uint16_t kind, const ProtobufCMessage *request,
                           const struct holder_set *holders, struct quorum_use *use)
{
    struct check k = { .c = c, .holders = holders, .given = act_authorisation(kind, request) };
    struct keystore *ks = c->ks;
    CK_RV rv;

    *use = (struct quorum_use){ .needed = true };
    k.act.kind = kind;
    if (k.given == NULL)
        return record(&k, span_of(NULL, 0), CKR_APPROVALS_MISSING);
    k.act.sequence = k.given->sequence;
    k.act.expires_ms = k.given->expires_ms;
    memcpy(k.act.device, ks->device.fingerprint, sizeof k.act.device);
    if (kind != MESSAGE_DOMAIN_RESTORE) {
        memcpy(k.act.domain_id, ks->domain.id, sizeof k.act.domain_id);
        k.act.generation = holders->generation;
    }
    if (act_digest(kind, (ProtobufCMessage *)(uintptr_t)request, k.act.digest) != ST_OK)
        return CKR_HOST_MEMORY;
    act_statement(&k.act, k.statement);
    if ((rv = check_terms(&k)) != CKR_OK)
        return rv;
    for (size_t i = 0; i < k.given->n_approvals; i++)
        if ((rv = check_one(&k, k.given->approvals[i], use)) != CKR_OK)
            return rv;
    if (use->count < holders->required)
        return record(&k, span_of(NULL, 0), CKR_APPROVALS_MISSING);
    /* Who approved is durable before the act is: a power cut leaves no act of nobody. */
    if (audit_flush(ks->audit, true) != ST_OK)
        return CKR_DEVICE_ERROR;
    be_put(use->record, ks->act_sequence + 1, sizeof use->record);
    return CKR_OK;
}

CK_RV quorum_check(struct call *c, uint16_t kind, const ProtobufCMessage *request, struct quorum_use *use)
{
    *use = (struct quorum_use){ 0 };
    if (!security_domain_in_force(&c->ks->domain))
        return CKR_OK;
    return quorum_check_holders(c, kind, request, &c->ks->domain.current, use);
}

unsigned quorum_change(const struct quorum_use *use, struct flash_change *change)
{
    if (!use->needed)
        return 0;
    *change =
        (struct flash_change){ .key = { .kind = RECORD_ACTS }, .value = span_of(use->record, sizeof use->record) };
    return 1;
}

void quorum_spent(struct keystore *ks, const struct quorum_use *use)
{
    if (use->needed)
        ks->act_sequence = be_get(use->record, sizeof use->record);
}
