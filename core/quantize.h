/* quantize.h - float matrices to ggml's Q8_0 and Q4_0, by its rules (ggml-quants.c, quantize_row_*_ref):
 *   Q8_0  d = max|x| / 127                      q = round(x / d)
 *   Q4_0  d = m / -8, m the x of largest |x|    q = min(15, floor(x / d + 8.5))
 * per block of 32; d is stored as half precision, the quotient taken before that rounding.
 * Check: tests/test_quantize.c against blocks that the `gguf` package wrote. */
#ifndef CORE_QUANTIZE_H
#define CORE_QUANTIZE_H

#include "core/err.h"
#include "core/tensor.h"

/* 32 values to one block of 34 or 18 bytes. */
void quantize_q8_0(const float *x, unsigned char *block);
void quantize_q4_0(const float *x, unsigned char *block);

/* The matrix t (rows of a multiple of 32 values) as `type`, TENSOR_Q8_0 or TENSOR_Q4_0. out->data is the
 * caller's, mem_free it; name and shape are borrowed from t. */
int tensor_quantize(const struct tensor *t, uint32_t type, struct tensor *out, struct err *err);

/* Half precision, rounded to nearest, ties to even. */
uint16_t narrow_f16(float x);

#endif
