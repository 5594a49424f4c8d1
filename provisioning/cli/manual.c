#include "provisioning/cli/manual.h"

#define MANUAL_DATE "November 27, 2026"

/* Text in roff: nothing in it is a macro or an escape. `in_word`: it does not begin a line. */
static void put_escaped(const char *text, bool in_word, FILE *out)
{
    bool begins = !in_word;

    for (; *text != '\0'; text++) {
        switch (*text) {
        case '\\':
            fputs("\\e", out);
            break;
        case '`':
            fputs("\\(ga", out);
            break;
        case '~':
            fputs("\\(ti", out);
            break;
        case '^':
            fputs("\\(ha", out);
            break;
        case '"':
            fputs("\\(dq", out);
            break;
        case '\'':
            fputs("\\(aq", out);
            break;
        default:
            if (begins && *text == '.')
                fputs("\\&", out);
            fputc(*text, out);
        }
        begins = *text == '\n';
    }
}

/* A sentence: from a line of help, which has neither capital nor full stop. */
static void put_sentence(const char *text, FILE *out)
{
    char first[2] = { text[0], '\0' };

    if (first[0] >= 'a' && first[0] <= 'z')
        first[0] = (char)(first[0] - 'a' + 'A');
    put_escaped(first, false, out);
    put_escaped(text[0] != '\0' ? text + 1 : "", true, out);
    fputs(".\n", out);
}

static void put_head(const char *title, const char *name, const char *summary, FILE *out)
{
    fprintf(out, ".\\\" Made of the table of commands; do not edit.\n.Dd " MANUAL_DATE "\n.Dt ");
    for (const char *c = title; *c != '\0'; c++)
        fputc(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c, out);
    fprintf(out, " 1\n.Os\n.Sh NAME\n.Nm %s\n.Nd ", name);
    put_escaped(summary, true, out);
    fputs("\n", out);
}

/* --name ARGUMENT as macros on one line. */
static void put_option_call(const struct verb_option *o, FILE *out)
{
    fprintf(out, "Fl -%s", o->name);
    if (o->argument != NULL)
        fprintf(out, " Ar %s", o->argument);
    if (o->repeatable)
        fputs(" ...", out);
}

static void put_synopsis(const struct noun *n, const struct verb *v, FILE *out)
{
    fprintf(out, ".Nm strongroom %s\n.Ic %s\n", n->name, v->name);
    for (const struct verb_option *o = v->options; o != NULL && o->name != NULL; o++) {
        fputs(o->required ? "." : ".Op ", out);
        put_option_call(o, out);
        fputs("\n", out);
    }
    for (size_t i = 0; command_common_option(v, i) != NULL; i++) {
        fputs(".Op ", out);
        put_option_call(command_common_option(v, i), out);
        fputs("\n", out);
    }
}

static void put_option(const struct verb_option *o, FILE *out)
{
    fputs(".It ", out);
    put_option_call(o, out);
    fputs("\n", out);
    put_sentence(o->help, out);
    if (o->required)
        fputs("Required.\n", out);
}

static void put_verb(const struct verb *v, FILE *out)
{
    fprintf(out, ".Ss %s\n", v->name);
    put_sentence(v->summary, out);
    if (v->details != NULL) {
        put_escaped(v->details, false, out);
        fputs("\n", out);
    }
    fputs(".Bl -tag -width Ds\n", out);
    for (const struct verb_option *o = v->options; o != NULL && o->name != NULL; o++)
        put_option(o, out);
    for (size_t i = 0; command_common_option(v, i) != NULL; i++)
        put_option(command_common_option(v, i), out);
    fputs(".El\n", out);
}

static void put_exit_status(FILE *out)
{
    fputs(".Sh EXIT STATUS\n.Bl -tag -width Ds -compact\n.It 0\nDone.\n.It 1\nRefused or failed; standard error says "
          "why.\n.It 2\nWrong usage.\n.El\n",
          out);
}

static void put_example(const char *noun, FILE *out)
{
    const struct manual_example *e = manual_example(noun);

    if (e == NULL)
        return;
    fputs(".Sh EXAMPLES\n", out);
    put_escaped(e->what, false, out);
    fputs("\n.Bd -literal -offset indent\n", out);
    put_escaped(e->commands, false, out);
    fputs(".Ed\n", out);
}

void manual_noun(const struct noun *noun, FILE *out)
{
    char name[64];

    snprintf(name, sizeof name, "strongroom-%s", noun->name);
    put_head(name, name, noun->summary, out);
    fputs(".Sh SYNOPSIS\n", out);
    for (const struct verb *v = noun->verbs; v->name != NULL; v++)
        put_synopsis(noun, v, out);
    fputs(".Sh DESCRIPTION\n", out);
    for (const struct verb *v = noun->verbs; v->name != NULL; v++)
        put_verb(v, out);
    put_exit_status(out);
    put_example(noun->name, out);
    fputs(".Sh SEE ALSO\n.Xr strongroom 1\n", out);
}

static void put_nouns(const struct noun *nouns, size_t count, FILE *out)
{
    fputs(".Sh COMMANDS\n", out);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, ".Ss %s\n", nouns[i].name);
        put_sentence(nouns[i].summary, out);
        fprintf(out, "See\n.Xr strongroom-%s 1 .\n.Bl -tag -width Ds -compact\n", nouns[i].name);
        for (const struct verb *v = nouns[i].verbs; v->name != NULL; v++) {
            fprintf(out, ".It Ic %s %s\n", nouns[i].name, v->name);
            put_sentence(v->summary, out);
        }
        fputs(".El\n", out);
    }
}

static void put_see_also(const struct noun *nouns, size_t count, FILE *out)
{
    fputs(".Sh SEE ALSO\n", out);
    for (size_t i = 0; i < count; i++)
        fprintf(out, ".Xr strongroom-%s 1%s\n", nouns[i].name, i + 1 < count ? " ," : "");
}

void manual_overview(const struct noun *nouns, size_t count, FILE *out)
{
    put_head("strongroom", "strongroom", "provisions and inspects a key vault appliance", out);
    fputs(".Sh SYNOPSIS\n.Nm\n.Ar noun\n.Ar verb\n.Op Ar options\n.Nm\n.Op Ar noun Op Ar verb\n.Fl -help\n.Nm\n"
          ".Fl -version\n",
          out);
    fputs(manual_description, out);
    put_nouns(nouns, count, out);
    fputs(manual_files, out);
    put_exit_status(out);
    fputs(manual_examples, out);
    put_see_also(nouns, count, out);
}
