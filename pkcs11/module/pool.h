/* pool.h - the connections of one slot, which together are one application of the keystore: its sessions and login are
 * shared by them. The first connection makes the application, further ones join it.
 *
 * A generation is the life of one application. It ends when its last connection is gone or the keystore has started
 * anew; sessions and handles belong to a generation and die with it. Thread-safe. */
#ifndef STRONGROOM_PKCS11_MODULE_POOL_H
#define STRONGROOM_PKCS11_MODULE_POOL_H

#include <pthread.h>
#include <stdatomic.h>

#include "pkcs11/module/connection.h"

#define POOL_CONNECTIONS_MAX (LINKS_PER_APPLICATION_MAX / 2)
#define POOL_APPLICATION_MAX 64
#define POOL_ANY             0 /* for calls that need no session */

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t change;
    const struct link_identity *identity;
    const char *path;
    _Atomic uint64_t generation; /* from 1 */
    struct connection *idle;
    struct connection *busy[LINKS_PER_APPLICATION_MAX]; /* for pool_shutdown() alone */
    unsigned total, extras;                             /* connections there are or are being made */
    unsigned members;                                   /* of the current generation */
    bool founding;                                      /* one is being made that makes the application */
    uint8_t application[POOL_APPLICATION_MAX];
    size_t application_len; /* 0: there is none */
    uint8_t boot_id[LINK_BOOT_ID_LEN];
};

/* Errors: CKR_HOST_MEMORY. The identity and path outlive the pool. */
MUST_CHECK CK_RV pool_init(struct pool *p, const struct link_identity *id, const char *path);
/* All connections have been given back. */
void pool_clear(struct pool *p);
/* In a forked child: close the descriptors, touch nothing else. The parent's links go on. */
void pool_abandon(struct pool *p);
/* Make calls that are under way end now. */
void pool_shutdown(struct pool *p);

/* A connection of generation `generation`, or of any. Waits at most CALL_MS for one to be free. Errors: of the
 * transport; CKR_DEVICE_REMOVED the generation is over. */
MUST_CHECK CK_RV pool_take(struct pool *p, uint64_t generation, struct connection **out);
/* One outside the pool's number, for a batch. Errors as pool_take(). */
MUST_CHECK CK_RV pool_open_extra(struct pool *p, uint64_t generation, struct connection **out);
/* Give back either kind; it is closed when it is broken or of an old generation. `keep`: it may serve others. */
void pool_give(struct pool *p, struct connection *c, bool keep);

#endif
