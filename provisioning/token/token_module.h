/* token_module.h - a PKCS#11 module used as it is, for what pkcs11/token cannot do because it logs in: making a token
 * and changing PINs. One at a time in a process, and before pkcs11/token has the same module. */
#ifndef STRONGROOM_PROVISIONING_TOKEN_MODULE_H
#define STRONGROOM_PROVISIONING_TOKEN_MODULE_H

#include <p11-kit/pkcs11.h>

#include "firmware/base/bytes.h"

#define TOKEN_FAULT_MAX 512
#define TOKEN_LABEL_LEN 32 /* CK_TOKEN_INFO.label: padded with spaces, no NUL (PKCS#11 3.0, 3.2) */

struct token_module {
    const char *module;        /* path */
    const char *module_config; /* the module's own configuration; NULL: the environment says */
    bool make_config;          /* make one for SoftHSM, with a token directory beside it, when it is not there */
    /* from token_module_open() on */
    CK_FUNCTION_LIST *f;
    int lock_fd; /* SoftHSM's token directory, by the same lock that pkcs11/token takes; -1: none to lock */
    char fault[TOKEN_FAULT_MAX]; /* what failed, for the operator */
};

/* On error `fault` says what. Close in every case. Errors: ST_NOT_FOUND no module, no token directory; ST_BUSY another
 * process has the tokens; ST_UNAVAILABLE; ST_IO; ST_NO_MEMORY. */
MUST_CHECK enum status token_module_open(struct token_module *m);
void token_module_close(struct token_module *m);

/* The slot of the token with this label; of one that is not initialised. False: none. */
bool token_module_find(struct token_module *m, const char *label, CK_SLOT_ID *slot, CK_TOKEN_INFO *info);
bool token_module_find_free(struct token_module *m, CK_SLOT_ID *slot, CK_TOKEN_INFO *info);

/* How many link keys the token has, where the module tells: strongroom.h. 0: it does not. */
unsigned long token_module_link_keys(const struct token_module *m, CK_SLOT_ID slot);

/* Sets `fault` and returns `st`. */
enum status token_module_fail(struct token_module *m, enum status st, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What the module says of the token with this label, once it is initialised in this process. */
struct token_facts {
    char label[33], manufacturer[33], model[17], serial[17];
    char library[33];
    unsigned library_major, library_minor, hardware_major, hardware_minor, firmware_major, firmware_minor;
    bool user_pin_locked, user_pin_final_try, so_pin_locked;
};
/* Errors: ST_NOT_FOUND; ST_UNAVAILABLE. */
MUST_CHECK enum status token_facts_read(const char *module, const char *label, struct token_facts *out);

#endif
