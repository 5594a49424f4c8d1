#include "firmware/base/guid.h"

#include <openssl/rand.h>
#include <unistd.h>

#include "firmware/base/hex.h"

#define STOCK 16u /* random identifiers a thread draws at once */

static bool is_dash_place(size_t i)
{
    return i == 8 || i == 13 || i == 18 || i == 23;
}

struct guid guid_from_bytes(const uint8_t bytes16[16])
{
    static const char digits[16] = "0123456789abcdef";
    uint8_t b[16];
    struct guid g;
    size_t at = 0;

    memcpy(b, bytes16, sizeof b);
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    for (size_t i = 0; i < sizeof b; i++) {
        if (is_dash_place(at))
            g.text[at++] = '-';
        g.text[at++] = digits[b[i] >> 4];
        g.text[at++] = digits[b[i] & 15];
    }
    g.text[at] = '\0';
    return g;
}

/* Every request has an identifier, and asking the generator takes a microsecond however little is asked for: so each
 * thread asks for several at once. What has been used is not kept, and what a child inherits is not used again. */
struct guid guid_random(void)
{
    static _Thread_local uint8_t stock[STOCK][16];
    static _Thread_local unsigned left;
    static _Thread_local pid_t owner;
    struct guid g;

    if (left == 0 || owner != getpid()) {
        int ok = RAND_bytes(stock[0], sizeof stock);

        INVARIANT(ok == 1); /* an identifier that may repeat is worse than a stop */
        left = STOCK;
        owner = getpid();
    }
    g = guid_from_bytes(stock[--left]);
    memset(stock[left], 0, sizeof stock[left]);
    return g;
}

enum status guid_parse(struct guid *out, struct span text)
{
    if (text.len != GUID_LEN)
        return ST_BAD_REQUEST;
    for (size_t i = 0; i < GUID_LEN; i++) {
        uint8_t c = text.p[i];

        if (is_dash_place(i) ? c != '-' : !((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')))
            return ST_BAD_REQUEST;
        out->text[i] = (char)(c >= 'A' && c <= 'F' ? c | 0x20 : c);
    }
    out->text[GUID_LEN] = '\0';
    return ST_OK;
}
