/* shamir.h - Shamir's secret sharing (Communications of the ACM 22, 11), byte by byte over GF(257), in the form of
 * Azure's managed HSM.
 *
 * Each byte of the secret is the constant of a polynomial of its own, of degree required-1, whose other coefficients
 * are uniform in 0..256. The share of `x` is a word for each byte, (x << 9) | y, y being the polynomial at x: 16 bits,
 * little-endian. `required` shares give the byte back; fewer are consistent with every byte equally.
 *
 * x is public, y and the secret are not: nothing branches, looks up or divides by either. Pure; thread-safe. */
#ifndef STRONGROOM_DOMAIN_SHAMIR_H
#define STRONGROOM_DOMAIN_SHAMIR_H

#include "firmware/base/bytes.h"
#include "firmware/domain/random.h"

#define SHAMIR_SHARES_MAX 126 /* x has 7 bits */

static inline size_t shamir_share_len(size_t secret_len)
{
    return 2 * secret_len;
}

/* `count` shares, for x = 1 to `count`, one behind the other in `shares`, of which `required` give the secret back: 2
 * <= required <= count <= SHAMIR_SHARES_MAX. The caller wipes them. Errors: those of `draw`; nothing is left in
 * `shares`. */
MUST_CHECK enum status shamir_split(struct span secret, unsigned required, unsigned count, random_draw *draw,
                                    uint8_t *shares);

/* The secret of `secret_len` bytes, from the first `required` shares with different x among `count`; *distinct (also
 * after an error) is how many different x there were. One share given twice counts once. The caller wipes the secret.
 * Errors: ST_BAD_REQUEST a share has another length, an x that is 0 or not the same in all its words, or a y above 256;
 * ST_NOT_PERMITTED fewer than `required` different ones; ST_BAD_CIPHERTEXT two shares of one x differ, or what comes
 * out is no byte: they are not of one secret. That not every such case is seen, the caller's own check of the secret
 * covers. */
MUST_CHECK enum status shamir_combine(const struct span *shares, size_t count, unsigned required, size_t secret_len,
                                      uint8_t *secret, unsigned *distinct);

#endif
