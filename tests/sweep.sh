# sweep.sh - what the tests of sweeps share: a scratch directory with two synthetic traces, and how to sweep over them. Sourced.
set -uo pipefail
cd "$(dirname "$0")/.."
program=$PWD/${BUILD:-build}/banditspec
dir=$(mktemp -d "${TMPDIR:-/tmp}/banditspec-test-XXXXXX")
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
n=0

# holds SENTENCE STATUS [WHY]
holds() {
    n=$((n + 1))
    if [ "$2" = 0 ]; then echo "ok $n - $1"; return; fi
    echo "not ok $n - $1"
    echo "#   ${3:-}"
}
# how many runs a results file holds
runs_in() { "$program" results export --results "$1" 2>/dev/null | tail -n +2 | cut -d, -f1,5,6 | sort -u | wc -l; }

"$program" traces synth a.db --drafter x=0.8@0.3 y=0.5@0.1 --sequences 12 --tokens 80 --seed 1 >/dev/null
"$program" traces synth b.db --world markov --drafter x=0.9,0.2 y=0.3,0.8 --sequences 8 --tokens 60 --seed 2 >/dev/null
# 2 traces x 2 sets of arms x 2 scopes; policies that draw, that do not, that learn from seconds, and oracles
sweep() { "$program" sweep --db a.db b.db --arms 'plain x:1-4 y:1-4' 'plain x:4 y:2,6' --scope prompt stream --seeds 6 --seed 3 \
    --policy 'ucbspec:delta={0.05,0.5}' thompson exp3spec goodput clairvoyant best-fixed "$@"; }
# what a results file says, timings aside
said() { "$program" results export --results "$1" && "$program" results show --results "$1" --json --holdout 0.4 --own none; }
