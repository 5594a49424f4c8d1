/* strongroom tls: request. */
#include "provisioning/cli/output.h"
#include "provisioning/cli/private_file.h"
#include "provisioning/token/csr.h"
#include "provisioning/token/site.h"
#include "provisioning/token/verbs.h"

static int deliver(const struct invocation *in, const struct bytes *pem)
{
    const char *path = command_value(in, "out");
    enum status st;

    if (path == NULL)
        return output_value(in, "request", bytes_span(pem));
    if ((st = file_create(path, 0644, bytes_span(pem))) != ST_OK)
        return command_refuse(in, "%s cannot be written: %s", path, status_name(st));
    return EXIT_DONE;
}

static int request_with(const struct invocation *in, const struct site *s, const char *const *names, size_t count)
{
    EVP_PKEY *private_key = NULL, *public_key = NULL;
    struct bytes pem = { 0 };
    enum status st;
    int code;

    if ((st = token_private_key(s->token, TOKEN_LABEL_TLS, &private_key)) != ST_OK ||
        (st = token_public_key(s->token, TOKEN_LABEL_TLS, &public_key)) != ST_OK)
        code = command_refuse(in, "the token has no TLS key that works: %s; `strongroom token init` makes it",
                              status_name(st));
    else if ((st = csr_make(private_key, public_key, names, count, &pem)) != ST_OK)
        code = command_refuse(in, "the request cannot be made: %s", status_name(st));
    else
        code = deliver(in, &pem);
    bytes_clear(&pem);
    EVP_PKEY_free(private_key);
    EVP_PKEY_free(public_key);
    return code;
}

static int tls_request(struct invocation *in)
{
    const char *names[CSR_NAMES_MAX];
    struct site s = { 0 };
    size_t count = 0;
    int code;

    for (const char *name; (name = command_value_at(in, "name", count)) != NULL;) {
        if (count == CSR_NAMES_MAX)
            return command_misused(in, "more than %d names", CSR_NAMES_MAX);
        if (!csr_name_valid(name))
            return command_misused(in, "--name: \"%s\" is not a DNS name for a certificate", name);
        names[count++] = name;
    }
    if ((code = site_open(in, &s)) == EXIT_DONE && (code = site_open_token(in, &s)) == EXIT_DONE)
        code = request_with(in, &s, names, count);
    site_close(&s);
    return code;
}

static const struct verb_option request_options[] = {
    { "name", "DNS", true, true, "a name to stand in the certificate; several, the first also as common name" },
    { "out", "FILE", false, false, "write there, a new file (default: standard output)" },
    { 0 },
};

const struct verb tls_verbs[] = {
    { "request", "a certificate request (PKCS#10) for the TLS key, signed inside the token",
      "Give it to the certification authority; put the answer, leaf first and the chain behind it, into the\n"
      "configuration's certificate_file. The daemon must not be running.",
      true, false, request_options, tls_request },
    { 0 },
};
