#include "service/vault/fault.h"

#include <stdarg.h>
#include <stdio.h>

bool fault_set(struct fault *f, enum fault_code code, const char *format, ...)
{
    va_list args;

    f->code = code;
    f->status = ST_OK;
    va_start(args, format);
    vsnprintf(f->message, sizeof f->message, format, args);
    va_end(args);
    return false;
}

bool fault_trouble(struct fault *f, enum status st)
{
    f->code = FAULT_TROUBLE;
    f->status = st;
    f->message[0] = '\0';
    return false;
}
