/* launch.h - the first include of every .cu: CUDA under nvcc, the emulation of its threads (emu/) under g++ -DCUEMU.
 *
 * Kernels are written once. What both compilers take: LAUNCH(kernel, grid, block, shared bytes, stream, arguments...), with
 * parentheses around a template instance that has a comma; SHARED(float, s, [128]) and DYN_SHARED(float, s) for shared memory. */
#ifndef GPU_LAUNCH_H
#define GPU_LAUNCH_H

#ifdef CUEMU
#include "gpu/emu/cuemu.h"
#else
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#define LAUNCH(kernel, grid, block, smem, stream, ...) kernel<<<(grid), (block), (smem), (stream)>>>(__VA_ARGS__)
#define SHARED(type, name, dims) __shared__ type name dims
#define DYN_SHARED(type, name)                                     \
    extern __shared__ __align__(16) unsigned char gpu_dyn_shared[]; \
    type *const name = reinterpret_cast<type *>(gpu_dyn_shared)
#endif

#endif
