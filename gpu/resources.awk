# resources.awk - registers, spills, shared memory and occupancy of every kernel, out of ptxas' reports (build/nvcc/gpu/*.log).
#
# Occupancy by the calculator's rules: 64 warps, 65,536 registers in steps of 256 a warp, 32 blocks (a multiprocessor of sm_80, sm_90 or
# sm_100); static shared memory only. threads: what __launch_bounds__ says.
BEGIN {
    threads["norm"] = threads["add"] = threads["gate"] = threads["quantize"] = threads["split"] = threads["copy"] = threads["join"] = threads["slice"] = threads["finish"] = threads["choose_slice"] = threads["choose"] = 256
    threads["attend"] = threads["embed_floats"] = threads["embed"] = threads["gather"] = threads["merge"] = 128
    threads["rope"] = threads["move"] = 64
    threads["product"] = 512
}
/Compiling entry function/ {
    match($0, /[0-9]+[a-z_]+_kernel/)
    name = substr($0, RSTART, RLENGTH)
    sub(/^[0-9]+/, "", name)
    sub(/_kernel$/, "", name)
    match($0, /sm_[0-9]+/)
    arch = substr($0, RSTART, RLENGTH)
}
/bytes stack frame/ { spill = $5 }
/Used [0-9]+ registers/ {
    match($0, /Used [0-9]+/)
    regs = substr($0, RSTART + 5, RLENGTH - 5) + 0
    key = arch " " name
    if (!(key in most)) order[++kinds] = key
    if (regs > most[key]) most[key] = regs
    if (!(key in least) || regs < least[key]) least[key] = regs
    spills[key] += spill
    count[key]++
}
function occupancy(regs, t,   warps, a_warp, blocks) {
    warps = t / 32
    a_warp = int((regs * 32 + 255) / 256) * 256
    blocks = int(int(65536 / a_warp) / warps)
    if (blocks > 32) blocks = 32
    if (blocks * warps > 64) blocks = int(64 / warps)
    return int(100 * blocks * warps / 64)
}
END {
    print "| arch, kernel | instances | registers | spilled bytes | threads | occupancy |\n|---|---|---|---|---|---|"
    for (i = 1; i <= kinds; i++) {
        split(order[i], p, " ")
        t = threads[p[2]]
        printf "| %s %s | %d | %s | %d | %d | %s %% |\n", p[1], p[2], count[order[i]], least[order[i]] == most[order[i]] ? most[order[i]] : least[order[i]] "-" most[order[i]], spills[order[i]], t,
               least[order[i]] == most[order[i]] ? occupancy(most[order[i]], t) : occupancy(most[order[i]], t) "-" occupancy(least[order[i]], t)
        total += spills[order[i]]
    }
    exit total > 0
}
