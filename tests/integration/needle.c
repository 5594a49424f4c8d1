#include "tests/integration/needle.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "firmware/base/hex.h"

#define LINE_MAX_LEN (16u * 1024)
#define NEEDLES_MAX  256
#define FILTER_BITS  23 /* one bit in some dozens is set: what passes is looked up */
#define HASH_FACTOR  0x9e3779b97f4a7c15u

struct form { /* one secret in one coding */
    unsigned needle;
    const char *coding;
    struct bytes text;
};

struct window {
    const uint8_t *p; /* NULL: free */
    unsigned form;
};

struct needles {
    char names[NEEDLES_MAX][NEEDLE_NAME_MAX];
    unsigned count;
    struct form *forms;
    unsigned form_count, form_room;
    uint8_t *filter;
    struct window *table; /* open addressing */
    size_t table_mask;
};

static uint64_t first_word(const uint8_t *p)
{
    uint64_t w;

    memcpy(&w, p, sizeof w);
    return w * HASH_FACTOR;
}

static size_t place_of(const uint8_t *p)
{
    uint64_t w;

    memcpy(&w, p + 8, sizeof w);
    return (size_t)((first_word(p) ^ (w * HASH_FACTOR)) >> 20);
}

static void add_form(struct needles *n, const char *coding, struct bytes *text)
{
    if (text->len < NEEDLE_WINDOW || bytes_status(text) != ST_OK) {
        bytes_clear(text); /* a coding that cuts the ends of a short secret off */
        return;
    }
    if (n->form_count == n->form_room) {
        n->form_room = n->form_room * 2 + 64;
        n->forms = realloc(n->forms, n->form_room * sizeof *n->forms);
        INVARIANT(n->forms != NULL);
    }
    n->forms[n->form_count++] = (struct form){ .needle = n->count - 1, .coding = coding, .text = *text };
    *text = (struct bytes){ 0 };
}

/* `limb` bytes at a time turned round, counted from the end; 0: the whole. */
static void add_turned(struct needles *n, struct span s, size_t limb, const char *coding)
{
    struct bytes text = { 0 };
    size_t begin, end;

    if (limb == 0)
        limb = s.len;
    for (end = s.len % limb != 0 ? s.len % limb : limb; end <= s.len; end += limb) {
        begin = end > limb ? end - limb : 0;
        for (size_t i = end; i > begin; i--)
            bytes_append_char(&text, (char)s.p[i - 1]);
    }
    add_form(n, coding, &text);
}

static void add_hex(struct needles *n, struct span s, const char *lower, const char *upper)
{
    struct bytes text = { 0 }, big = { 0 };

    hex_append(&text, s);
    for (size_t i = 0; i < text.len; i++)
        bytes_append_char(&big, (char)(text.p[i] >= 'a' ? text.p[i] - 'a' + 'A' : text.p[i]));
    add_form(n, lower, &text);
    add_form(n, upper, &big);
}

/* As it stands in base64 of something longer: behind `offset` other bytes, without the characters these decide on. */
static void add_base64(struct needles *n, struct span s, size_t offset)
{
    size_t len = s.len + offset, cut = offset == 0 ? 0 : offset + 1;
    uint8_t *in = calloc(1, len), *out = malloc(len * 2 + 8);
    struct bytes standard = { 0 }, url = { 0 };
    size_t end;

    INVARIANT(in != NULL && out != NULL);
    memcpy(in + offset, s.p, s.len);
    EVP_EncodeBlock(out, in, (int)len);
    end = len / 3 * 4 + (len % 3 != 0 ? len % 3 : 0); /* whole characters only */
    for (size_t i = cut; i < end; i++) {
        bytes_append_char(&standard, (char)out[i]);
        bytes_append_char(&url, (char)(out[i] == '+' ? '-' : out[i] == '/' ? '_' : out[i]));
    }
    add_form(n, "base64", &standard);
    add_form(n, "base64url", &url);
    free(in);
    free(out);
}

static void add_codings(struct needles *n, struct span s)
{
    struct bytes plain = { 0 };

    bytes_append_span(&plain, s);
    add_form(n, "as it is", &plain);
    add_hex(n, s, "hexadecimal", "hexadecimal, capitals");
    for (size_t offset = 0; offset < 3; offset++)
        add_base64(n, s, offset);
}

static void add_number(struct needles *n, struct span s)
{
    uint8_t turned[LINE_MAX_LEN / 2];

    add_codings(n, s);
    add_turned(n, s, 0, "little-endian");
    add_turned(n, s, 8, "limbs of 8");
    add_turned(n, s, 4, "limbs of 4");
    for (size_t i = 0; i < s.len; i++)
        turned[i] = s.p[s.len - 1 - i];
    add_hex(n, span_of(turned, s.len), "little-endian hexadecimal", "little-endian hexadecimal, capitals");
}

static bool add_line(struct needles *n, const char *line)
{
    char kind[8], name[NEEDLE_NAME_MAX], value[LINE_MAX_LEN];
    uint8_t raw[LINE_MAX_LEN / 2];

    if (sscanf(line, "%7s %63s %16383s", kind, name, value) != 3 || n->count == NEEDLES_MAX)
        return false;
    memcpy(n->names[n->count++], name, sizeof name);
    if (strcmp(kind, "text") == 0 && strlen(value) >= NEEDLE_WINDOW) {
        add_codings(n, span_text(value));
        return true;
    }
    if (strcmp(kind, "bytes") != 0 || strlen(value) < (size_t)2 * NEEDLE_WINDOW ||
        hex_decode(raw, strlen(value) / 2, span_text(value)) != ST_OK)
        return false;
    add_number(n, span_of(raw, strlen(value) / 2));
    return true;
}

static void add_window(struct needles *n, unsigned form, const uint8_t *p)
{
    uint64_t bit = first_word(p) >> (64 - FILTER_BITS);
    size_t i = place_of(p) & n->table_mask;

    n->filter[bit / 8] |= (uint8_t)(1u << (bit % 8));
    while (n->table[i].p != NULL) {
        if (memcmp(n->table[i].p, p, NEEDLE_WINDOW) == 0)
            return;
        i = (i + 1) & n->table_mask;
    }
    n->table[i] = (struct window){ .p = p, .form = form };
}

static void index_windows(struct needles *n)
{
    size_t windows = 0, size = 1024;

    for (unsigned i = 0; i < n->form_count; i++)
        windows += n->forms[i].text.len - NEEDLE_WINDOW + 1;
    while (size < windows * 3)
        size *= 2;
    n->table_mask = size - 1;
    n->table = calloc(size, sizeof *n->table);
    n->filter = calloc(1, (size_t)1 << (FILTER_BITS - 3));
    INVARIANT(n->table != NULL && n->filter != NULL);
    for (unsigned i = 0; i < n->form_count; i++)
        for (size_t at = 0; at + NEEDLE_WINDOW <= n->forms[i].text.len; at++)
            add_window(n, i, n->forms[i].text.p + at);
}

struct needles *needles_read(const char *path)
{
    struct needles *n = calloc(1, sizeof *n);
    FILE *file = fopen(path, "re");
    char line[LINE_MAX_LEN];
    bool ok = n != NULL && file != NULL;

    while (ok && fgets(line, sizeof line, file) != NULL)
        ok = add_line(n, line);
    if (file != NULL)
        fclose(file);
    if (!ok || n->count == 0) {
        fprintf(stderr, "%s: no list of secrets\n", path);
        needles_free(n);
        return NULL;
    }
    index_windows(n);
    return n;
}

void needles_free(struct needles *n)
{
    if (n == NULL)
        return;
    for (unsigned i = 0; i < n->form_count; i++)
        bytes_clear(&n->forms[i].text);
    free(n->forms);
    free(n->table);
    free(n->filter);
    free(n);
}

unsigned needles_count(const struct needles *n)
{
    return n->count;
}

const char *needle_name(const struct needles *n, unsigned needle)
{
    return n->names[needle];
}

static const struct window *look_up(const struct needles *n, const uint8_t *p)
{
    for (size_t i = place_of(p) & n->table_mask; n->table[i].p != NULL; i = (i + 1) & n->table_mask)
        if (memcmp(n->table[i].p, p, NEEDLE_WINDOW) == 0)
            return &n->table[i];
    return NULL;
}

void needles_search(const struct needles *n, struct span where, needle_found *found, void *arg)
{
    const struct window *w;
    uint64_t bit;

    for (size_t at = 0; at + NEEDLE_WINDOW <= where.len; at++) {
        bit = first_word(where.p + at) >> (64 - FILTER_BITS);
        if ((n->filter[bit / 8] >> (bit % 8) & 1) != 0 && (w = look_up(n, where.p + at)) != NULL)
            found(arg, n->forms[w->form].needle, n->forms[w->form].coding, at);
    }
}
