#include "provisioning/cli/input_file.h"

#include "provisioning/cli/private_file.h"

int input_file_read(const struct invocation *in, const char *path, size_t max, struct bytes *out)
{
    enum status st = file_read(path, max, out);

    switch (st) {
    case ST_OK:
        return out->len > 0 ? EXIT_DONE : command_refuse(in, "%s: the file is empty", path);
    case ST_NOT_FOUND:
        return command_refuse(in, "%s: not found", path);
    case ST_NOT_PERMITTED:
        return command_refuse(in, "%s: you are not permitted to read it", path);
    case ST_TOO_LARGE:
        return command_refuse(in, "%s: too large: such a file has at most %zu bytes", path, max);
    case ST_UNSUPPORTED:
        return command_refuse(in, "%s: a directory, a pipe or a device, not an ordinary file", path);
    default:
        return command_refuse(in, "%s: %s", path, status_name(st));
    }
}
