#include "board/sim/root_file.h"

#include <sys/random.h>
#include <unistd.h>

#include "board/sim/directory.h"
#include "firmware/base/hex.h"
#include "firmware/base/secret.h"

#define NAME    "insecure-root-key"
#define LABEL   "INSECURE: the device root key in a plain file, for development only\n"
#define HEX_LEN (2 * HAL_ROOT_KEY_LEN)
#define GONE    '-' /* not hexadecimal: what was destroyed never reads as a key again */

static enum status make(struct root_file *r, int directory)
{
    char text[sizeof LABEL + HEX_LEN + 1] = LABEL;
    uint8_t key[HAL_ROOT_KEY_LEN];
    enum status st = ST_IO;
    struct bytes hex = { 0 };

    if (getrandom(key, sizeof key, 0) != (ssize_t)sizeof key)
        return ST_IO;
    hex_append(&hex, span_of(key, sizeof key));
    if ((st = bytes_status(&hex)) == ST_OK) {
        memcpy(text + strlen(LABEL), hex.p, HEX_LEN);
        text[strlen(LABEL) + HEX_LEN] = '\n';
        st = directory_make_file(directory, NAME, 0400, span_of(text, strlen(LABEL) + HEX_LEN + 1), 1, &r->fd);
    }
    secret_wipe(hex.p, hex.len);
    bytes_clear(&hex);
    secret_wipe(text, sizeof text);
    secret_wipe(key, sizeof key);
    return st;
}

enum status root_file_open(struct root_file *r, int directory)
{
    enum status st = directory_open_file(directory, NAME, 0400, &r->fd);

    return st == ST_NOT_FOUND ? make(r, directory) : st;
}

void root_file_close(struct root_file *r)
{
    if (r->fd >= 0)
        close(r->fd);
    r->fd = -1;
}

enum status root_file_key(struct root_file *r, uint8_t out[HAL_ROOT_KEY_LEN])
{
    char hex[HEX_LEN];
    enum status st = file_read(r->fd, strlen(LABEL), hex, sizeof hex);

    if (st == ST_OK && hex_decode(out, HAL_ROOT_KEY_LEN, span_of(hex, sizeof hex)) != ST_OK)
        st = hex[0] == GONE ? ST_NOT_FOUND : ST_CORRUPT;
    secret_wipe(hex, sizeof hex);
    return st;
}

enum status root_file_destroy(struct root_file *r)
{
    char gone[HEX_LEN];
    enum status st;

    memset(gone, GONE, sizeof gone);
    if ((st = file_write(r->fd, strlen(LABEL), gone, sizeof gone)) != ST_OK)
        return st;
    return fdatasync(r->fd) == 0 ? ST_OK : ST_IO;
}
