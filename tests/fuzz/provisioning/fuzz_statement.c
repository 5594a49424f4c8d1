/* What an attestation is read from, the first byte says which: a statement's file, a TPM's quote. What is accepted is
 * shown to people, and lies inside of what came in. */
#include <stdio.h>
#include <stdlib.h>

#include "provisioning/attest/statement_file.h"
#include "provisioning/attest/statement_print.h"
#include "provisioning/attest/tpm_quote.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct verb verb = { .name = "fuzz" };
static const struct noun noun = { .name = "fuzz" };
static struct invocation in = { .noun = &noun, .verb = &verb };

static void statement(struct span text)
{
    struct signed_statement s;
    const char *why;
    enum status st = statement_file_parse(text, &s, &why);

    INVARIANT((st == ST_OK) == (why == NULL));
    if (st == ST_OK) {
        INVARIANT(s.chain_count > 0 && s.chain_count <= CERTIFICATE_CHAIN_MAX && s.content != NULL);
        statement_print(&in, s.content, NULL);
        statement_print_json(&in, s.content, NULL);
    }
    signed_statement_clear(&s);
}

static bool lies_in(struct span part, struct span whole)
{
    return part.len == 0 || (part.p >= whole.p && part.p + part.len <= whole.p + whole.len);
}

static void quote(struct span attest)
{
    struct tpm_quote q;

    if (tpm_quote_parse(attest, &q) == ST_OK)
        INVARIANT(lies_in(q.extra_data, attest) && lies_in(q.pcr_digest, attest));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (in.out == NULL)
        INVARIANT((in.out = in.err = fopen("/dev/null", "w")) != NULL);
    if (size > 0)
        (data[0] % 2 == 0 ? statement : quote)(span_of(data + 1, size - 1));
    return 0;
}
