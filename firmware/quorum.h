/* quorum.h - may this dangerous act be done? The signatures of a quorum of the domain's holders over just this request
 * (wire/act.h), checked here and nowhere else. Everything under the keystore's lock. */
#ifndef STRONGROOM_QUORUM_H
#define STRONGROOM_QUORUM_H

#include "firmware/call.h"

/* What an act that was approved uses up. Lives on the handler's stack until its commit is made. */
struct quorum_use {
    bool needed;       /* false: no holders are in force yet, and the owner alone is enough */
    uint8_t record[8]; /* the act number after this one */
    unsigned count;    /* of approvals */
    uint8_t holders[HOLDERS_MAX][HOLDER_ID_LEN];
};

/* Check the request's authorisation. Writes an audit record for each approval that counts, durable when it returns OK,
 * and one for the first that does not. Nothing is used up yet. Errors: CKR_APPROVAL_*, CKR_APPROVALS_MISSING;
 * CKR_HOST_MEMORY. */
MUST_CHECK CK_RV quorum_check(struct call *c, uint16_t kind, const ProtobufCMessage *request, struct quorum_use *use);
/* The same by these holders, whatever is in force: for a restore, whose holders come with the domain. */
MUST_CHECK CK_RV quorum_check_holders(struct call *c, uint16_t kind, const ProtobufCMessage *request,
                                      const struct holder_set *holders, struct quorum_use *use);
/* The change that uses the act number up, to be made in the same commit as the act itself, irrevocably, so that a crash
 * leaves both or neither. Returns how many changes it wrote: 0 or 1. *change borrows from *use. */
unsigned quorum_change(const struct quorum_use *use, struct flash_change *change);
/* The commit is made: the number is gone in memory, too. */
void quorum_spent(struct keystore *ks, const struct quorum_use *use);

#endif
