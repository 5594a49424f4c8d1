#include "tests/unit/board/sim/client.h"

#include <openssl/pem.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "firmware/wire/pkcs11.h"
#include "tests/unit/harness.h"

/* Called by suites before their first test, where CUnit cannot assert. */
void identity_make(struct identity *id)
{
    X509_NAME *name;

    id->key = EVP_EC_gen("P-256");
    id->certificate = X509_new();
    name = X509_get_subject_name(id->certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"client", -1, -1, 0);
    X509_set_version(id->certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(id->certificate), 1);
    X509_set_issuer_name(id->certificate, name);
    X509_gmtime_adj(X509_getm_notBefore(id->certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(id->certificate), 3600);
    X509_set_pubkey(id->certificate, id->key);
    INVARIANT(X509_sign(id->certificate, id->key, EVP_sha256()) > 0);
    INVARIANT(link_fingerprint(id->certificate, id->fingerprint) == ST_OK);
}

void identity_write(const struct identity *id, const char *path)
{
    FILE *f = fopen(path, "we");

    INVARIANT(f != NULL && PEM_write_X509(f, id->certificate) == 1);
    fclose(f);
}

void identity_clear(struct identity *id)
{
    EVP_PKEY_free(id->key);
    X509_free(id->certificate);
}

static enum status flush(struct client *c)
{
    struct span out;

    while ((out = link_output(c->link)).len > 0) {
        ssize_t n = send(c->fd, out.p, out.len, MSG_NOSIGNAL);

        if (n <= 0)
            return ST_CLOSED;
        link_output_taken(c->link, (size_t)n);
    }
    return ST_OK;
}

static enum status receive(struct client *c)
{
    uint8_t block[16384];
    ssize_t n = recv(c->fd, block, sizeof block, 0);

    return n > 0 ? link_feed(c->link, span_of(block, (size_t)n)) : ST_CLOSED;
}

static void pin_board(const char *pem, uint8_t fingerprint[LINK_FINGERPRINT_LEN])
{
    FILE *f = fopen(pem, "re");
    X509 *board = f != NULL ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;

    CU_ASSERT_FATAL(board != NULL && link_fingerprint(board, fingerprint) == ST_OK);
    X509_free(board);
    fclose(f);
}

enum status client_connect(struct client *c, const char *path, const char *pem, const struct identity *who)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    uint8_t pinned[LINK_FINGERPRINT_LEN];
    enum status st = ST_OK;

    *c = (struct client){ .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0),
                          .block = malloc(BUDGET_SIZE),
                          .next_id = 1 };
    budget_init(&c->budget, c->block, BUDGET_SIZE);
    pin_board(pem, pinned);
    CU_ASSERT_FATAL(link_identity_client(who->key, who->certificate, pinned, &c->identity) == ST_OK);
    CU_ASSERT_FATAL(link_new_client(c->identity, LINK_FRAMING_LENGTH, &c->link) == ST_OK);
    snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
    if (connect(c->fd, (const struct sockaddr *)&to, sizeof to) != 0)
        return ST_UNAVAILABLE;
    while (st == ST_OK && !link_is_open(c->link))
        if ((st = flush(c)) == ST_OK)
            st = receive(c);
    return st == ST_OK ? flush(c) : st;
}

void client_close(struct client *c)
{
    close(c->fd);
    link_free(c->link);
    link_identity_free(c->identity);
    free(c->block);
}

unsigned long client_call(struct client *c, uint16_t kind, const ProtobufCMessage *request, void *answer)
{
    ProtobufCMessage *body = NULL;
    enum status st = ST_OK;
    struct message m;

    CU_ASSERT_FATAL(message_send(c->link, c->next_id, kind, false, 0, request) == ST_OK);
    if (link_flush(c->link) != ST_OK || flush(c) != ST_OK)
        return CKR_DEVICE_REMOVED;
    while (!link_next(c->link, &m, &st))
        if (st != ST_OK || receive(c) != ST_OK)
            return CKR_DEVICE_REMOVED;
    CU_ASSERT_FATAL(m.answer && m.id == c->next_id && m.kind == kind);
    c->next_id++;
    if (m.word != CKR_OK)
        return m.word;
    budget_reset(&c->budget);
    CU_ASSERT_FATAL(message_unpack(kind, true, m.body, &c->budget, &body) == ST_OK);
    if (answer != NULL)
        *(ProtobufCMessage **)answer = body;
    return CKR_OK;
}
