#!/usr/bin/env bash
# test_gpu.sh - the CUDA backend's sources on the emulation: kernels, whole models, commands and faults. Plain build, for results.
set -uo pipefail
. "$(dirname "$0")/gpu/cases.sh"
failed=0 at=$BUILD/emu/plain
plan plain 5
holds test_operations_equal_the_cpus "$at/ops" 8
holds test_operations_do_not_depend_on_the_order_of_threads CUEMU_ORDER=rand CUEMU_SEED=3 "$at/ops" 2 100
holds test_models_equal_their_goldens_in_any_company "$at/model"
holds test_texts_of_a_batch_are_what_they_are_alone SCENE_BACKEND=cuda BANDITSPEC_BACKENDS="$at" "$BUILD/tests/test_joint"
holds test_commands_work_and_faults_are_one_line "$at/commands"
exit $failed
