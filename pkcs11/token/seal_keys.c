/* The token's two keys for sealing: finding, checking and making them. */
#include <openssl/crypto.h>

#include "firmware/base/clock.h"
#include "firmware/base/log.h"
#include "pkcs11/token/sealing.h"

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

#define BOOL(type, value)                                                                                              \
    {                                                                                                                  \
        type, &(value), sizeof(CK_BBOOL)                                                                               \
    }
#define VALUE(type, value)                                                                                             \
    {                                                                                                                  \
        type, &(value), sizeof(value)                                                                                  \
    }
#define TEXT(type, text)                                                                                               \
    {                                                                                                                  \
        type, (void *)(uintptr_t)(text), sizeof(text) - 1                                                              \
    }

struct expected {
    CK_ATTRIBUTE_TYPE type;
    CK_BBOOL value;
};

/* The domain key wraps, and nothing else: with DECRYPT it would give away what it wrapped, and with MODIFIABLE or
 * COPYABLE whoever has the PIN could set that. Both keys were made in the token and have never been outside: else one
 * of known value, put there under the right label, would be handed every new key. */
static const struct expected domain_rights[] = {
    { CKA_LOCAL, CK_TRUE },
    { CKA_ALWAYS_SENSITIVE, CK_TRUE },
    { CKA_NEVER_EXTRACTABLE, CK_TRUE },
    { CKA_TOKEN, CK_TRUE },
    { CKA_PRIVATE, CK_TRUE },
    { CKA_SENSITIVE, CK_TRUE },
    { CKA_EXTRACTABLE, CK_FALSE },
    { CKA_WRAP, CK_TRUE },
    { CKA_UNWRAP, CK_TRUE },
    { CKA_ENCRYPT, CK_FALSE },
    { CKA_DECRYPT, CK_FALSE },
    { CKA_SIGN, CK_FALSE },
    { CKA_MODIFIABLE, CK_FALSE },
    { CKA_COPYABLE, CK_FALSE },
};
static const struct expected binding_rights[] = {
    { CKA_LOCAL, CK_TRUE },
    { CKA_ALWAYS_SENSITIVE, CK_TRUE },
    { CKA_NEVER_EXTRACTABLE, CK_TRUE },
    { CKA_TOKEN, CK_TRUE },
    { CKA_PRIVATE, CK_TRUE },
    { CKA_SENSITIVE, CK_TRUE },
    { CKA_EXTRACTABLE, CK_FALSE },
    { CKA_WRAP, CK_FALSE },
    { CKA_UNWRAP, CK_FALSE },
    { CKA_ENCRYPT, CK_FALSE },
    { CKA_DECRYPT, CK_FALSE },
    { CKA_SIGN, CK_TRUE },
    { CKA_MODIFIABLE, CK_FALSE },
    { CKA_COPYABLE, CK_FALSE },
};

static enum status is_locked_down(struct worker *w, CK_OBJECT_HANDLE key, const struct expected *rights, size_t count,
                                  bool *locked)
{
    *locked = true;
    for (size_t i = 0; i < count; i++) {
        CK_BBOOL value = !rights[i].value;
        size_t len;
        enum status st = call_attribute(w, key, rights[i].type, &value, sizeof value, &len);

        if (st != ST_OK && st != ST_NOT_FOUND)
            return st;
        if (st == ST_NOT_FOUND || value != rights[i].value)
            *locked = false;
    }
    return ST_OK;
}

static int by_id(const void *a, const void *b)
{
    return memcmp(((const struct kek *)a)->id, ((const struct kek *)b)->id, KEK_ID_LEN);
}

static enum status add_kek(struct worker *w, CK_OBJECT_HANDLE object)
{
    struct token *t = w->token;
    struct kek kek = { .handle = object };
    bool locked;
    size_t len;
    enum status st = is_locked_down(w, object, domain_rights, ARRAY_LEN(domain_rights), &locked);

    if (st != ST_OK)
        return st;
    st = call_attribute(w, object, CKA_ID, kek.id, sizeof kek.id, &len);
    if (st == ST_NOT_FOUND || (st == ST_OK && (len != KEK_ID_LEN || !locked))) {
        log_error("a domain key of the token is not locked down and will not be used");
        return ST_OK;
    }
    if (st == ST_OK)
        t->keks[t->kek_count++] = kek;
    return st;
}

static enum status find_domain_keys(struct worker *w)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_ATTRIBUTE template[] = { VALUE(CKA_CLASS, class), VALUE(CKA_KEY_TYPE, type), BOOL(CKA_TOKEN, yes),
                                TEXT(CKA_LABEL, TOKEN_LABEL_DOMAIN) };
    CK_OBJECT_HANDLE objects[KEK_MAX];
    struct token *t = w->token;
    CK_ULONG count;
    enum status st;

    t->kek_count = 0;
    if ((st = call_find(w, template, ARRAY_LEN(template), objects, KEK_MAX, &count)) != ST_OK)
        return st;
    for (CK_ULONG i = 0; i < count; i++)
        if ((st = add_kek(w, objects[i])) != ST_OK)
            return st;
    qsort(t->keks, t->kek_count, sizeof t->keks[0], by_id);
    return ST_OK;
}

static enum status find_binding_key(struct worker *w)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_ATTRIBUTE template[] = { VALUE(CKA_CLASS, class), VALUE(CKA_KEY_TYPE, type), BOOL(CKA_TOKEN, yes),
                                TEXT(CKA_LABEL, TOKEN_LABEL_BINDING) };
    CK_OBJECT_HANDLE objects[2];
    CK_ULONG count;
    bool locked;
    enum status st;

    w->token->binding = CK_INVALID_HANDLE;
    if ((st = call_find(w, template, ARRAY_LEN(template), objects, ARRAY_LEN(objects), &count)) != ST_OK || count == 0)
        return st;
    if (count > 1) { /* every key ever sealed depends on one of them: guessing would be worse */
        log_error("the token has two binding keys");
        return ST_INTERNAL;
    }
    if ((st = is_locked_down(w, objects[0], binding_rights, ARRAY_LEN(binding_rights), &locked)) != ST_OK)
        return st;
    if (locked)
        w->token->binding = objects[0];
    else
        log_error("the binding key of the token is not locked down and will not be used");
    return ST_OK;
}

enum status sealing_find_keys(struct worker *w)
{
    enum status st = find_domain_keys(w);

    return st == ST_OK ? find_binding_key(w) : st;
}

static enum status make_domain_key(struct worker *w, CK_SESSION_HANDLE rw)
{
    CK_MECHANISM mechanism = { .mechanism = CKM_AES_KEY_GEN };
    CK_ULONG len = 32;
    uint64_t now = (uint64_t)clock_unix_100ns();
    uint8_t id[KEK_ID_LEN];
    CK_OBJECT_HANDLE key;
    CK_ATTRIBUTE unwrapped[] = { BOOL(CKA_EXTRACTABLE, no), BOOL(CKA_SENSITIVE, yes) };
    CK_ATTRIBUTE template[] = {
        VALUE(CKA_VALUE_LEN, len),
        TEXT(CKA_LABEL, TOKEN_LABEL_DOMAIN),
        VALUE(CKA_ID, id),
        BOOL(CKA_TOKEN, yes),
        BOOL(CKA_PRIVATE, yes),
        BOOL(CKA_SENSITIVE, yes),
        BOOL(CKA_EXTRACTABLE, no),
        BOOL(CKA_WRAP, yes),
        BOOL(CKA_UNWRAP, yes),
        BOOL(CKA_ENCRYPT, no),
        BOOL(CKA_DECRYPT, no),
        BOOL(CKA_SIGN, no),
        BOOL(CKA_VERIFY, no),
        BOOL(CKA_DERIVE, no),
        BOOL(CKA_MODIFIABLE, no),
        BOOL(CKA_COPYABLE, no),
        { CKA_UNWRAP_TEMPLATE, unwrapped, sizeof unwrapped },
    };
    enum status st;

    for (unsigned i = 0; i < 8; i++)
        id[i] = (uint8_t)(now >> (56 - 8 * i));
    if ((st = call_random(w, id + 8, KEK_ID_LEN - 8)) != ST_OK)
        return st;
    return call_result(w->token, w->token->f->C_GenerateKey(rw, &mechanism, template, ARRAY_LEN(template), &key));
}

static enum status make_binding_key(struct worker *w, CK_SESSION_HANDLE rw)
{
    CK_MECHANISM mechanism = { .mechanism = CKM_GENERIC_SECRET_KEY_GEN };
    CK_ULONG len = 32;
    CK_OBJECT_HANDLE key;
    CK_ATTRIBUTE template[] = {
        VALUE(CKA_VALUE_LEN, len), TEXT(CKA_LABEL, TOKEN_LABEL_BINDING),
        BOOL(CKA_TOKEN, yes),      BOOL(CKA_PRIVATE, yes),
        BOOL(CKA_SENSITIVE, yes),  BOOL(CKA_EXTRACTABLE, no),
        BOOL(CKA_SIGN, yes),       BOOL(CKA_VERIFY, yes),
        BOOL(CKA_WRAP, no),        BOOL(CKA_UNWRAP, no),
        BOOL(CKA_ENCRYPT, no),     BOOL(CKA_DECRYPT, no),
        BOOL(CKA_DERIVE, no),      BOOL(CKA_MODIFIABLE, no),
        BOOL(CKA_COPYABLE, no),
    };

    return call_result(w->token, w->token->f->C_GenerateKey(rw, &mechanism, template, ARRAY_LEN(template), &key));
}

enum status sealing_make_keys(struct worker *w, CK_SESSION_HANDLE rw)
{
    struct token *t = w->token;
    enum status st;

    if (t->native) /* its domain key is its own, and outside every partition */
        return ST_OK;
    st = sealing_find_keys(w);
    if (st == ST_OK && t->kek_count == 0)
        st = make_domain_key(w, rw);
    if (st == ST_OK && t->binding == CK_INVALID_HANDLE)
        st = make_binding_key(w, rw);
    if (st == ST_OK)
        st = sealing_find_keys(w);
    /* A token that does not keep what the templates ask for is not one to seal with. */
    return st == ST_OK && (t->kek_count == 0 || t->binding == CK_INVALID_HANDLE) ? ST_INTERNAL : st;
}
