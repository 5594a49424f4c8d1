/* strongroom partition: backup, restore. */
#include <inttypes.h>
#include <openssl/sha.h>

#include "provisioning/ceremony/act_do.h"
#include "provisioning/cli/output.h"
#include "provisioning/cli/plain.h"
#include "provisioning/cli/progress.h"
#include "provisioning/cli/result_file.h"
#include "provisioning/keystore/backup_file.h"
#include "provisioning/keystore/partition_verbs.h"
#include "service/json/json.h"

/* By which the holders know the backup again that they are asked to restore: act_words.c shows the same. */
static void first_part_digest(const struct backup_file *f, struct bytes *out)
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    struct span part;
    size_t at = 0;

    INVARIANT(backup_file_next(f, &at, &part));
    SHA256(part.p, part.len, digest);
    plain_append_hex(out, span_of(digest, sizeof digest));
}

static int print_done(const struct invocation *in, const char *name, const char *path, const struct backup_file *f)
{
    struct bytes text = { 0 }, digest = { 0 };
    struct json_writer w;

    first_part_digest(f, &digest);
    json_begin(&w, &text);
    json_open_object(&w, NULL);
    if (name != NULL)
        json_put_text(&w, "name", span_text(name));
    json_put_text(&w, "file", span_text(path));
    json_put_int(&w, "parts", (int64_t)f->parts);
    json_put_int(&w, "bytes", (int64_t)f->content.len);
    json_put_text(&w, "firstPartSha256", bytes_span(&digest));
    json_close_object(&w);
    bytes_clear(&digest);
    return output_json(in, &text);
}

static void say_backed_up(const struct invocation *in, const char *name, const char *path, const struct backup_file *f)
{
    struct bytes digest = { 0 };

    first_part_digest(f, &digest);
    fprintf(in->out,
            "partition %s: backed up to %s, %" PRIu32
            " parts.\nOnly a keystore of the same security domain restores it, "
            "with the approval of its holders.\nThey will be shown its first part's SHA-256, to compare: %s\n",
            name, path, f->parts, bytes_text(&digest));
    bytes_clear(&digest);
}

static int fetch_all(const struct invocation *in, struct keystore_link *k, uint64_t partition, struct backup_file *f)
{
    Ks__BackupBegin begin = KS__BACKUP_BEGIN__INIT;
    Ks__Empty next = KS__EMPTY__INIT;
    Ks__BackupPart *part = NULL;
    struct progress progress;
    enum status st = ST_OK;
    bool last = false;
    int code;

    begin.partition = partition;
    progress_begin(&progress, "the keystore gives out the backup");
    code = keystore_link_call(in, k, MESSAGE_BACKUP_BEGIN, &begin.base, &part);
    while (code == EXIT_DONE && (st = backup_file_add(f, span_of(part->part.data, part->part.len))) == ST_OK) {
        if ((last = part->last))
            break;
        progress_step(&progress, f->content.len, 0);
        code = keystore_link_call(in, k, MESSAGE_BACKUP_NEXT, &next.base, &part);
    }
    progress_end(&progress);
    return code != EXIT_DONE || last ? code : command_refuse(in, "the backup cannot be kept: %s", status_name(st));
}

int partition_backup(struct invocation *in)
{
    const char *name = command_value(in, "name"), *path = command_value(in, "out");
    struct backup_file f = { 0 };
    struct keystore_link *k = NULL;
    Ks__Partition *p;
    int code;

    if ((code = result_file_reserve(in, path, 0600, 0)) == EXIT_DONE && /* how long it is, the keystore says last */
        (code = keystore_link_open(in, &k)) == EXIT_DONE && (code = partition_find(in, k, &p)) == EXIT_DONE &&
        (code = fetch_all(in, k, p->id, &f)) == EXIT_DONE && (code = backup_file_write(in, path, &f)) == EXIT_DONE) {
        if (in->json)
            code = print_done(in, name, path, &f);
        else
            say_backed_up(in, name, path, &f);
    }
    backup_file_clear(&f);
    keystore_link_close(k);
    return code;
}

/* All but the first one, which the holders approve. */
static int send_rest(const struct invocation *in, struct keystore_link *k, const struct backup_file *f, size_t at)
{
    Ks__RestorePart m = KS__RESTORE_PART__INIT;
    struct progress progress;
    struct span part;
    int code = EXIT_DONE;

    progress_begin(&progress, "the keystore takes the backup in");
    while (code == EXIT_DONE && backup_file_next(f, &at, &part)) {
        progress_step(&progress, at, f->content.len);
        m.part = (ProtobufCBinaryData){ part.len, (uint8_t *)(uintptr_t)part.p };
        code = keystore_link_call(in, k, MESSAGE_RESTORE_NEXT, &m.base, NULL);
    }
    progress_end(&progress);
    return code;
}

static int restore(const struct invocation *in, const struct backup_file *f)
{
    Ks__RestoreBegin m = KS__RESTORE_BEGIN__INIT;
    struct keystore_link *k = NULL;
    struct span part;
    size_t at = 0;
    int code;

    INVARIANT(backup_file_next(f, &at, &part));
    m.part = (ProtobufCBinaryData){ part.len, (uint8_t *)(uintptr_t)part.p };
    if ((code = act_link_open(in, &k)) == EXIT_DONE &&
        (code = act_do(in, k, MESSAGE_RESTORE_BEGIN, &m.base, NULL)) == EXIT_DONE && !act_is_prepared(in))
        code = send_rest(in, k, f, at);
    keystore_link_close(k);
    return code;
}

int partition_restore(struct invocation *in)
{
    const char *path = command_value(in, "in");
    struct backup_file f = { 0 };
    int code;

    if ((code = backup_file_read(in, path, &f)) == EXIT_DONE && (code = restore(in, &f)) == EXIT_DONE &&
        !act_is_prepared(in)) {
        if (in->json)
            code = print_done(in, NULL, path, &f);
        else
            fprintf(in->out, "the partition of %s: restored, with its objects, PINs and clients\n", path);
    }
    backup_file_clear(&f);
    return code;
}

const struct verb_option partition_backup_options[] = {
    KEYSTORE_LINK_OPTIONS,
    { "name", "NAME", true, false, "which" },
    { "out", "FILE", true, false, "the backup; it must not be there yet" },
    { 0 },
};
const struct verb_option partition_restore_options[] = {
    KEYSTORE_LINK_OPTIONS,
    ACT_OPTIONS,
    { "in", "FILE", true, false, "the backup" },
    { 0 },
};
