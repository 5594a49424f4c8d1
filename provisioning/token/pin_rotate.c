#include "provisioning/token/pin_rotate.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sys/file.h>
#include <unistd.h>

#include "provisioning/cli/private_file.h"
#include "provisioning/token/machine_pin.h"
#include "provisioning/token/pin_place.h"
#include "provisioning/token/pin_session.h"

/* What the two files hold and which one opens. The order of things: FILE.new is on the disk, the token gets its PIN,
 * FILE.new becomes FILE. So without FILE.new the PIN is FILE's; with it, one of the two. */
struct rotation {
    const struct invocation *in;
    struct site site;
    struct pin_session token;
    enum pin_who who;
    struct bytes path, new_path;
    int directory; /* locked: one rotation at a time */
    struct secret old_pin, new_pin;
    bool left_over; /* FILE.new is of an interrupted run */
};

static int name_files(struct rotation *r)
{
    const char *path = command_value(r->in, "pin-file");
    char *copy = NULL;
    int code = EXIT_DONE;

    if (r->who == PIN_SO && path == NULL) {
        if (r->site.config.token_pin_file[0] != '/')
            return command_misused(r->in, "give --pin-file FILE: the configuration does not say where the SO PIN is");
        if ((copy = strdup(r->site.config.token_pin_file)) != NULL)
            bytes_printf(&r->path, "%s/so-pin", dirname(copy));
        free(copy);
    } else {
        if (r->who == PIN_USER && (code = pin_place_file(r->in, &r->site, &path)) != EXIT_DONE)
            return code;
        bytes_append_text(&r->path, path);
    }
    bytes_printf(&r->new_path, "%s.new", bytes_text(&r->path));
    if (r->path.len == 0 || bytes_status(&r->path) != ST_OK || bytes_status(&r->new_path) != ST_OK)
        return command_refuse(r->in, "out of memory");
    return EXIT_DONE;
}

static int lock_directory(struct rotation *r)
{
    char *copy = strdup(bytes_text(&r->path));
    int code = EXIT_DONE;

    if (copy == NULL || (r->directory = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        code = command_refuse(r->in, "the directory of %s cannot be opened", bytes_text(&r->path));
    else if (flock(r->directory, LOCK_EX | LOCK_NB) != 0)
        code = command_refuse(r->in, "another rotation works in the directory of %s", bytes_text(&r->path));
    free(copy);
    return code;
}

static int read_files(struct rotation *r)
{
    enum status st = secret_read_file(&r->old_pin, bytes_text(&r->path));

    if (st != ST_OK)
        return command_refuse(r->in, "the PIN file %s: %s", bytes_text(&r->path), status_name(st));
    st = secret_read_file(&r->new_pin, bytes_text(&r->new_path));
    if (st != ST_OK && st != ST_NOT_FOUND)
        return command_refuse(r->in, "the PIN file %s: %s", bytes_text(&r->new_path), status_name(st));
    r->left_over = st == ST_OK;
    return EXIT_DONE;
}

/* What an interrupted run wrote in part was never given to the token. */
static int drop_incomplete(struct rotation *r)
{
    if (!r->left_over || machine_pin_is_whole(secret_span(&r->new_pin)))
        return EXIT_DONE;
    if (unlink(bytes_text(&r->new_path)) != 0)
        return command_refuse(r->in, "%s: %s", bytes_text(&r->new_path), strerror(errno));
    r->left_over = false;
    return EXIT_DONE;
}

/* Log in with the PIN that the token has: *renewed when it is FILE.new's. FILE's is tried first, for it is the only one
 * that may be wrong without meaning that somebody else has changed the PIN: after a run was interrupted, at most one
 * try is lost, and the next login makes up for it. The last try is not risked. */
static int find_out(struct rotation *r, bool *renewed)
{
    const char *files = bytes_text(&r->path), *what = "nothing is changed";
    CK_RV rv;

    *renewed = false;
    if (r->left_over && pin_session_state(&r->token, r->who).final_try)
        return command_refuse(r->in,
                              "one try is left, and a rotation was interrupted: the PIN is that of %s or of %s.new. A "
                              "wrong one would lock it, so neither is tried",
                              files, files);
    rv = pin_session_login(&r->token, r->who, secret_span(&r->old_pin));
    if (rv != CKR_PIN_INCORRECT || !r->left_over)
        return rv == CKR_OK ? EXIT_DONE : pin_session_refuse(r->in, &r->token, r->who, what, rv);
    if (pin_session_state(&r->token, r->who).final_try)
        return command_refuse(r->in, "the PIN of %s is wrong and one try is left, so that of %s.new is not tried",
                              files, files);
    rv = pin_session_login(&r->token, r->who, secret_span(&r->new_pin));
    *renewed = rv == CKR_OK;
    return rv == CKR_OK ? EXIT_DONE : pin_session_refuse(r->in, &r->token, r->who, what, rv);
}

static int write_new(struct rotation *r)
{
    enum status st;

    if (r->left_over) /* whole, and not the token's yet */
        return EXIT_DONE;
    if ((st = machine_pin_create(bytes_text(&r->new_path), &r->new_pin)) != ST_OK)
        return command_refuse(r->in, "%s: %s", bytes_text(&r->new_path), status_name(st));
    return EXIT_DONE;
}

/* Did the token certainly not take the new PIN? An answer that was lost leaves that open. */
static bool is_refusal(CK_RV rv)
{
    return rv == CKR_PIN_INCORRECT || rv == CKR_PIN_INVALID || rv == CKR_PIN_LEN_RANGE || rv == CKR_PIN_LOCKED ||
           rv == CKR_TOKEN_WRITE_PROTECTED || rv == CKR_SESSION_READ_ONLY || rv == CKR_FUNCTION_NOT_SUPPORTED;
}

static int set_in_token(struct rotation *r)
{
    CK_RV rv = pin_session_change(&r->token, secret_span(&r->old_pin), secret_span(&r->new_pin));

    if (is_refusal(rv)) {
        unlink(bytes_text(&r->new_path));
        return pin_session_refuse(r->in, &r->token, r->who, "the PIN is not changed", rv);
    }
    if (rv != CKR_OK)
        return command_refuse(r->in, "the token does not say whether it has the new PIN (0x%lx); run this again", rv);
    pin_session_logout(&r->token);
    if ((rv = pin_session_login(&r->token, r->who, secret_span(&r->new_pin))) != CKR_OK)
        return command_refuse(r->in, "the token took the new PIN and does not open with it (0x%lx); %s is left", rv,
                              bytes_text(&r->new_path));
    return EXIT_DONE;
}

/* FILE.new goes last: while it is there, a later run comes here again. */
static int finish(struct rotation *r)
{
    int code = EXIT_DONE;

    if (r->who == PIN_USER)
        code = pin_place_hand_over(r->in, &r->site, bytes_text(&r->new_path), bytes_text(&r->path));
    if (code != EXIT_DONE)
        return code;
    if (rename(bytes_text(&r->new_path), bytes_text(&r->path)) != 0 || fsync(r->directory) != 0)
        return command_refuse(r->in, "%s cannot take the place of %s: %s", bytes_text(&r->new_path),
                              bytes_text(&r->path), strerror(errno));
    return EXIT_DONE;
}

static int rotate(struct rotation *r)
{
    bool renewed = false;
    int code;

    if ((code = name_files(r)) != EXIT_DONE || (code = lock_directory(r)) != EXIT_DONE ||
        (code = read_files(r)) != EXIT_DONE || (code = drop_incomplete(r)) != EXIT_DONE ||
        (code = pin_session_open(r->in, &r->site, &r->token)) != EXIT_DONE ||
        (code = find_out(r, &renewed)) != EXIT_DONE)
        return code;
    if (!renewed && ((code = write_new(r)) != EXIT_DONE || (code = set_in_token(r)) != EXIT_DONE))
        return code;
    if ((code = finish(r)) == EXIT_DONE)
        fprintf(r->in->out, "%s: %s\n", bytes_text(&r->path),
                renewed ? "the rotation that was interrupted is finished" : "a new PIN, which the token has");
    return code;
}

int pin_rotate(struct invocation *in)
{
    struct rotation r = { .in = in, .directory = -1, .token = { .module.lock_fd = -1, .session = CK_INVALID_HANDLE } };
    int code;

    if ((code = pin_who_given(in, &r.who)) == EXIT_DONE && (code = site_open(in, &r.site)) == EXIT_DONE)
        code = rotate(&r);
    pin_session_close(&r.token);
    if (r.directory >= 0)
        close(r.directory);
    secret_clear(&r.old_pin);
    secret_clear(&r.new_pin);
    bytes_clear(&r.path);
    bytes_clear(&r.new_path);
    site_close(&r.site);
    return code;
}
