#include "tests/integration/ceremony_state.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/integration/ceremony_cli.h"

#define CLOCK_MOVED_S 600

/* The answer as JSON; NULL: refused. */
static json_t *ask(const char *words, const char *as)
{
    struct bytes said = { 0 };
    char all[CLI_WORDS_ROOM];
    json_t *answer = NULL;

    snprintf(all, sizeof all, "%s --json%s", words, as);
    if (cli_run(all, &said) == 0)
        answer = json_loadb((const char *)said.p, said.len, 0, NULL);
    bytes_clear(&said);
    return answer;
}

static void add_json(struct bytes *text, json_t *what)
{
    char *dump = json_dumps(what, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);

    bytes_printf(text, "%s\n", dump != NULL ? dump : "?");
    free(dump);
}

static bool clock_has_moved(const char *rfc3339)
{
    struct tm tm = { 0 };
    time_t then = strptime(rfc3339, "%Y-%m-%dT%H:%M:%S", &tm) != NULL ? timegm(&tm) : 0;

    return llabs((long long)(then - time(NULL))) > CLOCK_MOVED_S;
}

static void add_domain(struct bytes *text, const char *as)
{
    json_t *d = ask("domain info", as);

    if (d == NULL) {
        bytes_append_text(text, "0\nno domain\n");
        return;
    }
    bytes_printf(text, "%" JSON_INTEGER_FORMAT "\nclock %s\n", json_integer_value(json_object_get(d, "actSequence")),
                 clock_has_moved(json_string_value(json_object_get(d, "time"))) ? "moved" : "right");
    json_object_del(d, "actSequence");
    json_object_del(d, "time");
    json_object_del(d, "domainId"); /* drawn anew for each domain; that it is the same one, its keys prove */
    add_json(text, d);
    json_decref(d);
}

static void add_partitions(struct bytes *text, const char *as)
{
    json_t *list = ask("partition list", as), *one;
    size_t i;

    json_array_foreach(list, i, one) json_object_del(one, "id"); /* each attempt to restore one takes a number */
    if (list != NULL)
        add_json(text, list);
    json_decref(list);
}

static void add_status(struct bytes *text, json_t *status)
{
    static const char *const members[] = { "state", "fault", "locked", "attended", "partitions", "root", "board" };

    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        add_json(text, json_object_get(status, members[i]));
}

void state_observe(struct bytes *text)
{
    static const char *const who[] = { AS_OWNER, AS_OWNER2, AS_OPERATOR };
    json_t *status = NULL;
    unsigned i;

    bytes_reset(text);
    for (i = 0; i < ARRAY_LEN(who) && (status = ask("keystore status", who[i])) == NULL; i++) {
        /* the next one */
    }
    if (status == NULL) {
        bytes_append_text(text, "0\nnobody\n");
        return;
    }
    add_domain(text, who[i]);
    bytes_printf(text, "asked by %u\n", i);
    add_status(text, status);
    add_partitions(text, who[i]);
    json_decref(status);
}

bool state_same(const struct bytes *a, const struct bytes *b, bool but_acts)
{
    struct span x = bytes_span(a), y = bytes_span(b);
    const uint8_t *end;

    if (but_acts && (end = memchr(x.p, '\n', x.len)) != NULL)
        x = span_of(end, (size_t)(x.p + x.len - end));
    if (but_acts && (end = memchr(y.p, '\n', y.len)) != NULL)
        y = span_of(end, (size_t)(y.p + y.len - end));
    return span_equal(x, y);
}

/* Up to and without the end of the line that `*rest` begins with. */
static struct span take_line(struct span *rest)
{
    const uint8_t *end = rest->len > 0 ? memchr(rest->p, '\n', rest->len) : NULL;
    size_t len = end != NULL ? (size_t)(end - rest->p) : rest->len;
    struct span line = span_of(rest->p, len);

    len += end != NULL;
    *rest = span_of(rest->p + len, rest->len - len);
    return line;
}

void state_print_difference(const struct bytes *is, const char *what, const struct bytes *should)
{
    struct span a = bytes_span(is), b = bytes_span(should);

    while (a.len > 0 || b.len > 0) {
        struct span x = take_line(&a), y = take_line(&b);

        if (!span_equal(x, y))
            printf("  is  %.*s\n  %s %.*s\n", (int)x.len, (const char *)x.p, what, (int)y.len, (const char *)y.p);
    }
}

bool state_is(const char *state)
{
    json_t *status = ask("keystore status", AS_OWNER);
    bool is = status != NULL && strcmp(json_string_value(json_object_get(status, "state")), state) == 0;

    json_decref(status);
    return is;
}
