#include "firmware/statement.h"

#include <openssl/sha.h>

#include "firmware/wire/act.h"

#define SIGNATURE_LEN_MAX 128 /* ECDSA P-256 in DER: 72 */

static CK_RV keep(struct call *c, struct span s, ProtobufCBinaryData *out)
{
    uint8_t *copy = call_memory(c, s.len);

    if (copy == NULL)
        return CKR_HOST_MEMORY;
    if (s.len > 0)
        memcpy(copy, s.p, s.len);
    *out = (ProtobufCBinaryData){ .len = s.len, .data = copy };
    return CKR_OK;
}

static char *keep_text(const char *text)
{
    return (char *)(uintptr_t)text;
}

CK_RV statement_quote_key(struct call *c, ProtobufCBinaryData *out)
{
    const struct hal *hal = c->ks->hal;
    struct bytes spki = { 0 };
    enum status st = hal->quote_key(hal->self, &spki);
    CK_RV rv = st == ST_OK ? keep(c, bytes_span(&spki), out) : st == ST_NOT_FOUND ? CKR_OK : CKR_DEVICE_ERROR;

    bytes_clear(&spki);
    return rv;
}

static CK_RV self_signed(struct call *c, ProtobufCBinaryData *out)
{
    struct bytes der = { 0 };
    CK_RV rv = device_certificate(&c->ks->device, &der) == ST_OK ? keep(c, bytes_span(&der), out) : CKR_HOST_MEMORY;

    bytes_clear(&der);
    return rv;
}

CK_RV statement_chain(struct call *c, size_t *count, ProtobufCBinaryData **out)
{
    const struct device *d = &c->ks->device;
    CK_RV rv = CKR_OK;

    if ((*out = call_memory(c, CERTIFICATE_CHAIN_MAX * sizeof **out)) == NULL)
        return CKR_HOST_MEMORY;
    for (*count = 0; *count < d->chain_count && rv == CKR_OK; ++*count)
        rv = keep(c, bytes_span(&d->chain[*count]), &(*out)[*count]);
    if (*count == 0) {
        rv = self_signed(c, &(*out)[0]);
        *count = 1;
    }
    return rv;
}

/* What belongs to the board and does not change while it runs. */
static CK_RV fill_board(struct call *c, Ks__Statement *s)
{
    const struct hal *hal = c->ks->hal;

    s->format = 1;
    s->time_ms = keystore_time_ms(c->ks);
    s->boot_id = (ProtobufCBinaryData){ .len = LINK_BOOT_ID_LEN, .data = c->ks->boot_id };
    s->state = atomic_load(&c->ks->state);
    s->board = keep_text(hal->facts.board);
    s->hardware = hal->facts.hardware;
    s->root = keep_text(hal->facts.root);
    s->isolation = keep_text(hal->facts.isolation);
    s->firmware_version = keep_text(c->ks->version);
    s->firmware_hash = (ProtobufCBinaryData){ .len = sizeof hal->facts.firmware_hash,
                                              .data = (uint8_t *)(uintptr_t)hal->facts.firmware_hash };
    return hal->counter_read(hal->self, &s->counter) == ST_OK ? CKR_OK : CKR_DEVICE_ERROR;
}

static CK_RV fill_audit(struct call *c, Ks__Statement *s)
{
    uint8_t *head = call_memory(c, AUDIT_HASH_LEN);

    if (head == NULL)
        return CKR_HOST_MEMORY;
    audit_head(c->ks->audit, &s->audit_sequence, head);
    s->audit_head = (ProtobufCBinaryData){ .len = AUDIT_HASH_LEN, .data = head };
    return CKR_OK;
}

/* What ceremonies change. The keystore's lock is held. */
static CK_RV fill_device(struct call *c, Ks__Statement *s)
{
    const struct security_domain *domain = &c->ks->domain;
    const struct device *d = &c->ks->device;
    uint8_t print[SHA256_DIGEST_LENGTH];
    ProtobufCBinaryData name;
    CK_RV rv;

    if ((rv = keep(c, span_of(d->fingerprint, sizeof d->fingerprint), &s->device)) != CKR_OK)
        return rv;
    if (d->firmware_key.len > 0) {
        if (device_firmware_key_print(d, print) != ST_OK)
            return CKR_HOST_MEMORY;
        if ((rv = keep(c, span_of(print, sizeof print), &s->firmware_key)) != CKR_OK)
            return rv;
    }
    if (!security_domain_in_force(domain))
        return CKR_OK;
    if ((rv = keep(c, span_of(domain->name, sizeof domain->name), &name)) != CKR_OK)
        return rv;
    s->domain_name = (char *)name.data;
    s->domain_generation = domain->current.generation;
    s->attended = domain->start.required > 0;
    return keep(c, span_of(domain->id, sizeof domain->id), &s->domain_id);
}

static CK_RV take_device(struct call *c, Ks__Statement *s, Ks__SignedStatement *out)
{
    CK_RV rv;

    pthread_mutex_lock(&c->ks->lock);
    if ((rv = fill_device(c, s)) == CKR_OK)
        rv = statement_chain(c, &out->n_certificates, &out->certificates);
    pthread_mutex_unlock(&c->ks->lock);
    return rv;
}

static CK_RV fill_quote_key(struct call *c, Ks__Statement *s, Ks__SignedStatement *out)
{
    uint8_t hash[SHA256_DIGEST_LENGTH];
    CK_RV rv;

    if ((rv = statement_quote_key(c, &out->quote_key)) != CKR_OK || out->quote_key.len == 0)
        return rv;
    SHA256(out->quote_key.data, out->quote_key.len, hash);
    return keep(c, span_of(hash, sizeof hash), &s->quote_key);
}

/* Prefix and statement, as they are signed; *out borrows its end. */
static CK_RV pack(struct call *c, const Ks__Statement *s, struct span *text, ProtobufCBinaryData *out)
{
    size_t prefix = sizeof STATEMENT_PREFIX, len = ks__statement__get_packed_size(s);
    uint8_t *p;

    if (len > STATEMENT_MAX)
        return CKR_DEVICE_MEMORY;
    if ((p = call_memory(c, prefix + len)) == NULL)
        return CKR_HOST_MEMORY;
    memcpy(p, STATEMENT_PREFIX, prefix);
    ks__statement__pack(s, p + prefix);
    *text = span_of(p, prefix + len);
    *out = (ProtobufCBinaryData){ .len = len, .data = p + prefix };
    return CKR_OK;
}

/* The device key is there from the start to the end of the process. */
static CK_RV sign(struct call *c, struct span text, ProtobufCBinaryData *out)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    size_t len = SIGNATURE_LEN_MAX;
    CK_RV rv = CKR_HOST_MEMORY;

    if (md != NULL && (out->data = call_memory(c, len)) != NULL) {
        rv = EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, c->ks->device.key) == 1 &&
                     EVP_DigestSign(md, out->data, &len, text.p, text.len) == 1
                 ? CKR_OK
                 : CKR_DEVICE_ERROR;
        out->len = len;
    }
    EVP_MD_CTX_free(md);
    return rv;
}

/* The root vouches for just this statement: its hash is the quote's nonce. */
static CK_RV quote(struct call *c, struct span text, Ks__SignedStatement *out)
{
    const struct hal *hal = c->ks->hal;
    struct bytes attest = { 0 }, signature = { 0 };
    uint8_t hash[SHA256_DIGEST_LENGTH];
    CK_RV rv;

    SHA256(text.p, text.len, hash);
    rv = hal->quote(hal->self, hash, &attest, &signature) == ST_OK ? CKR_OK : CKR_DEVICE_ERROR;
    if (rv == CKR_OK && (rv = keep(c, bytes_span(&attest), &out->quote)) == CKR_OK)
        rv = keep(c, bytes_span(&signature), &out->quote_signature);
    bytes_clear(&attest);
    bytes_clear(&signature);
    return rv;
}

CK_RV statement_make(struct call *c, Ks__Statement *s, Ks__SignedStatement *out)
{
    struct span text;
    CK_RV rv;

    ks__signed_statement__init(out);
    if ((rv = fill_board(c, s)) != CKR_OK || (rv = fill_audit(c, s)) != CKR_OK ||
        (rv = take_device(c, s, out)) != CKR_OK || (rv = fill_quote_key(c, s, out)) != CKR_OK ||
        (rv = pack(c, s, &text, &out->statement)) != CKR_OK || (rv = sign(c, text, &out->signature)) != CKR_OK)
        return rv;
    return out->quote_key.len > 0 ? quote(c, text, out) : CKR_OK;
}
