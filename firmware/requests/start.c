/* Requests about the start: who must come before the keystore works, and their coming. */
#include "firmware/base/clock.h"
#include "firmware/changes.h"

/* Encrypts the domain key anew, or puts it back into the record. */
static CK_RV set_start_mode(struct call *c, const Ks__StartModeSet *m, const struct quorum_use *use)
{
    struct keystore *ks = c->ks;
    struct security_domain next = ks->domain; /* its holders are still the old one's */
    struct changes changes = { 0 };
    CK_RV rv = CKR_OK;

    next.start = (struct start_mode){ 0 };
    if (m->required > 0)
        rv = start_mode_make(&next.start, m, next.key, ks->operator_pepper);
    else if (m->n_operators > 0)
        rv = CKR_ARGUMENTS_BAD;
    if (rv == CKR_OK) {
        changes_domain(&changes, &next);
        changes.forget = true; /* the domain key itself was in the record before, or other operators' shares */
        if ((rv = changes_commit(&changes, ks, use)) == CKR_OK)
            ks->domain.start = next.start;
    }
    secret_wipe(&next, sizeof next);
    return rv;
}

CK_RV on_start_mode_set(struct call *c, const ProtobufCMessage *request)
{
    const Ks__StartModeSet *m = (const Ks__StartModeSet *)request;
    struct quorum_use use;
    CK_RV rv;

    c->entry.detail = m->required;
    if ((rv = call_enter(c)) == CKR_OK) {
        if ((rv = quorum_check(c, MESSAGE_START_MODE_SET, request, &use)) == CKR_OK)
            rv = set_start_mode(c, m, &use);
        call_leave(c);
    }
    return rv;
}

/* The number of wrong passphrases in a row, durable before the compare (THREATS.md C9). */
static CK_RV store_tries(struct keystore *ks, uint32_t tries)
{
    uint32_t before = ks->domain.start.tries;
    struct changes changes = { 0 };
    CK_RV rv;

    ks->domain.start.tries = tries;
    changes_domain(&changes, &ks->domain);
    if ((rv = changes_commit(&changes, ks, NULL)) != CKR_OK)
        ks->domain.start.tries = before;
    return rv;
}

/* Operators who came too long ago are asked again. */
static void begin_window(struct keystore *ks)
{
    keystore_end_unlocking(ks);
    if (ks->unlocking.given == 0)
        ks->unlocking.since_ms = clock_monotonic_ms();
}

/* Only now are the wrong tries forgotten: one operator's right passphrase is no reason to let others be guessed on. */
static CK_RV open_domain(struct keystore *ks)
{
    uint8_t key[DOMAIN_KEY_LEN];
    CK_RV rv = start_mode_open(&ks->domain.start, &ks->unlocking, key);

    secret_wipe(&ks->unlocking, sizeof ks->unlocking);
    if (rv == CKR_OK && (rv = store_tries(ks, 0)) == CKR_OK)
        rv = security_domain_set_key(&ks->domain, key);
    secret_wipe(key, sizeof key);
    if (rv != CKR_OK)
        return rv;
    if (keystore_open_domain(ks) == ST_OK)
        return CKR_OK;
    keystore_fail(ks, "the domain's records");
    return CKR_DEVICE_ERROR;
}

static CK_RV unlock(struct keystore *ks, const Ks__Unlock *m, Ks__Unlocked *out)
{
    uint32_t tries = ks->domain.start.tries;
    CK_RV rv;

    if (!ks->domain.exists || ks->domain.open)
        return CKR_ACTION_PROHIBITED; /* nothing is locked */
    if (tries >= UNLOCK_TRIES_MAX)
        return CKR_PASSPHRASE_LOCKED;
    begin_window(ks);
    if ((rv = store_tries(ks, tries + 1)) != CKR_OK)
        return rv;
    rv = start_mode_open_share(&ks->domain.start, m->operator_, span_of(m->passphrase.data, m->passphrase.len),
                               ks->operator_pepper, &ks->unlocking);
    if (rv == CKR_PASSPHRASE_INCORRECT)
        return tries + 1 >= UNLOCK_TRIES_MAX ? CKR_PASSPHRASE_LOCKED : rv;
    if (rv != CKR_OK || (rv = store_tries(ks, tries)) != CKR_OK)
        return rv;
    out->required = ks->domain.start.required;
    out->given = ks->unlocking.given;
    return out->given >= out->required ? open_domain(ks) : CKR_OK;
}

CK_RV on_unlock(struct call *c, const ProtobufCMessage *request)
{
    Ks__Unlocked *out = &c->answer.unlocked;
    bool open = false;
    CK_RV rv;

    ks__unlocked__init(out);
    if ((rv = call_enter(c)) == CKR_OK) {
        rv = unlock(c->ks, (const Ks__Unlock *)request, out);
        open = rv == CKR_OK && c->ks->domain.open && security_domain_in_force(&c->ks->domain);
        c->entry.detail = out->given;
        call_leave(c);
    }
    if (open)
        keystore_enter(c->ks, KEYSTORE_OPERATIONAL);
    c->reply = &out->base;
    return rv;
}
