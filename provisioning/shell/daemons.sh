# daemons.sh - starting, finding and ending the two daemons. Sourced.
# A pid file holds "<pid> <start time>": with the start time (proc(5), stat, field 22) a reused pid is not taken for ours.
# The daemons make themselves undumpable, so /proc/<pid>/exe can be read by root alone; stat can be read by everybody.
# shellcheck shell=bash

start_time() { # pid
    local stat

    { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 1
    stat=${stat##*) } # the name, in parentheses, may hold anything
    # shellcheck disable=SC2086 # the fields are what is wanted
    set -- $stat
    [ "$1" != Z ] || return 1
    printf '%s\n' "${20}"
}

# The pid of a daemon that we started and that still runs, in $pid.
daemon_runs() { # daemon
    local since now exe name

    pid=
    { read -r pid since <"$home/$1/pid"; } 2>/dev/null || return 1
    case "$pid$since" in '' | *[!0-9]*) return 1 ;; esac
    now=$(start_time "$pid") || return 1
    [ "$now" = "$since" ] || return 1
    if exe=$(readlink "/proc/$pid/exe" 2>/dev/null); then
        name=${exe##*/}
        [ "${name% (deleted)}" = "$1" ] # rebuilt meanwhile
    else
        [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$1" ]
    fi
}

health_url() { # daemon
    case "$1" in
    vaultd) printf '%s/healthz\n' "$data_url" ;;
    managementd) printf '%s/healthz\n' "$management_url" ;;
    esac
}

daemon_answers() { # daemon
    request --fail --max-time 5 --output /dev/null "$(health_url "$1")" 2>/dev/null
}

daemon_failed() { # daemon, what
    printf '\n' >&2
    tail -n 20 "$home/$1/log" >&2 || true
    die "$1 $2; its log is $home/$1/log"
}

daemon_start() { # daemon
    local daemon=$1 directory=$home/$1 deadline

    if ! daemon_runs "$daemon"; then
        say "starting $daemon (log: $directory/log)"
        (umask 077 && : >>"$directory/log")
        # A signature takes and gives back memory a hundred times, and what one thread of a request takes another gives
        # back: seven spare pieces of each size, glibc's default, are few (docs/performance.md).
        GLIBC_TUNABLES=${GLIBC_TUNABLES:-glibc.malloc.tcache_count=64} \
            setsid nohup "$build/bin/$daemon" --config "$directory/$daemon.conf" </dev/null >>"$directory/log" 2>&1 9>&- &
        pid=$!
        printf '%s %s\n' "$pid" "$(start_time "$pid" || echo 0)" >"$directory/pid"
    fi
    deadline=$((SECONDS + 60))
    until daemon_answers "$daemon"; do
        daemon_exec_seen "$daemon" || daemon_failed "$daemon" "has ended"
        [ "$SECONDS" -lt "$deadline" ] || daemon_failed "$daemon" "does not answer at $(health_url "$daemon")"
        sleep 0.1
    done
    daemon_runs "$daemon" || daemon_failed "$daemon" "has ended, and something else answers at $(health_url "$daemon")"
}

# Between fork and exec the process still has the shell's name: what counts then is that it is there.
daemon_exec_seen() { # daemon
    local p since

    read -r p since <"$home/$1/pid"
    [ "$(start_time "$p" || true)" = "$since" ]
}

daemon_stop() { # daemon
    local daemon=$1 since deadline

    if ! daemon_runs "$daemon"; then
        rm -f "$home/$daemon/pid"
        say "$daemon does not run"
        return
    fi
    since=$(start_time "$pid")
    kill -TERM "$pid"
    deadline=$((SECONDS + 40)) # it drains for up to 20 s
    while [ "$(start_time "$pid" || true)" = "$since" ]; do
        if [ "$SECONDS" -ge "$deadline" ]; then
            say "$daemon does not end by itself: killed (log: $home/$daemon/log)"
            kill -KILL "$pid" 2>/dev/null || true
            deadline=$((SECONDS + 40))
        fi
        sleep 0.05
    done
    rm -f "$home/$daemon/pid"
    say "$daemon has ended"
}

daemons_status() {
    local daemon code=0

    if [ "$token_kind" = keystore ]; then
        if daemon_runs keystored && keystore_answers; then
            printf '%-12s pid %s, well, at %s\n' keystored "$pid" "$(keystore_socket)"
        else
            printf '%-12s not running, or does not answer; log %s\n' keystored "$home/keystored/log"
            code=1
        fi
    fi
    for daemon in managementd vaultd; do
        if ! daemon_runs "$daemon"; then
            printf '%-12s not running\n' "$daemon"
            code=1
        elif ! daemon_answers "$daemon"; then
            printf '%-12s pid %s, does not answer at %s; log %s\n' "$daemon" "$pid" "$(health_url "$daemon")" \
                "$home/$daemon/log"
            code=1
        else
            printf '%-12s pid %s, well, at %s\n' "$daemon" "$pid" "$(health_url "$daemon")"
        fi
    done
    return "$code"
}
