/* model_hf.c - hyperparameters from a Hugging Face config.json (transformers, configuration_llama.py and
 * configuration_qwen2.py), in the form of transformers 4 (rope_theta, rope_scaling, torch_dtype) and of
 * transformers 5 (rope_parameters, dtype). End tokens also from generation_config.json beside it. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/json.h"
#include "core/mem.h"
#include "core/model_read.h"

const struct model_naming model_names_hf = {
    .embedding = "model.embed_tokens.weight", .output_norm = "model.norm.weight", .output = "lm_head.weight", .layer = "model.layers.%d.",
    .attn_norm = "input_layernorm", .q = "self_attn.q_proj", .k = "self_attn.k_proj", .v = "self_attn.v_proj", .o = "self_attn.o_proj",
    .ffn_norm = "post_attention_layernorm", .gate = "mlp.gate_proj", .up = "mlp.up_proj", .down = "mlp.down_proj",
};

static int read_int(const json_t *config, const struct model *m, const char *key, bool required, int fallback, int lo, int hi, int *out, struct err *err) {
    long long value;
    if (json_get_int(config, m->files.config.path, key, required, fallback, lo, hi, &value, err)) return -1;
    *out = (int)value;
    return 0;
}

static int read_arch(struct model *m, const json_t *config, struct err *err) {
    const char *type, *path = m->files.config.path;
    if (json_get_text(config, path, "model_type", true, NULL, &type, err)) return -1;
    const struct architecture *a = architecture_find(type, strlen(type), path, err);
    if (!a) return -1;
    snprintf(m->arch, sizeof m->arch, "%s", a->name);
    m->rope_pairs = ROPE_HALVES; // of every architecture here
    m->biases = a->biases;
    return 0;
}

static int read_sizes(struct model *m, const json_t *config, struct err *err) {
    if (read_int(config, m, "num_hidden_layers", true, 0, 1, 1024, &m->layers, err)
        || read_int(config, m, "hidden_size", true, 0, 1, 1 << 20, &m->hidden, err)
        || read_int(config, m, "intermediate_size", true, 0, 1, 1 << 22, &m->ff, err)
        || read_int(config, m, "num_attention_heads", true, 0, 1, 4096, &m->heads, err)
        || read_int(config, m, "num_key_value_heads", false, m->heads, 1, 4096, &m->kv_heads, err)
        || read_int(config, m, "head_dim", false, m->hidden / m->heads ? m->hidden / m->heads : 1, 1, 4096, &m->dim, err)
        || read_int(config, m, "vocab_size", true, 0, 2, 1 << 22, &m->vocab, err)
        || read_int(config, m, "max_position_embeddings", false, 2048, 1, 1 << 24, &m->context, err))
        return -1;
    double eps;
    if (json_get_real(config, m->files.config.path, "rms_norm_eps", false, 1e-6, 0, 1, &eps, err)) return -1;
    m->eps = (float)eps;
    return 0;
}

/* What would change the graph and is not in it. */
static int refuse_strangers(const struct model *m, const json_t *config, struct err *err) {
    const char *path = m->files.config.path, *act;
    bool attention_bias, mlp_bias, sliding;
    if (json_get_bool(config, path, "attention_bias", false, &attention_bias, err) || json_get_bool(config, path, "mlp_bias", false, &mlp_bias, err)
        || json_get_bool(config, path, "use_sliding_window", false, &sliding, err)
        || json_get_text(config, path, "hidden_act", false, "silu", &act, err))
        return -1;
    if (attention_bias || mlp_bias) return err_set(err, "'%s' asks for %s, which this build does not run", path, attention_bias ? "attention_bias" : "mlp_bias");
    if (sliding) return err_set(err, "'%s' asks for use_sliding_window, which this build does not run", path);
    if (strcmp(act, "silu")) return err_set(err, "'%s' has hidden_act '%.32s', expected silu", path, act);
    return 0;
}

/* transformers, modeling_rope_utils.py, _compute_llama3_parameters: long wavelengths are stretched by `factor`,
 * short ones kept, those between interpolated. */
static int scale_llama3(struct model *m, const json_t *rope, struct err *err) {
    const char *path = m->files.config.path;
    double factor, low, high, original;
    if (json_get_real(rope, path, "factor", true, 1, 1e-6, 1e6, &factor, err) || json_get_real(rope, path, "low_freq_factor", true, 1, 1e-6, 1e6, &low, err)
        || json_get_real(rope, path, "high_freq_factor", true, 1, 1e-6, 1e6, &high, err)
        || json_get_real(rope, path, "original_max_position_embeddings", true, 1, 1, 1e9, &original, err))
        return -1;
    if (high <= low) return err_set(err, "'%s' has high_freq_factor %g and low_freq_factor %g, expected the high one above the low", path, high, low);
    if (model_scale_rope(m, factor, err)) return -1;
    for (int j = 0; j < m->dim / 2; j++) {
        double turns = original * pow(m->rope_theta, -2.0 * j / m->dim) / (2 * acos(-1)); // within the original context
        double smooth = (turns - low) / (high - low);
        if (turns > high) m->rope_factors[j] = 1;
        else if (turns >= low) m->rope_factors[j] = (float)(1 / ((1 - smooth) / factor + smooth));
    }
    return 0;
}

static int read_rope(struct model *m, const json_t *config, struct err *err) {
    const char *path = m->files.config.path, *type;
    const json_t *rope = json_object_get(config, "rope_parameters");
    if (!json_is_object(rope)) rope = json_object_get(config, "rope_scaling");
    if (json_get_real(config, path, "rope_theta", false, 10000, 1e-3, 1e12, &m->rope_theta, err)
        || json_get_real(rope, path, "rope_theta", false, m->rope_theta, 1e-3, 1e12, &m->rope_theta, err))
        return -1;
    if (!json_is_object(rope)) return 0;
    if (json_get_text(rope, path, "type", false, "default", &type, err) || json_get_text(rope, path, "rope_type", false, type, &type, err)) return -1;
    if (!strcmp(type, "default")) return 0;
    if (!strcmp(type, "llama3")) return scale_llama3(m, rope, err);
    if (strcmp(type, "linear")) return err_set(err, "'%s' has rope type '%.32s', expected default, linear or llama3", path, type);
    double factor;
    return json_get_real(rope, path, "factor", true, 1, 1e-6, 1e6, &factor, err) || model_scale_rope(m, factor, err) ? -1 : 0;
}

/* eos_token_id: a number, a list of them, or null. */
static int read_ends(struct model *m, const json_t *object, const char *path, struct err *err) {
    const json_t *ends = json_object_get(object, "eos_token_id");
    size_t count = json_is_array(ends) ? json_array_size(ends) : ends && !json_is_null(ends);
    for (size_t i = 0; i < count; i++) {
        const json_t *one = json_is_array(ends) ? json_array_get(ends, i) : ends;
        if (!json_is_integer(one) || json_integer_value(one) < 0 || json_integer_value(one) >= m->vocab || m->end_count == MODEL_ENDS)
            return err_set(err, "bad eos_token_id in '%s': at most %d token ids from 0 to %d expected", path, MODEL_ENDS, m->vocab - 1);
        m->ends[m->end_count++] = (int)json_integer_value(one);
    }
    return 0;
}

static int read_generation(struct model *m, struct err *err) {
    char path[4096];
    snprintf(path, sizeof path, "%s/generation_config.json", m->files.path);
    struct file_map map;
    if (access(path, F_OK)) return 0;
    if (file_map_open(&map, path, err)) return -1;
    json_t *object = json_parse(path, (const char *)map.bytes, map.size, err);
    int rc = object ? read_ends(m, object, path, err) : -1;
    json_decref(object);
    file_map_close(&map);
    return rc;
}

int model_read_hf(struct model *m, struct err *err) {
    const struct file_map *file = &m->files.config;
    if (!file->path) return err_set(err, "'%s' has no config.json", m->files.path);
    json_t *config = json_parse(file->path, (const char *)file->bytes, file->size, err);
    if (!config) return -1;
    int rc = read_arch(m, config, err) || read_sizes(m, config, err) || refuse_strangers(m, config, err) || read_rope(m, config, err)
                     || read_generation(m, err) || read_ends(m, config, file->path, err)
                 ? -1 : 0;
    json_decref(config);
    return rc;
}
