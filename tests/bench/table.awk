# table.awk - tables from the measurements of one run. Input, separated by tabs: step, row, column (raw, raw_firmware,
# softhsm, keystore), then what measure_print() writes. Figures are medians over the rounds; shares are medians of what
# each step gives by itself, because a machine that is shared is faster at one time than at another.
BEGIN {
    FS = "\t"
    split("p256 P-256,p384 P-384,rsa2048 RSA-2048,rsa4096 RSA-4096,mldsa65 ML-DSA-65,gcm64 AES-256-GCM 64 B," \
          "gcm1k AES-256-GCM 1 KiB,hmac64 HMAC-SHA256 64 B,load load a sealed P-256 key,es256 P-256,rs256 RSA-2048",
          list, ",")
    for (i in list) {
        at = index(list[i], " ")
        name[substr(list[i], 1, at - 1)] = substr(list[i], at + 1)
    }
    split("raw raw_firmware softhsm keystore", columns, " ")
}

NF == 12 {
    if (!($2 in seen)) {
        seen[$2] = 1
        rows[++row_count] = $2
    }
    id = $2 SUBSEP $3
    n = ++count[id]
    rate[id, n] = $8 > 0 ? $6 / $8 : 0
    cpu[id, n] = $9
    step_of[id, n] = $1
    cpu_in[id, $1] = $9
    p50[id, n] = $11
    p99[id, n] = $12
    failures += $7
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

function cell(values, row, column, format,    id) {
    id = row SUBSEP column
    return id in count ? sprintf(format, median(values, id, count[id])) : "-"
}

# How many operations of one column the CPU time takes in which another does one.
function share(row, column, reference,    i, n, ratios, id, other) {
    id = row SUBSEP column
    other = row SUBSEP reference
    for (i = 1; i <= count[id]; i++)
        if ((other, step_of[id, i]) in cpu_in && cpu[id, i] > 0)
            ratios["x", ++n] = cpu_in[other, step_of[id, i]] / cpu[id, i]
    if (!n)
        return "-"
    i = median(ratios, "x", n)
    return i >= 10 ? sprintf("%.0f", i) : sprintf("%.2f (%.2f - %.2f)", i, least, most)
}

# Wall rate against SoftHSM's, the same way.
function faster(row,    id, other) {
    id = row SUBSEP "keystore"
    other = row SUBSEP "softhsm"
    if (!(id in count) || !(other in count))
        return "-"
    other = median(rate, other, count[other])
    return other > 0 ? sprintf("%.2f", median(rate, id, count[id]) / other) : "-"
}

function title(row,    part) {
    split(row, part, "-")
    return name[part[1]] ", " (part[2] == "1" ? "1 thread" : part[2] == "2" ? "2 threads" : "batched, 64 deep")
}

function rule(widths,    i, n, line) {
    line = "|"
    n = split(widths, width, " ")
    for (i = 1; i <= n; i++)
        line = line substr("------------------------------------------------", 1, width[i] + 1) (i > 1 ? ":" : "-") "|"
    print line
}

function print_modules(    r, row) {
    layout = "| %-38s | %9s | %9s | %9s | %9s | %9s | %9s | %9s | %9s | %20s | %20s | %9s |\n"
    printf layout, "CPU us per operation; operations/s", "raw us", "raw /s", "raw 3.5", "3.5 /s", "SoftHSM", "SHSM /s",
        "keystore", "ks /s", "of raw", "x SoftHSM", "wall x SH"
    rule("38 9 9 9 9 9 9 9 9 20 20 9")
    for (r = 1; r <= row_count; r++) {
        row = rows[r]
        if (row ~ /^rest/)
            continue
        printf layout, title(row), cell(cpu, row, "raw", "%.2f"), cell(rate, row, "raw", "%.0f"),
            cell(cpu, row, "raw_firmware", "%.2f"), cell(rate, row, "raw_firmware", "%.0f"), cell(cpu, row, "softhsm", "%.2f"),
            cell(rate, row, "softhsm", "%.0f"), cell(cpu, row, "keystore", "%.2f"), cell(rate, row, "keystore", "%.0f"),
            share(row, "keystore", (row SUBSEP "raw") in count ? "raw" : "raw_firmware"), share(row, "keystore", "softhsm"),
            faster(row)
    }
    print ""
}

function quotient(a, column_a, b, column_b,    ida, idb) {
    ida = a SUBSEP column_a
    idb = b SUBSEP column_b
    if (!(ida in count) || !(idb in count))
        return "-"
    return sprintf("%.2f", median(cpu, ida, count[ida]) / median(cpu, idb, count[idb]))
}

# A load in the CPU time of signatures made the same way, and in that of libcrypto's.
function print_loads(    i, way, ways) {
    if (!("load-1" in seen) && !("load-batch" in seen))
        return
    print "Loading a sealed P-256 key and destroying it again, in P-256 signatures of the same column:\n"
    layout = "| %-24s | %9s | %9s | %22s |\n"
    printf layout, "", "SoftHSM", "keystore", "keystore, in raw ones"
    rule("24 9 9 22")
    split("1 2 batch", ways, " ")
    for (i = 1; i <= 3; i++) {
        way = ways[i]
        if (("load-" way) in seen && ("p256-" way) in seen)
            printf layout, way == "batch" ? "batched, 64 deep" : way (way == 1 ? " thread" : " threads"),
                quotient("load-" way, "softhsm", "p256-" way, "softhsm"),
                quotient("load-" way, "keystore", "p256-" way, "keystore"),
                quotient("load-" way, "keystore", "p256-" way, "raw")
    }
    print ""
}

function print_rest(    r, c, row, part, any) {
    layout = "| %-34s | %-8s | %9s | %9s | %20s | %8s | %8s |\n"
    for (r = 1; r <= row_count; r++) {
        row = rows[r]
        if (row !~ /^rest/)
            continue
        if (!any++) {
            printf layout, "REST", "token", "ops/s", "CPU us", "of raw", "p50 ms", "p99 ms"
            rule("34 8 9 9 20 8 8")
        }
        split(row, part, "-")
        sub(/x/, " connections x ", part[3])
        for (c = 3; c <= 4; c++)
            if ((row SUBSEP columns[c]) in count)
                printf layout, name[part[2]] ", " part[3], columns[c], cell(rate, row, columns[c], "%.0f"),
                    cell(cpu, row, columns[c], "%.1f"), share(row, columns[c], "raw"),
                    sprintf("%.2f", cell(p50, row, columns[c], "%.0f") / 1000),
                    sprintf("%.2f", cell(p99, row, columns[c], "%.0f") / 1000)
    }
    if (any)
        print ""
}

END {
    print_modules()
    print_loads()
    print_rest()
    printf "%d failed operations\n", failures
}
