#include "tests/unit/firmware/ceremony.h"

#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdio.h>

#define PEOPLE (HOLDERS_MAX + 2)

static void certify(struct ceremony_holder *h)
{
    X509 *x = X509_new();
    X509_NAME *name = X509_get_subject_name(x);
    unsigned char *der = NULL;
    int len;

    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)h->name, -1, -1, 0);
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_set_issuer_name(x, name);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, h->key);
    INVARIANT(X509_sign(x, h->key, EVP_sha256()) > 0 && (len = i2d_X509(x, &der)) > 0);
    INVARIANT(bytes_set(&h->certificate, span_of(der, (size_t)len)) == ST_OK);
    INVARIANT(EVP_Digest(der, (size_t)len, h->id, NULL, EVP_sha256(), NULL) == 1);
    OPENSSL_free(der);
    X509_free(x);
}

struct ceremony_holder *ceremony_holder(unsigned i)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static struct ceremony_holder people[PEOPLE];

    INVARIANT(i < PEOPLE);
    pthread_mutex_lock(&lock);
    if (people[i].key == NULL) {
        snprintf(people[i].name, sizeof people[i].name, "holder%u", i);
        INVARIANT((people[i].key = EVP_RSA_gen(2048)) != NULL);
        certify(&people[i]);
    }
    pthread_mutex_unlock(&lock);
    return &people[i];
}

static ProtobufCBinaryData data_of(struct span s)
{
    return (ProtobufCBinaryData){ s.len, (uint8_t *)(uintptr_t)s.p };
}

void ceremony_people(struct ceremony_people *p, unsigned first, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct ceremony_holder *h = ceremony_holder(first + i);

        ks__holder__init(&p->items[i]);
        p->items[i].name = h->name;
        p->items[i].certificate = data_of(bytes_span(&h->certificate));
        p->list[i] = &p->items[i];
    }
}

void ceremony_domain(struct ceremony_link owner, const char *name, unsigned count, unsigned required)
{
    Ks__DomainCreate create = KS__DOMAIN_CREATE__INIT;
    Ks__DomainExport export = KS__DOMAIN_EXPORT__INIT;
    Ks__DomainConfirm confirm = KS__DOMAIN_CONFIRM__INIT;
    struct ceremony_people people;
    Ks__DomainFile *file;

    ceremony_people(&people, 0, count);
    create.name = (char *)(uintptr_t)name;
    create.required = required;
    create.n_holders = count;
    create.holders = people.list;
    INVARIANT(owner.call(owner.client, MESSAGE_DOMAIN_CREATE, &create.base, NULL) == CKR_OK);
    INVARIANT(owner.call(owner.client, MESSAGE_DOMAIN_EXPORT, &export.base, &file) == CKR_OK);
    confirm.digest = file->digest;
    INVARIANT(owner.call(owner.client, MESSAGE_DOMAIN_CONFIRM, &confirm.base, NULL) == CKR_OK);
}

void ceremony_prepare(struct ceremony_link owner, uint16_t kind, ProtobufCMessage *request, int64_t until_ms,
                      struct ceremony_approvals *out)
{
    Ks__Empty empty = KS__EMPTY__INIT;
    Ks__DomainInfo *info;

    ks__authorisation__init(&out->authorisation);
    INVARIANT(owner.call(owner.client, MESSAGE_DOMAIN_INFO, &empty.base, &info) == CKR_OK);
    out->act =
        (struct act){ .kind = kind, .sequence = info->act_sequence, .expires_ms = info->time_ms + (uint64_t)until_ms };
    memcpy(out->act.device, info->device.data, sizeof out->act.device);
    if (kind != MESSAGE_DOMAIN_RESTORE) {
        memcpy(out->act.domain_id, info->id.data, sizeof out->act.domain_id);
        out->act.generation = info->current->generation;
    }
    INVARIANT(act_digest(kind, request, out->act.digest) == ST_OK);
    out->authorisation.sequence = out->act.sequence;
    out->authorisation.expires_ms = out->act.expires_ms;
    out->authorisation.approvals = out->list;
}

void ceremony_sign(struct ceremony_approvals *a, unsigned holder)
{
    struct ceremony_holder *h = ceremony_holder(holder);
    size_t at = a->authorisation.n_approvals++, len = sizeof a->signatures[0];
    uint8_t statement[ACT_STATEMENT_LEN];
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    EVP_PKEY_CTX *how;

    act_statement(&a->act, statement);
    INVARIANT(EVP_DigestSignInit(md, &how, EVP_sha256(), NULL, h->key) == 1 &&
              EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING) == 1 &&
              EVP_PKEY_CTX_set_rsa_pss_saltlen(how, 32) == 1 &&
              EVP_DigestSign(md, a->signatures[at], &len, statement, sizeof statement) == 1);
    EVP_MD_CTX_free(md);
    ks__approval__init(&a->items[at]);
    a->items[at].holder = data_of(span_of(h->id, sizeof h->id));
    a->items[at].signature = data_of(span_of(a->signatures[at], len));
    a->list[at] = &a->items[at];
}

void ceremony_attach(uint16_t kind, ProtobufCMessage *request, struct ceremony_approvals *a)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(request->descriptor, "authorisation");

    INVARIANT(act_kind_is_dangerous(kind) && field != NULL);
    *(Ks__Authorisation **)((char *)request + field->offset) = &a->authorisation;
}

void ceremony_approve(struct ceremony_link owner, uint16_t kind, ProtobufCMessage *request, unsigned who,
                      struct ceremony_approvals *out)
{
    ceremony_prepare(owner, kind, request, CEREMONY_HOUR_MS, out);
    for (unsigned i = 0; i < PEOPLE; i++)
        if ((who & BIT(i)) != 0)
            ceremony_sign(out, i);
    ceremony_attach(kind, request, out);
}
