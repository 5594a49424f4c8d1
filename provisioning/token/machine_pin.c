#include "provisioning/token/machine_pin.h"

#include <openssl/rand.h>

#include "firmware/base/base64url.h"
#include "provisioning/cli/private_file.h"

#define PIN_BYTES 24

static enum status random_pin(struct secret *out)
{
    uint8_t random[PIN_BYTES];
    struct bytes text = { 0 };
    enum status st = ST_UNAVAILABLE;

    if (RAND_priv_bytes(random, sizeof random) == 1) {
        if ((st = bytes_reserve(&text, base64url_encoded_len(sizeof random))) == ST_OK) {
            base64url_append(&text, span_of(random, sizeof random));
            if ((st = bytes_status(&text)) == ST_OK)
                st = secret_set(out, bytes_span(&text));
        }
    }
    secret_wipe(random, sizeof random);
    if (text.p != NULL)
        secret_wipe(text.p, text.cap);
    bytes_clear(&text);
    return st;
}

enum status machine_pin_create(const char *path, struct secret *pin)
{
    enum status st = random_pin(pin);

    return st == ST_OK ? file_create(path, 0400, secret_span(pin)) : st;
}

bool machine_pin_is_whole(struct span pin)
{
    bool ok = pin.len == MACHINE_PIN_LEN;

    for (size_t i = 0; ok && i < pin.len; i++)
        ok = (pin.p[i] >= 'a' && pin.p[i] <= 'z') || (pin.p[i] >= 'A' && pin.p[i] <= 'Z') ||
             (pin.p[i] >= '0' && pin.p[i] <= '9') || pin.p[i] == '-' || pin.p[i] == '_';
    return ok;
}
