#!/usr/bin/env bash
# bench.sh BUILD [MODEL] - speed as ratios, which carry over between machines better than milliseconds do.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$1
model=${2:-$(traces/demo/model.sh)}
mkdir -p "$build/bench"
"$build/banditspec" bench --model "$model" --threads 1 --widths 9 --repeats 30 | tee "$build/bench/forward.txt"
echo
"$build/tests/bench_replay" | tee "$build/bench/replay.txt"
awk '
    $NF == "bound" { bound = $(NF - 4) }
    $2 == 5 && NF == 6 { five = $6 }
    /^ucbspec/ { decisions = $NF }
    END {
        printf "\none row runs at %s of the memory bandwidth bound\n", bound
        printf "five rows take %s times the time of one\n", five
        printf "ucbspec makes %.1f million decisions a second and core in replay\n", decisions / 1e6
    }' "$build/bench/forward.txt" "$build/bench/replay.txt"
