#include "board/sim/image.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

enum status image_measure(uint8_t out[32])
{
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    uint8_t block[64 * 1024];
    bool ok = fd >= 0 && hash != NULL && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1;
    ssize_t n = -1;

    while (ok && (n = read(fd, block, sizeof block)) > 0)
        ok = EVP_DigestUpdate(hash, block, (size_t)n) == 1;
    ok = ok && n == 0 && EVP_DigestFinal_ex(hash, out, NULL) == 1;
    EVP_MD_CTX_free(hash);
    if (fd >= 0)
        close(fd);
    return ok ? ST_OK : ST_IO;
}
