# checks.sh - counting what a script checks, and its last line. Sourced by every runner; one that calls `check` has set $work, a
# private directory.
#   check SENTENCE COMMAND         the command must succeed. In this shell, so it may set variables; what it said is shown when not
#   verdict SENTENCE CODE [FILE]   counts what has been done already; FILE has what it said
#   refused TEXT COMMAND           must fail and say TEXT
#   fails COMMAND                  must fail
#   add_up LOG                     adds the closing line of LOG; false when it has none
#   give_up WHY                    the end, with a failure more
#   $NOTHING_TO_TEST               the exit code of a runner that has found none of the vectors it is for
#   totals                         the last line, and the exit code to end with: good only when something passed and nothing failed
# shellcheck shell=bash

NOTHING_TO_TEST=77
passed=0
failed=0
kept=""

verdict() { # sentence, exit code, [what it said]
    if [ "$2" -eq 0 ]; then
        passed=$((passed + 1))
        [ -z "${tell_passes:-}" ] || printf 'ok: %s\n' "$1"
        return
    fi
    failed=$((failed + 1))
    printf 'FAILED: %s\n' "$1"
    [ -z "${3:-}" ] || tail -c 3000 "$3" | sed 's/^/    /'
}

check() { # sentence, command
    "${@:2}" >"${work:?}/check.out" 2>&1
    verdict "$1" $? "$work/check.out"
}

refused() { # what it says, command
    local said

    said=$("${@:2}" 2>&1) && { printf 'it was done\n%s\n' "$said"; return 1; }
    [[ $said == *"$1"* ]] || { printf '%s\n' "$said"; return 1; }
}

fails() { # command
    ! "$@"
}

# The one place that reads "N passed, M failed": $closed_passed and $closed_failed are its numbers.
closing_line() { # log
    [[ $(tail -n 1 "$1" 2>/dev/null) =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]] || return 1
    closed_passed=${BASH_REMATCH[1]}
    closed_failed=${BASH_REMATCH[2]}
}

add_up() { # log
    closing_line "$1" || return 1
    passed=$((passed + closed_passed))
    failed=$((failed + closed_failed))
}

give_up() { # why
    failed=$((failed + 1))
    printf '%s\n' "$1"
    totals
    exit 1
}

# Is $kept, where a script has its state and logs, left for a look? Its clean-up asks this, too.
keeps() {
    [ "$failed" -gt 0 ] || [ "${STRONGROOM_KEEP:-0}" = 1 ]
}

totals() {
    [ -z "$kept" ] || ! keeps || printf 'state and logs are in %s\n' "$kept"
    printf '%d passed, %d failed\n' "$passed" "$failed"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}
