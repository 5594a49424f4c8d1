#include "service/identity/application_record.h"

#define RECORD_VERSION 1
#define UPDATE_TRIES   8

struct application_key application_key_of(const struct guid *client_id)
{
    struct application_key key = { APPLICATION_PREFIX };

    memcpy(key.text + sizeof APPLICATION_PREFIX - 1, client_id->text, GUID_LEN + 1);
    return key;
}

static bool secrets_valid(const ApplicationRecord *r)
{
    for (size_t i = 0; i < r->n_secrets; i++)
        if (r->secrets[i]->salt.len != APPLICATION_SALT_LEN || r->secrets[i]->digest.len != APPLICATION_DIGEST_LEN)
            return false;
    return true;
}

static bool certificates_valid(const ApplicationRecord *r)
{
    for (size_t i = 0; i < r->n_certificates; i++)
        if (r->certificates[i]->sha1.len != APPLICATION_SHA1_LEN ||
            r->certificates[i]->sha256.len != APPLICATION_DIGEST_LEN)
            return false;
    return true;
}

static bool record_valid(const ApplicationRecord *r)
{
    struct guid ignored;

    return r->version == RECORD_VERSION && r->n_secrets + r->n_certificates <= APPLICATION_CREDENTIALS_MAX &&
           guid_parse(&ignored, span_text(r->client_id)) == ST_OK &&
           guid_parse(&ignored, span_text(r->object_id)) == ST_OK && secrets_valid(r) && certificates_valid(r);
}

enum status application_unpack(struct span value, ApplicationRecord **out)
{
    *out = strongroom__identity__application_record__unpack(NULL, value.len, value.p);
    if (*out == NULL)
        return ST_CORRUPT;
    if (!record_valid(*out)) {
        application_free(*out);
        *out = NULL;
        return ST_CORRUPT;
    }
    return ST_OK;
}

void application_free(ApplicationRecord *r)
{
    if (r != NULL)
        strongroom__identity__application_record__free_unpacked(r, NULL);
}

enum status application_load(struct store *s, const struct guid *client_id, ApplicationRecord **out, uint64_t *revision)
{
    struct application_key key = application_key_of(client_id);
    struct bytes value = { 0 };
    enum status st;

    *out = NULL;
    if ((st = store_get(s, span_text(key.text), &value, revision)) == ST_OK)
        st = application_unpack(bytes_span(&value), out);
    bytes_clear(&value);
    /* A record stored under another one's name is not an answer to the question that was asked. */
    if (st == ST_OK && strcmp((*out)->client_id, client_id->text) != 0) {
        application_free(*out);
        *out = NULL;
        st = ST_CORRUPT;
    }
    return st;
}

enum status application_save(struct store *s, const ApplicationRecord *r, uint64_t expected)
{
    struct guid client_id;
    struct application_key key;
    struct bytes value = { 0 };
    struct store_write write;
    struct store_commit commit;
    enum status st;

    if ((st = guid_parse(&client_id, span_text(r->client_id))) != ST_OK ||
        (st = bytes_reserve(&value, strongroom__identity__application_record__get_packed_size(r))) != ST_OK)
        return st;
    value.len = strongroom__identity__application_record__pack(r, value.p);
    key = application_key_of(&client_id);
    write = (struct store_write){ .key = span_text(key.text), .value = bytes_span(&value), .expected = expected };
    commit = (struct store_commit){ .writes = &write, .count = 1 };
    st = store_commit(s, &commit);
    bytes_clear(&value);
    return st;
}

void application_describe(const ApplicationRecord *r, struct application *out)
{
    size_t len = strlen(r->display_name);

    *out = (struct application){ .enabled = r->enabled };
    memcpy(out->client_id.text, r->client_id, GUID_LEN); /* both checked when unpacked */
    memcpy(out->object_id.text, r->object_id, GUID_LEN);
    memcpy(out->display_name, r->display_name, len < sizeof out->display_name ? len : sizeof out->display_name - 1);
}

enum status application_update(struct store *s, const struct guid *client_id, application_change *apply, void *arg)
{
    enum status st = ST_CONFLICT;

    for (unsigned i = 0; i < UPDATE_TRIES && st == ST_CONFLICT; i++) {
        ApplicationRecord *r = NULL;
        uint64_t revision = 0;

        if ((st = application_load(s, client_id, &r, &revision)) == ST_OK && (st = apply(r, arg)) == ST_OK)
            st = application_save(s, r, revision);
        application_free(r);
    }
    return st;
}
