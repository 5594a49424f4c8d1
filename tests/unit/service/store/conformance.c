#include "tests/unit/service/store/conformance.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

static enum status (*open_fresh_store)(struct store **out);

void conformance_use(enum status (*open_fresh)(struct store **out))
{
    open_fresh_store = open_fresh;
}

static struct store *fresh(void)
{
    struct store *s = NULL;

    if (open_fresh_store(&s) != ST_OK)
        CU_FAIL_FATAL("a fresh store cannot be opened");
    return s;
}

enum status put_span(struct store *s, struct span key, struct span value, uint64_t expected, uint64_t *revision)
{
    struct store_write w = { .key = key, .value = value, .expected = expected };
    struct store_commit c = { .writes = &w, .count = 1 };
    enum status st = store_commit(s, &c);

    INVARIANT(st == c.status); /* no CUnit here: another process calls it too */
    if (revision != NULL)
        *revision = c.revision;
    return st;
}

enum status put(struct store *s, const char *key, const char *value, uint64_t expected, uint64_t *revision)
{
    return put_span(s, span_text(key), span_text(value), expected, revision);
}

enum status delete_key(struct store *s, const char *key, uint64_t expected)
{
    return put_span(s, span_text(key), span_of(NULL, 0), expected, NULL);
}

bool holds(struct store *s, const char *key, const char *value)
{
    struct bytes b = { 0 };
    uint64_t revision = 0;
    bool same = store_get(s, span_text(key), &b, &revision) == ST_OK && span_is(bytes_span(&b), value) && revision > 0;

    bytes_clear(&b);
    return same;
}

/* The keys a range visits, joined by spaces. */
struct keys {
    char text[512];
    size_t stop_after; /* 0: never */
    size_t visited;
};

static bool collect(const struct store_record *r, void *arg)
{
    struct keys *k = arg;
    size_t len = strlen(k->text);

    snprintf(k->text + len, sizeof k->text - len, "%s%.*s", len > 0 ? " " : "", (int)r->key.len,
             (const char *)r->key.p);
    return ++k->visited != k->stop_after;
}

static bool range_is(struct store *s, const char *prefix, const char *after, size_t limit, size_t stop_after,
                     const char *want, bool want_more)
{
    struct keys k = { .stop_after = stop_after };
    bool more = !want_more;
    enum status st = store_range(s, span_text(prefix), span_text(after), limit, collect, &k, &more);

    if (st != ST_OK || strcmp(k.text, want) != 0 || more != want_more)
        printf("\n  range(%s, %s): \"%s\" more=%d, not \"%s\"\n", prefix, after, k.text, more, want);
    return st == ST_OK && strcmp(k.text, want) == 0 && more == want_more;
}

static void what_is_put_is_read(void)
{
    struct store *s = fresh();
    struct bytes value = { 0 };
    uint64_t first = 0, second = 0, read = 0;

    CU_ASSERT(store_get(s, span_text("a"), &value, &read) == ST_NOT_FOUND);
    CU_ASSERT(put(s, "a", "one", STORE_ANY, &first) == ST_OK);
    CU_ASSERT(first > 0);
    CU_ASSERT(put(s, "b", "other", STORE_ANY, &second) == ST_OK);
    CU_ASSERT(second > first);
    CU_ASSERT(store_get(s, span_text("a"), &value, &read) == ST_OK);
    CU_ASSERT(span_is(bytes_span(&value), "one"));
    CU_ASSERT(read == first);
    CU_ASSERT(put(s, "a", "two", STORE_ANY, &first) == ST_OK);
    CU_ASSERT(first > second);
    CU_ASSERT(store_get(s, span_text("a"), &value, NULL) == ST_OK);
    CU_ASSERT(span_is(bytes_span(&value), "two"));
    CU_ASSERT(store_get(s, span_text("a"), NULL, &read) == ST_OK);
    CU_ASSERT(read == first);
    bytes_clear(&value);
    store_close(s);
}

static void an_empty_value_is_no_delete(void)
{
    struct store *s = fresh();
    struct bytes value = { 0 };

    CU_ASSERT(put(s, "a", "", STORE_ABSENT, NULL) == ST_OK);
    CU_ASSERT(store_get(s, span_text("a"), &value, NULL) == ST_OK);
    CU_ASSERT(value.len == 0);
    CU_ASSERT(range_is(s, "", "", 10, 0, "a", false));
    CU_ASSERT(put(s, "a", "x", STORE_ABSENT, NULL) == ST_CONFLICT);
    CU_ASSERT(delete_key(s, "a", STORE_ANY) == ST_OK);
    CU_ASSERT(store_get(s, span_text("a"), &value, NULL) == ST_NOT_FOUND);
    bytes_clear(&value);
    store_close(s);
}

static void keys_are_bytes(void)
{
    static const char *const keys[] = { "a\0b", "a\0c", "\xff\xff", "A", "a " };
    static const size_t lens[] = { 3, 3, 2, 1, 2 };
    struct store *s = fresh();
    struct bytes value = { 0 };

    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        CU_ASSERT(put_span(s, span_of(keys[i], lens[i]), span_of(&i, sizeof i), STORE_ABSENT, NULL) == ST_OK);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        CU_ASSERT(store_get(s, span_of(keys[i], lens[i]), &value, NULL) == ST_OK);
        CU_ASSERT(span_equal(bytes_span(&value), span_of(&i, sizeof i)));
    }
    CU_ASSERT(store_get(s, span_text("a"), &value, NULL) == ST_NOT_FOUND);
    bytes_clear(&value);
    store_close(s);
}

static void limits_are_kept(void)
{
    struct store *s = fresh();
    static uint8_t big[STORE_VALUE_MAX + 1];
    struct span longest = span_of(big, STORE_KEY_MAX), too_long = span_of(big, STORE_KEY_MAX + 1);
    struct bytes value = { 0 };

    memset(big, 'k', sizeof big);
    CU_ASSERT(put_span(s, longest, span_of(big, STORE_VALUE_MAX), STORE_ANY, NULL) == ST_OK);
    CU_ASSERT(store_get(s, longest, &value, NULL) == ST_OK);
    CU_ASSERT(value.len == STORE_VALUE_MAX);
    CU_ASSERT(put_span(s, too_long, span_text("v"), STORE_ANY, NULL) == ST_TOO_LARGE);
    CU_ASSERT(put_span(s, span_text("k"), span_of(big, STORE_VALUE_MAX + 1), STORE_ANY, NULL) == ST_TOO_LARGE);
    CU_ASSERT(put_span(s, span_of("", 0), span_text("v"), STORE_ANY, NULL) == ST_BAD_REQUEST);
    CU_ASSERT(store_get(s, too_long, &value, NULL) == ST_TOO_LARGE);
    CU_ASSERT(store_get(s, span_of("", 0), &value, NULL) == ST_BAD_REQUEST);
    CU_ASSERT(store_range(s, too_long, span_of(NULL, 0), 1, collect, NULL, NULL) == ST_TOO_LARGE);
    CU_ASSERT(store_range(s, span_of(NULL, 0), too_long, 1, collect, NULL, NULL) == ST_TOO_LARGE);
    CU_ASSERT(store_get(s, span_text("k"), &value, NULL) == ST_NOT_FOUND);
    bytes_clear(&value);
    store_close(s);
}

static void a_commit_has_so_many_writes(void)
{
    static struct store_write writes[STORE_WRITES_MAX + 1];
    static char keys[STORE_WRITES_MAX + 1][16];
    static uint8_t big[STORE_VALUE_MAX];
    struct store *s = fresh();
    struct store_commit c = { .writes = writes, .count = STORE_WRITES_MAX + 1 };
    uint64_t revision = 0;

    for (size_t i = 0; i < ARRAY_LEN(writes); i++) {
        snprintf(keys[i], sizeof keys[i], "k/%05zu", i);
        writes[i] = (struct store_write){ span_text(keys[i]), span_text("v"), STORE_ABSENT };
    }
    CU_ASSERT(store_commit(s, &c) == ST_TOO_LARGE);
    CU_ASSERT(range_is(s, "", "", 10, 0, "", false));
    c.count = STORE_WRITES_MAX;
    CU_ASSERT(store_commit(s, &c) == ST_OK);
    CU_ASSERT(store_get(s, span_text("k/00000"), NULL, &revision) == ST_OK && revision == c.revision);
    CU_ASSERT(store_get(s, span_text("k/02047"), NULL, &revision) == ST_OK && revision == c.revision);
    CU_ASSERT(range_is(s, "k/", "k/02044", 10, 0, "k/02045 k/02046 k/02047", false));
    for (size_t i = 0; i < 65; i++) /* 65 MiB */
        writes[i] = (struct store_write){ span_text(keys[i]), span_of(big, sizeof big), STORE_ANY };
    c.count = 65;
    CU_ASSERT(store_commit(s, &c) == ST_TOO_LARGE);
    CU_ASSERT(holds(s, "k/00000", "v"));
    c.count = 0;
    CU_ASSERT(store_commit(s, &c) == ST_OK);
    store_close(s);
}

static void a_key_comes_once_in_a_commit(void)
{
    struct store *s = fresh();
    struct store_write few[] = { { span_text("a"), span_text("1"), STORE_ANY },
                                 { span_text("b"), span_text("1"), STORE_ANY },
                                 { span_text("a"), span_of(NULL, 0), STORE_ANY } };
    struct store_write many[40];
    char keys[40][8];
    struct store_commit c = { .writes = few, .count = ARRAY_LEN(few) };

    CU_ASSERT(store_commit(s, &c) == ST_BAD_REQUEST);
    for (size_t i = 0; i < ARRAY_LEN(many); i++) {
        snprintf(keys[i], sizeof keys[i], "%zu", (i * 7) % 39); /* the last is the first again */
        many[i] = (struct store_write){ span_text(keys[i]), span_text("v"), STORE_ANY };
    }
    c = (struct store_commit){ .writes = many, .count = ARRAY_LEN(many) };
    CU_ASSERT(store_commit(s, &c) == ST_BAD_REQUEST);
    CU_ASSERT(range_is(s, "", "", 10, 0, "", false));
    c.count--;
    CU_ASSERT(store_commit(s, &c) == ST_OK);
    store_close(s);
}

static void conditions_are_kept(void)
{
    struct store *s = fresh();
    uint64_t first = 0, second = 0;

    CU_ASSERT(put(s, "a", "0", 1, NULL) == ST_CONFLICT);
    CU_ASSERT(put(s, "a", "1", STORE_ABSENT, &first) == ST_OK);
    CU_ASSERT(put(s, "a", "2", STORE_ABSENT, NULL) == ST_CONFLICT);
    CU_ASSERT(put(s, "a", "2", first + 1, NULL) == ST_CONFLICT);
    CU_ASSERT(put(s, "a", "2", UINT64_MAX - 1, NULL) == ST_CONFLICT);
    CU_ASSERT(put(s, "a", "2", first, &second) == ST_OK);
    CU_ASSERT(put(s, "a", "3", first, NULL) == ST_CONFLICT);
    CU_ASSERT(holds(s, "a", "2"));
    CU_ASSERT(delete_key(s, "a", first) == ST_CONFLICT);
    CU_ASSERT(delete_key(s, "a", second) == ST_OK);
    CU_ASSERT(delete_key(s, "a", second) == ST_CONFLICT);
    CU_ASSERT(delete_key(s, "a", STORE_ANY) == ST_OK);
    CU_ASSERT(delete_key(s, "a", STORE_ABSENT) == ST_OK);
    CU_ASSERT(put(s, "a", "4", second, NULL) == ST_CONFLICT);
    CU_ASSERT(put(s, "a", "4", STORE_ABSENT, &first) == ST_OK);
    CU_ASSERT(first > second);
    CU_ASSERT(delete_key(s, "a", STORE_ABSENT) == ST_CONFLICT);
    CU_ASSERT(holds(s, "a", "4"));
    store_close(s);
}

static void a_refused_commit_leaves_no_trace(void)
{
    struct store *s = fresh();
    struct store_write writes[] = { { span_text("new"), span_text("x"), STORE_ABSENT },
                                    { span_text("old"), span_of(NULL, 0), STORE_ANY },
                                    { span_text("held"), span_text("x"), STORE_ABSENT } };
    struct store_commit c = { .writes = writes, .count = ARRAY_LEN(writes) };
    uint64_t before = 0, after = 0;

    CU_ASSERT(put(s, "old", "1", STORE_ANY, NULL) == ST_OK);
    CU_ASSERT(put(s, "held", "1", STORE_ANY, &before) == ST_OK);
    CU_ASSERT(store_commit(s, &c) == ST_CONFLICT);
    CU_ASSERT(c.revision == 0);
    CU_ASSERT(holds(s, "old", "1"));
    CU_ASSERT(holds(s, "held", "1"));
    CU_ASSERT(store_get(s, span_text("new"), NULL, NULL) == ST_NOT_FOUND);
    writes[2].expected = before;
    CU_ASSERT(store_commit(s, &c) == ST_OK);
    CU_ASSERT(range_is(s, "", "", 10, 0, "held new", false));
    CU_ASSERT(store_get(s, span_text("new"), NULL, &after) == ST_OK);
    CU_ASSERT(after == c.revision && after == before + 1);
    store_close(s);
}

static void ranges_are_ordered_and_paged(void)
{
    static const char *const keys[] = { "b/3", "b/1", "b", "a", "b/", "c", "b/2", "b0", "b/1/x" };
    struct store *s = fresh();

    CU_ASSERT(range_is(s, "", "", 10, 0, "", false));
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        CU_ASSERT(put(s, keys[i], "v", STORE_ANY, NULL) == ST_OK);
    CU_ASSERT(put(s, "b/4", "v", STORE_ANY, NULL) == ST_OK);
    CU_ASSERT(delete_key(s, "b/4", STORE_ANY) == ST_OK);
    CU_ASSERT(range_is(s, "", "", SIZE_MAX, 0, "a b b/ b/1 b/1/x b/2 b/3 b0 c", false));
    CU_ASSERT(range_is(s, "b/", "", 10, 0, "b/ b/1 b/1/x b/2 b/3", false));
    CU_ASSERT(range_is(s, "b/", "", 5, 0, "b/ b/1 b/1/x b/2 b/3", false));
    CU_ASSERT(range_is(s, "b/", "", 4, 0, "b/ b/1 b/1/x b/2", true));
    CU_ASSERT(range_is(s, "b/", "b/2", 4, 0, "b/3", false));
    CU_ASSERT(range_is(s, "b/", "b/", 2, 0, "b/1 b/1/x", true));
    CU_ASSERT(range_is(s, "b/", "b/11", 10, 0, "b/2 b/3", false)); /* `after` need not be there */
    CU_ASSERT(range_is(s, "b/", "a", 10, 0, "b/ b/1 b/1/x b/2 b/3", false));
    CU_ASSERT(range_is(s, "b/", "c", 10, 0, "", false));
    CU_ASSERT(range_is(s, "b/", "", 0, 0, "", true));
    CU_ASSERT(range_is(s, "x", "", 0, 0, "", false));
    CU_ASSERT(range_is(s, "b/", "", 10, 2, "b/ b/1", true));
    CU_ASSERT(range_is(s, "b/", "", 10, 5, "b/ b/1 b/1/x b/2 b/3", false));
    store_close(s);
}

static void prefixes_of_high_bytes_end_where_they_should(void)
{
    struct store *s = fresh();

    CU_ASSERT(put(s, "a", "v", STORE_ANY, NULL) == ST_OK);
    CU_ASSERT(put(s, "\xfe", "v", STORE_ANY, NULL) == ST_OK);
    CU_ASSERT(put(s, "\xff\xff", "v", STORE_ANY, NULL) == ST_OK);
    CU_ASSERT(put(s, "\xff\xff\xff", "v", STORE_ANY, NULL) == ST_OK);
    CU_ASSERT(put(s, "a\xff", "v", STORE_ANY, NULL) == ST_OK);
    CU_ASSERT(put(s, "b", "v", STORE_ANY, NULL) == ST_OK);
    CU_ASSERT(range_is(s, "\xff", "", 10, 0, "\xff\xff \xff\xff\xff", false));
    CU_ASSERT(range_is(s, "a\xff", "", 10, 0, "a\xff", false));
    CU_ASSERT(range_is(s, "", "b", 10, 0, "\xfe \xff\xff \xff\xff\xff", false));
    store_close(s);
}

struct nested {
    struct store *store;
    size_t visited;
};

static bool write_while_visiting(const struct store_record *r, void *arg)
{
    struct nested *n = arg;
    struct keys k = { .visited = 0 };
    char key[32];

    CU_ASSERT(store_get(n->store, r->key, NULL, NULL) == ST_OK);
    snprintf(key, sizeof key, "z/%zu", n->visited++);
    CU_ASSERT(put(n->store, key, "v", STORE_ABSENT, NULL) == ST_OK);
    CU_ASSERT(delete_key(n->store, "c", STORE_ANY) == ST_OK);
    CU_ASSERT(store_range(n->store, span_text("z/"), span_of(NULL, 0), 100, collect, &k, NULL) == ST_OK);
    CU_ASSERT(k.visited == n->visited);
    return true;
}

static void a_range_is_one_snapshot(void)
{
    struct store *s = fresh();
    struct nested n = { .store = s };
    bool more = true;

    CU_ASSERT(put(s, "a", "v", STORE_ANY, NULL) == ST_OK);
    CU_ASSERT(put(s, "b", "v", STORE_ANY, NULL) == ST_OK);
    CU_ASSERT(store_range(s, span_of(NULL, 0), span_of(NULL, 0), 100, write_while_visiting, &n, &more) == ST_OK);
    CU_ASSERT(n.visited == 2);
    CU_ASSERT(!more);
    store_close(s);
}

/* Changes a watch was told, in order: "+key=value" or "-key". */
struct told {
    pthread_mutex_t lock;
    char text[512];
    uint64_t last_revision;
    bool out_of_order;
};

static void note(const struct store_record *r, void *arg)
{
    struct told *t = arg;
    size_t len;

    pthread_mutex_lock(&t->lock);
    len = strlen(t->text);
    if (r->value.p == NULL)
        snprintf(t->text + len, sizeof t->text - len, "-%.*s ", (int)r->key.len, (const char *)r->key.p);
    else
        snprintf(t->text + len, sizeof t->text - len, "+%.*s=%.*s ", (int)r->key.len, (const char *)r->key.p,
                 (int)r->value.len, (const char *)r->value.p);
    t->out_of_order = t->out_of_order || r->revision < t->last_revision;
    t->last_revision = r->revision;
    pthread_mutex_unlock(&t->lock);
}

static void changes_are_told_before_done(void)
{
    struct store *s = fresh();
    struct told t = { .lock = PTHREAD_MUTEX_INITIALIZER }, all = { .lock = PTHREAD_MUTEX_INITIALIZER };
    struct store_watch *w = NULL, *w_all = NULL;
    uint64_t revision = 0;

    CU_ASSERT(put(s, "a/0", "before", STORE_ANY, NULL) == ST_OK);
    CU_ASSERT_FATAL(store_watch(s, span_text("a/"), note, &t, &w) == ST_OK);
    CU_ASSERT_FATAL(store_watch(s, span_of(NULL, 0), note, &all, &w_all) == ST_OK);
    CU_ASSERT_STRING_EQUAL(t.text, ""); /* nothing is told of what was there */
    CU_ASSERT(put(s, "a/1", "x", STORE_ANY, &revision) == ST_OK);
    CU_ASSERT_STRING_EQUAL(t.text, "+a/1=x ");
    CU_ASSERT(t.last_revision == revision);
    CU_ASSERT(put(s, "b/1", "y", STORE_ANY, NULL) == ST_OK);
    CU_ASSERT(put(s, "a/1", "", STORE_ANY, NULL) == ST_OK);
    CU_ASSERT(delete_key(s, "a/1", STORE_ANY) == ST_OK);
    CU_ASSERT(delete_key(s, "a/1", STORE_ANY) == ST_OK); /* changes nothing */
    CU_ASSERT(put(s, "a/1", "no", 1, NULL) == ST_CONFLICT);
    CU_ASSERT_STRING_EQUAL(t.text, "+a/1=x +a/1= -a/1 ");
    CU_ASSERT_STRING_EQUAL(all.text, "+a/1=x +b/1=y +a/1= -a/1 ");
    store_unwatch(s, w);
    CU_ASSERT(put(s, "a/2", "x", STORE_ANY, NULL) == ST_OK);
    CU_ASSERT_STRING_EQUAL(t.text, "+a/1=x +a/1= -a/1 ");
    CU_ASSERT_STRING_EQUAL(all.text, "+a/1=x +b/1=y +a/1= -a/1 +a/2=x ");
    CU_ASSERT(!t.out_of_order && !all.out_of_order);
    store_unwatch(s, NULL);
    store_close(s); /* with a watch still there */
}

static void a_watch_after_a_pause_is_not_told_the_past(void)
{
    struct store *s = fresh();
    struct told t = { .lock = PTHREAD_MUTEX_INITIALIZER };
    struct store_watch *w = NULL;

    for (int round = 0; round < 3; round++) {
        CU_ASSERT(put(s, "a", "unseen", STORE_ANY, NULL) == ST_OK);
        CU_ASSERT_FATAL(store_watch(s, span_text("a"), note, &t, &w) == ST_OK);
        CU_ASSERT(put(s, "a", "seen", STORE_ANY, NULL) == ST_OK);
        store_unwatch(s, w);
    }
    CU_ASSERT_STRING_EQUAL(t.text, "+a=seen +a=seen +a=seen ");
    store_close(s);
}

#define THREADS 8
#define ROUNDS  50

struct contest {
    struct store *store;
    _Atomic unsigned wins, losses, others;
    pthread_barrier_t barrier;
};

/* Each round, everybody tries to replace the same revision. */
static void *contender(void *arg)
{
    struct contest *c = arg;

    for (int round = 0; round < ROUNDS; round++) {
        uint64_t revision = 0;

        if (store_get(c->store, span_text("prize"), NULL, &revision) != ST_OK)
            atomic_fetch_add(&c->others, 1);
        pthread_barrier_wait(&c->barrier);
        switch (put(c->store, "prize", "mine", revision, NULL)) {
        case ST_OK:
            atomic_fetch_add(&c->wins, 1);
            break;
        case ST_CONFLICT:
            atomic_fetch_add(&c->losses, 1);
            break;
        default:
            atomic_fetch_add(&c->others, 1);
        }
        pthread_barrier_wait(&c->barrier);
    }
    return NULL;
}

static void one_winner_per_revision(void)
{
    struct contest c = { .store = fresh() };
    pthread_t threads[THREADS];

    CU_ASSERT(put(c.store, "prize", "first", STORE_ABSENT, NULL) == ST_OK);
    pthread_barrier_init(&c.barrier, NULL, THREADS);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, contender, &c);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&c.barrier);
    CU_ASSERT(c.wins == ROUNDS);
    CU_ASSERT(c.losses == ROUNDS * (THREADS - 1));
    CU_ASSERT(c.others == 0);
    store_close(c.store);
}

struct pair {
    struct store *store;
    _Atomic bool stop, torn;
    _Atomic unsigned reads;
};

static bool compare_pair(const struct store_record *r, void *arg)
{
    uint64_t *revision = arg;

    if (*revision != 0 && *revision != r->revision)
        *revision = UINT64_MAX;
    else
        *revision = r->revision;
    return true;
}

static void *pair_reader(void *arg)
{
    struct pair *p = arg;
    uint64_t newest = 0;

    while (!atomic_load(&p->stop)) {
        uint64_t revision = 0;

        if (store_range(p->store, span_text("pair/"), span_of(NULL, 0), 10, compare_pair, &revision, NULL) != ST_OK ||
            revision == UINT64_MAX || revision < newest)
            atomic_store(&p->torn, true);
        newest = revision;
        atomic_fetch_add(&p->reads, 1);
    }
    return NULL;
}

static void readers_never_see_half_a_commit(void)
{
    struct pair p = { .store = fresh() };
    pthread_t readers[4];
    struct store_write writes[] = { { span_text("pair/1"), span_text("v"), STORE_ANY },
                                    { span_text("pair/2"), span_text("v"), STORE_ANY } };

    for (size_t i = 0; i < ARRAY_LEN(readers); i++)
        pthread_create(&readers[i], NULL, pair_reader, &p);
    for (int i = 0; i < 300 || atomic_load(&p.reads) < 100; i++) {
        struct store_commit c = { .writes = writes, .count = 2 };

        CU_ASSERT(store_commit(p.store, &c) == ST_OK);
    }
    atomic_store(&p.stop, true);
    for (size_t i = 0; i < ARRAY_LEN(readers); i++)
        pthread_join(readers[i], NULL);
    CU_ASSERT(!p.torn);
    store_close(p.store);
}

/* Commits in flight: what came back, in which order. */
struct flight {
    _Atomic unsigned done, failed;
    _Atomic bool out_of_order;
    unsigned next;
    bool blocking; /* the first done waits until it is let go */
    _Atomic bool entered;
    pthread_mutex_t gate;
};

struct flown {
    struct store_commit commit;
    struct store_write write;
    char key[24];
    unsigned number;
    struct flight *flight;
};

static void landed(struct store_commit *c)
{
    struct flown *f = c->owner;

    if (f->flight->blocking && f->number == 0) {
        atomic_store(&f->flight->entered, true);
        pthread_mutex_lock(&f->flight->gate);
        pthread_mutex_unlock(&f->flight->gate);
    }
    if (c->status != ST_OK)
        atomic_fetch_add(&f->flight->failed, 1);
    if (f->number != f->flight->next++)
        atomic_store(&f->flight->out_of_order, true);
    atomic_fetch_add(&f->flight->done, 1);
}

static void prepare(struct flown *f, unsigned number, struct flight *flight)
{
    snprintf(f->key, sizeof f->key, "flight/%06u", number);
    f->number = number;
    f->flight = flight;
    f->write = (struct store_write){ span_text(f->key), span_text("v"), STORE_ABSENT };
    f->commit = (struct store_commit){ .writes = &f->write, .count = 1, .done = landed, .owner = f };
}

static enum status launch(struct store *s, struct flown *f, unsigned number, struct flight *flight)
{
    prepare(f, number, flight);
    return store_submit(s, &f->commit);
}

static void closing_completes_what_was_submitted(void)
{
    static struct flown flown[1000];
    struct store *s = fresh();
    struct flight flight = { .done = 0 };

    for (unsigned i = 0; i < ARRAY_LEN(flown); i++)
        CU_ASSERT(launch(s, &flown[i], i, &flight) == ST_OK);
    store_close(s);
    CU_ASSERT(flight.done == ARRAY_LEN(flown));
    CU_ASSERT(flight.failed == 0);
    CU_ASSERT(!flight.out_of_order);
    for (unsigned i = 1; i < ARRAY_LEN(flown); i++)
        CU_ASSERT(flown[i].commit.revision == flown[i - 1].commit.revision + 1);
}

static void a_full_queue_is_busy(void)
{
    static struct flown flown[8192];
    struct store *s = fresh();
    struct flight flight = { .blocking = true, .gate = PTHREAD_MUTEX_INITIALIZER };
    unsigned taken = 0;

    pthread_mutex_lock(&flight.gate); /* the writer stands in the first done */
    while (taken < ARRAY_LEN(flown) && launch(s, &flown[taken], taken, &flight) == ST_OK)
        taken++;
    CU_ASSERT(taken >= 4096 && taken < ARRAY_LEN(flown));
    pthread_mutex_unlock(&flight.gate);
    store_close(s);
    CU_ASSERT(flight.done == taken);
    CU_ASSERT(flight.failed == 0);
}

struct late {
    struct store *store;
    struct store_commit next;
    struct store_write write;
    enum status taken;
    _Atomic bool done;
};

static void nothing(struct store_commit *c)
{
    struct late *l = c->owner;

    atomic_store(&l->done, true);
}

static void submit_again(struct store_commit *c)
{
    struct late *l = c->owner;

    l->next = (struct store_commit){ .writes = &l->write, .count = 1, .done = nothing, .owner = l };
    l->taken = store_submit(l->store, &l->next);
}

static void done_may_submit(void)
{
    struct store *s = fresh();
    struct late l = { .store = s, .write = { span_text("second"), span_text("v"), STORE_ANY } };
    struct store_write w = { span_text("first"), span_text("v"), STORE_ANY };
    struct store_commit c = { .writes = &w, .count = 1, .done = submit_again, .owner = &l };

    CU_ASSERT(store_submit(s, &c) == ST_OK);
    while (!holds(s, "second", "v"))
        sched_yield();
    CU_ASSERT(l.taken == ST_OK);
    store_close(s);
    CU_ASSERT(l.done);
}

static void one_bad_commit_leaves_its_neighbours_alone(void)
{
    static struct flown flown[64];
    struct store *s = fresh();
    struct flight flight = { .blocking = true, .gate = PTHREAD_MUTEX_INITIALIZER };

    pthread_mutex_lock(&flight.gate);
    for (unsigned i = 0; i < ARRAY_LEN(flown); i++) {
        prepare(&flown[i], i, &flight);
        if (i % 3 == 1)
            flown[i].write.expected = 12345;
        if (i % 3 == 2)
            flown[i].write.key = span_of("", 0);
        CU_ASSERT(store_submit(s, &flown[i].commit) == ST_OK);
        while (!atomic_load(&flight.entered)) /* the others share a group */
            sched_yield();
    }
    pthread_mutex_unlock(&flight.gate);
    store_close(s);
    for (unsigned i = 1; i < ARRAY_LEN(flown); i++)
        CU_ASSERT(flown[i].commit.status == (i % 3 == 0 ? ST_OK : i % 3 == 1 ? ST_CONFLICT : ST_BAD_REQUEST));
}

CU_TestInfo conformance_cases[] = {
    { "what is put is read, with a rising revision", what_is_put_is_read },
    { "an empty value is not a delete", an_empty_value_is_no_delete },
    { "keys are bytes, NUL and 0xff among them", keys_are_bytes },
    { "keys and values beyond the limits are refused", limits_are_kept },
    { "a commit holds so many writes and bytes, no more", a_commit_has_so_many_writes },
    { "a commit that writes a key twice is refused", a_key_comes_once_in_a_commit },
    { "conditions on revisions are kept", conditions_are_kept },
    { "a refused commit leaves no trace", a_refused_commit_leaves_no_trace },
    { "ranges are ordered, bounded by prefix and paged", ranges_are_ordered_and_paged },
    { "prefixes of 0xff end where they should", prefixes_of_high_bytes_end_where_they_should },
    { "a range is one snapshot, and its visitor may use the store", a_range_is_one_snapshot },
    { "a change is told before its commit is done", changes_are_told_before_done },
    { "a watch is not told the past", a_watch_after_a_pause_is_not_told_the_past },
    { "of 8 threads exactly one wins each revision", one_winner_per_revision },
    { "readers never see half a commit", readers_never_see_half_a_commit },
    { "closing completes what was submitted, in order", closing_completes_what_was_submitted },
    { "a full queue says busy and loses nothing", a_full_queue_is_busy },
    { "a commit's done may submit another", done_may_submit },
    { "a refused commit leaves the others of its group alone", one_bad_commit_leaves_its_neighbours_alone },
    CU_TEST_INFO_NULL
};
