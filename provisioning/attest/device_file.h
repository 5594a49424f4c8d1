/* device_file.h - what a factory needs to know of a device to certify it: {"version":1,"certificate":PEM,
 * "quoteKey":base64url}, or simply the certificate that the board publishes (keystore.pem). */
#ifndef STRONGROOM_PROVISIONING_DEVICE_FILE_H
#define STRONGROOM_PROVISIONING_DEVICE_FILE_H

#include <openssl/x509.h>

#include "firmware/wire/body.h"
#include "provisioning/cli/command.h"

struct device_file {
    X509 *certificate;      /* self-signed: the device had its key when it was made */
    struct bytes quote_key; /* SubjectPublicKeyInfo; empty: no TPM */
};

/* EXIT_DONE, or EXIT_REFUSED after saying why. */
int device_file_write(const struct invocation *in, const char *path, const Ks__DeviceIdentity *identity);
/* Checks that both keys are P-256, the certificate is the device key's own, and the quote key another one. *out is for
 * device_file_clear(), in every case. */
int device_file_read(const struct invocation *in, const char *path, struct device_file *out);
void device_file_clear(struct device_file *d);

#endif
