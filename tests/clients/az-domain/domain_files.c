/* domain_files.c - our side of client.py: makes a security domain's file, and opens a restore blob.
 *   domain_files make FILE REQUIRED CERTIFICATE.pem...
 *   domain_files open BLOB TRANSFER-CERTIFICATE.pem TRANSFER-KEY.pem
 * Prints the SHA-256 of the packed payload. The domain key is of random bytes and protects nothing. Exit code 1:
 * refused. */
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <stdio.h>

#include "provisioning/ceremony/domain_json.h"

#define EXIT_REFUSED 1
#define EXIT_USAGE   2

static uint8_t block[BUDGET_SIZE];

static enum status draw(void *out, size_t len)
{
    return RAND_bytes(out, (int)len) == 1 ? ST_OK : ST_INTERNAL;
}

static int refuse(const char *what, enum status st)
{
    fprintf(stderr, "%s: %s\n", what, status_name(st));
    return EXIT_REFUSED;
}

static int print_payload(const struct payload *p)
{
    struct secret packed = { 0 };
    uint8_t hash[32];
    enum status st = payload_pack(p, &packed);

    if (st == ST_OK && EVP_Digest(packed.p, packed.len, hash, NULL, EVP_sha256(), NULL) != 1)
        st = ST_INTERNAL;
    secret_clear(&packed);
    if (st != ST_OK)
        return refuse("payload", st);
    for (size_t i = 0; i < sizeof hash; i++)
        printf("%02x", hash[i]);
    putchar('\n');
    return EXIT_SUCCESS;
}

/* --- make --- */

static bool read_certificate(const char *path, struct bytes *der)
{
    FILE *f = fopen(path, "r");
    X509 *certificate = f != NULL ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;
    uint8_t *p = NULL;
    int len = certificate != NULL ? i2d_X509(certificate, &p) : -1;
    bool ok = len > 0 && bytes_set(der, span_of(p, (size_t)len)) == ST_OK;

    OPENSSL_free(p);
    X509_free(certificate);
    if (f != NULL)
        fclose(f);
    return ok;
}

static enum status write_file(const char *path, const struct payload *p)
{
    struct bytes json = { 0 };
    struct budget budget;
    Ks__DomainFile *file;
    enum status st;
    FILE *f;

    budget_init(&budget, block, sizeof block);
    if ((st = domain_file_make(p, draw, &budget, &file)) == ST_OK && (st = domain_json_write(file, &json)) == ST_OK) {
        f = fopen(path, "w");
        if (f == NULL || fwrite(json.p, 1, json.len, f) != json.len)
            st = ST_IO;
        if (f != NULL && fclose(f) != 0)
            st = ST_IO;
    }
    bytes_clear(&json);
    return st;
}

static int make(const char *path, const char *required, char **certificates, int count)
{
    struct bytes ders[HOLDERS_MAX] = { { 0 } };
    struct payload p = { .domain_id = { 1, 2, 3, 4, 5, 6, 7, 8 }, .generation = 1, .name = span_text("az-domain") };
    enum status st = ST_BAD_REQUEST;
    int code;

    p.required = (uint32_t)strtoul(required, NULL, 10);
    if (draw(p.domain_key, sizeof p.domain_key) == ST_OK && count <= HOLDERS_MAX) {
        st = ST_OK;
        for (int i = 0; i < count && st == ST_OK; i++) {
            if (!read_certificate(certificates[i], &ders[i]))
                st = ST_NOT_FOUND;
            p.holders[i] =
                (struct payload_holder){ .name = span_text("a holder"), .certificate = bytes_span(&ders[i]) };
            p.holder_count++;
        }
    }
    if (st == ST_OK)
        st = write_file(path, &p);
    code = st == ST_OK ? print_payload(&p) : refuse("make", st);
    for (size_t i = 0; i < HOLDERS_MAX; i++)
        bytes_clear(&ders[i]);
    payload_clear(&p);
    return code;
}

/* --- open --- */

static EVP_PKEY *read_key(const char *path)
{
    FILE *f = fopen(path, "r");
    EVP_PKEY *key = f != NULL ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;

    if (f != NULL)
        fclose(f);
    return key;
}

static enum status read_text(const char *path, struct bytes *text)
{
    FILE *f = fopen(path, "r");
    char part[4096];
    size_t n;

    if (f == NULL)
        return ST_NOT_FOUND;
    while ((n = fread(part, 1, sizeof part, f)) > 0)
        bytes_append(text, part, n);
    fclose(f);
    return bytes_status(text);
}

static enum status open_blob(struct span text, struct span certificate, EVP_PKEY *key, struct payload *out)
{
    struct secret master = { 0 };
    uint8_t named[32], right[32];
    struct budget budget;
    Ks__DomainRestore *m;
    enum status st;

    budget_init(&budget, block, sizeof block);
    if ((st = domain_json_read_restore(text, &budget, &m, named)) != ST_OK ||
        (st = domain_holder_name(certificate, right)) != ST_OK)
        return st;
    if (memcmp(named, right, sizeof named) != 0)
        return ST_NOT_FOUND;
    if ((st = domain_master_open(span_text(m->wrapped_key), key, &master)) == ST_OK)
        st = domain_file_open_master(m->n_items, m->items, &master, out);
    secret_clear(&master);
    return st;
}

static int open_file(const char *path, const char *certificate_path, const char *key_path)
{
    struct bytes text = { 0 }, certificate = { 0 };
    struct payload p = { 0 };
    EVP_PKEY *key = read_key(key_path);
    enum status st = ST_NOT_FOUND;
    int code;

    if (key != NULL && read_certificate(certificate_path, &certificate) && (st = read_text(path, &text)) == ST_OK)
        st = open_blob(bytes_span(&text), bytes_span(&certificate), key, &p);
    code = st == ST_OK ? print_payload(&p) : refuse("open", st);
    payload_clear(&p);
    bytes_clear(&text);
    bytes_clear(&certificate);
    EVP_PKEY_free(key);
    return code;
}

int main(int argc, char **argv)
{
    if (argc >= 4 && strcmp(argv[1], "make") == 0)
        return make(argv[2], argv[3], argv + 4, argc - 4);
    if (argc == 5 && strcmp(argv[1], "open") == 0)
        return open_file(argv[2], argv[3], argv[4]);
    fprintf(stderr, "usage: domain_files make FILE REQUIRED CERTIFICATE... | open BLOB CERTIFICATE KEY\n");
    return EXIT_USAGE;
}
