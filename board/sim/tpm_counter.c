#include "board/sim/tpm_command.h"

enum status tpm_counter_define(struct tpm *t, uint32_t index)
{
    struct tpm_writer w;
    enum status st;
    size_t size;

    tpm_begin(&w, CC_NV_DEFINE_SPACE, RH_OWNER, RS_PW);
    tpm_put_sized(&w, span_of(NULL, 0)); /* authorisation */
    size = tpm_size_begin(&w);
    tpm_put_u32(&w, index);
    tpm_put_u16(&w, ALG_SHA256);
    tpm_put_u32(&w, ATTRIBUTES_COUNTER);
    tpm_put_sized(&w, span_of(NULL, 0)); /* policy */
    tpm_put_u16(&w, 8);
    tpm_size_end(&w, size);
    pthread_mutex_lock(&t->lock);
    st = tpm_run(t, &w, NULL, NULL);
    pthread_mutex_unlock(&t->lock);
    return st;
}

enum status tpm_counter_read(struct tpm *t, uint32_t index, uint64_t *out)
{
    struct tpm_writer w;
    struct tpm_reader r;
    enum status st;

    tpm_begin_two(&w, CC_NV_READ, index, index, RS_PW);
    tpm_put_u16(&w, 8);
    tpm_put_u16(&w, 0);
    pthread_mutex_lock(&t->lock);
    if ((st = tpm_run(t, &w, NULL, &r)) == ST_OK) {
        struct span value = tpm_get_sized(&r);

        if (value.len == 8) {
            *out = 0;
            for (size_t i = 0; i < value.len; i++)
                *out = *out << 8 | value.p[i];
        } else {
            st = ST_INTERNAL;
        }
    }
    pthread_mutex_unlock(&t->lock);
    return st;
}

enum status tpm_counter_increment(struct tpm *t, uint32_t index)
{
    struct tpm_writer w;
    enum status st;

    tpm_begin_two(&w, CC_NV_INCREMENT, index, index, RS_PW);
    pthread_mutex_lock(&t->lock);
    st = tpm_run(t, &w, NULL, NULL);
    pthread_mutex_unlock(&t->lock);
    return st;
}
