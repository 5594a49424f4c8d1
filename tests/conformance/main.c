#include "tests/conformance/suites.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct suite_entry suites[] = {
    { "general", suite_general, false },
    { "slots", suite_slots, false },
    { "sessions", suite_sessions, false },
    { "login", suite_login, false },
    { "objects", suite_objects, false },
    { "find", suite_find, false },
    { "attributes", suite_attributes, false },
    { "templates", suite_templates, false },
    { "rights", suite_rights, false },
    { "import", suite_import, false },
    { "generate", suite_generate, false },
    { "sign", suite_sign, false },
    { "mac", suite_mac, false },
    { "digest", suite_digest, false },
    { "cipher", suite_cipher, false },
    { "rsa", suite_rsa, false },
    { "parameters", suite_parameters, false },
    { "operation", suite_operation, false },
    { "wrap", suite_wrap, false },
    { "derive", suite_derive, false },
    { "random", suite_random, false },
    { "pqc", suite_pqc, false },
    { "threads", suite_threads, false },
    { "process", suite_process, false },
    { "many", suite_many, false },
    { "restart", suite_restart, true },
    { "lockout", suite_lockout, true },
};

static int usage(void)
{
    fputs("conformance [-v] [-l] [SUITE...] - a PKCS#11 module against the standard's text\n"
          "  -v  name the cases that passed or were not offered, too\n"
          "  -l  list the cases and end\n"
          "Without a name: all suites but restart (wants $TOKEN_RESTART) and lockout (spoils the token).\n"
          "Environment: TOKEN_MODULE TOKEN_LABEL TOKEN_PIN_FILE TOKEN_SO_PIN_FILE, see tests/shell/token.sh\n",
          stderr);
    return 2;
}

static bool wanted(const struct suite_entry *e, char **names, int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], e->name) == 0)
            return true;
    return count == 0 && !e->apart;
}

static bool all_known(char **names, int count)
{
    for (int i = 0; i < count; i++) {
        bool known = false;

        for (size_t k = 0; k < COUNT_OF(suites); k++)
            known |= strcmp(names[i], suites[k].name) == 0;
        if (!known)
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct totals totals = { 0 };
    bool verbose = false, list = false;
    int first = 1;

    for (; first < argc && argv[first][0] == '-'; first++) {
        if (strcmp(argv[first], "-v") == 0)
            verbose = true;
        else if (strcmp(argv[first], "-l") == 0)
            list = true;
        else
            return usage();
    }
    if (!all_known(argv + first, argc - first))
        return usage();
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < COUNT_OF(suites); i++) {
        if (!wanted(&suites[i], argv + first, argc - first))
            continue;
        if (list)
            suite_list(&suites[i]);
        else
            suite_run(&suites[i], &totals, verbose);
    }
    if (list)
        return 0;
    printf("%u not offered\n%u passed, %u failed\n", totals.absent, totals.passed, totals.failed);
    return totals.failed == 0 && totals.passed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
