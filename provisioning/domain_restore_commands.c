#include "provisioning/domain_restore_commands.h"

#include "provisioning/act_do.h"
#include "provisioning/domain_disk.h"
#include "provisioning/pem_file.h"
#include "provisioning/plain.h"
#include "provisioning/private_file.h"
#include "provisioning/release_file.h"

/* --- transfer --- */

static int write_transfer(const struct invocation *in, const Ks__Certificate *c)
{
    const unsigned char *p = c->der.data;
    X509 *x = d2i_X509(NULL, &p, (long)c->der.len);
    const char *path = command_value(in, "out");
    struct bytes digest = { 0 };
    uint8_t sha256[32];
    unsigned len = sizeof sha256;
    int code;

    if (x == NULL || X509_digest(x, EVP_sha256(), sha256, &len) != 1)
        code = command_refuse(in, "the keystore's transfer certificate cannot be read");
    else if ((code = pem_certificate_write(in, path, x)) == EXIT_DONE) {
        plain_append_hex(&digest, span_of(sha256, sizeof sha256));
        fprintf(in->out,
                "%s: written. Its SHA-256 is\n  %s\nNote it where every holder sees it: each compares before he "
                "releases his share.\nNext: strongroom domain restore --domain FILE --prepare ACT.json\n",
                path, bytes_text(&digest));
    }
    bytes_clear(&digest);
    X509_free(x);
    return code;
}

int domain_transfer(struct invocation *in)
{
    Ks__Empty empty = KS__EMPTY__INIT;
    struct keystore_link *k;
    Ks__Certificate *c;
    int code;

    if ((code = keystore_link_open(in, &k)) == EXIT_DONE &&
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
    struct bytes blob;
};

static void gathered_clear(struct gathered *g)
{
    for (size_t i = 0; i < HOLDERS_MAX; i++) {
        release_clear(&g->releases[i]);
        approval_clear(&g->approvals[i]);
    }
    bytes_clear(&g->blob);
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
    for (size_t i = 0; code == EXIT_DONE && (path = command_value_at(in, "approval", i)) != NULL; i++) {
        if (g->approval_count == HOLDERS_MAX)
            return command_misused(in, "there are at most %d holders", HOLDERS_MAX);
        code = approval_read(in, path, &g->approvals[g->approval_count++]);
    }
    return code;
}

/* az writes its restore blob as a text without a line's end, or with one. */
static int read_blob(const struct invocation *in, const char *path, struct bytes *out)
{
    enum status st = file_read(path, DOMAIN_JWE_MAX, out);

    while (st == ST_OK && out->len > 0 && (out->p[out->len - 1] == '\n' || out->p[out->len - 1] == '\r'))
        out->p[--out->len] = '\0';
    if (st == ST_OK && (out->len == 0 || memchr(out->p, '\0', out->len) != NULL))
        st = ST_BAD_REQUEST;
    return st == ST_OK ? EXIT_DONE : command_refuse(in, "%s: %s", path, status_name(st));
}

static int restore_now(const struct invocation *in, struct keystore_link *k, Ks__DomainRestore *m, struct gathered *g)
{
    const char *blob = command_value(in, "blob");
    struct act_file act = { 0 };
    int code;

    if ((code = act_file_read(in, command_value(in, "act"), &act)) == EXIT_DONE &&
        (code = gather(in, g)) == EXIT_DONE && (blob == NULL || (code = read_blob(in, blob, &g->blob)) == EXIT_DONE)) {
        m->n_shares = g->release_count;
        m->shares = g->list;
        if (blob != NULL)
            m->wrapped_key = (char *)(uintptr_t)bytes_text(&g->blob);
        if ((code = act_attach_these(in, &act, g->approvals, g->approval_count, MESSAGE_DOMAIN_RESTORE, &m->base)) ==
                EXIT_DONE &&
            (code = keystore_link_call(in, k, MESSAGE_DOMAIN_RESTORE, &m->base, NULL)) == EXIT_DONE)
            fprintf(in->out, "the security domain is restored; the keystore is operational\n"
                             "Next: strongroom partition restore, for each partition's backup\n");
    }
    act_file_clear(&act);
    return code;
}

static int check_options(const struct invocation *in)
{
    bool prepares = act_is_prepared(in), acts = command_given(in, "act"), blob = command_given(in, "blob"),
         releases = command_given(in, "release");

    if (prepares && (acts || blob || releases || command_given(in, "approval")))
        return command_misused(in, "--prepare is for before the approvals, --act for after");
    if (!prepares && !acts)
        return command_misused(in, "give --prepare FILE first; then --act FILE with each holder's --release");
    if (!prepares && blob == releases)
        return command_misused(in, "give each holder's --release, or --blob with each --approval");
    if (!prepares && command_given(in, "valid"))
        return command_misused(in, "--valid goes with --prepare");
    return EXIT_DONE;
}

int domain_restore(struct invocation *in)
{
    Ks__DomainRestore m = KS__DOMAIN_RESTORE__INIT;
    struct domain_disk disk = { 0 };
    struct keystore_link *k = NULL;
    struct gathered gathered = { 0 };
    struct act_file who = { 0 };
    int code;

    if ((code = check_options(in)) == EXIT_DONE &&
        (code = domain_disk_read(in, command_value(in, "domain"), &disk)) == EXIT_DONE &&
        (code = keystore_link_open(in, &k)) == EXIT_DONE) {
        domain_disk_restore(disk.file, &m);
        domain_disk_holders(disk.file, &who);
        if (act_is_prepared(in))
            code = act_prepare(in, k, MESSAGE_DOMAIN_RESTORE, &m.base, &who);
        else
            code = restore_now(in, k, &m, &gathered);
    }
    keystore_link_close(k);
    gathered_clear(&gathered);
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
    { "blob", "FILE", false, false, "in place of releases: az's restore blob, for this transfer certificate" },
    { 0 },
};
