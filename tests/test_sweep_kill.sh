#!/usr/bin/env bash
# test_sweep_kill.sh - a sweep that is killed goes on and ends the same (law 5), and so over MPI ranks, one of which dies. Prints TAP.
. "$(dirname "$0")/sweep.sh"

mpi=$(ldd "$program" 2>/dev/null | grep -q libmpi && command -v mpirun)
[ -n "$mpi" ] && plan=4 || plan=1
echo "1..$plan"

# kill -9 at random instants until it is done; what a process finds there it never plays again, and each run is there once
"$program" traces synth c.db --drafter x=0.8@0.3 y=0.5@0.1 --sequences 30 --tokens 150 --seed 5 >/dev/null
many() { exec "$program" sweep --db c.db --policy thompson exp3spec --seeds "$1" --quiet --threads 1 --results "$2"; }
clock() { date +%s%N; }
t=$(clock); (many 1000 whole.db) 2>/dev/null
whole=$(($(clock) - t))
t=$(clock); (many 1000 whole.db) 2>/dev/null
start=$(($(clock) - t)) # of which it takes that long to load
RANDOM=7
kills=0 between=0 wrong=
for ((i = 0; i < 12; i++)); do
    there=$([ -f killed.db ] && runs_in killed.db)
    [ "${there:-0}" -gt 0 ] && between=$((between + 1))
    many 1000 killed.db 2>killed.err &
    pid=$!
    ns=$((start * 8 / 10 + RANDOM * (whole - start) / 2 / 32768))
    sleep $((ns / 1000000000)).$(printf %09d $((ns % 1000000000)))
    kill -9 $pid 2>/dev/null && kills=$((kills + 1))
    wait $pid 2>/dev/null
    [ -s killed.err ] || continue
    grep -q "^2000 runs: ${there:-0} were there, $((2000 - ${there:-0})) played now$" killed.err || wrong=$(cat killed.err)
    break
done
(many 1000 killed.db) 2>last.err
"$program" results export --results whole.db >whole.txt
"$program" results export --results killed.db >killed.txt
grep -q "^2000 runs: 2000 were there, 0 played now$" last.err && cmp -s whole.txt killed.txt && [ -z "$wrong" ] && [ $between -ge 1 ]
holds test_sweep_killed_at_any_instant_goes_on_and_ends_the_same $? "$kills kills, $between with runs there; $wrong $(cat last.err); $(cmp whole.txt killed.txt 2>&1)"
echo "# killed $kills times, found runs of before $between times"

if [ -z "$mpi" ]; then
    echo "# built without MPI, or no mpirun here: sweeps over ranks were not tested"
    exit 0
fi
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMP_NUM_THREADS=1
ranks() { mpirun --oversubscribe --bind-to none -n "$1" "$program" sweep --db a.db b.db --arms 'plain x:1-4 y:1-4' 'plain x:4 y:2,6' --scope prompt stream \
    --seeds 6 --seed 3 --policy 'ucbspec:delta={0.05,0.5}' thompson exp3spec goodput clairvoyant best-fixed --results "$2" >/dev/null 2>mpi.err; }
bad=
sweep --threads 1 --results one.db >/dev/null 2>&1
said one.db >one.txt
for r in 1 2 4; do
    ranks $r ranks$r.db && said ranks$r.db >ranks$r.txt && cmp -s one.txt ranks$r.txt || bad="$bad $r ranks: $(tail -1 mpi.err);"
done
[ -z "$bad" ]
holds test_sweep_says_the_same_bytes_on_1_2_and_4_ranks $? "$bad"

# a rank that dies: what was finished stays, and the same command goes on
mpirun --oversubscribe --bind-to none -n 2 "$program" sweep --db c.db --policy thompson exp3spec --seeds 1500 --results dying.db >/dev/null 2>&1 &
pid=$!
for ((i = 0; i < 100; i++)); do
    sleep 0.1
    [ "$([ -f dying.db ] && runs_in dying.db || echo 0)" -gt 0 ] && break
done
victim=$(pgrep -P $pid -f 'sweep --db c.db' | tail -1)
[ -n "$victim" ] && kill -9 "$victim"
wait $pid
status=$?
kept=$(runs_in dying.db)
[ $status != 0 ] && [ "$kept" -gt 0 ] && [ "$kept" -lt 3000 ]
holds test_a_rank_that_dies_leaves_what_was_finished $? "status $status, $kept runs"
"$program" sweep --db c.db --policy thompson exp3spec --seeds 1500 --quiet --results dying.db >/dev/null 2>after.err
grep -q "^3000 runs: $kept were there, $((3000 - kept)) played now$" after.err
holds test_and_the_same_command_goes_on $? "$(cat after.err)"
echo "# $kept of 3000 runs had been written"
