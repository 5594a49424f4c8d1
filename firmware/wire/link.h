/* link.h - one end of one link between a client and the keystore, without any I/O: bytes of the transport go in and
 * come out, messages come out and go in. Both ends share it. Step by step in README.md.
 *
 *   outer frame    one layer for every transport, in one of two framings (frame.h)
 *   HELLO          the client's nonce and our version; the board answers with its boot id and a session number. Frames
 *                  of another session are dropped, so what an earlier client left in the channel cannot reach a later
 *                  one
 *   TLS 1.3        end to end inside DATA frames, both sides with certificates. The peer is who its public key is: its
 *                  fingerprint (SHA-256 of SubjectPublicKeyInfo) is looked up by the board, and pinned by the client
 *   messages       message.h
 *
 * Not thread-safe: one thread at a time. Buffers are bounded (LINK_PEER_MEMORY_MAX) and wiped when freed and when
 * consumed. */
#ifndef STRONGROOM_WIRE_LINK_H
#define STRONGROOM_WIRE_LINK_H

#include <openssl/ssl.h>

#include "firmware/wire/message.h"

enum link_framing {
    LINK_FRAMING_LENGTH, /* for streams that cannot lose sync: unix sockets */
    LINK_FRAMING_COBS,   /* for those that can: virtio-serial, UARTs */
};

/* Certificate and key of this end, and how it checks the other. One for many links; thread-safe after making. */
struct link_identity;

/* The board's end: accepts any certificate of an acceptable form (its fingerprint decides), P-256, P-384 or Ed25519,
 * valid now or not: boards have no trusted clock. Takes a reference of both. Errors: ST_BAD_REQUEST they do not belong
 * together or are of another kind; ST_NO_MEMORY. */
MUST_CHECK enum status link_identity_board(EVP_PKEY *key, X509 *certificate, struct link_identity **out);
/* The client's end: `pinned` is the fingerprint that the board must have. Errors: as above. */
MUST_CHECK enum status link_identity_client(EVP_PKEY *key, X509 *certificate,
                                            const uint8_t pinned[LINK_FINGERPRINT_LEN], struct link_identity **out);
void link_identity_free(struct link_identity *id);
/* SHA-256 of the certificate's SubjectPublicKeyInfo. Errors: ST_BAD_REQUEST. */
MUST_CHECK enum status link_fingerprint(X509 *certificate, uint8_t out[LINK_FINGERPRINT_LEN]);
/* Is it of a kind that a peer may have: P-256, P-384, Ed25519? NULL is not. */
bool link_key_is_acceptable(const EVP_PKEY *key);

struct link;

/* Errors: ST_NO_MEMORY. */
MUST_CHECK enum status link_new_board(const struct link_identity *id, enum link_framing framing,
                                      const uint8_t boot_id[LINK_BOOT_ID_LEN], struct link **out);
/* Starts with HELLO in its output. */
MUST_CHECK enum status link_new_client(const struct link_identity *id, enum link_framing framing, struct link **out);
void link_free(struct link *l);

/* Bytes from the transport, at most LINK_FRAME_MAX at a time, and link_next() until it says false before the next: then
 * an honest peer fits into the buffers. Takes all of them or fails. Errors, after which the link is closed for good
 * (but its output may hold a last word to the peer): ST_BAD_REQUEST broken rules; ST_TOO_LARGE; ST_UNAUTHENTICATED the
 * handshake failed or the board is another; ST_CLOSED by the peer, or (board) another client says HELLO on the channel;
 * ST_NO_MEMORY. */
MUST_CHECK enum status link_feed(struct link *l, struct span in);
/* The handshake is done and the peer known. */
bool link_is_open(const struct link *l);
/* The peer's; valid once open. */
const uint8_t *link_peer_fingerprint(const struct link *l);
/* The boot id that the board gave; valid once open. */
const uint8_t *link_boot_id(const struct link *l);

/* The next whole message that has arrived. False: none. *out is borrowed until the next call of link_next() or
 * link_feed(). A message that breaks the rules of message.h ends the link: *st is then not ST_OK. */
bool link_next(struct link *l, struct message *out, enum status *st);

/* Queue a message; the bytes of `body` are copied into the link's buffer. Nothing is encrypted before link_flush(), so
 * what one pass collects goes out in few records. Errors: ST_BUSY the buffer is full (send, then go on); ST_CLOSED;
 * ST_TOO_LARGE; ST_NO_MEMORY. */
MUST_CHECK enum status link_send(struct link *l, const struct message *m);
/* Reserve room for a body of up to `max` bytes behind a header and get the pointer, to write it in place: then
 * link_send_done() with the true length. One at a time; one that is not done is forgotten. Errors as link_send(). */
MUST_CHECK enum status link_send_begin(struct link *l, size_t max, uint8_t **body);
void link_send_done(struct link *l, const struct message_header *h);
/* The largest body that there is room for now. */
size_t link_room(const struct link *l);
/* Encrypt what is queued; before the link is open it waits. Errors: ST_CLOSED; ST_NO_MEMORY. */
MUST_CHECK enum status link_flush(struct link *l);
/* What the transport should send; link_output_taken() tells how much it took. */
struct span link_output(const struct link *l);
void link_output_taken(struct link *l, size_t len);
/* A frame has begun and not ended: the transport's owner closes after LINK_STALL_MS without progress. */
bool link_is_mid_frame(const struct link *l);

#endif
