/* domain_secrets DOMAIN PASSPHRASES KEY... - what a security domain's file hides, for needle.h, on standard output:
 * each holder's private key and share, the master key, the key of the payload, the domain key. KEY are as many holders'
 * keys as the file requires, the file PASSPHRASES has a line for each. Exit code 1, with a line on standard error: it
 * does not open. */
#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>

#include "firmware/base/hex.h"
#include "firmware/domain/domain_share.h"
#include "firmware/domain/kdf.h"
#include "firmware/domain/shamir.h"
#include "provisioning/ceremony/domain_json.h"
#include "provisioning/cli/private_file.h"

#define LINE_LEN 256

static uint8_t block[BUDGET_SIZE];

static _Noreturn void fail(const char *what, enum status st)
{
    fprintf(stderr, "domain_secrets: %s: %s\n", what, status_name(st));
    exit(EXIT_FAILURE);
}

static void print(const char *name, unsigned number, const char *part, struct span value)
{
    struct bytes hex = { 0 };

    hex_append(&hex, value);
    if (number > 0)
        printf("bytes %s%u%s %s\n", name, number, part, bytes_text(&hex));
    else
        printf("bytes %s %s\n", name, bytes_text(&hex));
    bytes_clear(&hex);
}

static void print_number(unsigned holder, const char *part, EVP_PKEY *key, const char *parameter)
{
    uint8_t value[HOLDER_KEY_BITS_MAX / 8];
    BIGNUM *n = NULL;
    int len;

    if (EVP_PKEY_get_bn_param(key, parameter, &n) != 1 || BN_num_bytes(n) > (int)sizeof value)
        fail(parameter, ST_UNSUPPORTED);
    len = BN_bn2bin(n, value);
    BN_clear_free(n);
    print("holder", holder, part, span_of(value, (size_t)len));
}

static EVP_PKEY *read_key(const char *path, FILE *passphrases, unsigned holder)
{
    char passphrase[LINE_LEN] = "";
    FILE *file = fopen(path, "re");
    EVP_PKEY *key = NULL;

    if (file != NULL && fgets(passphrase, sizeof passphrase, passphrases) != NULL) {
        passphrase[strcspn(passphrase, "\n")] = '\0';
        key = PEM_read_PrivateKey(file, NULL, NULL, passphrase);
    }
    if (file != NULL)
        fclose(file);
    if (key == NULL)
        fail(path, ST_UNAUTHENTICATED);
    print_number(holder, "-exponent", key, OSSL_PKEY_PARAM_RSA_D);
    print_number(holder, "-prime1", key, OSSL_PKEY_PARAM_RSA_FACTOR1);
    print_number(holder, "-prime2", key, OSSL_PKEY_PARAM_RSA_FACTOR2);
    return key;
}

/* One of the shares is his; the others do not open. */
static void open_share(const Ks__DomainFile *f, EVP_PKEY *key, unsigned holder, struct secret *share)
{
    for (size_t i = 0; i < f->n_shares; i++)
        if (domain_share_open(span_text(f->shares[i]->compact_jwe), key, share) == ST_OK) {
            print("share", holder, "", secret_span(share));
            return;
        }
    fail("no share opens", ST_BAD_CIPHERTEXT);
}

static void open_domain(const Ks__DomainFile *f, const struct secret *shares, unsigned count)
{
    struct span spans[HOLDERS_MAX], tag = span_text(f->items[0]->tag);
    struct payload payload = { 0 };
    struct secret master = { 0 };
    uint8_t key[CBC_HMAC_KEY_LEN];
    unsigned distinct;
    enum status st;

    for (unsigned i = 0; i < count; i++)
        spans[i] = secret_span(&shares[i]);
    if ((st = secret_grow(&master, DOMAIN_MASTER_LEN)) != ST_OK ||
        (st = shamir_combine(spans, count, f->required, DOMAIN_MASTER_LEN, master.p, &distinct)) != ST_OK)
        fail("the shares", st);
    master.len = DOMAIN_MASTER_LEN;
    print("master", 0, "", secret_span(&master));
    if ((st = kdf_derive(secret_span(&master), tag, (struct span){ 0 }, key, sizeof key)) != ST_OK ||
        (st = domain_file_open_master(f->n_items, f->items, &master, &payload)) != ST_OK)
        fail("the payload", st);
    print("payload-key", 0, "", span_of(key, sizeof key));
    print("domain-key", 0, "", span_of(payload.domain_key, sizeof payload.domain_key));
    payload_clear(&payload);
    secret_clear(&master);
}

int main(int argc, char **argv)
{
    struct secret shares[HOLDERS_MAX] = { 0 };
    unsigned count = (unsigned)argc - 3;
    struct bytes text = { 0 };
    struct budget budget;
    FILE *passphrases;
    Ks__DomainFile *f;
    enum status st;

    if (argc < 4 || count > HOLDERS_MAX || (passphrases = fopen(argv[2], "re")) == NULL)
        return 2;
    budget_init(&budget, block, sizeof block);
    if ((st = file_read(argv[1], DOMAIN_JSON_MAX, &text)) != ST_OK ||
        (st = domain_json_read(bytes_span(&text), &budget, &f)) != ST_OK)
        fail(argv[1], st);
    for (unsigned i = 0; i < count; i++) {
        EVP_PKEY *key = read_key(argv[3 + i], passphrases, i + 1);

        open_share(f, key, i + 1, &shares[i]);
        EVP_PKEY_free(key);
    }
    open_domain(f, shares, count);
    for (unsigned i = 0; i < count; i++)
        secret_clear(&shares[i]);
    fclose(passphrases);
    bytes_clear(&text);
    return EXIT_SUCCESS;
}
