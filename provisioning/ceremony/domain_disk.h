/* domain_disk.h - the security domain's file on a disk. */
#ifndef STRONGROOM_PROVISIONING_DOMAIN_DISK_H
#define STRONGROOM_PROVISIONING_DOMAIN_DISK_H

#include "provisioning/ceremony/act_file.h"

/* A zeroed one is empty and valid. */
struct domain_disk {
    Ks__DomainFile *file;    /* its digest is computed from what the disk holds */
    Ks__DomainRestore *blob; /* of domain_disk_read_blob(), in place of a file */
    struct budget budget;
    void *block;
};

/* EXIT_DONE, or EXIT_REFUSED after saying why. */
int domain_disk_read(const struct invocation *in, const char *path, struct domain_disk *out);
/* az's restore blob. *transfer is SHA-256 of the transfer certificate it is for. */
int domain_disk_read_blob(const struct invocation *in, const char *path, struct domain_disk *out, uint8_t transfer[32]);
void domain_disk_clear(struct domain_disk *d);
/* Written whole, mode 0600, then read back and compared with `f`. The file was not there before. */
int domain_disk_write(const struct invocation *in, const char *path, const Ks__DomainFile *f);

/* The file's digest in hexadecimal: what people compare between copies. */
#define DOMAIN_DISK_DIGEST_TEXT (2 * 32 + 1)
void domain_disk_digest(const Ks__DomainFile *f, char text[DOMAIN_DISK_DIGEST_TEXT]);
/* The restore that this file asks for, without shares. It points into `f`. */
void domain_disk_restore(const Ks__DomainFile *f, Ks__DomainRestore *out);
/* Who approves it, as far as the file says: `required` and the holders' ids. */
void domain_disk_holders(const Ks__DomainFile *f, struct act_file *out);

#endif
