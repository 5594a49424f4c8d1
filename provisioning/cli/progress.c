#include "provisioning/cli/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "firmware/base/clock.h"

#define QUIET_MS 1000
#define LINE_LEN 78

/* Rewrites the whole line, so no terminal needs to understand more than a carriage return. */
static void show(const char *text)
{
    char line[LINE_LEN + 3];

    snprintf(line, sizeof line, "\r%-*.*s\r", LINE_LEN, LINE_LEN, text);
    if (write(STDERR_FILENO, line, strlen(line)) < 0) {
        /* nobody looks */
    }
}

void progress_begin(struct progress *p, const char *what)
{
    *p = (struct progress){
        .what = what,
        .begun_ms = clock_monotonic_ms(),
        .on_terminal = isatty(STDERR_FILENO) == 1,
    };
}

void progress_step(struct progress *p, uint64_t done, uint64_t total)
{
    static const char wheel[] = { '|', '/', '-', '\\' };
    uint64_t now = clock_monotonic_ms();
    char text[LINE_LEN + 1];

    if (!p->on_terminal || now - p->begun_ms < QUIET_MS || now - p->shown_ms < PROGRESS_STEP_MS)
        return;
    p->shown_ms = now;
    if (total > 0)
        snprintf(text, sizeof text, "%s: %u %%", p->what,
                 (unsigned)((double)(done < total ? done : total) * 100 / (double)total));
    else
        snprintf(text, sizeof text, "%c %s, %u s", wheel[p->turn++ % sizeof wheel], p->what,
                 (unsigned)((now - p->begun_ms) / 1000));
    show(text);
}

void progress_end(struct progress *p)
{
    if (p->shown_ms != 0)
        show("");
    p->shown_ms = 0;
}
