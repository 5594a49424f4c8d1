#include "service/audit/signer.h"

#include <pthread.h>

#include "firmware/base/log.h"

enum signer_state { SIGNER_IDLE, SIGNER_ASKED, SIGNER_READY };

struct signer {
    EVP_PKEY *key;
    void (*ready)(void *arg);
    void *arg;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    enum signer_state state;
    bool stopping;
    struct signed_checkpoint job;
};

/* Without the lock held: this is what may take long. */
static void sign(EVP_PKEY *key, struct signed_checkpoint *c)
{
    char text[CHECKPOINT_TEXT_MAX];
    size_t len = checkpoint_write(text, &c->at, c->reason);

    bytes_append_text(&c->record, "\"checkpoint\":");
    bytes_append(&c->record, text, len);
    bytes_append_text(&c->record, ",\"signature\":\"");
    c->status = checkpoint_sign(key, span_of(text, len), &c->record);
    bytes_append_char(&c->record, '"');
    if (c->status == ST_OK)
        c->status = bytes_status(&c->record);
}

static void *signing(void *arg)
{
    struct signer *s = arg;

    pthread_mutex_lock(&s->lock);
    for (;;) {
        struct signed_checkpoint job;

        while (s->state != SIGNER_ASKED && !s->stopping)
            pthread_cond_wait(&s->changed, &s->lock);
        if (s->stopping)
            break;
        job = s->job;
        pthread_mutex_unlock(&s->lock);
        sign(s->key, &job);
        pthread_mutex_lock(&s->lock);
        s->job = job;
        s->state = SIGNER_READY;
        pthread_cond_broadcast(&s->changed);
        pthread_mutex_unlock(&s->lock);
        s->ready(s->arg);
        pthread_mutex_lock(&s->lock);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

enum status signer_start(EVP_PKEY *key, void (*ready)(void *arg), void *arg, struct signer **out)
{
    struct signer *s = calloc(1, sizeof *s);

    *out = NULL;
    if (s == NULL)
        return ST_NO_MEMORY;
    s->key = key;
    s->ready = ready;
    s->arg = arg;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    if (EVP_PKEY_up_ref(key) != 1 || pthread_create(&s->thread, NULL, signing, s) != 0) {
        log_error("audit: no thread for signing");
        pthread_cond_destroy(&s->changed);
        pthread_mutex_destroy(&s->lock);
        EVP_PKEY_free(key);
        free(s);
        return ST_UNAVAILABLE;
    }
    *out = s;
    return ST_OK;
}

void signer_stop(struct signer *s)
{
    if (s == NULL)
        return;
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    bytes_clear(&s->job.record);
    EVP_PKEY_free(s->key);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

bool signer_ask(struct signer *s, const struct chain_point *at, enum checkpoint_reason reason)
{
    bool asked;

    pthread_mutex_lock(&s->lock);
    if ((asked = s->state == SIGNER_IDLE)) {
        s->job = (struct signed_checkpoint){ .at = *at, .reason = reason };
        s->state = SIGNER_ASKED;
        pthread_cond_broadcast(&s->changed);
    }
    pthread_mutex_unlock(&s->lock);
    return asked;
}

bool signer_take(struct signer *s, bool wait, struct signed_checkpoint *out)
{
    bool taken;

    pthread_mutex_lock(&s->lock);
    while (wait && s->state == SIGNER_ASKED)
        pthread_cond_wait(&s->changed, &s->lock);
    if ((taken = s->state == SIGNER_READY)) {
        *out = s->job;
        s->job = (struct signed_checkpoint){ 0 };
        s->state = SIGNER_IDLE;
    }
    pthread_mutex_unlock(&s->lock);
    return taken;
}
