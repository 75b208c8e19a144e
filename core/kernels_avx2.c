/* kernels_avx2.c - the kernels for AVX2 with FMA. */
#if defined __x86_64__
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#else
#pragma GCC target("avx2,fma,f16c")
#endif
#define SIMD_AVX2
#include "core/kernels_body.h"
const struct kernels kernels_avx2 = KERNELS_TABLE;
#ifdef __clang__
#pragma clang attribute pop
#endif
#else
typedef int kernels_avx2_needs_x86;
#endif
