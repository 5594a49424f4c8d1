/* strongroom - the operator's command line: provisions an appliance, lets applications in, checks its audit trail. */
#include <sys/stat.h>

#include "firmware/base/log.h"
#include "firmware/base/secret.h"
#include "provisioning/nouns.h"

int main(int argc, char **argv)
{
    umask(umask(077) | 027); /* stores are for one group at most; files with secrets say their own mode */
    log_set_level(LOG_LEVEL_WARNING);
    if (secret_init_process() != ST_OK) {
        fprintf(stderr,
                "strongroom: the memory for secrets cannot be locked; raise the limit (ulimit -l) to at least "
                "%u KiB\n",
                SECRET_HEAP_SIZE / 1024 + 64);
        return EXIT_REFUSED;
    }
    return command_run(strongroom_nouns, strongroom_noun_count, argc, argv, stdout, stderr);
}
