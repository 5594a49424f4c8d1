#include "provisioning/ceremony/holder_list.h"

static int take_required(const struct invocation *in, struct holder_list *l)
{
    const char *text = command_value(in, "required");
    char *end;
    unsigned long n = strtoul(text, &end, 10);

    if (text[0] < '0' || text[0] > '9' || *end != '\0' || n < QUORUM_MIN || n > QUORUM_MAX)
        return command_misused(in, "--required takes a number from %d to %d", QUORUM_MIN, QUORUM_MAX);
    l->required = (uint32_t)n;
    return EXIT_DONE;
}

/* One holder twice would hold two shares, and count once. */
static int check_different(const struct invocation *in, const struct holder_list *l, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(l->names[i], l->names[n]) == 0)
            return command_misused(in, "two holders have the name %s", l->names[n]);
        if (memcmp(l->certificates[i].id, l->certificates[n].id, HOLDER_ID_LEN) == 0 ||
            EVP_PKEY_eq(X509_get0_pubkey(l->certificates[i].x), X509_get0_pubkey(l->certificates[n].x)) == 1)
            return command_misused(in, "%s and %s have the same key", l->names[i], l->names[n]);
    }
    return EXIT_DONE;
}

static int take_one(const struct invocation *in, const char *text, struct holder_list *l)
{
    const char *path = strchr(text, '=');
    size_t n = l->count, len = path != NULL ? (size_t)(path - text) : 0;
    Ks__Holder *h = &l->items[n];
    int code;

    if (len == 0 || len > PARTITION_NAME_MAX)
        return command_misused(in, "--holder takes NAME=CERT.pem, the name of at most %d bytes", PARTITION_NAME_MAX);
    memcpy(l->names[n], text, len);
    if ((code = keystore_name_check(in, "holder", l->names[n])) != EXIT_DONE ||
        (code = holder_certificate_read(in, path + 1, &l->certificates[n])) != EXIT_DONE)
        return code;
    ks__holder__init(h);
    h->name = l->names[n];
    h->certificate = (ProtobufCBinaryData){ l->certificates[n].der.len, l->certificates[n].der.p };
    l->list[n] = h;
    l->count++;
    return check_different(in, l, n);
}

int holder_list_take(const struct invocation *in, struct holder_list *out)
{
    const char *text;
    int code;

    *out = (struct holder_list){ 0 };
    code = take_required(in, out);
    while (code == EXIT_DONE && (text = command_value_at(in, "holder", out->count)) != NULL) {
        if (out->count == HOLDERS_MAX)
            return command_misused(in, "a security domain has at most %d holders", HOLDERS_MAX);
        code = take_one(in, text, out);
    }
    if (code != EXIT_DONE)
        return code;
    if (out->count < HOLDERS_MIN)
        return command_misused(in, "a security domain has at least %d holders", HOLDERS_MIN);
    if (out->required > out->count)
        return command_misused(in, "%u of %zu holders can never agree", out->required, out->count);
    return EXIT_DONE;
}

void holder_list_clear(struct holder_list *l)
{
    for (size_t i = 0; i < HOLDERS_MAX; i++)
        holder_certificate_clear(&l->certificates[i]);
    *l = (struct holder_list){ 0 };
}
