/* tpm_marshal.h - TPM 2.0 commands written and responses read field by field, big-endian (TPM 2.0 Library, Part 1,
 * "Structure marshalling"). Both are bounded and sticky on failure: the caller checks once, at the end. */
#ifndef STRONGROOM_BOARD_TPM_MARSHAL_H
#define STRONGROOM_BOARD_TPM_MARSHAL_H

#include "firmware/base/bytes.h"

#define TPM_MESSAGE_MAX 4096 /* of a command or response: what every TPM takes (Part 4, MAX_COMMAND_SIZE) */

struct tpm_writer {
    uint8_t p[TPM_MESSAGE_MAX];
    size_t len;
    bool failed;
};

void tpm_put(struct tpm_writer *w, const void *p, size_t len);
void tpm_put_u8(struct tpm_writer *w, uint8_t v);
void tpm_put_u16(struct tpm_writer *w, uint16_t v);
void tpm_put_u32(struct tpm_writer *w, uint32_t v);
/* TPM2B: a 16-bit length and as many bytes. */
void tpm_put_sized(struct tpm_writer *w, struct span s);
/* A TPM2B around what is put between the two calls. */
size_t tpm_size_begin(struct tpm_writer *w);
void tpm_size_end(struct tpm_writer *w, size_t begun);

struct tpm_reader {
    struct span rest;
    bool failed;
};

uint8_t tpm_get_u8(struct tpm_reader *r);
uint16_t tpm_get_u16(struct tpm_reader *r);
uint32_t tpm_get_u32(struct tpm_reader *r);
/* Borrowed from what is read; empty after a failure. */
struct span tpm_get(struct tpm_reader *r, size_t len);
struct span tpm_get_sized(struct tpm_reader *r);

#endif
