#include "provisioning/ceremony/act_json.h"

#include "firmware/base/clock.h"
#include "provisioning/ceremony/act_words.h"
#include "provisioning/cli/json_file.h"
#include "provisioning/cli/output.h"

static void put_approved(struct json_writer *w, const struct act_file *a, const bool *approved)
{
    uint32_t count = 0;

    json_open_array(w, "approvedBy");
    for (size_t i = 0; i < a->holder_count; i++)
        if (approved[i]) {
            json_file_put_hex(w, NULL, span_of(a->holders[i].id, HOLDER_ID_LEN));
            count++;
        }
    json_close_array(w);
    json_put_bool(w, "enough", count >= a->required);
}

int act_json_print(const struct invocation *in, const struct act_file *a, const bool *approved)
{
    struct bytes text = { 0 }, words = { 0 };
    enum status st = act_words(a, &words);
    struct json_writer w;
    uint8_t name[32];

    if (st == ST_OK) {
        act_name(&a->act, name);
        json_begin(&w, &text);
        json_open_object(&w, NULL);
        json_file_put_hex(&w, "act", span_of(name, sizeof name));
        act_put(&w, a);
        act_put_holders(&w, a);
        json_put_bool(&w, "expired", a->act.expires_ms <= (uint64_t)clock_unix_s() * 1000);
        json_put_text(&w, "words", bytes_span(&words));
        if (approved != NULL)
            put_approved(&w, a, approved);
        json_close_object(&w);
    }
    bytes_clear(&words);
    return st == ST_OK ? output_json(in, &text) : act_not_shown(in, st);
}
