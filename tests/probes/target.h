/* target.h - the keys that probes are after, and how to tell that one has been got. */
#ifndef STRONGROOM_PROBES_TARGET_H
#define STRONGROOM_PROBES_TARGET_H

#include "tests/probes/probe.h"

#define TARGET_LEN 32

enum target_kind { TARGET_MAC = 1, TARGET_AES, TARGET_BASE, TARGET_EC, TARGET_RSA };

struct target {
    enum target_kind kind;
    CK_OBJECT_HANDLE handle, public_key;
};

/* Sensitive, made in the token. `leaves`: extractable, so it may leave wrapped, but never readable. TARGET_BASE derives
 * (and is known by what is derived from it). */
CK_RV target_make(enum target_kind kind, bool leaves, struct target *out);
/* Are these the key's bytes? For EC and RSA: a scalar, or a PKCS#8 structure (what follows it does not matter). */
bool target_is(const struct target *t, const CK_BYTE *bytes, size_t len);

/* Something wrapped, and how. */
struct blob {
    CK_MECHANISM_TYPE type;
    CK_BYTE iv[16];
    CK_BYTE bytes[4096];
    CK_ULONG len;
};

/* Wrap under any mechanism the token accepts; the refusal of the last one otherwise. `only`: 0, or the one to try. */
CK_RV blob_wrap(CK_OBJECT_HANDLE kek, CK_OBJECT_HANDLE key, CK_MECHANISM_TYPE only, struct blob *out);
/* What is inside, by a wrapping key whose 16 or 32 bytes are known. 0: it cannot be told. */
size_t blob_open(const struct blob *b, const CK_BYTE *kek, size_t kek_len, CK_BYTE *out, size_t room);
/* What is inside, by the token's own C_Decrypt with the wrapping key (AES key wrap is undone block by block). */
CK_RV blob_decrypt(const struct blob *b, CK_OBJECT_HANDLE kek, CK_BYTE *out, size_t *len);

/* The whole attack for a wrapping key of known bytes, and for one that decrypts. */
struct outcome leave_under_known(const struct target *t, CK_OBJECT_HANDLE kek, const CK_BYTE *value, size_t len);
struct outcome leave_and_decrypt(const struct target *t, CK_OBJECT_HANDLE wraps, CK_OBJECT_HANDLE decrypts);
/* One byte after the other by MACs of ever longer pieces: `piece` makes a key of the first (or last) n bytes that
 * signs. */
struct outcome bytewise(const struct target *t, CK_RV (*piece)(CK_ULONG n, CK_OBJECT_HANDLE *out), bool from_the_end);

/* Refuses with what was refused, or reads CKA_VALUE and looks. */
struct outcome read_value(const struct target *t, CK_OBJECT_HANDLE from);
CK_RV make_kek(CK_ATTRIBUTE *more, CK_ULONG count,
               CK_OBJECT_HANDLE *out); /* AES-256, sensitive, plus more attributes */

#endif
