/* checkpoint.c - see checkpoint.h. Shards: transformers, modeling_utils.py ("weight_map");
 * llama.cpp, gguf-split ("split.no", "split.count", "split.tensors.count"). */
#include "core/checkpoint.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/json.h"
#include "core/mem.h"

enum { FILES_MAX = 1024, PATH_ROOM = 4096 };

/* In this order, as transformers looks. */
static const char *const whole_names[] = {"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json"};

static int parse(struct checkpoint_file *f, struct err *err) {
    const struct file_map *m = &f->map;
    if (m->size >= 4 && !memcmp(m->bytes, "GGUF", 4)) {
        if (gguf_parse(&f->gguf, m->path, m->bytes, m->size, err)) return -1;
        f->tensors = f->gguf.tensors, f->count = (size_t)f->gguf.tensor_count;
    } else if (m->size >= 9 && m->bytes[8] == '{') {
        if (safetensors_parse(&f->safetensors, m->path, m->bytes, m->size, err)) return -1;
        f->tensors = f->safetensors.tensors, f->count = f->safetensors.count;
    } else if (m->size >= 2 && (!memcmp(m->bytes, "PK", 2) || !memcmp(m->bytes, "\x80\x02", 2))) { // 80 02: a pickle, older than the zip
        if (torch_parse(&f->torch, m->path, m->bytes, m->size, err)) return -1;
        f->tensors = f->torch.tensors, f->count = f->torch.count;
    } else {
        return err_set(err, "'%s' is not a model file: expected GGUF, safetensors, or a zip as torch.save writes it", m->path);
    }
    return 0;
}

static int add_file(struct checkpoint *c, const char *path, struct err *err) {
    if (c->file_count == FILES_MAX) return err_set(err, "'%s' has more than %d files", c->path, FILES_MAX);
    struct checkpoint_file *f = &c->files[c->file_count];
    if (file_map_open(&f->map, path, err)) return -1;
    c->file_count++;
    if (parse(f, err) || names_open(&f->index, f->count, "the tensor names", err)) return -1;
    for (size_t i = 0; i < f->count; i++) names_add(&f->index, f->tensors[i].name, f->tensors[i].name_n, (int32_t)i);
    return 0;
}

static bool join(char *out, size_t room, const char *directory, const char *name) { return snprintf(out, room, "%s/%s", directory, name) < (int)room; }

static bool exists(const char *path) {
    struct stat info;
    return !stat(path, &info);
}

int checkpoint_parse_index(const char *path, const char *text, size_t n, void **root, struct err *err) {
    const char *key;
    json_t *value, *index = json_parse(path, text, n, err);
    *root = index;
    if (!index) return -1;
    const json_t *map = json_object_get(index, "weight_map");
    int rc = json_is_object(map) && json_object_size(map) ? 0 : err_set(err, "'%s' has no weight_map, expected a file name by tensor", path);
    if (!rc) json_object_foreach((json_t *)map, key, value) {
        const char *name = json_string_value(value);
        if (name && *name && *name != '.' && !strchr(name, '/') && strlen(name) < 256) continue;
        rc = err_set(err, "bad file of tensor '%.64s' in '%s': the plain name of a file beside it expected", key, path);
        break;
    }
    if (rc) json_decref(index), *root = NULL;
    return rc;
}

/* The file of that name, opened once. */
static int open_shard(struct checkpoint *c, const char *name, const struct checkpoint_file **out, struct err *err) {
    char path[PATH_ROOM];
    if (!join(path, sizeof path, c->path, name)) return err_set(err, "'%s/%s' is too long a path", c->path, name);
    for (size_t i = 0; i < c->file_count; i++)
        if (!strcmp(c->files[i].map.path, path)) {
            *out = &c->files[i];
            return 0;
        }
    if (add_file(c, path, err)) return -1;
    *out = &c->files[c->file_count - 1];
    return 0;
}

/* Each tensor from the file that the index names, whatever else the files hold. */
static int follow_index(struct checkpoint *c, const char *path, struct err *err) {
    struct file_map map;
    void *root = NULL;
    if (file_map_open(&map, path, err)) return -1;
    int rc = checkpoint_parse_index(path, (const char *)map.bytes, map.size, &root, err);
    const json_t *names = json_object_get(root, "weight_map");
    size_t count = json_object_size(names);
    if (!rc) {
        c->tensors = mem_alloc(count, sizeof *c->tensors, "the tensor index", err);
        rc = c->tensors ? names_open(&c->index, count, "the tensor index", err) : -1;
    }
    const char *key;
    json_t *value;
    if (!rc) json_object_foreach((json_t *)names, key, value) {
        const struct checkpoint_file *f = NULL;
        if ((rc = open_shard(c, json_string_value(value), &f, err))) break;
        int32_t place = names_find(&f->index, key, strlen(key));
        if (place < 0) {
            rc = err_set(err, "tensor '%.64s' is not in '%s', where '%s' places it", key, f->map.path, path);
            break;
        }
        const struct tensor *t = c->tensors[c->count] = &f->tensors[place];
        names_add(&c->index, t->name, t->name_n, (int32_t)c->count++);
    }
    json_decref(root);
    file_map_close(&map);
    return rc;
}

/* "NAME-00001-of-00003.gguf": opens the other shards. */
static int open_split(struct checkpoint *c, struct err *err) {
    const struct gguf *first = &c->files[0].gguf;
    uint32_t count, no;
    if (gguf_u32(first, "split.count", false, 1, &count, err) || gguf_u32(first, "split.no", false, 0, &no, err)) return -1;
    if (count <= 1) return 0;
    char tail[32], path[PATH_ROOM];
    size_t n = strlen(c->path);
    snprintf(tail, sizeof tail, "-%05u-of-%05u.gguf", no + 1, count);
    if (no || count > FILES_MAX || n < strlen(tail) || strcmp(c->path + n - strlen(tail), tail) || n >= sizeof path)
        return err_set(err, "'%s' is part %u of %u, expected the first, called ...-00001-of-%05u.gguf", c->path, no + 1, count, count);
    for (uint32_t i = 1; i < count; i++) {
        snprintf(path, sizeof path, "%.*s-%05u-of-%05u.gguf", (int)(n - strlen(tail)), c->path, i + 1, count);
        if (add_file(c, path, err)) return -1;
        uint32_t its_no, its_count;
        const struct gguf *g = &c->files[i].gguf;
        if (!g->path) return err_set(err, "'%s' is not a GGUF file, expected part %u of '%s'", path, i + 1, c->path);
        if (gguf_u32(g, "split.no", true, 0, &its_no, err) || gguf_u32(g, "split.count", true, 0, &its_count, err)) return -1;
        if (its_no != i || its_count != count)
            return err_set(err, "'%s' says it is part %u of %u, expected %u of %u", path, its_no + 1, its_count, i + 1, count);
    }
    return 0;
}

static int index_all(struct checkpoint *c, struct err *err) {
    size_t count = 0;
    for (size_t i = 0; i < c->file_count; i++) count += c->files[i].count;
    c->tensors = mem_alloc(count, sizeof *c->tensors, "the tensor index", err);
    if (!c->tensors || names_open(&c->index, count, "the tensor index", err)) return -1;
    for (size_t i = 0; i < c->file_count; i++)
        for (size_t t = 0; t < c->files[i].count; t++, c->count++) {
            const struct tensor *one = c->tensors[c->count] = &c->files[i].tensors[t];
            if (names_add(&c->index, one->name, one->name_n, (int32_t)c->count) != (int32_t)c->count)
                return err_set(err, "tensor '%.*s' appears twice in the parts of '%s'", one->name_n > 64 ? 64 : (int)one->name_n, one->name, c->path);
        }
    uint32_t expected;
    if (c->files[0].gguf.path && c->file_count > 1) {
        if (gguf_u32(&c->files[0].gguf, "split.tensors.count", false, (uint32_t)count, &expected, err)) return -1;
        if (expected != count) return err_set(err, "the parts of '%s' hold %zu tensors, split.tensors.count says %u", c->path, count, expected);
    }
    return 0;
}

static int open_directory(struct checkpoint *c, struct err *err) {
    char path[PATH_ROOM];
    if (!join(path, sizeof path, c->path, "config.json")) return err_set(err, "'%s' is too long a path", c->path);
    if (exists(path) && file_map_open(&c->config, path, err)) return -1;
    for (size_t i = 0; i < sizeof whole_names / sizeof *whole_names; i++) {
        if (!join(path, sizeof path, c->path, whole_names[i]) || !exists(path)) continue;
        if (strstr(whole_names[i], ".index.json")) return follow_index(c, path, err);
        return add_file(c, path, err) ? -1 : index_all(c, err);
    }
    return err_set(err, "'%s' holds no weights, expected %s, %s, %s or %s", c->path, whole_names[0], whole_names[1], whole_names[2], whole_names[3]);
}

int checkpoint_open(struct checkpoint *c, const char *path, struct err *err) {
    *c = (struct checkpoint){0};
    struct stat info;
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/') n--;
    int rc = -1;
    c->path = mem_text(path, n, err);
    c->files = c->path ? mem_alloc(FILES_MAX, sizeof *c->files, "the list of files", err) : NULL;
    if (c->files) {
        c->directory = !stat(path, &info) && S_ISDIR(info.st_mode);
        if (c->directory) rc = open_directory(c, err);
        else rc = add_file(c, path, err) || (c->files[0].gguf.path && open_split(c, err)) || index_all(c, err) ? -1 : 0;
    }
    if (rc) checkpoint_close(c);
    return rc;
}

void checkpoint_close(struct checkpoint *c) {
    for (size_t i = 0; i < c->file_count; i++) {
        struct checkpoint_file *f = &c->files[i];
        gguf_close(&f->gguf), safetensors_close(&f->safetensors), torch_close(&f->torch);
        names_close(&f->index);
        file_map_close(&f->map);
    }
    file_map_close(&c->config);
    names_close(&c->index);
    mem_free(c->tensors), mem_free(c->files), mem_free(c->path);
    *c = (struct checkpoint){0};
}

const struct tensor *checkpoint_tensor(const struct checkpoint *c, const char *name) {
    int32_t i = names_find(&c->index, name, strlen(name));
    return i < 0 ? NULL : c->tensors[i];
}

static int by_path(const void *a, const void *b) {
    const struct file_map *const *x = a, *const *y = b;
    return strcmp((*x)->path, (*y)->path);
}

int checkpoint_sha256(const struct checkpoint *c, char hex[SHA256_HEX], struct err *err) {
    if (c->file_count == 1 && !c->directory) return file_map_sha256(&c->files[0].map, hex, err);
    const struct file_map *maps[FILES_MAX + 1];
    size_t n = 0;
    for (size_t i = 0; i < c->file_count; i++) maps[n++] = &c->files[i].map;
    if (c->config.path) maps[n++] = &c->config;
    qsort(maps, n, sizeof *maps, by_path);
    EVP_MD_CTX *sum = EVP_MD_CTX_new();
    int rc = sum && EVP_DigestInit_ex(sum, EVP_sha256(), NULL) ? 0 : err_set(err, "cannot compute a SHA-256");
    for (size_t i = 0; !rc && i < n; i++) {
        char one[SHA256_HEX];
        const char *slash = strrchr(maps[i]->path, '/'), *name = slash ? slash + 1 : maps[i]->path;
        if ((rc = file_map_sha256(maps[i], one, err))) break;
        EVP_DigestUpdate(sum, one, SHA256_HEX - 1), EVP_DigestUpdate(sum, "  ", 2);
        EVP_DigestUpdate(sum, name, strlen(name)), EVP_DigestUpdate(sum, "\n", 1);
    }
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (!rc && (!EVP_DigestFinal_ex(sum, digest, &size) || size != 32)) rc = err_set(err, "cannot compute a SHA-256");
    for (unsigned i = 0; !rc && i < size; i++) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    EVP_MD_CTX_free(sum);
    return rc;
}
