#!/usr/bin/env bash
# bench_sweep.sh BUILD [SEEDS] - a sweep of 20 policies x 100 seeds x 480 prompts of about 100 rounds: seconds, and how it scales over threads.
#
# The best-known policies of the list. Eleven of them draw nothing: their seeds are one run, which is played once and stands for all. Cores that share
# their insides (two threads of one core, as virtual machines often have) cannot give twice as much: what this machine gives is measured by as many
# processes of one thread as there are threads, at once.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$1 seeds=${2:-100} prompts=480
once="ucb1 ucb1-tuned ucb-v moss kl-ucb imed ucbspec bayes-ucb d-ucb sw-ucb metasd-ucb"
draws="exp3 exp3-ix exp3-s exp3spec tsallis-inf thompson ts-bern epsilon-greedy boltzmann"
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
"$build/banditspec" traces synth "$dir/t.db" --drafter a=0.75 b=0.6@0.2 c=0.4 --sequences $prompts --tokens 260 >/dev/null 2>&1

play() { # THREADS RESULTS
    rm -f "$2"
    "$build/banditspec" sweep --db "$dir/t.db" --arms 'plain a:2,4 b:4 c:2' --policy $once $draws --seeds "$seeds" --threads "$1" --results "$2" --quiet 2>/dev/null
}
took() { # PROCESSES THREADS
    local start=$EPOCHREALTIME i
    for ((i = 1; i < $1; i++)); do play "$2" "$dir/r$i.db" & done
    play "$2" "$dir/r.db"
    wait
    awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.2f\n", b - a }'
}

threads=$(getconf _NPROCESSORS_ONLN)
many=$(took 1 "$threads") one=$(took 1 1) each=$(took "$threads" 1)
"$build/banditspec" results show --results "$dir/r.db" | awk -v once=" $once " -v draws=" $draws " -v seeds="$seeds" -v prompts=$prompts -v many="$many" -v one="$one" -v each="$each" -v threads="$threads" '
    /^for comparison/ { exit }
    index(once, " " $1 " ") { played += $2 * prompts; all += $2 * prompts * seeds; n++ }
    index(draws, " " $1 " ") { played += $2 * prompts * seeds; all += $2 * prompts * seeds; n++ }
    END {
        printf "%d policies, %d seeds, %d prompts: %.1f million decisions, of which %.1f million had to be played: %.2f s on %d threads (%.2f s for 96 million), %.2f s on one, %.2f times as long; %d such processes at once take %.2f s, so that this machine gives %.2f times one core\n",
            n, seeds, prompts, all / 1e6, played / 1e6, many, threads, many * 96e6 / all, one, one / many, threads, each, threads * one / each
    }'
