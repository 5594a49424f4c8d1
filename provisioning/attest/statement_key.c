/* The key that a statement is about, if it is about one. */
#include <openssl/sha.h>
#include <strings.h>

#include "firmware/base/hex.h"
#include "provisioning/attest/attribute_name.h"
#include "provisioning/attest/statement_verify.h"

static const Ks__Attribute *find(const Ks__AttestedKey *k, uint64_t type)
{
    for (size_t i = 0; i < k->n_attributes; i++)
        if (k->attributes[i]->type == type)
            return k->attributes[i];
    return NULL;
}

static bool is_number(const ProtobufCBinaryData *d, uint64_t wanted)
{
    uint64_t v = 0;

    if (d->len != sizeof v)
        return false;
    for (unsigned i = 0; i < sizeof v; i++)
        v |= (uint64_t)d->data[i] << 8 * i; /* little-endian, as the wire has CK_ULONG */
    return v == wanted;
}

/* In hexadecimal digits, large or small: expected_read() has seen to it that they are. */
static bool is_bytes(struct span value, const char *wanted)
{
    struct bytes hex = { 0 };
    bool same;

    hex_append(&hex, value);
    same = bytes_status(&hex) == ST_OK && strcasecmp(bytes_text(&hex), wanted) == 0;
    bytes_clear(&hex);
    return same;
}

static bool matches(const struct attribute_name *a, const ProtobufCBinaryData *d, const json_t *wanted)
{
    struct span value = span_of(d->data, d->len);

    switch (a->kind) {
    case ATTRIBUTE_BOOL:
        return d->len == 1 && d->data[0] == (json_is_true(wanted) ? 1 : 0);
    case ATTRIBUTE_NUMBER:
        return is_number(d, (uint64_t)json_integer_value(wanted));
    case ATTRIBUTE_TEXT:
        return span_equal(value, span_of(json_string_value(wanted), json_string_length(wanted)));
    case ATTRIBUTE_BYTES:
        return is_bytes(value, json_string_value(wanted));
    }
    return false;
}

static bool attributes_hold(struct verification *v, const Ks__AttestedKey *k)
{
    const char *name;
    json_t *wanted;

    json_object_foreach((json_t *)(uintptr_t)v->expected->attributes, name, wanted)
    {
        const struct attribute_name *a = attribute_by_name(name);
        const Ks__Attribute *there = find(k, a->type);

        if (there == NULL || !matches(a, &there->value, wanted))
            return statement_fails(v, "%s is not as expected", name);
    }
    return true;
}

static bool public_key_holds(struct verification *v, const Ks__AttestedKey *k)
{
    uint8_t hash[SHA256_DIGEST_LENGTH];

    if (!v->expected->has_public_key)
        return true;
    SHA256(k->public_key.data, k->public_key.len, hash);
    return memcmp(hash, v->expected->public_key, sizeof hash) == 0 ||
           statement_fails(v, "the public key is another one");
}

bool statement_key_is_restored(const Ks__Statement *s)
{
    const Ks__Attribute *origin = find(s->key, CKA_STRONGROOM_ORIGIN);

    return origin == NULL ||
           !span_equal(span_of(origin->value.data, origin->value.len), span_of(s->device.data, s->device.len));
}

/* A statement about a public key alone says nothing of where its private half is. */
static bool is_the_whole_key(const Ks__AttestedKey *k)
{
    const Ks__Attribute *class = find(k, CKA_CLASS);

    return class != NULL && (is_number(&class->value, CKO_PRIVATE_KEY) || is_number(&class->value, CKO_SECRET_KEY));
}

bool statement_key_holds(struct verification *v)
{
    const Ks__AttestedKey *k = v->file->content->key;

    if (!v->expected->has_key)
        return k == NULL || statement_fails(v, "the statement is about a key, and one about the keystore is expected");
    if (k == NULL)
        return statement_fails(v, "the statement is about no key");
    if (v->expected->partition != NULL && strcmp(v->expected->partition, k->partition) != 0)
        return statement_fails(v, "the key lies in another partition");
    if (json_object_get(v->expected->attributes, "CKA_CLASS") == NULL && !is_the_whole_key(k))
        return statement_fails(v, "it is a public key, which anybody can bring, and CKA_CLASS is not expected");
    if (!v->expected->restored && statement_key_is_restored(v->file->content))
        return statement_fails(v, "it was not made in this device, and \"restored\" is not expected");
    return attributes_hold(v, k) && public_key_holds(v, k);
}
