/* holders.h - the holders of a security domain: who has a share of it, and whose approval dangerous acts take. A holder
 * is an X.509 certificate with an RSA key; its dates, names and issuer mean nothing here: the owner has met the people.
 * Guarded by the keystore's lock. */
#ifndef STRONGROOM_HOLDERS_H
#define STRONGROOM_HOLDERS_H

#include "firmware/crypto/attributes.h"
#include "firmware/wire/body.h"

#define HOLDER_ID_LEN 32 /* SHA-256 of the certificate's DER */

struct holder {
    char name[PARTITION_NAME_MAX + 1];
    uint8_t id[HOLDER_ID_LEN];
    struct bytes certificate; /* DER */
};

/* A zeroed struct is empty and valid. */
struct holder_set {
    uint32_t generation; /* of the domain's holders: 1 for the first ones */
    uint32_t required;
    unsigned count; /* 0: there is no such set */
    struct holder holders[HOLDERS_MAX];
};

void holder_set_clear(struct holder_set *s);
bool holder_set_same(const struct holder_set *a, const struct holder_set *b); /* people, quorum and generation */
void holder_set_move(struct holder_set *to, struct holder_set *from);         /* `to` is cleared first */
/* Add one, checked: a name, a certificate that is not longer than itself, an RSA key of an allowed size with an odd
 * exponent of at least 65,537, and neither its name nor its key there already. Errors: CKR_HOLDERS_INVALID;
 * CKR_HOST_MEMORY. */
MUST_CHECK CK_RV holder_set_add(struct holder_set *s, const char *name, struct span certificate);
/* Are there enough, and not too many, for this quorum? Errors: CKR_HOLDERS_INVALID. */
MUST_CHECK CK_RV holder_set_check(const struct holder_set *s);
/* Both, from a request. `out` is cleared on error. */
MUST_CHECK CK_RV holder_set_read(struct holder_set *out, size_t count, Ks__Holder *const *list, uint32_t required);
const struct holder *holder_set_find(const struct holder_set *s, struct span id); /* NULL */

/* RSASSA-PSS with SHA-256, MGF1 with the same, salt of 32 bytes (RFC 8017, 8.1). Errors: CKR_APPROVAL_INVALID;
 * CKR_HOST_MEMORY. */
MUST_CHECK CK_RV holder_verify(const struct holder *h, struct span statement, struct span signature);

/* A set as attributes of a record, from number `first` on, at most HOLDER_FIELDS of them; and back. An absent set is
 * none. Errors: CKR_HOST_MEMORY; CKR_DATA_INVALID. */
#define HOLDER_FIELDS (2 + HOLDERS_MAX)
MUST_CHECK CK_RV holder_set_pack(const struct holder_set *s, struct attributes *a, CK_ATTRIBUTE_TYPE first);
MUST_CHECK CK_RV holder_set_unpack(struct holder_set *s, const struct attributes *a, CK_ATTRIBUTE_TYPE first);

#endif
