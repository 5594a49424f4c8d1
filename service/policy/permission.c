#include "service/policy/policy.h"

/* Spelled as the documentation of access policies does; the place in a table is the stored bit number. */
static const char *const key_names[KEY_PERMISSION_COUNT] = {
    [KEY_PERMISSION_GET] = "get",
    [KEY_PERMISSION_LIST] = "list",
    [KEY_PERMISSION_CREATE] = "create",
    [KEY_PERMISSION_UPDATE] = "update",
    [KEY_PERMISSION_IMPORT] = "import",
    [KEY_PERMISSION_DELETE] = "delete",
    [KEY_PERMISSION_BACKUP] = "backup",
    [KEY_PERMISSION_RESTORE] = "restore",
    [KEY_PERMISSION_RECOVER] = "recover",
    [KEY_PERMISSION_PURGE] = "purge",
    [KEY_PERMISSION_ENCRYPT] = "encrypt",
    [KEY_PERMISSION_DECRYPT] = "decrypt",
    [KEY_PERMISSION_WRAP_KEY] = "wrapKey",
    [KEY_PERMISSION_UNWRAP_KEY] = "unwrapKey",
    [KEY_PERMISSION_SIGN] = "sign",
    [KEY_PERMISSION_VERIFY] = "verify",
    [KEY_PERMISSION_RELEASE] = "release",
    [KEY_PERMISSION_ROTATE] = "rotate",
    [KEY_PERMISSION_GET_ROTATION_POLICY] = "getrotationpolicy",
    [KEY_PERMISSION_SET_ROTATION_POLICY] = "setrotationpolicy",
};
static const char *const secret_names[SECRET_PERMISSION_COUNT] = {
    [SECRET_PERMISSION_GET] = "get",         [SECRET_PERMISSION_LIST] = "list",
    [SECRET_PERMISSION_SET] = "set",         [SECRET_PERMISSION_DELETE] = "delete",
    [SECRET_PERMISSION_BACKUP] = "backup",   [SECRET_PERMISSION_RESTORE] = "restore",
    [SECRET_PERMISSION_RECOVER] = "recover", [SECRET_PERMISSION_PURGE] = "purge",
};
static const char *const certificate_names[CERTIFICATE_PERMISSION_COUNT] = {
    [CERTIFICATE_PERMISSION_GET] = "get",
    [CERTIFICATE_PERMISSION_LIST] = "list",
    [CERTIFICATE_PERMISSION_DELETE] = "delete",
    [CERTIFICATE_PERMISSION_CREATE] = "create",
    [CERTIFICATE_PERMISSION_IMPORT] = "import",
    [CERTIFICATE_PERMISSION_UPDATE] = "update",
    [CERTIFICATE_PERMISSION_MANAGE_CONTACTS] = "managecontacts",
    [CERTIFICATE_PERMISSION_GET_ISSUERS] = "getissuers",
    [CERTIFICATE_PERMISSION_LIST_ISSUERS] = "listissuers",
    [CERTIFICATE_PERMISSION_SET_ISSUERS] = "setissuers",
    [CERTIFICATE_PERMISSION_DELETE_ISSUERS] = "deleteissuers",
    [CERTIFICATE_PERMISSION_MANAGE_ISSUERS] = "manageissuers",
    [CERTIFICATE_PERMISSION_RECOVER] = "recover",
    [CERTIFICATE_PERMISSION_PURGE] = "purge",
    [CERTIFICATE_PERMISSION_BACKUP] = "backup",
    [CERTIFICATE_PERMISSION_RESTORE] = "restore",
};
/* Of the retired managed storage accounts: kept for clients that write them, and granting nothing. */
static const char *const storage_names[] = { "get",           "list",    "delete", "set",      "update",
                                             "regeneratekey", "recover", "purge",  "backup",   "restore",
                                             "setsas",        "listsas", "getsas", "deletesas" };

static const struct {
    const char *const *names;
    unsigned count;
} kinds[PERMISSION_KIND_COUNT] = {
    [PERMISSION_KEYS] = { key_names, ARRAY_LEN(key_names) },
    [PERMISSION_SECRETS] = { secret_names, ARRAY_LEN(secret_names) },
    [PERMISSION_CERTIFICATES] = { certificate_names, ARRAY_LEN(certificate_names) },
    [PERMISSION_STORAGE] = { storage_names, ARRAY_LEN(storage_names) },
};

const char *permission_name(enum permission_kind kind, unsigned bit)
{
    return (unsigned)kind < PERMISSION_KIND_COUNT && bit < kinds[kind].count ? kinds[kind].names[bit] : NULL;
}

/* Purge destroys for good, so the historic "all" never meant it. */
static uint32_t all_but_purge(enum permission_kind kind)
{
    uint32_t bits = 0;

    for (unsigned bit = 0; bit < kinds[kind].count; bit++)
        if (strcmp(kinds[kind].names[bit], "purge") != 0)
            bits |= BIT(bit);
    return bits;
}

bool permission_by_name(enum permission_kind kind, struct span name, uint32_t *bits)
{
    if ((unsigned)kind >= PERMISSION_KIND_COUNT)
        return false;
    if (span_is_nocase(name, "all")) {
        *bits = all_but_purge(kind);
        return true;
    }
    for (unsigned bit = 0; bit < kinds[kind].count; bit++)
        if (span_is_nocase(name, kinds[kind].names[bit])) {
            *bits = BIT(bit);
            return true;
        }
    return false;
}
