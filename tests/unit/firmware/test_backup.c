/* A partition's backup: what its parts are, what they give away (nothing), and what of the partition is in them. */
#include "firmware/backup_part.h"

#include <openssl/hmac.h>

#include "tests/unit/firmware/carrier.h"

static const char secret_text[] = "a value that nobody but the partition's user may read";
static const char secret_label[] = "a label that is looked for";

static struct carrier k;
static struct parts parts;

static void open_boards(void)
{
    carrier_open(&k);
    parts = (struct parts){ 0 };
}

static void close_boards(void)
{
    parts_clear(&parts);
    carrier_close(&k);
}

static void put_large(unsigned count)
{
    static uint8_t large[60000];

    for (unsigned i = 0; i < count; i++) {
        memset(large, (int)i + 1, sizeof large);
        CU_ASSERT_EQUAL_FATAL(carrier_put(&k, "large", large, sizeof large), CKR_OK);
    }
}

/* --- the form --- */

/* By the description in backup_part.h, with nothing of ours: the number of objects is what comes out. */
static void a_part_is_what_its_description_says(void)
{
    uint8_t input[21 + 16] = "strongroom backup v1", key[32], body[8192];
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    const uint8_t *p;
    unsigned key_len = 0;
    int n, body_len;

    (void)carrier_key(&k);
    CU_ASSERT_FATAL(backup_all(&k.a_owner, 1, &parts) == CKR_OK);
    for (unsigned i = 0; i < parts.count; i++) {
        p = parts.part[i].p;
        body_len = (int)parts.part[i].len - 50 - 16;
        CU_ASSERT(memcmp(p, "srbackup\1", 9) == 0 && p[9] == (i == parts.count - 1));
        CU_ASSERT(memcmp(p + 10, k.a.ks->domain.id, 8) == 0);
        CU_ASSERT(memcmp(p + 18, parts.part[0].p + 18, 16) == 0);
        CU_ASSERT(p[34] == 0 && p[35] == 0 && p[36] == 0 && p[37] == i);
        memcpy(input + 21, p + 18, 16);
        CU_ASSERT_PTR_NOT_NULL(HMAC(EVP_sha256(), k.a.ks->domain.key, 32, input, sizeof input, key, &key_len));
        CU_ASSERT(EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, p + 38) == 1);
        CU_ASSERT(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, 16, (void *)(uintptr_t)(p + 50 + body_len)) == 1);
        CU_ASSERT(EVP_DecryptUpdate(ctx, NULL, &n, p, 38) == 1);
        CU_ASSERT_FATAL(body_len > 4 && body_len <= (int)sizeof body);
        CU_ASSERT(EVP_DecryptUpdate(ctx, body, &n, p + 50, body_len) == 1);
        CU_ASSERT(EVP_DecryptFinal_ex(ctx, body + n, &n) == 1);
        CU_ASSERT(memcmp(body, "\0\0\0\1", 4) == 0);
    }
    EVP_CIPHER_CTX_free(ctx);
}

static CK_RV open_part(const struct bytes *part, uint32_t index)
{
    uint8_t *body = malloc(part->len + 1);
    struct backup_series s;
    size_t len;
    bool last;
    CK_RV rv;

    CU_ASSERT_FATAL(body != NULL &&
                    backup_series_of(k.a.ks->domain.key, k.a.ks->domain.id, parts.part[0].p + 18, &s) == CKR_OK);
    rv = backup_part_open(&s, index, bytes_span(part), &last, body, &len);
    free(body);
    return rv;
}

static void no_byte_of_a_part_can_be_changed(void)
{
    (void)carrier_key(&k);
    CU_ASSERT_FATAL(backup_all(&k.a_owner, 1, &parts) == CKR_OK);
    for (unsigned i = 0; i < parts.count; i++) {
        struct bytes *part = &parts.part[i];

        CU_ASSERT_EQUAL(open_part(part, i), CKR_OK);
        CU_ASSERT_EQUAL(open_part(part, i + 1), CKR_BACKUP_INVALID);
        for (size_t at = 0; at < part->len; at++)
            for (unsigned bit = 1; bit < 256; bit <<= 3) {
                part->p[at] ^= (uint8_t)bit;
                CU_ASSERT_EQUAL(open_part(part, i), CKR_BACKUP_INVALID);
                part->p[at] ^= (uint8_t)bit;
            }
        while (part->len-- > 0)
            CU_ASSERT_EQUAL(open_part(part, i), CKR_BACKUP_INVALID);
        part->len = 0;
    }
}

/* --- what it gives away --- */

static bool is_in_a_part(struct span what)
{
    for (unsigned i = 0; i < parts.count; i++)
        if (memmem(parts.part[i].p, parts.part[i].len, what.p, what.len) != NULL)
            return true;
    return false;
}

static void the_owner_reads_nothing(void)
{
    const struct partition *p = k.a.ks->partitions[0];
    const struct object *o;
    unsigned looked_for = 0;
    size_t at = 0;

    (void)carrier_key(&k);
    CU_ASSERT_FATAL(carrier_put(&k, secret_label, secret_text, sizeof secret_text) == CKR_OK);
    CU_ASSERT_FATAL(backup_all(&k.a_owner, 1, &parts) == CKR_OK);
    while ((o = handle_table_next(&p->objects, &at)) != NULL)
        for (unsigned i = 0; i < o->attributes.count; i++)
            if (o->attributes.items[i].len >= 8) {
                CU_ASSERT_FALSE(is_in_a_part(span_of(o->attributes.items[i].p, o->attributes.items[i].len)));
                looked_for++;
            }
    CU_ASSERT(looked_for >= 6);
    CU_ASSERT_FALSE(is_in_a_part(span_of(p->user_pin.hash, sizeof p->user_pin.hash)));
    CU_ASSERT_FALSE(is_in_a_part(span_of(p->so_pin.salt, sizeof p->so_pin.salt)));
    CU_ASSERT_FALSE(is_in_a_part(span_of(p->seal_id, sizeof p->seal_id)));
    CU_ASSERT_FALSE(is_in_a_part(span_of(k.a.user.fingerprint, LINK_FINGERPRINT_LEN)));
    CU_ASSERT_FALSE(is_in_a_part(span_of(k.a.ks->domain.key, DOMAIN_KEY_LEN)));
}

static void two_backups_share_nothing(void)
{
    struct parts again;

    (void)carrier_key(&k);
    CU_ASSERT_FATAL(backup_all(&k.a_owner, 1, &parts) == CKR_OK);
    CU_ASSERT_FATAL(backup_all(&k.a_owner, 1, &again) == CKR_OK);
    CU_ASSERT_EQUAL_FATAL(parts.count, again.count);
    for (unsigned i = 0; i < parts.count; i++) {
        CU_ASSERT_EQUAL(parts.part[i].len, again.part[i].len);
        CU_ASSERT(memcmp(parts.part[i].p + 18, again.part[i].p + 18, 16) != 0);
        CU_ASSERT(memcmp(parts.part[i].p + 38, again.part[i].p + 38, 12) != 0);
        CU_ASSERT(memcmp(parts.part[i].p + 50, again.part[i].p + 50, 16) != 0);
    }
    parts_clear(&again);
}

/* --- the job --- */

static void parts_keep_their_limit(void)
{
    put_large(5);
    CU_ASSERT_FATAL(backup_all(&k.a_owner, 1, &parts) == CKR_OK);
    CU_ASSERT_EQUAL(parts.count, 1 + 3); /* two of them in each, and one in the last */
    for (unsigned i = 0; i < parts.count; i++)
        CU_ASSERT(parts.part[i].len <= BACKUP_PART_MAX);
}

static void an_empty_partition_has_two_parts(void)
{
    CU_ASSERT_FATAL(backup_all(&k.a_owner, 1, &parts) == CKR_OK);
    CU_ASSERT_EQUAL(parts.count, 2);
}

static void next_needs_a_begin(void)
{
    struct bytes part = { 0 };
    bool last = false;

    CU_ASSERT_EQUAL(backup_part(&k.a_owner, &part, &last), CKR_OPERATION_NOT_INITIALIZED);
    CU_ASSERT_EQUAL(backup_begin(&k.a_owner, 2, &part), CKR_SLOT_ID_INVALID);
    CU_ASSERT_EQUAL(backup_begin(&k.a_owner, 0, &part), CKR_SLOT_ID_INVALID);
    CU_ASSERT_FATAL(backup_all(&k.a_owner, 1, &parts) == CKR_OK);
    CU_ASSERT_EQUAL(backup_part(&k.a_owner, &part, &last), CKR_OPERATION_NOT_INITIALIZED);
    CU_ASSERT_PTR_NULL(k.a.ks->backup);
    CU_ASSERT_EQUAL(backup_begin(&k.a_user, 1, &part), CKR_ACTION_PROHIBITED);
    bytes_clear(&part);
}

/* Each link of the owner's is for itself; one that goes takes its job with it. */
static void a_job_belongs_to_its_link(void)
{
    struct bytes part = { 0 };
    struct rig_client second;
    bool last;

    CU_ASSERT_FATAL(rig_connect(&k.a, &k.a.owner, &second) == ST_OK);
    CU_ASSERT_FATAL(backup_begin(&k.a_owner, 1, &part) == CKR_OK);
    CU_ASSERT_EQUAL(backup_part(&second, &part, &last), CKR_OPERATION_NOT_INITIALIZED);
    CU_ASSERT_FATAL(backup_begin(&second, 1, &part) == CKR_OK); /* in place of the other one */
    CU_ASSERT_EQUAL(backup_part(&k.a_owner, &part, &last), CKR_OPERATION_NOT_INITIALIZED);
    CU_ASSERT_PTR_NOT_NULL(k.a.ks->backup);
    rig_disconnect(&second);
    CU_ASSERT_PTR_NULL(k.a.ks->backup);
    bytes_clear(&part);
}

static CK_RV delete_partition(struct rig_client *owner, uint64_t id)
{
    Ks__PartitionId m = KS__PARTITION_ID__INIT;

    m.id = id;
    return rig_call(owner, MESSAGE_PARTITION_DELETE, &m.base, NULL);
}

static void a_deleted_partition_is_not_carried_out(void)
{
    struct bytes part = { 0 };
    bool last;

    (void)carrier_key(&k);
    CU_ASSERT_FATAL(backup_begin(&k.a_owner, 1, &part) == CKR_OK);
    CU_ASSERT_FATAL(delete_partition(&k.a_owner, 1) == CKR_OK);
    CU_ASSERT_PTR_NULL(k.a.ks->backup); /* at once: it held the keys */
    CU_ASSERT_EQUAL(backup_part(&k.a_owner, &part, &last), CKR_OPERATION_NOT_INITIALIZED);
    bytes_clear(&part);
}

static unsigned labels(const struct partition *p, const char *label)
{
    const struct object *o;
    unsigned count = 0;
    size_t at = 0;

    while ((o = handle_table_next(&p->objects, &at)) != NULL)
        count += span_is(attributes_get(&o->attributes, CKA_LABEL), label);
    return count;
}

static void destroy(const char *label)
{
    struct partition *p = k.a.ks->partitions[0];
    struct object *o;
    size_t at = 0;

    while ((o = handle_table_next(&p->objects, &at)) != NULL)
        if (span_is(attributes_get(&o->attributes, CKA_LABEL), label))
            break;
    CU_ASSERT_PTR_NOT_NULL_FATAL(o);
    pthread_mutex_lock(&p->lock);
    CU_ASSERT_EQUAL(partition_remove_object(p, &k.a.ks->storage, o), CKR_OK);
    pthread_mutex_unlock(&p->lock);
}

static void objects_are_those_of_the_beginning(void)
{
    bool last = false;

    CU_ASSERT_FATAL(carrier_put(&k, "stays", "1", 1) == CKR_OK);
    CU_ASSERT_FATAL(carrier_put(&k, "goes", "2", 1) == CKR_OK);
    CU_ASSERT_FATAL(backup_begin(&k.a_owner, 1, &parts.part[parts.count++]) == CKR_OK);
    destroy("goes");
    CU_ASSERT_FATAL(carrier_put(&k, "comes", "3", 1) == CKR_OK);
    CU_ASSERT_FATAL(backup_part(&k.a_owner, &parts.part[parts.count++], &last) == CKR_OK && last);
    CU_ASSERT_EQUAL(restore_all(&k.b_owner, &parts), CKR_OK);
    CU_ASSERT_EQUAL_FATAL(partition_count(&k.b), 1);
    CU_ASSERT_EQUAL(labels(k.b.ks->partitions[0], "stays"), 1);
    CU_ASSERT_EQUAL(labels(k.b.ks->partitions[0], "goes"), 1);
    CU_ASSERT_EQUAL(labels(k.b.ks->partitions[0], "comes"), 0);
    CU_ASSERT_EQUAL(labels(k.a.ks->partitions[0], "comes"), 1);
}

static void session_objects_stay(void)
{
    struct rig_template t;
    uint64_t key;

    rig_template_init(&t);
    rig_bool(&t, CKA_SIGN, true);
    CU_ASSERT_FATAL(rig_generate_aes(&k.a_user, k.session, 32, &t, &key) == CKR_OK);
    CU_ASSERT_FATAL(carrier_put(&k, "token", "1", 1) == CKR_OK);
    CU_ASSERT_FATAL(backup_all(&k.a_owner, 1, &parts) == CKR_OK);
    CU_ASSERT_EQUAL(restore_all(&k.b_owner, &parts), CKR_OK);
    CU_ASSERT_EQUAL(k.b.ks->partitions[0]->objects.count, 1);
}

static CU_TestInfo cases[] = {
    { "a part is what its description says", a_part_is_what_its_description_says },
    { "no byte of a part can be changed", no_byte_of_a_part_can_be_changed },
    { "the owner reads nothing in it", the_owner_reads_nothing },
    { "two backups share nothing", two_backups_share_nothing },
    { "parts keep their limit", parts_keep_their_limit },
    { "an empty partition has two parts", an_empty_partition_has_two_parts },
    { "the next part needs a beginning", next_needs_a_begin },
    { "a job belongs to its link", a_job_belongs_to_its_link },
    { "a deleted partition is not carried out", a_deleted_partition_is_not_carried_out },
    { "the objects are those of the beginning", objects_are_those_of_the_beginning },
    { "session objects stay", session_objects_stay },
    CU_TEST_INFO_NULL,
};

int main(void)
{
    CU_SuiteInfo suites[] = { { "backup", NULL, NULL, open_boards, close_boards, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
