/* kernels_avxvnni.c - the kernels for AVX2 with FMA and the 256-bit integer dot product, AVX-VNNI. */
#if defined __x86_64__
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,avxvnni"))), apply_to = function)
#else
#pragma GCC target("avx2,fma,f16c,avxvnni")
#endif
#define SIMD_AVX2
#define SIMD_AVXVNNI
#include "core/kernels_body.h"
const struct kernels kernels_avxvnni = KERNELS_TABLE;
#ifdef __clang__
#pragma clang attribute pop
#endif
#else
typedef int kernels_avxvnni_needs_x86;
#endif
