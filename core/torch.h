/* torch.h - pytorch_model.bin: what torch.save writes for a state dict since version 1.6.
 *
 *   a zip of  NAME/data.pkl   the names and shapes (pickle.h)
 *             NAME/data/KEY   a storage's values, plain and aligned, so that they can be mapped
 *             NAME/byteorder  "little"
 *
 * Tensors point into the file's bytes; one that is not contiguous there (a transposed or expanded
 * view) is copied out. The older format, which is no zip, is refused. */
#ifndef CORE_TORCH_H
#define CORE_TORCH_H

#include <stddef.h>

#include "core/err.h"
#include "core/pickle.h"
#include "core/tensor.h"

struct torch {
    struct tensor *tensors; // (count), owned; names and most data lie in the caller's bytes
    size_t count;
    void **copies;          // (count) data of the tensors that were copied out, else null; owned
    struct pickle pickle;
};

/* Reads bytes that the caller keeps for as long. `path` is for messages. A tensor of a type that no
 * model here needs (I64, BOOL, ...) is listed with its type and without data. */
int torch_parse(struct torch *t, const char *path, const void *bytes, size_t size, struct err *err);
void torch_close(struct torch *t); // a zeroed one is fine

#endif
