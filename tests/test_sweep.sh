#!/usr/bin/env bash
# test_sweep.sh - a sweep gives the same results however it is split: threads, shards, MPI ranks, kills (law 4 and law 5). Prints TAP.
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
number() { python3 -c 'import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchone()[0])' "$1" "$2" 2>/dev/null || sqlite3 "$1" "$2"; }

"$program" traces synth a.db --drafter x=0.8@0.3 y=0.5@0.1 --sequences 12 --tokens 80 --seed 1 >/dev/null
"$program" traces synth b.db --world markov --drafter x=0.9,0.2 y=0.3,0.8 --sequences 8 --tokens 60 --seed 2 >/dev/null
# 2 traces x 2 sets of arms x 2 scopes; policies that draw, that do not, that learn from seconds, and oracles
sweep() { "$program" sweep --db a.db b.db --arms 'plain x:1-4 y:1-4' 'plain x:4 y:2,6' --scope prompt stream --seeds 6 --seed 3 \
    --policy 'ucbspec:delta={0.05,0.5}' thompson exp3spec goodput clairvoyant best-fixed "$@"; }
# what a results file says, timings aside
said() { "$program" results export --results "$1" && "$program" results show --results "$1" --json --holdout 0.4 --own none; }

mpi=$(ldd "$program" 2>/dev/null | grep -q libmpi && command -v mpirun)
[ -n "$mpi" ] && plan=9 || plan=6
echo "1..$plan"

sweep --threads 1 --results one.db >/dev/null 2>one.err
said one.db >one.txt
sweep --threads 2 --results two.db >/dev/null 2>&1
said two.db >two.txt
lines=$(wc -l <one.txt)
[ "$lines" -gt 1000 ] && cmp -s one.txt two.txt
holds test_sweep_says_the_same_bytes_on_1_and_2_threads $? "$(cmp one.txt two.txt 2>&1), $lines lines"
runs=$(number one.db 'SELECT count(*) FROM run')
[ "$runs" = 136 ] && # 8 settings: 6 seeds of thompson and exp3spec, one of two ucbspecs, goodput and both oracles
    grep -q "^$runs runs: 0 were there, $runs played now$" one.err
holds test_sweep_counts_what_it_plays $? "$(cat one.err), $runs runs"

for shards in 1 2 3; do
    for ((i = 1; i <= shards; i++)); do sweep --threads 1 --quiet --shard $i/$shards --results s$shards-$i.db >/dev/null 2>&1; done
    "$program" results merge --results merged$shards.db --from $(ls -r s$shards-*.db) >/dev/null
    said merged$shards.db >merged$shards.txt
done
cmp -s one.txt merged1.txt && cmp -s one.txt merged2.txt && cmp -s one.txt merged3.txt
holds test_sweep_says_the_same_bytes_of_1_2_and_3_shards_merged $? "$(cmp one.txt merged3.txt 2>&1)"
before=$(number merged3.db 'SELECT count(*) FROM run')
again=$("$program" results merge --results merged3.db --from s3-2.db)
[ "$before" = "$runs" ] && [ "$again" = "0 runs of 's3-2.db'" ] && [ "$(number merged3.db 'SELECT count(*) FROM run')" = "$runs" ]
holds test_merging_twice_adds_nothing $? "$before runs, then: $again"

# kill -9 at random instants until it is done; what a process finds there it never plays again, and each run is there once
"$program" traces synth c.db --drafter x=0.8@0.3 y=0.5@0.1 --sequences 60 --tokens 200 --seed 5 >/dev/null
many() { exec "$program" sweep --db c.db --policy thompson exp3spec --seeds "$1" --quiet --threads 1 --results "$2"; }
clock() { date +%s%N; }
t=$(clock); (many 400 whole.db) 2>/dev/null
whole=$(($(clock) - t))
t=$(clock); (many 400 whole.db) 2>/dev/null
start=$(($(clock) - t)) # of which it takes that long to load
RANDOM=7
kills=0 between=0 wrong=
for ((i = 0; i < 40; i++)); do
    there=$([ -f killed.db ] && number killed.db 'SELECT count(*) FROM run' 2>/dev/null)
    [ "${there:-0}" -gt 0 ] && between=$((between + 1))
    many 400 killed.db 2>killed.err &
    pid=$!
    ns=$((start / 2 + RANDOM * (whole - start / 2) / 32768))
    sleep $((ns / 1000000000)).$(printf %09d $((ns % 1000000000)))
    kill -9 $pid 2>/dev/null && kills=$((kills + 1))
    wait $pid 2>/dev/null
    [ -s killed.err ] || continue
    grep -q "^800 runs: ${there:-0} were there, $((800 - ${there:-0})) played now$" killed.err || wrong=$(cat killed.err)
    break
done
(many 400 killed.db) 2>last.err
"$program" results export --results whole.db >whole.txt
"$program" results export --results killed.db >killed.txt
grep -q "^800 runs: 800 were there, 0 played now$" last.err && cmp -s whole.txt killed.txt && [ -z "$wrong" ] && [ $between -ge 1 ]
holds test_sweep_killed_at_any_instant_goes_on_and_ends_the_same $? "$kills kills, $between with runs there; $wrong $(cat last.err); $(cmp whole.txt killed.txt 2>&1)"
echo "# killed $kills times, found runs of before $between times"

cp two.db bad.db
python3 -c "
import sqlite3
c = sqlite3.connect('bad.db'); c.execute(\"UPDATE run SET outcomes = zeroblob(length(outcomes)) WHERE seed = 4 AND spec = 'thompson'\"); c.commit()" 2>/dev/null ||
    sqlite3 bad.db "UPDATE run SET outcomes = zeroblob(length(outcomes)) WHERE seed = 4 AND spec = 'thompson'"
why=$("$program" results merge --results two.db --from bad.db 2>&1)
[ $? = 1 ] && grep -q "hold different outcomes of the same run: policy 'thompson', seed 4" <<<"$why"
holds test_merging_refuses_two_outcomes_of_one_run $? "$why"

if [ -z "$mpi" ]; then
    echo "# built without MPI, or no mpirun here: sweeps over ranks were not tested"
    exit 0
fi
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMP_NUM_THREADS=1
ranks() { mpirun --oversubscribe --bind-to none -n "$1" "$program" sweep --db a.db b.db --arms 'plain x:1-4 y:1-4' 'plain x:4 y:2,6' --scope prompt stream \
    --seeds 6 --seed 3 --policy 'ucbspec:delta={0.05,0.5}' thompson exp3spec goodput clairvoyant best-fixed --results "$2" >/dev/null 2>mpi.err; }
bad=
for r in 1 2 4; do
    ranks $r ranks$r.db && said ranks$r.db >ranks$r.txt && cmp -s one.txt ranks$r.txt || bad="$bad $r ranks: $(tail -1 mpi.err);"
done
[ -z "$bad" ]
holds test_sweep_says_the_same_bytes_on_1_2_and_4_ranks $? "$bad"

# a rank that dies: what was finished stays, and the same command goes on
mpirun --oversubscribe --bind-to none -n 2 "$program" sweep --db c.db --policy thompson exp3spec --seeds 3000 --results dying.db >/dev/null 2>&1 &
pid=$!
for ((i = 0; i < 100; i++)); do
    sleep 0.1
    [ "$([ -f dying.db ] && number dying.db 'SELECT count(*) FROM run' 2>/dev/null || echo 0)" -gt 0 ] && break
done
victim=$(pgrep -P $pid -f 'sweep --db c.db' | tail -1)
[ -n "$victim" ] && kill -9 "$victim"
wait $pid
status=$?
kept=$(number dying.db 'SELECT count(*) FROM run')
[ $status != 0 ] && [ "$kept" -gt 0 ] && [ "$kept" -lt 6000 ]
holds test_a_rank_that_dies_leaves_what_was_finished $? "status $status, $kept runs"
"$program" sweep --db c.db --policy thompson exp3spec --seeds 3000 --quiet --results dying.db >/dev/null 2>after.err
grep -q "^6000 runs: $kept were there, $((6000 - kept)) played now$" after.err
holds test_and_the_same_command_goes_on $? "$(cat after.err)"
echo "# $kept of 6000 runs had been written"
