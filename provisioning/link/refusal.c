#include "provisioning/link/refusal.h"

#include <stddef.h>

#include "firmware/base/status.h"
#include "firmware/wire/pkcs11.h"

static const struct {
    uint32_t rv;
    const char *why;
} reasons[] = {
    { CKR_ACTION_PROHIBITED, "not allowed: another role is needed, or the name or identity is taken" },
    { CKR_ARGUMENTS_BAD, "a value is not acceptable" },
    { CKR_SLOT_ID_INVALID, "there is no such partition" },
    { CKR_DEVICE_MEMORY, "the keystore is full" },
    { CKR_DEVICE_ERROR, "not in this state of the keystore, or it has failed (see `strongroom keystore status`)" },
    { CKR_APPROVALS_MISSING, "too few holders have approved this act: --prepare it, have it approved, give --act and "
                             "each --approval" },
    { CKR_APPROVAL_REPEATED, "one holder's approval is there twice" },
    { CKR_APPROVAL_INVALID, "an approval is not for this act: its signature does not fit" },
    { CKR_APPROVAL_EXPIRED, "the approvals are too old, or good for longer than seven days: prepare the act anew" },
    { CKR_APPROVAL_USED, "the approvals are for another act number: this act, or another one, was done since; prepare "
                         "it anew" },
    { CKR_APPROVAL_STRANGER, "an approval is by somebody who is no holder now" },
    { CKR_HOLDERS_INVALID, "the holders are not acceptable: 3 to 10 different ones, a quorum of at least 2 and at most "
                           "all of them, RSA keys of 2,048 to 4,096 bits" },
    { CKR_DOMAIN_EXISTS, "this keystore has a security domain" },
    { CKR_DOMAIN_NOT_CONFIRMED, "no holders are pending, or this is not the file that was exported for them" },
    { CKR_DOMAIN_FILE_INVALID, "the domain file has been changed or cut, or is none" },
    { CKR_DOMAIN_SHARES, "the shares are too few, or do not belong to this domain file" },
    { CKR_LOCKED, "it is locked: its operators have to unlock it (strongroom keystore unlock)" },
    { CKR_PASSPHRASE_INCORRECT, "the passphrase is wrong, or there is no such operator" },
    { CKR_PASSPHRASE_LOCKED, "too many wrong passphrases: only the holders open it now (strongroom domain restore)" },
    { CKR_CERTIFICATE_INVALID, "the certificates are no chain, or not for this device's key" },
    { CKR_BACKUP_INVALID, "the backup has been changed or cut, or is of another security domain" },
    { CKR_BACKUP_PURGED, "the partition of this backup was deleted on this keystore, or its token made anew" },
    { CKR_PARTITION_EXISTS, "the partition of this backup is there already" },
};

const char *refusal_reason(uint32_t rv)
{
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if (reasons[i].rv == rv)
            return reasons[i].why;
    return "refused";
}
