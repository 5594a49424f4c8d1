/* AES in every mode the token offers: equal to libcrypto's in both directions, whole and in parts; ciphertexts that are
 * wrong give one error and no plaintext. */
#include <string.h>

#include "tests/conformance/keys.h"
#include "tests/conformance/oracle.h"
#include "tests/conformance/suites.h"

enum mode { ECB = 1, CBC, CBC_PAD, CTR, GCM, KEY_WRAP, KWP };

static const struct cipher {
    const char *name;
    enum mode mode;
    CK_MECHANISM_TYPE type;
    CK_ULONG key_len;
    const char *oracle;
} ciphers[] = {
    { "AES-128 ECB", ECB, CKM_AES_ECB, 16, "AES-128-ECB" },
    { "AES-256 ECB", ECB, CKM_AES_ECB, 32, "AES-256-ECB" },
    { "AES-128 CBC", CBC, CKM_AES_CBC, 16, "AES-128-CBC" },
    { "AES-192 CBC", CBC, CKM_AES_CBC, 24, "AES-192-CBC" },
    { "AES-256 CBC", CBC, CKM_AES_CBC, 32, "AES-256-CBC" },
    { "AES-128 CBC_PAD", CBC_PAD, CKM_AES_CBC_PAD, 16, "AES-128-CBC" },
    { "AES-256 CBC_PAD", CBC_PAD, CKM_AES_CBC_PAD, 32, "AES-256-CBC" },
    { "AES-128 CTR", CTR, CKM_AES_CTR, 16, "AES-128-CTR" },
    { "AES-256 CTR", CTR, CKM_AES_CTR, 32, "AES-256-CTR" },
    { "AES-128 GCM", GCM, CKM_AES_GCM, 16, "AES-128-GCM" },
    { "AES-192 GCM", GCM, CKM_AES_GCM, 24, "AES-192-GCM" },
    { "AES-256 GCM", GCM, CKM_AES_GCM, 32, "AES-256-GCM" },
    { "AES-256 KW of data", KEY_WRAP, CKM_AES_KEY_WRAP, 32, "AES-256-WRAP" },
    { "AES-256 KWP of data", KWP, CKM_AES_KEY_WRAP_KWP, 32, "AES-256-WRAP-PAD" },
};

struct box {
    CK_BYTE key[32], iv[16], aad[20], in[1024], ours[1100], theirs[1100];
    CK_GCM_PARAMS gcm;
    CK_AES_CTR_PARAMS ctr;
    CK_MECHANISM mechanism;
    CK_OBJECT_HANDLE handle;
    CK_ULONG ours_len, len;
};

static void set_mechanism(const struct cipher *c, struct box *b)
{
    b->mechanism = (CK_MECHANISM){ c->type, NULL, 0 };
    if (c->mode == CBC || c->mode == CBC_PAD) {
        b->mechanism.pParameter = b->iv;
        b->mechanism.ulParameterLen = 16;
    } else if (c->mode == CTR) {
        b->ctr.ulCounterBits = 128;
        memcpy(b->ctr.cb, b->iv, 16);
        b->mechanism.pParameter = &b->ctr;
        b->mechanism.ulParameterLen = sizeof b->ctr;
    } else if (c->mode == GCM) {
        b->gcm = (CK_GCM_PARAMS){
            .pIv = b->iv, .ulIvLen = 12, .ulIvBits = 96, .pAAD = b->aad, .ulAADLen = sizeof b->aad, .ulTagBits = 128
        };
        b->mechanism.pParameter = &b->gcm;
        b->mechanism.ulParameterLen = sizeof b->gcm;
    }
}

/* False: not offered. `len` bytes of plaintext, and what libcrypto makes of it. */
static bool set_up(const struct cipher *c, struct box *b, CK_ULONG len)
{
    memset(b, 0, sizeof *b);
    if (!client_offers(c->type, CKF_ENCRYPT | CKF_DECRYPT))
        return check_absent(c->name);
    for (CK_ULONG i = 0; i < sizeof b->in; i++)
        b->in[i] = (CK_BYTE)(i * 3);
    memset(b->key, 0x51 + (int)c->key_len, sizeof b->key);
    memset(b->iv, 0x17, sizeof b->iv);
    memset(b->aad, 0x99, sizeof b->aad);
    set_mechanism(c, b);
    REQUIRE_OK(keys_import(S, CKK_AES, b->key, c->key_len, RIGHTS_ENCRYPT, &b->handle));
    b->ours_len =
        oracle_cipher(c->oracle, true, c->mode == CBC_PAD, b->key,
                      c->mode == ECB || c->mode == KEY_WRAP || c->mode == KWP ? NULL : b->iv, c->mode == GCM ? 12 : 16,
                      b->aad, c->mode == GCM ? sizeof b->aad : 0, b->in, len, b->ours);
    REQUIRE(b->ours_len != (CK_ULONG)-1);
    b->len = sizeof b->theirs;
    return true;
}

static CK_ULONG some_length(const struct cipher *c)
{
    return c->mode == CBC_PAD || c->mode == CTR || c->mode == GCM || c->mode == KWP ? 1001 : 1008;
}

static void encrypts(const void *row)
{
    static const CK_ULONG lengths[] = { 16, 32, 48, 1008, 1, 15, 17, 1001 };
    const struct cipher *c = row;
    bool any = c->mode == CBC_PAD || c->mode == CTR || c->mode == GCM || c->mode == KWP;
    struct box b;

    for (size_t i = 0; i < (any ? COUNT_OF(lengths) : 4); i++) {
        if (!set_up(c, &b, lengths[i]))
            return;
        CHECK_OK(keys_encrypt(S, &b.mechanism, b.handle, b.in, lengths[i], b.theirs, &b.len));
        CHECK(b.len == b.ours_len && memcmp(b.ours, b.theirs, b.len) == 0);
    }
}

static void decrypts(const void *row)
{
    const struct cipher *c = row;
    CK_ULONG n = some_length(c);
    struct box b;

    if (!set_up(c, &b, n))
        return;
    CHECK_OK(keys_decrypt(S, &b.mechanism, b.handle, b.ours, b.ours_len, b.theirs, &b.len));
    CHECK(b.len == n && memcmp(b.in, b.theirs, n) == 0);
}

static void output_lengths(const void *row)
{
    const struct cipher *c = row;
    CK_ULONG n = some_length(c);
    struct box b;

    if (!set_up(c, &b, n))
        return;
    REQUIRE_OK(F->C_EncryptInit(S, &b.mechanism, b.handle));
    CHECK_OK(F->C_Encrypt(S, b.in, n, NULL, &b.len));
    CHECK(b.len >= b.ours_len && b.len <= b.ours_len + 32);
    b.len = b.ours_len - 1;
    CHECK_RV(F->C_Encrypt(S, b.in, n, b.theirs, &b.len), CKR_BUFFER_TOO_SMALL);
    b.len = b.ours_len;
    CHECK_OK(F->C_Encrypt(S, b.in, n, b.theirs, &b.len));
    CHECK(b.len == b.ours_len && memcmp(b.ours, b.theirs, b.len) == 0);
    CHECK_RV(F->C_Encrypt(S, b.in, n, b.theirs, &b.len), CKR_OPERATION_NOT_INITIALIZED);
}

static void decrypt_lengths(const void *row)
{
    const struct cipher *c = row;
    CK_ULONG n = some_length(c);
    struct box b;

    if (!set_up(c, &b, n))
        return;
    REQUIRE_OK(F->C_DecryptInit(S, &b.mechanism, b.handle));
    CHECK_OK(F->C_Decrypt(S, b.ours, b.ours_len, NULL, &b.len));
    CHECK(b.len >= n);
    b.len = n / 2;
    CHECK_RV(F->C_Decrypt(S, b.ours, b.ours_len, b.theirs, &b.len), CKR_BUFFER_TOO_SMALL);
    CHECK(b.len >= n);
    b.len = sizeof b.theirs;
    CHECK_OK(F->C_Decrypt(S, b.ours, b.ours_len, b.theirs, &b.len));
    CHECK(b.len == n && memcmp(b.in, b.theirs, n) == 0);
}

typedef CK_RV (*update_function)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *);
typedef CK_RV (*final_function)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG *);

static bool run_in_parts(update_function update, final_function final, CK_BYTE *in, CK_ULONG len, CK_BYTE *out,
                         CK_ULONG room, CK_ULONG *total)
{
    CK_ULONG step = 1, n;

    *total = 0;
    for (CK_ULONG at = 0; at < len; at += step, step = step * 2 + 1) {
        if (step > len - at)
            step = len - at;
        n = room - *total;
        if (!CHECK_OK(update(S, in + at, step, out + *total, &n)))
            return false;
        *total += n;
        if (at + step >= len)
            break;
    }
    n = room - *total;
    if (!CHECK_OK(final(S, out + *total, &n)))
        return false;
    *total += n;
    return true;
}

static void encrypts_in_parts(const void *row)
{
    const struct cipher *c = row;
    CK_ULONG n = some_length(c), total;
    struct box b;

    if (!set_up(c, &b, n))
        return;
    REQUIRE_OK(F->C_EncryptInit(S, &b.mechanism, b.handle));
    if (run_in_parts(F->C_EncryptUpdate, F->C_EncryptFinal, b.in, n, b.theirs, sizeof b.theirs, &total))
        CHECK(total == b.ours_len && memcmp(b.ours, b.theirs, total) == 0);
}

static void decrypts_in_parts(const void *row)
{
    const struct cipher *c = row;
    CK_ULONG n = some_length(c), total;
    struct box b;

    if (!set_up(c, &b, n))
        return;
    REQUIRE_OK(F->C_DecryptInit(S, &b.mechanism, b.handle));
    if (run_in_parts(F->C_DecryptUpdate, F->C_DecryptFinal, b.ours, b.ours_len, b.theirs, sizeof b.theirs, &total))
        CHECK(total == n && memcmp(b.in, b.theirs, n) == 0);
}

static void wrong_lengths(const void *row)
{
    const struct cipher *c = row;
    struct box b;

    if (!set_up(c, &b, 1008))
        return;
    if (c->mode == ECB || c->mode == CBC || c->mode == KEY_WRAP)
        CHECK_RV(keys_encrypt(S, &b.mechanism, b.handle, b.in, 1001, b.theirs, &b.len), CKR_DATA_LEN_RANGE);
    if (c->mode == CTR)
        return;
    b.len = sizeof b.theirs;
    CHECK_ONE(keys_decrypt(S, &b.mechanism, b.handle, b.ours, c->mode == GCM ? 15 : b.ours_len - 1, b.theirs, &b.len),
              CKR_ENCRYPTED_DATA_LEN_RANGE, CKR_ENCRYPTED_DATA_INVALID);
}

/* One code for whatever is wrong, or an attacker learns from it. */
static void changed_ciphertext(const void *row)
{
    const struct cipher *c = row;
    CK_ULONG n = some_length(c);
    CK_RV first = CKR_OK;
    struct box b;

    if (c->mode != GCM && c->mode != KEY_WRAP && c->mode != KWP) {
        check_absent("an authenticated mode");
        return;
    }
    if (!set_up(c, &b, n))
        return;
    for (CK_ULONG at = 0; at < b.ours_len; at += at == 0 ? b.ours_len / 2 : b.ours_len / 2 - 1) {
        b.ours[at] ^= 0x40;
        b.len = sizeof b.theirs;
        memset(b.theirs, 0, sizeof b.theirs);
        CHECK_RV(keys_decrypt(S, &b.mechanism, b.handle, b.ours, b.ours_len, b.theirs, &b.len),
                 CKR_ENCRYPTED_DATA_INVALID);
        for (CK_ULONG i = 0; i < n; i++)
            first |= b.theirs[i]; /* nothing of the plaintext may be there */
        b.ours[at] ^= 0x40;
    }
    CHECK(first == 0);
}

static void changed_aad(const void *row)
{
    const struct cipher *c = row;
    struct box b;

    if (!set_up(c, &b, 100))
        return;
    b.aad[3] ^= 1;
    CHECK_RV(keys_decrypt(S, &b.mechanism, b.handle, b.ours, b.ours_len, b.theirs, &b.len), CKR_ENCRYPTED_DATA_INVALID);
}

static void gcm_gives_nothing_early(const void *row)
{
    const struct cipher *c = row;
    CK_ULONG given = 0;
    struct box b;

    if (!set_up(c, &b, 1001))
        return;
    b.ours[b.ours_len - 1] ^= 1;
    REQUIRE_OK(F->C_DecryptInit(S, &b.mechanism, b.handle));
    for (CK_ULONG at = 0; at < b.ours_len; at += 100) {
        b.len = sizeof b.theirs;
        if (!CHECK_OK(
                F->C_DecryptUpdate(S, b.ours + at, b.ours_len - at < 100 ? b.ours_len - at : 100, b.theirs, &b.len)))
            return;
        given += b.len;
    }
    CHECK(given == 0); /* SP 800-38D: no plaintext before the tag has been checked */
    b.len = sizeof b.theirs;
    CHECK_RV(F->C_DecryptFinal(S, b.theirs, &b.len), CKR_ENCRYPTED_DATA_INVALID);
}

static void gcm_without_data(const void *row)
{
    const struct cipher *c = row;
    struct box b;

    if (!set_up(c, &b, 0))
        return;
    CHECK_OK(keys_encrypt(S, &b.mechanism, b.handle, b.in, 0, b.theirs, &b.len));
    CHECK(b.len == 16 && memcmp(b.ours, b.theirs, 16) == 0);
    b.len = sizeof b.theirs;
    CHECK_OK(keys_decrypt(S, &b.mechanism, b.handle, b.ours, 16, b.theirs, &b.len));
    CHECK(b.len == 0);
}

static void bad_padding(const void *row)
{
    const struct cipher *c = row;
    struct box b;

    if (!set_up(c, &b, 1001))
        return;
    b.ours[b.ours_len - 17] ^= 1; /* the last byte of the plaintext */
    CHECK_RV(keys_decrypt(S, &b.mechanism, b.handle, b.ours, b.ours_len, b.theirs, &b.len), CKR_ENCRYPTED_DATA_INVALID);
}

void suite_cipher(struct suite *s)
{
    for (size_t i = 0; i < COUNT_OF(ciphers); i++) {
        const struct cipher *c = &ciphers[i];

        suite_row(s, LEVEL_USER, encrypts, c, "%s: encrypts", c->name);
        suite_row(s, LEVEL_USER, decrypts, c, "%s: decrypts", c->name);
        suite_row(s, LEVEL_USER, output_lengths, c, "%s: output lengths of encryption", c->name);
        suite_row(s, LEVEL_USER, decrypt_lengths, c, "%s: output lengths of decryption", c->name);
        suite_row(s, LEVEL_USER, wrong_lengths, c, "%s: wrong lengths", c->name);
        if (c->mode < KEY_WRAP) {
            suite_row(s, LEVEL_USER, encrypts_in_parts, c, "%s: encrypts in parts", c->name);
            suite_row(s, LEVEL_USER, decrypts_in_parts, c, "%s: decrypts in parts", c->name);
        }
        if (c->mode >= GCM)
            suite_row(s, LEVEL_USER, changed_ciphertext, c, "%s: a changed ciphertext", c->name);
        if (c->mode == GCM) {
            suite_row(s, LEVEL_USER, changed_aad, c, "%s: a changed AAD", c->name);
            suite_row(s, LEVEL_USER, gcm_gives_nothing_early, c, "%s: no plaintext before the tag", c->name);
            suite_row(s, LEVEL_USER, gcm_without_data, c, "%s: no data at all", c->name);
        }
        if (c->mode == CBC_PAD)
            suite_row(s, LEVEL_USER, bad_padding, c, "%s: bad padding", c->name);
    }
}
