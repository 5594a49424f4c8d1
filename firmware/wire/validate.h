/* validate.h - counts, lengths and enumerators of each message of keystore.proto against limits.h, after unpacking.
 * Errors of all: ST_TOO_LARGE a count or length beyond its limit; ST_BAD_REQUEST an unknown enumerator, an unknown
 * field, a part that must be there is not. What PKCS#11 has a CKR for is the keystore's to judge: a message refused
 * here ends the link, so an honest client never makes one. */
#ifndef STRONGROOM_WIRE_VALIDATE_H
#define STRONGROOM_WIRE_VALIDATE_H

#include "firmware/base/status.h"
#include "keystore.pb-c.h"

/* For a message whose fields may hold anything; the others have validators of their own: validate_compute(). */
MUST_CHECK enum status validate_known(const ProtobufCMessage *m);
MUST_CHECK enum status validate_mechanism(const Ks__Mechanism *m);
/* A statement is no body of a message of its own: who reads one out of a SignedStatement checks it by this. */
MUST_CHECK enum status validate_statement(const Ks__Statement *m);

/* clang-format off */
#define VALIDATED_MESSAGES(X) \
    X(Template, template) X(Attach, attach) X(Status, status) X(TokenInfo, token_info) \
    X(MechanismList, mechanism_list) X(InitToken, init_token) X(InitPin, init_pin) X(SetPin, set_pin) \
    X(Login, login) X(SessionInfo, session_info) X(CreateObject, create_object) X(CopyObject, copy_object) \
    X(GetAttributes, get_attributes) X(SetAttributes, set_attributes) X(FindObjects, find_objects) \
    X(Handles, handles) X(GenerateKey, generate_key) X(GenerateKeyPair, generate_key_pair) X(WrapKey, wrap_key) \
    X(UnwrapKey, unwrap_key) X(DeriveKey, derive_key) X(Encapsulate, encapsulate) X(Encapsulated, encapsulated) \
    X(Decapsulate, decapsulate) X(Compute, compute) X(Data, data) X(OperationBegin, operation_begin) \
    X(OperationUpdate, operation_update) X(OperationFinal, operation_final) X(OperationCancel, operation_cancel) \
    X(Random, random) X(Seed, seed) X(Partition, partition) \
    X(PartitionList, partition_list) X(AuditRecords, audit_records) X(BackupPart, backup_part) \
    X(RestoreBegin, restore_begin) X(RestorePart, restore_part) X(DomainInfo, domain_info) \
    X(DomainCreate, domain_create) X(DomainChange, domain_change) X(DomainExport, domain_export) \
    X(DomainFile, domain_file) X(DomainConfirm, domain_confirm) X(Certificate, certificate) \
    X(DomainRestore, domain_restore) X(RoleSet, role_set) X(AuditSinkSet, audit_sink_set) \
    X(FirmwareKeySet, firmware_key_set) X(ClockSet, clock_set) X(StartModeSet, start_mode_set) X(Unlock, unlock) \
    X(Decommission, decommission) X(Attest, attest) X(SignedStatement, signed_statement) \
    X(DeviceIdentity, device_identity) X(CertificateInstall, certificate_install)
/* clang-format on */

#define VALIDATOR_DECLARE(type, name) MUST_CHECK enum status validate_##name(const Ks__##type *m);
VALIDATED_MESSAGES(VALIDATOR_DECLARE)

#endif
