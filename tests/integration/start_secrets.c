/* start_secrets DIRECTORY - what the attended start of a board (of an insecure file's root key) hides, for needle.h, on
 * standard output: each operator's share, the start secret, the domain key. On standard input: "NAME PASSPHRASE" of
 * enough operators, a line each. It is the firmware itself on the board's files: nobody else may have them. Exit code
 * 1, with a line on standard error: they do not open. */
#include <stdio.h>
#include <stdlib.h>

#include "board/sim/directory.h"
#include "board/sim/sim.h"
#include "firmware/base/hex.h"
#include "firmware/base/log.h"
#include "firmware/domain/shamir.h"
#include "firmware/inside.h"

static void print(const char *name, const char *part, struct span value)
{
    struct bytes hex = { 0 };

    hex_append(&hex, value);
    printf("bytes %s%s %s\n", name, part, bytes_text(&hex));
    bytes_clear(&hex);
}

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "start_secrets: %s\n", what);
    exit(EXIT_FAILURE);
}

static void open_shares(const struct keystore *ks, struct unlocking *u)
{
    char name[PARTITION_NAME_MAX + 1], passphrase[PASSPHRASE_MAX + 1];

    while (scanf("%32s %255s", name, passphrase) == 2)
        if (start_mode_open_share(&ks->domain.start, name, span_text(passphrase), ks->operator_pepper, u) != CKR_OK)
            fail(name);
    if (ks->domain.start.required < 2 || u->given < ks->domain.start.required)
        fail("too few operators");
}

static void open_secret(const struct keystore *ks, const struct unlocking *u)
{
    uint8_t secret[START_SECRET_LEN], domain_key[DOMAIN_KEY_LEN];
    struct span shares[OPERATORS_MAX];
    unsigned count = 0, distinct;

    for (unsigned i = 0; i < ks->domain.start.count; i++)
        if (u->has[i]) {
            shares[count++] = span_of(u->shares[i], START_SHARE_LEN);
            print("start-share-", ks->domain.start.operators[i].name, shares[count - 1]);
        }
    if (shamir_combine(shares, count, ks->domain.start.required, sizeof secret, secret, &distinct) != ST_OK ||
        start_mode_open(&ks->domain.start, u, domain_key) != CKR_OK)
        fail("the shares");
    print("start-secret", "", span_of(secret, sizeof secret));
    print("domain-key", "", span_of(domain_key, sizeof domain_key));
}

int main(int argc, char **argv)
{
    static const uint8_t image[32];
    struct unlocking unlocking = { 0 };
    struct keystore_config config = { .version = "test" };
    struct keystore *ks;
    struct sim sim;
    int directory;

    if (argc != 2)
        return 2;
    log_set_level(LOG_LEVEL_ERROR);
    if (directory_open(argv[1], &directory) != ST_OK || sim_open(&sim, directory, NULL, image) != ST_OK)
        fail("no board there");
    config.hal = &sim.hal;
    if (keystore_open(&config, &ks) != ST_OK)
        fail("the keystore does not start");
    open_shares(ks, &unlocking);
    open_secret(ks, &unlocking);
    keystore_close(ks);
    sim_close(&sim);
    return EXIT_SUCCESS;
}
