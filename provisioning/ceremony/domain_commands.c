/* strongroom domain: info, create, export, confirm, change, transfer, restore. */
#include "provisioning/ceremony/act_do.h"
#include "provisioning/ceremony/domain_disk.h"
#include "provisioning/ceremony/domain_info.h"
#include "provisioning/ceremony/domain_restore_commands.h"
#include "provisioning/ceremony/holder_list.h"
#include "provisioning/ceremony/verbs.h"
#include "provisioning/cli/result_file.h"

#define DOMAIN_ROOM (256u * 1024) /* ten shares and the items take a quarter of it */

#define NEXT_EXPORT                                                                                                    \
    "Next: strongroom domain export --out FILE, and when the file is safe, strongroom domain confirm --domain FILE\n"

static int domain_create(struct invocation *in)
{
    Ks__DomainCreate m = KS__DOMAIN_CREATE__INIT;
    struct keystore_link *k = NULL;
    struct holder_list holders;
    int code;

    if ((code = holder_list_take(in, &holders)) == EXIT_DONE &&
        (code = keystore_name_check(in, "name", command_value(in, "name"))) == EXIT_DONE &&
        (code = keystore_link_open(in, &k)) == EXIT_DONE) {
        m.name = (char *)(uintptr_t)command_value(in, "name");
        m.required = holders.required;
        m.n_holders = holders.count;
        m.holders = holders.list;
        if ((code = keystore_link_call(in, k, MESSAGE_DOMAIN_CREATE, &m.base, NULL)) == EXIT_DONE)
            fprintf(in->out, "the security domain %s is made; its %zu holders are pending\n" NEXT_EXPORT, m.name,
                    holders.count);
    }
    keystore_link_close(k);
    holder_list_clear(&holders);
    return code;
}

static int domain_change(struct invocation *in)
{
    Ks__DomainChange m = KS__DOMAIN_CHANGE__INIT;
    struct keystore_link *k = NULL;
    struct holder_list holders;
    int code;

    if ((code = holder_list_take(in, &holders)) == EXIT_DONE && (code = act_link_open(in, &k)) == EXIT_DONE) {
        m.required = holders.required;
        m.n_holders = holders.count;
        m.holders = holders.list;
        if ((code = act_do(in, k, MESSAGE_DOMAIN_CHANGE, &m.base, NULL)) == EXIT_DONE && !act_is_prepared(in))
            fprintf(in->out,
                    "the new holders are pending; until their file is confirmed, the old ones approve\n" NEXT_EXPORT);
    }
    keystore_link_close(k);
    holder_list_clear(&holders);
    return code;
}

/* Before the keystore is asked: an export that needed a quorum is not done for nothing. */
static int reserve_out(const struct invocation *in)
{
    const char *path = command_value(in, "out");

    if (act_is_prepared(in))
        return EXIT_DONE;
    if (path == NULL)
        return command_misused(in, "--out FILE is missing");
    return result_file_reserve(in, path, 0600, DOMAIN_ROOM);
}

static void say_exported(const struct invocation *in, const Ks__DomainFile *f)
{
    const char *path = command_value(in, "out");
    char digest[DOMAIN_DISK_DIGEST_TEXT];

    domain_disk_digest(f, digest);
    fprintf(in->out,
            "%s: written and read back; its digest is %s\n"
            "Make copies, in places that do not burn together; each holder checks his share:\n"
            "  strongroom holder check --domain %s --certificate HOLDER.pem --key HOLDER.key\n"
            "Next: strongroom domain confirm --domain FILE, from a copy\n",
            path, digest, path);
}

static int domain_export(struct invocation *in)
{
    Ks__DomainExport m = KS__DOMAIN_EXPORT__INIT;
    struct keystore_link *k = NULL;
    Ks__DomainFile *f = NULL;
    int code;

    if ((code = reserve_out(in)) == EXIT_DONE && (code = act_link_open(in, &k)) == EXIT_DONE &&
        (code = act_do(in, k, MESSAGE_DOMAIN_EXPORT, &m.base, &f)) == EXIT_DONE && !act_is_prepared(in) &&
        (code = domain_disk_write(in, command_value(in, "out"), f)) == EXIT_DONE)
        say_exported(in, f);
    keystore_link_close(k);
    return code;
}

static int domain_confirm(struct invocation *in)
{
    Ks__DomainConfirm m = KS__DOMAIN_CONFIRM__INIT;
    struct domain_disk disk = { 0 };
    struct keystore_link *k = NULL;
    int code;

    if ((code = domain_disk_read(in, command_value(in, "domain"), &disk)) == EXIT_DONE &&
        (code = keystore_link_open(in, &k)) == EXIT_DONE) {
        m.digest = disk.file->digest;
        if ((code = keystore_link_call(in, k, MESSAGE_DOMAIN_CONFIRM, &m.base, NULL)) == EXIT_DONE)
            fprintf(in->out, "the holders of this file are in force: their quorum approves dangerous acts from now on\n"
                             "Files of earlier holders still open the domain by theirs: destroy every copy\n"
                             "Next: strongroom partition create\n");
    }
    keystore_link_close(k);
    domain_disk_clear(&disk);
    return code;
}

static const struct verb_option info_options[] = { KEYSTORE_LINK_OPTIONS, { 0 } };
static const struct verb_option create_options[] = {
    KEYSTORE_LINK_OPTIONS,
    { "name", "NAME", true, false, "letters, digits, - _ ., at most 32" },
    HOLDER_LIST_OPTIONS,
    { 0 },
};
static const struct verb_option change_options[] = { KEYSTORE_LINK_OPTIONS, ACT_OPTIONS, HOLDER_LIST_OPTIONS, { 0 } };
static const struct verb_option export_options[] = {
    KEYSTORE_LINK_OPTIONS,
    ACT_OPTIONS,
    { "out", "FILE", false, false, "where the domain's file goes" },
    { 0 },
};
static const struct verb_option confirm_options[] = {
    KEYSTORE_LINK_OPTIONS,
    { "domain", "FILE", true, false, "a copy of the file that was exported" },
    { 0 },
};

const struct verb domain_verbs[] = {
    { "info", "name, holders in force and pending, act number, clock, keys", NULL, true, true, info_options,
      domain_info },
    { "create", "make the domain's key and say who its holders are", NULL, false, true, create_options, domain_create },
    { "export", "write the domain's file: without a pending set, holders approve it", NULL, false, true, export_options,
      domain_export },
    { "confirm", "the file is safe: its holders are in force", NULL, false, true, confirm_options, domain_confirm },
    { "change", "have other holders, or another quorum", NULL, false, true, change_options, domain_change },
    { "transfer", "get the certificate under which shares come to this keystore", NULL, false, true,
      domain_transfer_options, domain_transfer },
    { "restore", "bring a security domain to this keystore", NULL, false, true, domain_restore_options,
      domain_restore },
    { 0 },
};
