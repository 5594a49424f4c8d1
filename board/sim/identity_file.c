#include "board/sim/identity_file.h"

#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "board/sim/directory.h"

#define NAME     "keystore.pem"
#define LINE_IN  48 /* bytes in a line of 64 characters: RFC 7468, 2 */
#define LINE_OUT 64

enum status identity_file_open(struct identity_file *f, int directory)
{
    enum status st = directory_open_file(directory, NAME, 0444, &f->fd);
    struct stat info;

    if (st == ST_NOT_FOUND)
        st = directory_make_file(directory, NAME, 0444, span_of(NULL, 0), 0, &f->fd);
    if (st != ST_OK)
        return st;
    if (fstat(f->fd, &info) != 0)
        return ST_IO;
    f->len = (size_t)info.st_size;
    return ST_OK;
}

void identity_file_close(struct identity_file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
}

static void append_pem(struct bytes *out, struct span der)
{
    unsigned char line[LINE_OUT + 1];

    bytes_append_text(out, "-----BEGIN CERTIFICATE-----\n");
    while (der.len > 0) {
        size_t n = der.len < LINE_IN ? der.len : LINE_IN;

        bytes_append(out, line, (size_t)EVP_EncodeBlock(line, der.p, (int)n));
        bytes_append_char(out, '\n');
        der = span_of(der.p + n, der.len - n);
    }
    bytes_append_text(out, "-----END CERTIFICATE-----\n");
}

enum status identity_file_write(struct identity_file *f, struct span certificate)
{
    struct bytes pem = { 0 };
    enum status st;

    append_pem(&pem, certificate);
    while (!pem.failed && pem.len < f->len)
        bytes_append_char(&pem, '\n'); /* covers a longer one from before: the sandbox has no ftruncate() */
    if ((st = bytes_status(&pem)) == ST_OK && (st = file_write(f->fd, 0, pem.p, pem.len)) == ST_OK)
        st = fdatasync(f->fd) == 0 ? ST_OK : ST_IO;
    if (st == ST_OK)
        f->len = pem.len;
    bytes_clear(&pem);
    return st;
}
