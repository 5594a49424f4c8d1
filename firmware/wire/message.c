#include "firmware/wire/message.h"

#include "firmware/base/big_endian.h"

void message_header_write(uint8_t out[MESSAGE_HEADER_LEN], const struct message_header *h)
{
    be_put(out, h->length, 4);
    be_put(out + 4, h->id, 4);
    be_put(out + 8, h->kind, 2);
    be_put(out + 10, h->flags, 2);
    be_put(out + 12, h->word, 4);
}

enum status message_header_read(struct message_header *h, const uint8_t in[MESSAGE_HEADER_LEN])
{
    bool answer;

    *h = (struct message_header){ .length = (uint32_t)be_get(in, 4),
                                  .id = (uint32_t)be_get(in + 4, 4),
                                  .kind = (uint16_t)be_get(in + 8, 2),
                                  .flags = (uint16_t)be_get(in + 10, 2),
                                  .word = (uint32_t)be_get(in + 12, 4) };
    answer = (h->flags & MESSAGE_ANSWER) != 0;
    if (h->length > LINK_MESSAGE_MAX)
        return ST_TOO_LARGE;
    if (h->id == 0 || (h->flags & ~MESSAGE_ANSWER) != 0 || !message_kind_exists(h->kind) ||
        (answer && h->word != 0 && h->length != 0))
        return ST_BAD_REQUEST;
    return ST_OK;
}
