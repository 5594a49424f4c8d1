#include "pkcs11/token/persistent.h"

#include "pkcs11/token/public_key.h"
#include "pkcs11/token/sealing.h"

#define PAIR_ID_LEN 16

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

#define BOOL(type, value)                                                                                              \
    {                                                                                                                  \
        type, &(value), sizeof(CK_BBOOL)                                                                               \
    }
#define VALUE(type, value)                                                                                             \
    {                                                                                                                  \
        type, &(value), sizeof(value)                                                                                  \
    }
#define LABEL(label)                                                                                                   \
    {                                                                                                                  \
        CKA_LABEL, (void *)(uintptr_t)(label), strlen(label)                                                           \
    }

static bool remembered(struct token *t, const char *label, struct token_key *out)
{
    bool found = false;

    pthread_mutex_lock(&t->persistent_lock);
    for (unsigned i = 0; i < t->persistent_count && !found; i++)
        if (strcmp(t->persistent[i].label, label) == 0) {
            *out = t->persistent[i].key;
            found = true;
        }
    pthread_mutex_unlock(&t->persistent_lock);
    return found;
}

static void remember(struct token *t, const char *label, const struct token_key *key)
{
    struct persistent *p;

    pthread_mutex_lock(&t->persistent_lock);
    if (t->persistent_count < PERSISTENT_MAX) { /* beyond that they are looked up each time */
        p = &t->persistent[t->persistent_count++];
        memcpy(p->label, label, strlen(label) + 1);
        p->key = *key;
    }
    pthread_mutex_unlock(&t->persistent_lock);
}

void persistent_forget(struct token *t)
{
    pthread_mutex_lock(&t->persistent_lock);
    t->persistent_count = 0;
    pthread_mutex_unlock(&t->persistent_lock);
}

static enum status find_object(struct worker *w, CK_OBJECT_CLASS class, const char *label, CK_OBJECT_HANDLE *out)
{
    CK_ATTRIBUTE template[] = { VALUE(CKA_CLASS, class), BOOL(CKA_TOKEN, yes), LABEL(label) };
    CK_OBJECT_HANDLE objects[2];
    CK_ULONG count;
    enum status st;

    if (label[0] == '\0' || strlen(label) >= LABEL_MAX)
        return ST_NOT_FOUND;
    if ((st = call_find(w, template, ARRAY_LEN(template), objects, ARRAY_LEN(objects), &count)) != ST_OK)
        return st;
    *out = objects[0];
    return count == 1 ? ST_OK : ST_NOT_FOUND;
}

enum status persistent_find(struct worker *w, const char *label, struct token_key *out)
{
    enum status st;

    if (remembered(w->token, label, out))
        return ST_OK;
    *out = (struct token_key){ .uses = KEY_USE_SIGN };
    if ((st = find_object(w, CKO_PRIVATE_KEY, label, &out->handle)) != ST_OK ||
        (st = public_key_spec(w, out->handle, &out->spec)) != ST_OK)
        return st;
    remember(w->token, label, out);
    return ST_OK;
}

/* The worker for calls in the caller's own thread; NULL while the token is away. */
static struct worker *enter(struct token *t)
{
    struct worker *w = &t->workers[CALLER_WORKER];

    if (!token_is_up(t))
        return NULL;
    pthread_mutex_lock(&w->in_use);
    if (token_is_up(t))
        return w;
    pthread_mutex_unlock(&w->in_use);
    return NULL;
}

static void leave(struct worker *w)
{
    pthread_mutex_unlock(&w->in_use);
}

static enum status open_read_write(struct worker *w, CK_SESSION_HANDLE *rw)
{
    return call_result(w->token,
                       w->token->f->C_OpenSession(w->token->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, rw));
}

enum status token_provision_sealing(struct token *t)
{
    struct worker *w = &t->workers[CALLER_WORKER];
    CK_SESSION_HANDLE rw = CK_INVALID_HANDLE;
    enum status st = ST_UNAVAILABLE;

    workers_stop(t); /* they read the handles that this may set */
    if (token_is_up(t) && (st = open_read_write(w, &rw)) == ST_OK) {
        st = sealing_make_keys(w, rw);
        (void)call_result(t, t->f->C_CloseSession(rw));
    }
    workers_resume(t);
    return st;
}

/* Both halves under one CKA_ID: libp11 finds an EC key's point by it. */
static enum status make_pair(struct worker *w, CK_SESSION_HANDLE rw, const char *label, const struct key_spec *spec)
{
    bool rsa = spec->type == KEY_TYPE_RSA;
    struct span params = rsa ? span_of(NULL, 0) : public_key_ec_params(spec->curve);
    CK_MECHANISM mechanism = { .mechanism = rsa ? CKM_RSA_PKCS_KEY_PAIR_GEN : CKM_EC_KEY_PAIR_GEN };
    CK_ULONG bits = spec->bits;
    CK_BYTE f4[] = { 1, 0, 1 }, id[PAIR_ID_LEN];
    CK_OBJECT_HANDLE public, private;
    CK_ATTRIBUTE public_template[] = {
        BOOL(CKA_TOKEN, yes), BOOL(CKA_PRIVATE, no),          LABEL(label),
        VALUE(CKA_ID, id),    BOOL(CKA_VERIFY, yes),          BOOL(CKA_ENCRYPT, no),
        BOOL(CKA_WRAP, no),   VALUE(CKA_PUBLIC_EXPONENT, f4), VALUE(CKA_MODULUS_BITS, bits),
    };
    CK_ULONG public_count = ARRAY_LEN(public_template);
    CK_ATTRIBUTE private_template[] = {
        BOOL(CKA_TOKEN, yes), BOOL(CKA_PRIVATE, yes),   LABEL(label),
        VALUE(CKA_ID, id),    BOOL(CKA_SENSITIVE, yes), BOOL(CKA_EXTRACTABLE, no),
        BOOL(CKA_SIGN, yes),  BOOL(CKA_DECRYPT, no),    BOOL(CKA_UNWRAP, no),
        BOOL(CKA_DERIVE, no), BOOL(CKA_MODIFIABLE, no), BOOL(CKA_COPYABLE, no),
    };
    enum status st;

    if (!rsa) {
        public_count--;
        public_template[public_count - 1] = (CK_ATTRIBUTE){ CKA_EC_PARAMS, (void *)(uintptr_t)params.p, params.len };
    }
    if ((st = call_random(w, id, sizeof id)) != ST_OK)
        return st;
    return call_result(w->token,
                       w->token->f->C_GenerateKeyPair(rw, &mechanism, public_template, public_count, private_template,
                                                      ARRAY_LEN(private_template), &public, &private));
}

enum status token_provision_key_pair(struct token *t, const char *label, const struct key_spec *spec)
{
    CK_SESSION_HANDLE rw = CK_INVALID_HANDLE;
    struct token_key found;
    struct worker *w;
    enum status st;

    if (!key_spec_valid(spec) || spec->type == KEY_TYPE_OCT || label[0] == '\0' || strlen(label) >= LABEL_MAX)
        return ST_INTERNAL;
    if ((w = enter(t)) == NULL)
        return ST_UNAVAILABLE;
    if ((st = persistent_find(w, label, &found)) != ST_NOT_FOUND)
        goto done;
    if ((st = open_read_write(w, &rw)) != ST_OK)
        goto done;
    st = make_pair(w, rw, label, spec);
    (void)call_result(t, t->f->C_CloseSession(rw));
done:
    leave(w);
    return st;
}

enum status token_public_key(struct token *t, const char *label, EVP_PKEY **out)
{
    CK_OBJECT_HANDLE object;
    struct key_spec spec;
    struct worker *w = enter(t);
    enum status st;

    *out = NULL;
    if (w == NULL)
        return ST_UNAVAILABLE;
    if ((st = find_object(w, CKO_PUBLIC_KEY, label, &object)) == ST_OK &&
        (st = public_key_spec(w, object, &spec)) == ST_OK)
        st = public_key_read(w, object, &spec, out);
    leave(w);
    return st == ST_UNSUPPORTED || st == ST_INTERNAL ? ST_NOT_FOUND : st;
}
