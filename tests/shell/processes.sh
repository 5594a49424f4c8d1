# processes.sh - what a script starts, and ends by the id that it got. Sourced.
#   await COMMAND                until it succeeds, 30 s at the most
#   await_of PID COMMAND         the same while the process lives, 60 s at the most
#   background NAME COMMAND      started with its output in NAME.log and its id in NAME.pid; $! has the id, too
#   background_end NAME [SIGNAL] ends it: by SIGKILL where the signal (TERM) was not enough in 10 s
#   keystored_up NAME OPTION...  a keystored in the background, which listens when this returns ($STRONGROOM_KEYSTORED, or the
#   build's) tpm_up NAME                  a swtpm in the background, unless it is there: its state in the directory NAME, its socket
#   NAME.socket
#   free_port                    says a port of 127.0.0.1 on which nobody listens
#   port_answers PORT
# NAME is a path; it may be relative where the script stays in its directory. Processes may be ended by another shell than theirs.
# shellcheck shell=bash

await() { # command
    local i

    for ((i = 0; i < 1500; i++)); do
        ! "$@" 2>/dev/null || return 0
        sleep 0.02
    done
    return 1
}

await_of() { # pid, command
    local i

    for ((i = 0; i < 1200; i++)); do
        ! "${@:2}" 2>/dev/null || return 0
        kill -0 "$1" 2>/dev/null || return 1
        sleep 0.05
    done
    return 1
}

process_gone() { # pid
    ! kill -0 "$1" 2>/dev/null
}

background() { # name, command
    "${@:2}" >"$1.log" 2>&1 </dev/null &
    disown $!
    printf '%s\n' $! >"$1.pid"
}

background_end() { # name, [signal]
    local pid i

    [ -s "$1.pid" ] || return 0
    pid=$(cat "$1.pid")
    rm -f "$1.pid"
    kill "-${2:-TERM}" "$pid" 2>/dev/null || return 0
    for ((i = 0; i < 500; i++)); do
        ! process_gone "$pid" || return 0
        sleep 0.02
    done
    kill -KILL "$pid" 2>/dev/null && await process_gone "$pid"
}

keystored_up() { # name, options
    rm -f "$1.log" # what an earlier one said is not waited for
    background "$1" "${STRONGROOM_KEYSTORED:-$STRONGROOM_BUILD/bin/keystored}" "${@:2}"
    await_of $! grep -q 'listening on' "$1.log" || { tail -n 20 "$1.log" >&2; return 1; }
}

tpm_up() { # name
    [ ! -s "$1.pid" ] || return 0
    mkdir -p "$1" || return 1
    rm -f "$1.socket" "$1.control"
    background "$1" swtpm socket --tpm2 --tpmstate "dir=$1" --server "type=unixio,path=$1.socket" \
        --ctrl "type=unixio,path=$1.control" --flags not-need-init,startup-clear
    await_of $! test -S "$1.socket" || { cat "$1.log" >&2; return 1; }
}

free_port() {
    local port

    while :; do
        port=$((20000 + RANDOM % 20000))
        port_answers "$port" || { printf '%s\n' "$port"; return; }
    done
}

port_answers() { # port
    { : <"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null
}
