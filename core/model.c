/* model.c - see model.h. */
#include "core/model.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/mem.h"
#include "core/model_read.h"

static const struct architecture architectures[] = {{"llama", ROPE_NEIGHBOURS, false}, {"qwen2", ROPE_HALVES, true}};

const struct architecture *architecture_find(const char *name, size_t n, const char *path, struct err *err) {
    for (size_t i = 0; i < sizeof architectures / sizeof *architectures; i++)
        if (strlen(architectures[i].name) == n && !memcmp(architectures[i].name, name, n)) return &architectures[i];
    err_set(err, "architecture '%.*s' of '%s' is unknown (this build runs: llama, qwen2)", n > 31 ? 31 : (int)n, name, path);
    return NULL;
}

int model_scale_rope(struct model *m, double factor, struct err *err) {
    if (!(m->rope_factors = mem_alloc((size_t)m->dim / 2, sizeof *m->rope_factors, "the rotary factors", err))) return -1;
    for (int j = 0; j < m->dim / 2; j++) m->rope_factors[j] = (float)factor;
    return 0;
}

static int check_heads(const struct model *m, struct err *err) {
    if (m->heads % m->kv_heads || m->heads / m->kv_heads > 64)
        return err_set(err, "'%s' has %d query heads for %d key heads, expected a multiple of at most 64", m->files.path, m->heads, m->kv_heads);
    if (m->dim % 16) return err_set(err, "'%s' has head size %d, expected a multiple of 16", m->files.path, m->dim);
    return 0;
}

uint32_t model_type(const struct model *m, const struct tensor *t) {
    bool plain = t->type == TENSOR_F32 || t->type == TENSOR_F16 || t->type == TENSOR_BF16;
    return m->quantize && plain && t->ne[0] % 32 == 0 ? m->quantize : t->type;
}

static size_t bytes_of(const struct model *m, const struct tensor *t) {
    const struct tensor_layout *l = tensor_layout(model_type(m, t));
    return (size_t)(t->ne[0] * t->ne[1]) / (size_t)l->block * (size_t)l->bytes;
}

/* A tensor of shape (rows, cols); cols is the contiguous dimension. rows 1: a vector. */
static const struct tensor *need(struct model *m, const char *name, int rows, int cols, struct err *err) {
    const struct tensor *t = checkpoint_tensor(&m->files, name);
    const struct tensor_layout *l = t ? tensor_layout(t->type) : NULL;
    if (!t) {
        err_set(err, "tensor '%s' is missing in '%s'", name, m->files.path);
        return NULL;
    }
    if (t->ne[0] != (uint64_t)cols || t->ne[1] != (uint64_t)rows || t->ne[2] != 1 || t->ne[3] != 1) {
        err_set(err, "tensor '%s' of '%s' has shape %llu x %llu, expected %d x %d", name, m->files.path,
                (unsigned long long)t->ne[0], (unsigned long long)t->ne[1], cols, rows);
        return NULL;
    }
    if (!l || !t->data) {
        err_set(err, "tensor '%s' of '%s' has type %s, which this build does not read", name, m->files.path, tensor_type_name(t->type));
        return NULL;
    }
    if (rows == 1 && l->block > 1) {
        err_set(err, "tensor '%s' of '%s' has type %s, expected F32, F16 or BF16", name, m->files.path, l->name);
        return NULL;
    }
    return t;
}

static const struct tensor *need_matrix(struct model *m, const char *name, int rows, int cols, struct err *err) {
    const struct tensor *t = need(m, name, rows, cols, err);
    if (t) m->weight_bytes += bytes_of(m, t);
    return t;
}

static int find_layer(struct model *m, const struct model_naming *names, int i, struct err *err) {
    struct model_layer *l = &m->layer[i];
    const int q = m->heads * m->dim, kv = m->kv_heads * m->dim;
    const struct { const struct tensor **to; const char *name; int rows, cols; } wanted[] = {
        {&l->attn_norm, m->fc ? NULL : names->attn_norm, 1, m->hidden}, {&l->q, names->q, q, m->hidden},
        {&l->k, names->k, kv, m->hidden}, {&l->v, names->v, kv, m->hidden},
        {&l->o, names->o, m->hidden, q}, {&l->ffn_norm, names->ffn_norm, 1, m->hidden},
        {&l->gate, names->gate, m->ff, m->hidden}, {&l->up, names->up, m->ff, m->hidden},
        {&l->down, names->down, m->hidden, m->ff},
    };
    const struct { const struct tensor **to; const char *name; int cols; } biases[] = {
        {&l->q_bias, names->q, q}, {&l->k_bias, names->k, kv}, {&l->v_bias, names->v, kv},
    };
    char layer[32], name[96];
    snprintf(layer, sizeof layer, names->layer, i);
    for (size_t t = 0; t < sizeof wanted / sizeof *wanted; t++) {
        if (!wanted[t].name) continue; // a draft head has none
        snprintf(name, sizeof name, "%s%s.weight", layer, wanted[t].name);
        *wanted[t].to = wanted[t].rows == 1 ? need(m, name, 1, wanted[t].cols, err) : need_matrix(m, name, wanted[t].rows, wanted[t].cols, err);
        if (!*wanted[t].to) return -1;
    }
    for (size_t t = 0; m->biases && t < sizeof biases / sizeof *biases; t++) {
        snprintf(name, sizeof name, "%s%s.bias", layer, biases[t].name);
        if (!(*biases[t].to = need(m, name, 1, biases[t].cols, err))) return -1;
    }
    return 0;
}

static int find_tensors(struct model *m, const struct model_naming *names, struct err *err) {
    const struct tensor *embedding = checkpoint_tensor(&m->files, names->embedding);
    if (!embedding) return err_set(err, "tensor '%s' is missing in '%s'", names->embedding, m->files.path);
    if (embedding->ne[1] < 2 || embedding->ne[1] > 1 << 22)
        return err_set(err, "'%s' has a vocabulary of %llu tokens, expected 2 to %d", m->files.path, (unsigned long long)embedding->ne[1], 1 << 22);
    if (m->vocab && (uint64_t)m->vocab != embedding->ne[1])
        return err_set(err, "tensor '%s' of '%s' has %llu rows, vocab_size is %d", names->embedding, m->files.path, (unsigned long long)embedding->ne[1], m->vocab);
    m->vocab = (int)embedding->ne[1];
    if (!(m->embedding = need(m, names->embedding, m->vocab, m->hidden, err))) return -1;
    m->output = m->embedding;
    if (checkpoint_tensor(&m->files, names->output) && !(m->output = need(m, names->output, m->vocab, m->hidden, err))) return -1;
    m->weight_bytes += bytes_of(m, m->output); // of an untied embedding a step reads only single rows
    if (!(m->output_norm = need(m, names->output_norm, 1, m->hidden, err))) return -1;
    if (!(m->layer = mem_alloc((size_t)m->layers, sizeof *m->layer, "layers", err))) return -1;
    for (int i = 0; i < m->layers; i++)
        if (find_layer(m, names, i, err)) return -1;
    return 0;
}

/* The name that the file gives, else the file's own; and what the matrices are. */
static void describe(struct model *m) {
    const char *slash = strrchr(m->files.path, '/'), *base = slash ? slash + 1 : m->files.path;
    if (!*m->name) snprintf(m->name, sizeof m->name, "%.95s", base);
    for (char *c = m->name; *c; c++)
        if ((unsigned char)*c < 0x20) *c = '?';
    const struct tensor *sample = m->layer[0].gate;
    const char *stored = tensor_type_name(sample->type), *used = tensor_type_name(model_type(m, sample));
    if (m->quantize && strcmp(stored, used)) snprintf(m->dtype, sizeof m->dtype, "%s of %s", used, stored);
    else snprintf(m->dtype, sizeof m->dtype, "%s", stored);
}

static int read_quantize(struct model *m, const char *word, struct err *err) {
    if (!word) return 0;
    if (!strcasecmp(word, "q8_0")) m->quantize = TENSOR_Q8_0;
    else if (!strcasecmp(word, "q4_0")) m->quantize = TENSOR_Q4_0;
    else return err_usage(err, "cannot quantize to '%s', expected q8_0 or q4_0", word);
    return 0;
}

int model_open(struct model *m, const char *path, const char *quantize, struct err *err) {
    *m = (struct model){.layers = 0};
    int rc = read_quantize(m, quantize, err);
    if (!rc) rc = checkpoint_open(&m->files, path, err);
    if (!rc && !m->files.directory && !m->files.files[0].gguf.path)
        rc = err_set(err, "'%s' is one file of weights, expected a GGUF file or the directory with config.json", path);
    bool gguf = !rc && !m->files.directory;
    if (!rc) rc = gguf ? model_read_gguf(m, err) : model_read_hf(m, err);
    if (!rc) rc = check_heads(m, err);
    if (!rc) rc = find_tensors(m, gguf ? &model_names_gguf : &model_names_hf, err);
    if (rc) model_close(m);
    else describe(m);
    return rc;
}

static int copy_rope(struct model *m, const struct model *from, struct err *err) {
    if (m->dim != from->dim)
        return err_set(err, "'%s' has head size %d, expected %d of '%s' whose rotary frequencies it is to take", m->files.path, m->dim, from->dim, from->files.path);
    mem_free(m->rope_factors);
    m->rope_factors = NULL, m->rope_theta = from->rope_theta;
    if (!from->rope_factors) return 0;
    if (!(m->rope_factors = mem_alloc((size_t)m->dim / 2, sizeof *m->rope_factors, "the rotary factors", err))) return -1;
    memcpy(m->rope_factors, from->rope_factors, (size_t)m->dim / 2 * sizeof *m->rope_factors);
    return 0;
}

static int find_head(struct model *m, const struct model *target, struct err *err) {
    static const struct model_naming names = {
        .layer = "layers.%d.", .q = "self_attn.q_proj", .k = "self_attn.k_proj", .v = "self_attn.v_proj", .o = "self_attn.o_proj",
        .ffn_norm = "post_attention_layernorm", .gate = "mlp.gate_proj", .up = "mlp.up_proj", .down = "mlp.down_proj",
    };
    const bool own = checkpoint_tensor(&m->files, "embed_tokens.weight") != NULL;
    m->biases = checkpoint_tensor(&m->files, "layers.0.self_attn.q_proj.bias") != NULL;
    m->embedding = own ? need(m, "embed_tokens.weight", m->vocab, m->hidden, err) : target->embedding;
    m->output = target->output;
    if (!m->embedding || !(m->fc = need_matrix(m, "fc.weight", m->hidden, 2 * m->hidden, err))) return -1;
    if (checkpoint_tensor(&m->files, "fc.bias") && !(m->fc_bias = need(m, "fc.bias", 1, m->hidden, err))) return -1;
    if (!(m->layer = mem_alloc(1, sizeof *m->layer, "layers", err))) return -1;
    m->weight_bytes += bytes_of(target, target->output);
    return find_layer(m, &names, 0, err);
}

int model_open_head(struct model *m, const char *path, const struct model *target, bool target_rope, const char *quantize, struct err *err) {
    *m = (struct model){.layers = 0};
    int rc = read_quantize(m, quantize, err);
    if (!rc) rc = checkpoint_open(&m->files, path, err);
    if (!rc) rc = model_read_hf(m, err);
    if (!rc) rc = check_heads(m, err);
    if (!rc && m->layers != 1) rc = err_set(err, "'%s' has %d layers, expected the one of an EAGLE head", path, m->layers);
    if (!rc && (m->hidden != target->hidden || m->vocab != target->vocab))
        rc = err_set(err, "the head '%s' has hidden size %d and %d tokens, its target '%s' has %d and %d", path, m->hidden, m->vocab,
                     target->files.path, target->hidden, target->vocab);
    if (!rc && target_rope) rc = copy_rope(m, target, err);
    if (!rc) rc = find_head(m, target, err);
    if (rc) model_close(m);
    else describe(m);
    return rc;
}

void model_close(struct model *m) {
    mem_free(m->layer);
    mem_free(m->rope_factors);
    checkpoint_close(&m->files);
    *m = (struct model){.layers = 0};
}

int model_sha256(const struct model *m, char hex[SHA256_HEX], struct err *err) { return checkpoint_sha256(&m->files, hex, err); }
