#include "pkcs11/module/guard.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

/* Made once and never freed: every thread that has used a context runs code of it when it ends, and there is no way to
 * call that off for other threads. */
static OSSL_LIB_CTX *context;

enum status guard_open(void)
{
    if (OPENSSL_init_crypto(0, NULL) != 1)
        return ST_UNAVAILABLE;
    if (context == NULL)
        context = OSSL_LIB_CTX_new();
    return context != NULL ? ST_OK : ST_NO_MEMORY;
}

void guard_abandon(void)
{
    context = NULL;
}

/* One error of the queue, oldest first. OpenSSL 3.0 has no function that puts a queue aside and back. */
struct saved_error {
    unsigned long code;
    char *file, *function, *data; /* each may be NULL */
    int line;
    struct saved_error *next;
};

static struct saved_error *save_errors(void)
{
    struct saved_error *first = NULL, **end = &first;
    const char *file, *function, *data;
    unsigned long code;
    int line, flags;

    while ((code = ERR_get_error_all(&file, &line, &function, &data, &flags)) != 0) {
        struct saved_error *e = calloc(1, sizeof *e);

        if (e == NULL)
            continue; /* it is lost; we have no better place for it */
        *e = (struct saved_error){ .code = code, .line = line, .file = strdup(file), .function = strdup(function) };
        if ((flags & ERR_TXT_STRING) != 0 && data[0] != '\0')
            e->data = strdup(data);
        *end = e;
        end = &e->next;
    }
    return first;
}

static void restore_errors(struct saved_error *e)
{
    while (e != NULL) {
        struct saved_error *next = e->next;

        ERR_new();
        ERR_set_debug(e->file, e->line, e->function);
        if (e->data != NULL)
            ERR_set_error(ERR_GET_LIB(e->code), ERR_GET_REASON(e->code), "%s", e->data);
        else
            ERR_set_error(ERR_GET_LIB(e->code), ERR_GET_REASON(e->code), NULL);
        free(e->file);
        free(e->function);
        free(e->data);
        free(e);
        e = next;
    }
}

bool guard_enter(struct guard *g)
{
    if (OPENSSL_init_crypto(0, NULL) != 1)
        return false;
    g->previous = OSSL_LIB_CTX_set0_default(context);
    g->errors = ERR_peek_error() != 0 ? save_errors() : NULL;
    return true;
}

void guard_leave(struct guard *g)
{
    if (ERR_peek_error() != 0)
        ERR_clear_error();
    restore_errors(g->errors);
    OSSL_LIB_CTX_set0_default(g->previous);
}
