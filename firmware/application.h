/* application.h - one client process as the keystore sees it: the links that are attached, the login, the sessions.
 * PKCS#11 gives login and object handles to an application (3.0, 5.1); it ends when its last link does.
 * Everything is guarded by the partition's lock. */
#ifndef STRONGROOM_APPLICATION_H
#define STRONGROOM_APPLICATION_H

#include "firmware/crypto/operation.h"
#include "firmware/partition.h"

#define APPLICATION_ID_LEN 16

enum login { LOGIN_NONE, LOGIN_USER, LOGIN_SO };

struct session {
    uint64_t id;
    struct application *application;
    bool read_write;
    bool context_login; /* CKU_CONTEXT_SPECIFIC has been given for the next operation (CKA_ALWAYS_AUTHENTICATE) */
    struct operation *operations[OPERATION_KIND_COUNT_]; /* in parts; by kind */
    struct object *objects;                              /* the first of those it made */
    unsigned busy;                                       /* BIT(kind): that operation is at work without the lock */
    unsigned ended;                                      /* and was ended meanwhile: it is not put back */
    bool closed;                                         /* while busy: freed by who is at work */
};

struct application {
    uint8_t id[APPLICATION_ID_LEN];
    uint8_t peer[LINK_FINGERPRINT_LEN];
    struct partition *partition;
    uint64_t mask; /* handles are object ids under this mask: they mean nothing to another application */
    enum login login;
    struct handle_table sessions;
    uint32_t read_only_sessions;
    unsigned refs; /* links and slow work */
    unsigned links;
    struct application *next;
};

/* Errors: CKR_HOST_MEMORY; CKR_DEVICE_ERROR no random bytes. */
MUST_CHECK CK_RV application_new(struct partition *p, const uint8_t peer[LINK_FINGERPRINT_LEN],
                                 struct application **out);
/* The one with this id, if it belongs to the same peer and has not ended; NULL. */
struct application *application_find(struct partition *p, const uint8_t peer[LINK_FINGERPRINT_LEN], struct span id);
/* Give a reference back: a link's, or that of slow work. The last link ends all sessions, their objects, the login. */
void application_leave(struct application *a, struct storage *s, bool link);

/* Errors: CKR_SESSION_COUNT; CKR_SESSION_READ_WRITE_SO_EXISTS; CKR_HOST_MEMORY. */
MUST_CHECK CK_RV session_open(struct application *a, bool read_write, struct session **out);
struct session *session_find(struct application *a, uint64_t id); /* NULL */
/* With the objects it made. The last one logs out, and no handle is valid any more. */
void session_close(struct session *s, struct storage *storage);
void session_close_all(struct application *a, struct storage *storage);
CK_STATE session_state(const struct session *s);
void application_logout(struct application *a, struct storage *s); /* ends private session objects and all operations */

/* The object behind a handle, if this application may see it now; not referenced. NULL. */
struct object *application_object(struct application *a, uint64_t handle);
uint64_t application_handle(const struct application *a, const struct object *o);
/* New objects into the partition, all or none: token objects, or those of `s`. Errors: as partition_add_objects(). */
MUST_CHECK CK_RV application_add_objects(struct session *s, struct storage *storage, struct object *const *objects,
                                         unsigned count);
MUST_CHECK CK_RV application_remove_object(struct application *a, struct storage *storage, struct object *o);

/* Take in an operation that begins; none of its kind is active. Errors: CKR_DEVICE_MEMORY there are too many. */
MUST_CHECK CK_RV session_begin_operation(struct session *s, enum operation_kind kind, struct operation *op);
/* Take an operation out to work on it without the lock, and put it back. Errors: CKR_OPERATION_NOT_INITIALIZED;
 * CKR_OPERATION_ACTIVE it is being worked on already. */
MUST_CHECK CK_RV session_take_operation(struct session *s, enum operation_kind kind, struct operation **out);
/* NULL: it has ended. The session may be gone afterwards. */
void session_put_operation(struct session *s, enum operation_kind kind, struct operation *op);
void session_end_operations(struct session *s);
void session_end_operation(struct session *s, enum operation_kind kind);

#endif
