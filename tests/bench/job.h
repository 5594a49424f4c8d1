/* job.h - what bench_load is to do, from a file, because the file holds an access token: nothing secret may stand in an
 * argument list. Lines of `name = value`:
 *   address   numeric address to connect to
 *   ca        PEM file that the server's certificate must chain to
 *   token     file with the access token; a regular file that only its owner may read
 *   key       URL of a key, https://<vault>.vault.<domain>:<port>/keys/<name>; once per key, all of one vault */
#ifndef STRONGROOM_BENCH_JOB_H
#define STRONGROOM_BENCH_JOB_H

#include <openssl/evp.h>

#include "firmware/base/secret.h"

#define JOB_KEYS_MAX 10000

struct job_key {
    char *path;       /* "/keys/name", then with the version and "/sign?api-version=..", as it is asked for */
    EVP_PKEY *public; /* once the service has told it */
};

struct job {
    char *address, *ca_file, *token_file;
    char *authority; /* "bench.vault.localhost:8443" */
    char host[256];
    char port[8];
    struct bytes bearer; /* "Bearer ..."; wiped by job_clear() */
    struct job_key *keys;
    size_t key_count;
};

/* Says what is wrong on standard error. */
MUST_CHECK enum status job_read(const char *path, struct job *out);
void job_clear(struct job *j);

#endif
