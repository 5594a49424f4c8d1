/* shim.h - the controls of token_shim, a PKCS#11 module for tests alone: it forwards to SoftHSM, counts, holds calls,
 * and plays a token that fails, is pulled out and comes back. The tests find these by dlsym. */
#ifndef STRONGROOM_TESTS_TOKEN_SHIM_H
#define STRONGROOM_TESTS_TOKEN_SHIM_H

#include <p11-kit/pkcs11.h>
#include <stdbool.h>

struct shim_controls {
    void (*take_away)(CK_RV answer); /* all calls answer this from now on; sessions, objects and login are lost */
    void (*bring_back)(void);
    void (*finalise)(void);            /* C_Finalize behind everybody's back */
    void (*fail_sign)(CK_RV answer);   /* the next C_Sign answers this */
    void (*fail_open)(unsigned after); /* so many C_OpenSession succeed, then one fails */
    void (*hold_unwraps)(bool hold);   /* C_UnwrapKey waits as long as this is on */
    void (*hide)(CK_MECHANISM_TYPE t); /* not in the list of mechanisms; CKM_VENDOR_DEFINED: nothing is hidden */
    void (*set_flags)(CK_FLAGS flags); /* of every token, besides its own; 0: none */
    unsigned (*unwraps)(void);         /* calls of C_UnwrapKey so far */
    unsigned (*logins)(void);
    unsigned (*opens)(void); /* of sessions, by a token that is there */
    unsigned (*finds)(void); /* looks for objects */
    unsigned (*destroys)(void);
};

#define SHIM_SYMBOL "shim_controls"

#endif
