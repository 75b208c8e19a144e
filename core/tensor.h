/* tensor.h - a tensor as a model file stores it: type, shape, bytes. */
#ifndef CORE_TENSOR_H
#define CORE_TENSOR_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

/* Numbers are those of ggml's `enum ggml_type`, as GGUF stores them. */
enum tensor_type {
    TENSOR_F32 = 0, TENSOR_F16 = 1, TENSOR_Q4_0 = 2, TENSOR_Q4_1 = 3, TENSOR_Q5_0 = 6, TENSOR_Q5_1 = 7, TENSOR_Q8_0 = 8,
    TENSOR_Q4_K = 12, TENSOR_Q5_K = 13, TENSOR_Q6_K = 14, TENSOR_BF16 = 30,
    TENSOR_I8 = 24, TENSOR_I16 = 25, TENSOR_I32 = 26, TENSOR_I64 = 27, TENSOR_F64 = 28, // named in messages, never read
    TENSOR_OTHER = 1000, // a type that ggml has no number for
};

struct tensor_layout {
    const char *name;  // "Q4_1"; null: a type this build does not know
    int block;         // values a block
    int bytes;         // bytes a block
    void (*dequantize)(const void *blocks, size_t n, float *out); // n blocks -> n * block values, exact
};

/* "Q4_1"; "I64" for a type that is named but never read, "unknown" for the rest. */
const char *tensor_type_name(uint32_t type);

/* The layout of a type, or null. */
const struct tensor_layout *tensor_layout(uint32_t type);

struct tensor {
    const char *name; // not terminated: name_n bytes
    size_t name_n;
    uint32_t type;
    uint64_t ne[4];   // ne[0] is the contiguous (input) dimension; trailing ones are 1
    const void *data; // borrowed
    size_t bytes;
};

/* Widens values [first, first + n) of a row (n and first multiples of the block). */
void tensor_row(const struct tensor *t, uint64_t row, float *out); // ne[0] values

#endif
