#!/usr/bin/env bash
# bench_batches.sh BUILD MODEL [THREADS [PROMPTS [TOKENS]]] - simulated throughput of batches beside live ones.
#
# Records the demo's prompts, measures passes of several requests into the same trace, then decodes live in batches of 1 to 16 while
# `--check` simulates the same from the trace. Prints tokens/s of both and their difference.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$1 model=$2 threads=${3:-1} prompts=${4:-0} tokens=${5:-96}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
drafters=(--drafter pld sam)
common=(--model "$model" "${drafters[@]}" --prompts traces/demo/prompts.jsonl --threads "$threads" --limit "$prompts" --max-new "$tokens")

"$build/banditspec" record "${common[@]}" --db "$work/t.db" >/dev/null
"$build/banditspec" bench --model "$model" --threads "$threads" --batches 2 4 8 16 --widths 1 3 5 9 \
    --contexts 64 256 --repeats 9 --db "$work/t.db" >/dev/null
echo "simulated and live batches, $threads thread(s): tokens/s (prefill apart)"
printf '%5s %-24s %10s %10s %8s %14s\n' batch policy live simulated error 'passes alone'
for batch in 1 2 4 8 16; do
    for policy in none fixed:arm=sam:4 ucbspec; do
        "$build/banditspec" live "${common[@]}" --batch "$batch" --policy "$policy" --check "$work/t.db" >"$work/out"
        awk -v batch="$batch" -v policy="$policy" '
            /^  throughput/ { live = $2 }
            /^  modelled/ { passes = $7 }
            /^  simulated/ { printf "%5d %-24s %10.1f %10.1f %+7.1f%% %14s\n", batch, policy, live, $2, 100 * ($2 / live - 1), passes }' "$work/out"
    done
done
