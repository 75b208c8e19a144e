/* test_checkpoint.c - directories, shards and their index; whole models from every kind of file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <sys/stat.h>

#include "core/tokenizer_model.h"
#include "tests/tempdir.h"
#include "tests/tiny.h"

#define HF "tests/golden/tiny-hf/"

static struct tempdir dir;

static int open_dir(void **state) {
    (void)state;
    tempdir_open(&dir);
    return 0;
}
static int close_dir(void **state) {
    (void)state;
    tempdir_close(&dir);
    return 0;
}

/* Logits of all 60 tokens against transformers', and its greedy ids. */
static void check_model(const char *path, char golden, double tolerance) {
    struct tiny_golden g = tiny_golden(golden);
    struct model m;
    struct engine *e;
    struct err err = {""};
    if (model_open(&m, path, NULL, &err) || engine_open(&e, &m, &(struct engine_options){.threads = 1}, &err)) fail_msg("%s: %s", path, err.text);
    assert_int_equal(m.vocab, g.vocab);
    struct row rows[TINY_TOKENS];
    for (int i = 0; i < TINY_TOKENS; i++) rows[i] = (struct row){g.tokens[i], 0, i - 1, true};
    if (engine_forward(e, rows, TINY_TOKENS, &err)) fail_msg("%s", err.text);
    float *logits = tiny_alloc((size_t)TINY_TOKENS * (size_t)m.vocab, sizeof *logits);
    assert_int_equal(engine_logits(e, logits), TINY_TOKENS);
    double worst = 0;
    for (size_t i = 0; i < (size_t)TINY_TOKENS * (size_t)m.vocab; i++) {
        float expected;
        memcpy(&expected, g.logits.bytes + i * sizeof expected, sizeof expected);
        worst = fmax(worst, fabs((double)logits[i] - expected));
    }
    if (!(worst < tolerance)) fail_msg("%s: logits differ by %g", path, worst);
    engine_rewind(e, 0, 0);
    if (engine_prefill(e, 0, g.prompt, TINY_PROMPT, NULL, &err)) fail_msg("%s", err.text);
    for (int i = 0; i < TINY_GREEDY; i++) {
        int id;
        float value;
        engine_top(e, 1, &id, &value);
        if (id != g.greedy[i]) fail_msg("%s: greedy token %d is %d, expected %d", path, i, id, g.greedy[i]);
        if (engine_prefill(e, 0, &id, 1, NULL, &err)) fail_msg("%s", err.text);
    }
    mem_free(logits);
    file_map_close(&g.logits);
    engine_close(e);
    model_close(&m);
}

static void test_every_directory_gives_the_golden_logits_and_ids(void **state) {
    (void)state;
    check_model(HF "a", 'a', 2e-4);  // safetensors F32, llama3 scaling
    check_model(HF "b", 'b', 2e-4);  // two shards F16 and an index, tied
    check_model(HF "c", 'c', 2e-4);  // pytorch_model.bin BF16
    check_model(HF "d", 'd', 2e-4);  // Qwen2, biases
    check_model(HF "e/", 'e', 2e-4); // Qwen2, tied; an unused sliding window
}

static void test_both_forms_of_config_mean_the_same(void **state) {
    (void)state;
    check_model(HF "a5", 'a', 2e-4); // as transformers 5 writes it
    check_model(HF "d5", 'd', 2e-4);
}

/* golden.json of the model: transformers' inv_freq. */
static void test_llama3_scaling_gives_the_frequencies_of_transformers(void **state) {
    (void)state;
    static const double expected[] = {1.0, 0.2586001455783844, 0.015426799654960632, 0.0021617042366415262,
                                      0.0005590170039795339, 0.00014456186909228563, 3.738372106454335e-05, 9.667434824223164e-06};
    struct model m;
    struct err err = {""};
    if (model_open(&m, HF "a", NULL, &err)) fail_msg("%s", err.text);
    for (int j = 0; j < 8; j++) {
        double frequency = pow(m.rope_theta, -2.0 * j / m.dim) / m.rope_factors[j];
        assert_true(fabs(frequency / expected[j] - 1) < 1e-6);
    }
    model_close(&m);
}

static void copy(const char *from, const char *to) {
    struct file_map map;
    struct err err = {""};
    if (file_map_open(&map, from, &err)) fail_msg("%s", err.text);
    FILE *f = fopen(tempdir_file(&dir, to), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(map.bytes, 1, map.size, f), map.size);
    assert_int_equal(fclose(f), 0);
    file_map_close(&map);
}

static void write_text(const char *name, const char *text) {
    FILE *f = fopen(tempdir_file(&dir, name), "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static void drop(const char *name) { remove(tempdir_file(&dir, name)); }

/* Opening the directory fails with one line that holds `words` and names it. */
static void expect_refusal(const char *words) {
    struct model m;
    struct err err = {""};
    int rc = model_open(&m, dir.path, NULL, &err);
    if (rc != -1 || !strstr(err.text, words) || !strstr(err.text, dir.path) || strchr(err.text, '\n')) fail_msg("%d '%s', expected '%s'", rc, err.text, words);
}

#define SIZES "\"hidden_size\":64,\"intermediate_size\":80,\"num_hidden_layers\":2,\"num_attention_heads\":4,\"num_key_value_heads\":2,\"vocab_size\":320"

static void test_bad_configs_are_named(void **state) {
    (void)state;
    static const struct { const char *config, *words; } cases[] = {
        {"{", "bad JSON in line 1"}, {"[]", "no JSON object"}, {"{}", "key 'model_type' is missing"},
        {"{\"model_type\":7}", "bad value of key 'model_type'"}, {"{\"model_type\":\"gpt2\"}", "architecture 'gpt2'"},
        {"{\"model_type\":\"llama\"}", "key 'num_hidden_layers' is missing"},
        {"{\"model_type\":\"llama\"," SIZES ",\"num_hidden_layers\":2}", "duplicate"},
        {"{\"model_type\":\"llama\",\"num_hidden_layers\":0}", "bad value of key 'num_hidden_layers'"},
        {"{\"model_type\":\"llama\",\"num_hidden_layers\":\"2\"}", "bad value of key 'num_hidden_layers'"},
        {"{\"model_type\":\"llama\"," SIZES ",\"head_dim\":24}", "expected a multiple of 16"},
        {"{\"model_type\":\"llama\"," SIZES ",\"rms_norm_eps\":-1}", "bad value of key 'rms_norm_eps'"},
        {"{\"model_type\":\"llama\"," SIZES ",\"attention_bias\":true}", "asks for attention_bias"},
        {"{\"model_type\":\"llama\"," SIZES ",\"use_sliding_window\":true}", "asks for use_sliding_window"},
        {"{\"model_type\":\"llama\"," SIZES ",\"hidden_act\":\"gelu\"}", "hidden_act 'gelu'"},
        {"{\"model_type\":\"llama\"," SIZES ",\"rope_scaling\":{\"type\":\"yarn\",\"factor\":2}}", "rope type 'yarn'"},
        {"{\"model_type\":\"llama\"," SIZES ",\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":8}}", "key 'low_freq_factor' is missing"},
        {"{\"model_type\":\"llama\"," SIZES ",\"rope_scaling\":{\"type\":\"linear\",\"factor\":0}}", "bad value of key 'factor'"},
        {"{\"model_type\":\"llama\"," SIZES ",\"eos_token_id\":[2,320]}", "bad eos_token_id"},
        {"{\"model_type\":\"qwen2\"," SIZES "}", "tensor 'model.layers.0.self_attn.q_proj.bias' is missing"},
        {"{\"model_type\":\"llama\",\"hidden_size\":64,\"intermediate_size\":80,\"num_hidden_layers\":2,\"num_attention_heads\":4,\"num_key_value_heads\":2,\"vocab_size\":319}", "has 320 rows, vocab_size is 319"},
        {"{\"model_type\":\"llama\",\"hidden_size\":64,\"intermediate_size\":96,\"num_hidden_layers\":2,\"num_attention_heads\":4,\"num_key_value_heads\":2,\"vocab_size\":320}", "has shape 64 x 80, expected 64 x 96"},
        {"{\"model_type\":\"llama\",\"hidden_size\":64,\"intermediate_size\":80,\"num_hidden_layers\":3,\"num_attention_heads\":4,\"num_key_value_heads\":2,\"vocab_size\":320}", "tensor 'model.layers.2.input_layernorm.weight' is missing"},
    };
    copy(HF "a/model.safetensors", "model.safetensors");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_text("config.json", cases[i].config);
        expect_refusal(cases[i].words);
    }
    drop("config.json");
    expect_refusal("has no config.json");
    drop("model.safetensors");
    expect_refusal("holds no weights");
}

static void test_bad_indexes_and_shards_are_named(void **state) {
    (void)state;
    static const struct { const char *index, *words; } cases[] = {
        {"{}", "has no weight_map"}, {"{\"weight_map\":{}}", "has no weight_map"}, {"{\"weight_map\":[]}", "has no weight_map"}, {"nonsense", "bad JSON"},
        {"{\"weight_map\":{\"w\":7}}", "bad file of tensor 'w'"}, {"{\"weight_map\":{\"w\":\"../x\"}}", "bad file of tensor 'w'"},
        {"{\"weight_map\":{\"w\":\"/etc/passwd\"}}", "bad file of tensor 'w'"}, {"{\"weight_map\":{\"w\":\"\"}}", "bad file of tensor 'w'"},
        {"{\"weight_map\":{\"w\":\"absent.safetensors\"}}", "cannot open"},
        {"{\"weight_map\":{\"w\":\"model-00001-of-00002.safetensors\"}}", "tensor 'w' is not in"},
        {"{\"weight_map\":{\"w\":\"config.json\"}}", "is not a model file"},
    };
    copy(HF "b/config.json", "config.json");
    copy(HF "b/model-00001-of-00002.safetensors", "model-00001-of-00002.safetensors");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_text("model.safetensors.index.json", cases[i].index);
        expect_refusal(cases[i].words);
    }
    copy(HF "b/model.safetensors.index.json", "model.safetensors.index.json");
    expect_refusal("model-00002-of-00002.safetensors"); // the second shard is absent
    drop("model.safetensors.index.json"), drop("model-00001-of-00002.safetensors"), drop("config.json");
}

static void test_one_file_of_weights_is_no_model(void **state) {
    (void)state;
    struct model m;
    struct err err = {""};
    assert_int_equal(model_open(&m, HF "a/model.safetensors", NULL, &err), -1);
    assert_non_null(strstr(err.text, "the directory with config.json"));
}

/* ---- GGUF in parts: cut here from a whole one, as gguf-split does */

struct writer {
    unsigned char *at;
    size_t n;
};

static void put(struct writer *w, const void *bytes, size_t n) { memcpy(w->at + w->n, bytes, n), w->n += n; }
static void put_u64(struct writer *w, uint64_t v) { put(w, &v, 8); }
static void put_u32(struct writer *w, uint32_t v) { put(w, &v, 4); }
static void put_text(struct writer *w, const char *text, size_t n) { put_u64(w, n), put(w, text, n); }
static void put_key(struct writer *w, const char *key, uint32_t value) { put_text(w, key, strlen(key)), put_u32(w, GGUF_U32), put_u32(w, value); }

/* Tensors [from, to) of g; the metadata goes with the first part. */
static void write_part(const struct gguf *g, uint32_t no, uint32_t count, uint32_t all, uint64_t from, uint64_t to, const char *name) {
    struct writer w = {tiny_alloc(g->size + 4096, 1), 0};
    put(&w, "GGUF", 4), put_u32(&w, 3), put_u64(&w, to - from), put_u64(&w, (no ? 0 : g->value_count) + 3);
    put_key(&w, "split.no", no), put_key(&w, "split.count", count), put_key(&w, "split.tensors.count", all);
    if (!no) { // all entries as they stand: from the first key to the first tensor's name
        const unsigned char *begin = g->bytes + 24, *end = (const unsigned char *)g->tensors[0].name - 8;
        put(&w, begin, (size_t)(end - begin));
    }
    uint64_t offset = 0;
    for (uint64_t i = from; i < to; i++) {
        const struct tensor *t = &g->tensors[i];
        put_text(&w, t->name, t->name_n), put_u32(&w, 2), put_u64(&w, t->ne[0]), put_u64(&w, t->ne[1]), put_u32(&w, t->type), put_u64(&w, offset);
        offset += (t->bytes + 31) / 32 * 32;
    }
    w.n = (w.n + 31) / 32 * 32;
    for (uint64_t i = from; i < to; i++) {
        memcpy(w.at + w.n, g->tensors[i].data, g->tensors[i].bytes);
        w.n += (g->tensors[i].bytes + 31) / 32 * 32;
    }
    FILE *f = fopen(tempdir_file(&dir, name), "wb");
    assert_int_equal(fwrite(w.at, 1, w.n, f), w.n);
    assert_int_equal(fclose(f), 0);
    mem_free(w.at);
}

static void test_a_split_gguf_is_one_model(void **state) {
    (void)state;
    struct gguf g;
    struct err err = {""};
    if (gguf_open(&g, TINY "a-f32.gguf", &err)) fail_msg("%s", err.text);
    uint32_t all = (uint32_t)g.tensor_count;
    write_part(&g, 0, 3, all, 0, 5, "m-00001-of-00003.gguf");
    write_part(&g, 1, 3, all, 5, 9, "m-00002-of-00003.gguf");
    write_part(&g, 2, 3, all, 9, all, "m-00003-of-00003.gguf");
    char first[4200];
    snprintf(first, sizeof first, "%s", tempdir_file(&dir, "m-00001-of-00003.gguf"));
    check_model(first, 'a', 2e-4);
    struct model m;
    assert_int_equal(model_open(&m, tempdir_file(&dir, "m-00002-of-00003.gguf"), NULL, &err), -1);
    assert_non_null(strstr(err.text, "is part 2 of 3, expected the first"));
    write_part(&g, 1, 3, all, 5, 8, "m-00002-of-00003.gguf"); // a tensor less
    assert_int_equal(model_open(&m, first, NULL, &err), -1);
    assert_non_null(strstr(err.text, "split.tensors.count says"));
    write_part(&g, 2, 3, all, 5, 9, "m-00002-of-00003.gguf");
    assert_int_equal(model_open(&m, first, NULL, &err), -1);
    assert_non_null(strstr(err.text, "says it is part 3 of 3, expected 2 of 3"));
    write_part(&g, 1, 3, all, 4, 9, "m-00002-of-00003.gguf");
    assert_int_equal(model_open(&m, first, NULL, &err), -1);
    assert_non_null(strstr(err.text, "appears twice"));
    drop("m-00002-of-00003.gguf");
    assert_int_equal(model_open(&m, first, NULL, &err), -1);
    assert_non_null(strstr(err.text, "m-00002-of-00003.gguf"));
    gguf_close(&g);
}

/* ---- quantized on load */

static void test_quantizing_on_load_gives_the_quantized_file(void **state) {
    (void)state;
    const struct { const char *word, *file, *dtype; } cases[] = {{"q8_0", TINY "a-q8_0.gguf", "Q8_0 of F32"}, {"q4_0", TINY "a-q4_0.gguf", "Q4_0 of F32"}};
    struct tiny_golden g = tiny_golden('a');
    for (int c = 0; c < 2; c++) {
        struct model loaded, stored;
        struct engine *e[2];
        struct err err = {""};
        float *logits[2];
        if (model_open(&loaded, TINY "a-f32.gguf", cases[c].word, &err) || model_open(&stored, cases[c].file, NULL, &err)
            || engine_open(&e[0], &loaded, &(struct engine_options){.threads = 1}, &err) || engine_open(&e[1], &stored, &(struct engine_options){.threads = 1}, &err))
            fail_msg("%s", err.text);
        assert_string_equal(loaded.dtype, cases[c].dtype);
        struct row rows[2] = {{g.tokens[0], 0, -1, true}, {g.tokens[1], 0, 0, true}};
        for (int i = 0; i < 2; i++) {
            if (engine_forward(e[i], rows, 2, &err)) fail_msg("%s", err.text);
            logits[i] = tiny_alloc(2 * (size_t)g.vocab, sizeof(float));
            engine_logits(e[i], logits[i]);
        }
        double far[2] = {0, 0}; // from the logits of the floats
        for (int i = 0; i < 2 * g.vocab; i++) {
            float plain;
            memcpy(&plain, g.logits.bytes + (size_t)i * sizeof plain, sizeof plain);
            for (int side = 0; side < 2; side++) far[side] = fmax(far[side], fabs((double)logits[side][i] - plain));
        }
        /* Not the same bits: the stored file rounds the embedding too. But an error of the same size, and not none. */
        if (!(far[0] > 1e-3 && far[0] < 2 * far[1])) fail_msg("%s: %g from the floats, the stored file %g", cases[c].word, far[0], far[1]);
        for (int i = 0; i < 2; i++) mem_free(logits[i]), engine_close(e[i]);
        model_close(&loaded), model_close(&stored);
    }
    file_map_close(&g.logits);
    struct model m;
    struct err err = {""};
    assert_int_equal(model_open(&m, TINY "a-f32.gguf", "q3_k", &err), ERR_USAGE);
    assert_non_null(strstr(err.text, "expected q8_0 or q4_0"));
}

/* ---- what a trace keeps */

static void test_the_sum_is_what_sha256sum_prints(void **state) {
    (void)state;
    char hex[SHA256_HEX], out[256];
    struct model m;
    struct err err = {""};
    if (model_open(&m, HF "b", NULL, &err) || model_sha256(&m, hex, &err)) fail_msg("%s", err.text);
    FILE *p = popen("cd " HF "b && sha256sum config.json model-0*.safetensors | sha256sum", "r");
    assert_non_null(p);
    assert_non_null(fgets(out, sizeof out, p));
    assert_int_equal(pclose(p), 0);
    assert_memory_equal(out, hex, 64);
    model_close(&m);
}

static void test_a_directory_without_a_tokenizer_runs_on_ids(void **state) {
    (void)state;
    struct model m;
    struct tokenizer t;
    struct err err = {""};
    struct ids ids = {0};
    struct buffer text = {0};
    if (model_open(&m, HF "d", NULL, &err) || tokenizer_open_model(&t, &m, &err)) fail_msg("%s", err.text);
    assert_true(tokenizer_is_end(&t, 2));
    assert_int_equal(t.eos, 2);
    assert_int_equal(tokenizer_encode(&t, "a", 1, true, &ids, &err), -1);
    assert_non_null(strstr(err.text, "has no tokenizer.json"));
    assert_int_equal(tokenizer_decode(&t, (int[]){7, 319}, 2, true, &text, &err), 0);
    assert_int_equal(text.n, 8);
    assert_memory_equal(text.at, "<7><319>", 8);
    buffer_close(&text), ids_close(&ids), tokenizer_close(&t), model_close(&m);
}

static void test_end_tokens_come_from_both_configs(void **state) {
    (void)state;
    copy(HF "d/config.json", "config.json");
    copy(HF "d/model.safetensors", "model.safetensors");
    write_text("generation_config.json", "{\"eos_token_id\": [5, 9]}");
    struct model m;
    struct tokenizer t;
    struct err err = {""};
    if (model_open(&m, dir.path, NULL, &err) || tokenizer_open_model(&t, &m, &err)) fail_msg("%s", err.text);
    assert_int_equal(t.eos, 5);
    assert_true(tokenizer_is_end(&t, 5) && tokenizer_is_end(&t, 9) && tokenizer_is_end(&t, 2) && !tokenizer_is_end(&t, 3));
    tokenizer_close(&t), model_close(&m);
    write_text("generation_config.json", "{\"eos_token_id\": \"x\"}");
    expect_refusal("bad eos_token_id");
    drop("generation_config.json"), drop("config.json"), drop("model.safetensors");
}

int main(int argc, char **argv) {
    (void)argc;
    tiny_calm_threads(argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_directory_gives_the_golden_logits_and_ids), cmocka_unit_test(test_both_forms_of_config_mean_the_same),
        cmocka_unit_test(test_llama3_scaling_gives_the_frequencies_of_transformers), cmocka_unit_test(test_bad_configs_are_named),
        cmocka_unit_test(test_bad_indexes_and_shards_are_named), cmocka_unit_test(test_one_file_of_weights_is_no_model),
        cmocka_unit_test(test_a_split_gguf_is_one_model), cmocka_unit_test(test_quantizing_on_load_gives_the_quantized_file),
        cmocka_unit_test(test_the_sum_is_what_sha256sum_prints), cmocka_unit_test(test_a_directory_without_a_tokenizer_runs_on_ids),
        cmocka_unit_test(test_end_tokens_come_from_both_configs),
    };
    return cmocka_run_group_tests(tests, open_dir, close_dir);
}
