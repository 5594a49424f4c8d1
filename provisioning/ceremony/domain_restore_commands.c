#include "provisioning/ceremony/domain_restore_commands.h"

#include <openssl/sha.h>

#include "provisioning/ceremony/act_do.h"
#include "provisioning/ceremony/domain_disk.h"
#include "provisioning/ceremony/release_file.h"
#include "provisioning/cli/result_file.h"

#define TRANSFER_ROOM (8u * 1024)

/* --- transfer --- */

static int write_transfer(const struct invocation *in, const Ks__Certificate *c)
{
    const unsigned char *p = c->der.data;
    X509 *x = d2i_X509(NULL, &p, (long)c->der.len);
    const char *path = command_value(in, "out");
    int code;

    if (x == NULL)
        code = command_refuse(in, "the keystore's transfer certificate cannot be read");
    else if ((code = link_write_certificate(in, x, path)) == EXIT_DONE)
        fprintf(in->out,
                "%s: written. Each holder gets it, with the keystore's own certificate that signed it.\n"
                "Next: strongroom domain restore --domain FILE --prepare ACT.json\n",
                path);
    X509_free(x);
    return code;
}

int domain_transfer(struct invocation *in)
{
    Ks__Empty empty = KS__EMPTY__INIT;
    struct keystore_link *k = NULL;
    Ks__Certificate *c;
    int code;

    if ((code = result_file_reserve(in, command_value(in, "out"), 0444, TRANSFER_ROOM)) == EXIT_DONE &&
        (code = keystore_link_open(in, &k)) == EXIT_DONE &&
        (code = keystore_link_call(in, k, MESSAGE_DOMAIN_TRANSFER, &empty.base, &c)) == EXIT_DONE)
        code = write_transfer(in, c);
    keystore_link_close(k);
    return code;
}

/* --- restore --- */

/* What is put into the request at the last moment. */
struct gathered {
    struct release releases[HOLDERS_MAX];
    size_t release_count;
    struct approval approvals[HOLDERS_MAX]; /* moved out of the releases, and those given by themselves */
    size_t approval_count;
    Ks__EncryptedShare items[HOLDERS_MAX], *list[HOLDERS_MAX];
    uint8_t ids[HOLDERS_MAX][HOLDER_ID_LEN];
};

static void gathered_clear(struct gathered *g)
{
    for (size_t i = 0; i < HOLDERS_MAX; i++) {
        release_clear(&g->releases[i]);
        approval_clear(&g->approvals[i]);
    }
}

static int add_release(const struct invocation *in, const char *path, struct gathered *g)
{
    size_t n = g->release_count;
    struct release *r = &g->releases[n];
    int code;

    if (n == HOLDERS_MAX || g->approval_count == HOLDERS_MAX)
        return command_misused(in, "there are at most %d holders", HOLDERS_MAX);
    if ((code = release_read(in, path, r)) != EXIT_DONE)
        return code;
    ks__encrypted_share__init(&g->items[n]);
    memcpy(g->ids[n], r->approval.holder, HOLDER_ID_LEN);
    g->items[n].holder = (ProtobufCBinaryData){ HOLDER_ID_LEN, g->ids[n] };
    g->items[n].compact_jwe = (char *)(uintptr_t)bytes_text(&r->share);
    g->list[n] = &g->items[n];
    g->release_count++;
    g->approvals[g->approval_count++] = r->approval;
    r->approval = (struct approval){ 0 };
    return EXIT_DONE;
}

static int gather(const struct invocation *in, struct gathered *g)
{
    const char *path;
    int code = EXIT_DONE;

    for (size_t i = 0; code == EXIT_DONE && (path = command_value_at(in, "release", i)) != NULL; i++)
        code = add_release(in, path, g);
    return code == EXIT_DONE ? approvals_read(in, g->approvals, &g->approval_count) : code;
}

static int restore_now(const struct invocation *in, struct keystore_link *k, Ks__DomainRestore *m)
{
    struct gathered g = { 0 };
    struct act_file act = { 0 };
    int code;

    if ((code = act_file_read(in, command_value(in, "act"), &act)) == EXIT_DONE &&
        (code = gather(in, &g)) == EXIT_DONE) {
        m->n_shares = g.release_count;
        m->shares = g.list;
        if ((code = act_attach_these(in, &act, g.approvals, g.approval_count, MESSAGE_DOMAIN_RESTORE, &m->base)) ==
                EXIT_DONE &&
            (code = keystore_link_call(in, k, MESSAGE_DOMAIN_RESTORE, &m->base, NULL)) == EXIT_DONE)
            fprintf(in->out, "the security domain is restored; the keystore is operational\n"
                             "It starts unattended: if operators are to unlock each start, strongroom keystore "
                             "start-mode says who\n"
                             "Next: strongroom partition restore, for each partition's backup\n");
    }
    act_file_clear(&act);
    gathered_clear(&g);
    return code;
}

static int prepare(const struct invocation *in, struct keystore_link *k, Ks__DomainRestore *m, const Ks__DomainFile *f)
{
    struct act_file who = { 0 };
    char *wrapped = m->wrapped_key;
    int code;

    domain_disk_holders(f, &who);
    m->wrapped_key = (char *)(uintptr_t)protobuf_c_empty_string; /* not part of what is approved */
    code = act_prepare(in, k, MESSAGE_DOMAIN_RESTORE, &m->base, &who);
    m->wrapped_key = wrapped;
    return code;
}

static int check_options(const struct invocation *in)
{
    bool prepares = act_is_prepared(in), acts = command_given(in, "act"), blob = command_given(in, "blob"),
         releases = command_given(in, "release");

    if (prepares && (acts || releases || command_given(in, "approval")))
        return command_misused(in, "--prepare is for before the approvals, --act for after");
    if (!prepares && !acts)
        return command_misused(in, "give --prepare FILE first; then --act FILE with each holder's --release");
    if (!prepares && blob == releases)
        return command_misused(in, "give each holder's --release, or --blob with each --approval");
    if (!prepares && command_given(in, "valid"))
        return command_misused(in, "--valid goes with --prepare");
    return EXIT_DONE;
}

/* What is asked for: the file's items, or those that az has encrypted anew. */
static int take_request(const struct invocation *in, const Ks__DomainFile *f, struct domain_disk *blob,
                        Ks__DomainRestore *m, uint8_t transfer[32])
{
    int code;

    domain_disk_restore(f, m);
    if (!command_given(in, "blob"))
        return EXIT_DONE;
    if ((code = domain_disk_read_blob(in, command_value(in, "blob"), blob, transfer)) == EXIT_DONE) {
        *m = *blob->blob;
        m->required = f->required; /* which a blob does not say, and those who approve are told */
    }
    return code;
}

/* Approvals are not asked for, or spent, for a blob that this keystore cannot open. */
static int check_blob(const struct invocation *in, struct keystore_link *k, const uint8_t transfer[32])
{
    Ks__Empty empty = KS__EMPTY__INIT;
    uint8_t digest[SHA256_DIGEST_LENGTH];
    Ks__Certificate *c;
    int code;

    if (!command_given(in, "blob"))
        return EXIT_DONE;
    if ((code = keystore_link_call(in, k, MESSAGE_DOMAIN_TRANSFER, &empty.base, &c)) != EXIT_DONE)
        return code;
    SHA256(c->der.data, c->der.len, digest);
    if (memcmp(digest, transfer, sizeof digest) == 0)
        return EXIT_DONE;
    return command_refuse(in, "%s: made for another transfer certificate than this keystore's",
                          command_value(in, "blob"));
}

int domain_restore(struct invocation *in)
{
    Ks__DomainRestore m = KS__DOMAIN_RESTORE__INIT;
    struct domain_disk disk = { 0 }, blob = { 0 };
    struct keystore_link *k = NULL;
    uint8_t transfer[32];
    int code;

    if ((code = check_options(in)) == EXIT_DONE &&
        (code = domain_disk_read(in, command_value(in, "domain"), &disk)) == EXIT_DONE &&
        (code = take_request(in, disk.file, &blob, &m, transfer)) == EXIT_DONE &&
        (code = act_link_open(in, &k)) == EXIT_DONE && (code = check_blob(in, k, transfer)) == EXIT_DONE)
        code = act_is_prepared(in) ? prepare(in, k, &m, disk.file) : restore_now(in, k, &m);
    keystore_link_close(k);
    domain_disk_clear(&blob);
    domain_disk_clear(&disk);
    return code;
}

const struct verb_option domain_transfer_options[] = {
    KEYSTORE_LINK_OPTIONS,
    { "out", "PEM", true, false, "where the transfer certificate goes" },
    { 0 },
};
const struct verb_option domain_restore_options[] = {
    KEYSTORE_LINK_OPTIONS,
    ACT_OPTIONS,
    { "domain", "FILE", true, false, "the security domain's file" },
    { "release", "FILE", false, true, "of a holder (holder release): his share and his approval" },
    { "blob", "FILE", false, false, "in place of releases: az's restore blob, for the transfer certificate" },
    { 0 },
};
