/* torch.c - see torch.h. The zip is read by libzip. */
#include "core/torch.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <zip.h>

#include "core/mem.h"

/* libzip does not tell where in the file an entry's bytes begin; but it asks its source for them. */
struct source {
    const unsigned char *bytes;
    zip_uint64_t size, at;
    zip_uint64_t read; // where the last read began
    zip_error_t error;
};

static zip_int64_t serve(void *user, void *data, zip_uint64_t n, zip_source_cmd_t command) {
    struct source *s = user;
    switch (command) {
    case ZIP_SOURCE_OPEN: s->at = 0; return 0;
    case ZIP_SOURCE_READ:
        if (n > s->size - s->at) n = s->size - s->at;
        memcpy(data, s->bytes + s->at, n);
        s->read = s->at;
        s->at += n;
        return (zip_int64_t)n;
    case ZIP_SOURCE_SEEK: {
        zip_int64_t to = zip_source_seek_compute_offset(s->at, s->size, data, n, &s->error);
        if (to < 0) return -1;
        s->at = (zip_uint64_t)to;
        return 0;
    }
    case ZIP_SOURCE_TELL: return (zip_int64_t)s->at;
    case ZIP_SOURCE_STAT: {
        zip_stat_t *stat = data;
        zip_stat_init(stat);
        stat->valid = ZIP_STAT_SIZE;
        stat->size = s->size;
        return sizeof *stat;
    }
    case ZIP_SOURCE_ERROR: return zip_error_to_data(&s->error, data, n);
    case ZIP_SOURCE_SUPPORTS:
        return zip_source_make_command_bitmap(ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE, ZIP_SOURCE_STAT, ZIP_SOURCE_ERROR,
                                              ZIP_SOURCE_FREE, ZIP_SOURCE_SEEK, ZIP_SOURCE_TELL, ZIP_SOURCE_SUPPORTS, -1);
    case ZIP_SOURCE_CLOSE: case ZIP_SOURCE_FREE: return 0;
    default: zip_error_set(&s->error, ZIP_ER_OPNOTSUPP, 0); return -1;
    }
}

struct archive {
    const char *path;
    struct source source;
    zip_t *zip;
    char prefix[256]; // "pytorch_model/"
};

struct bytes {
    const unsigned char *at;
    size_t n;
};

/* Where the entry's bytes lie in the file. */
static int locate(struct archive *a, zip_uint64_t index, const char *name, struct bytes *out, struct err *err) {
    zip_stat_t stat;
    *out = (struct bytes){a->source.bytes, 0};
    if (zip_stat_index(a->zip, index, 0, &stat) || !(stat.valid & ZIP_STAT_SIZE))
        return err_set(err, "cannot read entry '%.128s' of '%s': %s", name, a->path, zip_strerror(a->zip));
    if (stat.comp_method != ZIP_CM_STORE || stat.encryption_method != ZIP_EM_NONE)
        return err_set(err, "entry '%.128s' of '%s' is compressed or encrypted, expected plain bytes as torch.save writes them", name, a->path);
    if (!stat.size) return 0;
    char first;
    zip_file_t *file = zip_fopen_index(a->zip, index, 0);
    zip_int64_t got = file ? zip_fread(file, &first, 1) : -1;
    if (file) zip_fclose(file);
    const struct source *s = &a->source;
    if (got != 1 || s->read >= s->size || s->bytes[s->read] != (unsigned char)first || stat.size > s->size - s->read)
        return err_set(err, "entry '%.128s' of '%s' does not lie in the file", name, a->path);
    *out = (struct bytes){s->bytes + s->read, (size_t)stat.size};
    return 0;
}

/* The entry NAME/`name`; absent ones have n 0 and at null when they may be absent. */
static int find(struct archive *a, const char *name, int name_n, bool required, struct bytes *out, struct err *err) {
    char whole[512];
    int n = snprintf(whole, sizeof whole, "%s%.*s", a->prefix, name_n, name);
    zip_int64_t index = n < (int)sizeof whole ? zip_name_locate(a->zip, whole, ZIP_FL_ENC_RAW) : -1;
    *out = (struct bytes){NULL, 0};
    if (index < 0) return required ? err_set(err, "entry '%.256s' is missing in '%s'", whole, a->path) : 0;
    return locate(a, (zip_uint64_t)index, whole, out, err);
}

/* The folder that everything lies in is the one that holds data.pkl. */
static int find_prefix(struct archive *a, struct err *err) {
    static const char tail[] = "data.pkl";
    zip_int64_t entries = zip_get_num_entries(a->zip, 0);
    for (zip_int64_t i = 0; i < entries; i++) {
        const char *name = zip_get_name(a->zip, (zip_uint64_t)i, ZIP_FL_ENC_RAW);
        size_t n = name ? strlen(name) : 0, tail_n = sizeof tail - 1;
        if (n < tail_n || strcmp(name + n - tail_n, tail) || (n > tail_n && name[n - tail_n - 1] != '/')) continue;
        if (n - tail_n >= sizeof a->prefix) return err_set(err, "entry '%.64s...' of '%s' has too long a name", name, a->path);
        snprintf(a->prefix, sizeof a->prefix, "%.*s", (int)(n - tail_n), name);
        return 0;
    }
    return err_set(err, "'%s' is a zip without data.pkl, expected what torch.save writes", a->path);
}

static const struct storage_type {
    const char *name;
    uint32_t type;
    int bytes;
} storage_types[] = {
    {"FloatStorage", TENSOR_F32, 4}, {"HalfStorage", TENSOR_F16, 2}, {"BFloat16Storage", TENSOR_BF16, 2}, {"DoubleStorage", TENSOR_F64, 8},
    {"LongStorage", TENSOR_I64, 8}, {"IntStorage", TENSOR_I32, 4}, {"ShortStorage", TENSOR_I16, 2}, {"CharStorage", TENSOR_I8, 1},
    {"ByteStorage", TENSOR_OTHER, 1}, {"BoolStorage", TENSOR_OTHER, 1},
};

static const struct storage_type *find_type(const struct pickle_text *name) {
    for (size_t i = 0; i < sizeof storage_types / sizeof *storage_types; i++)
        if (strlen(storage_types[i].name) == name->n && !memcmp(storage_types[i].name, name->at, name->n)) return &storage_types[i];
    return NULL;
}

/* How many values from the storage's start the view reaches; false on overflow. */
static bool reach(const struct pickle_tensor *p, uint64_t *values, uint64_t *end) {
    *values = 1, *end = p->offset;
    for (int d = 0; d < p->dims; d++) {
        uint64_t far;
        if (__builtin_mul_overflow(*values, p->size[d], values)) return false;
        if (p->size[d] && (__builtin_mul_overflow(p->size[d] - 1, p->stride[d], &far) || __builtin_add_overflow(*end, far, end))) return false;
    }
    if (!*values) *end = p->offset;
    else if (__builtin_add_overflow(*end, 1, end)) return false;
    return true;
}

static bool contiguous(const struct pickle_tensor *p) {
    uint64_t expected = 1;
    for (int d = p->dims - 1; d >= 0; d--) {
        if (p->size[d] != 1 && p->stride[d] != expected) return false;
        expected *= p->size[d];
    }
    return true;
}

/* Copies a view's values in row-major order. */
static void gather(const struct pickle_tensor *p, const unsigned char *from, size_t item, uint64_t values, unsigned char *to) {
    uint64_t at[PICKLE_DIMS] = {0}, place = p->offset;
    for (uint64_t i = 0; i < values; i++, to += item) {
        memcpy(to, from + place * item, item);
        for (int d = p->dims - 1; d >= 0; d--) {
            place += p->stride[d];
            if (++at[d] < p->size[d]) break;
            place -= p->stride[d] * p->size[d];
            at[d] = 0;
        }
    }
}

/* `budget`: bytes that copied views may still take, in all no more than the file has. */
static int read_tensor(struct archive *a, const struct pickle_tensor *p, struct tensor *t, void **copy, uint64_t *budget, struct err *err) {
    *t = (struct tensor){.name = p->name.at, .name_n = p->name.n, .ne = {1, 1, 1, 1}};
    const int shown = p->name.n > 64 ? 64 : (int)p->name.n;
    const struct storage_type *type = find_type(&p->storage.type);
    if (!type)
        return err_set(err, "tensor '%.*s' of '%s' lies in a %.*s, which this build does not know", shown, t->name, a->path,
                       p->storage.type.n > 64 ? 64 : (int)p->storage.type.n, p->storage.type.at);
    if (p->dims > 4) return err_set(err, "tensor '%.*s' of '%s' has %d dimensions, expected at most 4", shown, t->name, a->path, p->dims);
    t->type = type->type;
    for (int d = 0; d < p->dims; d++) t->ne[d] = p->size[p->dims - 1 - d];
    char name[300];
    struct bytes storage;
    int n = snprintf(name, sizeof name, "data/%.*s", p->storage.key.n > 256 ? 256 : (int)p->storage.key.n, p->storage.key.at);
    if (find(a, name, n, true, &storage, err)) return -1;
    uint64_t values, end, item = (uint64_t)type->bytes;
    if (p->storage.count > storage.n / item || !reach(p, &values, &end) || end > p->storage.count)
        return err_set(err, "tensor '%.*s' of '%s' reaches past the %zu bytes of its storage '%s'", shown, t->name, a->path, storage.n, name);
    if (!tensor_layout(t->type) || !values) return 0;
    t->data = storage.at + p->offset * item;
    if (contiguous(p)) {
        t->bytes = (size_t)(values * item);
        return 0;
    }
    if (values > *budget / item)
        return err_set(err, "tensor '%.*s' of '%s' is a view of %llu values, more than the file could hold", shown, t->name, a->path, (unsigned long long)values);
    *budget -= values * item;
    t->bytes = (size_t)(values * item);
    if (!(*copy = mem_alloc(t->bytes, 1, "a tensor's view", err))) return -1;
    gather(p, storage.at, item, values, *copy);
    t->data = *copy;
    return 0;
}

static int read_tensors(struct torch *t, struct archive *a, struct err *err) {
    struct bytes order, program;
    if (find_prefix(a, err) || find(a, "byteorder", 9, false, &order, err) || find(a, "data.pkl", 8, true, &program, err)) return -1;
    if (order.at && (order.n != 6 || memcmp(order.at, "little", 6)))
        return err_set(err, "'%s' was written on a big-endian machine, expected little", a->path);
    if (pickle_parse(&t->pickle, a->path, program.at, program.n, err)) return -1;
    t->tensors = mem_alloc(t->pickle.count, sizeof *t->tensors, "the tensor list", err);
    t->copies = t->tensors ? mem_alloc(t->pickle.count, sizeof *t->copies, "the tensor list", err) : NULL;
    if (!t->copies) return -1;
    t->count = t->pickle.count;
    uint64_t budget = a->source.size;
    for (size_t i = 0; i < t->count; i++)
        if (read_tensor(a, &t->pickle.tensors[i], &t->tensors[i], &t->copies[i], &budget, err)) return -1;
    return 0;
}

int torch_parse(struct torch *t, const char *path, const void *bytes, size_t size, struct err *err) {
    *t = (struct torch){0};
    if (size < 4 || memcmp(bytes, "PK", 2)) // APPNOTE.TXT 4.3.7: every record begins so
        return err_set(err, "'%s' is no zip, expected what torch.save writes since version 1.6 (load and save it again with a newer torch)", path);
    struct archive a = {.path = path, .source = {.bytes = bytes, .size = size}};
    zip_error_t why;
    zip_error_init(&why);
    zip_error_init(&a.source.error);
    zip_source_t *source = zip_source_function_create(serve, &a.source, &why);
    a.zip = source ? zip_open_from_source(source, ZIP_RDONLY, &why) : NULL;
    int rc = a.zip ? read_tensors(t, &a, err) : err_set(err, "bad zip '%s': %s", path, zip_error_strerror(&why));
    if (a.zip) zip_discard(a.zip);
    else zip_source_free(source);
    zip_error_fini(&why);
    zip_error_fini(&a.source.error);
    if (rc) torch_close(t);
    return rc;
}

void torch_close(struct torch *t) {
    for (size_t i = 0; i < t->count; i++) mem_free(t->copies[i]);
    mem_free(t->copies);
    mem_free(t->tensors);
    pickle_close(&t->pickle);
    *t = (struct torch){0};
}
