#!/usr/bin/env bash
# tests/run.sh LOGS TEST... - runs test programs two at a time, each writing TAP to LOGS/NAME.log.
#
# cmocka speaks TAP when asked; scripts do so themselves. A program that dies, hangs for five minutes or leaks counts
# at least one failure, and so does every case it promised and never reached. The last line is "N passed, N failed".
set -uo pipefail
logs=$1
shift
mkdir -p "$logs"
export limit
limit=$(command -v timeout >/dev/null && echo "timeout 300")

run_one() {
    local name log status
    name=$(basename "$2") log=$1/$(basename "$2").log
    { CMOCKA_MESSAGE_OUTPUT=TAP $limit "$2"; } </dev/null >"$log" 2>&1
    status=$?
    awk -v name="$name" -v status=$status '
        /^1\.\.[0-9]+$/ { promised += substr($0, 4) }
        /^ok [0-9]/     { passed++ }
        /^not ok [0-9]/ { failed++ }
        END {
            lost = promised - passed - failed
            failed += lost > 0 ? lost : 0
            if ((status || !promised) && !failed) lost = failed = 1
            printf "%d %d %d %d %s\n", passed, failed, lost, status, name
        }' "$log" | tee "$log.count" | awk '{ printf "  %s %-24s %3d passed%s\n", $2 ? "FAIL" : "ok  ", $5, $1, $2 ? ", " $2 " failed" : "" }'
}
export -f run_one

rm -f "$logs"/*.count
printf '%s\n' "$@" | xargs -P 2 -I{} bash -c 'run_one "$0" "$1"' "$logs" {}

# What went wrong, after the list so that it stays in sight: cmocka prints a case's messages after its "not ok" line.
while read -r passed failed lost status name; do
    [ "$failed" = 0 ] && continue
    echo
    echo "$name: $failed failed, exit status $status; all of it in $logs/$name.log"
    awk '/^ok /{ show = 0 } /^not ok /{ show = 1 } show' "$logs/$name.log" | head -40
    [ "$lost" = 0 ] || { echo "its last lines:" && tail -20 "$logs/$name.log"; }
done < <(cat "$logs"/*.count)

cat "$logs"/*.count | awk -v programs=$# '
    { passed += $1; failed += $2 }
    END { failed += programs - NR; printf "\n%d passed, %d failed\n", passed, failed; exit failed > 0 || !passed }'
