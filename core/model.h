/* model.h - a model file as hyperparameters and named tensors; nothing is computed here. */
#ifndef CORE_MODEL_H
#define CORE_MODEL_H

#include <stdbool.h>

#include "core/backend.h"
#include "core/err.h"
#include "core/gguf.h"
#include "core/map.h"
#include "core/tensor.h"

struct model_layer {
    const struct tensor *attn_norm, *q, *k, *v, *o; // q (heads * dim, hidden), k, v (kv_heads * dim, hidden), o (hidden, heads * dim)
    const struct tensor *q_bias, *k_bias, *v_bias;              // of q's, k's and v's rows; null in architectures without
    const struct tensor *ffn_norm, *gate, *up, *down; // gate, up (ff, hidden), down (hidden, ff)
};

struct model {
    struct gguf file;
    char name[96], arch[32], dtype[16]; // dtype: the type that holds most bytes
    int layers, hidden, ff, heads, kv_heads, dim, vocab, context;
    float eps;
    double rope_theta;
    enum rope_pairs rope_pairs;
    bool biases; // q, k and v have them
    const struct tensor *embedding, *output_norm, *output; // output is the embedding when tied
    const struct tensor *rope_factors;                     // (dim / 2) divisors of the frequencies, or null
    struct model_layer *layer;                             // (layers), owned
    size_t weight_bytes; // read by one decoding step: every matrix once, the embedding only as the tied output
};

/* Reads a GGUF file and checks every hyperparameter and tensor shape. */
int model_open(struct model *m, const char *path, struct err *err);
void model_close(struct model *m);

/* SHA-256 of the file, lower-case hex. */
int model_sha256(const struct model *m, char hex[SHA256_HEX], struct err *err);

#endif
