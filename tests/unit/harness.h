/* harness.h - what every unit test shares: running the suites, the place of the vectors, a directory to work in. */
#ifndef STRONGROOM_TESTS_HARNESS_H
#define STRONGROOM_TESTS_HARNESS_H

#include <CUnit/Basic.h>

#include "firmware/base/bytes.h"

/* Run all suites and return main()'s exit code. CUnit's own run call reports success even when assertions failed, and
 * a suite whose set-up failed counts no failed test, so this adds it all up. Prints "N passed, M failed". */
int run_suites(CU_SuiteInfo *suites);

/* The folder of a vector set, "wycheproof", or NULL (and a line that names the set) when it is not there: the test then
 * has nothing to say. STRONGROOM_VECTORS names the folder of all sets; else it is shared/vectors beside the checkout.
 * In CI (CI=true) a missing set fails the calling test. The text is valid until the next call. */
const char *vectors_folder(const char *set);

/* How long a test waits for what must come before it gives up: a guard against waiting for ever. How quick something is
 * no test says; that is tests/bench's to measure. */
#define PATIENCE_MS 60000

/* Ask every millisecond until `holds(arg)`. False: it did not within PATIENCE_MS. */
bool wait_until(bool (*holds)(void *arg), void *arg);

/* A fresh directory, removed with all it holds when the program ends. The text lives as long as the program. */
const char *scratch_directory(void);

/* Read a file whole; CU_FAIL_FATALs when it cannot. */
void read_file(const char *path, struct bytes *out);

#endif
