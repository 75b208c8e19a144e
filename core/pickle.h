/* pickle.h - the pickle that torch.save writes for a state dict, and nothing more.
 *
 * A pickle is a program for a stack machine (CPython Lib/pickletools.py). This one runs the opcodes that
 * build dicts, tuples, texts and numbers, knows six globals (tensors, parameters, storages, OrderedDict)
 * as data, calls nothing, and refuses every other opcode and global by name. Its result is the list of
 * tensors in the outermost dict. Memory is bounded by the pickle's size. */
#ifndef CORE_PICKLE_H
#define CORE_PICKLE_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

enum { PICKLE_DIMS = 8 };

struct pickle_text {
    const char *at; // in the pickle's bytes, not terminated
    size_t n;
};

/* ('storage', torch.FloatStorage, '0', 'cpu', 60) */
struct pickle_storage {
    struct pickle_text type, key; // "FloatStorage", "0"
    uint64_t count;               // values
};

struct pickle_tensor {
    struct pickle_text name;
    struct pickle_storage storage;
    uint64_t offset; // of the first value in the storage, in values
    int dims;        // 0: a scalar
    uint64_t size[PICKLE_DIMS], stride[PICKLE_DIMS];
};

struct pickle {
    struct pickle_tensor *tensors; // (count), owned; in the order of the dict
    size_t count;
};

/* Runs the program in `bytes`, which the caller keeps while it uses the names. */
int pickle_parse(struct pickle *p, const char *path, const void *bytes, size_t size, struct err *err);
void pickle_close(struct pickle *p);

#endif
