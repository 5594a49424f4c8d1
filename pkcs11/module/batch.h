/* batch.h - the functions of the batch interface: strongroom.h says what they do. */
#ifndef STRONGROOM_PKCS11_MODULE_BATCH_H
#define STRONGROOM_PKCS11_MODULE_BATCH_H

#include "pkcs11/module/strongroom.h"

CK_RV batch_open(CK_SESSION_HANDLE session, int *descriptor, CK_STRONGROOM_BATCH_PTR *batch);
CK_RV batch_submit(CK_STRONGROOM_BATCH_PTR batch, const CK_STRONGROOM_REQUEST *requests, CK_ULONG *count);
CK_RV batch_reap(CK_STRONGROOM_BATCH_PTR batch, CK_STRONGROOM_RESULT *results, CK_ULONG *count);
CK_BBOOL batch_wants_write(CK_STRONGROOM_BATCH_PTR batch);
CK_RV batch_close(CK_STRONGROOM_BATCH_PTR batch);

/* C_Finalize: their connections go back, the batches are only good for batch_close(). */
void batch_end_all(void);
/* In a forked child: as if there had never been any. */
void batch_abandon_all(void);

#endif
