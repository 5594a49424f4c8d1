#include "provisioning/token/pin_session.h"

int pin_who_given(const struct invocation *in, enum pin_who *who)
{
    const char *value = command_value(in, "who");

    if (strcmp(value, "user") == 0)
        *who = PIN_USER;
    else if (strcmp(value, "so") == 0)
        *who = PIN_SO;
    else
        return command_misused(in, "--who is user or so");
    return EXIT_DONE;
}

const char *pin_who_name(enum pin_who who)
{
    return who == PIN_SO ? "SO PIN" : "user PIN";
}

static int open_session(const struct invocation *in, struct pin_session *p)
{
    CK_RV rv = p->module.f->C_OpenSession(p->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &p->session);

    if (rv == CKR_OK)
        return EXIT_DONE;
    p->session = CK_INVALID_HANDLE;
    return command_refuse(in, "no session with the token (C_OpenSession: 0x%lx)", rv);
}

int pin_session_open(const struct invocation *in, const struct site *s, struct pin_session *p)
{
    *p = (struct pin_session){
        .module = { .module = s->config.token_module,
                    .module_config = s->config.token_config[0] != '\0' ? s->config.token_config : NULL },
        .label = s->config.token_label,
        .session = CK_INVALID_HANDLE,
    };
    if (token_module_open(&p->module) != ST_OK)
        return command_refuse(in, "%s", p->module.fault);
    if (!token_module_find(&p->module, p->label, &p->slot, &p->info))
        return command_refuse(in, "there is no token \"%s\"; `strongroom token init` makes it", p->label);
    return open_session(in, p);
}

void pin_session_close(struct pin_session *p)
{
    if (p->session != CK_INVALID_HANDLE)
        p->module.f->C_CloseSession(p->session); /* the last of this process: logs out */
    p->session = CK_INVALID_HANDLE;
    token_module_close(&p->module);
}

struct pin_state pin_session_state(struct pin_session *p, enum pin_who who)
{
    CK_TOKEN_INFO info;
    CK_FLAGS f;

    if (p->module.f->C_GetTokenInfo(p->slot, &info) == CKR_OK)
        p->info = info;
    f = p->info.flags;
    if (who == PIN_SO)
        return (struct pin_state){
            .set = (f & CKF_TOKEN_INITIALIZED) != 0,
            .to_be_changed = (f & CKF_SO_PIN_TO_BE_CHANGED) != 0,
            .count_low = (f & CKF_SO_PIN_COUNT_LOW) != 0,
            .final_try = (f & CKF_SO_PIN_FINAL_TRY) != 0,
            .locked = (f & CKF_SO_PIN_LOCKED) != 0,
        };
    return (struct pin_state){
        .set = (f & CKF_USER_PIN_INITIALIZED) != 0,
        .to_be_changed = (f & CKF_USER_PIN_TO_BE_CHANGED) != 0,
        .count_low = (f & CKF_USER_PIN_COUNT_LOW) != 0,
        .final_try = (f & CKF_USER_PIN_FINAL_TRY) != 0,
        .locked = (f & CKF_USER_PIN_LOCKED) != 0,
    };
}

CK_RV pin_session_login(struct pin_session *p, enum pin_who who, struct span pin)
{
    return p->module.f->C_Login(p->session, who == PIN_SO ? CKU_SO : CKU_USER, (CK_UTF8CHAR_PTR)(uintptr_t)pin.p,
                                pin.len);
}

void pin_session_logout(struct pin_session *p)
{
    p->module.f->C_Logout(p->session);
}

CK_RV pin_session_change(struct pin_session *p, struct span old_pin, struct span new_pin)
{
    return p->module.f->C_SetPIN(p->session, (CK_UTF8CHAR_PTR)(uintptr_t)old_pin.p, old_pin.len,
                                 (CK_UTF8CHAR_PTR)(uintptr_t)new_pin.p, new_pin.len);
}

CK_RV pin_session_reset_user(struct pin_session *p, struct span new_pin)
{
    return p->module.f->C_InitPIN(p->session, (CK_UTF8CHAR_PTR)(uintptr_t)new_pin.p, new_pin.len);
}

static int refuse_wrong_pin(const struct invocation *in, struct pin_session *p, enum pin_who who, const char *what)
{
    struct pin_state now = pin_session_state(p, who);

    return command_refuse(in, "%s: the %s is wrong%s", what, pin_who_name(who),
                          now.locked      ? ", and locked now"
                          : now.final_try ? "; one try is left"
                          : now.count_low ? "; wrong ones have been tried before"
                                          : "");
}

int pin_session_refuse(const struct invocation *in, struct pin_session *p, enum pin_who who, const char *what, CK_RV rv)
{
    switch (rv) {
    case CKR_PIN_INCORRECT:
        return refuse_wrong_pin(in, p, who, what);
    case CKR_PIN_LOCKED:
        return command_refuse(in, "%s: the %s is locked%s", what, pin_who_name(who),
                              who == PIN_USER ? "; `strongroom pin unlock` sets a new one" : " for good");
    case CKR_PIN_LEN_RANGE:
        return command_refuse(in, "%s: a PIN has %lu to %lu bytes", what, p->info.ulMinPinLen, p->info.ulMaxPinLen);
    case CKR_PIN_INVALID:
        return command_refuse(in, "%s: the token does not accept this PIN", what);
    case CKR_USER_PIN_NOT_INITIALIZED:
        return command_refuse(in, "%s: no user PIN is set yet; `strongroom pin unlock` sets it", what);
    default:
        return command_refuse(in, "%s (0x%lx)", what, rv);
    }
}
