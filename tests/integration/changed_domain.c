/* changed_domain - files that are nearly the security domain's file FILE.
 *
 *   changed_domain count FILE
 *
 * Of how many that differ in one bit (two of every byte), or are cut: prints "<tried> <read>".
 *
 *   changed_domain forge FILE WHERE POSITION OUT
 *
 * With one character of the payload changed (WHERE: item), of a share (0 to 9) or with one holder fewer required
 * (required), and its digest made anew, as somebody does it who knows how. Exit code 2: it cannot be done. */
#include <stdio.h>
#include <stdlib.h>

#include "provisioning/ceremony/domain_json.h"
#include "provisioning/cli/private_file.h"

static uint8_t block[BUDGET_SIZE];
static struct budget budget;

static enum status read_domain(struct span text, Ks__DomainFile **out)
{
    budget_init(&budget, block, sizeof block);
    return domain_json_read(text, &budget, out);
}

static bool is_read(struct span text)
{
    Ks__DomainFile *f;

    return read_domain(text, &f) == ST_OK;
}

static int count(struct bytes *text)
{
    size_t tried = 0, taken = 0;

    for (size_t i = 0; i < text->len; i++) {
        for (size_t bit = i % 4; bit < 8; bit += 4, tried++) {
            text->p[i] ^= (uint8_t)(1u << bit);
            taken += is_read(bytes_span(text));
            text->p[i] ^= (uint8_t)(1u << bit);
        }
        if (i % 8 == 0) {
            taken += is_read(span_of(text->p, i));
            tried++;
        }
    }
    if (!is_read(bytes_span(text)))
        return 2; /* what was not read before it was changed proves nothing */
    printf("%zu %zu\n", tried, taken);
    return EXIT_SUCCESS;
}

static bool change_text(char *text, size_t position)
{
    if (position >= strlen(text) || text[position] == '.')
        return false;
    text[position] = text[position] == 'A' ? 'B' : 'A';
    return true;
}

static bool change(Ks__DomainFile *f, const char *where, size_t position)
{
    size_t share = (size_t)(where[0] - '0');

    if (strcmp(where, "required") == 0)
        return --f->required > 0;
    if (strcmp(where, "item") == 0)
        return change_text(f->items[0]->compact_jwe, position);
    return where[1] == '\0' && share < f->n_shares && change_text(f->shares[share]->compact_jwe, position);
}

static int forge(struct span text, char **words)
{
    struct bytes out = { 0 };
    Ks__DomainFile *f;
    enum status st = ST_BAD_REQUEST;

    if (read_domain(text, &f) == ST_OK && change(f, words[0], strtoul(words[1], NULL, 10)) &&
        (st = domain_file_digest(f, f->digest.data)) == ST_OK && (st = domain_json_write(f, &out)) == ST_OK)
        st = file_create(words[2], 0600, bytes_span(&out));
    bytes_clear(&out);
    return st == ST_OK ? EXIT_SUCCESS : 2;
}

int main(int argc, char **argv)
{
    bool counts = argc == 3 && strcmp(argv[1], "count") == 0, forges = argc == 6 && strcmp(argv[1], "forge") == 0;
    struct bytes text = { 0 };
    int code = 2;

    if ((counts || forges) && file_read(argv[2], DOMAIN_JSON_MAX, &text) == ST_OK)
        code = counts ? count(&text) : forge(bytes_span(&text), argv + 3);
    bytes_clear(&text);
    return code;
}
