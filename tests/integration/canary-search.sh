# canary-search.sh - the search for secrets, and what is planted first to show that it finds. Sourced by canary-ceremonies, whose
# functions and variables it uses.
# shellcheck shell=bash

# What is meant to be where it is: the secret, the file, and why.
meant='pin-rotated desk/pin          the PIN with which a daemon logs in
so-pin-rotated desk/so-pin           the SO PIN, until it is in the safe
approval-start-approval1 desk/start-approval1.json   carried to the owner
approval-start-approval2 desk/start-approval2.json   carried to the owner
approval-release1 desk/release1.json carried to the owner of the other board
approval-release2 desk/release2.json carried to the owner of the other board'

search() { # directory...
    cat "$needles" "$approvals" >"$work/all"
    (cd "$work" && "$tests/secret_scan" "$work/all" "$@") >"$work/found"
    [ $? -le 1 ]
}

# "NAME FILE" of everything that was found.
found() {
    sed -n 's/^found: \([^ ]*\) (.*) in \([^ ]*\) at [0-9a-f]*$/\1 \2/p' "$work/found"
}

only_what_is_meant() {
    search "${places[@]}" || { cat "$work/found"; return 1; }
    awk '{ print $1, $2 }' <<<"$meant" | sort >"$work/meant"
    found | sort | diff - "$work/meant"
}

# Each secret, in each of the ways that people and programs write such things.
finds_each_secret() {
    local kind name value

    cat "$needles" "$approvals" >"$work/all"
    while read -r kind name value; do
        [ "$kind" = bytes ] || value=$(printf '%s' "$value" | xxd -p | tr -d '\n')
        xxd -r -p <<<"$value" >"$work/planted/$name.raw"
        printf '"%s"' "$value" >"$work/planted/$name.hexadecimal"
        printf 'x%s' "$value" | cut -c2- | xxd -r -p | { printf '{"k":"'; base64 -w0; printf '"}'; } >"$work/planted/$name.base64"
    done <"$work/all"
    search planted || return
    found | sed 's,planted/,,' | awk '{ if ($2 ~ "^" $1 "\\.") print $1 }' | sort | uniq -c |
        awk '$1 == 3 { print $2 }' >"$work/complete"
    rm "$work/planted"/*
    cut -d' ' -f2 "$work/all" | sort -u | diff "$work/complete" -
}

watched_in_both() {
    awk '/^--- / { part = $3 } index($0, text) { print part }' text="$(cat "$secrets/planted")" \
        <(tr '\0' '\n' <"$work/planted/watched") | sort -u | cmp -s - <(printf 'cmdline\nenviron\n')
}

finds_planted_in_processes() {
    local text children=() code

    text=$(cat "$secrets/planted")
    "$tests/watch_processes" $$ "$work/planted/watched" &
    children+=($!)
    CANARY=$text sleep 60 &
    children+=($!)
    bash -c 'exec -a "$0" sleep 60' "$text" &
    children+=($!)
    await watched_in_both
    code=$?
    kill -KILL "${children[@]}" && wait "${children[@]}" 2>/dev/null
    [ "$code" -eq 0 ] && search planted/watched && found | grep -qxF 'planted planted/watched'
}

finds_planted_on_the_terminal() {
    work=$work/copy expect "$here/answer.exp" -- cat "$secrets/planted" && search copy/screen &&
        found | grep -qxF 'planted copy/screen/all' && rm -r "$work"/copy/*
}

# With what it had in memory.
an_ordinary_process_leaves_a_core() {
    (cd "$work/planted" && bash -c 'text=$(<"$1"); kill -SEGV $$' bash "$secrets/planted") 2>/dev/null
    [ -z "$(find "$work/planted" -name 'core*')" ] &&
        [ "$(cat /proc/sys/kernel/core_pattern)" != core ] && return 0 # it went elsewhere
    search planted && found | grep -q '^planted planted/core'
}

finds_planted_in_memory() {
    bash -c 'text=$(<"$1"); : >"$2"; read -r -t 60 _ <> <(:); echo "$text"' bash "$secrets/planted" "$work/planted/read" >/dev/null &
    await test -e "$work/planted/read"
    "$tests/secret_scan" "$needles" "pid:bash:$!" >"$work/memory"
    kill -KILL $!
    wait $! 2>/dev/null
    grep -q '^found: planted .* in bash, ' "$work/memory" && ! grep '^found: .*secure heap' "$work/memory"
}

planted() {
    secret planted
    mkdir -p "$work/copy"/{screen,processes}
    check 'what is planted in arguments and environments is found' finds_planted_in_processes
    check 'what is planted on the terminal is found' finds_planted_on_the_terminal
    check 'an ordinary process leaves a core, with what it knew' an_ordinary_process_leaves_a_core
    [ "$(id -u)" -ne 0 ] || check "what is planted in a process's memory is found, and not taken for a secure heap" \
        finds_planted_in_memory
    rm -rf "$work/planted"/*
}
