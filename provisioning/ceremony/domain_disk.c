#include "provisioning/ceremony/domain_disk.h"

#include "provisioning/ceremony/domain_json.h"
#include "provisioning/cli/input_file.h"
#include "provisioning/cli/result_file.h"

static int begin(const struct invocation *in, const char *path, struct bytes *text, struct domain_disk *out)
{
    domain_disk_clear(out);
    if ((out->block = malloc(BUDGET_SIZE)) == NULL)
        return command_refuse(in, "out of memory");
    budget_init(&out->budget, out->block, BUDGET_SIZE);
    return input_file_read(in, path, DOMAIN_JSON_MAX, text);
}

static int end(const struct invocation *in, const char *path, int code, enum status st, struct bytes *text,
               struct domain_disk *out)
{
    bytes_clear(text);
    if (code == EXIT_DONE && st == ST_OK)
        return EXIT_DONE;
    domain_disk_clear(out);
    if (code != EXIT_DONE)
        return code;
    return command_refuse(in, "%s: %s", path,
                          st == ST_BAD_REQUEST ? "no such file of a security domain"
                          : st == ST_CORRUPT   ? "damaged: it is not what was exported"
                                               : status_name(st));
}

int domain_disk_read(const struct invocation *in, const char *path, struct domain_disk *out)
{
    struct bytes text = { 0 };
    int code = begin(in, path, &text, out);
    enum status st = ST_OK;

    if (code == EXIT_DONE)
        st = domain_json_read(bytes_span(&text), &out->budget, &out->file);
    return end(in, path, code, st, &text, out);
}

int domain_disk_read_blob(const struct invocation *in, const char *path, struct domain_disk *out, uint8_t transfer[32])
{
    struct bytes text = { 0 };
    int code = begin(in, path, &text, out);
    enum status st = ST_OK;

    if (code == EXIT_DONE)
        st = domain_json_read_restore(bytes_span(&text), &out->budget, &out->blob, transfer);
    return end(in, path, code, st, &text, out);
}

void domain_disk_clear(struct domain_disk *d)
{
    if (d->block != NULL)
        budget_reset(&d->budget);
    free(d->block);
    *d = (struct domain_disk){ 0 };
}

void domain_disk_digest(const Ks__DomainFile *f, char text[DOMAIN_DISK_DIGEST_TEXT])
{
    INVARIANT(2 * f->digest.len + 1 == DOMAIN_DISK_DIGEST_TEXT);
    for (size_t i = 0; i < f->digest.len; i++)
        snprintf(text + 2 * i, 3, "%02x", f->digest.data[i]);
}

/* What was promised to be on the disk, is: by another way than the one it came. */
static int read_back(const struct invocation *in, const char *path, const Ks__DomainFile *f)
{
    struct domain_disk disk = { 0 };
    int code = domain_disk_read(in, path, &disk);

    if (code == EXIT_DONE &&
        !span_equal(span_of(disk.file->digest.data, disk.file->digest.len), span_of(f->digest.data, f->digest.len)))
        code = command_refuse(in, "%s: what the disk holds is not what the keystore gave; destroy it, and export again",
                              path);
    domain_disk_clear(&disk);
    return code;
}

int domain_disk_write(const struct invocation *in, const char *path, const Ks__DomainFile *f)
{
    struct bytes text = { 0 };
    enum status st = domain_json_write(f, &text);
    int code = st == ST_OK ? result_file_write(in, path, 0600, bytes_span(&text))
                           : command_refuse(in, "%s: %s", path, status_name(st));

    bytes_clear(&text);
    return code == EXIT_DONE ? read_back(in, path, f) : code;
}

void domain_disk_restore(const Ks__DomainFile *f, Ks__DomainRestore *out)
{
    ks__domain_restore__init(out);
    out->required = f->required;
    out->n_items = f->n_items;
    out->items = f->items;
}

void domain_disk_holders(const Ks__DomainFile *f, struct act_file *out)
{
    out->required = f->required;
    for (size_t i = 0; i < f->n_shares && out->holder_count < HOLDERS_MAX; i++)
        if (f->shares[i]->holder.len == HOLDER_ID_LEN)
            memcpy(out->holders[out->holder_count++].id, f->shares[i]->holder.data, HOLDER_ID_LEN);
}
