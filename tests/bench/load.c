/* bench_load - signs through the REST API: N connections with M requests under way on each, from one thread.
 * Asks for the public keys first, opens every key once, then measures; afterwards checks a sample of the signatures
 * with libcrypto. Any answer that is not a signature makes it fail. */
#include <openssl/rand.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>

#include "firmware/base/base64url.h"
#include "firmware/base/clock.h"
#include "firmware/base/guid.h"
#include "service/json/json.h"
#include "tests/bench/connection.h"
#include "tests/bench/jwk.h"
#include "tests/bench/measure.h"

#define API_VERSION     "7.4"
#define CONNECTIONS_MAX 1000u
#define STREAMS_MAX     1000u
#define DIGESTS         64
#define DIGEST_LEN      32
#define SAMPLES_MAX     256
#define STALL_MS        20000 /* no answer for so long: give up */
#define WARM_UP_US      300000u

enum phase { PHASE_DESCRIBE, PHASE_WARM_UP, PHASE_MEASURE, PHASE_DRAIN };

struct sample {
    size_t key, digest;
    struct bytes answer;
};

struct load {
    struct job job;
    const char *alg;
    size_t connection_count, streams;
    uint64_t duration_us;
    struct connection **connections;
    struct stream *slots; /* connections x streams */
    int epoll;
    enum phase phase;
    enum status status; /* of callbacks */
    size_t under_way;
    size_t next_key; /* the next one to ask or to sign with, round and round */
    size_t warmed;   /* signatures of the warm-up */
    uint64_t serial; /* of requests */
    uint8_t digests[DIGESTS][DIGEST_LEN];
    struct bytes bodies[DIGESTS];
    struct sample samples[SAMPLES_MAX];
    size_t sample_count;
    struct measure measure;
};

/* One request at a time of a connection. */
struct stream {
    struct load *load;
    struct connection *connection;
    struct request request;
    size_t key, digest;
    uint64_t submitted_us;
};

static void fail(struct load *l, enum status st)
{
    if (l->status == ST_OK)
        l->status = st;
}

/* The path to sign with: that of `kid`, which names the version, as SDKs do. */
static char *sign_path(const struct job *j, struct span kid)
{
    struct bytes path = { 0 };
    size_t skip = strlen("https://") + strlen(j->authority);

    if (kid.len <= skip)
        return NULL;
    bytes_append(&path, kid.p + skip, kid.len - skip);
    bytes_append_text(&path, "/sign?api-version=" API_VERSION);
    return (char *)path.p;
}

static enum status learn_key(struct job *j, struct job_key *key, struct span answer)
{
    json_t *bundle = NULL, *jwk = NULL;
    struct span kid = { 0 };
    char *path = NULL;
    enum status st = json_read_object(answer, ANSWER_MAX, &bundle);

    if (st == ST_OK && (st = json_get_object(bundle, "key", &jwk)) == ST_OK &&
        (st = json_get_text(jwk, "kid", &kid)) == ST_OK) {
        key->public = jwk_public_key(jwk);
        path = sign_path(j, kid);
        st = key->public != NULL && path != NULL ? ST_OK : ST_BAD_REQUEST;
    }
    if (path != NULL) {
        free(key->path);
        key->path = path;
    }
    json_decref(bundle);
    return st;
}

/* Requests */

static void submit(struct stream *s)
{
    struct load *l = s->load;
    struct guid id = { "00000000-0000-4000-8000-000000000000" };
    enum status st;

    snprintf(id.text + 24, 13, "%012llx", (unsigned long long)(l->serial++ & 0xffffffffffff));
    memcpy(s->request.client_id, id.text, sizeof id.text);
    s->request.path = l->job.keys[s->key].path;
    s->submitted_us = clock_monotonic_us();
    if ((st = connection_submit(s->connection, &s->request)) != ST_OK)
        fail(l, st);
    else
        l->under_way++;
}

static void submit_sign(struct stream *s)
{
    struct load *l = s->load;

    s->key = l->next_key;
    l->next_key = (l->next_key + 1) % l->job.key_count;
    s->digest = l->serial % DIGESTS;
    s->request.method = "POST";
    s->request.body = bytes_span(&l->bodies[s->digest]);
    submit(s);
}

static void complain(struct load *l, const struct request *rq)
{
    if (l->status == ST_OK)
        fprintf(stderr, "bench_load: %s %s: %u %.*s\n", rq->method, rq->path, rq->status, (int)rq->answer_len,
                (const char *)rq->answer);
    fail(l, ST_INTERNAL);
}

static void submit_describe(struct stream *s)
{
    s->key = s->load->next_key++;
    s->request.method = "GET";
    s->request.body = (struct span){ 0 };
    submit(s);
}

static void on_described(struct request *rq)
{
    struct stream *s = rq->owner;
    struct load *l = s->load;

    l->under_way--;
    if (rq->status != 200 || learn_key(&l->job, &l->job.keys[s->key], span_of(rq->answer, rq->answer_len)) != ST_OK)
        complain(l, rq);
    else if (l->next_key < l->job.key_count)
        submit_describe(s);
}

/* Every so often an answer is kept, to be checked when no time is measured any more. */
static void keep_sample(struct load *l, const struct stream *s)
{
    struct sample *sample;
    uint64_t count = atomic_load_explicit(&l->measure.count, memory_order_relaxed);

    if (l->sample_count == SAMPLES_MAX || (count > 16 && count % 61 != 0))
        return;
    sample = &l->samples[l->sample_count++];
    *sample = (struct sample){ .key = s->key, .digest = s->digest };
    bytes_append(&sample->answer, s->request.answer, s->request.answer_len);
}

static void on_signed(struct request *rq)
{
    struct stream *s = rq->owner;
    struct load *l = s->load;

    l->under_way--;
    if (rq->status != 200) {
        measure_failure(&l->measure);
        complain(l, rq);
        return;
    }
    if (l->phase == PHASE_MEASURE) {
        keep_sample(l, s);
        measure_operation(&l->measure, clock_monotonic_us() - s->submitted_us);
    }
    l->warmed++;
    if (l->phase != PHASE_DRAIN)
        submit_sign(s);
}

/* The loop */

static enum status watch(struct load *l, struct connection *c, int change, bool wants_write)
{
    struct epoll_event event = { .events = EPOLLIN | (wants_write ? EPOLLOUT : 0u), .data.ptr = c };

    return epoll_ctl(l->epoll, change, connection_fd(c), &event) == 0 ? ST_OK : ST_IO;
}

static enum status push_all(struct load *l)
{
    enum status st = ST_OK;
    bool wants_write;

    for (size_t i = 0; st == ST_OK && i < l->connection_count; i++)
        if ((st = connection_push(l->connections[i], &wants_write)) == ST_OK)
            st = watch(l, l->connections[i], EPOLL_CTL_MOD, wants_write);
    return st;
}

static enum status turn(struct load *l, int timeout_ms)
{
    struct epoll_event events[128];
    int n = epoll_wait(l->epoll, events, ARRAY_LEN(events), timeout_ms);
    enum status st = ST_OK;
    bool wants_write;

    for (int i = 0; st == ST_OK && i < n; i++) {
        st = connection_drive(events[i].data.ptr, &wants_write);
        if (st == ST_OK && (wants_write || (events[i].events & EPOLLOUT) != 0))
            st = watch(l, events[i].data.ptr, EPOLL_CTL_MOD, wants_write);
    }
    if (n == 0 && timeout_ms == STALL_MS) {
        fputs("bench_load: the service does not answer any more\n", stderr);
        st = ST_TIMEOUT;
    }
    return st != ST_OK ? st : l->status;
}

static enum status drain(struct load *l)
{
    enum status st = ST_OK;

    while (st == ST_OK && l->under_way > 0)
        st = turn(l, STALL_MS);
    return st;
}

static enum status run_until(struct load *l, uint64_t until_us)
{
    enum status st = ST_OK;
    uint64_t now;

    while (st == ST_OK && (now = clock_monotonic_us()) < until_us)
        st = turn(l, (int)((until_us - now) / 1000) + 1);
    return st;
}

static enum status describe_keys(struct load *l)
{
    enum status st;

    for (size_t i = 0; i < l->streams && l->next_key < l->job.key_count; i++) {
        l->slots[i].request.done = on_described;
        submit_describe(&l->slots[i]);
    }
    st = push_all(l);
    return st == ST_OK ? drain(l) : st;
}

/* Each key is used at least once: opening a sealed key is not what is measured. */
static enum status warm_up(struct load *l)
{
    uint64_t until = clock_monotonic_us() + WARM_UP_US;
    enum status st;

    l->phase = PHASE_WARM_UP;
    l->next_key = 0;
    for (size_t i = 0; i < l->connection_count * l->streams; i++) {
        l->slots[i].request.done = on_signed;
        submit_sign(&l->slots[i]);
    }
    st = push_all(l);
    while (st == ST_OK && (l->warmed < l->job.key_count || clock_monotonic_us() < until))
        st = turn(l, STALL_MS);
    return st;
}

static enum status measure(struct load *l)
{
    enum status st;

    l->phase = PHASE_MEASURE;
    if ((st = measure_start(&l->measure)) == ST_OK &&
        (st = run_until(l, l->measure.started_us + l->duration_us)) == ST_OK)
        st = measure_end(&l->measure);
    l->phase = PHASE_DRAIN;
    return st == ST_OK ? drain(l) : st;
}

static enum status check_sample(struct load *l, struct sample *s)
{
    struct bytes signature = { 0 };
    json_t *answer = NULL;
    bool ok =
        json_read_object(bytes_span(&s->answer), ANSWER_MAX, &answer) == ST_OK &&
        jwk_member(answer, "value", &signature) &&
        signature_valid(l->job.keys[s->key].public, span_of(l->digests[s->digest], DIGEST_LEN), bytes_span(&signature));

    if (!ok)
        fprintf(stderr, "bench_load: not a valid signature: %s\n", bytes_text(&s->answer));
    json_decref(answer);
    bytes_clear(&signature);
    bytes_clear(&s->answer);
    return ok ? ST_OK : ST_CORRUPT;
}

static enum status check_samples(struct load *l)
{
    enum status st = ST_OK;

    if (l->sample_count == 0)
        return ST_NOT_FOUND;
    for (size_t i = 0; st == ST_OK && i < l->sample_count; i++)
        st = check_sample(l, &l->samples[i]);
    return st;
}

/* Setting up */

static SSL_CTX *new_tls(const struct job *j)
{
    static const unsigned char h2[] = { 2, 'h', '2' };
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());

    if (tls == NULL || SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION) != 1 ||
        SSL_CTX_load_verify_file(tls, j->ca_file) != 1 || SSL_CTX_set_alpn_protos(tls, h2, sizeof h2) != 0) {
        fprintf(stderr, "bench_load: %s cannot be used\n", j->ca_file);
        SSL_CTX_free(tls);
        return NULL;
    }
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return tls;
}

static enum status make_bodies(struct load *l)
{
    enum status st = ST_OK;

    for (size_t i = 0; st == ST_OK && i < DIGESTS; i++) {
        struct json_writer w;

        if (RAND_bytes(l->digests[i], DIGEST_LEN) != 1)
            return ST_INTERNAL;
        json_begin(&w, &l->bodies[i]);
        json_open_object(&w, NULL);
        json_put_text(&w, "alg", span_text(l->alg));
        json_put_base64url(&w, "value", span_of(l->digests[i], DIGEST_LEN));
        json_close_object(&w);
        st = bytes_status(&l->bodies[i]);
    }
    return st;
}

/* GET wants the api-version, too. */
static enum status complete_paths(struct job *j)
{
    enum status st = ST_OK;

    for (size_t i = 0; st == ST_OK && i < j->key_count; i++) {
        struct bytes path = { 0 };

        bytes_append_text(&path, j->keys[i].path);
        bytes_append_text(&path, "?api-version=" API_VERSION);
        st = bytes_status(&path);
        free(j->keys[i].path);
        j->keys[i].path = (char *)path.p;
    }
    return st;
}

static enum status connect_all(struct load *l, SSL_CTX *tls)
{
    enum status st = ST_OK;

    l->connections = calloc(l->connection_count, sizeof(struct connection *));
    l->slots = calloc(l->connection_count * l->streams, sizeof *l->slots);
    if (l->connections == NULL || l->slots == NULL || (l->epoll = epoll_create1(EPOLL_CLOEXEC)) < 0)
        return ST_NO_MEMORY;
    for (size_t i = 0; st == ST_OK && i < l->connection_count; i++) {
        if ((st = connection_open(&l->job, tls, &l->connections[i])) != ST_OK)
            break;
        st = watch(l, l->connections[i], EPOLL_CTL_ADD, false);
        for (size_t k = 0; k < l->streams; k++) {
            struct stream *s = &l->slots[i * l->streams + k];

            s->load = l;
            s->connection = l->connections[i];
            s->request.owner = s;
        }
    }
    return st;
}

static enum status run(struct load *l)
{
    SSL_CTX *tls = new_tls(&l->job);
    enum status st = ST_BAD_REQUEST;

    if (tls != NULL && (st = make_bodies(l)) == ST_OK && (st = complete_paths(&l->job)) == ST_OK &&
        (st = connect_all(l, tls)) == ST_OK && (st = describe_keys(l)) == ST_OK && (st = warm_up(l)) == ST_OK &&
        (st = measure(l)) == ST_OK)
        st = check_samples(l);
    SSL_CTX_free(tls);
    return st;
}

static void load_clear(struct load *l)
{
    for (size_t i = 0; l->connections != NULL && i < l->connection_count; i++)
        connection_close(l->connections[i]);
    for (size_t i = 0; i < DIGESTS; i++)
        bytes_clear(&l->bodies[i]);
    for (size_t i = 0; i < l->sample_count; i++)
        bytes_clear(&l->samples[i].answer);
    free(l->connections);
    free(l->slots);
    measure_clear(&l->measure);
    job_clear(&l->job);
}

static bool read_number(const char *text, double max, double *out)
{
    char *end;

    *out = strtod(text, &end);
    return end != text && *end == '\0' && *out > 0 && *out <= max;
}

static bool read_arguments(struct load *l, int argc, char **argv)
{
    double connections, streams, seconds, pid;

    if (argc < 7 || argc > 6 + MEASURE_PROCESSES_MAX || !read_number(argv[3], CONNECTIONS_MAX, &connections) ||
        !read_number(argv[4], STREAMS_MAX, &streams) || !read_number(argv[5], 600, &seconds))
        return false;
    l->alg = argv[2];
    l->connection_count = (size_t)connections;
    l->streams = (size_t)streams;
    l->duration_us = (uint64_t)(seconds * 1e6);
    for (int i = 6; i < argc; i++) {
        if (!read_number(argv[i], 1e9, &pid))
            return false;
        l->measure.processes[l->measure.process_count++] = (pid_t)pid;
    }
    return true;
}

int main(int argc, char **argv)
{
    static struct load l;
    char row[64];
    enum status st;

    if (measure_init(&l.measure) != ST_OK || !read_arguments(&l, argc, argv)) {
        fputs("usage: bench_load JOB ES256|RS256 CONNECTIONS STREAMS SECONDS PID...\n"
              "The CPU time of the processes PID is what is measured.\n",
              stderr);
        return EXIT_FAILURE;
    }
    signal(SIGPIPE, SIG_IGN); /* a service that goes away is reported by the write that fails */
    if (secret_init_process() == ST_OK && job_read(argv[1], &l.job) == ST_OK) {
        st = run(&l);
        snprintf(row, sizeof row, "rest-%zuk-%zuc-%zus", l.job.key_count, l.connection_count, l.streams);
        if (st == ST_OK)
            measure_print(&l.measure, row, l.alg);
        else
            fprintf(stderr, "bench_load: %s: %s\n", row, status_name(st));
    } else {
        st = ST_UNAVAILABLE;
    }
    load_clear(&l);
    return st == ST_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
