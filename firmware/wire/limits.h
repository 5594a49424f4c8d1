/* limits.h - every length, count and time that the link and the keystore bound, in one table (THREATS.md C1).
 * A limit is checked before memory is taken. */
#ifndef STRONGROOM_WIRE_LIMITS_H
#define STRONGROOM_WIRE_LIMITS_H

/* The link */
#define LINK_VERSION          1
#define LINK_FRAME_MAX        (64u * 1024)  /* payload of one outer frame */
#define LINK_MESSAGE_MAX      (256u * 1024) /* body of one message inside the session */
#define LINK_OUTSTANDING_MAX  64            /* requests of one peer that have no answer yet */
#define LINK_STALL_MS         2000          /* a frame that has begun must end within this */
#define LINK_FAULTS_MAX       100           /* bad requests of one peer within LINK_FAULTS_WINDOW_MS */
#define LINK_FAULTS_WINDOW_MS 10000
#define LINK_PEER_MEMORY_MAX  (1024u * 1024) /* what the keystore holds for one peer in buffers */
#define LINK_NONCE_LEN        16
#define LINK_BOOT_ID_LEN      16
#define LINK_FINGERPRINT_LEN  32 /* SHA-256 of a certificate's SubjectPublicKeyInfo */

/* Messages */
#define TEMPLATE_ATTRIBUTES_MAX 64
#define ATTRIBUTE_VALUE_MAX     (16u * 1024) /* but CKA_VALUE of data objects and certificates: */
#define ATTRIBUTE_LARGE_MAX     (64u * 1024)
#define DATA_MAX                (192u * 1024) /* input of one cryptographic request; longer data goes in parts */
#define SIGNATURE_MAX           (50u * 1024)  /* SLH-DSA-256f: 49,856 bytes */
#define PIN_MIN                 4
#define PIN_MAX                 255
#define LABEL_LEN               32   /* CK_TOKEN_INFO.label */
#define FIND_RESULT_MAX         1024 /* handles in one answer */
#define RANDOM_MAX              (64u * 1024)
#define MECHANISM_PART_MAX      (17u * 1024) /* IV, AAD, label, salt, info, peer's public key, seal context */

/* The keystore */
#define PARTITIONS_MAX            64
#define PARTITION_IDENTITIES_MAX  8
#define PARTITION_NAME_MAX        32
#define PEERS_MAX                 512 /* links at once, over all partitions */
#define LINKS_PER_PARTITION_MAX   128 /* and with it, applications: no partition keeps the others out */
#define LINKS_PER_APPLICATION_MAX 64
#define SESSIONS_MAX              4096                 /* of one partition */
#define OPERATIONS_MAX            512                  /* in parts, of one partition: each may hold DATA_MAX */
#define TOKEN_OBJECTS_DEFAULT     1024                 /* quota of a partition unless it is set */
#define SESSION_OBJECTS_MAX       16384                /* of one partition */
#define PARTITION_BYTES_MAX       (128u * 1024 * 1024) /* attributes of one partition's objects, in memory */
#define PIN_TRIES_MAX             10
#define SLOW_QUEUE_MAX            1024             /* key generations and other slow requests that wait */
#define SLOW_PARTITION_MAX        64               /* of one partition */
#define SLOW_PEER_BYTES           LINK_MESSAGE_MAX /* a peer with more in slow work is not read from meanwhile */

/* Ceremonies */
#define HOLDERS_MIN           3
#define DOMAIN_ID_LEN         8 /* of a security domain */
#define DOMAIN_KEY_LEN        32
#define HOLDERS_MAX           10
#define QUORUM_MIN            2
#define QUORUM_MAX            10
#define HOLDER_KEY_BITS_MIN   2048
#define HOLDER_KEY_BITS_MAX   4096
#define CERTIFICATE_MAX       4096u /* DER */
#define CERTIFICATE_CHAIN_MAX 4     /* certificates of the factory's chain, the leaf included */
#define DOMAIN_ITEMS_MAX      8     /* encrypted items of a domain file; ours has one */
#define DOMAIN_TAG_MAX        64
#define DOMAIN_JWE_MAX        (64u * 1024)            /* HOLDERS_MAX certificates of CERTIFICATE_MAX fit into ours */
#define ACT_EXPIRY_MAX_MS     (7u * 24 * 3600 * 1000) /* an approval is not good for longer */
#define CLOCK_FREE_MS         (5u * 60 * 1000)        /* the clock moves by this much without a quorum */
#define AUDITORS_MAX          8
#define AUDIT_SINK_MAX        255
#define OPERATORS_MAX         10
#define PASSPHRASE_MIN        8
#define PASSPHRASE_MAX        255
#define UNLOCK_TRIES_MAX      10 /* wrong passphrases in a row; then only the domain's holders open the box */
#define UNLOCK_WINDOW_MS      (10u * 60 * 1000) /* the operators of one start come within this */
#define NONCE_MIN             16
#define NONCE_MAX             64
#define BACKUP_PART_MAX       (128u * 1024)
#define STATEMENT_MAX         (64u * 1024)

#endif
