#include "service/audit/chain.h"

static const char source_key[] = "\"source\":\"";
static const char seq_key[] = "\",\"seq\":";
static const char prev_key[] = ",\"prev\":\"";
static const char line_end[] = "\"}";

#define LEN(text)  (sizeof(text) - 1)
#define DIGITS_MAX 20

enum status chain_hasher_init(struct chain_hasher *h)
{
    h->md = EVP_MD_fetch(NULL, "SHA256", NULL);
    h->ctx = EVP_MD_CTX_new();
    if (h->md != NULL && h->ctx != NULL)
        return ST_OK;
    chain_hasher_clear(h);
    return ST_INTERNAL;
}

void chain_hasher_clear(struct chain_hasher *h)
{
    EVP_MD_CTX_free(h->ctx);
    EVP_MD_free(h->md);
    *h = (struct chain_hasher){ 0 };
}

enum status chain_hash(struct chain_hasher *h, struct span line, uint8_t out[CHAIN_HASH_LEN])
{
    bool ok = EVP_DigestInit_ex2(h->ctx, h->md, NULL) == 1 && EVP_DigestUpdate(h->ctx, line.p, line.len) == 1 &&
              EVP_DigestFinal_ex(h->ctx, out, NULL) == 1;

    return ok ? ST_OK : ST_INTERNAL;
}

bool chain_is_source(struct span source)
{
    if (source.len == 0 || source.len > CHAIN_SOURCE_MAX)
        return false;
    for (size_t i = 0; i < source.len; i++) {
        uint8_t c = source.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
            return false;
    }
    return true;
}

bool chain_is_record(struct span record)
{
    uint8_t control = 0;

    for (size_t i = 0; i < record.len; i++) /* without a branch, so that the compiler makes vectors of it */
        control |= record.p[i] < 0x20;
    return control == 0 && !span_starts_with(record, span_text("\"checkpoint\":")) &&
           !span_starts_with(record, span_text("\"trail\":"));
}

void chain_hex(char out[2 * CHAIN_HASH_LEN], const uint8_t hash[CHAIN_HASH_LEN])
{
    static const char digits[16] = "0123456789abcdef";

    for (size_t i = 0; i < CHAIN_HASH_LEN; i++) {
        out[2 * i] = digits[hash[i] >> 4];
        out[2 * i + 1] = digits[hash[i] & 15];
    }
}

static int hex_value(uint8_t c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool chain_unhex(uint8_t out[CHAIN_HASH_LEN], const uint8_t text[2 * CHAIN_HASH_LEN])
{
    for (size_t i = 0; i < CHAIN_HASH_LEN; i++) {
        int high = hex_value(text[2 * i]), low = hex_value(text[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

bool chain_read_number(struct span digits, uint64_t *out)
{
    uint64_t n = 0;

    if (digits.len == 0 || digits.len > DIGITS_MAX || (digits.len > 1 && digits.p[0] == '0'))
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        uint64_t digit = (uint64_t)digits.p[i] - '0';

        if (digit > 9 || n > (UINT64_MAX - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    *out = n;
    return true;
}

static uint8_t *put(uint8_t *to, const void *from, size_t len)
{
    if (len > 0)
        memcpy(to, from, len);
    return to + len;
}

static uint8_t *put_number(uint8_t *to, uint64_t n)
{
    uint8_t digits[DIGITS_MAX];
    size_t at = sizeof digits;

    do
        digits[--at] = (uint8_t)('0' + n % 10);
    while ((n /= 10) > 0);
    return put(to, digits + at, sizeof digits - at);
}

enum status chain_append(struct chain_hasher *h, struct bytes *out, struct chain_point *at, struct span record,
                         struct span source)
{
    uint8_t hash[CHAIN_HASH_LEN], *start, *to;
    char prev[2 * CHAIN_HASH_LEN];
    enum status st;

    INVARIANT(source.len <= CHAIN_SOURCE_MAX);
    if ((st = bytes_reserve(out, record.len + CHAIN_TAIL_MAX)) != ST_OK)
        return st;
    chain_hex(prev, at->hash);
    to = start = out->p + out->len;
    *to++ = '{';
    to = put(to, record.p, record.len);
    if (record.len > 0)
        *to++ = ',';
    to = put(to, source_key, LEN(source_key));
    to = put(to, source.p, source.len);
    to = put(to, seq_key, LEN(seq_key));
    to = put_number(to, at->seq + 1);
    to = put(to, prev_key, LEN(prev_key));
    to = put(to, prev, sizeof prev);
    to = put(to, line_end, LEN(line_end));
    if ((st = chain_hash(h, span_of(start, (size_t)(to - start)), hash)) != ST_OK)
        return st;
    *to++ = '\n';
    *to = '\0';
    out->len += (size_t)(to - start);
    at->seq++;
    memcpy(at->hash, hash, sizeof hash);
    return ST_OK;
}

/* Take `text` from the end of the span. */
static bool take_end(struct span *s, const char *text, size_t len)
{
    if (s->len < len || memcmp(s->p + s->len - len, text, len) != 0)
        return false;
    s->len -= len;
    return true;
}

static struct span take_end_while(struct span *s, bool (*wanted)(uint8_t c))
{
    size_t len = 0;

    while (len < s->len && wanted(s->p[s->len - len - 1]))
        len++;
    s->len -= len;
    return span_of(s->p + s->len, len);
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_source_char(uint8_t c)
{
    return chain_is_source(span_of(&c, 1));
}

/* From the end, where the trail's own members stand, whatever a record says. */
enum status chain_parse(struct span line, struct chain_line *out)
{
    struct span rest = line;

    if (!take_end(&rest, line_end, LEN(line_end)) || rest.len < sizeof out->prev * 2)
        return ST_BAD_REQUEST;
    rest.len -= sizeof out->prev * 2;
    if (!chain_unhex(out->prev, rest.p + rest.len) || !take_end(&rest, prev_key, LEN(prev_key)) ||
        !chain_read_number(take_end_while(&rest, is_digit), &out->seq) || !take_end(&rest, seq_key, LEN(seq_key)))
        return ST_BAD_REQUEST;
    out->source = take_end_while(&rest, is_source_char);
    if (!chain_is_source(out->source) || !take_end(&rest, source_key, LEN(source_key)) || rest.len == 0 ||
        rest.p[0] != '{' || (rest.len > 1 && !take_end(&rest, ",", 1)))
        return ST_BAD_REQUEST;
    out->record = span_of(rest.p + 1, rest.len - 1);
    return ST_OK;
}
