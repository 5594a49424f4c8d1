#include "provisioning/ceremony/domain_json.h"

#include "provisioning/ceremony/domain_json_inside.h"
#include "service/json/json.h"

static void put_hash(struct json_writer *w, const char *name, ProtobufCBinaryData d)
{
    json_put_base64url(w, name, span_of(d.data, d.len));
}

static void put_items(struct json_writer *w, const Ks__DomainFile *f)
{
    json_open_object(w, "EncData");
    json_open_array(w, "data");
    for (size_t i = 0; i < f->n_items; i++) {
        json_open_object(w, NULL);
        json_put_text(w, "compact_jwe", span_text(f->items[i]->compact_jwe));
        json_put_text(w, "tag", span_text(f->items[i]->tag));
        json_close_object(w);
    }
    json_close_array(w);
    json_put_text(w, "kdf", span_text(KDF));
    json_close_object(w);
}

static void put_shares(struct json_writer *w, const Ks__DomainFile *f)
{
    json_open_object(w, "SharedKeys");
    json_open_array(w, "enc_shares");
    for (size_t i = 0; i < f->n_shares; i++) {
        json_open_object(w, NULL);
        json_put_text(w, "enc_key", span_text(f->shares[i]->compact_jwe));
        put_hash(w, "x5t_256", f->shares[i]->holder);
        json_close_object(w);
    }
    json_close_array(w);
    json_put_text(w, "key_algorithm", span_text(ALGORITHM));
    json_put_int(w, "required", f->required);
    json_close_object(w);
}

enum status domain_json_write(const Ks__DomainFile *f, struct bytes *out)
{
    struct json_writer w;

    json_begin(&w, out);
    json_open_object(&w, NULL);
    put_items(&w, f);
    put_shares(&w, f);
    json_put_int(&w, "version", VERSION);
    put_hash(&w, DIGEST_MEMBER, f->digest);
    json_close_object(&w);
    return bytes_status(out);
}
