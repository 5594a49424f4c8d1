/* What the keystore says of itself and of its keys, to whom, and with whose word behind it; and the certificates that a
 * factory gives it. Signatures and quotes are verified by OpenSSL alone. */
#include <openssl/sha.h>

#include "firmware/inside.h"
#include "firmware/wire/act.h"
#include "tests/unit/firmware/rig.h"

static struct rig rig;
static struct rig_client owner, client;
static uint64_t session;
static EVP_PKEY *ca_key, *quote_key;
static X509 *ca;
static Ks__Empty empty = KS__EMPTY__INIT;
static uint8_t nonce[32] = "a nonce that was drawn by nobody";
static bool has_quote;
static enum status quote_status;

/* --- a root that quotes: its own key signs whatever it is asked, so what was asked can be seen --- */

static enum status board_quote_key(void *self, struct bytes *spki)
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(quote_key, &der);
    enum status st = bytes_set(spki, span_of(der, (size_t)len));

    (void)self;
    OPENSSL_free(der);
    return has_quote ? st : ST_NOT_FOUND;
}

static enum status board_quote(void *self, const uint8_t asked[32], struct bytes *attest, struct bytes *signature)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    uint8_t out[128];
    size_t len = sizeof out;

    (void)self;
    CU_ASSERT(EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, quote_key) == 1 &&
              EVP_DigestSign(md, out, &len, asked, 32) == 1);
    EVP_MD_CTX_free(md);
    CU_ASSERT(bytes_set(attest, span_of(asked, 32)) == ST_OK && bytes_set(signature, span_of(out, len)) == ST_OK);
    return quote_status;
}

/* --- a board that fails in one place --- */

static enum status no_counter(void *self, uint64_t *out)
{
    (void)self;
    (void)out;
    return ST_IO;
}

static enum status (*real_write)(void *self, enum hal_region region, size_t at, const void *p, size_t len);

static enum status write_audit_alone(void *self, enum hal_region region, size_t at, const void *p, size_t len)
{
    return region == HAL_REGION_AUDIT ? real_write(self, region, at, p, len) : ST_IO;
}

/* --- certificates --- */

static X509 *certify(EVP_PKEY *subject, const char *name, X509 *issuer, EVP_PKEY *issuer_key)
{
    X509 *x = X509_new();
    X509_NAME *n = X509_get_subject_name(x);

    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
    X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(x, issuer != NULL ? X509_get_subject_name(issuer) : n);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, subject);
    INVARIANT(X509_sign(x, issuer_key, EVP_sha256()) > 0);
    return x;
}

struct install {
    Ks__CertificateInstall m;
    ProtobufCBinaryData chain[CERTIFICATE_CHAIN_MAX + 1];
};

static void install_add(struct install *i, X509 *x)
{
    unsigned char *der = NULL;
    int len = i2d_X509(x, &der);

    i->chain[i->m.n_chain++] = (ProtobufCBinaryData){ (size_t)len, der };
    X509_free(x);
}

static struct install *install_new(void)
{
    struct install *i = calloc(1, sizeof *i);

    ks__certificate_install__init(&i->m);
    i->m.chain = i->chain;
    return i;
}

static CK_RV install_send(struct rig_client *c, struct install *i)
{
    CK_RV rv = rig_call(c, MESSAGE_CERTIFICATE_INSTALL, &i->m.base, NULL);

    for (size_t n = 0; n < i->m.n_chain; n++)
        OPENSSL_free(i->chain[n].data);
    free(i);
    return rv;
}

static size_t installed(struct rig_client *c)
{
    Ks__DeviceIdentity *identity;

    CU_ASSERT_FATAL(rig_call(c, MESSAGE_DEVICE_IDENTITY, &empty.base, &identity) == CKR_OK);
    return identity->n_chain;
}

/* --- the rig --- */

static void open_rig(void)
{
    has_quote = false;
    quote_status = ST_OK;
    ca_key = EVP_EC_gen("P-384");
    quote_key = EVP_EC_gen("P-256");
    ca = certify(ca_key, "factory", NULL, ca_key);
    session = rig_open_ready(&rig, &client);
    rig.hal->hal.quote_key = board_quote_key;
    rig.hal->hal.quote = board_quote;
    CU_ASSERT_FATAL(rig_connect(&rig, &rig.owner, &owner) == ST_OK);
}

static void close_rig(void)
{
    rig_disconnect(&owner);
    rig_disconnect(&client);
    rig_close(&rig);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(quote_key);
    X509_free(ca);
}

static CK_RV ask(struct rig_client *c, uint64_t s, uint64_t key, Ks__SignedStatement **out)
{
    Ks__Attest m = KS__ATTEST__INIT;

    m.nonce = (ProtobufCBinaryData){ sizeof nonce, nonce };
    m.session = s;
    m.key = key;
    return rig_call(c, MESSAGE_ATTEST, &m.base, out);
}

static bool verifies(EVP_PKEY *key, ProtobufCBinaryData signature, const uint8_t *p, size_t len)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool ok = EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, key) == 1 &&
              EVP_DigestVerify(md, signature.data, signature.len, p, len) == 1;

    EVP_MD_CTX_free(md);
    return ok;
}

static EVP_PKEY *key_of(ProtobufCBinaryData certificate)
{
    const uint8_t *p = certificate.data;
    X509 *x = d2i_X509(NULL, &p, (long)certificate.len);
    EVP_PKEY *key = x != NULL ? X509_get_pubkey(x) : NULL;

    X509_free(x);
    return key;
}

/* Prefix, NUL and statement, as they are signed. */
static size_t signed_text(const Ks__SignedStatement *s, uint8_t *out)
{
    memcpy(out, "strongroom statement v1", 24);
    memcpy(out + 24, s->statement.data, s->statement.len);
    return 24 + s->statement.len;
}

/* Its signature is good, and what it says. Caller frees. */
static Ks__Statement *open_statement(const Ks__SignedStatement *s)
{
    static uint8_t text[24 + STATEMENT_MAX];
    EVP_PKEY *key;
    Ks__Statement *out;

    CU_ASSERT_FATAL(s->n_certificates > 0);
    key = key_of(s->certificates[0]);
    CU_ASSERT(verifies(key, s->signature, text, signed_text(s, text)));
    text[30] ^= 1;
    CU_ASSERT_FALSE(verifies(key, s->signature, text, 24 + s->statement.len));
    EVP_PKEY_free(key);
    out = ks__statement__unpack(NULL, s->statement.len, s->statement.data);
    CU_ASSERT_FATAL(out != NULL);
    return out;
}

/* --- the box --- */

static void the_box_says_what_it_is(void)
{
    Ks__SignedStatement *signed_statement;
    uint8_t fingerprint[32], hash[32];
    Ks__Statement *s;

    CU_ASSERT_FATAL(ask(&owner, 0, 0, &signed_statement) == CKR_OK);
    CU_ASSERT_EQUAL(signed_statement->n_certificates, 1);
    CU_ASSERT_EQUAL(signed_statement->quote.len, 0);
    s = open_statement(signed_statement);
    CU_ASSERT_FATAL(link_fingerprint(rig.ks->device.certificate, fingerprint) == ST_OK);
    CU_ASSERT(s->format == 1 && s->purpose == STATEMENT_ATTESTATION && s->state == KEYSTORE_OPERATIONAL);
    CU_ASSERT(s->device.len == 32 && memcmp(s->device.data, fingerprint, 32) == 0);
    CU_ASSERT(s->nonce.len == sizeof nonce && memcmp(s->nonce.data, nonce, sizeof nonce) == 0);
    CU_ASSERT(s->boot_id.len == 16 && memcmp(s->boot_id.data, rig.ks->boot_id, 16) == 0);
    CU_ASSERT(s->firmware_hash.len == 32 && memcmp(s->firmware_hash.data, rig.hal->hal.facts.firmware_hash, 32) == 0);
    CU_ASSERT_STRING_EQUAL(s->firmware_version, "0.1.0");
    CU_ASSERT_STRING_EQUAL(s->board, rig.hal->hal.facts.board);
    CU_ASSERT_EQUAL(s->hardware, rig.hal->hal.facts.hardware);
    CU_ASSERT_EQUAL(s->counter, rig.hal->counter);
    CU_ASSERT_STRING_EQUAL(s->domain_name, rig.ks->domain.name);
    CU_ASSERT(s->domain_id.len == 8 && memcmp(s->domain_id.data, rig.ks->domain.id, 8) == 0);
    CU_ASSERT(s->time_ms >= 1700000000000 && s->audit_sequence > 0 && s->audit_head.len == sizeof hash);
    CU_ASSERT(s->quote_key.len == 0 && s->key == NULL && s->destruction == NULL);
    ks__statement__free_unpacked(s, NULL);
}

static void a_quote_is_over_just_this_statement(void)
{
    static uint8_t text[24 + STATEMENT_MAX];
    Ks__SignedStatement *signed_statement;
    uint8_t hash[32];
    Ks__Statement *s;

    has_quote = true;
    CU_ASSERT_FATAL(ask(&owner, 0, 0, &signed_statement) == CKR_OK);
    s = open_statement(signed_statement);
    SHA256(text, signed_text(signed_statement, text), hash);
    CU_ASSERT(signed_statement->quote.len == 32 && memcmp(signed_statement->quote.data, hash, 32) == 0);
    CU_ASSERT(verifies(quote_key, signed_statement->quote_signature, hash, 32));
    SHA256(signed_statement->quote_key.data, signed_statement->quote_key.len, hash);
    CU_ASSERT(s->quote_key.len == 32 && memcmp(s->quote_key.data, hash, 32) == 0);
    ks__statement__free_unpacked(s, NULL);
}

static void a_root_that_does_not_quote_is_not_passed_over(void)
{
    has_quote = true;
    quote_status = ST_UNAVAILABLE;
    CU_ASSERT_EQUAL(ask(&owner, 0, 0, NULL), CKR_DEVICE_ERROR);
    quote_status = ST_NOT_FOUND;
    CU_ASSERT_EQUAL(ask(&owner, 0, 0, NULL), CKR_DEVICE_ERROR);
    has_quote = false;
    CU_ASSERT_EQUAL(ask(&owner, 0, 0, NULL), CKR_OK);
}

static void a_counter_that_is_not_read_is_not_claimed(void)
{
    rig.hal->hal.counter_read = no_counter;
    CU_ASSERT_EQUAL(ask(&owner, 0, 0, NULL), CKR_DEVICE_ERROR);
}

static void the_owner_asks_of_no_key(void)
{
    uint64_t key = 0;
    struct rig_template t;

    rig_template_init(&t);
    CU_ASSERT_FATAL(rig_generate_aes(&client, session, 32, &t, &key) == CKR_OK);
    CU_ASSERT_EQUAL(ask(&owner, session, key, NULL), CKR_ARGUMENTS_BAD);
    CU_ASSERT_EQUAL(ask(&owner, 0, key, NULL), CKR_ARGUMENTS_BAD);
    CU_ASSERT_EQUAL(ask(&owner, session, 0, NULL), CKR_ARGUMENTS_BAD);
}

/* --- keys --- */

static const Ks__Attribute *find(const Ks__AttestedKey *k, CK_ATTRIBUTE_TYPE type)
{
    for (size_t i = 0; i < k->n_attributes; i++)
        if (k->attributes[i]->type == type)
            return k->attributes[i];
    return NULL;
}

static bool is_bool(const Ks__AttestedKey *k, CK_ATTRIBUTE_TYPE type, CK_BBOOL value)
{
    const Ks__Attribute *a = find(k, type);

    return a != NULL && a->value.len == 1 && a->value.data[0] == value;
}

static void a_private_key_comes_with_its_rights_and_public_half(void)
{
    static const uint8_t text[] = "to be signed";
    Ks__SignedStatement *signed_statement;
    uint64_t public = 0, private = 0;
    struct bytes signature = { 0 };
    struct rig_template t;
    const uint8_t *p;
    uint8_t digest[32];
    Ks__Statement *s;
    EVP_PKEY *key;
    EVP_PKEY_CTX *verify;

    rig_template_init(&t);
    rig_bool(&t, CKA_SIGN, true);
    CU_ASSERT_FATAL(rig_generate_ec(&client, session, &t, &public, &private) == CKR_OK);
    CU_ASSERT_FATAL(ask(&client, session, private, &signed_statement) == CKR_OK);
    s = open_statement(signed_statement);
    CU_ASSERT_FATAL(s->key != NULL);
    CU_ASSERT(is_bool(s->key, CKA_SENSITIVE, CK_TRUE) && is_bool(s->key, CKA_EXTRACTABLE, CK_FALSE) &&
              is_bool(s->key, CKA_NEVER_EXTRACTABLE, CK_TRUE) && is_bool(s->key, CKA_LOCAL, CK_TRUE) &&
              is_bool(s->key, CKA_SIGN, CK_TRUE) && is_bool(s->key, CKA_DECRYPT, CK_FALSE));
    CU_ASSERT(find(s->key, CKA_VALUE) == NULL && find(s->key, CKA_UNIQUE_ID) != NULL);
    CU_ASSERT_STRING_EQUAL(s->key->partition, "one");
    CU_ASSERT(s->key->partition_serial.len == 8);
    p = s->key->public_key.data;
    key = d2i_PUBKEY(NULL, &p, (long)s->key->public_key.len);
    CU_ASSERT_FATAL(key != NULL);
    /* It is the key's own: what the keystore signs with the private half verifies with it. */
    SHA256(text, sizeof text, digest);
    CU_ASSERT_FATAL(rig_compute(&client, session, OPERATION_SIGN, CKM_ECDSA, private, span_of(digest, 32),
                                span_of(NULL, 0), &signature) == CKR_OK);
    CU_ASSERT_FATAL(signature.len == 64);
    {
        ECDSA_SIG *sig = ECDSA_SIG_new();
        unsigned char *der = NULL;
        int len;

        ECDSA_SIG_set0(sig, BN_bin2bn(signature.p, 32, NULL), BN_bin2bn(signature.p + 32, 32, NULL));
        len = i2d_ECDSA_SIG(sig, &der);
        verify = EVP_PKEY_CTX_new(key, NULL);
        CU_ASSERT(EVP_PKEY_verify_init(verify) == 1 && EVP_PKEY_verify(verify, der, (size_t)len, digest, 32) == 1);
        EVP_PKEY_CTX_free(verify);
        OPENSSL_free(der);
        ECDSA_SIG_free(sig);
    }
    bytes_clear(&signature);
    EVP_PKEY_free(key);
    ks__statement__free_unpacked(s, NULL);
    /* The public object says the same key. */
    CU_ASSERT_FATAL(ask(&client, session, public, &signed_statement) == CKR_OK);
    s = open_statement(signed_statement);
    p = s->key->public_key.data;
    key = d2i_PUBKEY(NULL, &p, (long)s->key->public_key.len);
    CU_ASSERT(key != NULL);
    EVP_PKEY_free(key);
    ks__statement__free_unpacked(s, NULL);
}

/* SubjectPublicKeyInfo of P-256: the point is its end. */
static void public_info(EVP_PKEY *pkey, uint8_t out[91])
{
    INVARIANT(i2d_PUBKEY(pkey, &out) == 91);
}

/* What is said of the public half comes with the private one, and is looked at then: nobody has another's key attested
 * as his own, of which he knows no private half. */
static void no_foreign_public_half_comes_in(void)
{
    static const uint8_t p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
    EVP_PKEY *own = EVP_EC_gen("P-256"), *foreign = EVP_EC_gen("P-256");
    uint8_t scalar[32], own_info[91], foreign_info[91];
    Ks__CreateObject m = KS__CREATE_OBJECT__INIT;
    Ks__SignedStatement *signed_statement;
    BIGNUM *d = NULL;
    struct rig_template t;
    Ks__Handle *handle;
    Ks__Statement *s;

    public_info(own, own_info);
    public_info(foreign, foreign_info);
    INVARIANT(EVP_PKEY_get_bn_param(own, "priv", &d) == 1 && BN_bn2binpad(d, scalar, sizeof scalar) == sizeof scalar);
    m.session = session;
    m.template_ = &t.t;
    for (unsigned i = 0; i < 3; i++) {
        rig_template_init(&t);
        rig_ulong(&t, CKA_CLASS, CKO_PRIVATE_KEY);
        rig_ulong(&t, CKA_KEY_TYPE, CKK_EC);
        rig_bytes(&t, CKA_EC_PARAMS, p256, sizeof p256);
        rig_bytes(&t, CKA_VALUE, scalar, sizeof scalar);
        if (i == 0)
            rig_bytes(&t, CKA_EC_POINT, foreign_info + 26, 65);
        if (i == 1)
            rig_bytes(&t, CKA_PUBLIC_KEY_INFO, foreign_info, sizeof foreign_info);
        CU_ASSERT_EQUAL_FATAL(rig_call(&client, MESSAGE_CREATE_OBJECT, &m.base, i < 2 ? NULL : &handle),
                              i < 2 ? CKR_ATTRIBUTE_VALUE_INVALID : CKR_OK);
    }
    CU_ASSERT_FATAL(ask(&client, session, handle->handle, &signed_statement) == CKR_OK);
    s = open_statement(signed_statement);
    CU_ASSERT(s->key->public_key.len == 91 && memcmp(s->key->public_key.data, own_info, 91) == 0);
    CU_ASSERT(is_bool(s->key, CKA_LOCAL, CK_FALSE));
    ks__statement__free_unpacked(s, NULL);
    BN_clear_free(d);
    EVP_PKEY_free(own);
    EVP_PKEY_free(foreign);
}

/* A value that may be read is not told either: a statement is shown around. */
static void no_value_is_told(void)
{
    static const uint8_t value[32] = "thirty-two bytes that are a key";
    static const CK_KEY_TYPE type = CKK_AES;
    Ks__CreateObject m = KS__CREATE_OBJECT__INIT;
    Ks__SignedStatement *signed_statement;
    struct rig_template t;
    Ks__Handle *handle;
    Ks__Statement *s;

    rig_template_init(&t);
    rig_ulong(&t, CKA_CLASS, CKO_SECRET_KEY);
    rig_ulong(&t, CKA_KEY_TYPE, type);
    rig_bytes(&t, CKA_VALUE, value, sizeof value);
    rig_bool(&t, CKA_SENSITIVE, false);
    rig_bool(&t, CKA_EXTRACTABLE, true);
    m.session = session;
    m.template_ = &t.t;
    CU_ASSERT_FATAL(rig_call(&client, MESSAGE_CREATE_OBJECT, &m.base, &handle) == CKR_OK);
    CU_ASSERT_FATAL(ask(&client, session, handle->handle, &signed_statement) == CKR_OK);
    CU_ASSERT_PTR_NULL(memmem(signed_statement->statement.data, signed_statement->statement.len, value, 16));
    s = open_statement(signed_statement);
    CU_ASSERT(find(s->key, CKA_VALUE) == NULL && find(s->key, CKA_VALUE_LEN) != NULL);
    CU_ASSERT(s->key->public_key.len == 0 && is_bool(s->key, CKA_EXTRACTABLE, CK_TRUE) &&
              is_bool(s->key, CKA_LOCAL, CK_FALSE));
    ks__statement__free_unpacked(s, NULL);
}

static void a_key_must_be_visible(void)
{
    Ks__Session logout = KS__SESSION__INIT;
    uint64_t key = 0;
    struct rig_template t;

    rig_template_init(&t);
    CU_ASSERT_FATAL(rig_generate_aes(&client, session, 32, &t, &key) == CKR_OK);
    CU_ASSERT_EQUAL(ask(&client, session, key, NULL), CKR_OK);
    CU_ASSERT_EQUAL(ask(&client, session, key + 1, NULL), CKR_KEY_HANDLE_INVALID);
    CU_ASSERT_EQUAL(ask(&client, session, 0, NULL), CKR_KEY_HANDLE_INVALID);
    CU_ASSERT_EQUAL(ask(&client, session + 1, key, NULL), CKR_SESSION_HANDLE_INVALID);
    logout.session = session;
    CU_ASSERT_FATAL(rig_call(&client, MESSAGE_LOGOUT, &logout.base, NULL) == CKR_OK);
    CU_ASSERT_EQUAL(ask(&client, session, key, NULL), CKR_KEY_HANDLE_INVALID);
}

/* --- the factory's certificates --- */

static void a_chain_is_kept_and_shown(void)
{
    Ks__SignedStatement *signed_statement;
    struct install *i = install_new();
    Ks__Statement *s;

    CU_ASSERT_EQUAL(installed(&owner), 0);
    install_add(i, certify(rig.ks->device.key, "device", ca, ca_key));
    install_add(i, X509_dup(ca));
    CU_ASSERT_EQUAL(install_send(&owner, i), CKR_OK);
    CU_ASSERT_EQUAL(installed(&owner), 2);
    rig_disconnect(&owner);
    rig_disconnect(&client);
    rig_restart(&rig);
    rig_attach(&rig, &rig.user, &client);
    CU_ASSERT_FATAL(rig_connect(&rig, &rig.owner, &owner) == ST_OK);
    CU_ASSERT_EQUAL(installed(&owner), 2);
    CU_ASSERT_FATAL(ask(&owner, 0, 0, &signed_statement) == CKR_OK);
    CU_ASSERT_EQUAL(signed_statement->n_certificates, 2);
    s = open_statement(signed_statement);
    ks__statement__free_unpacked(s, NULL);
    i = install_new(); /* a new one takes its place, all of it */
    install_add(i, certify(rig.ks->device.key, "device", ca, ca_key));
    CU_ASSERT_EQUAL(install_send(&owner, i), CKR_OK);
    CU_ASSERT_EQUAL(installed(&owner), 1);
}

static void what_is_no_chain_is_not_stored(void)
{
    EVP_PKEY *other = EVP_EC_gen("P-256");
    X509 *rogue = certify(other, "factory", NULL, other); /* the right name alone */
    X509 *renamed = certify(ca_key, "other factory", NULL, ca_key);
    struct install *i = install_new();

    install_add(i, certify(other, "device", ca, ca_key));
    CU_ASSERT_EQUAL(install_send(&owner, i), CKR_CERTIFICATE_INVALID);
    i = install_new();
    install_add(i, certify(rig.ks->device.key, "device", ca, ca_key));
    install_add(i, X509_dup(rogue));
    CU_ASSERT_EQUAL(install_send(&owner, i), CKR_CERTIFICATE_INVALID);
    i = install_new();
    install_add(i, certify(rig.ks->device.key, "device", ca, ca_key));
    install_add(i, X509_dup(renamed));
    CU_ASSERT_EQUAL(install_send(&owner, i), CKR_CERTIFICATE_INVALID);
    i = install_new(); /* in the wrong order */
    install_add(i, X509_dup(ca));
    install_add(i, certify(rig.ks->device.key, "device", ca, ca_key));
    CU_ASSERT_EQUAL(install_send(&owner, i), CKR_CERTIFICATE_INVALID);
    i = install_new(); /* a byte too many */
    install_add(i, certify(rig.ks->device.key, "device", ca, ca_key));
    i->chain[0].data = OPENSSL_realloc(i->chain[0].data, i->chain[0].len + 1);
    i->chain[0].data[i->chain[0].len++] = 0;
    CU_ASSERT_EQUAL(install_send(&owner, i), CKR_CERTIFICATE_INVALID);
    CU_ASSERT_EQUAL(installed(&owner), 0);
    X509_free(rogue);
    X509_free(renamed);
    EVP_PKEY_free(other);
}

static void a_chain_that_cannot_be_stored_is_not_there(void)
{
    struct install *i = install_new();

    install_add(i, certify(rig.ks->device.key, "device", ca, ca_key));
    real_write = rig.hal->hal.flash_write;
    rig.hal->hal.flash_write = write_audit_alone;
    CU_ASSERT_EQUAL(install_send(&owner, i), CKR_DEVICE_ERROR);
    CU_ASSERT_EQUAL(installed(&owner), 0);
}

static void certificates_are_no_clients_matter(void)
{
    struct install *i = install_new();

    install_add(i, certify(rig.ks->device.key, "device", ca, ca_key));
    CU_ASSERT_EQUAL(install_send(&client, i), CKR_ACTION_PROHIBITED);
    CU_ASSERT_EQUAL(rig_call(&client, MESSAGE_DEVICE_IDENTITY, &empty.base, NULL), CKR_ACTION_PROHIBITED);
}

/* --- the factory's peer: on a board of its own, for whose end it needs no owner --- */

static void reopen(struct memory_hal *hal, const struct rig_identity *factory, const struct rig_identity *holder)
{
    struct keystore_config config = { .hal = &hal->hal,
                                      .version = "0.1.0",
                                      .factory = factory->fingerprint,
                                      .owner = holder != NULL ? holder->fingerprint : NULL };

    keystore_close(rig.ks);
    CU_ASSERT_FATAL(keystore_open(&config, &rig.ks) == ST_OK);
}

static void the_factory_is_known_while_nobody_owns_the_board(void)
{
    struct memory_hal *hal = memory_hal_new(512 * 1024, 256 * 1024), *before = rig.hal;
    struct install *i = install_new();
    Ks__SignedStatement *signed_statement;
    struct rig_client c;
    Ks__Statement *s;

    hal->hal.quote_key = board_quote_key;
    hal->hal.quote = board_quote;
    rig_disconnect(&owner);
    rig_disconnect(&client);
    rig.hal = hal;
    reopen(hal, &rig.other, NULL);
    CU_ASSERT_FATAL(rig_connect(&rig, &rig.other, &c) == ST_OK);
    CU_ASSERT_FATAL(ask(&c, 0, 0, &signed_statement) == CKR_OK);
    s = open_statement(signed_statement);
    CU_ASSERT(s->state == KEYSTORE_FACTORY && s->domain_id.len == 0);
    ks__statement__free_unpacked(s, NULL);
    install_add(i, certify(rig.ks->device.key, "device", ca, ca_key));
    CU_ASSERT_EQUAL(install_send(&c, i), CKR_OK);
    CU_ASSERT_EQUAL(rig_call(&c, MESSAGE_SELF_TEST, &empty.base, NULL), CKR_ACTION_PROHIBITED);
    rig_disconnect(&c);
    CU_ASSERT_EQUAL(rig_connect(&rig, &rig.owner, &c), ST_UNAUTHENTICATED);
    rig_disconnect(&c);
    reopen(hal, &rig.other, &rig.owner); /* from now on it is somebody's */
    CU_ASSERT_EQUAL(rig_connect(&rig, &rig.other, &c), ST_UNAUTHENTICATED);
    rig_disconnect(&c);
    CU_ASSERT_FATAL(rig_connect(&rig, &rig.owner, &c) == ST_OK);
    CU_ASSERT_EQUAL(installed(&c), 1);
    rig_disconnect(&c);
    keystore_close(rig.ks);
    memory_hal_free(hal);
    rig.hal = before;
    rig_reopen(&rig);
    rig_attach(&rig, &rig.user, &client);
    CU_ASSERT_FATAL(rig_connect(&rig, &rig.owner, &owner) == ST_OK);
}

static CU_TestInfo cases[] = {
    { "the box says what it is, signed by its device key", the_box_says_what_it_is },
    { "a quote is over just this statement", a_quote_is_over_just_this_statement },
    { "a root that does not quote is not passed over", a_root_that_does_not_quote_is_not_passed_over },
    { "a counter that is not read is not claimed", a_counter_that_is_not_read_is_not_claimed },
    { "the owner asks of no key", the_owner_asks_of_no_key },
    { "a private key comes with its rights and its public half", a_private_key_comes_with_its_rights_and_public_half },
    { "no foreign public half comes in", no_foreign_public_half_comes_in },
    { "no value is told, not even one that may be read", no_value_is_told },
    { "a key must be visible to the session", a_key_must_be_visible },
    { "a chain is kept and shown", a_chain_is_kept_and_shown },
    { "what is no chain for this key is not stored", what_is_no_chain_is_not_stored },
    { "a chain that cannot be stored is not there", a_chain_that_cannot_be_stored_is_not_there },
    { "certificates are no client's matter", certificates_are_no_clients_matter },
    { "the factory is known while nobody owns the board", the_factory_is_known_while_nobody_owns_the_board },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { "attestation", NULL, NULL, open_rig, close_rig, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
