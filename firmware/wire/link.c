#include "firmware/wire/link_inside.h"

#include <openssl/err.h>

#include "firmware/base/secret.h"
#include "firmware/base/big_endian.h"
#include "firmware/wire/frame.h"

#define SEND_MAX   (MESSAGE_HEADER_LEN + LINK_MESSAGE_MAX + 32u * 1024) /* queued, and encrypted but not sent */
#define OUTPUT_MAX (SEND_MAX + 4u * 1024)                               /* and what records and frames add */
#define RECORD_MAX (16u * 1024)
/* A message of which all but one byte is there, one more frame, and the record that TLS held back. */
#define ARRIVED_MAX (MESSAGE_HEADER_LEN + LINK_MESSAGE_MAX + LINK_FRAME_MAX + RECORD_MAX)
#define ROOM_MIN    512
/* RFC 8446, 5.5: AES-GCM keys serve 2^24.5 records; we change ours well before, for next to nothing. */
#define KEY_RECORDS_MAX (256u * 1024)

_Static_assert(ARRIVED_MAX + SEND_MAX + OUTPUT_MAX + LINK_FRAME_MAX + 2 * RECORD_MAX <= LINK_PEER_MEMORY_MAX,
               "what a peer can make us hold");

enum link_state {
    LINK_HELLO,     /* board: nobody has come yet; client: HELLO is out, no answer yet */
    LINK_HANDSHAKE, /* TLS is at work */
    LINK_OPEN,
    LINK_CLOSED /* for good */
};

struct link {
    const struct link_identity *id;
    enum link_state state;
    uint32_t session;
    uint8_t nonce[LINK_NONCE_LEN], boot_id[LINK_BOOT_ID_LEN];

    SSL *ssl;
    struct link_tls about;
    struct span cipher; /* of the frame at hand, what TLS has not read yet */
    bool starved;       /* TLS has asked for more than there is */
    uint64_t records;   /* written under the present key, at least */

    struct frame_reader reader;
    struct wire_buffer arrived; /* plaintext */
    size_t lent;                /* bytes in front of `arrived` that link_next() has given out */

    struct wire_buffer queue; /* plaintext */
    size_t reserved;          /* by link_send_begin() */
    struct wire_buffer output;
    struct frame_writer writer;
};

/* --- the life of a link --- */

static enum status link_new(const struct link_identity *id, enum link_framing framing, struct link **out)
{
    struct link *l = calloc(1, sizeof *l);

    *out = l;
    if (l == NULL)
        return ST_NO_MEMORY;
    l->id = l->about.id = id;
    l->arrived.max = ARRIVED_MAX;
    l->queue.max = SEND_MAX;
    l->output.max = OUTPUT_MAX;
    frame_reader_init(&l->reader, framing);
    l->writer = (struct frame_writer){ .framing = framing, .out = &l->output };
    return ST_OK;
}

enum status link_new_board(const struct link_identity *id, enum link_framing framing,
                           const uint8_t boot_id[LINK_BOOT_ID_LEN], struct link **out)
{
    enum status st = link_new(id, framing, out);

    INVARIANT(id->board);
    if (st == ST_OK)
        memcpy((*out)->boot_id, boot_id, LINK_BOOT_ID_LEN);
    return st;
}

static enum status send_frame(struct link *l, enum frame_kind kind, uint32_t session, struct span body)
{
    frame_begin(&l->writer, kind, session);
    frame_put(&l->writer, body);
    return frame_end(&l->writer);
}

enum status link_new_client(const struct link_identity *id, enum link_framing framing, struct link **out)
{
    enum status st = link_new(id, framing, out);

    INVARIANT(!id->board);
    if (st != ST_OK || ((st = link_identity_random(id, (*out)->nonce, LINK_NONCE_LEN)) == ST_OK &&
                        (st = send_frame(*out, FRAME_HELLO, 0, span_of((*out)->nonce, LINK_NONCE_LEN))) == ST_OK))
        return st;
    link_free(*out);
    *out = NULL;
    return ST_NO_MEMORY;
}

void link_free(struct link *l)
{
    if (l == NULL)
        return;
    SSL_free(l->ssl);
    frame_reader_clear(&l->reader);
    buffer_clear(&l->arrived);
    buffer_clear(&l->queue);
    buffer_clear(&l->output);
    secret_wipe(l, sizeof *l);
    free(l);
}

/* Closes for good. What was meant for the peer, an alert of TLS, still goes out, and CLOSE behind it. */
static void close_link(struct link *l)
{
    if (l->session != 0 && send_frame(l, FRAME_CLOSE, l->session, (struct span){ 0 }) != ST_OK)
        buffer_clear(&l->output); /* what is there may end in half a frame */
    l->state = LINK_CLOSED;
    buffer_clear(&l->arrived);
    buffer_clear(&l->queue);
    l->lent = 0;
}

/* The end of everything that may have written: the frame is whole, and after a failure the link is closed. */
static enum status finish(struct link *l, enum status st)
{
    enum status written = l->writer.open ? frame_end(&l->writer) : ST_OK;

    if (st == ST_OK)
        st = written;
    if (st != ST_OK)
        close_link(l);
    return st;
}

bool link_is_open(const struct link *l)
{
    return l->state == LINK_OPEN;
}

const uint8_t *link_peer_fingerprint(const struct link *l)
{
    return l->about.fingerprint;
}

const uint8_t *link_boot_id(const struct link *l)
{
    return l->boot_id;
}

/* --- between TLS and the frames --- */

int link_pipe_read(struct link *l, void *out, int len)
{
    size_t n = (size_t)len < l->cipher.len ? (size_t)len : l->cipher.len;

    if (n == 0) {
        l->starved = true;
        return -1;
    }
    memcpy(out, l->cipher.p, n);
    l->cipher = span_of(l->cipher.p + n, l->cipher.len - n);
    return (int)n;
}

int link_pipe_write(struct link *l, const void *p, int len)
{
    struct span rest = { p, (size_t)len };

    while (rest.len > 0) {
        struct span piece = rest;

        if (!l->writer.open)
            frame_begin(&l->writer, FRAME_DATA, l->session);
        if (piece.len > LINK_FRAME_MAX - l->writer.body_len)
            piece.len = LINK_FRAME_MAX - l->writer.body_len;
        frame_put(&l->writer, piece);
        rest = span_of(rest.p + piece.len, rest.len - piece.len);
        if (l->writer.body_len == LINK_FRAME_MAX && frame_end(&l->writer) != ST_OK)
            return -1;
    }
    return l->writer.open && l->writer.st != ST_OK ? -1 : len;
}

/* SSL_get_error() would look at the thread's error queue, which in a guest may hold its host's errors. */
static bool wants_more(const struct link *l)
{
    return l->starved && SSL_want_read(l->ssl);
}

static enum status receive(struct link *l)
{
    do {
        size_t room = l->cipher.len + (size_t)SSL_pending(l->ssl), n;
        enum status st = buffer_room(&l->arrived, room < ROOM_MIN ? ROOM_MIN : room);

        if (st != ST_OK)
            return st;
        l->starved = false;
        if (SSL_read_ex(l->ssl, l->arrived.p + l->arrived.end, l->arrived.cap - l->arrived.end, &n) == 1)
            l->arrived.end += n;
        else if (!wants_more(l))
            return (SSL_get_shutdown(l->ssl) & SSL_RECEIVED_SHUTDOWN) != 0 ? ST_CLOSED : ST_BAD_REQUEST;
    } while (l->cipher.len > 0 || SSL_pending(l->ssl) > 0);
    return ST_OK;
}

static enum status shake_hands(struct link *l)
{
    l->starved = false;
    if (SSL_do_handshake(l->ssl) != 1)
        return wants_more(l) ? ST_OK : ST_UNAUTHENTICATED;
    if (!link_identity_is_bound(l->ssl))
        return ST_UNAUTHENTICATED;
    l->state = LINK_OPEN;
    return l->cipher.len > 0 ? receive(l) : ST_OK;
}

/* A session begins: TLS starts, bound to what HELLO and its answer said. */
static enum status begin_session(struct link *l)
{
    static const char title[] = "strongroom link 1";
    uint8_t said[sizeof title + LINK_NONCE_LEN + LINK_BOOT_ID_LEN + sizeof l->session], *p = said;
    enum status st;

    memcpy(p, title, sizeof title);
    memcpy(p += sizeof title, l->nonce, LINK_NONCE_LEN);
    memcpy(p += LINK_NONCE_LEN, l->boot_id, LINK_BOOT_ID_LEN);
    be_put(p + LINK_BOOT_ID_LEN, l->session, 4);
    if ((st = link_identity_hash(l->id, span_of(said, sizeof said), l->about.binding)) != ST_OK)
        return st;
    SSL_free(l->ssl);
    if ((l->ssl = link_identity_tls(l->id, l, &l->about)) == NULL)
        return ST_NO_MEMORY;
    l->state = LINK_HANDSHAKE;
    return ST_OK;
}

/* --- frames --- */

/* Before TLS is through nothing is known of anybody, so a second HELLO simply begins again; later it means that the
 * client is gone and another has the channel. */
static enum status on_hello(struct link *l, const struct frame *f)
{
    uint8_t answer[LINK_NONCE_LEN + LINK_BOOT_ID_LEN];
    enum status st;

    if (!l->id->board)
        return ST_BAD_REQUEST;
    if (l->state == LINK_OPEN)
        return ST_CLOSED;
    do {
        if ((st = link_identity_random(l->id, &l->session, sizeof l->session)) != ST_OK)
            return st;
    } while (l->session == 0);
    memcpy(l->nonce, f->body.p, LINK_NONCE_LEN);
    memcpy(answer, l->nonce, LINK_NONCE_LEN);
    memcpy(answer + LINK_NONCE_LEN, l->boot_id, LINK_BOOT_ID_LEN);
    if ((st = send_frame(l, FRAME_HELLO_ACK, l->session, span_of(answer, sizeof answer))) != ST_OK)
        return st;
    return begin_session(l);
}

static enum status on_hello_ack(struct link *l, const struct frame *f)
{
    enum status st;

    if (l->id->board || f->session == 0)
        return ST_BAD_REQUEST;
    if (l->state != LINK_HELLO || memcmp(f->body.p, l->nonce, LINK_NONCE_LEN) != 0)
        return ST_OK; /* for a client before us */
    l->session = f->session;
    memcpy(l->boot_id, f->body.p + LINK_NONCE_LEN, LINK_BOOT_ID_LEN);
    if ((st = begin_session(l)) != ST_OK)
        return st;
    return shake_hands(l);
}

static enum status on_frame(struct link *l, const struct frame *f)
{
    if (f->kind == FRAME_HELLO)
        return on_hello(l, f);
    if (f->kind == FRAME_HELLO_ACK)
        return on_hello_ack(l, f);
    if (l->state == LINK_HELLO || f->session != l->session)
        return ST_OK; /* of another session */
    if (f->kind == FRAME_CLOSE)
        return ST_CLOSED;
    l->cipher = f->body;
    return l->state == LINK_OPEN ? receive(l) : shake_hands(l);
}

static void end_loan(struct link *l)
{
    buffer_take(&l->arrived, l->lent);
    l->lent = 0;
}

enum status link_feed(struct link *l, struct span in)
{
    enum status st;
    struct frame f;
    bool got;

    if (l->state == LINK_CLOSED)
        return ST_CLOSED;
    end_loan(l);
    ERR_set_mark();
    do {
        if ((st = frame_read(&l->reader, &in, &f, &got)) == ST_OK && got)
            st = on_frame(l, &f);
    } while (st == ST_OK && got);
    st = finish(l, st);
    ERR_pop_to_mark();
    return st;
}

bool link_is_mid_frame(const struct link *l)
{
    return frame_reader_is_mid_frame(&l->reader);
}

/* --- messages --- */

bool link_next(struct link *l, struct message *out, enum status *st)
{
    struct message_header h;
    struct span all;

    *st = ST_OK;
    if (l->state != LINK_OPEN)
        return false;
    end_loan(l);
    all = buffer_span(&l->arrived);
    if (all.len < MESSAGE_HEADER_LEN)
        return false;
    *st = message_header_read(&h, all.p);
    if (*st == ST_OK && l->id->board == ((h.flags & MESSAGE_ANSWER) != 0))
        *st = ST_BAD_REQUEST; /* clients ask, boards answer */
    if (*st != ST_OK) {
        close_link(l);
        return false;
    }
    if (all.len - MESSAGE_HEADER_LEN < h.length)
        return false;
    *out = (struct message){ .id = h.id,
                             .kind = h.kind,
                             .answer = !l->id->board,
                             .word = h.word,
                             .body = span_of(all.p + MESSAGE_HEADER_LEN, h.length) };
    l->lent = MESSAGE_HEADER_LEN + h.length;
    return true;
}

size_t link_room(const struct link *l)
{
    size_t used = buffer_len(&l->queue) + buffer_len(&l->output) + MESSAGE_HEADER_LEN;
    size_t room = used < SEND_MAX ? SEND_MAX - used : 0;

    return room < LINK_MESSAGE_MAX ? room : LINK_MESSAGE_MAX;
}

enum status link_send_begin(struct link *l, size_t max, uint8_t **body)
{
    enum status st;

    *body = NULL;
    if (l->state == LINK_CLOSED)
        return ST_CLOSED;
    if (max > LINK_MESSAGE_MAX)
        return ST_TOO_LARGE;
    if (max > link_room(l))
        return ST_BUSY;
    if ((st = buffer_room(&l->queue, MESSAGE_HEADER_LEN + max)) != ST_OK)
        return st;
    l->reserved = MESSAGE_HEADER_LEN + max;
    *body = l->queue.p + l->queue.end + MESSAGE_HEADER_LEN;
    return ST_OK;
}

void link_send_done(struct link *l, const struct message_header *h)
{
    size_t len = MESSAGE_HEADER_LEN + h->length;
    uint8_t *p = l->queue.p + l->queue.end;

    INVARIANT(l->reserved > 0 && len <= l->reserved);
    message_header_write(p, h);
    secret_wipe(p + len, l->reserved - len);
    l->queue.end += len;
    l->reserved = 0;
}

enum status link_send(struct link *l, const struct message *m)
{
    struct message_header h = { .length = (uint32_t)m->body.len,
                                .id = m->id,
                                .kind = m->kind,
                                .flags = m->answer ? MESSAGE_ANSWER : 0,
                                .word = m->word };
    uint8_t *body;
    enum status st = link_send_begin(l, m->body.len, &body);

    if (st != ST_OK)
        return st;
    if (m->body.len > 0)
        memcpy(body, m->body.p, m->body.len);
    link_send_done(l, &h);
    return ST_OK;
}

static enum status encrypt(struct link *l)
{
    struct span plain = buffer_span(&l->queue);
    size_t written;

    l->records += plain.len / RECORD_MAX + 1;
    if (l->records > KEY_RECORDS_MAX) {
        if (SSL_key_update(l->ssl, SSL_KEY_UPDATE_NOT_REQUESTED) != 1)
            return ST_NO_MEMORY;
        l->records = 0;
    }
    if (SSL_write_ex(l->ssl, plain.p, plain.len, &written) != 1 || written != plain.len)
        return ST_NO_MEMORY;
    buffer_take(&l->queue, plain.len);
    return ST_OK;
}

enum status link_flush(struct link *l)
{
    enum status st;

    if (l->state == LINK_CLOSED)
        return ST_CLOSED;
    if (l->state != LINK_OPEN || buffer_len(&l->queue) == 0)
        return ST_OK;
    l->reserved = 0;
    ERR_set_mark();
    st = finish(l, encrypt(l));
    ERR_pop_to_mark();
    return st;
}

struct span link_output(const struct link *l)
{
    return buffer_span(&l->output);
}

void link_output_taken(struct link *l, size_t len)
{
    buffer_take(&l->output, len);
}
