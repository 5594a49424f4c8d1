#include "service/http/protocol.h"

struct http_request *protocol_request(const struct protocol *p, int version)
{
    struct http_request *rq = request_new(p->env.pool);

    if (rq == NULL)
        return NULL;
    rq->home = p->env.home;
    rq->connection = p->env.connection;
    rq->version = version;
    rq->tls_version = p->env.tls_version;
    memcpy(rq->peer, p->env.peer, strlen(p->env.peer) + 1); /* at most INET6_ADDRSTRLEN, from getnameinfo() */
    return rq;
}
