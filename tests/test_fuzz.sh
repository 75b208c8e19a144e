#!/usr/bin/env bash
# test_fuzz.sh - every fuzz target over its seed corpus and over each input that once broke it: nothing crashes, and memory stays
# within what the input's size warrants (tests/fuzz/replay.c). TAP.
set -uo pipefail
shopt -s nullglob # a fuzzer at work leaves an empty folder
build=${BUILD:-build}
targets=()
for source in tests/fuzz/*.c; do
    name=$(basename "$source" .c)
    [ "$name" = replay ] || targets+=("$name")
done
echo "1..${#targets[@]}"
number=0 failed=0
for name in "${targets[@]}"; do
    number=$((number + 1))
    files=(tests/fuzz/corpus/"$name"/*)
    [ -d "tests/fuzz/regressions/$name" ] && files+=(tests/fuzz/regressions/"$name"/*)
    if out=$("$build/tests/fuzz/$name" "${files[@]}" 2>&1); then
        echo "ok $number - ${#files[@]} inputs of target $name"
    else
        echo "not ok $number - inputs of target $name"
        tail -20 <<<"$out" | sed 's/^/# /'
        failed=1
    fi
done
exit $failed
