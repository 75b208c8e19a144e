/* test_model.c - a good file is understood; hostile ones get one line. Files are made by patching bytes
 * of a tiny model, and are run a little where they still open. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "core/kernels.h"
#include "core/rng.h"
#include "core/tokenizer.h"
#include "tests/tempdir.h"
#include "tests/tiny.h"

static unsigned char *good; // tests/golden/tiny/a-q4_0.gguf
static size_t good_n, data_at;
static struct tempdir dir;
static char file[4200];

static int open_good(void **state) {
    (void)state;
    struct err err = {""};
    struct file_map m;
    struct gguf g;
    assert_int_equal(file_map_open(&m, TINY "a-q4_0.gguf", &err), 0);
    good_n = m.size;
    good = tiny_alloc(good_n, 1);
    memcpy(good, m.bytes, good_n);
    file_map_close(&m);
    assert_int_equal(gguf_parse(&g, "good", good, good_n, &err), 0);
    data_at = good_n;
    for (uint64_t i = 0; i < g.tensor_count; i++)
        if ((size_t)((const unsigned char *)g.tensors[i].data - good) < data_at) data_at = (size_t)((const unsigned char *)g.tensors[i].data - good);
    gguf_close(&g);
    assert_int_equal(tempdir_open(&dir), 0);
    snprintf(file, sizeof file, "%s", tempdir_file(&dir, "patched.gguf"));
    return 0;
}
static int close_good(void **state) {
    (void)state;
    mem_free(good);
    tempdir_close(&dir);
    return 0;
}

static void write_file(const unsigned char *bytes, size_t n) {
    FILE *f = fopen(file, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

/* Where the text's length and bytes stand, followed by what belongs to it. */
static size_t after_text(const unsigned char *bytes, const char *text) {
    size_t n = strlen(text);
    for (size_t i = 8; i + n <= data_at; i++)
        if (!memcmp(bytes + i, text, n) && bytes[i - 8] == n && !memcmp(bytes + i - 7, "\0\0\0\0\0\0", 7)) return i + n;
    fail_msg("no '%s' in the file", text);
    return 0;
}

static void put(unsigned char *at, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++) at[i] = (unsigned char)(value >> 8 * i);
}

/* Opening `file` fails with one line that names it and holds `words`. */
static void expect_refusal(const char *words) {
    struct model m;
    struct err err = {""};
    assert_int_equal(model_open(&m, file, NULL, &err), -1);
    if (!strstr(err.text, words) || !strstr(err.text, file)) fail_msg("'%s' does not say '%s' of '%s'", err.text, words, file);
    assert_null(strchr(err.text, '\n'));
    assert_true(strlen(err.text) < strlen(file) + 250);
    assert_null(m.layer);
}

/* Opens it; where that works, a few rows must run. Returns model_open's. */
static int try_out(void) {
    struct model m;
    struct engine *e;
    struct err err = {""};
    if (model_open(&m, file, NULL, &err)) {
        assert_true(err.text[0] && !strchr(err.text, '\n'));
        return -1;
    }
    const struct row rows[] = {{0, 0, -1, true}, {1, 0, 0, true}, {m.vocab - 1, 0, 0, false}};
    if (!engine_open(&e, &m, &(struct engine_options){.threads = 1, .max_rows = 3}, &err)) {
        int ids[4];
        float values[4];
        if (!engine_forward(e, rows, m.context < 3 ? m.context : 3, &err)) {
            int n = engine_top(e, 2, ids, values);
            for (int i = 0; i < 2 * n; i++) assert_in_range(ids[i], 0, m.vocab - 1);
        }
        engine_close(e);
    }
    model_close(&m);
    return 0;
}

static void test_a_good_file_is_understood(void **state) {
    (void)state;
    struct model m;
    struct err err = {""};
    assert_int_equal(model_open(&m, TINY "a-q4_0.gguf", NULL, &err), 0);
    assert_string_equal(m.arch, "llama");
    assert_string_equal(m.name, "tiny a");
    assert_string_equal(m.dtype, "Q4_0");
    assert_int_equal(m.layers, 2);
    assert_int_equal(m.hidden, 64);
    assert_int_equal(m.ff, 80);
    assert_int_equal(m.heads, 4);
    assert_int_equal(m.kv_heads, 2);
    assert_int_equal(m.dim, 16);
    assert_int_equal(m.vocab, 320);
    assert_int_equal(m.context, 512);
    assert_true(m.rope_theta == 50000 && m.eps == 1e-5f && m.rope_factors && m.output != m.embedding);
    size_t layer = (64 * 64 * 2 + 64 * 32 * 2 + 64 * 80 * 2) / 32 * 18 + 64 * 80 * 2; // ffn_down is F16
    assert_int_equal(m.weight_bytes, 2 * layer + 320 * 64 / 32 * 18);
    char hex[SHA256_HEX];
    assert_int_equal(model_sha256(&m, hex, &err), 0);
    assert_int_equal(strspn(hex, "0123456789abcdef"), 64);
    model_close(&m);
    model_close(&m); // an empty one is fine
    assert_int_equal(model_open(&m, TINY "b-f16.gguf", NULL, &err), 0);
    assert_ptr_equal(m.output, m.embedding);
    assert_null(m.rope_factors);
    assert_int_equal(m.weight_bytes, 3 * (64 * 64 * 2 + 64 * 32 * 2 + 64 * 128 * 3) * 2 + 384 * 64 * 2);
    model_close(&m);
}

static void test_tiny_models_carry_a_tokenizer(void **state) {
    (void)state;
    const char *const names[] = {"a-f32", "b-f16", "c-bf16"};
    for (int i = 0; i < 3; i++) {
        struct tokenizer t;
        struct err err = {""};
        struct ids ids = {0};
        char path[64];
        snprintf(path, sizeof path, TINY "%s.gguf", names[i]);
        if (tokenizer_open(&t, path, &err)) fail_msg("%s", err.text);
        assert_int_equal(t.eos, 2);
        assert_non_null(strstr(t.chat_template, "<|im_start|>"));
        assert_int_equal(tokenizer_encode(&t, "<|im_start|>the", 15, true, &ids, &err), 0);
        assert_int_equal(ids.at[0], 1);
        mem_free(ids.at);
        tokenizer_close(&t);
    }
}

static void test_wrong_hyperparameters_are_named(void **state) {
    (void)state;
    const struct { const char *key; uint64_t value; const char *words; } cases[] = {
        {"llama.block_count", 0, "key 'llama.block_count' is 0"},
        {"llama.block_count", 3, "tensor 'blk.2.attn_norm.weight' is missing"},
        {"llama.block_count", UINT32_MAX, "key 'llama.block_count' is 4294967295"},
        {"llama.embedding_length", 0, "key 'llama.embedding_length' is 0"},
        {"llama.embedding_length", 96, "head size 24 with 16 rotary dimensions"},
        {"llama.embedding_length", 1u << 31, "key 'llama.embedding_length' is 2147483648"},
        {"llama.feed_forward_length", 0, "key 'llama.feed_forward_length' is 0"},
        {"llama.feed_forward_length", 81, "tensor 'blk.0.ffn_gate.weight'"},
        {"llama.attention.head_count", 0, "key 'llama.attention.head_count' is 0"},
        {"llama.attention.head_count", 3, "head"},
        {"llama.attention.head_count", 2, "head size 32 with 16 rotary dimensions"},
        {"llama.attention.head_count", 128, "attention.key_length' is 0"},
        {"llama.attention.head_count", 1u << 30, "key 'llama.attention.head_count' is 1073741824"},
        {"llama.attention.head_count_kv", 0, "key 'llama.attention.head_count_kv' is 0"},
        {"llama.attention.head_count_kv", 3, "4 query heads for 3 key heads"},
        {"llama.attention.head_count_kv", 8, "4 query heads for 8 key heads"},
        {"llama.attention.head_count_kv", 4, "tensor 'blk.0.attn_k.weight'"},
        {"llama.context_length", 0, "key 'llama.context_length' is 0"},
        {"llama.context_length", UINT32_MAX, "key 'llama.context_length' is 4294967295"},
        {"llama.rope.dimension_count", 8, "head size 16 with 8 rotary dimensions"},
        {"llama.rope.freq_base", 0, "rope base 0"},
        {"llama.rope.freq_base", 0xbf800000, "rope base -1"},
        {"llama.rope.freq_base", 0x7fc00000, "rope base nan"},
        {"llama.attention.layer_norm_rms_epsilon", 0xbf800000, "epsilon -1"},
        {"llama.attention.layer_norm_rms_epsilon", 0x7fc00000, "epsilon nan"},
    };
    unsigned char *bytes = tiny_alloc(good_n, 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memcpy(bytes, good, good_n);
        put(bytes + after_text(bytes, cases[i].key) + 4, cases[i].value, 4);
        write_file(bytes, good_n);
        expect_refusal(cases[i].words);
    }
    memcpy(bytes, good, good_n); // another type: f32 instead of u32
    put(bytes + after_text(bytes, "llama.block_count"), 6, 4);
    write_file(bytes, good_n);
    expect_refusal("key 'llama.block_count' in");
    memcpy(bytes, good, good_n);
    bytes[after_text(bytes, "llama.embedding_length") - 1] = 'x';
    write_file(bytes, good_n);
    expect_refusal("key 'llama.embedding_length' is missing");
    memcpy(bytes, good, good_n);
    memcpy(bytes + after_text(bytes, "general.architecture") + 4 + 8, "l\n\033ma", 5);
    write_file(bytes, good_n);
    expect_refusal("architecture 'l\?\?ma' of");
    mem_free(bytes);
}

static void test_wrong_tensors_are_named(void **state) {
    (void)state;
    enum { NE0 = 4, NE1 = 12, TYPE2 = 20, OFFSET2 = 24, TYPE1 = 12, NAME = -3 }; // from the end of the name; 1, 2: dimensions
    const struct { const char *tensor; int at; uint64_t value; int bytes; const char *words; } cases[] = {
        {"blk.1.ffn_up.weight", TYPE2, 99, 4, "tensor 'blk.1.ffn_up.weight' of"},
        {"blk.1.ffn_up.weight", TYPE2, 15, 4, "type Q8_K, which this build does not read"},
        {"token_embd.weight", TYPE2, 99, 4, "tensor 'token_embd.weight' of"},
        {"blk.0.attn_norm.weight", TYPE1, 8, 4, "has type Q8_0, expected F32, F16 or BF16"},
        {"blk.1.attn_q.weight", NAME, 'x', 1, "tensor 'blk.1.attn_q.weight' is missing"},
        {"token_embd.weight", NAME, 'x', 1, "tensor 'token_embd.weight' is missing"},
        {"output_norm.weight", NAME, 'x', 1, "tensor 'output_norm.weight' is missing"},
        {"output.weight", NE1, 319, 8, "tensor 'output.weight' of"},
        {"token_embd.weight", NE1, 319, 8, "tensor 'output.weight' of"},
        {"token_embd.weight", NE1, 1, 8, "a vocabulary of 1 tokens"},
        {"token_embd.weight", NE1, 0, 8, "bad dimension 1 (0)"},
        {"token_embd.weight", NE1, 1ull << 60, 8, "bad dimension"},
        {"token_embd.weight", NE1, 1ull << 40, 8, "tensor 'token_embd.weight' needs"},
        {"blk.0.attn_v.weight", NE0, 32, 8, "has shape 32 x 32, expected 64 x 32"},
        {"blk.0.attn_v.weight", NE0, 48, 8, "rows of 48 values, Q4_0 needs a multiple of 32"},
        {"rope_freqs.weight", NE0, 4, 8, "bad tensor 'rope_freqs.weight' in"},
        {"blk.0.ffn_down.weight", OFFSET2, 1ull << 40, 8, "the file ends at"},
        {"blk.0.ffn_down.weight", OFFSET2, UINT64_MAX - 31, 8, "the file ends at"},
        {"blk.0.ffn_down.weight", OFFSET2, 33, 8, "a multiple of 32 expected"},
        {"blk.0.ffn_down.weight", 0, 5, 4, "bad number of dimensions 5"},
    };
    unsigned char *bytes = tiny_alloc(good_n, 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memcpy(bytes, good, good_n);
        put(bytes + after_text(bytes, cases[i].tensor) + cases[i].at, cases[i].value, cases[i].bytes);
        write_file(bytes, good_n);
        expect_refusal(cases[i].words);
    }
    mem_free(bytes);
}

static void test_huge_counts_are_refused_before_memory_is_taken(void **state) {
    (void)state;
    unsigned char *bytes = tiny_alloc(good_n, 1);
    const struct { size_t at; const char *words; } counts[] = {{8, "of tensors"}, {16, "of keys"}};
    for (int i = 0; i < 2; i++) {
        memcpy(bytes, good, good_n);
        put(bytes + counts[i].at, 1ull << 40, 8);
        write_file(bytes, good_n);
        expect_refusal(counts[i].words);
    }
    memcpy(bytes, good, good_n); // the array of tokens: type, item, count
    put(bytes + after_text(bytes, "tokenizer.ggml.tokens") + 8, 1ull << 60, 8);
    write_file(bytes, good_n);
    expect_refusal("'tokenizer.ggml.tokens'");
    memcpy(bytes, good, good_n);
    put(bytes + after_text(bytes, "general.name") + 4, UINT64_MAX, 8);
    write_file(bytes, good_n);
    assert_int_equal(try_out(), -1);
    mem_free(bytes);
}

static void test_a_file_cut_anywhere_is_refused(void **state) {
    (void)state;
    for (size_t n = 0; n < good_n; n += n < 600 ? 1 : n < data_at ? 29 : 1499) {
        write_file(good, n);
        assert_int_equal(try_out(), -1);
    }
    write_file(good, good_n - 1); // the writer pads to 32: whatever was last needs less
    try_out();
    struct model m;
    struct err err = {""};
    assert_int_equal(model_open(&m, dir.path, NULL, &err), -1);
    assert_non_null(strstr(err.text, dir.path));
    assert_int_equal(model_open(&m, "tests/golden/tiny/none.gguf", NULL, &err), -1);
    assert_non_null(strstr(err.text, "none.gguf"));
    assert_int_equal(model_open(&m, TINY "README.md", NULL, &err), -1);
    assert_non_null(strstr(err.text, "is not a model file"));
}

static void test_flipped_bytes_never_crash(void **state) {
    (void)state;
    struct rng r = rng_at(1, rng_stream("flips"), 0, 0);
    unsigned char *bytes = tiny_alloc(good_n, 1);
    int opened = 0;
    for (int i = 0; i < 400; i++) { // half of them where tensors are described
        memcpy(bytes, good, good_n);
        size_t from = i % 2 ? after_text(good, "token_embd.weight") - 200 : 0;
        size_t at = from + (size_t)rng_below(&r, (int)((i % 2 ? data_at : 1500) - from));
        bytes[at] = (unsigned char)(i % 3 ? rng_below(&r, 256) : bytes[at] ^ 1 << rng_below(&r, 8));
        write_file(bytes, good_n);
        opened += try_out() == 0;
    }
    assert_in_range(opened, 10, 390); // both happen
    mem_free(bytes);
}

/* NaN, infinity and anything else as weights: useless results, but results. */
static void test_weights_that_are_no_numbers_run_on_every_kernel_set(void **state) {
    (void)state;
    struct rng r = rng_at(2, rng_stream("weights"), 0, 0);
    unsigned char *bytes = tiny_alloc(good_n, 1);
    for (int set = 0; kernels_name(set); set++) {
        setenv("BANDITSPEC_KERNELS", kernels_name(set), 1);
        for (int fill = 0; fill < 5; fill++) {
            memcpy(bytes, good, good_n);
            bytes[after_text(bytes, "rope_freqs.weight") - 1] = 'x'; // rotary factors must be positive numbers: none here
            for (size_t i = data_at; i < good_n; i++)
                bytes[i] = (unsigned char)(fill == 0 ? 0 : fill == 1 ? 0xff : fill == 2 ? (i % 2 ? 0x7c : 0) : fill == 3 ? (i % 4 == 3 ? 0x7f : i % 4 == 2 ? 0x80 : 0) : rng_below(&r, 256));
            write_file(bytes, good_n);
            assert_int_equal(try_out(), 0);
        }
    }
    unsetenv("BANDITSPEC_KERNELS");
    mem_free(bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_good_file_is_understood),
        cmocka_unit_test(test_tiny_models_carry_a_tokenizer),
        cmocka_unit_test(test_wrong_hyperparameters_are_named),
        cmocka_unit_test(test_wrong_tensors_are_named),
        cmocka_unit_test(test_huge_counts_are_refused_before_memory_is_taken),
        cmocka_unit_test(test_a_file_cut_anywhere_is_refused),
        cmocka_unit_test(test_flipped_bytes_never_crash),
        cmocka_unit_test(test_weights_that_are_no_numbers_run_on_every_kernel_set),
    };
    return cmocka_run_group_tests(tests, open_good, close_good);
}
