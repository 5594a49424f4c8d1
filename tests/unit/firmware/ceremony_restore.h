/* ceremony_restore.h - the restore of a security domain, as its people make it: the file they kept, their shares under
 * another keystore's transfer certificate. */
#ifndef STRONGROOM_TESTS_CEREMONY_RESTORE_H
#define STRONGROOM_TESTS_CEREMONY_RESTORE_H

#include <openssl/x509.h>

#include "tests/unit/firmware/ceremony.h"

/* A domain's file, copied. */
struct ceremony_file {
    uint32_t required;
    char *item, *tag;
    unsigned share_count;
    uint8_t holders[HOLDERS_MAX][32];
    char *shares[HOLDERS_MAX];
};

void ceremony_keep(const Ks__DomainFile *file, struct ceremony_file *out);
void ceremony_drop(struct ceremony_file *f);

struct ceremony_restore {
    Ks__DomainRestore m;
    Ks__EncryptedItem item, *items[1];
    Ks__EncryptedShare shares[2 * HOLDERS_MAX], *list[2 * HOLDERS_MAX];
    struct bytes texts[2 * HOLDERS_MAX];
    struct ceremony_approvals approvals;
};

/* DOMAIN_TRANSFER. The caller frees. */
X509 *ceremony_transfer(struct ceremony_link owner);
/* A request without shares or approvals; it borrows from the file. */
void ceremony_restore_begin(struct ceremony_restore *r, const struct ceremony_file *f);
/* Holder `who` of a file whose first holder has the number `first` decrypts his share and gives it to whoever has `to`.
 */
void ceremony_release(struct ceremony_restore *r, const struct ceremony_file *f, unsigned first, unsigned who,
                      X509 *to);
void ceremony_restore_end(struct ceremony_restore *r);

#endif
