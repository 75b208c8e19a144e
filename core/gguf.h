/* gguf.h - the GGUF container, version 2 and 3 (ggml-org/ggml docs/gguf.md).
 *
 * Nothing is copied: names, strings and tensors point into the mapped file. Every offset,
 * count, type and length is checked against the file before it is used, and memory use is
 * bounded by the file's size. */
#ifndef CORE_GGUF_H
#define CORE_GGUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/tensor.h"

enum gguf_type { // metadata value types, docs/gguf.md "gguf_metadata_value_type"
    GGUF_U8, GGUF_I8, GGUF_U16, GGUF_I16, GGUF_U32, GGUF_I32, GGUF_F32, GGUF_BOOL,
    GGUF_STRING, GGUF_ARRAY, GGUF_U64, GGUF_I64, GGUF_F64, GGUF_TYPES
};

struct gguf_text {
    const char *at; // not terminated
    uint64_t n;
};

struct gguf_value {
    struct gguf_text key;
    enum gguf_type type;
    enum gguf_type item;      // GGUF_ARRAY: type of the items (not ARRAY)
    uint64_t count;           // GGUF_ARRAY: items
    const unsigned char *at;  // the value's bytes; array items follow each other
};

struct gguf {
    const char *path; // owned copy
    const unsigned char *bytes;
    size_t size;
    uint64_t value_count, tensor_count;
    struct gguf_value *values; // (value_count), owned
    struct tensor *tensors;    // (tensor_count), owned; data points into the file
    void *index;               // name -> tensor, owned
    void *map;                 // struct file_map, owned; null when opened from memory
};

/* Maps and checks a file. */
int gguf_open(struct gguf *g, const char *path, struct err *err);
/* The parser alone, over bytes the caller keeps (fuzzing, tests). `path` is for messages. */
int gguf_parse(struct gguf *g, const char *path, const void *bytes, size_t size, struct err *err);
void gguf_close(struct gguf *g);

const struct gguf_value *gguf_find(const struct gguf *g, const char *key); // null: absent
const struct tensor *gguf_tensor(const struct gguf *g, const char *name);  // null: absent

/* Typed lookups. A key that is absent gives `fallback` when it may be absent (required
 * false); a key of another type, or out of range, is an error that names file and key. */
int gguf_u32(const struct gguf *g, const char *key, bool required, uint32_t fallback, uint32_t *out, struct err *err);
int gguf_f32(const struct gguf *g, const char *key, bool required, float fallback, float *out, struct err *err);
int gguf_bool(const struct gguf *g, const char *key, bool required, bool fallback, bool *out, struct err *err);
int gguf_string(const struct gguf *g, const char *key, bool required, struct gguf_text *out, struct err *err);

/* All strings of an array of strings into out (count items, caller-allocated). */
int gguf_strings(const struct gguf *g, const struct gguf_value *v, struct gguf_text *out, struct err *err);

#endif
