/* model.c - the GGUF names of LLaMA and Qwen2 (gguf.md, "llama", "qwen2"), with every shape checked. */
#include "core/model.h"

#include <stdio.h>
#include <string.h>

#include "core/mem.h"

/* An architecture is a short table of differences. */
static const struct architecture {
    const char *name;
    enum rope_pairs rope_pairs; // LLaMA's converters permute q and k so that pairs are neighbours
    bool biases;                // of q, k and v
} architectures[] = {{"llama", ROPE_NEIGHBOURS, false}, {"qwen2", ROPE_HALVES, true}};

static int read_u32(const struct model *m, const char *key, bool required, uint32_t fallback, uint32_t lo, uint32_t hi, int *out, struct err *err) {
    char name[96];
    snprintf(name, sizeof name, "%s.%s", m->arch, key);
    uint32_t value;
    if (gguf_u32(&m->file, name, required, fallback, &value, err)) return -1;
    if (value < lo || value > hi) return err_set(err, "key '%s' is %u in '%s', expected %u to %u", name, value, m->file.path, lo, hi);
    *out = (int)value;
    return 0;
}

static int read_arch(struct model *m, struct err *err) {
    struct gguf_text arch;
    if (gguf_string(&m->file, "general.architecture", true, &arch, err)) return -1;
    snprintf(m->arch, sizeof m->arch, "%.*s", arch.n < 31 ? (int)arch.n : 31, arch.at);
    for (size_t i = 0; i < sizeof architectures / sizeof *architectures; i++)
        if (!strcmp(architectures[i].name, m->arch)) {
            m->rope_pairs = architectures[i].rope_pairs;
            m->biases = architectures[i].biases;
            return 0;
        }
    return err_set(err, "architecture '%s' of '%s' is unknown (this build runs: llama, qwen2)", m->arch, m->file.path);
}

static int read_shape(struct model *m, struct err *err) {
    if (read_u32(m, "block_count", true, 0, 1, 1024, &m->layers, err)
        || read_u32(m, "embedding_length", true, 0, 1, 1 << 20, &m->hidden, err)
        || read_u32(m, "feed_forward_length", true, 0, 1, 1 << 22, &m->ff, err)
        || read_u32(m, "attention.head_count", true, 0, 1, 4096, &m->heads, err)
        || read_u32(m, "attention.head_count_kv", false, (uint32_t)m->heads, 1, 4096, &m->kv_heads, err)
        || read_u32(m, "context_length", false, 4096, 1, 1 << 24, &m->context, err))
        return -1;
    uint32_t per_head = (uint32_t)(m->hidden / m->heads);
    int rope_dim;
    if (read_u32(m, "attention.key_length", false, per_head, 1, 4096, &m->dim, err)
        || read_u32(m, "rope.dimension_count", false, (uint32_t)m->dim, 1, 4096, &rope_dim, err))
        return -1;
    if (m->heads % m->kv_heads || m->heads / m->kv_heads > 64)
        return err_set(err, "'%s' has %d query heads for %d key heads, expected a multiple of at most 64", m->file.path, m->heads, m->kv_heads);
    if (m->dim % 16 || rope_dim != m->dim)
        return err_set(err, "'%s' has head size %d with %d rotary dimensions, expected both equal and a multiple of 16", m->file.path, m->dim, rope_dim);
    char key[96];
    float theta;
    snprintf(key, sizeof key, "%s.rope.freq_base", m->arch);
    if (gguf_f32(&m->file, key, false, 10000, &theta, err)) return -1;
    snprintf(key, sizeof key, "%s.attention.layer_norm_rms_epsilon", m->arch);
    if (gguf_f32(&m->file, key, true, 0, &m->eps, err)) return -1;
    if (!(theta > 0) || !(m->eps >= 0)) return err_set(err, "'%s' has rope base %g and epsilon %g, expected positive numbers", m->file.path, theta, m->eps);
    m->rope_theta = theta;
    return 0;
}

/* A tensor of shape (rows, cols); cols is the contiguous dimension. rows 1: a vector. */
static const struct tensor *need(struct model *m, const char *name, int rows, int cols, struct err *err) {
    const struct tensor *t = gguf_tensor(&m->file, name);
    if (!t) {
        err_set(err, "tensor '%s' is missing in '%s'", name, m->file.path);
        return NULL;
    }
    if (!tensor_layout(t->type) || !t->data) {
        err_set(err, "tensor '%s' of '%s' has type %u, which this build does not read", name, m->file.path, t->type);
        return NULL;
    }
    if (t->ne[0] != (uint64_t)cols || t->ne[1] != (uint64_t)rows || t->ne[2] != 1 || t->ne[3] != 1) {
        err_set(err, "tensor '%s' of '%s' has shape %llu x %llu, expected %d x %d", name, m->file.path,
                (unsigned long long)t->ne[0], (unsigned long long)t->ne[1], cols, rows);
        return NULL;
    }
    if (rows == 1 && t->type != TENSOR_F32) {
        err_set(err, "tensor '%s' of '%s' has type %s, expected F32", name, m->file.path, tensor_layout(t->type)->name);
        return NULL;
    }
    if (rows > 1) m->weight_bytes += t->bytes;
    return t;
}

static int find_layer(struct model *m, int i, struct err *err) {
    struct model_layer *l = &m->layer[i];
    const int q = m->heads * m->dim, kv = m->kv_heads * m->dim;
    const struct { const struct tensor **to; const char *name; int rows, cols; } wanted[] = {
        {&l->attn_norm, "attn_norm", 1, m->hidden}, {&l->q, "attn_q", q, m->hidden},
        {&l->k, "attn_k", kv, m->hidden}, {&l->v, "attn_v", kv, m->hidden},
        {&l->o, "attn_output", m->hidden, q}, {&l->ffn_norm, "ffn_norm", 1, m->hidden},
        {&l->gate, "ffn_gate", m->ff, m->hidden}, {&l->up, "ffn_up", m->ff, m->hidden},
        {&l->down, "ffn_down", m->hidden, m->ff},
    };
    const struct { const struct tensor **to; const char *name; int cols; } biases[] = {
        {&l->q_bias, "attn_q", q}, {&l->k_bias, "attn_k", kv}, {&l->v_bias, "attn_v", kv},
    };
    for (size_t t = 0; t < sizeof wanted / sizeof *wanted; t++) {
        char name[64];
        snprintf(name, sizeof name, "blk.%d.%s.weight", i, wanted[t].name);
        if (!(*wanted[t].to = need(m, name, wanted[t].rows, wanted[t].cols, err))) return -1;
    }
    for (size_t t = 0; m->biases && t < sizeof biases / sizeof *biases; t++) {
        char name[64];
        snprintf(name, sizeof name, "blk.%d.%s.bias", i, biases[t].name);
        if (!(*biases[t].to = need(m, name, 1, biases[t].cols, err))) return -1;
    }
    return 0;
}

static int find_tensors(struct model *m, struct err *err) {
    const struct tensor *embedding = gguf_tensor(&m->file, "token_embd.weight");
    if (!embedding) return err_set(err, "tensor 'token_embd.weight' is missing in '%s'", m->file.path);
    if (embedding->ne[1] < 2 || embedding->ne[1] > 1 << 22)
        return err_set(err, "'%s' has a vocabulary of %llu tokens, expected 2 to %d", m->file.path, (unsigned long long)embedding->ne[1], 1 << 22);
    m->vocab = (int)embedding->ne[1];
    if (!(m->embedding = need(m, "token_embd.weight", m->vocab, m->hidden, err))) return -1;
    m->output = m->embedding;
    if (gguf_tensor(&m->file, "output.weight")) { // untied: a step reads only single rows of the embedding
        m->weight_bytes -= m->embedding->bytes;
        if (!(m->output = need(m, "output.weight", m->vocab, m->hidden, err))) return -1;
    }
    if (!(m->output_norm = need(m, "output_norm.weight", 1, m->hidden, err))) return -1;
    if (gguf_tensor(&m->file, "rope_freqs.weight")
        && !(m->rope_factors = need(m, "rope_freqs.weight", 1, m->dim / 2, err)))
        return -1;
    if (!(m->layer = mem_alloc((size_t)m->layers, sizeof *m->layer, "layers", err))) return -1;
    for (int i = 0; i < m->layers; i++)
        if (find_layer(m, i, err)) return -1;
    return 0;
}

static void describe(struct model *m) {
    struct gguf_text name = {NULL, 0};
    struct err ignored;
    const char *slash = strrchr(m->file.path, '/'), *base = slash ? slash + 1 : m->file.path;
    if (gguf_string(&m->file, "general.name", false, &name, &ignored) || !name.n) name = (struct gguf_text){base, strlen(base)};
    snprintf(m->name, sizeof m->name, "%.*s", name.n < 95 ? (int)name.n : 95, name.at);
    for (char *c = m->name; *c; c++)
        if ((unsigned char)*c < 0x20) *c = '?';
    snprintf(m->dtype, sizeof m->dtype, "%s", tensor_layout(m->layer[0].gate->type)->name);
}

int model_open(struct model *m, const char *path, struct err *err) {
    *m = (struct model){.layers = 0};
    if (gguf_open(&m->file, path, err) || read_arch(m, err) || read_shape(m, err) || find_tensors(m, err)) {
        model_close(m);
        return -1;
    }
    describe(m);
    return 0;
}

void model_close(struct model *m) {
    mem_free(m->layer);
    gguf_close(&m->file);
    *m = (struct model){.layers = 0};
}

int model_sha256(const struct model *m, char hex[SHA256_HEX], struct err *err) { return file_map_sha256(m->file.map, hex, err); }
