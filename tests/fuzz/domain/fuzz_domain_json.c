/* The JSON form of a security domain's file, and restore blobs: what is accepted is written as a file that is accepted.
 */
#include "provisioning/ceremony/domain_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t block[BUDGET_SIZE], other_block[BUDGET_SIZE];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes out = { 0 };
    struct budget budget, other;
    Ks__DomainFile *file, *again;
    Ks__DomainRestore *blob;
    uint8_t transfer[32];

    budget_init(&budget, block, sizeof block);
    budget_init(&other, other_block, sizeof other_block);
    if (domain_json_read(span_of(data, size), &budget, &file) == ST_OK) {
        INVARIANT(domain_json_write(file, &out) == ST_OK);
        INVARIANT(domain_json_read(bytes_span(&out), &other, &again) == ST_OK);
        INVARIANT(memcmp(file->digest.data, again->digest.data, 32) == 0);
    }
    budget_reset(&budget);
    INVARIANT(domain_json_read_restore(span_of(data, size), &budget, &blob, transfer) != ST_OK ||
              (blob->n_items > 0 && blob->wrapped_key[0] != '\0'));
    bytes_clear(&out);
    return 0;
}
