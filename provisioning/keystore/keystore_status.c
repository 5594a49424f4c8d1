/* strongroom keystore: status. */
#include <inttypes.h>

#include "provisioning/ceremony/keystore_verbs.h"
#include "provisioning/cli/json_file.h"
#include "provisioning/cli/plain.h"
#include "provisioning/link/keystore_link.h"
#include "provisioning/link/keystore_state.h"

static struct span span_from(ProtobufCBinaryData d)
{
    return span_of(d.data, d.len);
}

/* Only the owner may ask for the domain, and only where there can be one. */
static bool knows_domain(const Ks__Status *s)
{
    return s->role == PEER_OWNER && !s->locked &&
           (s->state == KEYSTORE_PROVISIONED || s->state == KEYSTORE_OPERATIONAL);
}

static void put_status(struct json_writer *w, const Ks__Status *s)
{
    json_put_text(w, "state", span_text(keystore_state_name(s->state)));
    if (s->fault[0] != '\0')
        json_put_text(w, "fault", span_text(s->fault));
    json_put_bool(w, "locked", s->locked);
    json_put_bool(w, "attended", s->attended);
    json_put_bool(w, "passphrasesLocked", s->passphrases_locked);
    json_put_text(w, "board", span_text(s->board));
    json_put_bool(w, "hardware", s->hardware);
    json_put_text(w, "root", span_text(s->root));
    json_put_text(w, "isolation", span_text(s->isolation));
    json_put_text(w, "firmwareVersion", span_text(s->firmware_version));
    json_file_put_hex(w, "firmwareHash", span_from(s->firmware_hash));
    json_file_put_hex(w, "bootId", span_from(s->boot_id));
    json_put_int(w, "counter", (int64_t)s->counter);
    json_put_int(w, "partitions", s->partitions);
    json_put_int(w, "auditSequence", (int64_t)s->audit_sequence);
    json_file_put_hex(w, "auditHead", span_from(s->audit_head));
}

static void put_domain(struct json_writer *w, const Ks__DomainInfo *d)
{
    json_open_object(w, "domain");
    json_put_text(w, "name", span_text(d->name));
    json_file_put_hex(w, "domainId", span_from(d->id));
    if (d->current != NULL) {
        json_put_int(w, "required", d->current->required);
        json_put_int(w, "holders", (int64_t)d->current->n_holders);
    }
    json_put_int(w, "pendingHolders", d->pending != NULL ? (int64_t)d->pending->n_holders : 0);
    json_close_object(w);
}

static void put_status_words(struct bytes *text, const Ks__Status *s)
{
    bytes_printf(text, "keystore: %s%s%s\n", keystore_state_name(s->state), s->fault[0] != '\0' ? ": " : "", s->fault);
    if (s->locked)
        bytes_append_text(text,
                          s->passphrases_locked
                              ? "  LOCKED     too many wrong passphrases were typed: the holders alone open it, by "
                                "strongroom domain restore\n"
                              : "  LOCKED     it waits for its operators: strongroom keystore unlock\n");
    bytes_printf(text,
                 "  start      %s\n  board      %s%s\n  root key   %s\n  isolation  %s\n  firmware   %s, SHA-256 ",
                 s->attended ? "attended" : "unattended", s->board,
                 s->hardware ? "" : " (simulated: for trying and testing)", s->root, s->isolation, s->firmware_version);
    plain_append_hex(text, span_from(s->firmware_hash));
    bytes_printf(text, "\n  counter    %" PRIu64 "\n  partitions %" PRIu32 "\n  audit      %" PRIu64 " records\n",
                 s->counter, s->partitions, s->audit_sequence);
}

static void put_domain_words(struct bytes *text, const Ks__DomainInfo *d)
{
    bytes_append_text(text, "  domain     ");
    if (d->current == NULL && d->pending == NULL) {
        bytes_append_text(text, "none yet: strongroom domain create\n");
        return;
    }
    plain_append(text, span_text(d->name));
    bytes_append_text(text, ", ");
    plain_append_hex(text, span_from(d->id));
    if (d->current != NULL)
        bytes_printf(text, "\n  quorum     %" PRIu32 " of %zu holders", d->current->required, d->current->n_holders);
    if (d->pending != NULL)
        bytes_printf(text, "\n  PENDING    %" PRIu32 " of %zu new holders, until their file is exported and confirmed",
                     d->pending->required, d->pending->n_holders);
    bytes_append_char(text, '\n');
}

/* What was answered is gone with the next question, so it is made text first. */
static int ask(const struct invocation *in, struct keystore_link *k, struct bytes *text)
{
    Ks__Empty empty = KS__EMPTY__INIT;
    struct json_writer w;
    Ks__DomainInfo *d;
    Ks__Status *s;
    bool more;
    int code;

    if ((code = keystore_link_call(in, k, MESSAGE_STATUS, &empty.base, &s)) != EXIT_DONE)
        return code;
    json_begin(&w, text);
    if (in->json) {
        json_open_object(&w, NULL);
        put_status(&w, s);
    } else
        put_status_words(text, s);
    more = knows_domain(s);
    if (more && (code = keystore_link_call(in, k, MESSAGE_DOMAIN_INFO, &empty.base, &d)) != EXIT_DONE)
        return code;
    if (in->json && more)
        put_domain(&w, d);
    if (!in->json && more)
        put_domain_words(text, d);
    if (in->json) {
        json_close_object(&w);
        bytes_append_char(text, '\n');
    }
    return bytes_status(text) == ST_OK ? EXIT_DONE : command_refuse(in, "out of memory");
}

int keystore_status(struct invocation *in)
{
    struct bytes text = { 0 };
    struct keystore_link *k;
    int code;

    if ((code = keystore_link_open(in, &k)) == EXIT_DONE && (code = ask(in, k, &text)) == EXIT_DONE)
        fprintf(in->out, "%s", bytes_text(&text));
    bytes_clear(&text);
    keystore_link_close(k);
    return code;
}
