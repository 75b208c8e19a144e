/* kernels_portable.c - the kernels in portable C: any machine, and the same bits. */
#include "core/kernels_body.h"
const struct kernels kernels_portable = KERNELS_TABLE;
