# canary-middle.sh - the middle of a ceremony: the CLI while the keystore's answer is held back (its memory), and both killed at
# a question and at work (their cores). Sourced by canary-ceremonies, whose functions and variables it uses.
# shellcheck shell=bash

# The command knows all that it has asked for, and does not get the keystore's answer yet.
hold_command() { # questions and answers, --, command
    rm -f "$hold".*
    hold_at_last=$hold expect "$here/answer.exp" "$@" >"$work/said.held" 2>&1 &
    waiting=$!
    await test -e "$hold.answered"
}

held() { # what, questions and answers, --, command
    local code

    hold_command "${@:2}"
    verdict "$1: the keystore is asked" $? "$work/said.held"
    if [ "$(id -u)" -eq 0 ]; then
        check "$1: outside of the secure heap, memory holds none of the secrets" memory_is_clean
    fi
    rm "$hold"
    wait "$waiting"
    code=$?
    verdict "$1" "$code" "$work/said.held"
}

memory_is_clean() {
    "$tests/secret_scan" "$needles" "pid:cli:$(cat "$work/child")" >"$work/memory"
    [ $? -le 1 ] && ! grep '^found: ' "$work/memory" | grep -vF ' in cli, secure heap at '
}

# Said by the shell: how it ended, and whether the kernel says that it left a core, wherever that went.
ended_without_core() { # file
    grep -qE 'Aborted|Segmentation fault' "$1" || { echo "it was not killed:"; cat "$1"; return 1; }
    ! grep 'core dumped' "$1" && ! find "$work" -name 'core*' -not -path "$work/planted/*" | grep .
}

kill_cli_at_question() { # signal
    local from

    from=$(wc -c <"$work/screen/all")
    at_question=$1 expect "$here/answer.exp" "${unlock[@]}"
    tail -c "+$((from + 1))" "$work/screen/all" >"$work/end"
    ended_without_core "$work/end"
}

kill_cli_held() { # signal
    local from

    from=$(wc -c <"$work/screen/all")
    hold_command "${unlock[@]}" && kill "-$1" "$(cat "$work/child")"
    wait "$waiting"
    rm -f "$hold"
    tail -c "+$((from + 1))" "$work/screen/all" >"$work/end"
    ended_without_core "$work/end"
}

kill_board() { # signal
    rm -f "$work/logs/ends"
    stop box "$1"
    ended_without_core "$work/logs/ends"
}

# It is hashing the passphrase, which takes longer than the signal.
kill_board_at_work() { # signal
    local code

    rm -f "$hold".*
    hold_at_last=$hold expect "$here/answer.exp" "${unlock[@]}" >/dev/null 2>&1 &
    waiting=$!
    await test -e "$hold.asked"
    kill_board "$1"
    code=$?
    [ ! -e "$hold.answered" ] || { echo "it had answered before"; code=1; }
    rm -f "$hold"
    wait "$waiting"
    return "$code"
}

crashes() {
    local signal

    for signal in ABRT SEGV; do
        check "strongroom, killed by SIG$signal at a question, leaves no core" kill_cli_at_question "$signal"
        check "strongroom, killed by SIG$signal while it waits for the keystore, leaves no core" kill_cli_held "$signal"
        check "keystored, killed by SIG$signal, leaves no core" kill_board "$signal"
        check 'it starts again' board box
        check "keystored, killed by SIG$signal at work, leaves no core" kill_board_at_work "$signal"
        check 'it starts again' board box
    done
}
