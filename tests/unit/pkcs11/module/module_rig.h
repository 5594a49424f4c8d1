/* module_rig.h - the built module, loaded as a client loads it, and a fake keystore for it. */
#ifndef STRONGROOM_TESTS_MODULE_RIG_H
#define STRONGROOM_TESTS_MODULE_RIG_H

#include "pkcs11/module/pkcs11_3.h"
#include "pkcs11/module/strongroom.h"
#include "tests/unit/harness.h"
#include "tests/unit/pkcs11/module/fake_keystore.h"

struct rig {
    void *library;
    CK_FUNCTION_LIST_3_2 *p11;
    CK_STRONGROOM_FUNCTION_LIST *batch;
    struct fake_keystore *fake;
    struct credential board, client;
    char socket[80], conf[80];
};
extern struct rig rig;

/* Suite set-up: files, configuration, keystore, C_Initialize is left to the tests. */
int rig_open(void);
int rig_close(void);
/* C_Initialize and a session. */
CK_SESSION_HANDLE rig_session(void);
void rig_finalize(void);
/* The keystore dies, and comes back as another boot. */
void rig_kill(void);
void rig_revive(void);
/* Write a file of the configuration. */
void rig_write(const char *path, const char *text, unsigned mode);

#endif
