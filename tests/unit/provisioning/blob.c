#include "tests/unit/provisioning/blob.h"

#include <openssl/rand.h>

#include "firmware/domain/domain_file.h"
#include "firmware/domain/kdf.h"
#include "provisioning/ceremony/domain_disk.h"
#include "provisioning/ceremony/holder_share.h"
#include "provisioning/cli/private_file.h"
#include "service/json/json.h"
#include "tests/unit/harness.h"
#include "tests/unit/provisioning/ceremony.h"

static enum status draw(void *out, size_t len)
{
    return RAND_bytes(out, (int)len) == 1 ? ST_OK : ST_INTERNAL;
}

static void open_domain(const char *domain, struct payload *out)
{
    const struct invocation *in = ceremony_invocation();
    struct holder_certificate c = { 0 };
    struct domain_disk disk = { 0 };
    struct secret shares[2] = { 0 };
    unsigned distinct;
    EVP_PKEY *key;

    INVARIANT(domain_disk_read(in, domain, &disk) == EXIT_DONE);
    for (size_t i = 0; i < 2; i++) {
        INVARIANT(holder_certificate_read(in, ceremony_certificate(i), &c) == EXIT_DONE &&
                  link_read_key(in, ceremony_key(i), &key) == EXIT_DONE &&
                  holder_share_open(in, disk.file, &c, key, &shares[i]) == EXIT_DONE);
        EVP_PKEY_free(key);
    }
    INVARIANT(domain_file_open(disk.file->required, disk.file->n_items, disk.file->items, shares, 2, out, &distinct) ==
              ST_OK);
    for (size_t i = 0; i < 2; i++)
        secret_clear(&shares[i]);
    holder_certificate_clear(&c);
    domain_disk_clear(&disk);
}

static void write_blob(struct span item, struct span wrapped, const struct holder_certificate *transfer, const char *to)
{
    struct bytes text = { 0 };
    struct json_writer w;

    json_begin(&w, &text);
    json_open_object(&w, NULL);
    json_open_object(&w, "EncData");
    json_open_array(&w, "data");
    json_open_object(&w, NULL);
    json_put_text(&w, "compact_jwe", item);
    json_put_text(&w, "tag", span_text(DOMAIN_TAG));
    json_close_object(&w);
    json_close_array(&w);
    json_put_text(&w, "kdf", span_text("sp108_kdf"));
    json_close_object(&w);
    json_open_object(&w, "WrappedKey");
    json_put_text(&w, "enc_key", wrapped);
    json_put_base64url(&w, "x5t_256", span_of(transfer->id, sizeof transfer->id));
    json_close_object(&w);
    json_close_object(&w);
    INVARIANT(file_create(to, 0600, bytes_span(&text)) == ST_OK);
    bytes_clear(&text);
}

void blob_make(const char *domain, const char *transfer, const char *to)
{
    uint8_t master[DOMAIN_MASTER_LEN], key[JWE_KEY_LEN];
    struct bytes item = { 0 }, wrapped = { 0 };
    struct holder_certificate c = { 0 };
    struct payload payload = { 0 };
    struct secret packed = { 0 };

    open_domain(domain, &payload);
    INVARIANT(holder_certificate_read(ceremony_invocation(), transfer, &c) == EXIT_DONE);
    INVARIANT(draw(master, sizeof master) == ST_OK && payload_pack(&payload, &packed) == ST_OK &&
              kdf_derive(span_of(master, sizeof master), span_text(DOMAIN_TAG), span_of(NULL, 0), key, sizeof key) ==
                  ST_OK &&
              jwe_seal_direct(key, DOMAIN_TAG, secret_span(&packed), draw, &item) == ST_OK &&
              jwe_seal_to(X509_get0_pubkey(c.x), span_of(master, sizeof master), draw, &wrapped) == ST_OK);
    write_blob(bytes_span(&item), bytes_span(&wrapped), &c, to);
    secret_clear(&packed);
    payload_clear(&payload);
    holder_certificate_clear(&c);
    bytes_clear(&item);
    bytes_clear(&wrapped);
}
