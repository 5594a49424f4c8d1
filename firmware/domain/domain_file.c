#include "firmware/domain/domain_file.h"

#include <openssl/err.h>

#include "firmware/base/big_endian.h"
#include "firmware/domain/kdf.h"
#include "firmware/domain/shamir.h"

#define TITLE "strongroom domain file v1"

/* header, no key, IV, content, tag: the largest payload must fit into what the link carries */
_Static_assert(512 + 1 + 1 + 22 + 1 + (PAYLOAD_MAX / 16 + 1) * 16 * 4 / 3 + 3 + 1 + 43 <= DOMAIN_JWE_MAX,
               "a payload at its limit is a JWE within its own");

/* --- the digest --- */

static bool hash_counted(EVP_MD_CTX *ctx, const void *p, size_t len)
{
    uint8_t count[4];

    be_put(count, len, sizeof count);
    return EVP_DigestUpdate(ctx, count, sizeof count) == 1 && (len == 0 || EVP_DigestUpdate(ctx, p, len) == 1);
}

static bool hash_text(EVP_MD_CTX *ctx, const char *text)
{
    return hash_counted(ctx, text, strlen(text));
}

static bool hash_file(EVP_MD_CTX *ctx, const Ks__DomainFile *f)
{
    uint8_t counts[12];
    bool ok;

    be_put(be_put(be_put(counts, f->required, 4), f->n_items, 4), f->n_shares, 4);
    ok = EVP_DigestUpdate(ctx, TITLE, sizeof TITLE) == 1 && EVP_DigestUpdate(ctx, counts, sizeof counts) == 1;
    for (size_t i = 0; ok && i < f->n_items; i++)
        ok = hash_text(ctx, f->items[i]->tag) && hash_text(ctx, f->items[i]->compact_jwe);
    for (size_t i = 0; ok && i < f->n_shares; i++)
        ok = hash_counted(ctx, f->shares[i]->holder.data, f->shares[i]->holder.len) &&
             hash_text(ctx, f->shares[i]->compact_jwe);
    return ok;
}

enum status domain_file_digest(const Ks__DomainFile *f, uint8_t out[32])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 && hash_file(ctx, f) &&
              EVP_DigestFinal_ex(ctx, out, NULL) == 1;

    EVP_MD_CTX_free(ctx);
    return ok ? ST_OK : ST_NO_MEMORY;
}

/* --- making --- */

static char *budget_text(struct budget *b, struct span s)
{
    char *text = budget_take(b, s.len + 1);

    if (text != NULL) {
        memcpy(text, s.p, s.len);
        text[s.len] = '\0';
    }
    return text;
}

/* A file with all its parts, each still empty. */
static Ks__DomainFile *lay_out(const struct payload *p, struct budget *b)
{
    Ks__DomainFile *f = budget_take(b, sizeof *f);
    Ks__EncryptedItem *item = budget_take(b, sizeof *item), **items = budget_take(b, sizeof *items);
    Ks__EncryptedShare *shares = budget_take(b, p->holder_count * sizeof *shares),
                       **list = budget_take(b, p->holder_count * sizeof *list);
    uint8_t *hashes = budget_take(b, (p->holder_count + 1) * 32);

    if (f == NULL || item == NULL || items == NULL || shares == NULL || list == NULL || hashes == NULL)
        return NULL;
    *f = (Ks__DomainFile)KS__DOMAIN_FILE__INIT;
    *item = (Ks__EncryptedItem)KS__ENCRYPTED_ITEM__INIT;
    items[0] = item;
    for (size_t i = 0; i < p->holder_count; i++) {
        shares[i] = (Ks__EncryptedShare)KS__ENCRYPTED_SHARE__INIT;
        shares[i].holder = (ProtobufCBinaryData){ .data = hashes + 32 * (i + 1), .len = 32 };
        list[i] = &shares[i];
    }
    f->digest = (ProtobufCBinaryData){ .data = hashes, .len = 32 };
    f->required = p->required;
    f->items = items;
    f->n_items = 1;
    f->shares = list;
    f->n_shares = p->holder_count;
    return f;
}

static enum status derive(const uint8_t master[DOMAIN_MASTER_LEN], uint8_t key[JWE_KEY_LEN])
{
    return kdf_derive(span_of(master, DOMAIN_MASTER_LEN), span_text(DOMAIN_TAG), span_of(NULL, 0), key, JWE_KEY_LEN);
}

static enum status seal_item(const struct payload *p, const uint8_t master[DOMAIN_MASTER_LEN], random_draw *draw,
                             struct budget *b, Ks__EncryptedItem *item)
{
    struct secret packed = { 0 };
    uint8_t key[JWE_KEY_LEN];
    struct bytes jwe = { 0 };
    enum status st;

    if ((st = payload_pack(p, &packed)) == ST_OK && (st = derive(master, key)) == ST_OK &&
        (st = jwe_seal_direct(key, DOMAIN_TAG, secret_span(&packed), draw, &jwe)) == ST_OK) {
        item->tag = budget_text(b, span_text(DOMAIN_TAG));
        item->compact_jwe = budget_text(b, bytes_span(&jwe));
        st = item->tag != NULL && item->compact_jwe != NULL ? ST_OK : ST_NO_MEMORY;
    }
    secret_wipe(key, sizeof key);
    secret_clear(&packed);
    bytes_clear(&jwe);
    return st;
}

static enum status seal_share(struct span share, struct span certificate, random_draw *draw, struct budget *b,
                              Ks__EncryptedShare *out)
{
    const uint8_t *p = certificate.p;
    X509 *to = d2i_X509(NULL, &p, (long)certificate.len);
    struct bytes jwe = { 0 };
    enum status st = ST_UNSUPPORTED;

    if (to != NULL && p == certificate.p + certificate.len &&
        (st = domain_holder_name(certificate, out->holder.data)) == ST_OK &&
        (st = domain_share_seal(share, to, draw, &jwe)) == ST_OK) {
        out->compact_jwe = budget_text(b, bytes_span(&jwe));
        st = out->compact_jwe != NULL ? ST_OK : ST_NO_MEMORY;
    }
    bytes_clear(&jwe);
    X509_free(to);
    ERR_clear_error();
    return st;
}

static enum status seal_shares(const struct payload *p, const uint8_t master[DOMAIN_MASTER_LEN], random_draw *draw,
                               struct budget *b, Ks__EncryptedShare **out)
{
    uint8_t shares[HOLDERS_MAX * DOMAIN_SHARE_LEN];
    enum status st;

    st = shamir_split(span_of(master, DOMAIN_MASTER_LEN), p->required, (unsigned)p->holder_count, draw, shares);
    for (size_t i = 0; st == ST_OK && i < p->holder_count; i++)
        st = seal_share(span_of(shares + i * DOMAIN_SHARE_LEN, DOMAIN_SHARE_LEN), p->holders[i].certificate, draw, b,
                        out[i]);
    secret_wipe(shares, sizeof shares);
    return st;
}

enum status domain_file_make(const struct payload *p, random_draw *draw, struct budget *b, Ks__DomainFile **out)
{
    uint8_t master[DOMAIN_MASTER_LEN];
    Ks__DomainFile *f;
    enum status st;

    *out = NULL;
    if (!payload_is_valid(p))
        return ST_BAD_REQUEST;
    if ((f = lay_out(p, b)) == NULL)
        return ST_NO_MEMORY;
    if ((st = draw(master, sizeof master)) == ST_OK && (st = seal_item(p, master, draw, b, f->items[0])) == ST_OK &&
        (st = seal_shares(p, master, draw, b, f->shares)) == ST_OK &&
        (st = domain_file_digest(f, f->digest.data)) == ST_OK)
        *out = f;
    secret_wipe(master, sizeof master);
    return st;
}

/* --- opening --- */

enum status domain_file_open_master(size_t item_count, Ks__EncryptedItem *const *items, const struct secret *master,
                                    struct payload *out)
{
    struct secret packed = { 0 };
    uint8_t key[JWE_KEY_LEN];
    enum status st;

    if (item_count != 1 || strcmp(items[0]->tag, DOMAIN_TAG) != 0 || master->len != DOMAIN_MASTER_LEN)
        return ST_BAD_REQUEST;
    if ((st = derive(master->p, key)) == ST_OK &&
        (st = jwe_open_direct(key, span_text(items[0]->compact_jwe), &packed)) == ST_OK)
        st = payload_unpack(&packed, out);
    secret_wipe(key, sizeof key);
    return st;
}

static enum status combine(uint32_t required, const struct secret *shares, size_t share_count, struct secret *master,
                           unsigned *distinct)
{
    struct span spans[HOLDERS_MAX];
    enum status st;

    if (share_count > HOLDERS_MAX || required < QUORUM_MIN || required > QUORUM_MAX)
        return ST_BAD_REQUEST;
    for (size_t i = 0; i < share_count; i++)
        spans[i] = secret_span(&shares[i]);
    if ((st = secret_grow(master, DOMAIN_MASTER_LEN)) != ST_OK)
        return st;
    master->len = DOMAIN_MASTER_LEN;
    return shamir_combine(spans, share_count, required, DOMAIN_MASTER_LEN, master->p, distinct);
}

enum status domain_file_open(uint32_t required, size_t item_count, Ks__EncryptedItem *const *items,
                             const struct secret *shares, size_t share_count, struct payload *out, unsigned *distinct)
{
    struct secret master = { 0 };
    enum status st;

    *distinct = 0;
    if ((st = combine(required, shares, share_count, &master, distinct)) == ST_OK &&
        (st = domain_file_open_master(item_count, items, &master, out)) == ST_OK && out->required != required) {
        payload_clear(out); /* more shares than were needed also give the master key */
        st = ST_BAD_CIPHERTEXT;
    }
    secret_clear(&master);
    return st;
}
