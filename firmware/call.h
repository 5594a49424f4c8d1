/* call.h - one request being worked on: who asks, what for, and the answer. Handlers are functions over it; dispatch.c
 * has the table of them. A handler fills `answer` (and points `reply` at it) or returns why not. */
#ifndef STRONGROOM_CALL_H
#define STRONGROOM_CALL_H

#include "firmware/inside.h"
#include "firmware/wire/body.h"

struct caller {
    enum peer_role role;
    uint64_t link; /* no other has this number */
    uint8_t fingerprint[LINK_FINGERPRINT_LEN];
    struct partition *partition;     /* clients */
    struct application *application; /* once attached */
};

struct call {
    struct keystore *ks;
    struct caller *who;
    struct budget *budget; /* the request, and what the answer points at; wiped afterwards */
    struct audit_entry entry;
    unsigned states; /* in which this request may be done: bits of enum keystore_state */
    bool locked;     /* the partition's lock is held */
    bool key_used;   /* by a request that is not recorded otherwise */
    bool recorded;   /* its record must be in the flash before the answer leaves */
    const ProtobufCMessage *reply;
    union {
        Ks__Attach attach;
        Ks__Status status;
        Ks__TokenInfo token_info;
        Ks__MechanismList mechanism_list;
        Ks__Session session;
        Ks__SessionInfo session_info;
        Ks__Handle handle;
        Ks__Handles handles;
        Ks__Template template;
        Ks__ObjectSize object_size;
        Ks__KeyPair key_pair;
        Ks__Data data;
        Ks__Encapsulated encapsulated;
        Ks__PartitionId partition_id;
        Ks__PartitionList partition_list;
        Ks__AuditRecords audit_records;
        Ks__BackupPart backup_part;
        Ks__DomainInfo domain_info;
        Ks__DomainFile domain_file;
        Ks__Certificate certificate;
        Ks__Unlocked unlocked;
        Ks__SignedStatement signed_statement;
        Ks__DeviceIdentity device_identity;
    } answer;
};

typedef CK_RV call_handler(struct call *c, const ProtobufCMessage *request);

/* The keystore's lock, for a handler. The state is looked at again under it: a reset or a fault may have come while
 * this request waited. Errors: CKR_DEVICE_ERROR, and the lock is not held. */
MUST_CHECK CK_RV call_enter(struct call *c);
bool call_state_fits(const struct call *c);
void call_leave(struct call *c);
/* Handlers that compute for long let go of the lock and take it again; sessions and objects that they did not hold may
 * be gone then. */
void call_unlock(struct call *c);
void call_lock(struct call *c);

/* The session of a request. Errors: CKR_SESSION_HANDLE_INVALID. */
MUST_CHECK CK_RV call_session(struct call *c, uint64_t id, struct session **out);
struct actor call_actor(const struct call *c);
/* A key for `right`, checked: visible, right, CKA_ALLOWED_MECHANISMS. Referenced: object_unref().
 * Errors: CKR_KEY_HANDLE_INVALID; CKR_KEY_FUNCTION_NOT_PERMITTED; CKR_MECHANISM_INVALID not among the allowed;
 * CKR_USER_NOT_LOGGED_IN CKA_ALWAYS_AUTHENTICATE and no context-specific login. */
MUST_CHECK CK_RV call_key(struct call *c, struct session *s, uint64_t handle, enum key_right right,
                          CK_MECHANISM_TYPE mechanism, struct object **out);
/* For the audit: the first object of a request is its record's object, the last of further ones (what was made of it,
 * what carried it) its detail: the first half of the id. */
void call_note_object(struct call *c, const uint8_t unique[OBJECT_UNIQUE_LEN]);
/* May the session make an object of these attributes? Errors: CKR_SESSION_READ_ONLY; CKR_USER_NOT_LOGGED_IN. */
MUST_CHECK CK_RV call_may_make(const struct session *s, const struct attributes *a);
/* Take `a` into a new object of the session, and its handle into *handle. */
MUST_CHECK CK_RV call_add_object(struct call *c, struct session *s, struct attributes *a, uint64_t *handle);
/* The same for several, up to PARTITION_ADD_MAX: all or none. */
MUST_CHECK CK_RV call_add_objects(struct call *c, struct session *s, struct attributes *a, unsigned count,
                                  uint64_t *handles);
/* One attribute as the wire has it, copied into the call's memory; `out->state` says when it is not there or closed.
 * Under the partition's lock. Errors: CKR_DEVICE_MEMORY; CKR_HOST_MEMORY; CKR_DEVICE_ERROR. */
MUST_CHECK CK_RV call_read_attribute(struct call *c, const struct object *o, CK_ATTRIBUTE_TYPE type,
                                     Ks__Attribute *out);
CK_RV call_reply_handle(struct call *c, uint64_t handle);
CK_RV call_reply_data(struct call *c, const uint8_t *p, size_t len);
/* `len` bytes that live as long as the call; NULL: no room. */
void *call_memory(struct call *c, size_t len);

/* requests/ */
call_handler on_attach, on_status, on_token_info, on_mechanism_list, on_init_token, on_init_pin, on_set_pin, on_login,
    on_logout, on_open_session, on_close_session, on_session_info;
call_handler on_create_object, on_copy_object, on_destroy_object, on_get_attributes, on_set_attributes, on_find_objects,
    on_object_size;
call_handler on_generate_key, on_generate_key_pair, on_wrap_key, on_unwrap_key, on_derive_key, on_encapsulate,
    on_decapsulate;
call_handler on_compute, on_operation_begin, on_operation_update, on_operation_final, on_operation_cancel, on_random,
    on_seed;
call_handler on_partition_create, on_partition_list, on_partition_delete, on_partition_set, on_audit_read, on_self_test;
call_handler on_domain_info, on_domain_create, on_domain_export, on_domain_confirm, on_domain_change,
    on_domain_transfer, on_domain_restore;
call_handler on_role_set, on_audit_sink_set, on_firmware_key_set, on_clock_set;
call_handler on_start_mode_set, on_unlock, on_factory_reset, on_zeroise;
call_handler on_attest, on_device_identity, on_certificate_install;
call_handler on_backup_begin, on_backup_next, on_restore_begin, on_restore_next;

#endif
