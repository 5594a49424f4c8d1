/* token_setup.h - from nothing to a token with PINs, through the PKCS#11 module itself (C_InitToken, C_InitPIN).
 * Used before pkcs11/token can be: that one logs in, and here there is nobody to log in as. The PINs are 192 random
 * bits each, as text; they exist in their files, in the token and for a moment in locked memory. */
#ifndef STRONGROOM_PROVISIONING_TOKEN_SETUP_H
#define STRONGROOM_PROVISIONING_TOKEN_SETUP_H

#include "provisioning/token/token_module.h"

struct token_setup {
    const char *module;
    const char *module_config; /* SoftHSM's configuration, made with a token directory beside it when it is not there;
                                  NULL: the environment says */
    const char *label;         /* 1 to 32 bytes */
    const char *pin_file;      /* user PIN; both files are made (0400) unless they are there */
    const char *so_pin_file;
    unsigned long link_keys; /* that the token is to have; with others it is left as it is */
    /* results */
    bool made;                   /* false: the token was there, with its PINs */
    char fault[TOKEN_FAULT_MAX]; /* what failed, for the operator */
};

/* Idempotent, and goes on where an interrupted run ended. One process may do this at a time, and no daemon may have the
 * token meanwhile. On error `fault` says what. Errors: ST_NOT_FOUND no module, no free slot; ST_BUSY another process
 * has the tokens; ST_NOT_PERMITTED a PIN file is not private, or a PIN is wrong; ST_BAD_REQUEST the label;
 * ST_UNAVAILABLE; ST_IO; ST_NO_MEMORY. */
MUST_CHECK enum status token_setup(struct token_setup *s);

#endif
