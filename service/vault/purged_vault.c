#include "service/vault/purged_vault.h"

#include "vault.pb-c.h"

#define FORMAT 1

void purged_vault_path(struct bytes *out, const struct guid *vault_id)
{
    bytes_append_text(out, PURGED_VAULT_PREFIX);
    bytes_append(out, vault_id->text, GUID_LEN);
}

enum status purged_vault_pack(int64_t purged_at, struct bytes *out)
{
    Strongroom__Vault__PurgedVaultRecord m = STRONGROOM__VAULT__PURGED_VAULT_RECORD__INIT;

    m.format = FORMAT;
    m.purged_at = purged_at;
    bytes_reset(out);
    if (bytes_reserve(out, strongroom__vault__purged_vault_record__get_packed_size(&m)) != ST_OK)
        return ST_NO_MEMORY;
    out->len = strongroom__vault__purged_vault_record__pack(&m, out->p);
    return ST_OK;
}

enum status purged_vault_id(struct span path, struct guid *out)
{
    size_t prefix = strlen(PURGED_VAULT_PREFIX);

    if (path.len != prefix + GUID_LEN || guid_parse(out, span_of(path.p + prefix, GUID_LEN)) != ST_OK)
        return ST_CORRUPT;
    return ST_OK;
}
