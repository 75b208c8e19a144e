/* test_quantize.c - quantizing on load gives the very blocks that the `gguf` package writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "core/gguf.h"
#include "core/mem.h"
#include "core/quantize.h"

static void open_file(struct gguf *g, const char *path) {
    struct err err = {""};
    if (gguf_open(g, path, &err)) fail_msg("%s", err.text);
}

static void test_blocks_are_those_of_the_gguf_package(void **state) {
    (void)state;
    static const char *const names[] = {"token_embd.weight", "output.weight", "blk.0.attn_q.weight", "blk.1.attn_k.weight", "blk.0.attn_output.weight",
                                        "blk.1.ffn_gate.weight", "blk.0.ffn_up.weight"};
    const struct { const char *path; uint32_t type; } cases[] = {{"tests/golden/tiny/a-q8_0.gguf", TENSOR_Q8_0}, {"tests/golden/tiny/a-q4_0.gguf", TENSOR_Q4_0}};
    struct gguf plain, packed;
    open_file(&plain, "tests/golden/tiny/a-f32.gguf");
    for (size_t c = 0; c < 2; c++) {
        open_file(&packed, cases[c].path);
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            struct err err = {""};
            struct tensor ours;
            const struct tensor *theirs = gguf_tensor(&packed, names[i]);
            assert_int_equal(theirs->type, cases[c].type);
            if (tensor_quantize(gguf_tensor(&plain, names[i]), cases[c].type, &ours, &err)) fail_msg("%s", err.text);
            assert_int_equal(ours.bytes, theirs->bytes);
            assert_memory_equal(ours.data, theirs->data, ours.bytes);
            mem_free((void *)ours.data);
        }
        gguf_close(&packed);
    }
    gguf_close(&plain);
}

static void test_a_weight_that_is_no_number_is_named_with_its_place(void **state) {
    (void)state;
    float x[64] = {[40] = NAN};
    const struct tensor t = {.name = "w", .name_n = 1, .type = TENSOR_F32, .ne = {32, 2, 1, 1}, .data = x, .bytes = sizeof x};
    struct tensor out;
    struct err err = {""};
    assert_int_equal(tensor_quantize(&t, TENSOR_Q8_0, &out, &err), -1);
    assert_string_equal(err.text, "tensor 'w' holds nan at row 1, column 8, expected finite numbers");
}

/* Every half, widened, comes back; between two neighbours the nearer one wins, the even one in the middle. */
static void test_halves_round_to_nearest_even(void **state) {
    (void)state;
    const struct tensor_layout *f16 = tensor_layout(TENSOR_F16);
    for (uint32_t h = 0; h < 0x7c00; h++) {
        unsigned char at[2][2] = {{(unsigned char)h, (unsigned char)(h >> 8)}, {(unsigned char)(h + 1), (unsigned char)((h + 1) >> 8)}};
        float x[2];
        f16->dequantize(at, 2, x);
        if (h + 1 == 0x7c00) x[1] = 65536; // where the next half would be
        float middle = (x[0] + x[1]) / 2;  // exact: floats have 13 bits more
        assert_int_equal(narrow_f16(x[0]), h);
        assert_int_equal(narrow_f16(-x[0]), h | 0x8000);
        assert_int_equal(narrow_f16(middle), h % 2 ? h + 1 : h);
        assert_int_equal(narrow_f16(nextafterf(middle, 0)), h);
        assert_int_equal(narrow_f16(nextafterf(middle, INFINITY)), h + 1);
    }
    assert_int_equal(narrow_f16(INFINITY), 0x7c00);
    assert_int_equal(narrow_f16(1e30f), 0x7c00);
    assert_int_equal(narrow_f16(NAN) & 0x7e00, 0x7e00);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_are_those_of_the_gguf_package),
        cmocka_unit_test(test_a_weight_that_is_no_number_is_named_with_its_place),
        cmocka_unit_test(test_halves_round_to_nearest_even),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
