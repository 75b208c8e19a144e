#!/usr/bin/env bash
# test_layers.sh - include lines point one way: core <- traces <- sim <- analysis; policies stand alone.
#
# Of the policies' folder plugin.c may load code, state_file.c may read and write files, and banditspec_policy.c may lock; a policy may not.
# A subcommand (policies/cmd_*.c) parses options, so it may also see core/cmd.h and core/opt.h.
# Prints TAP: one case a rule, with the lines that break it.
set -uo pipefail
cd "$(dirname "$0")/.."
n=0

# "FILE:LINE:HEADER" of every quoted include in the files given
includes() { grep -n '^ *# *include *"' "$@" /dev/null | sed 's/: *# *include *"/:/; s/".*//'; }

# holds SENTENCE VIOLATIONS
holds() {
    n=$((n + 1))
    if [ -z "$2" ]; then echo "ok $n - $1"; return; fi
    echo "not ok $n - $1"
    sed 's/^/#   /' <<<"$2"
}

# sees FOLDER HEADERS...: regular expressions of what the folder's files may include
sees() { includes "$1"/*.[ch] | grep -vE ":($(IFS='|'; echo "${*:2}"))\$"; }

echo 1..9
holds test_core_includes_core_only "$(sees core 'core/.*')"
holds test_policies_see_err_mem_rng_and_arithmetic_only \
    "$(sees policies 'policies/.*' 'core/(err|mem|rng|elementary).h' | grep -vE '^policies/cmd_[a-z_]*\.c:[0-9]+:core/(cmd|opt)\.h$')"
holds test_traces_build_on_core "$(sees traces 'core/.*' 'traces/.*')"
holds test_sim_builds_on_traces_and_policies "$(sees sim 'core/.*' 'policies/.*' 'traces/.*' 'sim/.*')"
holds test_analysis_builds_on_all_of_them "$(sees analysis 'core/.*' 'policies/.*' 'traces/.*' 'sim/.*' 'analysis/.*')"
holds test_every_include_names_its_folder "$(includes {core,policies,traces,sim,analysis,tests}/*.[ch] | grep -vE ':(core|policies|traces|sim|analysis|tests)/[a-z0-9_]+\.h$')"
holds test_nothing_but_tests_includes_tests "$(includes {core,policies,traces,sim,analysis}/*.[ch] | grep ':tests/')"
own='^policies/(plugin\.c:[0-9]+:#include <(dlfcn|link)|state_file\.c:[0-9]+:#include <(fcntl|unistd|sys/stat)|banditspec_policy\.c:[0-9]+:#include <pthread)\.h>$'
holds test_policies_know_no_library_no_file_and_no_clock \
    "$(grep -nE '^ *# *include *<' policies/*.[ch] | grep -v '^policies/cmd_' | grep -vE "$own" | grep -vE '<(assert|math|stdarg|stdbool|stddef|stdint|stdlib|string|stdio|errno|limits|float|ctype)\.h>')"
holds test_gpu_sees_core_below_the_models "$(includes gpu/*.{cu,cc,h} gpu/emu/*.{cc,h} | grep -vE ':(gpu/.*|core/(backend|err|mem|noise|pool|quants|tensor).h)$')"
