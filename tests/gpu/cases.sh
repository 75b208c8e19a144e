# cases.sh - sourced by the test_gpu*.sh: cases of TAP that run a program of tests/gpu in one mode of the emulation.
cd "$(dirname "$0")/.."
export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive ASAN_OPTIONS=${ASAN_OPTIONS-detect_leaks=1} TSAN_OPTIONS=${TSAN_OPTIONS-halt_on_error=1}
n=0

# plan N: or the only case, where the emulation was not built.
plan() {
    if [ -f "$BUILD/emu/$1/banditspec-cuda.so" ]; then echo "1..$2"; return; fi
    echo 1..1
    echo "ok 1 - # SKIP no CUDA headers, so no emulation of the CUDA backend"
    exit 0
}

# holds SENTENCE [NAME=VALUE...] PROGRAM [ARGUMENT...]
holds() {
    local sentence=$1 log
    shift
    n=$((n + 1))
    if log=$(env "$@" 2>&1); then
        echo "ok $n - $sentence"
    else
        echo "not ok $n - $sentence"
        echo "#   $*"
        grep -vE '^\[ +(RUN|OK) ' <<<"$log" | head -40 | sed 's/^/#   /'
        failed=1
    fi
}
