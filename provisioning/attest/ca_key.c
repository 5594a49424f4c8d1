#include "provisioning/attest/ca_key.h"

#include "provisioning/cli/prompt.h"
#include "provisioning/link/private_key.h"

#define OPTION   "passphrase-file"
#define QUESTION "Passphrase of the CA's key"

int ca_key_passphrase(const struct invocation *in, struct secret *out)
{
    if (command_given(in, "no-passphrase"))
        return EXIT_DONE;
    return prompt_new_or_file(in, OPTION, QUESTION, PASSPHRASE_MIN, out);
}

int ca_key_read(const struct invocation *in, const char *path, EVP_PKEY **out)
{
    return private_key_read(in, path, OPTION, QUESTION, out);
}
