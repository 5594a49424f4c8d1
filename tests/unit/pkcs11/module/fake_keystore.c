#include "tests/unit/pkcs11/module/fake_keystore.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <openssl/rand.h>

#include "firmware/wire/body.h"

#define PEERS 80

struct peer {
    int fd;
    struct link *link;
    bool mute, dead, leaving;
    bool is_holding; /* FAULT_LATE */
    uint8_t held[512];
    struct message held_message; /* its body is `held` */
};

struct fake_keystore {
    pthread_t thread;
    int listener, wake;
    struct link_identity *identity;
    uint8_t boot_id[LINK_BOOT_ID_LEN], application[16];
    struct peer peers[PEERS];
    atomic_uint peer_count;
    _Atomic enum fault fault;
    atomic_uint fault_kind, fault_times, counts[MESSAGE_KIND_COUNT_], connections, sessions, applications;
    atomic_bool stop;
    uint8_t block[BUDGET_SIZE];
    struct budget budget;
};

static void answer(struct peer *p, const struct message *m, CK_RV rv, uint16_t kind, const ProtobufCMessage *body)
{
    enum status st = message_send(p->link, m->id, kind, true, (uint32_t)rv, rv == CKR_OK ? body : NULL);

    INVARIANT(st == ST_OK);
}

static void answer_data(struct peer *p, const struct message *m, const uint8_t *data, size_t len)
{
    Ks__Data d = KS__DATA__INIT;

    d.data = (ProtobufCBinaryData){ .data = (uint8_t *)(uintptr_t)data, .len = len };
    answer(p, m, CKR_OK, m->kind, &d.base);
}

/* The question, given back: nonce, session and key. */
static void on_attest(struct peer *p, const struct message *m, const Ks__Attest *r)
{
    Ks__SignedStatement s = KS__SIGNED_STATEMENT__INIT;
    uint8_t asked[2] = { (uint8_t)r->session, (uint8_t)r->key };

    s.statement = r->nonce;
    s.signature = (ProtobufCBinaryData){ .data = asked, .len = sizeof asked };
    answer(p, m, r->key != 0 ? CKR_OK : CKR_KEY_HANDLE_INVALID, m->kind, &s.base);
}

static void on_mechanisms(struct peer *p, const struct message *m)
{
    static const struct {
        CK_MECHANISM_TYPE type;
        CK_FLAGS flags;
    } known[] = {
        { CKM_ECDSA, CKF_SIGN | CKF_VERIFY },
        { CKM_AES_CBC_PAD, CKF_ENCRYPT | CKF_DECRYPT },
        { CKM_SHA256, CKF_DIGEST },
        { CKM_EC_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR },
    };
    Ks__MechanismInfo infos[ARRAY_LEN(known)], *pointers[ARRAY_LEN(known)];
    Ks__MechanismList list = KS__MECHANISM_LIST__INIT;

    for (unsigned i = 0; i < ARRAY_LEN(known); i++) {
        ks__mechanism_info__init(&infos[i]);
        infos[i].type = known[i].type;
        infos[i].flags = known[i].flags;
        pointers[i] = &infos[i];
    }
    list.mechanisms = pointers;
    list.n_mechanisms = ARRAY_LEN(known);
    answer(p, m, CKR_OK, m->kind, &list.base);
}

static void set_value(Ks__Attribute *a, const void *value, size_t len)
{
    a->state = 0;
    a->value = (ProtobufCBinaryData){ .data = (uint8_t *)(uintptr_t)value, .len = len };
}

static void on_get_attributes(struct peer *p, const struct message *m, const Ks__GetAttributes *r)
{
    static const CK_ULONG private_key = CKO_PRIVATE_KEY, public_key = CKO_PUBLIC_KEY, secret_key = CKO_SECRET_KEY,
                          ec = CKK_EC, aes = CKK_AES;
    static const uint8_t yes = 1, p256[] = { 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7 };
    Ks__Attribute a[TEMPLATE_ATTRIBUTES_MAX], *pointers[TEMPLATE_ATTRIBUTES_MAX];
    Ks__Template t = KS__TEMPLATE__INIT;
    bool is_private = r->object == FAKE_EC_KEY, is_ec = is_private || r->object == FAKE_EC_PUBLIC;

    if (!is_ec && r->object != FAKE_AES_KEY) {
        answer(p, m, CKR_OBJECT_HANDLE_INVALID, m->kind, NULL);
        return;
    }
    for (size_t i = 0; i < r->n_types; i++) {
        ks__attribute__init(&a[i]);
        pointers[i] = &a[i];
        a[i].type = r->types[i];
        a[i].state = r->types[i] == CKA_VALUE ? 1 : 2;
        if (r->types[i] == CKA_CLASS)
            set_value(&a[i], is_private ? &private_key : is_ec ? &public_key : &secret_key, sizeof(CK_ULONG));
        else if (r->types[i] == CKA_KEY_TYPE)
            set_value(&a[i], is_ec ? &ec : &aes, sizeof(CK_ULONG));
        else if (r->types[i] == CKA_EC_PARAMS && is_ec)
            set_value(&a[i], p256, sizeof p256);
        else if (is_ec ? r->types[i] == (is_private ? CKA_SIGN : CKA_VERIFY)
                       : r->types[i] == CKA_ENCRYPT || r->types[i] == CKA_DECRYPT)
            set_value(&a[i], &yes, 1);
    }
    t.attributes = pointers;
    t.n_attributes = r->n_types;
    answer(p, m, CKR_OK, m->kind, &t.base);
}

static void on_find(struct peer *p, const struct message *m, const Ks__FindObjects *r)
{
    uint64_t first = FAKE_EC_KEY, second = FAKE_AES_KEY;
    Ks__Handles h = KS__HANDLES__INIT;

    /* Two pages of one. */
    h.handles = r->after == 0 ? &first : &second;
    h.n_handles = 1;
    h.next = r->after == 0 ? 7 : 0;
    answer(p, m, CKR_OK, m->kind, &h.base);
}

static void on_compute(struct peer *p, const struct message *m, const Ks__Compute *r)
{
    uint8_t out[64];

    if (r->operation == OPERATION_SIGN)
        memset(out, r->data.len > 0 ? r->data.data[0] : 0, sizeof out);
    else
        memset(out, 'd', sizeof out);
    if (r->operation == OPERATION_VERIFY)
        answer_data(p, m, NULL, 0);
    else if (r->operation == OPERATION_SIGN)
        answer_data(p, m, out, 64);
    else if (r->operation == OPERATION_DIGEST)
        answer_data(p, m, out, 32);
    else
        answer_data(p, m, r->data.data, r->data.len);
}

static void on_final(struct peer *p, const struct message *m, const Ks__OperationFinal *r)
{
    uint8_t out[64];

    memset(out, r->operation == OPERATION_DIGEST ? 'd' : 'f', sizeof out);
    answer_data(p, m, out,
                r->operation == OPERATION_VERIFY   ? 0
                : r->operation == OPERATION_SIGN   ? 64
                : r->operation == OPERATION_DIGEST ? 32
                                                   : 16);
}

static void on_attach(struct fake_keystore *f, struct peer *p, const struct message *m, const Ks__Attach *r)
{
    Ks__Attach a = KS__ATTACH__INIT;

    if (r->application.len == 0) {
        RAND_bytes(f->application, sizeof f->application);
        f->applications++;
    } else if (r->application.len != 16 || memcmp(r->application.data, f->application, 16) != 0) {
        answer(p, m, CKR_DEVICE_REMOVED, m->kind, NULL);
        return;
    }
    a.application = (ProtobufCBinaryData){ .data = f->application, .len = 16 };
    answer(p, m, CKR_OK, m->kind, &a.base);
}

static void right_answer(struct fake_keystore *f, struct peer *p, const struct message *m, const ProtobufCMessage *r)
{
    static const Ks__Empty nothing = KS__EMPTY__INIT;
    Ks__TokenInfo info = KS__TOKEN_INFO__INIT;
    Ks__Session session = KS__SESSION__INIT;
    Ks__SessionInfo state = KS__SESSION_INFO__INIT;
    Ks__Handle handle = KS__HANDLE__INIT;
    Ks__KeyPair pair = KS__KEY_PAIR__INIT;
    Ks__Status status = KS__STATUS__INIT;
    uint8_t zero[64] = { 0 };

    switch (m->kind) {
    case MESSAGE_ATTACH:
        on_attach(f, p, m, (const Ks__Attach *)r);
        return;
    case MESSAGE_TOKEN_INFO:
        info.label = info.serial = info.model = info.firmware_version = (char[]){ "1.2" };
        info.policy = (char[]){ "strict" };
        info.link_keys = 2;
        answer(p, m, CKR_OK, m->kind, &info.base);
        return;
    case MESSAGE_STATUS:
        status.state = KEYSTORE_OPERATIONAL;
        status.boot_id = (ProtobufCBinaryData){ .data = f->boot_id, .len = sizeof f->boot_id };
        answer(p, m, CKR_OK, m->kind, &status.base);
        return;
    case MESSAGE_MECHANISM_LIST:
        on_mechanisms(p, m);
        return;
    case MESSAGE_OPEN_SESSION:
        session.session = ++f->sessions;
        answer(p, m, CKR_OK, m->kind, &session.base);
        return;
    case MESSAGE_SESSION_INFO:
        state.state = CKS_RW_USER_FUNCTIONS;
        answer(p, m, CKR_OK, m->kind, &state.base);
        return;
    case MESSAGE_GET_ATTRIBUTES:
        on_get_attributes(p, m, (const Ks__GetAttributes *)r);
        return;
    case MESSAGE_FIND_OBJECTS:
        on_find(p, m, (const Ks__FindObjects *)r);
        return;
    case MESSAGE_ATTEST:
        on_attest(p, m, (const Ks__Attest *)r);
        return;
    case MESSAGE_COMPUTE:
        on_compute(p, m, (const Ks__Compute *)r);
        return;
    case MESSAGE_OPERATION_UPDATE:
        answer_data(p, m, ((const Ks__OperationUpdate *)r)->data.data,
                    ((const Ks__OperationUpdate *)r)->operation <= OPERATION_DECRYPT
                        ? ((const Ks__OperationUpdate *)r)->data.len
                        : 0);
        return;
    case MESSAGE_OPERATION_FINAL:
        on_final(p, m, (const Ks__OperationFinal *)r);
        return;
    case MESSAGE_RANDOM:
        answer_data(p, m, zero, ((const Ks__Random *)r)->length);
        return;
    case MESSAGE_GENERATE_KEY_PAIR: /* whose fault was taken back before it came */
        pair.public_key = FAKE_EC_PUBLIC;
        pair.private_key = FAKE_EC_KEY;
        answer(p, m, CKR_OK, m->kind, &pair.base);
        return;
    case MESSAGE_CREATE_OBJECT:
    case MESSAGE_UNWRAP_KEY:
        handle.handle = 103;
        answer(p, m, CKR_OK, m->kind, &handle.base);
        return;
    case MESSAGE_WRAP_KEY:
        answer_data(p, m, zero, 40);
        return;
    default:
        answer(p, m, CKR_OK, m->kind, &nothing.base);
    }
}

static bool take_fault(struct fake_keystore *f, uint16_t kind, enum fault *out)
{
    unsigned wanted = f->fault_kind;

    *out = f->fault;
    if (*out == FAULT_NONE || f->fault_times == 0 || (wanted != 0 && wanted != kind))
        return false;
    f->fault_times--;
    return true;
}

static void wrong_answer(struct fake_keystore *f, struct peer *p, const struct message *m, const ProtobufCMessage *r,
                         enum fault fault)
{
    static const uint8_t garbage[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
    struct message other = *m;
    uint8_t much[4096] = { 0 };

    switch (fault) {
    case FAULT_LATE:
        INVARIANT(m->body.len <= sizeof p->held);
        p->held_message = *m;
        if (m->body.len > 0)
            memcpy(p->held, m->body.p, m->body.len);
        p->held_message.body = span_of(p->held, m->body.len);
        p->is_holding = true;
        return;
    case FAULT_CLOSE_ALL:
        for (unsigned i = 0; i < f->peer_count; i++)
            f->peers[i].dead = true;
        return;
    case FAULT_CLOSE:
        p->dead = true;
        return;
    case FAULT_OTHER_ID:
        other.id += 16 * LINK_OUTSTANDING_MAX; /* the same place in a batch */
        right_answer(f, p, &other, r);
        return;
    case FAULT_OTHER_KIND:
        answer(p, m, CKR_OK, m->kind == MESSAGE_RANDOM ? MESSAGE_SEED : MESSAGE_LOGIN, NULL);
        return;
    case FAULT_GARBAGE: {
        struct message bad = { .id = m->id, .kind = m->kind, .answer = true, .body = span_of(garbage, sizeof garbage) };
        enum status st = link_send(p->link, &bad);

        INVARIANT(st == ST_OK);
        return;
    }
    case FAULT_TOO_MUCH:
        answer_data(p, m, much, sizeof much);
        return;
    case FAULT_GONE_KEY:
        answer(p, m, CKR_KEY_HANDLE_INVALID, m->kind, NULL);
        return;
    default:
        return; /* a stall */
    }
}

/* Before the next request of whatever kind. */
static void answer_held(struct fake_keystore *f, struct peer *p)
{
    ProtobufCMessage *r;

    p->is_holding = false;
    INVARIANT(message_unpack(p->held_message.kind, false, p->held_message.body, &f->budget, &r) == ST_OK);
    right_answer(f, p, &p->held_message, r);
}

static void on_message(struct fake_keystore *f, struct peer *p, const struct message *m)
{
    ProtobufCMessage *r;
    enum fault fault;
    enum status st = message_unpack(m->kind, false, m->body, &f->budget, &r);

    INVARIANT(st == ST_OK); /* the module never sends what the keystore would close the link for */
    f->counts[m->kind]++;
    if (!take_fault(f, m->kind, &fault)) {
        if (p->is_holding)
            answer_held(f, p);
        right_answer(f, p, m, r);
    } else if (fault == FAULT_HALF || fault == FAULT_CLOSE_AFTER) {
        right_answer(f, p, m, r);
        p->mute = fault == FAULT_HALF;
        p->leaving = !p->mute;
    } else {
        wrong_answer(f, p, m, r, fault);
    }
    budget_reset(&f->budget);
}

/* Half of what there is, and nothing more ever. */
static void send_half(struct peer *p)
{
    struct span out = link_output(p->link);

    if (out.len > 0)
        send(p->fd, out.p, out.len / 2, MSG_NOSIGNAL);
    link_output_taken(p->link, out.len);
}

static void on_readable(struct fake_keystore *f, struct peer *p)
{
    uint8_t in[65536];
    ssize_t n = recv(p->fd, in, sizeof in, MSG_DONTWAIT);
    struct message m;
    enum status st;
    struct span out;

    if (n <= 0 || link_feed(p->link, span_of(in, (size_t)n)) != ST_OK) {
        p->dead = n == 0 || (n > 0);
        return;
    }
    while (!p->dead && link_next(p->link, &m, &st))
        on_message(f, p, &m);
    st = link_flush(p->link);
    INVARIANT(st == ST_OK || p->dead);
    if (p->mute)
        send_half(p);
    while (!p->dead && (out = link_output(p->link)).len > 0) {
        n = send(p->fd, out.p, out.len, MSG_NOSIGNAL);
        if (n <= 0)
            p->dead = true;
        else
            link_output_taken(p->link, (size_t)n);
    }
    p->dead = p->dead || p->leaving;
}

static void accept_peer(struct fake_keystore *f)
{
    int fd = accept4(f->listener, NULL, NULL, SOCK_CLOEXEC);
    struct peer *p = &f->peers[f->peer_count];
    enum status st;

    INVARIANT(fd >= 0 && f->peer_count < PEERS);
    *p = (struct peer){ .fd = fd };
    st = link_new_board(f->identity, LINK_FRAMING_LENGTH, f->boot_id, &p->link);
    INVARIANT(st == ST_OK);
    f->peer_count++;
    f->connections++;
}

static void drop_peer(struct fake_keystore *f, unsigned i)
{
    close(f->peers[i].fd);
    link_free(f->peers[i].link);
    f->peers[i] = f->peers[--f->peer_count];
}

static void *serve(void *arg)
{
    struct fake_keystore *f = arg;
    struct pollfd polls[PEERS + 2];

    while (!f->stop) {
        unsigned n = f->peer_count;

        polls[0] = (struct pollfd){ .fd = f->listener, .events = POLLIN };
        polls[1] = (struct pollfd){ .fd = f->wake, .events = POLLIN };
        for (unsigned i = 0; i < n; i++)
            polls[i + 2] = (struct pollfd){ .fd = f->peers[i].fd, .events = POLLIN };
        if (poll(polls, n + 2, -1) < 0)
            continue;
        for (unsigned i = 0; i < n; i++)
            if (polls[i + 2].revents != 0 && f->fault != FAULT_NO_HANDSHAKE)
                on_readable(f, &f->peers[i]);
        for (unsigned i = f->peer_count; i-- > 0;)
            if (f->peers[i].dead)
                drop_peer(f, i);
        if ((polls[0].revents & POLLIN) != 0)
            accept_peer(f);
    }
    while (f->peer_count > 0)
        drop_peer(f, 0);
    return NULL;
}

struct fake_keystore *fake_start(const char *path, const struct credential *c)
{
    struct fake_keystore *f = calloc(1, sizeof *f);
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    enum status st;

    INVARIANT(f != NULL && strlen(path) < sizeof at.sun_path);
    memcpy(at.sun_path, path, strlen(path));
    unlink(path);
    budget_init(&f->budget, f->block, sizeof f->block);
    st = link_identity_board(c->key, c->certificate, &f->identity);
    INVARIANT(st == ST_OK);
    INVARIANT(RAND_bytes(f->boot_id, sizeof f->boot_id) == 1);
    f->wake = eventfd(0, EFD_CLOEXEC);
    f->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    INVARIANT(f->wake >= 0 && f->listener >= 0);
    INVARIANT(bind(f->listener, (struct sockaddr *)&at, sizeof at) == 0 && listen(f->listener, 64) == 0);
    INVARIANT(pthread_create(&f->thread, NULL, serve, f) == 0);
    return f;
}

void fake_stop(struct fake_keystore *f)
{
    uint64_t one = 1;

    if (f == NULL)
        return;
    f->stop = true;
    INVARIANT(write(f->wake, &one, sizeof one) == sizeof one);
    pthread_join(f->thread, NULL);
    close(f->listener);
    close(f->wake);
    link_identity_free(f->identity);
    free(f);
}

void fake_fail(struct fake_keystore *f, enum fault fault, uint16_t kind, unsigned times)
{
    f->fault_kind = kind;
    f->fault = fault;
    f->fault_times = times;
}

unsigned fake_count(struct fake_keystore *f, uint16_t kind)
{
    return f->counts[kind];
}

unsigned fake_connections(struct fake_keystore *f)
{
    return f->connections;
}

unsigned fake_peers(struct fake_keystore *f)
{
    return f->peer_count;
}

unsigned fake_applications(struct fake_keystore *f)
{
    return f->applications;
}
