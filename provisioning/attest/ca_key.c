#include "provisioning/attest/ca_key.h"

#include "provisioning/cli/prompt.h"
#include "provisioning/link/private_key.h"

#define OPTION   "passphrase-file"
#define QUESTION "Passphrase of the CA's key"

int ca_key_create(const struct invocation *in, const char *path, EVP_PKEY *key)
{
    struct secret passphrase = { 0 };
    int code = EXIT_DONE;

    if (!command_given(in, "no-passphrase"))
        code = prompt_new_or_file(in, OPTION, QUESTION, PASSPHRASE_MIN, &passphrase);
    if (code == EXIT_DONE)
        code = private_key_write(in, key, secret_span(&passphrase), path);
    secret_clear(&passphrase);
    return code;
}

int ca_key_read(const struct invocation *in, const char *path, EVP_PKEY **out)
{
    return private_key_read(in, path, OPTION, QUESTION, out);
}
