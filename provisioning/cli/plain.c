#include "provisioning/cli/plain.h"

#include "firmware/base/hex.h"

void plain_append(struct bytes *out, struct span text)
{
    bytes_append_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] < ' ' || text.p[i] > '~' || text.p[i] == '"' || text.p[i] == '\\')
            bytes_printf(out, "\\x%02x", text.p[i]);
        else
            bytes_append_char(out, (char)text.p[i]);
    }
    bytes_append_char(out, '"');
}

void plain_append_hex(struct bytes *out, struct span value)
{
    if (value.len == 0)
        bytes_append_text(out, "none");
    hex_append(out, value);
}
