# table.awk - one table from the measurements of one run. Input, separated by tabs: round, then what measure_print()
# writes. Every figure is the median over the rounds; the two shares are medians of what each round gives by itself,
# because a machine that is shared is faster in one round than in the next.
BEGIN {
    FS = "\t"
    name["raw"] = "libcrypto, warm key"
    name["direct1"] = "C_SignInit + C_Sign, 1 thread"
    name["direct2"] = "C_SignInit + C_Sign, 2 threads"
    name["token1"] = "pkcs11/token, one at a time"
    name["token64"] = "pkcs11/token, 64 under way"
}

NF == 10 {
    id = $3 SUBSEP $2
    if (!(id in count)) {
        order[++rows] = id
        if (!($3 in alg_seen)) {
            alg_seen[$3] = 1
            algs[++alg_count] = $3
        }
    }
    n = ++count[id]
    round_of[id, n] = $1
    rate[id, n] = $4 / $6
    cpu[id, n] = $7
    own[id, n] = $8
    p50[id, n] = $9
    p99[id, n] = $10
    cpu_in[id, $1] = $7
    failures += $5
}

# Median of values[id, 1..n].
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

# What row `id` gets done with the CPU time in which the reference row does one.
function share(id, reference,    i, n, ratios) {
    n = 0
    for (i = 1; i <= count[id]; i++)
        if ((reference, round_of[id, i]) in cpu_in && cpu[id, i] > 0)
            ratios["x", ++n] = cpu_in[reference, round_of[id, i]] / cpu[id, i]
    return n ? sprintf("%.2f", median(ratios, "x", n)) : "-"
}

function row_name(row,    part) {
    if (row in name)
        return name[row]
    split(row, part, "-")
    return sprintf("REST, %d key%s, %d connection%s x %d", part[2], part[2] + 0 > 1 ? "s" : "", part[3],
                   part[3] + 0 > 1 ? "s" : "", part[4])
}

END {
    for (a = 1; a <= alg_count; a++) {
        alg = algs[a]
        printf "| %-36s | %9s | %11s | %15s | %9s | %9s | %8s | %8s |\n", alg " (" (alg == "ES256" ? "P-256" : "RSA-2048") ")",
            "ops/s", "CPU us/op", "least - most", "of C_Sign", "of raw", "p50 ms", "p99 ms"
        print "|--------------------------------------|----------:|------------:|----------------:|----------:|----------:|---------:|---------:|"
        for (r = 1; r <= rows; r++) {
            id = order[r]
            split(id, part, SUBSEP)
            if (part[1] != alg)
                continue
            n = count[id]
            middle = median(cpu, id, n)
            printf "| %-36s | %9.0f | %11.1f | %15s | %9s | %9s | %8.2f | %8.2f |\n", row_name(part[2]),
                median(rate, id, n), middle, sprintf("%.1f - %.1f", least_of(cpu, id, n), most), share(id, alg SUBSEP "direct1"),
                share(id, alg SUBSEP "raw"), median(p50, id, n) / 1000, median(p99, id, n) / 1000
        }
        print ""
    }
    printf "%d rounds, %d failed operations\n", count[order[1]], failures
}

function least_of(values, id, n) {
    median(values, id, n)
    return least
}
