#include "provisioning/cli/command.h"

#include <getopt.h>
#include <stdarg.h>

#include "provisioning/cli/plain.h"
#include "provisioning/cli/result_file.h"

#define HELP_COLUMN     30 /* where the words on an option begin */
#define CONFIG_VARIABLE "STRONGROOM_CONFIG"

static const struct verb_option common_options[] = {
    { "config", "FILE", false, false, "the configuration of the daemon concerned (or $STRONGROOM_CONFIG)" },
    { "json", NULL, false, false, "write JSON" },
    { "help", NULL, false, false, "describe this verb" },
};

enum { COMMON_CONFIG, COMMON_JSON, COMMON_HELP };

/* Does this verb take this common option? */
static bool takes(const struct verb *v, size_t common)
{
    return common != COMMON_JSON || v->data;
}

const struct verb_option *command_common_option(const struct verb *v, size_t n)
{
    for (size_t i = 0; i < ARRAY_LEN(common_options); i++)
        if (takes(v, i) && n-- == 0)
            return &common_options[i];
    return NULL;
}

static void print_exit_codes(FILE *out)
{
    fprintf(out, "\nExit codes: 0 done; 1 refused or failed, the reason is on standard error; 2 wrong usage.\n");
}

static void help_program(const struct noun *nouns, size_t count, FILE *out)
{
    fprintf(out, "strongroom - provisions and inspects a key vault appliance\n\n"
                 "Usage: strongroom <noun> <verb> [options]\n"
                 "       strongroom <noun> [<verb>] --help\n"
                 "       strongroom --version\n\n");
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "  %-14s%s\n", nouns[i].name, nouns[i].summary);
        for (const struct verb *v = nouns[i].verbs; v->name != NULL; v++)
            fprintf(out, "    %-20s%s\n", v->name, v->summary);
    }
    fprintf(out, "\n$STRONGROOM_CONFIG names the configuration when --config does not.\n");
    print_exit_codes(out);
}

static void help_noun(const struct noun *n, FILE *out)
{
    fprintf(out, "strongroom %s - %s\n\nUsage: strongroom %s <verb> [options]\n\n", n->name, n->summary, n->name);
    for (const struct verb *v = n->verbs; v->name != NULL; v++)
        fprintf(out, "  %-20s%s\n", v->name, v->summary);
    print_exit_codes(out);
}

static void help_option(const struct verb_option *o, FILE *out)
{
    char left[64];

    snprintf(left, sizeof left, "--%s%s%s", o->name, o->argument != NULL ? " " : "",
             o->argument != NULL ? o->argument : "");
    fprintf(out, "  %s%*s%s%s\n", left, strlen(left) < HELP_COLUMN ? (int)(HELP_COLUMN - strlen(left)) : 2, "", o->help,
            o->required ? " (required)" : "");
}

static void help_verb(const struct noun *n, const struct verb *v, FILE *out)
{
    fprintf(out, "strongroom %s %s - %s\n\nUsage: strongroom %s %s", n->name, v->name, v->summary, n->name, v->name);
    for (const struct verb_option *o = v->options; o != NULL && o->name != NULL; o++)
        if (o->required)
            fprintf(out, " --%s %s", o->name, o->argument);
    fprintf(out, " [options]\n");
    if (v->details != NULL)
        fprintf(out, "\n%s\n", v->details);
    fprintf(out, "\n");
    for (const struct verb_option *o = v->options; o != NULL && o->name != NULL; o++)
        help_option(o, out);
    for (size_t i = 0; command_common_option(v, i) != NULL; i++)
        help_option(command_common_option(v, i), out);
    print_exit_codes(out);
}

static void complain(const struct invocation *in, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

static void complain(const struct invocation *in, const char *format, va_list args)
{
    struct bytes words = { 0 };
    char *text;

    fprintf(in->err, "strongroom");
    if (in->noun != NULL)
        fprintf(in->err, ": %s", in->noun->name);
    if (in->verb != NULL)
        fprintf(in->err, " %s", in->verb->name);
    fprintf(in->err, ": ");
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    else
        plain_append_words(&words, span_text(text)); /* names of files and people are in it */
    fprintf(in->err, "%s\n", words.len > 0 && bytes_status(&words) == ST_OK ? bytes_text(&words) : "out of memory");
    bytes_clear(&words);
    free(text);
}

int command_refuse(const struct invocation *in, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    complain(in, format, args);
    va_end(args);
    return EXIT_REFUSED;
}

int command_misused(const struct invocation *in, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    complain(in, format, args);
    va_end(args);
    return EXIT_USAGE;
}

const char *command_value_at(const struct invocation *in, const char *option, size_t n)
{
    for (size_t i = 0; i < in->given_count; i++)
        if (strcmp(in->given[i].option->name, option) == 0 && n-- == 0)
            return in->given[i].value;
    return NULL;
}

const char *command_value(const struct invocation *in, const char *option)
{
    return command_value_at(in, option, 0);
}

bool command_given(const struct invocation *in, const char *option)
{
    for (size_t i = 0; i < in->given_count; i++)
        if (strcmp(in->given[i].option->name, option) == 0)
            return true;
    return false;
}

/* The verb's own options and the common ones, in one table for getopt; its last row is zero. */
struct option_table {
    const struct verb_option *options[COMMAND_OPTIONS_MAX + ARRAY_LEN(common_options)];
    struct option rows[COMMAND_OPTIONS_MAX + ARRAY_LEN(common_options) + 1];
    size_t count;
};

static void add_row(struct option_table *t, const struct verb_option *o)
{
    INVARIANT(t->count < ARRAY_LEN(t->options));
    t->options[t->count] = o;
    t->rows[t->count].name = o->name;
    t->rows[t->count].has_arg = o->argument != NULL ? required_argument : no_argument;
    t->count++;
}

static int keep_given(struct invocation *in, const struct verb_option *o, const char *value)
{
    if (!o->repeatable && command_given(in, o->name))
        return command_misused(in, "--%s is given twice", o->name);
    if (in->given_count == COMMAND_GIVEN_MAX)
        return command_misused(in, "more than %d options", COMMAND_GIVEN_MAX);
    in->given[in->given_count++] = (struct given_option){ o, value };
    return EXIT_DONE;
}

/* getopt would take the beginning of a name for the name: what a script says must not mean something else when there is
 * one more option. Returns EXIT_DONE or EXIT_USAGE. */
static int check_name(const struct invocation *in, const struct option_table *t, const char *word)
{
    const char *name = word + 2, *close = NULL;
    size_t len = strcspn(name, "=");

    for (size_t i = 0; i < t->count; i++) {
        if (strncmp(t->rows[i].name, name, len) != 0)
            continue;
        if (t->rows[i].name[len] != '\0')
            close = t->rows[i].name;
        else if (name[len] == '=' && t->rows[i].has_arg == no_argument)
            return command_misused(in, "--%s takes no value", t->rows[i].name);
        else
            return EXIT_DONE;
    }
    if (close != NULL)
        return command_misused(in, "unknown option --%.*s; did you mean --%s?", (int)len, name, close);
    return command_misused(in, "unknown option --%.*s (see --help)", (int)len, name);
}

/* "--" ends the options, and nothing comes behind them. */
static bool is_long(const char *word)
{
    return word != NULL && strncmp(word, "--", 2) == 0 && word[2] != '\0';
}

static int parse_options(struct invocation *in, const struct option_table *t, int argc, char **argv)
{
    int c, code, row = -1, at = 1;

    optind = 0; /* begin anew: a test runs many command lines in one process */
    opterr = 0;
    for (;; at = optind) {
        if (is_long(argv[at]) && (code = check_name(in, t, argv[at])) != EXIT_DONE)
            return code;
        /* "+": nothing is reordered; ":": a missing value is told apart from an unknown name. */
        if ((c = getopt_long(argc, argv, "+:h", t->rows, &row)) == -1)
            break;
        if (c == ':')
            return command_misused(in, "%s needs a value", argv[at]);
        if (c != 0 && c != 'h')
            return command_misused(in, "unknown option %s (see --help)", argv[at]);
        if ((code = keep_given(in, c == 'h' ? &common_options[COMMON_HELP] : t->options[row], optarg)) != EXIT_DONE)
            return code;
    }
    if (optind != argc)
        return command_misused(in, "unexpected word \"%s\" (see --help)", argv[optind]);
    return EXIT_DONE;
}

static int check_required(const struct invocation *in)
{
    for (const struct verb_option *o = in->verb->options; o != NULL && o->name != NULL; o++)
        if (o->required && !command_given(in, o->name))
            return command_misused(in, "--%s %s is missing", o->name, o->argument);
    if (in->config_path == NULL && !in->verb->no_config)
        return command_misused(in, "no configuration: give --config FILE or set $" CONFIG_VARIABLE);
    return EXIT_DONE;
}

/* argv[0] is the verb's name. */
static int run_verb(struct invocation *in, int argc, char **argv)
{
    struct option_table table = { 0 };
    int code;

    for (const struct verb_option *o = in->verb->options; o != NULL && o->name != NULL; o++)
        add_row(&table, o);
    for (size_t i = 0; command_common_option(in->verb, i) != NULL; i++)
        add_row(&table, command_common_option(in->verb, i));
    if ((code = parse_options(in, &table, argc, argv)) != EXIT_DONE)
        return code;
    if (command_given(in, "help")) {
        help_verb(in->noun, in->verb, in->out);
        return EXIT_DONE;
    }
    in->json = command_given(in, "json");
    in->config_path = command_given(in, "config") ? command_value(in, "config") : getenv(CONFIG_VARIABLE);
    if ((code = check_required(in)) != EXIT_DONE)
        return code;
    code = in->verb->run(in);
    result_files_abandon();
    if (fflush(in->out) != 0 || ferror(in->out))
        return command_refuse(in, "the output cannot be written");
    return code;
}

static const struct verb *find_verb(const struct noun *n, const char *name)
{
    for (const struct verb *v = n->verbs; v->name != NULL; v++)
        if (strcmp(v->name, name) == 0)
            return v;
    return NULL;
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

static int no_such_verb(const struct invocation *in, const char *name)
{
    struct bytes names = { 0 };
    int code;

    for (const struct verb *v = in->noun->verbs; v->name != NULL; v++)
        bytes_printf(&names, "%s%s", v == in->noun->verbs ? "" : ", ", v->name);
    code = command_misused(in, "no verb \"%s\"; there are: %s", name,
                           bytes_status(&names) == ST_OK ? bytes_text(&names) : "others");
    bytes_clear(&names);
    return code;
}

/* argv[0] is the noun's name. */
static int run_noun(struct invocation *in, int argc, char **argv)
{
    if (argc < 2) {
        help_noun(in->noun, in->err);
        return EXIT_USAGE;
    }
    if (is_help(argv[1])) {
        help_noun(in->noun, in->out);
        return EXIT_DONE;
    }
    if ((in->verb = find_verb(in->noun, argv[1])) == NULL)
        return no_such_verb(in, argv[1]);
    return run_verb(in, argc - 1, argv + 1);
}

int command_run(const struct noun *nouns, size_t noun_count, int argc, char **argv, FILE *out, FILE *err)
{
    struct invocation in = { .out = out, .err = err };

    if (argc < 2) {
        help_program(nouns, noun_count, err);
        return EXIT_USAGE;
    }
    if (is_help(argv[1])) {
        help_program(nouns, noun_count, out);
        return EXIT_DONE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        fprintf(out, "strongroom %s\n", STRONGROOM_VERSION);
        return EXIT_DONE;
    }
    for (size_t i = 0; i < noun_count && in.noun == NULL; i++)
        if (strcmp(nouns[i].name, argv[1]) == 0)
            in.noun = &nouns[i];
    if (in.noun == NULL)
        return command_misused(&in, "no noun \"%s\" (see strongroom --help)", argv[1]);
    return run_noun(&in, argc - 1, argv + 1);
}
