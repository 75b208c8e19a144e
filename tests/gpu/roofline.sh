#!/usr/bin/env bash
# tests/gpu/roofline.sh BUILD CUDA_INCLUDE - the bytes that each kernel moves at decoding shapes, counted, beside the least its job needs.
#
# The kernels are compiled with calls in place of loads and stores (the outline mode of -fsanitize=kernel-address), and bytes.cc answers the
# calls: it counts the 32-byte sectors of device memory that a launch touches (DRAM: what L2 has seen once it keeps), and the sum over
# blocks (L2: what each block touches, its first-level cache keeping what it has seen).
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$1 include=$2 tmp=$1/emu/bytes
mkdir -p "$tmp"
flags="-x c++ -DCUEMU -std=gnu++20 -O1 -fPIC -fno-strict-aliasing -ffp-contract=off -w -I. -isystem $include"
count="-fsanitize=kernel-address --param asan-instrumentation-with-call-threshold=0 --param asan-stack=0 --param asan-globals=0"
for f in gpu/*.cu; do ${CXX:-g++} $flags $count -c -o "$tmp/$(basename "$f").o" "$f"; done
for f in gpu/emu/*.cc gpu/pack.cc tests/gpu/bytes.cc; do ${CXX:-g++} $flags -DCUEMU_BYTES -O2 -c -o "$tmp/$(basename "$f").o" "$f"; done
${CXX:-g++} -o "$tmp/bytes" "$tmp"/*.o "$build/libbanditspec.a" -lpthread -fopenmp -ldl -lm
"$tmp/bytes"
