/* safetensors.c - see safetensors.h. */
#include "core/safetensors.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/mem.h"
#include "core/reader.h"

enum { HEADER_MAX = 100000000 }; // safetensors/src/tensor.rs, MAX_HEADER_SIZE

static const struct dtype {
    const char *name;
    uint32_t type;
    int bytes;
} dtypes[] = {
    {"F32", TENSOR_F32, 4}, {"F16", TENSOR_F16, 2}, {"BF16", TENSOR_BF16, 2}, {"F64", TENSOR_F64, 8}, {"I64", TENSOR_I64, 8},
    {"I32", TENSOR_I32, 4}, {"I16", TENSOR_I16, 2}, {"I8", TENSOR_I8, 1}, {"U8", TENSOR_OTHER, 1}, {"BOOL", TENSOR_OTHER, 1},
    {"U16", TENSOR_OTHER, 2}, {"U32", TENSOR_OTHER, 4}, {"U64", TENSOR_OTHER, 8}, {"F8_E4M3", TENSOR_OTHER, 1}, {"F8_E5M2", TENSOR_OTHER, 1},
};

static const struct dtype *find_dtype(const char *name) {
    for (size_t i = 0; name && i < sizeof dtypes / sizeof *dtypes; i++)
        if (!strcmp(dtypes[i].name, name)) return &dtypes[i];
    return NULL;
}

/* ne is the shape backwards: the last dimension is the contiguous one. */
static int read_shape(const json_t *shape, struct tensor *t, uint64_t *values, const char *path, struct err *err) {
    size_t dims = json_array_size(shape);
    if (!json_is_array(shape) || dims > 4)
        return err_set(err, "bad shape of tensor '%.64s' in '%s': a list of at most 4 numbers expected", t->name, path);
    *values = 1;
    for (size_t d = 0; d < dims; d++) {
        const json_t *item = json_array_get(shape, dims - 1 - d);
        if (!json_is_integer(item) || json_integer_value(item) < 0
            || __builtin_mul_overflow(*values, (uint64_t)json_integer_value(item), values))
            return err_set(err, "bad dimension %zu of tensor '%.64s' in '%s'", dims - 1 - d, t->name, path);
        t->ne[d] = (uint64_t)json_integer_value(item);
    }
    return 0;
}

static int read_tensor(const json_t *entry, struct tensor *t, const unsigned char *data, size_t size, const char *path, struct err *err) {
    const struct dtype *dtype = find_dtype(json_string_value(json_object_get(entry, "dtype")));
    if (!dtype) return err_set(err, "bad dtype of tensor '%.64s' in '%s': F32, F16, BF16 or another of the format expected", t->name, path);
    t->type = dtype->type;
    uint64_t values = 1, bytes;
    if (read_shape(json_object_get(entry, "shape"), t, &values, path, err)) return -1;
    const json_t *offsets = json_object_get(entry, "data_offsets"), *first = json_array_get(offsets, 0), *last = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(first) || !json_is_integer(last))
        return err_set(err, "bad data_offsets of tensor '%.64s' in '%s': two whole numbers expected", t->name, path);
    long long from = json_integer_value(first), to = json_integer_value(last);
    if (from < 0 || to < from || (unsigned long long)to > size)
        return err_set(err, "tensor '%.64s' lies at %lld to %lld of the data in '%s', which has %zu bytes", t->name, from, to, path, size);
    if (__builtin_mul_overflow(values, (uint64_t)dtype->bytes, &bytes) || bytes != (uint64_t)(to - from))
        return err_set(err, "tensor '%.64s' has %lld bytes in '%s', its shape and dtype %s need %llu", t->name, to - from, path, dtype->name,
                       (unsigned long long)bytes);
    t->bytes = (size_t)bytes;
    t->data = data + from; // of every type for now: the order of the tensors is checked by it
    return 0;
}

static int by_place(const void *a, const void *b) {
    const struct tensor *x = a, *y = b;
    const char *p = x->data, *q = y->data;
    if (p != q) return p < q ? -1 : 1;
    return (x->bytes > y->bytes) - (x->bytes < y->bytes); // empty ones first
}

/* Every byte belongs to exactly one tensor. */
static int check_whole(struct safetensors *s, const unsigned char *data, size_t size, const char *path, struct err *err) {
    qsort(s->tensors, s->count, sizeof *s->tensors, by_place);
    size_t at = 0;
    for (size_t i = 0; i < s->count; i++) {
        const struct tensor *t = &s->tensors[i];
        size_t from = (size_t)((const unsigned char *)t->data - data);
        if (from != at)
            return err_set(err, "tensor '%.64s' begins at %zu of the data in '%s', expected %zu: the format leaves no hole and no overlap", t->name,
                           from, path, at);
        at += t->bytes;
    }
    if (at != size) return err_set(err, "'%s' has %zu bytes of data, its tensors cover %zu", path, size, at);
    for (size_t i = 0; i < s->count; i++)
        if (!tensor_layout(s->tensors[i].type) || !s->tensors[i].bytes) s->tensors[i].data = NULL;
    return 0;
}

static int read_tensors(struct safetensors *s, const unsigned char *data, size_t size, const char *path, struct err *err) {
    const char *key;
    size_t key_n;
    json_t *entry;
    json_object_keylen_foreach((json_t *)s->header, key, key_n, entry) {
        if (!strcmp(key, "__metadata__")) continue;
        struct tensor *t = &s->tensors[s->count];
        *t = (struct tensor){.name = key, .name_n = key_n, .ne = {1, 1, 1, 1}};
        if (read_tensor(entry, t, data, size, path, err)) return -1;
        s->count++;
    }
    return check_whole(s, data, size, path, err);
}

int safetensors_parse(struct safetensors *s, const char *path, const void *bytes, size_t size, struct err *err) {
    *s = (struct safetensors){0};
    uint64_t n = size < 8 ? 0 : le64(bytes);
    if (size < 8 || n > size - 8 || n > HEADER_MAX)
        return err_set(err, "'%s' is not a safetensors file: its first 8 bytes ask for a header of %llu bytes, the file has %zu", path,
                       (unsigned long long)n, size);
    s->header = json_parse(path, (const char *)bytes + 8, (size_t)n, err);
    if (s->header) s->tensors = mem_alloc(json_object_size(s->header), sizeof *s->tensors, "the tensor list", err);
    if (!s->tensors || read_tensors(s, (const unsigned char *)bytes + 8 + n, size - 8 - (size_t)n, path, err)) {
        safetensors_close(s);
        return -1;
    }
    return 0;
}

void safetensors_close(struct safetensors *s) {
    mem_free(s->tensors);
    json_decref(s->header);
    *s = (struct safetensors){0};
}
