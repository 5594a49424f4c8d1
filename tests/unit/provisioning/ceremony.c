#include "tests/unit/provisioning/ceremony.h"

#include <sys/stat.h>
#include <unistd.h>

#include "firmware/base/clock.h"
#include "provisioning/ceremony/holder.h"
#include "provisioning/cli/private_file.h"
#include "tests/unit/harness.h"
#include "tests/unit/provisioning/session.h"

static const char *const names[CEREMONY_HOLDERS] = { "ann", "bob", "cid", "dan" };
static struct said said;
static char refusal[1024];

const char *ceremony_path(const char *file)
{
    static char paths[64][256];
    char path[256];
    size_t i = 0;

    snprintf(path, sizeof path, "%s/%s", scratch_directory(), file);
    while (i < ARRAY_LEN(paths) && paths[i][0] != '\0' && strcmp(paths[i], path) != 0)
        i++;
    INVARIANT(i < ARRAY_LEN(paths));
    memcpy(paths[i], path, sizeof path);
    return paths[i];
}

const char *ceremony_certificate(size_t holder)
{
    char file[32];

    snprintf(file, sizeof file, "%s.pem", names[holder]);
    return ceremony_path(file);
}

const char *ceremony_key(size_t holder)
{
    char file[32];

    snprintf(file, sizeof file, "%s.key", names[holder]);
    return ceremony_path(file);
}

void ceremony_holders(void)
{
    for (size_t i = 0; i < CEREMONY_HOLDERS; i++)
        if (access(ceremony_key(i), F_OK) != 0)
            INVARIANT(RUN(&said, "holder", "create", "--name", names[i], "--bits", "2048", "--no-passphrase", "--key",
                          ceremony_key(i), "--certificate", ceremony_certificate(i)) == EXIT_DONE);
    said_clear(&said);
}

void ceremony_act(uint16_t kind, const ProtobufCMessage *request, struct act_file *out)
{
    struct holder_certificate c = { 0 };

    *out = (struct act_file){ .required = 2, .holder_count = 3 };
    out->act.kind = kind;
    memset(out->act.device, 0xd1, sizeof out->act.device);
    memset(out->act.domain_id, 0x1d, sizeof out->act.domain_id);
    out->act.generation = 7;
    out->act.sequence = 42;
    out->act.expires_ms = ((uint64_t)clock_unix_s() + 3600) * 1000;
    INVARIANT(bytes_reserve(&out->request, protobuf_c_message_get_packed_size(request)) == ST_OK);
    out->request.len = protobuf_c_message_pack(request, out->request.p);
    INVARIANT(EVP_Digest(out->request.p, out->request.len, out->act.digest, NULL, EVP_sha256(), NULL) == 1);
    for (size_t i = 0; i < out->holder_count; i++) {
        INVARIANT(holder_certificate_read(ceremony_invocation(), ceremony_certificate(i), &c) == EXIT_DONE);
        memcpy(out->holders[i].id, c.id, HOLDER_ID_LEN);
        snprintf(out->holders[i].name, sizeof out->holders[i].name, "%s", names[i]);
    }
    holder_certificate_clear(&c);
}

const char *ceremony_act_file(const char *file, uint16_t kind, const ProtobufCMessage *request)
{
    const char *path = ceremony_path(file);
    struct act_file a;

    ceremony_act(kind, request, &a);
    unlink(path);
    INVARIANT(act_file_write(ceremony_invocation(), path, &a, span_text("for people")) == EXIT_DONE);
    act_file_clear(&a);
    return path;
}

int ceremony_approve(const char *act, size_t holder, const char *out)
{
    int code;

    unlink(out);
    code = RUN(&said, "act", "approve", "--yes", "--act", act, "--certificate", ceremony_certificate(holder), "--key",
               ceremony_key(holder), "--out", out);
    if (code != EXIT_DONE)
        printf("\n  %s", said.err);
    said_clear(&said);
    return code;
}

bool ceremony_edit(const char *path, const char *from, const char *to)
{
    struct bytes text = { 0 }, edited = { 0 };
    const char *at;

    read_file(path, &text);
    bytes_append_char(&text, '\0');
    at = strstr((const char *)text.p, from);
    if (at != NULL) {
        size_t before = (size_t)(at - (const char *)text.p);

        bytes_append(&edited, text.p, before);
        bytes_append_text(&edited, to);
        bytes_append(&edited, text.p + before + strlen(from), text.len - 1 - before - strlen(from));
        INVARIANT(unlink(path) == 0 && file_create(path, 0600, bytes_span(&edited)) == ST_OK);
    }
    bytes_clear(&text);
    bytes_clear(&edited);
    return at != NULL;
}

const struct invocation *ceremony_invocation(void)
{
    static struct invocation in;

    if (in.err == NULL) {
        in.out = stdout;
        in.err = fmemopen(refusal, sizeof refusal, "w");
        INVARIANT(in.err != NULL);
        setvbuf(in.err, NULL, _IONBF, 0);
    }
    rewind(in.err);
    memset(refusal, 0, sizeof refusal);
    return &in;
}

const char *ceremony_refusal(void)
{
    return refusal;
}
