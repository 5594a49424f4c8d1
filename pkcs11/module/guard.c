#include "pkcs11/module/guard.h"

#include <openssl/err.h>

static OSSL_LIB_CTX *context;

enum status guard_open(void)
{
    if (OPENSSL_init_crypto(0, NULL) != 1)
        return ST_UNAVAILABLE;
    /* A context that a parent process made is left alone: another of its threads may have held its locks. */
    return (context = OSSL_LIB_CTX_new()) != NULL ? ST_OK : ST_NO_MEMORY;
}

void guard_close(void)
{
    if (OPENSSL_init_crypto(0, NULL) == 1)
        OSSL_LIB_CTX_free(context);
    context = NULL;
}

bool guard_enter(struct guard *g)
{
    if (OPENSSL_init_crypto(0, NULL) != 1)
        return false;
    g->previous = OSSL_LIB_CTX_set0_default(context);
    ERR_set_mark();
    return true;
}

void guard_leave(struct guard *g)
{
    ERR_pop_to_mark();
    OSSL_LIB_CTX_set0_default(g->previous);
}
