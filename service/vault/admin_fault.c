#include "service/vault/admin_fault.h"

#include <stdarg.h>
#include <stdio.h>

bool admin_fault_set(struct admin_fault *f, enum admin_fault_code code, const char *format, ...)
{
    va_list args;

    f->code = code;
    f->status = ST_OK;
    va_start(args, format);
    vsnprintf(f->message, sizeof f->message, format, args);
    va_end(args);
    return false;
}

bool admin_fault_trouble(struct admin_fault *f, enum status st)
{
    admin_fault_set(f, ADMIN_FAULT_TROUBLE, "The service failed to do this: %s.", status_name(st));
    f->status = st;
    return false;
}
