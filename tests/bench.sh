#!/usr/bin/env bash
# bench.sh BUILD [MODEL] - speed as ratios, which carry over between machines better than milliseconds do.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$1
model=${2:-$(traces/demo/model.sh)}
mkdir -p "$build/bench"

forward() { # NAME THREADS KERNELS: a table, and its ratios as the last line
    local out=$build/bench/$1.txt
    BANDITSPEC_KERNELS=$3 "$build/banditspec" bench --model "$model" --threads "$2" --repeats 30 "${@:4}" | tee "$out"
    awk -v threads="$2" '
        /on .*, [^ ]*, [0-9]+ thread/ { sub(/^.* on /, ""); machine = $0 }
        $NF == "bound" { bound = $(NF - 4) }
        $3 == 5 { five = $7 }
        $3 == 9 { nine = $7 }
        /^prefill/ { prefill = $5 }
        END {
            printf "%s: one row at %s of the memory bandwidth bound, 5 rows %s and 9 rows %s times the time of one%s\n",
                machine, bound, five, nine, prefill ? ", prefill " prefill " ms" : ""
        }' "$out" >>"$build/bench/summary.txt"
    echo
}

: >"$build/bench/summary.txt"
forward forward 1 "" --to 9 --prefill 512
forward forward-2 2 "" --widths 1 5 9 --prefill 512
forward forward-avx2 1 avx2 --widths 1 5 9 --prefill 512
for threads in 1 2; do "$build/tests/bench_prefill" "$model" $threads | tee -a "$build/bench/summary.txt"; done
echo
"$build/tests/bench_policies" | tee "$build/bench/policies.txt"
echo
"$build/tests/bench_replay" | tee "$build/bench/replay.txt"
awk '/^ucbspec/ { printf "ucbspec makes %.1f million decisions a second and core in replay\n", $NF / 1e6 }' "$build/bench/replay.txt" >>"$build/bench/summary.txt"
echo
"$build/tests/bench_lanes" | tee "$build/bench/lanes.txt"
awk '/^(ucb1|exp3|thompson) / { printf "%s: %.1f million decisions a second and core on a table, %.1f million on a trace, in lanes %.1f and %.1f times as many as one by one\n", $1, $3, $6, $4, $7 }' \
    "$build/bench/lanes.txt" >>"$build/bench/summary.txt"
echo
tests/bench_sweep.sh "$build" | tee -a "$build/bench/summary.txt"
echo
OMP_NUM_THREADS=1 "$build/tests/bench_serving" 200000 | sed 's/^/a server simulated: /' | tee -a "$build/bench/summary.txt"
echo
tests/bench_batches.sh "$build" "$model"
echo
cat "$build/bench/summary.txt"
