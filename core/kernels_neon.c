/* kernels_neon.c - the kernels for NEON, which every 64-bit ARM has. */
#if defined __aarch64__
#define SIMD_NEON
#include "core/kernels_body.h"
const struct kernels kernels_neon = KERNELS_TABLE;
#else
typedef int kernels_neon_needs_arm;
#endif
