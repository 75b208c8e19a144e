#!/usr/bin/env bash
# test_gpu_asan.sh - the CUDA backend under AddressSanitizer and UBSan: threads of a block forwards, backwards and at random, device memory out of
# the host's reach, streams that run as late as they may.
set -uo pipefail
. "$(dirname "$0")/gpu/cases.sh"
failed=0 at=$BUILD/emu/asan
plan asan 6
for order in fwd rev rand; do
    holds "test_operations_with_threads_in_order_$order" CUEMU_ORDER=$order CUEMU_GUARD=1 CUEMU_LAZY=1 "$at/ops" 1 200
done
holds test_no_barrier_waits_for_threads_that_left CUEMU_STRICT=1 CUEMU_GUARD=1 "$at/ops" 1 300
holds test_models_in_lazy_streams CUEMU_ORDER=rand CUEMU_GUARD=1 CUEMU_LAZY=1 "$at/model" brief
holds test_commands_and_faults CUEMU_ORDER=rev CUEMU_GUARD=1 CUEMU_LAZY=1 "$at/commands" brief
exit $failed
