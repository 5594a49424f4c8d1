/* strongroom.h - what libstrongroom-pkcs11.so offers beyond the standard: the seal mechanism, the batch interface,
 * attestation, and who else has a token.
 *
 * Batch: C_GetInterface("Strongroom Batch", NULL, ...) gives a CK_STRONGROOM_FUNCTION_LIST. A batch is one link to the
 * keystore: hand in many requests with one write, wait on its descriptor, take the results in any order by their tags.
 * It belongs to a session, whose login and objects it uses; requests are whole operations with a key and do not
 * touch the session's own operations. One thread at a time per batch. After a fork the child has none.
 *
 * Attestation: C_GetInterface("Strongroom Attestation", NULL, ...) gives a CK_STRONGROOM_ATTESTATION_FUNCTION_LIST: the
 * keystore's signed word on a key, on its attributes and on itself (docs/attestation.md).
 *
 * Token: C_GetInterface("Strongroom Token", NULL, ...) gives a CK_STRONGROOM_TOKEN_FUNCTION_LIST. */
#ifndef STRONGROOM_PKCS11_MODULE_STRONGROOM_H
#define STRONGROOM_PKCS11_MODULE_STRONGROOM_H

#include "firmware/wire/pkcs11.h"

#define STRONGROOM_BATCH_INTERFACE       "Strongroom Batch"
#define STRONGROOM_ATTESTATION_INTERFACE "Strongroom Attestation"
#define STRONGROOM_TOKEN_INTERFACE       "Strongroom Token"

/* Parameter of CKM_STRONGROOM_SEAL with C_WrapKey and C_UnwrapKey: what the sealed key is bound to, up to
 * STRONGROOM_SEAL_CONTEXT_MAX bytes. The wrapping key is ignored: give CK_INVALID_HANDLE. C_UnwrapKey's template may be
 * empty; what it names must agree with the sealed attributes, but for CKA_TOKEN. */
typedef struct CK_STRONGROOM_SEAL_PARAMS {
    CK_BYTE_PTR pContext;
    CK_ULONG ulContextLen;
} CK_STRONGROOM_SEAL_PARAMS;

typedef enum CK_STRONGROOM_OPERATION {
    CK_STRONGROOM_ENCRYPT = 1, /* numbers of operation_kind */
    CK_STRONGROOM_DECRYPT = 2,
    CK_STRONGROOM_SIGN = 3,
    CK_STRONGROOM_VERIFY = 4,
    CK_STRONGROOM_UNWRAP = 100, /* in: the wrapped key; template; result: a handle */
    CK_STRONGROOM_DESTROY = 101
} CK_STRONGROOM_OPERATION;

typedef struct CK_STRONGROOM_REQUEST {
    CK_ULONG operation;
    void *tag; /* the caller's: comes back with the result */
    CK_MECHANISM_PTR mechanism;
    CK_OBJECT_HANDLE key;
    CK_BYTE_PTR in;
    CK_ULONG in_len;
    CK_BYTE_PTR signature; /* VERIFY */
    CK_ULONG signature_len;
    CK_ATTRIBUTE_PTR attributes; /* UNWRAP */
    CK_ULONG attribute_count;
    CK_BYTE_PTR out; /* where the result goes; must stay until the result has been taken */
    CK_ULONG out_room;
} CK_STRONGROOM_REQUEST;

typedef struct CK_STRONGROOM_RESULT {
    void *tag;
    CK_RV rv;
    CK_ULONG out_len;        /* bytes in `out` */
    CK_OBJECT_HANDLE handle; /* UNWRAP */
} CK_STRONGROOM_RESULT;

typedef struct CK_STRONGROOM_BATCH *CK_STRONGROOM_BATCH_PTR; /* opaque */

typedef struct CK_STRONGROOM_FUNCTION_LIST {
    CK_VERSION version; /* 1.0 */
    /* *descriptor becomes readable when results, or the end of the link, wait; poll it for CK_STRONGROOM_POLL below. */
    CK_RV (*OpenBatch)(CK_SESSION_HANDLE session, int *descriptor, CK_STRONGROOM_BATCH_PTR *batch);
    /* Takes the first *count of `requests` (at most 64 are under way) and sets *count to how many it took; nothing the
     * requests point at is needed afterwards but `out`. CKR_DEVICE_REMOVED: the link is gone; results of all requests
     * under way are then CKR_DEVICE_REMOVED in Reap, and the batch must be opened anew. */
    CK_RV (*Submit)(CK_STRONGROOM_BATCH_PTR batch, const CK_STRONGROOM_REQUEST *requests, CK_ULONG *count);
    /* Up to *count results; sets *count. Does not wait. Ask until it gives fewer than asked for: what has been read is
     * not announced by the descriptor again. CKR_DEVICE_REMOVED: there are no more, and the link is gone. */
    CK_RV (*Reap)(CK_STRONGROOM_BATCH_PTR batch, CK_STRONGROOM_RESULT *results, CK_ULONG *count);
    /* True while the batch has bytes to send that did not fit: then also wait for the descriptor to become writable,
     * and Reap. */
    CK_BBOOL (*WantsWrite)(CK_STRONGROOM_BATCH_PTR batch);
    CK_RV (*CloseBatch)(CK_STRONGROOM_BATCH_PTR batch);
} CK_STRONGROOM_FUNCTION_LIST;

#define STRONGROOM_NONCE_MIN       16
#define STRONGROOM_NONCE_MAX       64
#define STRONGROOM_ATTESTATION_MAX (96u * 1024) /* room for any attestation */

typedef struct CK_STRONGROOM_ATTESTATION_FUNCTION_LIST {
    CK_VERSION version; /* 1.0 */
    /* A packed ks.SignedStatement (firmware/wire/keystore.proto) about `key`, which the session may see: private,
     * public or secret. The nonce is the asker's, STRONGROOM_NONCE_MIN to _MAX bytes. Lengths by the convention of
     * PKCS#11, 5.2; a NULL `out` costs the keystore a statement, too, so who has the room gives
     * STRONGROOM_ATTESTATION_MAX bytes at once. */
    CK_RV(*C_StrongroomAttest)
    (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, CK_BYTE_PTR nonce, CK_ULONG nonce_len, CK_BYTE_PTR out,
     CK_ULONG_PTR out_len);
} CK_STRONGROOM_ATTESTATION_FUNCTION_LIST;

typedef struct CK_STRONGROOM_TOKEN_FUNCTION_LIST {
    CK_VERSION version; /* 1.0 */
    /* How many link keys the token's partition has, this client's among them. The keystore's owner names them, alone
     * until C_InitToken and with a quorum from then on: who initialises a token looks before and after it. */
    CK_RV (*C_StrongroomLinkKeys)(CK_SLOT_ID slot, CK_ULONG_PTR count);
} CK_STRONGROOM_TOKEN_FUNCTION_LIST;

#endif
