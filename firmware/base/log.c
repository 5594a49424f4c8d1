#include "firmware/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#define LINE_MAX_LEN 1024

static _Atomic int least_level = LOG_LEVEL_INFO;

void log_set_level(enum log_level least)
{
    atomic_store(&least_level, (int)least);
}

void log_write(enum log_level level, const char *format, ...)
{
    char line[LINE_MAX_LEN];
    int saved = errno, prefix, n;
    va_list args;
    ssize_t ignored;

    if ((int)level > atomic_load_explicit(&least_level, memory_order_relaxed))
        return;
    prefix = snprintf(line, sizeof line, "<%d>", (int)level);
    va_start(args, format);
    n = vsnprintf(line + prefix, sizeof line - (size_t)prefix - 1, format, args);
    va_end(args);
    if (n < 0)
        return;
    n += prefix;
    if (n > (int)sizeof line - 2)
        n = (int)sizeof line - 2;
    for (int i = prefix; i < n; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    line[n] = '\n';
    ignored = write(STDERR_FILENO, line, (size_t)n + 1); /* one write: lines of several threads do not mix */
    (void)ignored;                                       /* nowhere left to complain to */
    errno = saved;
}
