#include "board/sim/fingerprint_file.h"

#include <openssl/pem.h>

enum status fingerprint_file_read(const char *path, uint8_t out[LINK_FINGERPRINT_LEN])
{
    FILE *f = fopen(path, "re");
    X509 *certificate;
    enum status st;

    if (f == NULL)
        return ST_NOT_FOUND;
    certificate = PEM_read_X509(f, NULL, NULL, NULL);
    fclose(f);
    st = certificate != NULL ? link_fingerprint(certificate, out) : ST_BAD_REQUEST;
    X509_free(certificate);
    return st;
}
