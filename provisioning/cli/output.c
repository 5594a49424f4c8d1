#include "provisioning/cli/output.h"

#include "provisioning/cli/plain.h"
#include "service/json/json.h"

void output_words(const struct invocation *in, const char *text)
{
    struct bytes words = { 0 };

    plain_append_words(&words, span_text(text));
    if (bytes_status(&words) == ST_OK)
        fwrite(words.p, 1, words.len, in->out);
    fputc('\n', in->out);
    bytes_clear(&words);
}

int output_json(const struct invocation *in, struct bytes *text)
{
    enum status st = bytes_status(text);

    if (st == ST_OK)
        fprintf(in->out, "%s\n", bytes_text(text));
    bytes_clear(text);
    return st == ST_OK ? EXIT_DONE : command_refuse(in, "%s", status_name(st));
}

int output_value(const struct invocation *in, const char *name, struct span text)
{
    struct bytes document = { 0 };
    struct json_writer w;

    if (in->json) {
        json_begin(&w, &document);
        json_open_object(&w, NULL);
        json_put_text(&w, name, text);
        json_close_object(&w);
        return output_json(in, &document);
    }
    fwrite(text.p, 1, text.len, in->out);
    if (text.len == 0 || text.p[text.len - 1] != '\n')
        fputc('\n', in->out);
    return EXIT_DONE;
}
