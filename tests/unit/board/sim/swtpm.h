/* swtpm.h - a software TPM for a test: its own process, its state in a folder of the scratch directory. */
#ifndef STRONGROOM_TESTS_SWTPM_H
#define STRONGROOM_TESTS_SWTPM_H

#include <stdbool.h>
#include <sys/types.h>

struct swtpm {
    pid_t pid;
    char state[128], socket[108];
};

/* Start it on the state called `name`, made when new, and wait until it listens. CU_FAIL_FATALs when it does not. */
void swtpm_start(struct swtpm *s, const char *name);
/* As power being cut: the state stays. */
void swtpm_stop(struct swtpm *s);

#endif
