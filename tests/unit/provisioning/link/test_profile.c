/* provisioning/link/profile.c: where the names of the link's files come from. */
#include "provisioning/link/profile.h"

#include <sys/stat.h>
#include <unistd.h>

#include "provisioning/cli/private_file.h"
#include "tests/unit/harness.h"
#include "tests/unit/provisioning/session.h"

static struct said said;
static char path[512];

#define COMPLETE "socket = /s\ncertificate=/c\n\tkey = /k \nkeystore = /b\n"

/* A verb that says what it got. */
static int say_profile(struct invocation *in)
{
    struct profile p;
    int code = profile_take(in, &p);

    if (code == EXIT_DONE)
        fprintf(in->out, "%s %s %s %s", p.path[PROFILE_SOCKET], p.path[PROFILE_CERTIFICATE], p.path[PROFILE_KEY],
                p.path[PROFILE_KEYSTORE]);
    profile_clear(&p);
    return code;
}

static const struct verb_option options[] = {
    { "profile", "FILE", false, false, "" },    { "socket", "PATH", false, false, "" },
    { "certificate", "PEM", false, false, "" }, { "key", "PEM", false, false, "" },
    { "keystore", "PEM", false, false, "" },    { 0 },
};
static const struct verb verbs[] = { { "say", "say it", NULL, false, true, options, say_profile }, { 0 } };
static const struct noun nouns[] = { { "profile", "profiles", verbs } };

#define SAY(...)    session_run(nouns, 1, (const char *const[]){ "profile", "say", __VA_ARGS__, NULL }, &said)
#define SAY_ALONE() session_run(nouns, 1, (const char *const[]){ "profile", "say", NULL }, &said)

static const char *put(const char *text, mode_t mode)
{
    snprintf(path, sizeof path, "%s/profile", scratch_directory());
    unlink(path);
    CU_ASSERT_EQUAL(file_create(path, mode, span_text(text)), ST_OK);
    return path;
}

static void all_by_options(void)
{
    CU_ASSERT_EQUAL(SAY("--socket", "1", "--certificate", "2", "--key", "3", "--keystore", "4"), EXIT_DONE);
    CU_ASSERT_STRING_EQUAL(said.out, "1 2 3 4");
}

static void from_a_file(void)
{
    CU_ASSERT_EQUAL(SAY("--profile", put("# mine\n\n" COMPLETE, 0644)), EXIT_DONE);
    CU_ASSERT_STRING_EQUAL(said.out, "/s /c /k /b");
    CU_ASSERT_EQUAL(SAY("--profile", put("socket = /s\r\n\r\ncertificate = /c\r\nkey = /k\r\nkeystore = /b\r\n", 0644)),
                    EXIT_DONE);
    CU_ASSERT_STRING_EQUAL(said.out, "/s /c /k /b");
    CU_ASSERT_EQUAL(setenv("STRONGROOM_PROFILE", put(COMPLETE, 0644), 1), 0);
    CU_ASSERT_EQUAL(SAY_ALONE(), EXIT_DONE);
    CU_ASSERT_STRING_EQUAL(said.out, "/s /c /k /b");
    CU_ASSERT_EQUAL(SAY("--key", "other"), EXIT_DONE);
    CU_ASSERT_STRING_EQUAL(said.out, "/s /c other /b");
    /* --profile goes before the environment, even where that names nothing good */
    CU_ASSERT_EQUAL(setenv("STRONGROOM_PROFILE", "/nonexistent", 1), 0);
    CU_ASSERT_EQUAL(SAY("--profile", path), EXIT_DONE);
    CU_ASSERT_EQUAL(SAY("--socket", "1", "--certificate", "2", "--key", "3", "--keystore", "4"), EXIT_DONE);
    CU_ASSERT_EQUAL(SAY_ALONE(), EXIT_REFUSED);
    CU_ASSERT_EQUAL(unsetenv("STRONGROOM_PROFILE"), 0);
}

/* Where the command is run has no say. */
static void relative_paths(void)
{
    char wanted[1024], here[512], short_name[] = "profile";
    const char *dir = scratch_directory();

    put("socket = s\ncertificate = sub/c\nkey = ../k\nkeystore = /b\n", 0600);
    snprintf(wanted, sizeof wanted, "%s/s %s/sub/c %s/../k /b", dir, dir, dir);
    CU_ASSERT_EQUAL(SAY("--profile", path), EXIT_DONE);
    CU_ASSERT_STRING_EQUAL(said.out, wanted);
    CU_ASSERT_PTR_NOT_NULL_FATAL(getcwd(here, sizeof here));
    CU_ASSERT_EQUAL_FATAL(chdir(dir), 0);
    CU_ASSERT_EQUAL(SAY("--profile", short_name), EXIT_DONE);
    CU_ASSERT_STRING_EQUAL(said.out, "s sub/c ../k /b");
    CU_ASSERT_EQUAL(SAY("--profile", short_name, "--key", "mine"), EXIT_DONE); /* an option's is as the shell has it */
    CU_ASSERT_STRING_EQUAL(said.out, "s sub/c mine /b");
    CU_ASSERT_EQUAL_FATAL(chdir(here), 0);
}

/* The PKCS#11 module's own file may have several. */
static void the_first_of_several(void)
{
    CU_ASSERT_EQUAL(SAY("--profile", put("[one]\n" COMPLETE "[two]\nsocket = /other\nnonsense\n", 0600)), EXIT_DONE);
    CU_ASSERT_STRING_EQUAL(said.out, "/s /c /k /b");
    CU_ASSERT_EQUAL(SAY("--profile", put(COMPLETE "[two]\nsocket = /other\n", 0600)), EXIT_DONE);
    CU_ASSERT_STRING_EQUAL(said.out, "/s /c /k /b");
}

static void what_is_missing(void)
{
    CU_ASSERT_EQUAL(SAY_ALONE(), EXIT_USAGE);
    CU_ASSERT(says(said.err, "--socket is missing") && says(said.err, "--profile") &&
              says(said.err, "$STRONGROOM_PROFILE"));
    CU_ASSERT_EQUAL(SAY("--profile", put("socket = /s\ncertificate = /c\n", 0600)), EXIT_USAGE);
    CU_ASSERT(says(said.err, "--key is missing"));
    CU_ASSERT_EQUAL(SAY("--profile", put("", 0600), "--socket", "1", "--certificate", "2", "--key", "3"), EXIT_USAGE);
    CU_ASSERT(says(said.err, "--keystore is missing"));
}

static void refused_lines(void)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        { "colour = /red\n", "profile:1: unknown name" },
        { "# c\n\nkey = /k\nkey = /k\n", "profile:4: set twice" },
        { "key =\n", "profile:1: no path" },
        { "key\n", "not of the form" },
        { "key: /k\n", "not of the form" },
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CU_ASSERT_EQUAL(SAY("--profile", put(cases[i].text, 0600)), EXIT_REFUSED);
        CU_ASSERT(says(said.err, cases[i].why));
    }
}

static void refused_files(void)
{
    char link[600], large[70 * 1024];

    CU_ASSERT_EQUAL(SAY("--profile", "/nonexistent/profile"), EXIT_REFUSED);
    CU_ASSERT_EQUAL(SAY("--profile", put(COMPLETE, 0664)), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "nobody else may write"));
    CU_ASSERT_EQUAL(SAY("--profile", put(COMPLETE, 0646)), EXIT_REFUSED);
    put(COMPLETE, 0644);
    snprintf(link, sizeof link, "%s.link", path);
    CU_ASSERT_EQUAL(symlink(path, link), 0);
    CU_ASSERT_EQUAL(SAY("--profile", link), EXIT_REFUSED);
    CU_ASSERT_EQUAL(SAY("--profile", "/dev/null"), EXIT_REFUSED);
    CU_ASSERT_EQUAL(SAY("--profile", scratch_directory()), EXIT_REFUSED);
    memset(large, '#', sizeof large);
    large[sizeof large - 1] = '\0';
    CU_ASSERT_EQUAL(SAY("--profile", put(large, 0600)), EXIT_REFUSED);
    /* named on the command line, it is looked at though nothing of it is needed */
    CU_ASSERT_EQUAL(SAY("--profile", "/nonexistent/profile", "--socket", "1", "--certificate", "2", "--key", "3",
                        "--keystore", "4"),
                    EXIT_REFUSED);
}

int main(void)
{
    static CU_TestInfo cases[] = {
        { "four options need no profile", all_by_options },
        { "a profile by option or environment; options go before it", from_a_file },
        { "relative paths are meant from where the profile lies", relative_paths },
        { "of several tokens it is the first", the_first_of_several },
        { "what is missing is named, with the ways to give it", what_is_missing },
        { "a line that is not understood is refused with its number", refused_lines },
        { "a file that others may write, a link, a device, a long one are refused", refused_files },
        CU_TEST_INFO_NULL,
    };
    static CU_SuiteInfo suites[] = { { "profile", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };
    int code;

    unsetenv("STRONGROOM_PROFILE");
    code = run_suites(suites);
    said_clear(&said);
    return code;
}
