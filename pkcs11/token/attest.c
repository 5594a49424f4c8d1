#include "pkcs11/token/attest.h"

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "keystore.pb-c.h"

enum status attest_check(const struct token *t, const struct token_job *job)
{
    if (job->key == NULL || job->label != NULL || job->input.len < STRONGROOM_NONCE_MIN ||
        job->input.len > STRONGROOM_NONCE_MAX)
        return ST_BAD_REQUEST;
    return t->attestation != NULL ? ST_OK : ST_UNSUPPORTED;
}

static enum status append_pem(struct bytes *out, ProtobufCBinaryData der)
{
    const uint8_t *p = der.data;
    X509 *x = d2i_X509(NULL, &p, (long)der.len);
    BIO *memory = BIO_new(BIO_s_mem());
    enum status st = x == NULL ? ST_INTERNAL : ST_NO_MEMORY;
    char *text;
    long len;

    if (x != NULL && memory != NULL && PEM_write_bio_X509(memory, x) == 1 &&
        (len = BIO_get_mem_data(memory, &text)) > 0) {
        bytes_append(out, text, (size_t)len);
        st = bytes_status(out);
    }
    BIO_free(memory);
    X509_free(x);
    return st;
}

/* The certificates stand in the statement as well; they are what clients show beside it. */
static enum status take_certificates(struct token_job *job)
{
    Ks__SignedStatement *s = ks__signed_statement__unpack(NULL, job->output.len, job->output.p);
    enum status st = s != NULL && s->n_certificates > 0 ? ST_OK : ST_INTERNAL;

    for (size_t i = 0; st == ST_OK && i < s->n_certificates; i++)
        st = append_pem(&job->certificates, s->certificates[i]);
    if (s != NULL)
        ks__signed_statement__free_unpacked(s, NULL);
    return st;
}

enum status attest_perform(struct worker *w, struct token_job *job, const struct token_key *key)
{
    CK_BYTE_PTR nonce = (CK_BYTE_PTR)(uintptr_t)job->input.p;
    CK_ULONG len = STRONGROOM_ATTESTATION_MAX;
    uint8_t *room = malloc(len);
    enum status st;

    if (room == NULL)
        return ST_NO_MEMORY;
    st = call_result(w->token, w->token->attestation->C_StrongroomAttest(w->session, key->handle, nonce, job->input.len,
                                                                         room, &len));
    if (st == ST_OK && (st = bytes_set(&job->output, span_of(room, len))) == ST_OK)
        st = take_certificates(job);
    free(room);
    return st;
}
