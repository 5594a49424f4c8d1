#include <stdio.h>
#include <unistd.h>

#include "tests/unit/provisioning/board.h"
#include "tests/unit/provisioning/ceremony.h"

int ceremony_domain(const struct board *b, const char *name)
{
    static const char *const names[] = { "ann", "bob", "cid" };
    const char *file = ceremony_path("domain.json");
    char holders[ARRAY_LEN(names)][300];
    struct said said = { 0 };
    int code;

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        snprintf(holders[i], sizeof holders[i], "%s=%s", names[i], ceremony_certificate(i));
    unlink(file);
    if ((code = BOARD_ASK(&said, b, "owner", "domain", "create", "--name", name, "--required", "2", "--holder",
                          holders[0], "--holder", holders[1], "--holder", holders[2])) == EXIT_DONE &&
        (code = BOARD_ASK(&said, b, "owner", "domain", "export", "--out", file)) == EXIT_DONE)
        code = BOARD_ASK(&said, b, "owner", "domain", "confirm", "--domain", file);
    if (code != EXIT_DONE)
        printf("\n  %s", said.err);
    said_clear(&said);
    return code;
}
