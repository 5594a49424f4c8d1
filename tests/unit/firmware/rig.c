#include "tests/unit/firmware/rig.h"

#include "firmware/crypto/pin.h"

static void make_identity(struct rig_identity *id)
{
    X509_NAME *name;

    id->key = EVP_EC_gen("P-256");
    id->certificate = X509_new();
    name = X509_get_subject_name(id->certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"rig", -1, -1, 0);
    X509_set_version(id->certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(id->certificate), 1);
    X509_set_issuer_name(id->certificate, name);
    X509_gmtime_adj(X509_getm_notBefore(id->certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(id->certificate), 3600);
    X509_set_pubkey(id->certificate, id->key);
    INVARIANT(X509_sign(id->certificate, id->key, EVP_sha256()) > 0);
    INVARIANT(link_fingerprint(id->certificate, id->fingerprint) == ST_OK);
}

static void clear_identity(struct rig_identity *id)
{
    EVP_PKEY_free(id->key);
    X509_free(id->certificate);
}

void rig_reopen(struct rig *r)
{
    struct keystore_config config = { .hal = &r->hal->hal, .version = "0.1.0", .owner = r->owner.fingerprint };

    INVARIANT(keystore_open(&config, &r->ks) == ST_OK);
}

void rig_open(struct rig *r)
{
    *r = (struct rig){ .hal = memory_hal_new(512 * 1024, 256 * 1024) };
    make_identity(&r->owner);
    make_identity(&r->user);
    make_identity(&r->other);
    rig_reopen(r);
}

void rig_close(struct rig *r)
{
    keystore_close(r->ks);
    memory_hal_free(r->hal);
    clear_identity(&r->owner);
    clear_identity(&r->user);
    clear_identity(&r->other);
}

void rig_restart(struct rig *r)
{
    keystore_close(r->ks);
    rig_reopen(r);
}

static void wake(void *arg)
{
    struct rig_client *c = arg;

    pthread_mutex_lock(&c->lock);
    c->wakes++;
    pthread_cond_signal(&c->woken);
    pthread_mutex_unlock(&c->lock);
}

static void await_wake(struct rig_client *c)
{
    pthread_mutex_lock(&c->lock);
    while (c->wakes == 0)
        pthread_cond_wait(&c->woken, &c->lock);
    c->wakes--;
    pthread_mutex_unlock(&c->lock);
}

/* Everything that waits on either side goes over. */
static enum status exchange(struct rig_client *c)
{
    enum status st = ST_OK;

    for (;;) {
        struct span out = link_output(c->link), in = peer_output(c->peer);

        if (out.len == 0 && in.len == 0)
            return ST_OK;
        if (out.len > 0) {
            st = peer_feed(c->peer, out);
            link_output_taken(c->link, out.len);
        }
        if (st != ST_OK)
            return st;
        in = peer_output(c->peer);
        if (in.len > 0) {
            if ((st = link_feed(c->link, in)) != ST_OK)
                return st;
            peer_output_taken(c->peer, in.len);
        }
    }
}

enum status rig_connect(struct rig *r, const struct rig_identity *who, struct rig_client *c)
{
    uint8_t pinned[LINK_FINGERPRINT_LEN];
    const uint8_t *der = r->hal->identity.p;
    X509 *board = d2i_X509(NULL, &der, (long)r->hal->identity.len);
    enum status st;

    *c = (struct rig_client){ .block = malloc(BUDGET_SIZE), .next_id = 1 };
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->woken, NULL);
    budget_init(&c->budget, c->block, BUDGET_SIZE);
    INVARIANT(board != NULL && link_fingerprint(board, pinned) == ST_OK);
    X509_free(board);
    INVARIANT(link_identity_client(who->key, who->certificate, pinned, &c->identity) == ST_OK);
    INVARIANT(link_new_client(c->identity, LINK_FRAMING_LENGTH, &c->link) == ST_OK);
    INVARIANT(peer_new(r->ks, LINK_FRAMING_LENGTH, wake, c, &c->peer) == ST_OK);
    st = exchange(c);
    if (st == ST_OK)
        INVARIANT(link_is_open(c->link));
    return st;
}

void rig_disconnect(struct rig_client *c)
{
    peer_free(c->peer);
    link_free(c->link);
    link_identity_free(c->identity);
    free(c->block);
    pthread_cond_destroy(&c->woken);
    pthread_mutex_destroy(&c->lock);
}

CK_RV rig_call(struct rig_client *c, uint16_t kind, const ProtobufCMessage *request, void *answer)
{
    uint32_t id = c->next_id++;
    ProtobufCMessage *body = NULL;
    enum status st;
    struct message m;

    INVARIANT(message_send(c->link, id, kind, false, 0, request) == ST_OK && link_flush(c->link) == ST_OK);
    INVARIANT(exchange(c) == ST_OK);
    while (!link_next(c->link, &m, &st)) {
        INVARIANT(st == ST_OK);
        await_wake(c);
        INVARIANT(peer_work(c->peer) == ST_OK && exchange(c) == ST_OK);
    }
    INVARIANT(m.id == id && m.kind == kind && m.answer);
    if (m.word != CKR_OK)
        return m.word;
    budget_reset(&c->budget);
    INVARIANT(message_unpack(kind, true, m.body, &c->budget, &body) == ST_OK);
    if (answer != NULL)
        *(ProtobufCMessage **)answer = body;
    return CKR_OK;
}

static CK_RV call_of(void *client, uint16_t kind, const ProtobufCMessage *request, void *answer)
{
    return rig_call(client, kind, request, answer);
}

struct ceremony_link rig_link(struct rig_client *c)
{
    return (struct ceremony_link){ .call = call_of, .client = c };
}

void rig_provision(struct rig *r, const char *policy)
{
    Ks__Partition partition = KS__PARTITION__INIT;
    Ks__Identity identity = KS__IDENTITY__INIT, *identities[] = { &identity };
    struct rig_client c;

    INVARIANT(rig_connect(r, &r->owner, &c) == ST_OK);
    ceremony_domain(rig_link(&c), "domain", HOLDERS_MIN, QUORUM_MIN);
    identity.fingerprint = (ProtobufCBinaryData){ sizeof r->user.fingerprint, r->user.fingerprint };
    identity.role = PEER_CLIENT;
    identity.name = (char *)(uintptr_t) "user";
    partition.name = (char *)(uintptr_t) "one";
    partition.policy = (char *)(uintptr_t)policy;
    partition.n_identities = 1;
    partition.identities = identities;
    INVARIANT(rig_call(&c, MESSAGE_PARTITION_CREATE, &partition.base, NULL) == CKR_OK);
    rig_disconnect(&c);
}

void rig_attach(struct rig *r, const struct rig_identity *who, struct rig_client *out)
{
    Ks__Attach attach = KS__ATTACH__INIT;

    INVARIANT(rig_connect(r, who, out) == ST_OK);
    INVARIANT(rig_call(out, MESSAGE_ATTACH, &attach.base, NULL) == CKR_OK);
}

uint64_t rig_session(struct rig_client *c, bool read_write)
{
    Ks__OpenSession open = KS__OPEN_SESSION__INIT;
    Ks__Session *s;

    open.read_write = read_write;
    INVARIANT(rig_call(c, MESSAGE_OPEN_SESSION, &open.base, &s) == CKR_OK);
    return s->session;
}

CK_RV rig_login(struct rig_client *c, uint64_t session, CK_USER_TYPE user, const char *pin)
{
    Ks__Login login = KS__LOGIN__INIT;

    login.session = session;
    login.user_type = user;
    login.pin = (ProtobufCBinaryData){ strlen(pin), (uint8_t *)(uintptr_t)pin };
    return rig_call(c, MESSAGE_LOGIN, &login.base, NULL);
}

static ProtobufCBinaryData data_of(const char *text)
{
    return (ProtobufCBinaryData){ strlen(text), (uint8_t *)(uintptr_t)text };
}

uint64_t rig_ready_session(struct rig_client *c)
{
    Ks__InitToken init = KS__INIT_TOKEN__INIT;
    Ks__InitPin pin = KS__INIT_PIN__INIT;
    Ks__Session logout = KS__SESSION__INIT;
    uint64_t s;

    init.so_pin = data_of(RIG_SO_PIN);
    init.label = data_of("one                             ");
    INVARIANT(rig_call(c, MESSAGE_INIT_TOKEN, &init.base, NULL) == CKR_OK);
    s = rig_session(c, true);
    INVARIANT(rig_login(c, s, CKU_SO, RIG_SO_PIN) == CKR_OK);
    pin.session = s;
    pin.pin = data_of(RIG_PIN);
    INVARIANT(rig_call(c, MESSAGE_INIT_PIN, &pin.base, NULL) == CKR_OK);
    logout.session = s;
    INVARIANT(rig_call(c, MESSAGE_LOGOUT, &logout.base, NULL) == CKR_OK);
    INVARIANT(rig_login(c, s, CKU_USER, RIG_PIN) == CKR_OK);
    return s;
}

uint64_t rig_open_ready(struct rig *r, struct rig_client *c)
{
    pin_cost = 2;
    rig_open(r);
    rig_provision(r, "strict");
    rig_attach(r, &r->user, c);
    return rig_ready_session(c);
}

void rig_template_init(struct rig_template *t)
{
    ks__template__init(&t->t);
    t->t.attributes = t->list;
}

void rig_bytes(struct rig_template *t, CK_ATTRIBUTE_TYPE type, const void *p, size_t len)
{
    Ks__Attribute *a = &t->items[t->t.n_attributes];

    ks__attribute__init(a);
    a->type = type;
    a->value = (ProtobufCBinaryData){ len, (uint8_t *)(uintptr_t)p };
    t->list[t->t.n_attributes++] = a;
}

void rig_bool(struct rig_template *t, CK_ATTRIBUTE_TYPE type, bool value)
{
    CK_BBOOL *b = &t->bools[t->t.n_attributes];

    *b = value ? CK_TRUE : CK_FALSE;
    rig_bytes(t, type, b, sizeof *b);
}

void rig_ulong(struct rig_template *t, CK_ATTRIBUTE_TYPE type, CK_ULONG value)
{
    CK_ULONG *n = &t->numbers[t->t.n_attributes];

    *n = value;
    rig_bytes(t, type, n, sizeof *n);
}

CK_RV rig_generate_ec(struct rig_client *c, uint64_t session, const struct rig_template *more, uint64_t *public,
                      uint64_t *private)
{
    static const uint8_t p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
    Ks__GenerateKeyPair m = KS__GENERATE_KEY_PAIR__INIT;
    Ks__Mechanism mechanism = KS__MECHANISM__INIT;
    struct rig_template t;
    Ks__KeyPair *pair;
    CK_RV rv;

    rig_template_init(&t);
    rig_bytes(&t, CKA_EC_PARAMS, p256, sizeof p256);
    mechanism.type = CKM_EC_KEY_PAIR_GEN;
    m.session = session;
    m.mechanism = &mechanism;
    m.public_template = &t.t;
    m.private_template = (Ks__Template *)(uintptr_t)&more->t;
    if ((rv = rig_call(c, MESSAGE_GENERATE_KEY_PAIR, &m.base, &pair)) == CKR_OK) {
        *public = pair->public_key;
        *private = pair->private_key;
    }
    return rv;
}

CK_RV rig_generate_aes(struct rig_client *c, uint64_t session, CK_ULONG bytes, struct rig_template *more, uint64_t *key)
{
    Ks__GenerateKey m = KS__GENERATE_KEY__INIT;
    Ks__Mechanism mechanism = KS__MECHANISM__INIT;
    Ks__Handle *handle;
    CK_RV rv;

    rig_ulong(more, CKA_VALUE_LEN, bytes);
    mechanism.type = CKM_AES_KEY_GEN;
    m.session = session;
    m.mechanism = &mechanism;
    m.template_ = &more->t;
    if ((rv = rig_call(c, MESSAGE_GENERATE_KEY, &m.base, &handle)) == CKR_OK)
        *key = handle->handle;
    return rv;
}

CK_RV rig_compute(struct rig_client *c, uint64_t session, uint32_t operation, CK_MECHANISM_TYPE mechanism, uint64_t key,
                  struct span data, struct span signature, struct bytes *out)
{
    Ks__Compute m = KS__COMPUTE__INIT;
    Ks__Mechanism mech = KS__MECHANISM__INIT;
    Ks__Data *answer;
    CK_RV rv;

    mech.type = mechanism;
    m.session = session;
    m.operation = operation;
    m.mechanism = &mech;
    m.key = key;
    m.data = (ProtobufCBinaryData){ data.len, (uint8_t *)(uintptr_t)data.p };
    m.signature = (ProtobufCBinaryData){ signature.len, (uint8_t *)(uintptr_t)signature.p };
    if ((rv = rig_call(c, MESSAGE_COMPUTE, &m.base, &answer)) == CKR_OK && out != NULL)
        INVARIANT(bytes_set(out, span_of(answer->data.data, answer->data.len)) == ST_OK);
    return rv;
}
