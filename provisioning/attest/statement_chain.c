/* The certificates of a statement: do they lead to the factory's CA? */
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "provisioning/attest/statement_verify.h"

#define AUTH_LEVEL 2 /* 112 bits, for keys and signatures alike */

static bool settle(X509_STORE_CTX *ctx, const struct verification *v)
{
    X509_VERIFY_PARAM *p = X509_STORE_CTX_get0_param(ctx);

    X509_VERIFY_PARAM_set_time(p, (time_t)v->at_s);
    X509_VERIFY_PARAM_set_auth_level(p, AUTH_LEVEL);
    X509_VERIFY_PARAM_set_depth(p, CERTIFICATE_CHAIN_MAX);
    return X509_VERIFY_PARAM_set_flags(p, X509_V_FLAG_X509_STRICT | X509_V_FLAG_CHECK_SS_SIGNATURE) == 1;
}

/* Each certificate of the file has its place in the way to the CA, which itself may be left out. */
static bool is_the_whole_file(struct verification *v, const STACK_OF(X509) * way)
{
    unsigned count = v->file->chain_count;
    bool same = sk_X509_num(way) == (int)count || sk_X509_num(way) == (int)count + 1;

    for (unsigned i = 0; same && i < count; i++)
        same = X509_cmp(sk_X509_value(way, (int)i), v->file->chain[i]) == 0;
    return same || statement_fails(v, "there are certificates that do not belong to it, or in another order");
}

/* The root is the CA that was given, and no other that happens to be there: this store holds nothing else. */
static bool leads_to(struct verification *v, X509_STORE *store, STACK_OF(X509) * between)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    bool ok = false;
    int why;

    if (ctx == NULL || X509_STORE_CTX_init(ctx, store, v->file->chain[0], between) != 1 || !settle(ctx, v)) {
        statement_fails(v, "out of memory");
    } else if (!(ok = X509_verify_cert(ctx) == 1)) {
        why = X509_STORE_CTX_get_error(ctx);
        statement_fails(v, "the certificates do not lead to this CA: %s", X509_verify_cert_error_string(why));
    } else {
        ok = is_the_whole_file(v, X509_STORE_CTX_get0_chain(ctx));
    }
    X509_STORE_CTX_free(ctx);
    ERR_clear_error();
    return ok;
}

/* A device signs statements and nothing else. */
static bool leaf_is_a_devices(struct verification *v)
{
    X509 *leaf = v->file->chain[0];
    uint32_t flags = X509_get_extension_flags(leaf);

    if ((flags & EXFLAG_BCONS) == 0 || (flags & EXFLAG_CA) != 0)
        return statement_fails(v, "the device's certificate is a CA's, or does not say that it is none");
    return ((flags & EXFLAG_KUSAGE) != 0 && X509_get_key_usage(leaf) == KU_DIGITAL_SIGNATURE) ||
           statement_fails(v, "the device's certificate is not for signatures alone");
}

bool statement_chain_holds(struct verification *v)
{
    X509_STORE *store = X509_STORE_new();
    STACK_OF(X509) *between = sk_X509_new_null();
    bool ok = store != NULL && between != NULL && X509_STORE_add_cert(store, v->ca) == 1;

    for (unsigned i = 1; ok && i < v->file->chain_count; i++)
        ok = sk_X509_push(between, v->file->chain[i]) > 0;
    ok = ok ? leads_to(v, store, between) && leaf_is_a_devices(v) : statement_fails(v, "out of memory");
    sk_X509_free(between);
    X509_STORE_free(store);
    return ok;
}
