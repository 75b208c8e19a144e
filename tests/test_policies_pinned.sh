#!/usr/bin/env bash
# test_policies_pinned.sh - every policy of policies/list.h is held against something computed apart from it.
#
# Its spec has to stand in a file of published sequences or of slow readings; loops over the list do not count.
# Prints TAP: one case a policy.
set -uo pipefail
cd "$(dirname "$0")/.."
n=0
apart=$(ls tests/test_policy_{golden,auto}.c tests/test_policy_pinned_*.c tests/test_{contextual,deepen,experts,quota,sees}.c 2>/dev/null)

policies=$(sed -n 's/^POLICY(\(.*\))$/\1/p' policies/list.h)
echo "1..$(wc -w <<<"$policies")"
for policy in $policies; do
    n=$((n + 1))
    name=$(sed -n "/^const struct policy policy_$policy = {/,/^}/s/.*\.name = \"\([^\"]*\)\".*/\1/p" policies/*.c)
    if [ -n "$name" ] && grep -qE "\"$name[\":]" $apart; then echo "ok $n - $name"; else echo "not ok $n - '${name:-$policy}' is in none of: $apart" | tr '\n' ' '; echo; fi
done
