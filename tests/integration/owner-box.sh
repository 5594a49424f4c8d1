# owner-box.sh - what lies on the box: its flash in other hands, its process, a keystored of his own, guesses of the PIN.
# Sourced by owner-tries, whose functions and variables it uses.
# shellcheck shell=bash

flash_files() {
    local secret

    for secret in "$(cat tenant.pin/user)" "$(cat tenant.pin/so-pin)" tenants-own-key; do
        ! grep -a -l -F -e "$secret" a/* a.log 2>/dev/null || return 1
    done
}

other_root() { # with the TPM of another board; with a key in a file
    cp -a a stolen && not_operational_copy tpm && not_operational_copy insecure-file
}

not_operational_copy() { # root
    rm -rf copy && cp -a stolen copy && rm -f copy/keystore.sock && not_operational copy "$1"
}

# What he is to himself: the same user, without the right to look into other processes.
as_its_user() {
    if [ "$(id -u)" -eq 0 ]; then
        setpriv --inh-caps=-all --bounding-set=-all --no-new-privs "$@"
    else
        "$@"
    fi
}

looks_inside() {
    local pid file

    pid=$(cat a.pid)
    for file in mem environ maps; do
        ! as_its_user head -c 1 "/proc/$pid/$file" 2>/dev/null | grep -q . || { printf '%s is read\n' "$file"; return 1; }
    done
    [ "$(awk '/^Max core file size/ { print $5 }' "/proc/$pid/limits" 2>/dev/null || echo 0)" = 0 ]
}

own_build() { # one byte more: the TPM has measured another one; and so it does when both have been switched off
    local code=0

    board_stop a && cp "$STRONGROOM_BUILD/bin/keystored" other && printf x >>other || return 1
    STRONGROOM_KEYSTORED=$work/other not_operational a tpm || code=1
    background_end a.tpm
    STRONGROOM_KEYSTORED=$work/other not_operational a tpm || code=1
    background_end a.tpm
    board_start a tpm && return "$code"
}

# A PIN that he has seen was changed since.
older_flash() {
    local code

    board_stop a && cp -a a a.old && board_start a tpm && strongroom pin rotate --who user --config tenant.conf && client_works &&
        board_stop a && rm -rf a.kept && cp -a a a.kept && rm -rf a && cp -a a.old a || return 1
    not_operational a tpm
    code=$?
    rm -rf a && mv a.kept a && board_start a tpm && return "$code"
}

# A copy of the running board, when the client has just logged in; then guesses, and the copy back. It costs him a start, and no
# guess is forgotten: neither one of the user's PIN nor one of the security officer's.
older_flash_for_guesses() {
    local who code

    printf 'no-such-pin\n' >guess
    for who in user so; do
        client_works && rm -rf a.old && cp -a a a.old && ! wrong_"$who"_pin || return 1
        board_stop a && rm -rf a.kept && cp -a a a.kept && rm -rf a && cp -a a.old a || return 1
        not_operational a tpm
        code=$?
        rm -rf a && mv a.kept a && board_start a tpm && [ "$code" -eq 0 ] || return 1
        strongroom pin status --config tenant.conf --json | jq -e ".$who.triesLow" || return 1
    done
    strongroom pin unlock --config tenant.conf --so-pin-file tenant.pin/so-pin --new-pin-file tenant.pin/user &&
        strongroom pin status --config tenant.conf --json | jq -e '(.user.triesLow or .so.triesLow) | not'
}

wrong_user_pin() {
    logged_in tenant guess --list-objects
}

wrong_so_pin() {
    strongroom pin unlock --config tenant.conf --so-pin-file guess --new-pin-file guess
}

# One of the two is not in use: then it starts, with the PIN that is in the other.
one_old_bank() {
    local bank

    for bank in a b; do
        board_stop a && rm -rf a.kept && cp -a a a.kept && cp "a.old/flash-store-$bank" a/ || return 1
        if board_start a tpm >/dev/null 2>&1; then
            ! logged_in tenant old.pin --list-objects && client_works || return 1
        else
            board_stop a && rm -rf a && cp -a a.kept a && board_start a tpm || return 1
        fi
    done
}

guesses() { # with the client's link key lent to him; every try is stored before it is compared
    local i

    for ((i = 0; i < 10; i++)); do
        ! { printf 'guess-number-%d' "$i" >guess && logged_in tenant guess --list-objects; } || return 1
    done
    ! client_works && board_stop a && board_start a tpm && ! client_works || return 1
    # The security officer, with the PIN from the safe.
    strongroom pin unlock --config tenant.conf --so-pin-file tenant.pin/so-pin --new-pin-file tenant.pin/user
}

the_box_itself() {
    cp tenant.pin/user old.pin
    try 'looking for secrets in the flash' flash_files
    try 'the flash in another board' other_root
    try 'the memory of the process' looks_inside
    try 'a keystored of his own making, on this TPM' own_build
    try 'an older flash, from before a PIN was changed' older_flash
    try 'one old bank of the flash' one_old_bank
    try 'an older flash, from before guesses of PINs' older_flash_for_guesses
    try 'guessing the PIN' guesses
}
