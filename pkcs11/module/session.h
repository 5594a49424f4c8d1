/* session.h - one session as this process knows it: the keystore's number for it, the operations that have begun, the
 * search that is under way. What a session holds is used by one thread at a time, under its lock. */
#ifndef STRONGROOM_PKCS11_MODULE_SESSION_H
#define STRONGROOM_PKCS11_MODULE_SESSION_H

#include "firmware/base/secret.h"
#include "pkcs11/module/client.h"
#include "pkcs11/module/mechanism_wire.h"

#define SESSION_TABLE 65536 /* sessions of the process, over all slots */
#define PARTS_INLINE  64

enum operation_phase {
    PHASE_NONE,
    PHASE_READY, /* initialised here; the keystore has not been told */
    PHASE_ASKED, /* ready, and a one-shot call has been told its length */
    PHASE_PARTS, /* begun at the keystore */
    PHASE_ENDED, /* over at the keystore; its last output waits in `pending` */
};

struct active {
    enum operation_phase phase;
    const struct mechanism_shape *shape;
    struct mechanism mechanism; /* its spans lie in `parts` */
    uint8_t small[PARTS_INLINE], *parts;
    size_t parts_len;
    CK_OBJECT_HANDLE key;
    CK_KEY_TYPE key_type;
    unsigned key_bits;
    uint64_t in_len, out_len; /* in parts: what went in and came out */
    struct bytes pending;     /* output that did not fit; wiped */
    bool has_pending;
    size_t pending_for;   /* length of the input it belongs to */
    bool signature_first; /* C_VerifySignatureInit */
    struct bytes signature;
};

struct session {
    pthread_mutex_t lock;
    CK_SESSION_HANDLE handle; /* CK_INVALID_HANDLE: free. Changes under both locks */
    unsigned place;           /* in the table */
    struct session *next_free;
    struct slot *slot;
    uint64_t number; /* the keystore's */
    uint64_t generation;
    CK_FLAGS flags;
    struct active active[OPERATION_KIND_COUNT_];
    bool finding;
    uint64_t *found; /* handles, of which `found_taken` have been given out */
    size_t found_count, found_taken;
};

/* The process's sessions. */
CK_RV session_open(struct slot *slot, CK_FLAGS flags, CK_SESSION_HANDLE *out);
/* Find and lock. Errors: CKR_SESSION_HANDLE_INVALID; CKR_DEVICE_REMOVED, once, when the keystore that had it is gone:
 * the handle is free then. */
MUST_CHECK CK_RV session_lock(CK_SESSION_HANDLE handle, struct session **out);
void session_unlock(struct session *s);
/* Locked before, free and unlocked afterwards. */
void session_forget(struct session *s);
/* Those of one slot; NULL: of all. */
void session_forget_all(const struct slot *slot);
/* No call is under way. */
void session_free_all(void);
bool session_exists(const struct slot *slot);
/* In a forked child: as if there had never been any. */
void session_abandon_all(void);

/* Ask for this session. */
MUST_CHECK CK_RV session_call(struct session *s, uint16_t kind, const ProtobufCMessage *request, unsigned timeout_ms,
                              struct reply *out);
MUST_CHECK CK_RV session_order(struct session *s, uint16_t kind, const ProtobufCMessage *request, unsigned timeout_ms);
static inline ProtobufCBinaryData wire_bytes(const void *p, size_t len)
{
    return (ProtobufCBinaryData){ .data = (uint8_t *)p, .len = len };
}

#endif
