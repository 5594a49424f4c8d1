/* record.h - what the records of the management store share: their names and their packing. Internal to service/vault.
 */
#ifndef STRONGROOM_VAULT_RECORD_H
#define STRONGROOM_VAULT_RECORD_H

#include <protobuf-c/protobuf-c.h>

#include "firmware/base/guid.h"

#define RECORD_FORMAT 1

#define VAULT_PREFIX        "vault/"
#define SUBSCRIPTION_PREFIX "subscription/"
#define GROUP_PREFIX        "group/"
#define ASSIGNMENT_PREFIX   "assignment/"

/* Replace `out` by the packed message. Errors: ST_NO_MEMORY. */
MUST_CHECK enum status record_pack(const ProtobufCMessage *m, struct bytes *out);

void bytes_append_lower(struct bytes *out, struct span s); /* ASCII letters only */
/* Replace `out` by the key of a record; names in any case. */
void vault_path(struct bytes *out, struct span name);
void subscription_path(struct bytes *out, const struct guid *id);
void group_prefix(struct bytes *out, const struct guid *subscription);
void group_path(struct bytes *out, const struct guid *subscription, struct span name);
void assignment_path(struct bytes *out, const struct guid *id);

/* Copy the text into `out`, which has room for `size` bytes with the NUL. false: it is longer. */
bool record_text(char *out, size_t size, const char *text);
/* A lower-case GUID. */
bool record_guid(struct guid *out, const char *text);
/* A GUID, or nothing. */
bool record_actor(char out[GUID_LEN + 1], const char *text);

#endif
