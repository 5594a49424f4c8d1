#include "board/sim/root_tpm.h"

#include <openssl/sha.h>
#include <sys/random.h>

#include "firmware/base/secret.h"

/* What PCR 12 holds after `image` alone was measured: SHA-256(32 zero bytes, digest). */
static void expected_pcr(const uint8_t image[TPM_DIGEST_LEN], uint8_t out[TPM_DIGEST_LEN])
{
    uint8_t before[2 * TPM_DIGEST_LEN] = { 0 };

    memcpy(before + TPM_DIGEST_LEN, image, TPM_DIGEST_LEN);
    SHA256(before, sizeof before, out);
}

static enum status measure(struct tpm *tpm, const uint8_t image[TPM_DIGEST_LEN])
{
    static const uint8_t untouched[TPM_DIGEST_LEN];
    uint8_t expected[TPM_DIGEST_LEN], now[TPM_DIGEST_LEN];
    enum status st;

    if ((st = tpm_pcr_read(tpm, ROOT_TPM_PCR, now)) != ST_OK)
        return st;
    if (memcmp(now, untouched, sizeof now) == 0)
        return tpm_pcr_extend(tpm, ROOT_TPM_PCR, image);
    expected_pcr(image, expected); /* the TPM ran on: what it holds must be this image's, not the one before it */
    return memcmp(now, expected, sizeof now) == 0 ? ST_OK : ST_CORRUPT;
}

static enum status make_key(struct tpm *tpm, const uint8_t image[TPM_DIGEST_LEN])
{
    uint8_t key[HAL_ROOT_KEY_LEN] = { 0 }, other[HAL_ROOT_KEY_LEN];
    uint8_t expected[TPM_DIGEST_LEN], now[TPM_DIGEST_LEN];
    enum status st;

    expected_pcr(image, expected);
    if ((st = tpm_pcr_read(tpm, ROOT_TPM_PCR, now)) != ST_OK)
        return st;
    if (memcmp(now, expected, sizeof now) != 0)
        return ST_CORRUPT; /* sealed now, it could never be opened */
    if (getrandom(other, sizeof other, 0) != (ssize_t)sizeof other)
        return ST_IO;
    if ((st = tpm_random(tpm, key, sizeof key)) == ST_OK) {
        for (size_t i = 0; i < sizeof key; i++)
            key[i] ^= other[i]; /* as good as the better of the two */
        st = tpm_seal(tpm, ROOT_TPM_HANDLE, ROOT_TPM_PCR, expected, span_of(key, sizeof key));
    }
    secret_wipe(key, sizeof key);
    secret_wipe(other, sizeof other);
    return st;
}

static enum status ensure_counter(struct tpm *tpm)
{
    enum status st = tpm_counter_define(tpm, ROOT_TPM_COUNTER);

    if (st != ST_OK && st != ST_EXISTS)
        return st;
    return tpm_counter_increment(tpm, ROOT_TPM_COUNTER); /* it cannot be read before its first increment */
}

/* The key is made before the counter, so a counter without a key means that the key was destroyed. */
enum status root_tpm_open(struct root_tpm *r, struct tpm *tpm, const uint8_t image[TPM_DIGEST_LEN])
{
    enum status key, counter, st;
    uint64_t value;

    *r = (struct root_tpm){ .tpm = tpm };
    if ((st = measure(tpm, image)) != ST_OK)
        return st;
    key = tpm_holds(tpm, ROOT_TPM_HANDLE);
    counter = tpm_counter_read(tpm, ROOT_TPM_COUNTER, &value);
    if ((key != ST_OK && key != ST_NOT_FOUND) || (counter != ST_OK && counter != ST_NOT_FOUND))
        return ST_UNAVAILABLE;
    r->destroyed = key == ST_NOT_FOUND && counter == ST_OK;
    if (key == ST_NOT_FOUND && !r->destroyed && (st = make_key(tpm, image)) != ST_OK)
        return st;
    return counter == ST_NOT_FOUND ? ensure_counter(tpm) : ST_OK;
}

enum status root_tpm_key(struct root_tpm *r, uint8_t out[HAL_ROOT_KEY_LEN])
{
    enum status st;

    if (r->destroyed)
        return ST_NOT_FOUND;
    st = tpm_unseal(r->tpm, ROOT_TPM_HANDLE, ROOT_TPM_PCR, out, HAL_ROOT_KEY_LEN);
    return st == ST_NOT_FOUND ? ST_CORRUPT : st;
}

enum status root_tpm_destroy(struct root_tpm *r)
{
    enum status st = tpm_evict(r->tpm, ROOT_TPM_HANDLE);

    if (st != ST_OK && st != ST_NOT_FOUND)
        return st;
    r->destroyed = true;
    return ST_OK;
}

enum status root_tpm_counter_read(struct root_tpm *r, uint64_t *out)
{
    return tpm_counter_read(r->tpm, ROOT_TPM_COUNTER, out);
}

enum status root_tpm_counter_increment(struct root_tpm *r, uint64_t *out)
{
    enum status st = tpm_counter_increment(r->tpm, ROOT_TPM_COUNTER);

    return st == ST_OK ? tpm_counter_read(r->tpm, ROOT_TPM_COUNTER, out) : st;
}
