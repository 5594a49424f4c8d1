#include "provisioning/cli/completion.h"

/* What an option's argument may be, by its word in the table. */
static const struct {
    const char *argument;
    const char *values; /* for compgen */
} arguments[] = {
    { "FILE", "-f" },
    { "PEM", "-f" },
    { "JSON", "-f" },
    { "NAME=PEM", "-f" },
    { "PATH", "-f" },
    { "DIRECTORY", "-d" },
    { "WHO", "-W \"user so\"" },
    { "TYPE", "-W \"User Group ServicePrincipal ForeignGroup Device\"" },
    { "POLICY", "-W \"strict compatible\"" },
};

static const char *values_of(const char *argument)
{
    for (size_t i = 0; i < ARRAY_LEN(arguments); i++)
        if (strcmp(arguments[i].argument, argument) == 0)
            return arguments[i].values;
    return NULL;
}

static void put_nouns(const struct noun *nouns, size_t count, FILE *out)
{
    fputs("    1) words=\"", out);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s ", nouns[i].name);
    fputs("--help --version\" ;;\n", out);
}

static void put_verbs(const struct noun *nouns, size_t count, FILE *out)
{
    fputs("    2)\n        case \"${COMP_WORDS[1]}\" in\n", out);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "        %s) words=\"", nouns[i].name);
        for (const struct verb *v = nouns[i].verbs; v->name != NULL; v++)
            fprintf(out, "%s ", v->name);
        fputs("--help\" ;;\n", out);
    }
    fputs("        esac\n        ;;\n", out);
}

static void put_options_of(const struct noun *n, const struct verb *v, FILE *out)
{
    const char *space = "";

    fprintf(out, "        \"%s %s\") words=\"", n->name, v->name);
    for (const struct verb_option *o = v->options; o != NULL && o->name != NULL; o++) {
        fprintf(out, "%s--%s", space, o->name);
        space = " ";
    }
    for (size_t i = 0; command_common_option(v, i) != NULL; i++) {
        fprintf(out, "%s--%s", space, command_common_option(v, i)->name);
        space = " ";
    }
    fputs("\" ;;\n", out);
}

static void put_options(const struct noun *nouns, size_t count, FILE *out)
{
    fputs("    *)\n        case \"${COMP_WORDS[1]} ${COMP_WORDS[2]}\" in\n", out);
    for (size_t i = 0; i < count; i++)
        for (const struct verb *v = nouns[i].verbs; v->name != NULL; v++)
            put_options_of(&nouns[i], v, out);
    fputs("        esac\n        ;;\n", out);
}

static void put_argument(const struct noun *n, const struct verb *v, const struct verb_option *o, FILE *out)
{
    const char *values;

    if (o->argument == NULL)
        return;
    values = values_of(o->argument);
    fprintf(out, "    \"%s %s --%s\")", n->name, v->name, o->name);
    if (values != NULL && values[1] != 'W')
        fputs(" compopt -o filenames 2>/dev/null;", out); /* a space in a name, a slash behind a directory's */
    if (values != NULL)
        fprintf(out, " mapfile -t COMPREPLY < <(compgen %s -- \"$current\");", values);
    fputs(" return ;;\n", out);
}

static void put_arguments(const struct noun *nouns, size_t count, FILE *out)
{
    for (size_t i = 0; i < count; i++)
        for (const struct verb *v = nouns[i].verbs; v->name != NULL; v++) {
            for (const struct verb_option *o = v->options; o != NULL && o->name != NULL; o++)
                put_argument(&nouns[i], v, o, out);
            for (size_t k = 0; command_common_option(v, k) != NULL; k++)
                put_argument(&nouns[i], v, command_common_option(v, k), out);
        }
}

void completion_bash(const struct noun *nouns, size_t count, FILE *out)
{
    fputs(
        "# Completion of strongroom for bash, made of its table of commands; do not edit. Source it, or install it as\n"
        "# /usr/share/bash-completion/completions/strongroom.\n"
        "# shellcheck shell=bash\n\n"
        "_strongroom() {\n"
        "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} words=\n\n"
        "    COMPREPLY=()\n"
        "    # bash makes three words of --option=value and of NAME=FILE\n"
        "    if [ \"$current\" = = ] || [ \"$previous\" = = ]; then\n"
        "        [ \"$previous\" != = ] || previous=${COMP_WORDS[COMP_CWORD - 2]}\n"
        "        [ \"$current\" != = ] || current=\n"
        "        if [ \"${previous#--}\" = \"$previous\" ]; then\n"
        "            mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
        "            return\n"
        "        fi\n"
        "    fi\n"
        "    case \"${COMP_WORDS[1]} ${COMP_WORDS[2]} $previous\" in\n",
        out);
    put_arguments(nouns, count, out);
    fputs("    esac\n    case \"$COMP_CWORD\" in\n", out);
    put_nouns(nouns, count, out);
    put_verbs(nouns, count, out);
    put_options(nouns, count, out);
    fputs("    esac\n"
          "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
          "}\n"
          "complete -F _strongroom strongroom\n",
          out);
}
