/* progress.h - what a person sees while a command takes its time: one line on standard error, when that is a terminal
 * and a second has passed. Nothing is shown to a script. */
#ifndef STRONGROOM_PROVISIONING_PROGRESS_H
#define STRONGROOM_PROVISIONING_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#define PROGRESS_STEP_MS 250 /* who waits calls progress_step() about this often */

struct progress {
    const char *what; /* borrowed: "the keystore is at work" */
    uint64_t begun_ms;
    uint64_t shown_ms; /* when the line was last written; 0: never */
    unsigned turn;
    bool on_terminal;
};

void progress_begin(struct progress *p, const char *what);
/* `done` of `total`, as a percentage; a total of 0: nobody knows, and the seconds are shown. Cheap when called often.
 */
void progress_step(struct progress *p, uint64_t done, uint64_t total);
/* Takes the line away. */
void progress_end(struct progress *p);

#endif
