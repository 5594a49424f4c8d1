/* statement_file.h - a signed statement as a file:
 *   {"version":1,"statement":base64url,"signature":base64url,"certificates":[PEM],
 *    "quote":{"attest":base64url,"signature":base64url,"key":base64url}}
 * without "quote" where the board has no TPM. The statement is a packed ks.Statement (firmware/wire/keystore.proto).
 * Also read is a packed ks.SignedStatement: in PEM ("STRONGROOM STATEMENT"), as a board leaves the statement of its
 * destruction, or as it is, as the PKCS#11 module and the REST service give the attestation of a key. */
#ifndef STRONGROOM_PROVISIONING_STATEMENT_FILE_H
#define STRONGROOM_PROVISIONING_STATEMENT_FILE_H

#include <openssl/x509.h>

#include "firmware/wire/body.h"
#include "provisioning/cli/command.h"

struct signed_statement {
    struct bytes statement, signature;
    X509 *chain[CERTIFICATE_CHAIN_MAX]; /* leaf first */
    unsigned chain_count;
    bool has_quote;
    struct bytes quote, quote_signature, quote_key;
    Ks__Statement *content; /* not verified by anybody yet */
};

/* The file's text. Errors: ST_NO_MEMORY; ST_BAD_REQUEST a certificate does not parse. */
MUST_CHECK enum status statement_file_make(const Ks__SignedStatement *s, struct bytes *out);
/* A new file. EXIT_DONE, or EXIT_REFUSED after saying why. */
int statement_file_write(const struct invocation *in, const char *path, const Ks__SignedStatement *s);

/* Reads and checks the form, of the file and of the statement in it: nothing unknown, nothing twice, nothing behind.
 * *why is a text for people. *out is for signed_statement_clear(), in every case. */
MUST_CHECK enum status statement_file_parse(struct span text, struct signed_statement *out, const char **why);
void signed_statement_clear(struct signed_statement *s);

#endif
