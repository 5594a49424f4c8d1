/* keys.h - the keys that cases use: made or imported in a session, with one job each. */
#ifndef STRONGROOM_CONFORMANCE_KEYS_H
#define STRONGROOM_CONFORMANCE_KEYS_H

#include <openssl/evp.h>

#include "tests/conformance/check.h"

struct pair {
    CK_OBJECT_HANDLE public_key, private_key;
};

enum job { JOB_SIGN = 1, JOB_DECRYPT, JOB_DERIVE, JOB_WRAP, JOB_RECOVER };

/* Session objects. Public key and private key get the two sides of the job. */
CK_RV keys_rsa(CK_SESSION_HANDLE s, CK_ULONG bits, enum job job, struct pair *out);
CK_RV keys_ec(CK_SESSION_HANDLE s, const char *curve, enum job job, struct pair *out);
/* The same, made once in the keeper's session for all cases of a suite. */
struct pair keys_shared_rsa(enum job job);
struct pair keys_shared_ec(const char *curve, enum job job);

/* A sensitive, unextractable secret key of known bytes; `rights`: of SIGN/VERIFY, ENCRYPT/DECRYPT, WRAP/UNWRAP, DERIVE.
 */
enum secret_rights { RIGHTS_SIGN = 1, RIGHTS_ENCRYPT, RIGHTS_WRAP, RIGHTS_DERIVE };
CK_RV keys_import(CK_SESSION_HANDLE s, CK_KEY_TYPE type, const void *value, CK_ULONG len, enum secret_rights rights,
                  CK_OBJECT_HANDLE *out);
/* Generated AES, sensitive; extractable or not. */
CK_RV keys_aes(CK_SESSION_HANDLE s, CK_ULONG len, enum secret_rights rights, bool extractable, CK_OBJECT_HANDLE *out);
/* A private key of ours, as a session object. */
CK_RV keys_import_rsa(CK_SESSION_HANDLE s, EVP_PKEY *key, enum job job, bool extractable, CK_OBJECT_HANDLE *out);
CK_RV keys_import_ec(CK_SESSION_HANDLE s, EVP_PKEY *key, const char *curve, enum job job, bool extractable,
                     CK_OBJECT_HANDLE *out);
CK_RV keys_import_rsa_public(CK_SESSION_HANDLE s, EVP_PKEY *key, enum job job, CK_OBJECT_HANDLE *out);
/* One-shot shorthands. */
CK_RV keys_sign(CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_OBJECT_HANDLE key, const void *data, CK_ULONG len, void *out,
                CK_ULONG *out_len);
CK_RV keys_verify(CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_OBJECT_HANDLE key, const void *data, CK_ULONG len,
                  const void *sig, CK_ULONG sig_len);
CK_RV keys_encrypt(CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_OBJECT_HANDLE key, const void *in, CK_ULONG len, void *out,
                   CK_ULONG *out_len);
CK_RV keys_decrypt(CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_OBJECT_HANDLE key, const void *in, CK_ULONG len, void *out,
                   CK_ULONG *out_len);
/* HMAC-SHA256 on the token with a secret key that may sign: tells what its bytes are without reading them. */
bool keys_has_value(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, const void *value, size_t len);

#endif
