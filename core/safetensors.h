/* safetensors.h - the container of Hugging Face (huggingface/safetensors, "Format").
 *
 *   u64 n   JSON header (n bytes)   data
 *   {"__metadata__": {...}, "name": {"dtype": "F32", "shape": [rows, cols], "data_offsets": [from, to]}, ...}
 *
 * Offsets count from the data's start. The format leaves no hole, overlap or tail, and neither do
 * we: every byte of the data belongs to one tensor. Nothing but the header is copied. */
#ifndef CORE_SAFETENSORS_H
#define CORE_SAFETENSORS_H

#include <stddef.h>

#include "core/err.h"
#include "core/tensor.h"

struct safetensors {
    struct tensor *tensors; // (count), owned; names lie in the header, data in the caller's bytes
    size_t count;
    void *header;           // owned
};

/* Reads bytes that the caller keeps for as long. `path` is for messages. A tensor of a type that no
 * model here needs (I64, BOOL, F8_E4M3, ...) is listed with its type and without data. */
int safetensors_parse(struct safetensors *s, const char *path, const void *bytes, size_t size, struct err *err);
void safetensors_close(struct safetensors *s); // a zeroed one is fine

#endif
