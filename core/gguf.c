/* gguf.c - see gguf.h.
 *
 *   "GGUF" u32 version  u64 tensors  u64 values
 *   values   x (text key, u32 type, value)         text = u64 length, bytes
 *   tensors  x (text name, u32 dims, u64 ne[dims], u32 type, u64 offset)
 *   padding to general.alignment (32 when absent), then the tensor data; offsets count
 *   from there. Little-endian throughout. */
#include "core/gguf.h"

#include <stdio.h>
#include <string.h>

#include "core/map.h"
#include "core/mem.h"
#include "core/names.h"
#include "core/reader.h"

enum {
    NAME_MAX_BYTES = 65535, // docs/gguf.md, gguf_metadata_kv_t: keys have at most 2^16 - 1 bytes
    VALUE_MIN_BYTES = 8 + 4 + 1,              // empty key, type, one byte
    TENSOR_MIN_BYTES = 8 + 4 + 8 + 4 + 8,     // empty name, one dimension
    DEFAULT_ALIGNMENT = 32,
};

struct index {
    struct names values, tensors;
};

static const int type_bytes[GGUF_TYPES] = { // 0: no fixed size
    [GGUF_U8] = 1,  [GGUF_I8] = 1,  [GGUF_U16] = 2,  [GGUF_I16] = 2, [GGUF_U32] = 4, [GGUF_I32] = 4,
    [GGUF_F32] = 4, [GGUF_BOOL] = 1, [GGUF_U64] = 8, [GGUF_I64] = 8, [GGUF_F64] = 8,
};

static const char *const type_names[GGUF_TYPES] = {
    "u8", "i8", "u16", "i16", "u32", "i32", "f32", "bool", "string", "array", "u64", "i64", "f64",
};

/* For %.*s: a name as messages show it. */
static int shown(uint64_t n) { return n > 64 ? 64 : (int)n; }

static int read_text(struct reader *r, const char *what, struct gguf_text *out, struct err *err) {
    if (reader_u64(r, what, &out->n, err)) return -1;
    out->at = (const char *)reader_take(r, out->n, what, err);
    return out->at ? 0 : -1;
}

static int read_name(struct reader *r, const char *what, struct gguf_text *out, struct err *err) {
    size_t at = r->at;
    if (read_text(r, what, out, err)) return -1;
    if (out->n > NAME_MAX_BYTES)
        return err_set(err, "bad length %llu of %s at offset %zu of '%s': at most %d bytes expected",
                       (unsigned long long)out->n, what, at, r->path, NAME_MAX_BYTES);
    return 0;
}

static int read_type(struct reader *r, const struct gguf_text *key, enum gguf_type *out, struct err *err) {
    uint32_t type;
    size_t at = r->at;
    if (reader_u32(r, "a value's type", &type, err)) return -1;
    if (type >= GGUF_TYPES)
        return err_set(err, "bad type %u of key '%.*s' at offset %zu of '%s': 0 to %d expected", type, shown(key->n),
                       key->at, at, r->path, GGUF_TYPES - 1);
    *out = (enum gguf_type)type;
    return 0;
}

/* Steps over `count` values of one type. */
static int skip_values(struct reader *r, enum gguf_type type, uint64_t count, const struct gguf_text *key,
                       struct err *err) {
    if (type == GGUF_STRING) {
        struct gguf_text text;
        for (; count; count--) // ends at the file's end at the latest: a string has 8 bytes or more
            if (read_text(r, "a string", &text, err)) return err_add(err, ", key '%.*s'", shown(key->n), key->at);
        return 0;
    }
    uint64_t bytes;
    if (__builtin_mul_overflow(count, (uint64_t)type_bytes[type], &bytes) || bytes > reader_left(r))
        return err_set(err, "bad count %llu of key '%.*s' at offset %zu of '%s': %zu bytes are left",
                       (unsigned long long)count, shown(key->n), key->at, r->at, r->path, reader_left(r));
    r->at += (size_t)bytes;
    return 0;
}

static int read_value(struct reader *r, struct gguf_value *v, struct err *err) {
    if (read_name(r, "a key", &v->key, err) || read_type(r, &v->key, &v->type, err)) return -1;
    v->count = 1;
    v->item = v->type;
    if (v->type == GGUF_ARRAY) {
        if (read_type(r, &v->key, &v->item, err) || reader_u64(r, "an array's count", &v->count, err)) return -1;
        if (v->item == GGUF_ARRAY)
            return err_set(err, "key '%.*s' at offset %zu of '%s' is an array of arrays, expected plain items",
                           shown(v->key.n), v->key.at, r->at, r->path);
    }
    v->at = r->bytes + r->at;
    if (skip_values(r, v->item, v->count, &v->key, err)) return -1;
    if (v->type == GGUF_BOOL && *v->at > 1)
        return err_set(err, "bad bool %d of key '%.*s' in '%s': 0 or 1 expected", *v->at, shown(v->key.n), v->key.at,
                       r->path);
    return 0;
}

static int read_values(struct gguf *g, struct reader *r, struct err *err) {
    struct names *names = &((struct index *)g->index)->values;
    if (names_open(names, (size_t)g->value_count, "the GGUF keys", err)) return -1;
    g->values = mem_alloc((size_t)g->value_count, sizeof *g->values, "the GGUF metadata", err);
    if (!g->values) return -1;
    for (uint64_t i = 0; i < g->value_count; i++) {
        struct gguf_value *v = &g->values[i];
        if (read_value(r, v, err)) return -1;
        if (names_add(names, v->key.at, (size_t)v->key.n, (int32_t)i) != (int32_t)i)
            return err_set(err, "key '%.*s' appears twice in '%s'", shown(v->key.n), v->key.at, r->path);
    }
    return 0;
}

/* Bytes of the tensor's data; 0 for a type this build does not know. */
static int size_tensor(struct tensor *t, const char *path, struct err *err) {
    uint64_t count = 1;
    for (int d = 0; d < 4; d++)
        if (t->ne[d] == 0 || __builtin_mul_overflow(count, t->ne[d], &count) || count > SIZE_MAX / 64)
            return err_set(err, "bad dimension %d (%llu) of tensor '%.*s' in '%s'", d, (unsigned long long)t->ne[d],
                           shown(t->name_n), t->name, path);
    const struct tensor_layout *l = tensor_layout(t->type);
    if (!l) return 0;
    if (t->ne[0] % (uint64_t)l->block)
        return err_set(err, "tensor '%.*s' in '%s' has rows of %llu values, %s needs a multiple of %d",
                       shown(t->name_n), t->name, path, (unsigned long long)t->ne[0], l->name, l->block);
    t->bytes = (size_t)(count / (uint64_t)l->block) * (size_t)l->bytes; // < 64 bytes a value: no overflow
    return 0;
}

/* Reads one tensor's entry; `data` holds its offset until the start of the data is known. */
static int read_tensor(struct reader *r, struct tensor *t, uint64_t *offset, struct err *err) {
    struct gguf_text name;
    uint32_t dims;
    if (read_name(r, "a tensor's name", &name, err) || reader_u32(r, "a tensor's dimensions", &dims, err)) return -1;
    if (dims < 1 || dims > 4)
        return err_set(err, "bad number of dimensions %u of tensor '%.*s' at offset %zu of '%s': 1 to 4 expected", dims,
                       shown(name.n), name.at, r->at - 4, r->path);
    *t = (struct tensor){.name = name.at, .name_n = (size_t)name.n, .ne = {1, 1, 1, 1}};
    for (uint32_t d = 0; d < dims; d++)
        if (reader_u64(r, "a tensor's dimensions", &t->ne[d], err)) return -1;
    if (reader_u32(r, "a tensor's type", &t->type, err) || reader_u64(r, "a tensor's offset", offset, err)) return -1;
    return size_tensor(t, r->path, err);
}

static int place_tensor(struct tensor *t, uint64_t offset, uint64_t start, uint64_t alignment, const struct gguf *g,
                        struct err *err) {
    if (offset % alignment)
        return err_set(err, "bad offset %llu of tensor '%.*s' in '%s': a multiple of %llu expected",
                       (unsigned long long)offset, shown(t->name_n), t->name, g->path, (unsigned long long)alignment);
    if (start > g->size || offset > g->size - start || t->bytes > g->size - start - offset)
        return err_set(err, "tensor '%.*s' needs %zu bytes at offset %llu of the data in '%s', the file ends at %zu",
                       shown(t->name_n), t->name, t->bytes, (unsigned long long)offset, g->path, g->size);
    if (t->bytes) t->data = g->bytes + start + offset; // unknown types stay null
    return 0;
}

static int read_alignment(const struct gguf *g, uint32_t *alignment, struct err *err) {
    if (gguf_u32(g, "general.alignment", false, DEFAULT_ALIGNMENT, alignment, err)) return -1;
    if (*alignment == 0 || (*alignment & (*alignment - 1)))
        return err_set(err, "bad general.alignment %u in '%s': a power of two expected", *alignment, g->path);
    return 0;
}

static int read_tensors(struct gguf *g, struct reader *r, uint64_t *offsets, struct err *err) {
    struct names *names = &((struct index *)g->index)->tensors;
    for (uint64_t i = 0; i < g->tensor_count; i++) {
        struct tensor *t = &g->tensors[i];
        if (read_tensor(r, t, &offsets[i], err)) return -1;
        if (names_add(names, t->name, t->name_n, (int32_t)i) != (int32_t)i)
            return err_set(err, "tensor '%.*s' appears twice in '%s'", shown(t->name_n), t->name, g->path);
    }
    uint32_t alignment;
    if (read_alignment(g, &alignment, err)) return -1;
    uint64_t start = ((uint64_t)r->at + alignment - 1) / alignment * alignment;
    for (uint64_t i = 0; i < g->tensor_count; i++)
        if (place_tensor(&g->tensors[i], offsets[i], start, alignment, g, err)) return -1;
    return 0;
}

static int read_tensor_list(struct gguf *g, struct reader *r, struct err *err) {
    size_t n = (size_t)g->tensor_count;
    if (names_open(&((struct index *)g->index)->tensors, n, "the GGUF tensor names", err)) return -1;
    g->tensors = mem_alloc(n, sizeof *g->tensors, "the GGUF tensors", err);
    uint64_t *offsets = g->tensors ? mem_alloc(n, sizeof *offsets, "the GGUF offsets", err) : NULL;
    int rc = offsets ? read_tensors(g, r, offsets, err) : -1;
    mem_free(offsets);
    return rc;
}

/* A count of things that have at least `least` bytes each: bounds memory by the file's size. */
static int check_count(uint64_t count, size_t least, const char *what, const struct reader *r, struct err *err) {
    if (count <= reader_left(r) / least && count < INT32_MAX) return 0;
    return err_set(err, "bad count %llu of %s in '%s': the file has only %zu bytes", (unsigned long long)count, what,
                   r->path, r->size);
}

static int read_header(struct gguf *g, struct reader *r, struct err *err) {
    if (r->size < 4 || memcmp(r->bytes, "GGUF", 4))
        return err_set(err, "'%s' is not a GGUF file: it does not begin with 'GGUF'", r->path);
    r->at = 4;
    uint32_t version;
    if (reader_u32(r, "the header", &version, err)) return -1;
    if (version != 2 && version != 3)
        return err_set(err, "bad GGUF version %u in '%s': 2 or 3 expected", version, r->path);
    if (reader_u64(r, "the header", &g->tensor_count, err) || reader_u64(r, "the header", &g->value_count, err)
        || check_count(g->tensor_count, TENSOR_MIN_BYTES, "tensors", r, err)
        || check_count(g->value_count, VALUE_MIN_BYTES, "keys", r, err)) {
        g->tensor_count = g->value_count = 0;
        return -1;
    }
    return 0;
}

int gguf_parse(struct gguf *g, const char *path, const void *bytes, size_t size, struct err *err) {
    *g = (struct gguf){.bytes = bytes, .size = size};
    struct reader r = {.path = path, .bytes = bytes, .size = size};
    g->path = mem_text(path, strlen(path), err);
    g->index = g->path ? mem_alloc(1, sizeof(struct index), "the GGUF index", err) : NULL;
    if (!g->index || read_header(g, &r, err) || read_values(g, &r, err) || read_tensor_list(g, &r, err)) {
        gguf_close(g);
        return -1;
    }
    return 0;
}

int gguf_open(struct gguf *g, const char *path, struct err *err) {
    *g = (struct gguf){0};
    struct file_map *map = mem_alloc(1, sizeof *map, "a file map", err);
    if (!map) return -1;
    if (file_map_open(map, path, err) || gguf_parse(g, path, map->bytes, map->size, err)) {
        file_map_close(map);
        mem_free(map);
        return -1;
    }
    g->map = map;
    return 0;
}

void gguf_close(struct gguf *g) {
    struct index *index = g->index;
    if (index) {
        names_close(&index->values);
        names_close(&index->tensors);
    }
    if (g->map) file_map_close(g->map);
    mem_free(g->map);
    mem_free(index);
    mem_free(g->values);
    mem_free(g->tensors);
    mem_free((char *)g->path);
    *g = (struct gguf){0};
}

const struct gguf_value *gguf_find(const struct gguf *g, const char *key) {
    const struct index *index = g->index;
    int32_t i = names_find(&index->values, key, strlen(key));
    return i < 0 ? NULL : &g->values[i];
}

const struct tensor *gguf_tensor(const struct gguf *g, const char *name) {
    const struct index *index = g->index;
    int32_t i = names_find(&index->tensors, name, strlen(name));
    return i < 0 ? NULL : &g->tensors[i];
}

/* 1: found in `v`; 0: absent and may be; < 0: absent and must not be. */
static int look_up(const struct gguf *g, const char *key, bool required, const struct gguf_value **v, struct err *err) {
    *v = gguf_find(g, key);
    if (*v) return 1;
    return required ? err_set(err, "key '%s' is missing in '%s'", key, g->path) : 0;
}

static int wrong_type(const struct gguf *g, const struct gguf_value *v, const char *expected, struct err *err) {
    return err_set(err, "key '%.*s' in '%s' is of type %s, expected %s", shown(v->key.n), v->key.at, g->path,
                   type_names[v->type], expected);
}

static uint64_t sign_extend(uint64_t bits, int bytes) {
    int shift = 64 - 8 * bytes;
    return (uint64_t)((int64_t)(bits << shift) >> shift);
}

/* Any integer type will do, as in files of many writers, when the value fits. */
int gguf_u32(const struct gguf *g, const char *key, bool required, uint32_t fallback, uint32_t *out, struct err *err) {
    const struct gguf_value *v;
    int rc = look_up(g, key, required, &v, err);
    if (rc <= 0) {
        *out = fallback;
        return rc;
    }
    uint64_t wide;
    switch (v->type) {
    case GGUF_U8: wide = *v->at; break;
    case GGUF_I8: wide = sign_extend(*v->at, 1); break;
    case GGUF_U16: wide = le16(v->at); break;
    case GGUF_I16: wide = sign_extend(le16(v->at), 2); break;
    case GGUF_U32: wide = le32(v->at); break;
    case GGUF_I32: wide = sign_extend(le32(v->at), 4); break;
    case GGUF_U64: case GGUF_I64: wide = le64(v->at); break;
    default: return wrong_type(g, v, "u32", err);
    }
    if (wide > UINT32_MAX)
        return err_set(err, "key '%s' in '%s' is out of range: 0 to %u expected", key, g->path, UINT32_MAX);
    *out = (uint32_t)wide;
    return 0;
}

int gguf_f32(const struct gguf *g, const char *key, bool required, float fallback, float *out, struct err *err) {
    const struct gguf_value *v;
    int rc = look_up(g, key, required, &v, err);
    *out = fallback;
    if (rc <= 0) return rc;
    if (v->type == GGUF_F32) {
        *out = le_f32(v->at);
        return 0;
    }
    if (v->type != GGUF_F64) return wrong_type(g, v, "f32", err);
    uint64_t bits = le64(v->at);
    double wide;
    memcpy(&wide, &bits, sizeof wide);
    if (wide > 3.402823466e38 || wide < -3.402823466e38)
        return err_set(err, "key '%s' in '%s' is out of range of f32", key, g->path);
    *out = (float)wide;
    return 0;
}

int gguf_bool(const struct gguf *g, const char *key, bool required, bool fallback, bool *out, struct err *err) {
    const struct gguf_value *v;
    int rc = look_up(g, key, required, &v, err);
    *out = fallback;
    if (rc <= 0) return rc;
    if (v->type != GGUF_BOOL) return wrong_type(g, v, "bool", err);
    *out = *v->at;
    return 0;
}

int gguf_string(const struct gguf *g, const char *key, bool required, struct gguf_text *out, struct err *err) {
    const struct gguf_value *v;
    int rc = look_up(g, key, required, &v, err);
    *out = (struct gguf_text){"", 0};
    if (rc <= 0) return rc;
    if (v->type != GGUF_STRING) return wrong_type(g, v, "string", err);
    *out = (struct gguf_text){(const char *)v->at + 8, le64(v->at)};
    return 0;
}

int gguf_strings(const struct gguf *g, const struct gguf_value *v, struct gguf_text *out, struct err *err) {
    if (v->type != GGUF_ARRAY || v->item != GGUF_STRING) return wrong_type(g, v, "array of strings", err);
    const unsigned char *at = v->at; // every length was checked by gguf_parse
    for (uint64_t i = 0; i < v->count; i++) {
        out[i] = (struct gguf_text){(const char *)at + 8, le64(at)};
        at += 8 + out[i].n;
    }
    return 0;
}
