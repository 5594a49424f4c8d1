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

/* Unicode's controls of the direction of writing, and what ends a line or hides. */
static bool is_control(uint32_t c)
{
    return c < ' ' || (c >= 0x7f && c < 0xa0) || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

/* How many bytes the first character has; 0: it is none (RFC 3629), or a control. */
static size_t harmless(struct span s)
{
    static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t len = s.p[0] < 0x80 ? 1 : s.p[0] >= 0xc2 && s.p[0] < 0xe0 ? 2 : s.p[0] >= 0xe0 && s.p[0] < 0xf0 ? 3 : 4;
    uint32_t c = len == 1 ? s.p[0] : s.p[0] & (0xffu >> (len + 1));

    if ((s.p[0] >= 0x80 && s.p[0] < 0xc2) || s.p[0] > 0xf4 || len > s.len)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((s.p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (s.p[i] & 0x3f);
    }
    return c < smallest[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) || is_control(c) ? 0 : len;
}

void plain_append_words(struct bytes *out, struct span text)
{
    while (text.len > 0) {
        size_t len = harmless(text);

        if (len == 0) {
            bytes_printf(out, "\\x%02x", text.p[0]);
            len = 1;
        } else {
            bytes_append(out, text.p, len);
        }
        text = span_of(text.p + len, text.len - len);
    }
}

void plain_append_hex(struct bytes *out, struct span value)
{
    if (value.len == 0)
        bytes_append_text(out, "none");
    hex_append(out, value);
}
