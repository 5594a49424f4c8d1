/* bench_module - what a PKCS#11 module takes: C_SignInit and C_Sign (or their kin) on one thread and on two, a session
 * each, and by our module's batch interface; loading a sealed key and destroying it. CPU time is that of this process
 * and of the processes in the argument list, where the keystore is one. The token is the environment's (client.h).
 * Takes orders. */
#include <stdio.h>
#include <unistd.h>

#include "firmware/base/secret.h"
#include "tests/bench/crew.h"
#include "tests/bench/pipeline.h"

struct bench {
    struct measure measure;
    struct client client;
};

struct plain {
    struct client *client;
    struct task *task;
    CK_SESSION_HANDLE session;
    CK_RV rv;
    CK_ULONG out_len;
    CK_BYTE out[CLIENT_OUT_MAX];
};

static unsigned sign(void *arg)
{
    struct plain *p = arg;
    struct task *t = p->task;
    CK_FUNCTION_LIST *f = p->client->f;

    p->out_len = sizeof p->out;
    if ((p->rv = f->C_SignInit(p->session, &t->mechanism, t->key)) == CKR_OK)
        p->rv = f->C_Sign(p->session, t->input, t->input_len, p->out, &p->out_len);
    return p->rv == CKR_OK;
}

static unsigned encrypt(void *arg)
{
    struct plain *p = arg;
    struct task *t = p->task;
    CK_FUNCTION_LIST *f = p->client->f;

    p->out_len = sizeof p->out;
    if ((p->rv = f->C_EncryptInit(p->session, &t->mechanism, t->key)) == CKR_OK)
        p->rv = f->C_Encrypt(p->session, t->input, t->input_len, p->out, &p->out_len);
    return p->rv == CKR_OK;
}

static unsigned load(void *arg)
{
    struct plain *p = arg;
    struct task *t = p->task;
    CK_FUNCTION_LIST *f = p->client->f;
    CK_OBJECT_HANDLE key;
    CK_ATTRIBUTE *template;
    CK_ULONG count = client_unwrap_template(p->client, &template);

    p->rv = f->C_UnwrapKey(p->session, &t->mechanism, t->unwrapping, t->wrapped, t->wrapped_len, template, count, &key);
    if (p->rv == CKR_OK)
        p->rv = f->C_DestroyObject(p->session, key);
    return p->rv == CKR_OK;
}

static crew_step *step_of(enum work work)
{
    if (work == WORK_LOAD)
        return load;
    return work == WORK_GCM64 || work == WORK_GCM1K ? encrypt : sign;
}

static enum status report(CK_RV rv, const char *what)
{
    if (rv != CKR_OK)
        fprintf(stderr, "bench_module: %s: CKR 0x%lx\n", what, rv);
    return rv == CKR_OK ? ST_OK : ST_INTERNAL;
}

static enum status run_plain(struct bench *b, const struct order *o, struct task *t)
{
    struct plain plains[2] = { 0 };
    void *args[2] = { &plains[0], &plains[1] };
    unsigned threads = o->way == WAY_TWO ? 2 : 1;
    enum status st = ST_OK;

    for (unsigned i = 0; i < threads && st == ST_OK; i++) {
        plains[i].client = &b->client;
        plains[i].task = t;
        st = report(client_session(&b->client, &plains[i].session), "C_OpenSession");
    }
    if (st == ST_OK)
        st = crew_run(&b->measure, step_of(o->work), args, threads, o->duration_us);
    for (unsigned i = 0; i < threads; i++) {
        if (st == ST_OK && o->work != WORK_LOAD)
            st = report(client_check(&b->client, plains[i].session, t, plains[i].out, plains[i].out_len),
                        "a result is wrong");
        if (report(plains[i].rv, "an operation") != ST_OK)
            st = ST_INTERNAL;
        (void)b->client.f->C_CloseSession(plains[i].session);
    }
    return st;
}

static enum status run_batch(struct bench *b, const struct order *o, struct task *t)
{
    CK_SESSION_HANDLE session;
    struct pipeline *p = NULL;
    enum status st = report(client_session(&b->client, &session), "C_OpenSession");

    if (st != ST_OK)
        return st;
    if ((st = pipeline_open(&b->client, session, t, o->work == WORK_LOAD, &p)) == ST_OK &&
        (st = crew_run(&b->measure, pipeline_step, (void *const[]){ p }, 1, o->duration_us)) == ST_OK)
        st = report(pipeline_end(p), "a result is wrong");
    pipeline_free(p);
    (void)b->client.f->C_CloseSession(session);
    return st;
}

static enum status obey(void *arg, const struct order *o)
{
    struct bench *b = arg;
    struct task *t;
    CK_RV rv = client_task(&b->client, o->work, &t);
    enum status st;

    if (rv == CKR_MECHANISM_INVALID || (o->way == WAY_BATCH && b->client.batch == NULL))
        return ST_UNSUPPORTED;
    if ((st = report(rv, "no key")) != ST_OK || (st = (o->way == WAY_BATCH ? run_batch : run_plain)(b, o, t)) != ST_OK)
        return st;
    measure_print(&b->measure, way_name(o->way), work_name(o->work));
    return ST_OK;
}

int main(int argc, char **argv)
{
    static struct bench b;
    int code = EXIT_FAILURE;

    if (argc > MEASURE_PROCESSES_MAX || secret_init_process() != ST_OK || measure_init(&b.measure) != ST_OK)
        return EXIT_FAILURE;
    b.measure.processes[b.measure.process_count++] = getpid();
    for (int i = 1; i < argc; i++)
        b.measure.processes[b.measure.process_count++] = (pid_t)strtol(argv[i], NULL, 10);
    if (client_open(&b.client) == ST_OK)
        code = orders_obey(obey, &b);
    client_close(&b.client);
    measure_clear(&b.measure);
    return code;
}
