#!/usr/bin/env bash
# test_plugin.sh - policies as shared objects: the example of policies/examples is built as its header says and plays, whatever the
# header declares is found, and what does not fit is refused in one line. TAP.
set -uo pipefail
build=${BUILD:-build}
program=$PWD/$build/banditspec trace=$PWD/traces/demo/smollm2.db include=$PWD/$build/include
source=policies/examples/egreedy.c
dir=$(mktemp -d "${TMPDIR:-/tmp}/banditspec-test-XXXXXX")
trap 'rm -rf "$dir"' EXIT
n=0 failed=0

# passes SENTENCE COMMAND...: its output goes to $dir/said
passes() {
    n=$((n + 1))
    if "${@:2}" >"$dir/said" 2>&1; then echo "ok $n - $1"; return; fi
    echo "not ok $n - $1"
    head -20 "$dir/said" | sed 's/^/# /'
    failed=1
}

# One -shared object without a sanitizer of its own: the program has it.
compile() { cc -std=c11 -Wall -Wextra -Werror -shared -fPIC -O2 -I "${3-$include}" -o "$dir/$2" "$1"; }

replay() { "$program" replay --db "$trace" --seeds 2 "$@"; }

# refused FILE TEXT: exit code 1, nothing on stdout, one line that holds TEXT
refused() {
    local said status
    said=$(cd "$dir" && "$program" policies --policy-file "$1" 2>&1 >"$dir/stdout")
    status=$?
    echo "exit $status: $said"
    [ $status = 1 ] && [ ! -s "$dir/stdout" ] && [ "$(wc -l <<<"$said")" = 1 ] && grep -qF -- "$2" <<<"$said"
}

# variant NAME SED: the example with one thing changed, as NAME.so
variant() { sed -E "$2" "$source" >"$dir/$1.c" && ! cmp -s "$source" "$dir/$1.c" && compile "$dir/$1.c" "$1.so"; }

# older NAME SED: the example built against a header with one thing changed
older() {
    mkdir -p "$dir/$1/banditspec"
    sed -E "$2" "$include/banditspec/plugin.h" >"$dir/$1/banditspec/plugin.h"
    ! cmp -s "$include/banditspec/plugin.h" "$dir/$1/banditspec/plugin.h" && compile "$source" "$1.so" "$dir/$1"
}

plays() { replay --policy-file "$dir/egreedy.so" --policy 'egreedy:eps={0.05,0.1}' ucbspec && grep -q '^egreedy:eps=0.05 ' "$dir/said" && grep -q '^egreedy  ' "$dir/said"; }
plays_among_all() { replay --policy-file "$dir/egreedy.so" && grep -q '^egreedy ' "$dir/said" && grep -q '^ucbspec ' "$dir/said"; }
twice() { replay --policy-file "$dir/egreedy.so" "$dir/egreedy.so" --policy-file "$dir/egreedy.so" --policy egreedy; }
listed() { "$program" policies --policy-file "$dir/egreedy.so" && grep -q '^plug-in' "$dir/said" && grep -qE '^ +egreedy ' "$dir/said"; }
shown() { "$program" policies egreedy --policy-file "$dir/egreedy.so" && grep -q 'Sutton' "$dir/said" && grep -q 'eps' "$dir/said"; }
bare_name() { (cd "$dir" && replay --policy-file egreedy.so --policy egreedy); }
unknown_without() { ! replay --policy egreedy && grep -qF "unknown policy 'egreedy'" "$dir/said"; }
bad_parameter() { ! replay --policy-file "$dir/egreedy.so" --policy egreedy:eps=2 && grep -qF "policy 'egreedy': 'eps' wants a value from 0 to 1" "$dir/said"; }

# The same file in the tree: a plug-in plays as a built-in policy would. `random` under another name draws from another stream, so
# what is compared draws nothing.
as_built_in() {
    sed -E 's/"fixed"/"fixed2"/; s/#include "policies\/policy.h"/#include <banditspec\/plugin.h>/; $aPOLICY_PLUGIN(policy_fixed)' policies/fixed.c >"$dir/fixed2.c"
    compile "$dir/fixed2.c" fixed2.so || return
    replay --policy-file "$dir/fixed2.so" --policy fixed:arm=4 fixed2:arm=4 --steps "$dir/steps.csv" || return
    grep '^"\?fixed:' "$dir/steps.csv" >"$dir/a"
    grep '^"\?fixed2:' "$dir/steps.csv" | sed 's/fixed2/fixed/' >"$dir/b"
    [ "$(wc -l <"$dir/a")" -gt 100 ] && cmp "$dir/a" "$dir/b"
}

everything_declared_resolves() {
    local names
    names=$(sed -nE 's/^ +([a-z0-9_]+);$/\1/p' "$build/plugin.exports")
    [ "$(wc -w <<<"$names")" -ge 15 ] || return
    for name in err_set rng_uniform rng_beta cost_seconds; do grep -qw "$name" <<<"$names" || return; done
    { sed '$d' "$source"; echo "extern void *const all[]; void *const all[] = {"; sed 's/.*/(void *)&,/' <<<"$names"; echo "};"; tail -1 "$source"; } >"$dir/all.c"
    compile "$dir/all.c" all.so && replay --policy-file "$dir/all.so" --policy egreedy
}

# Nothing else of the program is in a plug-in's way: a function of the same name is its own.
nothing_else_is_exported() {
    sed -E 's/^(enum \{ EPS \};)/\1\nint model_open(void);\nint model_open(void) { return 7; }/; s/^    int best = 0;/    if (model_open() != 7) return -1;\n    int best = 0;/' "$source" >"$dir/own.c"
    compile "$dir/own.c" own.so && replay --policy-file "$dir/own.so" --policy egreedy
}

bad_arm() {
    variant arm 's/return best;/return best + p->K;/' && ! replay --policy-file "$dir/arm.so" --policy egreedy:eps=0 && grep -qF "policy 'egreedy:eps=0' chose arm 10 in round 0, expected 0 to 9" "$dir/said"
}

# What a sweep has played it plays again when the plug-in was built anew, and then only then.
sweep() { "$program" sweep --db "$trace" --seeds 2 --results "$dir/sweep.db" --policy egreedy none --quiet --policy-file "$@"; }
sweeps() {
    sweep "$dir/egreedy.so" && sweep "$dir/egreedy.so" && variant other 's/double most = -1;/double most = -2;/' && sweep "$dir/other.so" || return
    diff "$dir/said" - <<'EOF'
3 runs: 0 were there, 3 played now
3 runs: 3 were there, 0 played now
3 runs: 0 were there, 3 played now
EOF
}

refused_variant() { variant "$1" "$2" && refused "$1.so" "$3"; }
refused_older() { older "$1" "$2" && refused "$1.so" "$3"; }
refused_symbol() { echo 'int nothing;' >"$dir/symbol.c" && compile "$dir/symbol.c" symbol.so && refused symbol.so "plug-in 'symbol.so' has no symbol banditspec_policy_plugin"; }
refused_text() { echo 'not an object' >"$dir/text.so" && refused text.so "plug-in 'text.so' does not load: "; }
refused_cut() { # at any place; dlopen alone would die of a bus error
    local size at
    size=$(stat -c %s "$dir/egreedy.so")
    for ((at = 0; at < size - 4096; at += 997)); do
        head -c $at "$dir/egreedy.so" >"$dir/cut.so"
        refused cut.so "plug-in 'cut.so' " || return
    done
}
refused_library() { local m; m=$(ldd "$program" | sed -nE 's/.*libm\.[^ ]* => ([^ ]+).*/\1/p') && cp "$m" "$dir/m.so" && refused m.so "has no symbol banditspec_policy_plugin"; }

echo 1..29
passes test_the_example_is_built_as_it_says compile "$source" egreedy.so
passes test_the_example_is_about_forty_lines test "$(wc -l <"$source")" -le 45
passes test_a_plug_in_plays_with_a_grid plays
passes test_a_plug_in_is_among_all_policies plays_among_all
passes test_a_file_given_twice_counts_once twice
passes test_a_plug_in_is_listed_under_its_setting listed
passes test_a_plug_in_shows_its_parameters shown
passes test_a_bare_name_is_a_file_here_not_one_to_search_for bare_name
passes test_without_the_file_the_name_is_unknown unknown_without
passes test_parameters_are_checked_as_any_policys bad_parameter
passes test_a_plug_in_plays_as_the_same_file_in_the_tree as_built_in
passes test_whatever_the_header_declares_resolves everything_declared_resolves
passes test_nothing_else_of_the_program_is_exported nothing_else_is_exported
passes test_a_sweep_plays_a_plug_in_anew_when_it_was_built_anew sweeps
passes test_an_arm_out_of_range_stops_the_run bad_arm
passes test_another_abi_is_refused_by_name refused_older abi 's/^#define POLICY_ABI .*/#define POLICY_ABI 3/' "plug-in 'abi.so' was built for policy ABI 3, this program has 1: rebuild it"
passes test_another_struct_is_refused_by_name refused_older grown 's|^    int nodes;|    double more; int nodes;|' "plug-in 'grown.so' has a struct outcome of "
passes test_a_missing_file_is_refused refused no/such.so "cannot open plug-in 'no/such.so': No such file or directory"
passes test_a_folder_is_refused refused . "plug-in '.'"
passes test_a_text_is_refused refused_text
passes test_a_cut_file_is_refused refused_cut
passes test_another_library_is_refused refused_library
passes test_an_object_without_the_symbol_is_refused refused_symbol
passes test_a_name_of_ours_is_refused refused_variant clash 's/"egreedy"/"ucbspec"/' "plug-in 'clash.so': there is a policy 'ucbspec' already"
passes test_an_oracles_name_is_refused refused_variant oracle 's/"egreedy"/"clairvoyant"/' "plug-in 'oracle.so': 'clairvoyant' is the name of an oracle"
passes test_no_select_is_refused refused_variant select 's/^static int egreedy_select/__attribute__((unused)) &/; s/, \.select = egreedy_select//' "plug-in 'select.so': policy 'egreedy': it has no select"
passes test_no_source_is_refused refused_variant cite 's/^    \.cite.*//' "plug-in 'cite.so': policy 'egreedy': setting, summary or cite is missing"
passes test_a_flag_without_its_method_is_refused refused_variant flag 's/POLICY_RANDOM \|/POLICY_RANDOM | POLICY_ALL |/' "plug-in 'flag.so': policy 'egreedy': POLICY_ALL wants learn_all"
passes test_an_undefined_function_is_refused refused_variant undefined 's/rng_below\(rng, p->K\)/agent_open(0, 0, 0, 0)/; s/^enum \{ EPS \};/&\nint agent_open(void *, void *, void *, void *);/' "plug-in 'undefined.so' does not load: "
exit $failed
