#include "provisioning/token/token_setup.h"

#include <stdio.h>

#include "provisioning/token/machine_pin.h"
#include "provisioning/token/token_module.h"

/* The PIN of a file, which is made when it is not there. An interrupted run's PINs are used again. */
static enum status take_pin(struct token_module *m, const char *path, struct secret *pin)
{
    enum status st = secret_read_file(pin, path);

    if (st == ST_NOT_FOUND)
        st = machine_pin_create(path, pin);
    if (st != ST_OK)
        return token_module_fail(m, st, "the PIN file %s: %s", path, status_name(st));
    return pin->len > 0 ? ST_OK : token_module_fail(m, ST_BAD_REQUEST, "the PIN file %s is empty", path);
}

static enum status init_token(struct token_setup *s, struct token_module *m, CK_SLOT_ID slot, struct secret *so_pin)
{
    CK_UTF8CHAR label[TOKEN_LABEL_LEN];
    CK_RV rv;

    memset(label, ' ', sizeof label);
    memcpy(label, s->label, strlen(s->label));
    if ((rv = m->f->C_InitToken(slot, so_pin->p, so_pin->len, label)) != CKR_OK)
        return token_module_fail(m, ST_UNAVAILABLE, "the token cannot be initialised (C_InitToken: 0x%lx)", rv);
    return ST_OK;
}

static enum status init_user_pin(struct token_setup *s, struct token_module *m, CK_SLOT_ID slot, struct secret *so_pin,
                                 struct secret *pin)
{
    CK_SESSION_HANDLE session = 0;
    enum status st = ST_OK;
    CK_RV rv;

    if ((rv = m->f->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session)) != CKR_OK)
        return token_module_fail(m, ST_UNAVAILABLE, "no session with the token (C_OpenSession: 0x%lx)", rv);
    if ((rv = m->f->C_Login(session, CKU_SO, so_pin->p, so_pin->len)) != CKR_OK)
        st = token_module_fail(m, ST_NOT_PERMITTED, "the SO PIN of %s is not this token's (C_Login: 0x%lx)",
                               s->so_pin_file, rv);
    else if ((rv = m->f->C_InitPIN(session, pin->p, pin->len)) != CKR_OK)
        st = token_module_fail(m, ST_UNAVAILABLE, "the user PIN cannot be set (C_InitPIN: 0x%lx)", rv);
    m->f->C_CloseSession(session); /* the last session of the token: logs out */
    return st;
}

/* The keystore's owner names who may use a partition: alone until the token is initialised, with a quorum from then on.
 * So a key of his own would be found before that, or behind it. A keystore that does not say is not ours: SoftHSM. */
static enum status check_link_keys(const struct token_setup *s, struct token_module *m, CK_SLOT_ID slot)
{
    unsigned long count = token_module_link_keys(m, slot);

    if (count == 0 || count == s->link_keys)
        return ST_OK;
    return token_module_fail(m, ST_NOT_PERMITTED,
                             "the partition has %lu link keys, not %lu: somebody else could use the token. Have its "
                             "owner show them (partition list), or say --link-keys %lu if it is meant so",
                             count, s->link_keys, count);
}

static enum status set_up(struct token_setup *s, struct token_module *m)
{
    struct secret so_pin = { 0 }, pin = { 0 };
    CK_TOKEN_INFO info;
    CK_SLOT_ID slot = 0;
    bool there = token_module_find(m, s->label, &slot, &info);
    enum status st;

    if (there && (info.flags & CKF_USER_PIN_INITIALIZED) != 0)
        return ST_OK;
    if (!there && !token_module_find_free(m, &slot, &info))
        return token_module_fail(m, ST_NOT_FOUND, "the module offers no uninitialised token");
    if ((st = check_link_keys(s, m, slot)) != ST_OK)
        return st;
    /* The files first: a token whose PIN nobody knows would be lost. */
    if ((st = take_pin(m, s->so_pin_file, &so_pin)) != ST_OK || (st = take_pin(m, s->pin_file, &pin)) != ST_OK)
        goto done;
    if ((!there && (st = init_token(s, m, slot, &so_pin)) != ST_OK) || (st = check_link_keys(s, m, slot)) != ST_OK ||
        (st = init_user_pin(s, m, slot, &so_pin, &pin)) != ST_OK)
        goto done;
    s->made = true;
done:
    secret_clear(&so_pin);
    secret_clear(&pin);
    return st;
}

enum status token_setup(struct token_setup *s)
{
    struct token_module m = { .module = s->module, .module_config = s->module_config, .make_config = true };
    size_t len = strlen(s->label);
    enum status st;

    s->made = false;
    s->fault[0] = '\0';
    if (len == 0 || len > TOKEN_LABEL_LEN) {
        snprintf(s->fault, sizeof s->fault, "the token's label must have 1 to %d bytes", TOKEN_LABEL_LEN);
        return ST_BAD_REQUEST;
    }
    if ((st = token_module_open(&m)) == ST_OK)
        st = set_up(s, &m);
    token_module_close(&m);
    snprintf(s->fault, sizeof s->fault, "%s", m.fault);
    return st;
}
