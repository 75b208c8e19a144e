/* model.h - a model's files as hyperparameters and named tensors; nothing is computed here.
 *
 * A GGUF file (model_gguf.c) and a Hugging Face directory (model_hf.c) fill the same struct; what is
 * common, the architectures and the checks of every shape, is in model.c. */
#ifndef CORE_MODEL_H
#define CORE_MODEL_H

#include <stdbool.h>

#include "core/backend.h"
#include "core/checkpoint.h"
#include "core/err.h"
#include "core/tensor.h"

enum { MODEL_ENDS = 16 };

struct model_layer {
    const struct tensor *attn_norm, *q, *k, *v, *o; // q (heads * dim, hidden), k, v (kv_heads * dim, hidden), o (hidden, heads * dim)
    const struct tensor *q_bias, *k_bias, *v_bias;              // of q's, k's and v's rows; null in architectures without
    const struct tensor *ffn_norm, *gate, *up, *down; // gate, up (ff, hidden), down (hidden, ff)
};

struct model {
    struct checkpoint files;
    char name[96], arch[32], dtype[32]; // dtype: the type of the matrices, "Q4_1"; "Q8_0 of BF16" when quantized on load
    int layers, hidden, ff, heads, kv_heads, dim, vocab, context;
    float eps;
    double rope_theta;
    enum rope_pairs rope_pairs;
    bool biases; // q, k and v have them
    int ends[MODEL_ENDS], end_count; // tokens that end a text, where the model's files (not the tokenizer's) name them; most usual first
    const struct tensor *embedding, *output_norm, *output; // output is the embedding when tied
    const struct tensor *fc, *fc_bias; // of a draft head (hidden, 2 hidden), bias or null; null in a model
    float *rope_factors;        // (dim / 2) divisors of the frequencies, owned, or null
    struct model_layer *layer;  // (layers), owned
    uint32_t quantize;          // F32, F16 and BF16 matrices become this tensor_type when uploaded; 0 (TENSOR_F32): they stay
    size_t weight_bytes; // read by one decoding step: every matrix once, the embedding only as the tied output
};

/* Reads a GGUF file or a Hugging Face directory (config.json and weights) and checks every hyperparameter
 * and tensor shape. quantize: "q8_0", "q4_0", or null to keep matrices as they are stored; another word is misuse. */
int model_open(struct model *m, const char *path, const char *quantize, struct err *err);
void model_close(struct model *m);

/* A draft head of EAGLE (Li et al. 2024) for `target`: a directory with config.json and pytorch_model.bin or safetensors, as
 * published. One layer without input norm, no final norm; the output layer, and where the head's files have none the embedding
 * too, are the target's (borrowed). target_rope: rotary frequencies of the target instead of the head's own configuration.
 * Hidden size and vocabulary must be the target's. */
int model_open_head(struct model *m, const char *path, const struct model *target, bool target_rope, const char *quantize, struct err *err);

/* The type that a matrix is multiplied in: its own, or what it is quantized to (rows of a multiple of 32 values only). */
uint32_t model_type(const struct model *m, const struct tensor *t);

/* SHA-256 of everything that was loaded, lower-case hex (checkpoint_sha256). */
int model_sha256(const struct model *m, char hex[SHA256_HEX], struct err *err);

#endif
