/* model_read.h - between model.c and the two readers of hyperparameters. */
#ifndef CORE_MODEL_READ_H
#define CORE_MODEL_READ_H

#include "core/model.h"

/* Tensor names of one kind of file; those of a layer follow `layer` and its number, "model.layers.%d.". */
struct model_naming {
    const char *embedding, *output_norm, *output, *layer;
    const char *attn_norm, *q, *k, *v, *o, *ffn_norm, *gate, *up, *down; // without ".weight" or ".bias"
};

/* An architecture is a short table of differences. */
struct architecture {
    const char *name;
    enum rope_pairs gguf_pairs; // LLaMA's converters to GGUF permute q and k so that pairs are neighbours
    bool biases;                // of q, k and v
};

/* By its name, "llama" or "qwen2"; null with `err` set. */
const struct architecture *architecture_find(const char *name, size_t n, const char *path, struct err *err);

/* Hyperparameters, arch, name, ends and rope_factors; where tensors are called what. */
int model_read_gguf(struct model *m, struct err *err);
int model_read_hf(struct model *m, struct err *err);
extern const struct model_naming model_names_gguf, model_names_hf;

/* Divisors of the dim / 2 rotary frequencies, all equal (rope type "linear"). */
int model_scale_rope(struct model *m, double factor, struct err *err);

#endif
