#define OPENSSL_SUPPRESS_DEPRECATED /* EC_KEY_METHOD: how libp11 hangs a token's key into an EVP_PKEY */
#include "tests/unit/service/audit/trails.h"

#include <dirent.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static EVP_PKEY *made_once(EVP_PKEY **key)
{
    if (*key == NULL)
        *key = EVP_EC_gen("P-256");
    INVARIANT(*key != NULL);
    return *key;
}

EVP_PKEY *trail_key(void)
{
    static EVP_PKEY *key;

    return made_once(&key);
}

EVP_PKEY *other_key(void)
{
    static EVP_PKEY *key;

    return made_once(&key);
}

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool fail, hold;
    unsigned asked;
} token = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static int token_sign(int type, const unsigned char *digest, int len, unsigned char *sig, unsigned int *sig_len,
                      const BIGNUM *kinv, const BIGNUM *r, EC_KEY *key)
{
    int (*plain)(int, const unsigned char *, int, unsigned char *, unsigned int *, const BIGNUM *, const BIGNUM *,
                 EC_KEY *) = NULL;
    bool fail;

    pthread_mutex_lock(&token.lock);
    token.asked++;
    pthread_cond_broadcast(&token.changed);
    while (token.hold)
        pthread_cond_wait(&token.changed, &token.lock);
    fail = token.fail;
    pthread_mutex_unlock(&token.lock);
    EC_KEY_METHOD_get_sign(EC_KEY_OpenSSL(), &plain, NULL, NULL);
    return fail ? 0 : plain(type, digest, len, sig, sig_len, kinv, r, key);
}

EVP_PKEY *token_key(void)
{
    static EVP_PKEY *key;

    if (key == NULL) {
        EC_KEY_METHOD *method = EC_KEY_METHOD_new(EC_KEY_OpenSSL());
        EC_KEY *ec = EVP_PKEY_get1_EC_KEY(trail_key());
        int (*setup)(EC_KEY *, BN_CTX *, BIGNUM **, BIGNUM **) = NULL;
        ECDSA_SIG *(*sign_sig)(const unsigned char *, int, const BIGNUM *, const BIGNUM *, EC_KEY *) = NULL;
        int ok;

        EC_KEY_METHOD_get_sign(EC_KEY_OpenSSL(), NULL, &setup, &sign_sig);
        EC_KEY_METHOD_set_sign(method, token_sign, setup, sign_sig);
        ok = EC_KEY_set_method(ec, method) == 1 && (key = EVP_PKEY_new()) != NULL &&
             EVP_PKEY_assign_EC_KEY(key, ec) == 1;
        INVARIANT(ok);
    }
    return key;
}

static void set_token(bool *what, bool to)
{
    pthread_mutex_lock(&token.lock);
    *what = to;
    pthread_cond_broadcast(&token.changed);
    pthread_mutex_unlock(&token.lock);
}

void token_key_fail(bool fail)
{
    set_token(&token.fail, fail);
}

void token_key_hold(bool hold)
{
    set_token(&token.hold, hold);
}

unsigned token_key_asked(void)
{
    unsigned asked;

    pthread_mutex_lock(&token.lock);
    asked = token.asked;
    pthread_mutex_unlock(&token.lock);
    return asked;
}

const char *new_trail_path(void)
{
    static char paths[128][80];
    static unsigned number;

    INVARIANT(number < ARRAY_LEN(paths));
    snprintf(paths[number], sizeof paths[0], "%s/trail-%u", scratch_directory(), number);
    return paths[number++];
}

struct audit *open_trail(const char *directory, EVP_PKEY *key, uint64_t segment_bytes)
{
    struct audit_config config = {
        .directory = directory, .source = "test-d", .signing_key = key, .segment_bytes = segment_bytes
    };
    struct audit *a = NULL;
    enum status st = audit_open(&config, &a);

    INVARIANT(st == ST_OK);
    return a;
}

struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool finished;
};

static void wake(struct audit_entry *e)
{
    struct waiter *w = e->owner;

    pthread_mutex_lock(&w->lock);
    w->finished = true;
    pthread_cond_signal(&w->done);
    pthread_mutex_unlock(&w->lock);
}

enum status record_text(struct audit *a, const char *text)
{
    struct waiter w = { .lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER };
    struct audit_entry e = { .done = wake, .owner = &w };
    enum status st;

    bytes_append_text(&e.record, text);
    if ((st = audit_submit(a, &e)) != ST_OK) {
        bytes_clear(&e.record);
        return st;
    }
    pthread_mutex_lock(&w.lock);
    while (!w.finished)
        pthread_cond_wait(&w.done, &w.lock);
    pthread_mutex_unlock(&w.lock);
    INVARIANT(e.record.p == NULL);
    return e.status;
}

void record_many(struct audit *a, unsigned count)
{
    char text[96];

    for (unsigned i = 0; i < count; i++) {
        enum status st;

        snprintf(text, sizeof text, "\"operationName\":\"KeySign\",\"id\":\"key-%06u\",\"httpStatusCode\":200", i);
        st = record_text(a, text);
        INVARIANT(st == ST_OK);
    }
}

enum status verify_trail(const char *directory, struct audit_report *report)
{
    return audit_verify(directory, trail_key(), report);
}

bool is_whole(const char *directory, uint64_t records)
{
    struct audit_report report;
    enum status st = verify_trail(directory, &report);
    bool whole = st == ST_OK && report.records == records && report.problem.len == 0;

    if (!whole)
        printf("\n  %s: %s; %llu records; %s\n", directory, status_name(st), (unsigned long long)report.records,
               bytes_text(&report.problem));
    audit_report_clear(&report);
    return whole;
}

static void path_of(char out[512], const char *directory, const char *name)
{
    snprintf(out, 512, "%s/%s", directory, name);
}

static bool is_segment(const struct file_image *f)
{
    return strstr(f->name, ".jsonl") != NULL;
}

/* What was set aside has a name between those of two segments. */
static int segments_first(const void *a, const void *b)
{
    const struct file_image *x = a, *y = b;

    return is_segment(x) != is_segment(y) ? is_segment(y) - is_segment(x) : strcmp(x->name, y->name);
}

void image_read(const char *directory, struct trail_image *out)
{
    DIR *d = opendir(directory);
    struct dirent *entry;
    char path[512];

    *out = (struct trail_image){ 0 };
    INVARIANT(d != NULL);
    while ((entry = readdir(d)) != NULL) {
        struct file_image *f = &out->files[out->count];

        if (entry->d_name[0] == '.' || strcmp(entry->d_name, "lock") == 0)
            continue;
        INVARIANT(out->count < FILES_MAX);
        snprintf(f->name, sizeof f->name, "%s", entry->d_name);
        path_of(path, directory, f->name);
        read_file(path, &f->content);
        out->segments += is_segment(f);
        out->count++;
    }
    closedir(d);
    qsort(out->files, out->count, sizeof out->files[0], segments_first);
}

void image_clear(struct trail_image *image)
{
    for (size_t i = 0; i < image->count; i++)
        bytes_clear(&image->files[i].content);
    *image = (struct trail_image){ 0 };
}

void write_content(const char *directory, const char *name, struct span content)
{
    char path[512];
    ssize_t n;
    int fd;

    path_of(path, directory, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    n = write(fd, content.p, content.len);
    INVARIANT(n == (ssize_t)content.len);
    close(fd);
}

void remove_content(const char *directory, const char *name)
{
    char path[512];

    path_of(path, directory, name);
    unlink(path);
}

void image_write(const char *directory, const struct trail_image *image)
{
    DIR *d;
    struct dirent *entry;

    mkdir(directory, 0700);
    d = opendir(directory);
    INVARIANT(d != NULL);
    while ((entry = readdir(d)) != NULL)
        if (entry->d_name[0] != '.')
            remove_content(directory, entry->d_name);
    closedir(d);
    for (size_t i = 0; i < image->count; i++)
        write_content(directory, image->files[i].name, bytes_span(&image->files[i].content));
}

struct file_image *image_file(struct trail_image *image, const char *name)
{
    for (size_t i = 0; i < image->count; i++)
        if (strcmp(image->files[i].name, name) == 0)
            return &image->files[i];
    INVARIANT(!"no such file");
    return NULL;
}

unsigned count_files(const char *directory, const char *part)
{
    DIR *d = opendir(directory);
    struct dirent *entry;
    unsigned count = 0;

    INVARIANT(d != NULL);
    while ((entry = readdir(d)) != NULL)
        count += strstr(entry->d_name, part) != NULL;
    closedir(d);
    return count;
}

size_t split_lines(struct span content, struct span *lines, size_t max)
{
    size_t count = 0;

    while (content.len > 0) {
        const uint8_t *end = memchr(content.p, '\n', content.len);
        size_t len = end != NULL ? (size_t)(end - content.p) : content.len;

        INVARIANT(count < max);
        lines[count++] = span_of(content.p, len);
        len += end != NULL;
        content = span_of(content.p + len, content.len - len);
    }
    return count;
}
