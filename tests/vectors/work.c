#include "tests/vectors/work.h"

#include "firmware/base/base64url.h"
#include "firmware/base/hex.h"

struct bytes *work_bytes(struct work *w)
{
    INVARIANT(w->used < POOL_MAX);
    return &w->pool[w->used++];
}

static void work_forget(struct work *w, unsigned mark)
{
    while (w->used > mark)
        bytes_clear(&w->pool[--w->used]);
}

uint8_t *work_room(struct work *w, size_t len)
{
    struct bytes *b = work_bytes(w);

    INVARIANT(bytes_reserve(b, len + 1) == ST_OK);
    memset(b->p, 0, len + 1);
    b->len = len;
    return b->p;
}

const char *json_text(const json_t *object, const char *field)
{
    const char *text = json_string_value(json_object_get(object, field));

    return text != NULL ? text : "";
}

long json_number(const json_t *object, const char *field)
{
    return (long)json_integer_value(json_object_get(object, field));
}

bool json_has_flag(const json_t *test, const char *flag)
{
    size_t i;
    json_t *item;

    json_array_foreach(json_object_get(test, "flags"), i, item)
    {
        const char *text = json_string_value(item);

        if (text != NULL && strcmp(text, flag) == 0)
            return true;
    }
    return false;
}

struct span work_hex(struct work *w, const json_t *object, const char *field)
{
    const char *text = json_text(object, field);
    size_t digits = strlen(text), len = (digits + 1) / 2;
    uint8_t *p = work_room(w, len);
    char *even = NULL;

    if (digits % 2 != 0) { /* a number, "3" */
        even = (char *)work_room(w, digits + 1);
        even[0] = '0';
        memcpy(even + 1, text, digits);
        text = even;
    }
    INVARIANT(hex_decode(p, len, span_text(text)) == ST_OK); /* the file is broken */
    return span_of(p, len);
}

static struct span padded(struct work *w, struct span s, size_t len)
{
    uint8_t *p;

    while (s.len > len && s.p[0] == 0)
        s = span_of(s.p + 1, s.len - 1);
    if (s.len >= len)
        return s;
    p = work_room(w, len);
    if (s.len > 0)
        memcpy(p + len - s.len, s.p, s.len);
    return span_of(p, len);
}

struct span work_number(struct work *w, const json_t *object, const char *field, size_t len)
{
    return padded(w, work_hex(w, object, field), len);
}

struct span work_base64url(struct work *w, const json_t *object, const char *field, size_t len)
{
    struct bytes *b = work_bytes(w);

    if (base64url_decode(b, span_text(json_text(object, field))) != ST_OK)
        bytes_reset(b);
    return padded(w, bytes_span(b), len);
}

void outcome_left_out(struct outcome *o, const char *why)
{
    o->doing = LEFT_OUT;
    o->why = why;
}

void outcome_rv(struct outcome *o, CK_RV rv)
{
    o->rv = rv;
    o->doing = rv == CKR_OK ? DONE : REFUSED;
    o->right = rv == CKR_OK;
}

void outcome_result(struct outcome *o, CK_RV rv, const struct bytes *got, struct span expected)
{
    outcome_rv(o, rv);
    o->right = rv == CKR_OK && span_equal(bytes_span(got), expected);
}

static bool is_right(const struct outcome *o, char verdict)
{
    bool refused = o->doing == REFUSED && rv_is_verdict(o->rv);

    switch (verdict) {
    case 'v':
        return o->doing == DONE && o->right;
    case 'i':
        return refused || (o->doing == DONE && o->may_be_done && !o->right);
    default:
        return refused || (o->doing == DONE && o->right);
    }
}

static const char *what_happened(const struct outcome *o)
{
    if (o->doing == REFUSED)
        return rv_name(o->rv);
    return o->right ? "accepted" : "another result";
}

static void judge(struct work *w, const struct outcome *o, char verdict)
{
    if (o->doing == LEFT_OUT)
        report_left_out(w->report, o->why);
    else if (o->policy != NULL && o->doing == REFUSED && rv_is_policy(o->rv))
        report_left_out(w->report, o->policy);
    else if (is_right(o, verdict))
        report_passed(w->report, verdict == 'a');
    else
        report_failed(w->report, json_number(w->test, "tcId"), verdict, what_happened(o),
                      json_text(w->test, "comment"));
}

/* The answer to a test: `tcId` is unique in a set. */
static const json_t *answer_to(const struct work *w)
{
    size_t i, j;
    json_t *group, *answer;

    json_array_foreach(json_object_get(w->answers, "testGroups"), i, group)
    {
        json_array_foreach(json_object_get(group, "tests"), j, answer)
        {
            if (json_number(answer, "tcId") == json_number(w->test, "tcId"))
                return answer;
        }
    }
    return NULL;
}

void work_group(struct work *w, const struct family *family, json_t *tests, char (*verdict)(struct work *w))
{
    size_t i;
    json_t *test;
    unsigned mark;

    w->key = CK_INVALID_HANDLE;
    w->key_rv = CKR_OK;
    w->left_out = NULL;
    w->test = NULL;
    work_forget(w, 0);
    if (family->begin != NULL)
        family->begin(w);
    mark = w->used;
    json_array_foreach(tests, i, test)
    {
        struct outcome o = { 0 };

        w->test = test;
        w->expected = answer_to(w);
        if (w->left_out != NULL)
            outcome_left_out(&o, w->left_out);
        else
            family->run(w, &o);
        judge(w, &o, verdict(w));
        work_forget(w, mark);
    }
    token_destroy(w->token, w->key);
    work_forget(w, 0);
}
