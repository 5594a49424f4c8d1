/* library.h - the module as a whole: initialised or not, since which fork, its slots. */
#ifndef STRONGROOM_PKCS11_MODULE_LIBRARY_H
#define STRONGROOM_PKCS11_MODULE_LIBRARY_H

#include "pkcs11/module/slot.h"

MUST_CHECK CK_RV library_initialize(const CK_C_INITIALIZE_ARGS *args);
/* Calls under way in other threads are made to end first. */
MUST_CHECK CK_RV library_finalize(void);

/* Around everything that needs the library. CKR_CRYPTOKI_NOT_INITIALIZED: before C_Initialize, after C_Finalize, and in
 * a child that has not called C_Initialize itself; library_leave() must not follow. */
MUST_CHECK CK_RV library_enter(void);
void library_leave(void);

/* Counts C_Initialize calls that succeeded, and forks. */
unsigned library_instance(void);

/* Between the two. */
unsigned library_slot_count(void);
struct slot *library_slot(CK_SLOT_ID id); /* NULL: there is none */

#endif
