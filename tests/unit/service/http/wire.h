/* wire.h - a protocol object with nothing around it: a clock that stands still, a handler that answers at once or keeps
 * the requests, bytes in and bytes out. */
#ifndef STRONGROOM_TESTS_HTTP_WIRE_H
#define STRONGROOM_TESTS_HTTP_WIRE_H

#include "service/http/protocol.h"

#define WIRE_KEPT_MAX 256

struct wire {
    struct http_limits limits;
    uint64_t now_us;
    struct request_pool pool;
    struct mailbox *mailbox;
    struct protocol *protocol;
    bool keep; /* requests are kept in `kept`, not answered */
    struct http_request *kept[WIRE_KEPT_MAX];
    unsigned kept_count, seen;
    struct bytes log;       /* a line per request: method, target, authority, body */
    struct bytes out;       /* what the protocol has said */
    size_t answer_len;      /* of the handler's answers; 0: "ok" */
    unsigned answer_status; /* 0: 200 */
    bool answer_close;
};

void wire_open(struct wire *w, bool h2);
void wire_close(struct wire *w); /* answers what is kept, too */
/* Bytes arrive, in pieces of `piece` bytes (0: in one); what there is to say is said. */
void wire_receive(struct wire *w, struct span in, size_t piece);
void wire_text(struct wire *w, const char *text);
void wire_produce(struct wire *w);
void wire_pass(struct wire *w, uint64_t ms); /* time passes */
void wire_answer(struct wire *w, struct http_request *rq);
void wire_answer_kept(struct wire *w);
bool wire_said(const struct wire *w, const char *text);
unsigned wire_said_times(const struct wire *w, const char *text);
bool wire_ended(const struct wire *w);

#endif
