/* kernels_avx512.c - the kernels for AVX-512 with VNNI. */
#if defined __x86_64__
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni"))), apply_to = function)
#else
#pragma GCC target("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")
#endif
#define SIMD_AVX512
#include "core/kernels_body.h"
const struct kernels kernels_avx512 = KERNELS_TABLE;
#ifdef __clang__
#pragma clang attribute pop
#endif
#else
typedef int kernels_avx512_needs_x86;
#endif
