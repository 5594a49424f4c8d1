#include "provisioning/attest/expected.h"

#include <ctype.h>

#include "firmware/base/hex.h"
#include "firmware/wire/act.h"
#include "provisioning/attest/attribute_name.h"
#include "provisioning/cli/input_file.h"
#include "provisioning/link/keystore_state.h"

#define FILE_LEN_MAX  (64u * 1024)
#define MAX_AGE_S     300                   /* unless the file says so */
#define MAX_AGE_LIMIT (100LL * 366 * 86400) /* a destruction is shown years later */

/* A member's reader: NULL when it is acceptable, else what is wrong. */
typedef const char *reader(const json_t *value, struct expected *out);

static struct span text_of(const json_t *value)
{
    return json_is_string(value) ? span_of(json_string_value(value), json_string_length(value)) : span_of(NULL, 0);
}

static bool is_text_list(const json_t *value)
{
    size_t n = json_array_size(value); /* 0, too, when it is no array */

    for (size_t i = 0; i < n; i++)
        if (!json_is_string(json_array_get(value, i)))
            return false;
    return n > 0;
}

static const char *read_version(const json_t *value, struct expected *out)
{
    (void)out;
    return json_is_integer(value) && json_integer_value(value) == 1 ? NULL : "version 1 is known";
}

static const char *read_purpose(const json_t *value, struct expected *out)
{
    struct span text = text_of(value);

    out->purpose = span_is(text, "attestation")   ? STATEMENT_ATTESTATION
                   : span_is(text, "destruction") ? STATEMENT_DESTRUCTION
                                                  : 0;
    return out->purpose != 0 ? NULL : "\"attestation\" or \"destruction\"";
}

static const char *read_hashes(const json_t *value, struct expected *out)
{
    if (!is_text_list(value) || json_array_size(value) > EXPECTED_HASHES_MAX)
        return "a list of 1 to 16 SHA-256 hashes in hexadecimal";
    for (; out->hash_count < json_array_size(value); out->hash_count++)
        if (hex_decode(out->hashes[out->hash_count], 32, text_of(json_array_get(value, out->hash_count))) != ST_OK)
            return "a list of 1 to 16 SHA-256 hashes in hexadecimal";
    return NULL;
}

static const char *read_versions(const json_t *value, struct expected *out)
{
    out->versions = value;
    return is_text_list(value) ? NULL : "a list of texts";
}

static const char *read_boards(const json_t *value, struct expected *out)
{
    out->boards = value;
    return is_text_list(value) ? NULL : "a list of texts";
}

static const char *read_roots(const json_t *value, struct expected *out)
{
    out->roots = value;
    return is_text_list(value) ? NULL : "a list of texts";
}

static const char *read_counter(const json_t *value, struct expected *out)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return "a number";
    out->counter_min = (uint64_t)json_integer_value(value);
    return NULL;
}

static const char *read_states(const json_t *value, struct expected *out)
{
    if (!is_text_list(value))
        return "a list of states";
    out->states = 0;
    for (size_t i = 0; i < json_array_size(value); i++) {
        uint32_t state = keystore_state_by_name(json_string_value(json_array_get(value, i)));

        if (state == 0)
            return "a list of states";
        out->states |= BIT(state);
    }
    return NULL;
}

static const char *read_max_age(const json_t *value, struct expected *out)
{
    if (!json_is_integer(value) || json_integer_value(value) < 1 || json_integer_value(value) > MAX_AGE_LIMIT)
        return "a number of seconds";
    out->max_age_s = json_integer_value(value);
    return NULL;
}

static const char *read_hardware(const json_t *value, struct expected *out)
{
    out->has_hardware = true;
    out->hardware = json_is_true(value);
    return json_is_boolean(value) ? NULL : "true or false";
}

static const char *read_quoted(const json_t *value, struct expected *out)
{
    out->has_quoted = true;
    out->quoted = json_is_true(value);
    return json_is_boolean(value) ? NULL : "true or false";
}

static const char *read_domain(const json_t *value, struct expected *out)
{
    out->has_domain = true;
    return hex_decode(out->domain_id, sizeof out->domain_id, text_of(value)) == ST_OK ? NULL : "16 hexadecimal digits";
}

static const char *read_serial(const json_t *value, struct expected *out)
{
    out->serial = json_string_value(value);
    return out->serial != NULL && device_word_valid(out->serial, DEVICE_SERIAL_MAX) ? NULL : "a serial number";
}

static bool is_hex(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!isxdigit(text.p[i]))
            return false;
    return text.len % 2 == 0;
}

static bool is_of_kind(enum attribute_kind kind, const json_t *value)
{
    switch (kind) {
    case ATTRIBUTE_BOOL:
        return json_is_boolean(value);
    case ATTRIBUTE_NUMBER:
        return json_is_integer(value) && json_integer_value(value) >= 0;
    case ATTRIBUTE_TEXT:
        return json_is_string(value);
    case ATTRIBUTE_BYTES:
        return json_is_string(value) && is_hex(text_of(value));
    }
    return false;
}

static const char *read_attributes(const json_t *value, struct expected *out)
{
    const char *name;
    json_t *wanted;

    if (!json_is_object(value))
        return "an object of attributes";
    json_object_foreach((json_t *)(uintptr_t)value, name, wanted)
    {
        const struct attribute_name *a = attribute_by_name(name);

        if (a == NULL)
            return "an object of attributes, by the names of PKCS#11";
        if (!is_of_kind(a->kind, wanted))
            return "an object of attributes, each with a value of its kind";
    }
    out->attributes = value;
    return NULL;
}

static const char *read_partition(const json_t *value, struct expected *out)
{
    out->partition = json_string_value(value);
    return out->partition != NULL ? NULL : "a partition's name";
}

static const char *read_public_key(const json_t *value, struct expected *out)
{
    out->has_public_key = true;
    return hex_decode(out->public_key, sizeof out->public_key, text_of(value)) == ST_OK
               ? NULL
               : "a SHA-256 hash in hexadecimal";
}

static const char *read_restored(const json_t *value, struct expected *out)
{
    out->restored = json_is_true(value);
    return json_is_boolean(value) ? NULL : "true or false";
}

struct member {
    const char *name;
    reader *read;
};

/* What is not known is not expected: a typing error in a file of this kind must not make it weaker. */
static int read_members(const struct invocation *in, const char *path, const json_t *object,
                        const struct member *members, struct expected *out)
{
    const char *name, *wrong;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        const struct member *m = members;

        while (m->name != NULL && strcmp(m->name, name) != 0)
            m++;
        if (m->name == NULL)
            return command_refuse(in, "%s: \"%.64s\" is not known", path, name);
        if ((wrong = m->read(value, out)) != NULL)
            return command_refuse(in, "%s: \"%s\": %s is wanted", path, name, wrong);
    }
    return EXIT_DONE;
}

static const char *read_key(const json_t *value, struct expected *out)
{
    out->has_key = true;
    return json_is_object(value) ? NULL : "an object";
}

static const struct member members[] = {
    { "version", read_version },           { "purpose", read_purpose }, { "firmwareHashes", read_hashes },
    { "firmwareVersions", read_versions }, { "boards", read_boards },   { "roots", read_roots },
    { "counterMin", read_counter },        { "states", read_states },   { "maxAgeSeconds", read_max_age },
    { "hardware", read_hardware },         { "quoted", read_quoted },   { "domainId", read_domain },
    { "serialNumber", read_serial },       { "key", read_key },         { 0 },
};
static const struct member key_members[] = {
    { "attributes", read_attributes },
    { "partition", read_partition },
    { "publicKeySha256", read_public_key },
    { "restored", read_restored },
    { 0 },
};

int expected_read(const struct invocation *in, const char *path, struct expected *out)
{
    struct bytes text = { 0 };
    int code = input_file_read(in, path, FILE_LEN_MAX, &text);
    enum status st = ST_OK;

    *out = (struct expected){ .purpose = STATEMENT_ATTESTATION,
                              .states = BIT(KEYSTORE_OPERATIONAL),
                              .max_age_s = MAX_AGE_S };
    if (code == EXIT_DONE)
        st = json_read_object(bytes_span(&text), FILE_LEN_MAX, &out->root);
    bytes_clear(&text);
    if (code != EXIT_DONE)
        return code;
    if (st != ST_OK)
        return command_refuse(in, "%s: %s", path, st == ST_BAD_REQUEST ? "no JSON object" : status_name(st));
    if ((code = read_members(in, path, out->root, members, out)) == EXIT_DONE && out->has_key)
        code = read_members(in, path, json_object_get(out->root, "key"), key_members, out);
    if (code == EXIT_DONE && (out->hash_count == 0 || json_object_get(out->root, "version") == NULL))
        code = command_refuse(in, "%s: \"version\" and \"firmwareHashes\" are needed", path);
    return code;
}

void expected_clear(struct expected *e)
{
    json_decref(e->root);
    *e = (struct expected){ 0 };
}

bool expected_lists(const json_t *list, const char *text)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(json_string_value(json_array_get(list, i)), text) == 0)
            return true;
    return false;
}
