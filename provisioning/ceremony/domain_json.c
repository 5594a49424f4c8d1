#include "provisioning/ceremony/domain_json.h"

#include "firmware/base/base64url.h"
#include "provisioning/ceremony/domain_json_inside.h"
#include "service/json/json.h"

#define OUR_PREFIX "strongroom_"
#define HASH_LEN   32

/* What is being read: where it comes to lie, and whether texts may be in base64url once more. */
struct reading {
    struct budget *budget;
    bool may_be_encoded_again;
};

/* Has the object just these members, and none but (`ours`) those of our prefix? */
static bool has_just(const json_t *object, const char *const *names, size_t count, bool ours)
{
    const char *name;
    json_t *value;
    size_t known = 0;

    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        size_t i = 0;

        while (i < count && strcmp(names[i], name) != 0)
            i++;
        if (i == count && (!ours || strncmp(name, OUR_PREFIX, strlen(OUR_PREFIX)) != 0))
            return false;
        known += i < count;
    }
    return known == count;
}

#define HAS_JUST(object, names, ours) has_just(object, names, ARRAY_LEN(names), ours)

static bool member_is(const json_t *object, const char *name, const char *text)
{
    struct span s;

    return json_get_text(object, name, &s) == ST_OK && span_is(s, text);
}

static bool is_jwe(struct span s)
{
    size_t dots = 0;

    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.p[i];

        dots += c == '.';
        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
              c == '.'))
            return false;
    }
    return dots == 4;
}

static enum status keep_text(struct reading *r, struct span s, char **out)
{
    char *text = budget_take(r->budget, s.len + 1);

    if (text == NULL)
        return ST_TOO_LARGE;
    memcpy(text, s.p, s.len);
    text[s.len] = '\0';
    *out = text;
    return ST_OK;
}

/* Take one layer of base64url off `s`, into `decoded`. */
static enum status peel(struct span *s, struct bytes *decoded)
{
    enum status st = base64url_decode(decoded, *s);

    *s = bytes_span(decoded);
    return st;
}

static enum status read_jwe(struct reading *r, const json_t *object, const char *name, char **out)
{
    struct bytes decoded = { 0 };
    enum status st = ST_OK;
    struct span s;

    if (json_get_text(object, name, &s) != ST_OK)
        return ST_BAD_REQUEST;
    if (s.len > base64url_encoded_len(DOMAIN_JWE_MAX))
        return ST_TOO_LARGE;
    if (r->may_be_encoded_again && s.len > 0 && memchr(s.p, '.', s.len) == NULL)
        st = peel(&s, &decoded);
    if (st == ST_OK && s.len > DOMAIN_JWE_MAX)
        st = ST_TOO_LARGE;
    if (st == ST_OK)
        st = is_jwe(s) ? keep_text(r, s, out) : ST_BAD_REQUEST;
    bytes_clear(&decoded);
    return st;
}

static enum status read_hash(struct reading *r, const json_t *object, const char *name, uint8_t out[HASH_LEN])
{
    size_t plain_len = base64url_encoded_len(HASH_LEN), len;
    struct bytes decoded = { 0 };
    enum status st = ST_OK;
    struct span s;

    if (json_get_text(object, name, &s) != ST_OK)
        return ST_BAD_REQUEST;
    if (r->may_be_encoded_again && s.len == base64url_encoded_len(plain_len))
        st = peel(&s, &decoded);
    if (st == ST_OK)
        st = s.len == plain_len ? base64url_decode_to(out, &len, s) : ST_BAD_REQUEST;
    bytes_clear(&decoded);
    return st;
}

static enum status read_tag(struct reading *r, const json_t *object, char **out)
{
    struct span s;

    if (json_get_text(object, "tag", &s) != ST_OK || s.len == 0)
        return ST_BAD_REQUEST;
    return s.len > DOMAIN_TAG_MAX ? ST_TOO_LARGE : keep_text(r, s, out);
}

static enum status read_item(struct reading *r, const json_t *object, Ks__EncryptedItem **out)
{
    static const char *const names[] = { "compact_jwe", "tag" };
    Ks__EncryptedItem *item;
    enum status st;

    if (!json_is_object(object) || !HAS_JUST(object, names, false))
        return ST_BAD_REQUEST;
    if ((*out = item = budget_take(r->budget, sizeof *item)) == NULL)
        return ST_TOO_LARGE;
    *item = (Ks__EncryptedItem)KS__ENCRYPTED_ITEM__INIT;
    if ((st = read_tag(r, object, &item->tag)) != ST_OK)
        return st;
    return read_jwe(r, object, "compact_jwe", &item->compact_jwe);
}

static enum status read_items(struct reading *r, const json_t *file, size_t *count, Ks__EncryptedItem ***out)
{
    static const char *const names[] = { "data", "kdf" };
    json_t *data, *list;
    enum status st = ST_OK;

    if (json_get_object(file, "EncData", &data) != ST_OK || !HAS_JUST(data, names, false) ||
        !member_is(data, "kdf", KDF) || json_get_array(data, "data", &list) != ST_OK || json_array_size(list) == 0)
        return ST_BAD_REQUEST;
    if ((*count = json_array_size(list)) > DOMAIN_ITEMS_MAX ||
        (*out = budget_take(r->budget, *count * sizeof **out)) == NULL)
        return ST_TOO_LARGE;
    for (size_t i = 0; i < *count && st == ST_OK; i++)
        st = read_item(r, json_array_get(list, i), &(*out)[i]);
    return st;
}

/* One more of the file's shares. */
static enum status read_share(struct reading *r, const json_t *object, Ks__DomainFile *f)
{
    static const char *const names[] = { "enc_key", "x5t_256" };
    Ks__EncryptedShare *share;
    enum status st;

    if (!json_is_object(object) || !HAS_JUST(object, names, false))
        return ST_BAD_REQUEST;
    if ((share = budget_take(r->budget, sizeof *share)) == NULL)
        return ST_TOO_LARGE;
    *share = (Ks__EncryptedShare)KS__ENCRYPTED_SHARE__INIT;
    if ((share->holder.data = budget_take(r->budget, HASH_LEN)) == NULL)
        return ST_TOO_LARGE;
    share->holder.len = HASH_LEN;
    if ((st = read_hash(r, object, "x5t_256", share->holder.data)) != ST_OK ||
        (st = read_jwe(r, object, "enc_key", &share->compact_jwe)) != ST_OK)
        return st;
    for (size_t i = 0; i < f->n_shares; i++)
        if (memcmp(f->shares[i]->holder.data, share->holder.data, HASH_LEN) == 0)
            return ST_BAD_REQUEST;
    f->shares[f->n_shares++] = share;
    return ST_OK;
}

static enum status read_shares(struct reading *r, const json_t *file, Ks__DomainFile *f)
{
    static const char *const names[] = { "enc_shares", "key_algorithm", "required" };
    json_t *keys, *list;
    enum status st = ST_OK;
    int64_t required;
    size_t count;

    if (json_get_object(file, "SharedKeys", &keys) != ST_OK || !HAS_JUST(keys, names, false) ||
        !member_is(keys, "key_algorithm", ALGORITHM) || json_get_array(keys, "enc_shares", &list) != ST_OK ||
        (count = json_array_size(list)) < HOLDERS_MIN ||
        json_get_int(keys, "required", QUORUM_MIN, QUORUM_MAX, &required) != ST_OK || (size_t)required > count)
        return ST_BAD_REQUEST;
    if (count > HOLDERS_MAX || (f->shares = budget_take(r->budget, count * sizeof *f->shares)) == NULL)
        return ST_TOO_LARGE;
    for (size_t i = 0; i < count && st == ST_OK; i++)
        st = read_share(r, json_array_get(list, i), f);
    f->required = (uint32_t)required;
    return st;
}

static enum status check_digest(struct reading *r, const json_t *file, Ks__DomainFile *f)
{
    uint8_t said[HASH_LEN];
    enum status st;

    if ((f->digest.data = budget_take(r->budget, HASH_LEN)) == NULL)
        return ST_TOO_LARGE;
    f->digest.len = HASH_LEN;
    if ((st = read_hash(r, file, DIGEST_MEMBER, said)) != ST_OK ||
        (st = domain_file_digest(f, f->digest.data)) != ST_OK)
        return st;
    return memcmp(said, f->digest.data, HASH_LEN) == 0 ? ST_OK : ST_CORRUPT;
}

enum status domain_json_read(struct span text, struct budget *b, Ks__DomainFile **out)
{
    static const char *const names[] = { "EncData", "SharedKeys", "version", DIGEST_MEMBER };
    struct reading r = { .budget = b };
    Ks__DomainFile *f = budget_take(b, sizeof *f);
    json_t *file = NULL;
    enum status st;
    int64_t version;

    *out = NULL;
    if (f == NULL)
        return ST_TOO_LARGE;
    *f = (Ks__DomainFile)KS__DOMAIN_FILE__INIT;
    if ((st = json_read_object(text, DOMAIN_JSON_MAX, &file)) != ST_OK)
        return st;
    if (!HAS_JUST(file, names, true) || json_get_int(file, "version", VERSION, VERSION, &version) != ST_OK)
        st = ST_BAD_REQUEST;
    else if ((st = read_items(&r, file, &f->n_items, &f->items)) == ST_OK && (st = read_shares(&r, file, f)) == ST_OK &&
             (st = check_digest(&r, file, f)) == ST_OK)
        *out = f;
    json_decref(file);
    return st;
}

static enum status read_wrapped_key(struct reading *r, const json_t *file, Ks__DomainRestore *m, uint8_t transfer[32])
{
    static const char *const names[] = { "enc_key", "x5t_256" };
    json_t *key;
    enum status st;

    if (json_get_object(file, "WrappedKey", &key) != ST_OK || !HAS_JUST(key, names, false))
        return ST_BAD_REQUEST;
    if ((st = read_hash(r, key, "x5t_256", transfer)) != ST_OK)
        return st;
    return read_jwe(r, key, "enc_key", &m->wrapped_key);
}

enum status domain_json_read_restore(struct span text, struct budget *b, Ks__DomainRestore **out, uint8_t transfer[32])
{
    static const char *const names[] = { "EncData", "WrappedKey" };
    struct reading r = { .budget = b, .may_be_encoded_again = true };
    Ks__DomainRestore *m = budget_take(b, sizeof *m);
    json_t *file = NULL;
    enum status st;

    *out = NULL;
    if (m == NULL)
        return ST_TOO_LARGE;
    *m = (Ks__DomainRestore)KS__DOMAIN_RESTORE__INIT;
    m->required = QUORUM_MIN;
    if ((st = json_read_object(text, DOMAIN_JSON_MAX, &file)) != ST_OK)
        return st;
    json_object_del(file, "version"); /* which az may pass on, whatever it says */
    if (!HAS_JUST(file, names, true))
        st = ST_BAD_REQUEST;
    else if ((st = read_items(&r, file, &m->n_items, &m->items)) == ST_OK &&
             (st = read_wrapped_key(&r, file, m, transfer)) == ST_OK)
        *out = m;
    json_decref(file);
    return st;
}
