#include "board/sim/sim.h"

#include <time.h>

#include "board/sim/entropy_sim.h"
#include "firmware/base/log.h"

static enum status root_key(void *self, uint8_t out[HAL_ROOT_KEY_LEN])
{
    struct sim *s = self;

    return s->tpm != NULL ? root_tpm_key(&s->root_tpm, out) : root_file_key(&s->root_file, out);
}

static enum status root_destroy(void *self)
{
    struct sim *s = self;

    return s->tpm != NULL ? root_tpm_destroy(&s->root_tpm) : root_file_destroy(&s->root_file);
}

static enum status counter_read(void *self, uint64_t *out)
{
    struct sim *s = self;

    if (s->tpm != NULL)
        return root_tpm_counter_read(&s->root_tpm, out);
    *out = counter_file_read(&s->counter_file);
    return ST_OK;
}

static enum status counter_increment(void *self, uint64_t *out)
{
    struct sim *s = self;

    return s->tpm != NULL ? root_tpm_counter_increment(&s->root_tpm, out)
                          : counter_file_increment(&s->counter_file, out);
}

static size_t flash_size(void *self, enum hal_region region)
{
    (void)self;
    return flash_file_size(region);
}

static enum status flash_read(void *self, enum hal_region region, size_t at, void *out, size_t len)
{
    return flash_file_read(&((struct sim *)self)->flash, region, at, out, len);
}

static enum status flash_write(void *self, enum hal_region region, size_t at, const void *p, size_t len)
{
    return flash_file_write(&((struct sim *)self)->flash, region, at, p, len);
}

static enum status flash_sync(void *self, enum hal_region region)
{
    return flash_file_sync(&((struct sim *)self)->flash, region);
}

static enum status entropy(void *self, unsigned source, uint8_t *out, size_t len)
{
    return entropy_sim_read(((struct sim *)self)->tpm, source, out, len);
}

static const char *entropy_name(void *self, unsigned source)
{
    return entropy_sim_name(((struct sim *)self)->tpm, source);
}

static uint64_t time_unix_ms(void *self)
{
    struct timespec now;

    (void)self;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static enum status publish_identity(void *self, struct span certificate)
{
    return pem_file_write(&((struct sim *)self)->identity, certificate);
}

static enum status publish_destruction(void *self, struct span statement)
{
    return pem_file_write(&((struct sim *)self)->destruction, statement);
}

static enum status quote_key(void *self, struct bytes *spki)
{
    struct sim *s = self;

    return s->tpm != NULL ? tpm_quote_key(s->tpm, spki) : ST_NOT_FOUND;
}

static enum status quote(void *self, const uint8_t nonce[TPM_DIGEST_LEN], struct bytes *attest, struct bytes *signature)
{
    struct sim *s = self;

    return s->tpm != NULL ? tpm_quote(s->tpm, ROOT_TPM_PCR, nonce, attest, signature) : ST_NOT_FOUND;
}

static enum status said(const char *part, enum status st)
{
    if (st != ST_OK)
        log_error("%s: %s", part, status_name(st));
    return st;
}

static enum status open_root(struct sim *s, int directory, struct tpm *tpm, const uint8_t image[32])
{
    enum status st;

    if (tpm != NULL)
        return said("the root key in the TPM", root_tpm_open(&s->root_tpm, tpm, image));
    log_warning("the device root key lies in a plain file: for development only");
    if ((st = said("the root key file", root_file_open(&s->root_file, directory))) != ST_OK)
        return st;
    return said("the counter file", counter_file_open(&s->counter_file, directory));
}

static enum status open_published(struct sim *s, int directory)
{
    enum status st = pem_file_open(&s->identity, directory, "keystore.pem", "CERTIFICATE", 0);

    if (said("keystore.pem", st) != ST_OK)
        return st;
    st = pem_file_open(&s->destruction, directory, "destruction", "STRONGROOM STATEMENT", PEM_FILE_MAX);
    return said("the file of the destruction", st);
}

enum status sim_open(struct sim *s, int directory, struct tpm *tpm, const uint8_t image[32])
{
    enum status st;

    *s = (struct sim){
        .hal = { .self = s,
                 .facts = { .board = "sim", .root = tpm != NULL ? "tpm" : "insecure-file", .isolation = "none" },
                 .root_key = root_key,
                 .root_destroy = root_destroy,
                 .counter_read = counter_read,
                 .counter_increment = counter_increment,
                 .flash_size = flash_size,
                 .flash_read = flash_read,
                 .flash_write = flash_write,
                 .flash_sync = flash_sync,
                 .entropy = entropy,
                 .entropy_name = entropy_name,
                 .time_unix_ms = time_unix_ms,
                 .publish_identity = publish_identity,
                 .publish_destruction = publish_destruction,
                 .quote_key = quote_key,
                 .quote = quote },
        .flash = { .fd = { -1, -1, -1 } },
        .identity = { .fd = -1 },
        .destruction = { .fd = -1 },
        .root_file = { .fd = -1 },
        .counter_file = { .fd = -1 },
    };
    memcpy(s->hal.facts.firmware_hash, image, sizeof s->hal.facts.firmware_hash);
    if ((st = said("the flash", flash_file_open(&s->flash, directory))) == ST_OK &&
        (st = open_published(s, directory)) == ST_OK)
        st = open_root(s, directory, tpm, image);
    if (st != ST_OK)
        sim_close(s);
    else
        s->tpm = tpm;
    return st;
}

void sim_close(struct sim *s)
{
    flash_file_close(&s->flash);
    pem_file_close(&s->identity);
    pem_file_close(&s->destruction);
    root_file_close(&s->root_file);
    if (s->counter_file.fd >= 0)
        counter_file_close(&s->counter_file);
    tpm_close(s->tpm);
    s->tpm = NULL;
}
