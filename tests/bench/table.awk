# table.awk - one table from the measurements of one run. Input, separated by tabs: the step (a row and the references
# measured just before it), then what measure_print() writes. Every figure is the median over the rounds; shares are
# medians of what each step gives by itself, because a machine that is shared is faster at one time than at another.
BEGIN {
    FS = "\t"
    name["raw"] = "libcrypto, warm key"
    name["direct1"] = "C_SignInit + C_Sign, 1 thread"
    name["direct2"] = "C_SignInit + C_Sign, 2 threads"
    name["token1"] = "pkcs11/token, one at a time"
    name["token64"] = "pkcs11/token, 64 under way"
    layout = "| %-38s | %8s | %9s | %15s | %11s | %11s | %6s | %8s | %8s |\n"
}

NF == 10 {
    id = $3 SUBSEP $2
    if (!(id in count)) {
        order[++rows] = id
        if (!($3 in algs_seen)) {
            algs_seen[$3] = 1
            algs[++alg_count] = $3
        }
    }
    n = ++count[id]
    step_of[id, n] = $1
    rate[id, n] = $4 / $6
    cpu[id, n] = $7
    p50[id, n] = $9
    p99[id, n] = $10
    cpu_in[id, $1] = $7
    failures += $5
}

# Median of values[id, 1..n]; the smallest and the largest in `least` and `most`.
function median(values, id, n,    i, k, x, sorted) {
    for (i = 1; i <= n; i++) {
        x = values[id, i] + 0
        for (k = i; k > 1 && sorted[k - 1] > x; k--)
            sorted[k] = sorted[k - 1]
        sorted[k] = x
    }
    least = sorted[1]
    most = sorted[n]
    return n % 2 ? sorted[(n + 1) / 2] : (sorted[n / 2] + sorted[n / 2 + 1]) / 2
}

# How many operations of row `id` the CPU time takes in which the reference does one.
function share(id, reference,    i, n, ratios) {
    n = 0
    for (i = 1; i <= count[id]; i++)
        if ((reference, step_of[id, i]) in cpu_in && cpu[id, i] > 0)
            ratios["x", ++n] = cpu_in[reference, step_of[id, i]] / cpu[id, i]
    return n ? sprintf("%.2f", median(ratios, "x", n)) : "-"
}

function row_name(row,    part) {
    if (row in name)
        return name[row]
    split(row, part, "-")
    return sprintf("REST, %d key%s, %d connection%s x %d", part[2], part[2] + 0 > 1 ? "s" : "", part[3],
                   part[3] + 0 > 1 ? "s" : "", part[4])
}

function print_row(id, alg, row,    n, middle, spread) {
    n = count[id]
    middle = median(cpu, id, n)
    spread = sprintf("%.1f - %.1f", least, most)
    printf layout, row_name(row), sprintf("%.0f", median(rate, id, n)), sprintf("%.1f", middle), spread,
        share(id, alg SUBSEP "direct1"), share(id, alg SUBSEP "direct2"), share(id, alg SUBSEP "raw"),
        sprintf("%.2f", median(p50, id, n) / 1000), sprintf("%.2f", median(p99, id, n) / 1000)
}

function print_rule(    i, rule) {
    split("40 10 11 17 13 13 8 10 10", width, " ")
    rule = "|"
    for (i = 1; i <= 9; i++)
        rule = rule substr("----------------------------------------", 1, width[i] - 1) (i > 1 ? ":" : "-") "|"
    print rule
}

END {
    for (a = 1; a <= alg_count; a++) {
        printf layout, algs[a] (algs[a] == "ES256" ? " (P-256)" : " (RSA-2048)"), "ops/s", "CPU us/op", "least - most",
            "of C_Sign 1", "of C_Sign 2", "of raw", "p50 ms", "p99 ms"
        print_rule()
        for (r = 1; r <= rows; r++) {
            split(order[r], part, SUBSEP)
            if (part[1] == algs[a])
                print_row(order[r], algs[a], part[2])
        }
        print ""
    }
    printf "%d failed operations\n", failures
}
