/* validate.h - counts, lengths and enumerators of each message of keystore.proto against limits.h, after unpacking.
 * Errors of all: ST_TOO_LARGE a count or length beyond its limit; ST_BAD_REQUEST an unknown enumerator, an unknown
 * field, a part that must be there is not. What PKCS#11 has a CKR for is the keystore's to judge: a message refused
 * here ends the link, so an honest client never makes one. */
#ifndef STRONGROOM_WIRE_VALIDATE_H
#define STRONGROOM_WIRE_VALIDATE_H

#include "firmware/base/status.h"
#include "keystore.pb-c.h"

MUST_CHECK enum status validate_template(const Ks__Template *m);
MUST_CHECK enum status validate_mechanism(const Ks__Mechanism *m);

MUST_CHECK enum status validate_empty(const Ks__Empty *m);
MUST_CHECK enum status validate_attach(const Ks__Attach *m);
MUST_CHECK enum status validate_status(const Ks__Status *m);
MUST_CHECK enum status validate_token_info(const Ks__TokenInfo *m);
MUST_CHECK enum status validate_mechanism_list(const Ks__MechanismList *m);
MUST_CHECK enum status validate_init_token(const Ks__InitToken *m);
MUST_CHECK enum status validate_init_pin(const Ks__InitPin *m);
MUST_CHECK enum status validate_set_pin(const Ks__SetPin *m);
MUST_CHECK enum status validate_login(const Ks__Login *m);
MUST_CHECK enum status validate_session(const Ks__Session *m);
MUST_CHECK enum status validate_open_session(const Ks__OpenSession *m);
MUST_CHECK enum status validate_session_info(const Ks__SessionInfo *m);
MUST_CHECK enum status validate_create_object(const Ks__CreateObject *m);
MUST_CHECK enum status validate_copy_object(const Ks__CopyObject *m);
MUST_CHECK enum status validate_object(const Ks__Object *m);
MUST_CHECK enum status validate_object_size(const Ks__ObjectSize *m);
MUST_CHECK enum status validate_get_attributes(const Ks__GetAttributes *m);
MUST_CHECK enum status validate_set_attributes(const Ks__SetAttributes *m);
MUST_CHECK enum status validate_find_objects(const Ks__FindObjects *m);
MUST_CHECK enum status validate_handles(const Ks__Handles *m);
MUST_CHECK enum status validate_handle(const Ks__Handle *m);
MUST_CHECK enum status validate_generate_key(const Ks__GenerateKey *m);
MUST_CHECK enum status validate_generate_key_pair(const Ks__GenerateKeyPair *m);
MUST_CHECK enum status validate_key_pair(const Ks__KeyPair *m);
MUST_CHECK enum status validate_wrap_key(const Ks__WrapKey *m);
MUST_CHECK enum status validate_unwrap_key(const Ks__UnwrapKey *m);
MUST_CHECK enum status validate_derive_key(const Ks__DeriveKey *m);
MUST_CHECK enum status validate_encapsulate(const Ks__Encapsulate *m);
MUST_CHECK enum status validate_encapsulated(const Ks__Encapsulated *m);
MUST_CHECK enum status validate_decapsulate(const Ks__Decapsulate *m);
MUST_CHECK enum status validate_compute(const Ks__Compute *m);
MUST_CHECK enum status validate_data(const Ks__Data *m);
MUST_CHECK enum status validate_operation_begin(const Ks__OperationBegin *m);
MUST_CHECK enum status validate_operation_update(const Ks__OperationUpdate *m);
MUST_CHECK enum status validate_operation_final(const Ks__OperationFinal *m);
MUST_CHECK enum status validate_operation_cancel(const Ks__OperationCancel *m);
MUST_CHECK enum status validate_random(const Ks__Random *m);
MUST_CHECK enum status validate_seed(const Ks__Seed *m);
MUST_CHECK enum status validate_provision(const Ks__Provision *m);
MUST_CHECK enum status validate_partition(const Ks__Partition *m);
MUST_CHECK enum status validate_partition_id(const Ks__PartitionId *m);
MUST_CHECK enum status validate_partition_list(const Ks__PartitionList *m);
MUST_CHECK enum status validate_audit_read(const Ks__AuditRead *m);
MUST_CHECK enum status validate_audit_records(const Ks__AuditRecords *m);

#endif
