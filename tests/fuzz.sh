#!/usr/bin/env bash
# tests/fuzz.sh DIRECTORY TARGET... - runs each fuzzer for SECONDS (default 60), two at a time. New inputs go to DIRECTORY/corpus,
# what crashes, hangs, leaks or takes too much memory to tests/fuzz/regressions/TARGET, where `make test` finds it.
set -uo pipefail
bin=$1
shift
export bin seconds=${SECONDS_EACH:-60}

run_one() {
    local found=$bin/corpus/$1 broken=tests/fuzz/regressions/$1 log=$bin/$1.log
    mkdir -p "$found" "$broken"
    "$bin/$1" -max_total_time="$seconds" -max_len=16384 -timeout=10 -malloc_limit_mb=256 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$broken/" "$found" "tests/fuzz/corpus/$1" >"$log" 2>&1
    local status=$?
    rmdir "$broken" 2>/dev/null
    awk -v name="$1" -v status=$status '
        /cov: / { for (i = 1; i < NF; i++) { if ($i == "cov:") cov = $(i + 1); if ($i == "ft:") ft = $(i + 1) } }
        /stat::number_of_executed_units/ { runs = $2 }
        /stat::average_exec_per_sec/ { speed = $2 }
        END { printf "  %-4s %-12s %10d runs, %6d a second, %5d edges, %6d features\n", status ? "FAIL" : "ok", name, runs, speed, cov, ft }' "$log"
    return $status
}
export -f run_one

printf '%s\n' "$@" | xargs -P 2 -I{} bash -c 'run_one {}'
