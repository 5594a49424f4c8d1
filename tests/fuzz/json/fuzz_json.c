/* The JSON reader: whatever comes in, it ends; and what it accepts, jansson writes and the reader accepts again. */
#include "service/json/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes out = { 0 };
    struct json_writer w;
    json_t *tree = NULL, *again = NULL;
    enum status st;

    /* As a text through the writer: always JSON, unless it holds NUL, which the reader refuses. */
    json_begin(&w, &out);
    json_put_text(&w, NULL, span_of(data, size));
    st = json_read_value(bytes_span(&out), SIZE_MAX, &tree);
    INVARIANT(st == ST_OK || (size > 0 && memchr(data, 0, size) != NULL));
    json_decref(tree);
    bytes_clear(&out);

    if (json_read_object(span_of(data, size), JSON_BODY_MAX, &tree) == ST_OK) {
        char *text = json_dumps(tree, JSON_COMPACT);

        INVARIANT(text != NULL);
        st = json_read_object(span_text(text), SIZE_MAX, &again);
        INVARIANT(st == ST_OK);
        free(text);
        json_decref(again);
        json_decref(tree);
    }
    return 0;
}
