#include "tests/unit/provisioning/attest/statement.h"

#include <openssl/evp.h>

#include "firmware/wire/limits.h"
#include "firmware/wire/message.h"
#include "provisioning/link/self_signed.h"

#define BYTES(text) ((ProtobufCBinaryData){ sizeof text - 1, (uint8_t *)(uintptr_t)text })

X509 *statement_certificate(void)
{
    static X509 *certificate;

    if (certificate == NULL) {
        EVP_PKEY *key = EVP_EC_gen("P-256");

        INVARIANT(key != NULL && (certificate = self_signed(key, "a device", "99991231235959Z")) != NULL);
        EVP_PKEY_free(key);
    }
    return certificate;
}

ProtobufCBinaryData statement_certificate_der(void)
{
    static uint8_t der[CERTIFICATE_MAX];
    uint8_t *p = der;
    int len = i2d_X509(statement_certificate(), NULL);

    INVARIANT(len > 0 && (size_t)len <= sizeof der && i2d_X509(statement_certificate(), &p) == len);
    return (ProtobufCBinaryData){ (size_t)len, der };
}

void statement_pack(void (*edit)(Ks__Statement *), struct bytes *out)
{
    static uint8_t device[32], boot[LINK_BOOT_ID_LEN];
    Ks__Statement s = KS__STATEMENT__INIT;

    s.format = 1;
    s.purpose = 1;
    s.device = (ProtobufCBinaryData){ sizeof device, device };
    s.boot_id = (ProtobufCBinaryData){ sizeof boot, boot };
    s.nonce = BYTES("a nonce of the asker");
    s.state = KEYSTORE_OPERATIONAL;
    if (edit != NULL)
        edit(&s);
    bytes_clear(out);
    INVARIANT(bytes_reserve(out, ks__statement__get_packed_size(&s)) == ST_OK);
    out->len = ks__statement__pack(&s, out->p);
}

Ks__SignedStatement *statement_signed(const struct bytes *statement, bool quote)
{
    static Ks__SignedStatement s;
    static ProtobufCBinaryData chain[1];

    ks__signed_statement__init(&s);
    s.statement = (ProtobufCBinaryData){ statement->len, statement->p };
    s.signature = BYTES("a signature");
    chain[0] = statement_certificate_der();
    s.certificates = chain;
    s.n_certificates = 1;
    if (quote) {
        s.quote = BYTES("a quote");
        s.quote_signature = BYTES("its signature");
        s.quote_key = BYTES("its key");
    }
    return &s;
}
