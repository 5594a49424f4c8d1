#include "firmware/wire/message.h"

#include "firmware/wire/big_endian.h"

void message_header_write(uint8_t out[MESSAGE_HEADER_LEN], const struct message_header *h)
{
    put_u32(out, h->length);
    put_u32(out + 4, h->id);
    put_u16(out + 8, h->kind);
    put_u16(out + 10, h->flags);
    put_u32(out + 12, h->word);
}

enum status message_header_read(struct message_header *h, const uint8_t in[MESSAGE_HEADER_LEN])
{
    bool answer;

    *h = (struct message_header){ .length = get_u32(in),
                                  .id = get_u32(in + 4),
                                  .kind = get_u16(in + 8),
                                  .flags = get_u16(in + 10),
                                  .word = get_u32(in + 12) };
    answer = (h->flags & MESSAGE_ANSWER) != 0;
    if (h->length > LINK_MESSAGE_MAX)
        return ST_TOO_LARGE;
    if (h->id == 0 || (h->flags & ~MESSAGE_ANSWER) != 0 || !message_kind_exists(h->kind) ||
        (answer && h->word != 0 && h->length != 0))
        return ST_BAD_REQUEST;
    return ST_OK;
}
