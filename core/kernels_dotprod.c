/* kernels_dotprod.c - the kernels for NEON with the integer dot product of ARMv8.2. */
#if defined __aarch64__
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)
#else
#pragma GCC target("arch=armv8.2-a+dotprod")
#endif
#define SIMD_NEON
#define SIMD_DOTPROD
#include "core/kernels_body.h"
const struct kernels kernels_dotprod = KERNELS_TABLE;
#ifdef __clang__
#pragma clang attribute pop
#endif
#else
typedef int kernels_dotprod_needs_arm;
#endif
