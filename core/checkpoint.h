/* checkpoint.h - named tensors, whatever files hold them.
 *
 *   MODEL.gguf, MODEL-00001-of-00003.gguf and its shards   GGUF          (gguf.h)
 *   *.safetensors                                          safetensors   (safetensors.h)
 *   *.bin                                                  torch.save    (torch.h)
 *   a directory: model.safetensors, else model.safetensors.index.json and the shards it names, else
 *                pytorch_model.bin, else pytorch_model.bin.index.json and its shards
 *
 * The kind of a file is told by its first bytes, not by its name. Nothing is copied but what torch.h
 * says: tensors point into the mapped files. */
#ifndef CORE_CHECKPOINT_H
#define CORE_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "core/gguf.h"
#include "core/map.h"
#include "core/names.h"
#include "core/safetensors.h"
#include "core/tensor.h"
#include "core/torch.h"

struct checkpoint_file {
    struct file_map map;
    struct gguf gguf; // of the three, the one that the file is
    struct safetensors safetensors;
    struct torch torch;
    const struct tensor *tensors;
    size_t count;
    struct names index;
};

struct checkpoint {
    char *path;                    // as given, owned
    bool directory;
    struct checkpoint_file *files; // (file_count), owned
    size_t file_count;
    struct file_map config;        // DIR/config.json; empty without
    const struct tensor **tensors; // (count) of all files, owned
    size_t count;
    struct names index;
};

/* Maps and checks everything. */
int checkpoint_open(struct checkpoint *c, const char *path, struct err *err);
void checkpoint_close(struct checkpoint *c); // a zeroed one is fine

const struct tensor *checkpoint_tensor(const struct checkpoint *c, const char *name); // null: absent

/* SHA-256 in lower-case hex: of the file when there is one, else of what
 * `sha256sum config.json FILE...` prints, files in the order of their names. */
int checkpoint_sha256(const struct checkpoint *c, char hex[SHA256_HEX], struct err *err);

/* The parser of an index alone (fuzzing): file names by tensor, both borrowed from `root`. A name that
 * would leave the directory is refused. */
int checkpoint_parse_index(const char *path, const char *text, size_t n, void **root, struct err *err);

#endif
