#include "provisioning/ceremony/act_do.h"

#include <inttypes.h>
#include <openssl/sha.h>

#include "firmware/base/hex.h"
#include "provisioning/ceremony/act_words.h"
#include "provisioning/ceremony/holder.h"
#include "provisioning/cli/moment.h"
#include "provisioning/cli/result_file.h"

#define ACT_ROOM        (64u * 1024) /* ten holders of 4,096 bits take half of it */
#define VALID_HOURS     24
#define VALID_HOURS_MAX (ACT_EXPIRY_MAX_MS / (3600u * 1000))

/* --- doing it --- */

/* Room for an authorisation, which the request points into. */
static struct {
    Ks__Authorisation authorisation;
    Ks__Approval items[HOLDERS_MAX], *list[HOLDERS_MAX];
    uint8_t holders[HOLDERS_MAX][HOLDER_ID_LEN], signatures[HOLDERS_MAX][APPROVAL_SIGNATURE_MAX];
} room;

static int check_act(const struct invocation *in, const struct act_file *act, uint16_t kind, ProtobufCMessage *request)
{
    uint8_t digest[32];
    enum status st = act_digest(kind, request, digest);

    if (st != ST_OK)
        return command_refuse(in, "the act cannot be checked: %s", status_name(st));
    if (act->act.kind == kind && memcmp(digest, act->act.digest, sizeof digest) == 0)
        return EXIT_DONE;
    return command_refuse(in, "this act is another one: \"%s\" was prepared with other options than are given now",
                          act_kind_name(act->act.kind));
}

static int check_approval(const struct invocation *in, const struct act_file *act, const struct approval *a)
{
    uint8_t name[32];

    act_name(&act->act, name);
    if (memcmp(a->act, name, sizeof name) != 0)
        return command_refuse(in, "the approval of \"%s\" is for another act", a->name);
    if (!holder_approved(act, a))
        return command_refuse(in, "the approval of \"%s\" is not signed by him over this act", a->name);
    for (size_t i = 0; i < room.authorisation.n_approvals; i++)
        if (memcmp(room.holders[i], a->holder, HOLDER_ID_LEN) == 0)
            return command_refuse(in, "the approval of \"%s\" is given twice", a->name);
    return EXIT_DONE;
}

static void add_approval(const struct approval *a)
{
    size_t n = room.authorisation.n_approvals++;
    Ks__Approval *item = &room.items[n];

    ks__approval__init(item);
    memcpy(room.holders[n], a->holder, HOLDER_ID_LEN);
    memcpy(room.signatures[n], a->signature.p, a->signature.len);
    item->holder = (ProtobufCBinaryData){ HOLDER_ID_LEN, room.holders[n] };
    item->signature = (ProtobufCBinaryData){ a->signature.len, room.signatures[n] };
    room.list[n] = item;
}

int act_attach_these(const struct invocation *in, const struct act_file *act, const struct approval *approvals,
                     size_t count, uint16_t kind, ProtobufCMessage *request)
{
    int code = check_act(in, act, kind, request);

    ks__authorisation__init(&room.authorisation);
    room.authorisation.sequence = act->act.sequence;
    room.authorisation.expires_ms = act->act.expires_ms;
    room.authorisation.approvals = room.list;
    INVARIANT(count <= HOLDERS_MAX);
    for (size_t i = 0; i < count && code == EXIT_DONE; i++)
        if ((code = check_approval(in, act, &approvals[i])) == EXIT_DONE)
            add_approval(&approvals[i]);
    if (code == EXIT_DONE)
        act_authorise(kind, request, &room.authorisation);
    return code;
}

int act_attach(const struct invocation *in, uint16_t kind, ProtobufCMessage *request)
{
    struct approval approvals[HOLDERS_MAX] = { 0 };
    struct act_file act = { 0 };
    size_t count = 0;
    int code;

    if (!command_given(in, "act"))
        return EXIT_DONE;
    if ((code = act_file_read(in, command_value(in, "act"), &act)) == EXIT_DONE &&
        (code = approvals_read(in, approvals, &count)) == EXIT_DONE)
        code = act_attach_these(in, &act, approvals, count, kind, request);
    act_file_clear(&act);
    for (size_t i = 0; i < HOLDERS_MAX; i++)
        approval_clear(&approvals[i]);
    return code;
}

/* --- preparing it --- */

static int take_hours(const struct invocation *in, uint64_t *hours)
{
    const char *text = command_value(in, "valid");
    char *end;

    *hours = VALID_HOURS;
    if (text == NULL)
        return EXIT_DONE;
    *hours = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || *hours < 1 || *hours > VALID_HOURS_MAX)
        return command_misused(in, "--valid takes hours from 1 to %u", VALID_HOURS_MAX);
    return EXIT_DONE;
}

static int take_request(const struct invocation *in, uint16_t kind, ProtobufCMessage *request, struct act_file *a)
{
    size_t len = protobuf_c_message_get_packed_size(request);
    uint8_t digest[32];
    enum status st = act_digest(kind, request, digest);

    if (st == ST_OK && (st = bytes_reserve(&a->request, len)) == ST_OK) {
        a->request.len = protobuf_c_message_pack(request, a->request.p);
        SHA256(a->request.p, a->request.len, a->act.digest);
        INVARIANT(memcmp(digest, a->act.digest, sizeof digest) == 0); /* nothing in it that is not approved */
    }
    a->act.kind = kind;
    return st == ST_OK ? EXIT_DONE : command_refuse(in, "the act cannot be written: %s", status_name(st));
}

static void take_holders(const Ks__HolderSet *set, struct act_file *a)
{
    a->act.generation = set->generation;
    a->required = set->required;
    for (size_t i = 0; i < set->n_holders && i < HOLDERS_MAX; i++) {
        const Ks__Holder *h = set->holders[i];

        SHA256(h->certificate.data, h->certificate.len, a->holders[i].id);
        snprintf(a->holders[i].name, sizeof a->holders[i].name, "%s", h->name);
        a->holder_count++;
    }
}

static int take_info(const struct invocation *in, const Ks__DomainInfo *info, uint64_t hours, struct act_file *a)
{
    if (info->device.len != sizeof a->act.device || (info->id.len != 0 && info->id.len != sizeof a->act.domain_id) ||
        info->act_sequence > INT64_MAX || info->time_ms > MOMENT_MAX - ACT_EXPIRY_MAX_MS)
        return command_refuse(in, "the keystore says of itself what this version does not understand");
    memcpy(a->act.device, info->device.data, sizeof a->act.device);
    a->act.sequence = info->act_sequence;
    a->act.expires_ms = (info->time_ms / 1000 + hours * 3600) * 1000;
    if (a->act.kind == MESSAGE_DOMAIN_RESTORE) /* its domain is the one in the file, wherever it goes */
        return EXIT_DONE;
    if (info->id.len > 0)
        memcpy(a->act.domain_id, info->id.data, sizeof a->act.domain_id);
    if (info->current != NULL)
        take_holders(info->current, a);
    return EXIT_DONE;
}

/* Who approves a restore gives his share with it, unless az has taken the shares already. */
static void print_next(const struct invocation *in, uint16_t kind, const char *act)
{
    if (kind == MESSAGE_DOMAIN_RESTORE && !command_given(in, "blob"))
        fprintf(in->out,
                "  strongroom holder release --act %s --domain %s --keystore KEYSTORE.pem --transfer TRANSFER.pem "
                "--certificate HOLDER.pem --key HOLDER.key --out RELEASE.json\n"
                "and this command again, with --act %s and each --release in place of --prepare.\n",
                act, command_value(in, "domain"), act);
    else
        fprintf(in->out,
                "  strongroom act approve --act %s --certificate HOLDER.pem --key HOLDER.key --out APPROVAL.json\n"
                "and this command again, with --act %s and each --approval in place of --prepare.\n",
                act, act);
}

static int write_act(const struct invocation *in, const struct act_file *a)
{
    const char *path = command_value(in, "prepare");
    struct bytes words = { 0 };
    enum status st = act_words(a, &words);
    uint8_t name[32];
    int code;

    if (st != ST_OK)
        code = command_refuse(in, "the act cannot be written: %s", status_name(st));
    else if ((code = act_file_write(in, path, a, bytes_span(&words))) == EXIT_DONE) {
        act_name(&a->act, name);
        fprintf(in->out, "%s%s: written. Nothing is done yet.\nIts name is ", bytes_text(&words), path);
        bytes_reset(&words);
        hex_append(&words, span_of(name, sizeof name));
        fprintf(in->out, "%s.\nNext: %" PRIu32 " of its %zu holders approve it, each on his own machine:\n",
                bytes_text(&words), a->required, a->holder_count);
        print_next(in, a->act.kind, path);
    }
    bytes_clear(&words);
    return code;
}

int act_prepare(const struct invocation *in, struct keystore_link *k, uint16_t kind, ProtobufCMessage *request,
                const struct act_file *who)
{
    Ks__Empty empty = KS__EMPTY__INIT;
    struct act_file a = { 0 };
    Ks__DomainInfo *info;
    uint64_t hours;
    int code;

    if ((code = take_hours(in, &hours)) == EXIT_DONE && (code = take_request(in, kind, request, &a)) == EXIT_DONE &&
        (code = keystore_link_call(in, k, MESSAGE_DOMAIN_INFO, &empty.base, &info)) == EXIT_DONE &&
        (code = take_info(in, info, hours, &a)) == EXIT_DONE) {
        if (a.holder_count == 0 && who != NULL) {
            a.required = who->required;
            a.holder_count = who->holder_count;
            memcpy(a.holders, who->holders, sizeof a.holders);
        }
        if (a.holder_count == 0)
            code = command_refuse(in, "no holders are in force: the owner alone is enough, without --prepare");
        else
            code = write_act(in, &a);
    }
    act_file_clear(&a);
    return code;
}

bool act_is_prepared(const struct invocation *in)
{
    return command_given(in, "prepare");
}

int act_begin(const struct invocation *in)
{
    bool act = command_given(in, "act"), approvals = command_given(in, "approval");
    uint64_t hours;
    int code;

    if (!act_is_prepared(in)) {
        if (command_given(in, "valid"))
            return command_misused(in, "--valid goes with --prepare");
        return approvals && !act ? command_misused(in, "--approval needs --act FILE") : EXIT_DONE;
    }
    if (act || approvals)
        return command_misused(in, "--prepare is for before the approvals, --act for after");
    if ((code = take_hours(in, &hours)) != EXIT_DONE)
        return code;
    return result_file_reserve(in, command_value(in, "prepare"), 0644, ACT_ROOM);
}

int act_link_open(const struct invocation *in, struct keystore_link **out)
{
    int code = act_begin(in);

    *out = NULL;
    return code == EXIT_DONE ? keystore_link_open(in, out) : code;
}

int act_do(const struct invocation *in, struct keystore_link *k, uint16_t kind, ProtobufCMessage *request, void *answer)
{
    int code;

    if (act_is_prepared(in))
        return act_prepare(in, k, kind, request, NULL);
    if ((code = act_attach(in, kind, request)) == EXIT_DONE)
        code = keystore_link_call(in, k, kind, request, answer);
    return code;
}
