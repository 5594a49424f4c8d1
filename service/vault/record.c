#include "service/vault/record.h"

enum status record_pack(const ProtobufCMessage *m, struct bytes *out)
{
    size_t size = protobuf_c_message_get_packed_size(m);

    bytes_reset(out);
    if (bytes_reserve(out, size) != ST_OK)
        return ST_NO_MEMORY;
    out->len = protobuf_c_message_pack(m, out->p);
    return ST_OK;
}

void bytes_append_lower(struct bytes *out, struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        bytes_append_char(out, (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] | 0x20 : s.p[i]));
}

void vault_path(struct bytes *out, struct span name)
{
    bytes_reset(out);
    bytes_append_text(out, VAULT_PREFIX);
    bytes_append_lower(out, name);
}

void subscription_path(struct bytes *out, const struct guid *id)
{
    bytes_reset(out);
    bytes_append_text(out, SUBSCRIPTION_PREFIX);
    bytes_append_text(out, id->text);
}

void group_prefix(struct bytes *out, const struct guid *subscription)
{
    bytes_reset(out);
    bytes_append_text(out, GROUP_PREFIX);
    bytes_append_text(out, subscription->text);
    bytes_append_char(out, '/');
}

void group_path(struct bytes *out, const struct guid *subscription, struct span name)
{
    group_prefix(out, subscription);
    bytes_append_lower(out, name);
}

void assignment_path(struct bytes *out, const struct guid *id)
{
    bytes_reset(out);
    bytes_append_text(out, ASSIGNMENT_PREFIX);
    bytes_append_text(out, id->text);
}

bool record_text(char *out, size_t size, const char *text)
{
    size_t len = strlen(text);

    if (len >= size)
        return false;
    memcpy(out, text, len + 1);
    return true;
}

bool record_guid(struct guid *out, const char *text)
{
    return guid_parse(out, span_text(text)) == ST_OK && strcmp(out->text, text) == 0;
}

bool record_actor(char out[GUID_LEN + 1], const char *text)
{
    struct guid id;

    if (text[0] != '\0' && !record_guid(&id, text))
        return false;
    return record_text(out, GUID_LEN + 1, text);
}
