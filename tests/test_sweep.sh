#!/usr/bin/env bash
# test_sweep.sh - a sweep gives the same results however it is split over threads and shards (law 4). Prints TAP.
. "$(dirname "$0")/sweep.sh"

echo 1..6

sweep --threads 1 --results one.db >/dev/null 2>one.err
said one.db >one.txt
sweep --threads 2 --results two.db >/dev/null 2>&1
said two.db >two.txt
lines=$(wc -l <one.txt)
[ "$lines" -gt 1000 ] && cmp -s one.txt two.txt
holds test_sweep_says_the_same_bytes_on_1_and_2_threads $? "$(cmp one.txt two.txt 2>&1), $lines lines"
runs=$(runs_in one.db)
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
before=$(runs_in merged3.db)
again=$("$program" results merge --results merged3.db --from s3-2.db)
[ "$before" = "$runs" ] && [ "$again" = "0 runs of 's3-2.db'" ] && [ "$(runs_in merged3.db)" = "$runs" ]
holds test_merging_twice_adds_nothing $? "$before runs, then: $again"

# The Slurm array that the help shows, line for line, but for fewer policies and seeds; its trace lies beside the shards, as it would.
mkdir array && cd array && cp ../a.db run.db && ln -s "$program" banditspec
"$program" sweep --help >help.txt
sed -nE '/^  #!/,/^and then/{/^and then/d; s/^  //; s/--seeds 1000/--seeds 3 --policy thompson none/; p}' help.txt >job.sh
sed -nE '/^and then/,${/^and then/d; s/^  //; p}' help.txt >then.sh
for ((i = 1; i <= 20; i++)); do SLURM_ARRAY_TASK_ID=$i PATH=$PWD:$PATH bash job.sh >job.out 2>&1 || cat job.out; done >failed.txt
PATH=$PWD:$PATH bash then.sh >then.out 2>&1
! [ -s failed.txt ] && [ "$(runs_in r.db)" = 4 ] && grep -q '^thompson ' then.out
holds test_the_slurm_array_of_the_help_runs_as_printed $? "$(head -3 failed.txt then.out)"
cd ..

# What no machine did is called so: a synthetic trace, and a roofline's seconds.
cat >roof.json <<'R'
{"name": "a toy roofline", "bandwidth_gb_s": 100, "tflop_s": 10,
 "target": {"weights_gb": 1, "parameters_b": 0.5, "kv_bytes_a_token": 1000, "launch_us": 10},
 "drafters": {"x": {"us_per_token": 1}, "y": {"us_per_token": 1}}}
R
"$program" sweep --db a.db --policy none --results roof.db >roof.txt 2>roof.err
"$program" sweep --db a.db --policy none --hardware roof.json --results roof.db >>roof.txt 2>>roof.err
"$program" results list --results roof.db >>roof.txt
grep -q '; no target did this$' roof.txt && grep -q ', on a roofline of a toy roofline: nothing of this was measured there$' roof.txt && grep -q ' on a roofline of a toy roofline)$' roof.txt
holds test_what_was_not_measured_is_called_so $? "$(cat roof.txt roof.err)"
