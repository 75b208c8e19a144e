#!/usr/bin/env bash
# test_gpu_tsan.sh - the CUDA backend under ThreadSanitizer, which sees every missing barrier: threads of a block, and blocks against each other.
set -uo pipefail
. "$(dirname "$0")/gpu/cases.sh"
failed=0 at=$BUILD/emu/tsan
plan tsan 3
holds test_threads_of_a_block_do_not_race CUEMU_ORDER=rand "$at/ops" 1 400 300
holds test_blocks_do_not_race CUEMU_BLOCK_RACES=1 "$at/ops" 1 500 300
holds test_tiles_of_one_part_do_not_race CUEMU_ORDER=rand "$at/ops" 1 637 700 rope, # a context of 563: parts of two tiles
exit $failed
