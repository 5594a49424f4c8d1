/* dispatch.h - which request is allowed in which state to which role, and who answers it: one table. */
#ifndef STRONGROOM_DISPATCH_H
#define STRONGROOM_DISPATCH_H

#include "firmware/call.h"

enum pace { PACE_NOW, PACE_KEYS, PACE_PINS };

/* Unpack and check a request as far as it can be without doing it. *pace: where it must run; *verdict: not CKR_OK when
 * the answer is a refusal already. Errors: ST_BAD_REQUEST, ST_TOO_LARGE: the link must be closed. */
MUST_CHECK enum status dispatch_open(struct call *c, const struct message *m, ProtobufCMessage **request,
                                     enum pace *pace, CK_RV *verdict);
/* Do it. The audit record is chained when this returns (it reaches the flash with audit_flush()); if it cannot be, the
 * result is CKR_DEVICE_ERROR and there is no reply. *sync: the record must be durable before the answer leaves. */
CK_RV dispatch_run(struct call *c, uint16_t kind, const ProtobufCMessage *request, bool *sync);
/* The record of a request that was refused before it ran. */
CK_RV dispatch_refuse(struct call *c, uint16_t kind, CK_RV verdict);

/* The thread's memory for unpacked requests; NULL: out of memory. */
struct budget *dispatch_budget(void);

#endif
