/* model_gguf.c - hyperparameters from GGUF metadata (docs/gguf.md, "LLaMA", "Qwen2"). */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "core/model_read.h"

const struct model_naming model_names_gguf = {
    .embedding = "token_embd.weight", .output_norm = "output_norm.weight", .output = "output.weight", .layer = "blk.%d.",
    .attn_norm = "attn_norm", .q = "attn_q", .k = "attn_k", .v = "attn_v", .o = "attn_output",
    .ffn_norm = "ffn_norm", .gate = "ffn_gate", .up = "ffn_up", .down = "ffn_down",
};

static const struct gguf *file_of(const struct model *m) { return &m->files.files[0].gguf; }

static int read_u32(const struct model *m, const char *key, bool required, uint32_t fallback, uint32_t lo, uint32_t hi, int *out, struct err *err) {
    char name[96];
    snprintf(name, sizeof name, "%s.%s", m->arch, key);
    uint32_t value;
    if (gguf_u32(file_of(m), name, required, fallback, &value, err)) return -1;
    if (value < lo || value > hi) return err_set(err, "key '%s' is %u in '%s', expected %u to %u", name, value, m->files.path, lo, hi);
    *out = (int)value;
    return 0;
}

static int read_f32(const struct model *m, const char *key, bool required, float fallback, float *out, struct err *err) {
    char name[96];
    snprintf(name, sizeof name, "%s.%s", m->arch, key);
    return gguf_f32(file_of(m), name, required, fallback, out, err);
}

static int read_arch(struct model *m, struct err *err) {
    struct gguf_text arch;
    if (gguf_string(file_of(m), "general.architecture", true, &arch, err)) return -1;
    const struct architecture *a = architecture_find(arch.at, (size_t)arch.n, m->files.path, err);
    if (!a) return -1;
    snprintf(m->arch, sizeof m->arch, "%s", a->name);
    m->rope_pairs = a->gguf_pairs;
    m->biases = a->biases;
    return 0;
}

static int read_sizes(struct model *m, struct err *err) {
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
    if (rope_dim != m->dim)
        return err_set(err, "'%s' has head size %d with %d rotary dimensions, expected both equal", m->files.path, m->dim, rope_dim);
    return 0;
}

/* rope_freqs.weight holds llama3's scaling ready made; "linear" is a key. */
static int read_rope(struct model *m, struct err *err) {
    float theta, factor;
    if (read_f32(m, "rope.freq_base", false, 10000, &theta, err)
        || read_f32(m, "attention.layer_norm_rms_epsilon", true, 0, &m->eps, err)
        || read_f32(m, "rope.scaling.factor", false, 1, &factor, err))
        return -1;
    if (!(theta > 0) || !(m->eps >= 0) || !(factor > 0))
        return err_set(err, "'%s' has rope base %g, rope factor %g and epsilon %g, expected positive numbers", m->files.path, theta, factor, m->eps);
    m->rope_theta = theta;
    char key[96];
    struct gguf_text type = {NULL, 0};
    snprintf(key, sizeof key, "%s.rope.scaling.type", m->arch);
    if (gguf_string(file_of(m), key, false, &type, err)) return -1;
    bool linear = type.n == 6 && !memcmp(type.at, "linear", 6), none = !type.n || (type.n == 4 && !memcmp(type.at, "none", 4));
    if (!linear && !none)
        return err_set(err, "key '%s' is '%.*s' in '%s', expected none or linear", key, type.n > 32 ? 32 : (int)type.n, type.at, m->files.path);
    if (linear && factor != 1) return model_scale_rope(m, factor, err);
    const struct tensor *t = checkpoint_tensor(&m->files, "rope_freqs.weight");
    if (!t) return 0;
    if (t->type != TENSOR_F32 || t->ne[0] != (uint64_t)m->dim / 2 || t->ne[1] != 1 || !t->data)
        return err_set(err, "bad tensor 'rope_freqs.weight' in '%s': %d values of type F32 expected", m->files.path, m->dim / 2);
    if (model_scale_rope(m, 1, err)) return -1;
    tensor_row(t, 0, m->rope_factors);
    for (int j = 0; j < m->dim / 2; j++)
        if (!(m->rope_factors[j] > 0)) return err_set(err, "value %d of tensor 'rope_freqs.weight' in '%s' is %g, expected a positive number", j, m->files.path, m->rope_factors[j]);
    return 0;
}

int model_read_gguf(struct model *m, struct err *err) {
    struct gguf_text name = {NULL, 0};
    struct err ignored;
    if (read_arch(m, err) || read_sizes(m, err) || read_rope(m, err)) return -1;
    if (!gguf_string(file_of(m), "general.name", false, &name, &ignored))
        snprintf(m->name, sizeof m->name, "%.*s", name.n < 95 ? (int)name.n : 95, name.at ? name.at : "");
    return 0;
}
