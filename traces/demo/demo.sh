#!/usr/bin/env bash
# demo.sh BUILD [MODEL] - from a model file to regret plots: record, hold live decoding against replay, replay, draw.
#
# Stop it and start it again: what is recorded stays recorded. Everything lands in BUILD/demo.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$1 out=$1/demo
model=${2:-$(traces/demo/model.sh)}
trace=$out/$(basename "$model" .gguf).db results=$out/results.db
eagle=(eagle=traces/demo/eagle-smollm2,vocab=8192,quantize=q8_0) # a head fits its own target only
[ -z "${2-}" ] || eagle=()
decode=(--model "$model" --drafter pld sam "${eagle[@]}" --prompts traces/demo/prompts.jsonl --max-new 128)
step() { printf '\n-- %s\n' "$*"; }
bandit() { "$build/banditspec" "$@"; }
mkdir -p "$out"
SECONDS=0 # bash counts; the download is not the demo

step "record: how many drafted tokens would the model accept, at every position, from each drafter?"
bandit record "${decode[@]}" --db "$trace"
bandit traces check "$trace"

rm -f "$results"
step "live: three policies and plain decoding take turns at the first eight prompts; every round must equal its replay"
bandit live "${decode[@]}" --limit 8 --policy auto hf thompson --check "$trace" --compare --results "$results"

step "replay: every policy over all prompts, 100 seeds where a policy draws"
bandit replay --db "$trace" --seeds 100 --results "$results"

step "serving: the same prompts as requests to a server that decodes 1, 2, 4, ... at once"
bandit serving --db "$trace" --policy auto thompson greedy-quota --batch 1 2 4 8 16 --quota 48 --requests 56 --results "$results" |
    grep -E '^bsz +spec|BanditSpec|Best Arm'

step "draw: some policies that show the range (banditspec plot without --policy takes all), and the trace's own figures"
shown=(auto hf goodput thompson ts-hazard imed-tgd kl-ucb-tgd ucbspec exp3spec seed-ucb greedy-quota random)
bandit plot --results "$results" --db "$trace" --out "$out/plots" --format png --policy "${shown[@]}"

step "report: which policy to use here, by how much, and how sure that is; the page has the figures and how to reproduce them"
bandit report --results "$results" --db "$trace" --out "$out/report.html"
bandit report --results "$results" --text

cat <<end

trace     $trace    $build/banditspec traces info $trace
results   $results
pictures  $out/plots
report    $out/report.html
next      $build/banditspec live --model $model --drafter pld sam ${eagle[*]} --prompt 'Write a haiku about rivers.' --compare
demo: done in $SECONDS s
end
