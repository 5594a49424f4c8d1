/* message.h - the messages of the link: the header in front of each body, and which kinds there are.
 *
 *   length     4 bytes, big-endian: of the body, at most LINK_MESSAGE_MAX
 *   id         4 bytes: the requester's choice, not 0; the answer bears the same
 *   kind       2 bytes: enum message_kind; an answer has the kind of its request
 *   flags      2 bytes: MESSAGE_ANSWER or 0
 *   word       4 bytes: in a request the deadline in milliseconds from its arrival (0: none); in an answer the result,
 *              a CK_RV of PKCS#11. An answer whose result is not CKR_OK has an empty body
 *   body       protobuf-c, keystore.proto
 * The board never speaks first: every message it sends answers one. */
#ifndef STRONGROOM_WIRE_MESSAGE_H
#define STRONGROOM_WIRE_MESSAGE_H

#include "firmware/base/bytes.h"
#include "firmware/wire/limits.h"

#define MESSAGE_HEADER_LEN 16
#define MESSAGE_ANSWER     0x0001u

enum message_kind {
    MESSAGE_ATTACH = 1, /* Attach -> Attach */
    MESSAGE_STATUS = 2, /* Empty -> Status */
    /* the token */
    MESSAGE_TOKEN_INFO = 10,     /* Empty -> TokenInfo */
    MESSAGE_MECHANISM_LIST = 11, /* Empty -> MechanismList */
    MESSAGE_INIT_TOKEN = 12,     /* InitToken -> Empty */
    MESSAGE_INIT_PIN = 13,       /* InitPin -> Empty */
    MESSAGE_SET_PIN = 14,        /* SetPin -> Empty */
    MESSAGE_LOGIN = 15,          /* Login -> Empty */
    MESSAGE_LOGOUT = 16,         /* Session -> Empty */
    /* sessions */
    MESSAGE_OPEN_SESSION = 20,  /* OpenSession -> Session */
    MESSAGE_CLOSE_SESSION = 21, /* Session -> Empty */
    MESSAGE_SESSION_INFO = 22,  /* Session -> SessionInfo */
    /* objects */
    MESSAGE_CREATE_OBJECT = 30,  /* CreateObject -> Handle */
    MESSAGE_COPY_OBJECT = 31,    /* CopyObject -> Handle */
    MESSAGE_DESTROY_OBJECT = 32, /* Object -> Empty */
    MESSAGE_GET_ATTRIBUTES = 33, /* GetAttributes -> Template, in the order asked */
    MESSAGE_SET_ATTRIBUTES = 34, /* SetAttributes -> Empty */
    MESSAGE_FIND_OBJECTS = 35,   /* FindObjects -> Handles */
    MESSAGE_OBJECT_SIZE = 36,    /* Object -> ObjectSize */
    /* keys */
    MESSAGE_GENERATE_KEY = 40,      /* GenerateKey -> Handle */
    MESSAGE_GENERATE_KEY_PAIR = 41, /* GenerateKeyPair -> KeyPair */
    MESSAGE_WRAP_KEY = 42,          /* WrapKey -> Data */
    MESSAGE_UNWRAP_KEY = 43,        /* UnwrapKey -> Handle */
    MESSAGE_DERIVE_KEY = 44,        /* DeriveKey -> Handle */
    MESSAGE_ENCAPSULATE = 45,       /* Encapsulate -> Encapsulated */
    MESSAGE_DECAPSULATE = 46,       /* Decapsulate -> Handle */
    /* operations */
    MESSAGE_COMPUTE = 50,          /* Compute -> Data */
    MESSAGE_OPERATION_BEGIN = 51,  /* OperationBegin -> Empty */
    MESSAGE_OPERATION_UPDATE = 52, /* OperationUpdate -> Data */
    MESSAGE_OPERATION_FINAL = 53,  /* OperationFinal -> Data */
    MESSAGE_OPERATION_CANCEL = 54, /* OperationCancel -> Empty */
    MESSAGE_RANDOM = 56,           /* Random -> Data */
    MESSAGE_SEED = 57,             /* Seed -> Empty */
    /* administration */
    /* 70 was PROVISION */
    MESSAGE_PARTITION_CREATE = 71, /* Partition -> PartitionId */
    MESSAGE_PARTITION_LIST = 72,   /* Empty -> PartitionList */
    MESSAGE_PARTITION_DELETE = 73, /* PartitionId -> Empty */
    MESSAGE_PARTITION_SET = 74,    /* Partition (whole, by id) -> Empty */
    MESSAGE_AUDIT_READ = 75,       /* AuditRead -> AuditRecords */
    MESSAGE_SELF_TEST = 76,        /* Empty -> Empty */
    MESSAGE_ZEROISE = 77,          /* Decommission -> SignedStatement */
    MESSAGE_FACTORY_RESET = 78,    /* Decommission -> SignedStatement */
    MESSAGE_BACKUP_BEGIN = 80,     /* BackupBegin -> BackupPart */
    MESSAGE_BACKUP_NEXT = 81,      /* Empty -> BackupPart */
    MESSAGE_RESTORE_BEGIN = 82,    /* RestoreBegin -> Empty */
    MESSAGE_RESTORE_NEXT = 83,     /* RestorePart -> Empty; the last one makes the partition */
    /* ceremonies */
    MESSAGE_DOMAIN_INFO = 90,          /* Empty -> DomainInfo */
    MESSAGE_DOMAIN_CREATE = 91,        /* DomainCreate -> Empty */
    MESSAGE_DOMAIN_EXPORT = 92,        /* DomainExport -> DomainFile */
    MESSAGE_DOMAIN_CONFIRM = 93,       /* DomainConfirm -> Empty */
    MESSAGE_DOMAIN_CHANGE = 94,        /* DomainChange -> Empty: the new holders are pending */
    MESSAGE_DOMAIN_TRANSFER = 95,      /* Empty -> Certificate */
    MESSAGE_DOMAIN_RESTORE = 96,       /* DomainRestore -> Empty */
    MESSAGE_ROLE_SET = 97,             /* RoleSet -> Empty */
    MESSAGE_AUDIT_SINK_SET = 98,       /* AuditSinkSet -> Empty */
    MESSAGE_FIRMWARE_KEY_SET = 99,     /* FirmwareKeySet -> Empty */
    MESSAGE_CLOCK_SET = 100,           /* ClockSet -> Empty */
    MESSAGE_START_MODE_SET = 101,      /* StartModeSet -> Empty */
    MESSAGE_UNLOCK = 102,              /* Unlock -> Unlocked */
    MESSAGE_ATTEST = 103,              /* Attest -> SignedStatement */
    MESSAGE_DEVICE_IDENTITY = 104,     /* Empty -> DeviceIdentity */
    MESSAGE_CERTIFICATE_INSTALL = 105, /* CertificateInstall -> Empty */
    MESSAGE_KIND_COUNT_
};

enum keystore_state {
    KEYSTORE_FACTORY = 1,     /* no owner, no domain */
    KEYSTORE_PROVISIONED = 2, /* has an owner; no domain key yet, or it is locked */
    KEYSTORE_OPERATIONAL = 3,
    KEYSTORE_ERROR = 4,    /* a self test or the entropy failed: status and audit only, until power is cycled */
    KEYSTORE_ZEROISED = 5, /* for good */
};

enum peer_role {
    PEER_STRANGER = 0, /* a certificate nobody has registered: refused */
    PEER_OWNER = 1,    /* administration; cannot enter a partition */
    PEER_CLIENT = 2,   /* of one partition */
    PEER_AUDITOR = 3,  /* status and audit */
    PEER_FACTORY = 4,  /* of a board in factory state: gives it its certificate */
};

enum operation_kind {
    OPERATION_ENCRYPT = 1,
    OPERATION_DECRYPT = 2,
    OPERATION_SIGN = 3,
    OPERATION_VERIFY = 4,
    OPERATION_DIGEST = 5,
    OPERATION_SIGN_RECOVER = 6,
    OPERATION_VERIFY_RECOVER = 7,
    OPERATION_KIND_COUNT_
};

struct message_header {
    uint32_t length;
    uint32_t id;
    uint16_t kind;
    uint16_t flags;
    uint32_t word;
};

bool message_kind_exists(uint16_t kind);
void message_header_write(uint8_t out[MESSAGE_HEADER_LEN], const struct message_header *h);
/* Errors: ST_BAD_REQUEST id 0, unknown kind or flag, a failure that has a body; ST_TOO_LARGE. */
MUST_CHECK enum status message_header_read(struct message_header *h, const uint8_t in[MESSAGE_HEADER_LEN]);

/* A message, borrowed from where it lies. */
struct message {
    uint32_t id;
    uint16_t kind;
    bool answer;
    uint32_t word;
    struct span body;
};

#endif
