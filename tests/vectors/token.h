/* token.h - the PKCS#11 module under test, loaded as a client loads it: one session, logged in, and whole operations on
 * session objects. Every call answers with the module's own CK_RV. */
#ifndef STRONGROOM_TESTS_VECTORS_TOKEN_H
#define STRONGROOM_TESTS_VECTORS_TOKEN_H

#include "firmware/base/bytes.h"
#include "firmware/wire/pkcs11.h"

#define TEMPLATE_MAX 20

/* PKCS#11 3.2, 5.18: C_EncapsulateKey and C_DecapsulateKey. */
typedef CK_RV (*encapsulate_function)(CK_SESSION_HANDLE, CK_MECHANISM_PTR, CK_OBJECT_HANDLE, CK_ATTRIBUTE_PTR, CK_ULONG,
                                      CK_BYTE_PTR, CK_ULONG_PTR, CK_OBJECT_HANDLE_PTR);
typedef CK_RV (*decapsulate_function)(CK_SESSION_HANDLE, CK_MECHANISM_PTR, CK_OBJECT_HANDLE, CK_ATTRIBUTE_PTR, CK_ULONG,
                                      CK_BYTE_PTR, CK_ULONG, CK_OBJECT_HANDLE_PTR);

struct token {
    CK_FUNCTION_LIST *f;
    CK_SESSION_HANDLE session;
    CK_SLOT_ID slot;
    bool gives_values;                /* a new secret key may be readable, when its template asks for it */
    encapsulate_function encapsulate; /* NULL where the module has no interface of 3.2 */
    decapsulate_function decapsulate;
};

/* Load `module`, find the token with `label`, log in with the PIN that `pin_file` holds. Says on stderr what failed. */
bool token_open(struct token *t, const char *module, const char *label, const char *pin_file);
void token_close(struct token *t);

/* Is the mechanism there for the use that `flag` (CKF_SIGN, ...) names? */
bool token_offers(const struct token *t, CK_MECHANISM_TYPE type, CK_FLAGS flag);

/* A template under construction; the values are borrowed. */
struct template
{
    CK_ATTRIBUTE items[TEMPLATE_MAX];
    CK_ULONG numbers[TEMPLATE_MAX];
    CK_ULONG count;
};
void template_add(struct template *tp, CK_ATTRIBUTE_TYPE type, struct span value);
void template_add_number(struct template *tp, CK_ATTRIBUTE_TYPE type, CK_ULONG value);
void template_add_bool(struct template *tp, CK_ATTRIBUTE_TYPE type, bool value);

CK_MECHANISM mechanism_of(CK_MECHANISM_TYPE type, const void *parameter, size_t len);

CK_RV token_create(struct token *t, struct template *tp, CK_OBJECT_HANDLE *out);
void token_destroy(struct token *t, CK_OBJECT_HANDLE h); /* CK_INVALID_HANDLE is fine */
CK_RV token_sign(struct token *t, CK_MECHANISM *m, CK_OBJECT_HANDLE key, struct span in, struct bytes *out);
CK_RV token_verify(struct token *t, CK_MECHANISM *m, CK_OBJECT_HANDLE key, struct span in, struct span signature);
CK_RV token_encrypt(struct token *t, CK_MECHANISM *m, CK_OBJECT_HANDLE key, struct span in, struct bytes *out);
CK_RV token_decrypt(struct token *t, CK_MECHANISM *m, CK_OBJECT_HANDLE key, struct span in, struct bytes *out);
CK_RV token_digest(struct token *t, CK_MECHANISM *m, struct span in, struct bytes *out);
CK_RV token_wrap(struct token *t, CK_MECHANISM *m, CK_OBJECT_HANDLE kek, CK_OBJECT_HANDLE key, struct bytes *out);
/* The three that make a generic secret; `len` goes in as CKA_VALUE_LEN unless 0. */
CK_RV token_unwrap(struct token *t, CK_MECHANISM *m, CK_OBJECT_HANDLE kek, struct span in, CK_OBJECT_HANDLE *out);
CK_RV token_derive(struct token *t, CK_MECHANISM *m, CK_OBJECT_HANDLE key, size_t len, CK_OBJECT_HANDLE *out);
CK_RV token_decapsulate(struct token *t, CK_OBJECT_HANDLE key, struct span ciphertext, CK_OBJECT_HANDLE *out);
CK_RV token_encapsulate(struct token *t, CK_OBJECT_HANDLE key, struct bytes *ciphertext, CK_OBJECT_HANDLE *out);

/* Is this the value of that generic secret? Read where the token lets us, else by an HMAC with it, which libcrypto
 * makes as well. */
bool token_secret_is(struct token *t, CK_OBJECT_HANDLE secret, struct span value);
CK_RV token_read(struct token *t, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, struct bytes *out);
CK_RV token_generate_pair(struct token *t, CK_MECHANISM_TYPE type, struct template *public, struct template *private,
                          CK_OBJECT_HANDLE *public_out, CK_OBJECT_HANDLE *private_out);

/* "CKR_SIGNATURE_INVALID"; a number for those of which we have no name. The text is valid until the next call. */
const char *rv_name(CK_RV rv);
/* A verdict on what was handed in, as opposed to a module in trouble: a case that must be refused is refused by one of
 * these alone. */
bool rv_is_verdict(CK_RV rv);
/* One of these that speaks of the key or the parameter, not of the data: what a refusal by policy says. */
bool rv_is_policy(CK_RV rv);

#endif
