/* body.h - the bodies of messages: one table says for each kind what its request and its answer carry, and how that is
 * checked. Both ends pack and unpack through it, requests and answers alike. */
#ifndef STRONGROOM_WIRE_BODY_H
#define STRONGROOM_WIRE_BODY_H

#include "firmware/wire/budget.h"
#include "firmware/wire/link.h"
#include "firmware/wire/mechanism.h"
#include "keystore.pb-c.h"

/* Unpack and check a body. *out lies in the budget until its reset and is never freed by itself; cast it to the type
 * that message.h names for the kind. NULL after an error. Errors: ST_BAD_REQUEST malformed, not in its shortest form,
 * or an unknown field or enumerator; ST_TOO_LARGE beyond a limit or the budget. */
MUST_CHECK enum status message_unpack(uint16_t kind, bool answer, struct span body, struct budget *b,
                                      ProtobufCMessage **out);
/* Pack `m` into the link's buffer: &x.base of the type that message.h names for the kind, or NULL for an empty body.
 * Not sent before link_flush(). Errors: as link_send(). */
MUST_CHECK enum status message_send(struct link *l, uint32_t id, uint16_t kind, bool answer, uint32_t word,
                                    const ProtobufCMessage *m);
/* The value of an array attribute, CKA_WRAP_TEMPLATE: a packed Template whose attributes are not arrays of templates
 * themselves. Errors: as message_unpack(). */
MUST_CHECK enum status template_unpack(struct span value, struct budget *b, Ks__Template **out);

/* Spans in *out are borrowed from `in`, and the other way round. No error: what `in` holds has been checked. */
void mechanism_from_wire(const Ks__Mechanism *in, struct mechanism *out);
void mechanism_to_wire(const struct mechanism *in, Ks__Mechanism *out);

#endif
