/* blob.h - a restore blob as `az keyvault security-domain restore-blob` makes it. */
#ifndef STRONGROOM_TESTS_PROVISIONING_BLOB_H
#define STRONGROOM_TESTS_PROVISIONING_BLOB_H

/* From a domain file, opened by the keys of the first two holders (ceremony.h), for a transfer certificate. */
void blob_make(const char *domain, const char *transfer, const char *to);

#endif
