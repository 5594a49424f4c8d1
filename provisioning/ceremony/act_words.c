#include "provisioning/ceremony/act_words.h"

#include <inttypes.h>
#include <openssl/sha.h>

#include "provisioning/ceremony/holder.h"
#include "provisioning/cli/moment.h"
#include "provisioning/cli/plain.h"

static struct span span_from(ProtobufCBinaryData d)
{
    return span_of(d.data, d.len);
}

static void digest_line(struct bytes *out, const char *what, struct span value)
{
    uint8_t digest[SHA256_DIGEST_LENGTH];

    SHA256(value.p, value.len, digest);
    bytes_append_text(out, what);
    plain_append_hex(out, span_of(digest, sizeof digest));
    bytes_append_char(out, '\n');
}

static void moment_words(struct bytes *out, uint64_t ms)
{
    char text[MOMENT_LEN + 1] = "beyond any date";

    if (ms <= MOMENT_MAX)
        moment_format(ms, text);
    bytes_append_text(out, text);
}

static void holder_words(struct bytes *out, size_t n, const Ks__Holder *h)
{
    struct holder_certificate c = { 0 };

    bytes_printf(out, "  %zu. ", n);
    plain_append(out, span_text(h->name));
    if (holder_certificate_of(span_from(h->certificate), &c) == ST_OK)
        bytes_printf(out, ", RSA of %u bits", holder_key_bits(&c));
    else
        bytes_append_text(out, ", NOT a certificate that the keystore takes");
    digest_line(out, ", certificate SHA-256 ", span_from(h->certificate));
    holder_certificate_clear(&c);
}

static void domain_change(struct bytes *out, const Ks__DomainChange *m)
{
    bytes_printf(out,
                 "Change the holders of the security domain. From then on %" PRIu32 " of these %zu approve acts:\n",
                 m->required, m->n_holders);
    for (size_t i = 0; i < m->n_holders; i++)
        holder_words(out, i + 1, m->holders[i]);
}

static void domain_export(struct bytes *out)
{
    bytes_append_text(out, "Write the security domain's file once more, for the holders in force.\n");
}

static void domain_restore(struct bytes *out, const Ks__DomainRestore *m)
{
    bytes_printf(out, "Give this keystore the keys of a security domain, from its file (%" PRIu32 " shares open it):\n",
                 m->required);
    for (size_t i = 0; i < m->n_items; i++) {
        bytes_append_text(out, "  item ");
        plain_append(out, span_text(m->items[i]->tag));
        digest_line(out, ", SHA-256 ", span_text(m->items[i]->compact_jwe));
    }
}

static void role_set(struct bytes *out, const Ks__RoleSet *m)
{
    const char *role = m->role == PEER_OWNER ? "the owner" : "an auditor";

    bytes_printf(out,
                 m->remove ? "This key is no longer %s of the keystore: " : "Make this key %s of the keystore: ", role);
    plain_append(out, span_text(m->name));
    bytes_append_text(out, "\n  fingerprint ");
    plain_append_hex(out, span_from(m->fingerprint));
    if (m->role == PEER_OWNER && !m->remove)
        bytes_append_text(out, "\n  The owner until now has no more rights then.");
    bytes_append_char(out, '\n');
}

static void audit_sink_set(struct bytes *out, const Ks__AuditSinkSet *m)
{
    if (m->address[0] == '\0') {
        bytes_append_text(out, "The audit records go nowhere any more.\n");
        return;
    }
    bytes_append_text(out, "The audit records go to ");
    plain_append(out, span_text(m->address));
    bytes_append_text(out, "\n  where whoever has this key fetches them: ");
    plain_append_hex(out, span_from(m->fingerprint));
    bytes_append_char(out, '\n');
}

static void firmware_key_set(struct bytes *out, const Ks__FirmwareKeySet *m)
{
    bytes_append_text(out, "Accept firmware only if it is signed by this key, too:\n");
    digest_line(out, "  SubjectPublicKeyInfo SHA-256 ", span_from(m->public_key));
}

static void clock_set(struct bytes *out, const Ks__ClockSet *m)
{
    bytes_append_text(out, "Set the keystore's clock to ");
    moment_words(out, m->time_ms);
    bytes_append_char(out, '\n');
}

static void start_mode_set(struct bytes *out, const Ks__StartModeSet *m)
{
    if (m->required == 0) {
        bytes_append_text(out,
                          "Start unattended from now on: no operator is asked, whoever has the board has its keys in "
                          "use.\n");
        return;
    }
    bytes_printf(out, "Start attended from now on: %" PRIu32 " of these %zu operators type their passphrase:\n",
                 m->required, m->n_operators);
    for (size_t i = 0; i < m->n_operators; i++) {
        bytes_printf(out, "  %zu. ", i + 1);
        plain_append(out, span_text(m->operators[i]->name));
        bytes_append_char(out, '\n');
    }
}

static void partition_set(struct bytes *out, const Ks__Partition *m)
{
    bytes_printf(out, "Change partition %" PRIu64 " and who may use it. It is then: ", m->id);
    plain_append(out, span_text(m->name));
    bytes_append_text(out, ", policy ");
    plain_append(out, span_text(m->policy));
    bytes_printf(out, ", at most %" PRIu64 " objects and %" PRIu64 " session objects (0: the default), used by\n",
                 m->objects_max, m->session_objects_max);
    for (size_t i = 0; i < m->n_identities; i++) {
        bytes_append_text(out, "  the client with the key ");
        plain_append_hex(out, span_from(m->identities[i]->fingerprint));
        bytes_append_char(out, ' ');
        plain_append(out, span_text(m->identities[i]->name));
        bytes_append_char(out, '\n');
    }
    if (m->n_identities == 0)
        bytes_append_text(out, "  nobody\n");
}

static void restore_begin(struct bytes *out, const Ks__RestoreBegin *m)
{
    bytes_append_text(out, "Bring a partition back from its backup, with the keys, PINs and rights of then:\n");
    digest_line(out, "  first part of the backup SHA-256 ", span_from(m->part));
}

static void what(uint16_t kind, const ProtobufCMessage *m, struct bytes *out)
{
    switch (kind) {
    case MESSAGE_DOMAIN_CHANGE:
        domain_change(out, (const Ks__DomainChange *)m);
        break;
    case MESSAGE_DOMAIN_EXPORT:
        domain_export(out);
        break;
    case MESSAGE_DOMAIN_RESTORE:
        domain_restore(out, (const Ks__DomainRestore *)m);
        break;
    case MESSAGE_ROLE_SET:
        role_set(out, (const Ks__RoleSet *)m);
        break;
    case MESSAGE_AUDIT_SINK_SET:
        audit_sink_set(out, (const Ks__AuditSinkSet *)m);
        break;
    case MESSAGE_FIRMWARE_KEY_SET:
        firmware_key_set(out, (const Ks__FirmwareKeySet *)m);
        break;
    case MESSAGE_CLOCK_SET:
        clock_set(out, (const Ks__ClockSet *)m);
        break;
    case MESSAGE_START_MODE_SET:
        start_mode_set(out, (const Ks__StartModeSet *)m);
        break;
    case MESSAGE_PARTITION_SET:
        partition_set(out, (const Ks__Partition *)m);
        break;
    case MESSAGE_RESTORE_BEGIN:
        restore_begin(out, (const Ks__RestoreBegin *)m);
        break;
    case MESSAGE_FACTORY_RESET:
        bytes_append_text(out, "DESTROY EVERY KEY of this keystore. It is as new afterwards: no domain, no owner.\n");
        break;
    case MESSAGE_ZEROISE:
        bytes_append_text(out, "DESTROY EVERY KEY of this keystore, and the keystore: it never starts again.\n");
        break;
    }
}

static void where(const struct act *a, struct bytes *out)
{
    static const uint8_t none[DOMAIN_ID_LEN];

    bytes_append_text(out, "On the keystore  ");
    plain_append_hex(out, span_of(a->device, sizeof a->device));
    if (memcmp(a->domain_id, none, sizeof none) != 0) {
        bytes_append_text(out, "\nof the domain    ");
        plain_append_hex(out, span_of(a->domain_id, sizeof a->domain_id));
        bytes_printf(out, ", holders number %" PRIu32, a->generation);
    }
    bytes_printf(out, "\nas act number    %" PRIu64 ", once, until ", a->sequence);
    moment_words(out, a->expires_ms);
    bytes_append_char(out, '\n');
}

enum status act_words(const struct act_file *a, struct bytes *out)
{
    void *block = malloc(BUDGET_SIZE);
    ProtobufCMessage *m;
    struct budget b;
    enum status st;
    uint8_t digest[32];

    if (block == NULL)
        return ST_NO_MEMORY;
    budget_init(&b, block, BUDGET_SIZE);
    st = message_unpack(a->act.kind, false, bytes_span(&a->request), &b, &m);
    /* What was unpacked must be all that is signed: no approvals, shares or passphrases in it. */
    if (st == ST_OK && (st = act_digest(a->act.kind, m, digest)) == ST_OK && memcmp(digest, a->act.digest, 32) != 0)
        st = ST_BAD_REQUEST;
    if (st == ST_OK) {
        what(a->act.kind, m, out);
        where(&a->act, out);
        st = bytes_status(out);
    }
    budget_reset(&b);
    free(block);
    return st;
}
