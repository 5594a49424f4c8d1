/* pin_session.h - the PINs of a configuration's token, by a read/write session of its PKCS#11 module. */
#ifndef STRONGROOM_PROVISIONING_PIN_SESSION_H
#define STRONGROOM_PROVISIONING_PIN_SESSION_H

#include "firmware/base/secret.h"
#include "provisioning/token/site.h"
#include "provisioning/token/token_module.h"

enum pin_who { PIN_USER, PIN_SO };

struct pin_state {
    bool set, to_be_changed, count_low, final_try, locked;
};

struct pin_session {
    struct token_module module;
    const char *label;
    CK_SLOT_ID slot;
    CK_TOKEN_INFO info;
    CK_SESSION_HANDLE session; /* CK_INVALID_HANDLE: none */
};

/* Returns EXIT_DONE, or EXIT_REFUSED after saying why. Close in every case. */
int pin_session_open(const struct invocation *in, const struct site *s, struct pin_session *p);
void pin_session_close(struct pin_session *p);

/* What the token says of a PIN now; it is asked again. */
struct pin_state pin_session_state(struct pin_session *p, enum pin_who who);

/* C_Login, C_Logout, C_SetPIN of the one who is logged in, C_InitPIN by the SO. */
CK_RV pin_session_login(struct pin_session *p, enum pin_who who, struct span pin);
void pin_session_logout(struct pin_session *p);
CK_RV pin_session_change(struct pin_session *p, struct span old_pin, struct span new_pin);
CK_RV pin_session_reset_user(struct pin_session *p, struct span new_pin);

/* Says that `what` ("the user PIN is not changed") and why; EXIT_REFUSED. */
int pin_session_refuse(const struct invocation *in, struct pin_session *p, enum pin_who who, const char *what,
                       CK_RV rv);

/* --who; EXIT_USAGE when it is neither. */
int pin_who_given(const struct invocation *in, enum pin_who *who);
const char *pin_who_name(enum pin_who who); /* "user PIN" */

#endif
