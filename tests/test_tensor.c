/* test_tensor.c - exact values of every block type. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/map.h"
#include "core/mem.h"
#include "core/tensor.h"

static struct file_map open_golden(const char *name) {
    char path[128];
    struct err err = {""};
    struct file_map m;
    snprintf(path, sizeof path, "tests/golden/quants/%s", name);
    if (file_map_open(&m, path, &err)) fail_msg("%s", err.text);
    return m;
}

static void check_blocks(uint32_t type) {
    const struct tensor_layout *l = tensor_layout(type);
    char name[32];
    snprintf(name, sizeof name, "%s.raw", l->name);
    struct file_map raw = open_golden(name);
    snprintf(name, sizeof name, "%s.f32", l->name);
    struct file_map values = open_golden(name);
    assert_int_equal(raw.size, 2048 / l->block * l->bytes);
    assert_int_equal(values.size, 2048 * sizeof(float));
    float out[2048];
    l->dequantize(raw.bytes, (size_t)(2048 / l->block), out);
    for (int i = 0; i < 2048; i++)
        if (memcmp(&out[i], values.bytes + 4 * i, 4)) fail_msg("%s value %d is %.9g", l->name, i, (double)out[i]);
    // the same as a tensor of 4 rows
    struct tensor t = {.type = type, .ne = {512, 2, 2, 1}, .data = raw.bytes, .bytes = raw.size};
    for (uint64_t row = 0; row < 4; row++) {
        float one[512];
        tensor_row(&t, row, one);
        assert_memory_equal(one, out + row * 512, sizeof one);
    }
    file_map_close(&raw);
    file_map_close(&values);
}

static void test_quantized_blocks_equal_the_gguf_package(void **state) {
    (void)state;
    const uint32_t types[] = {TENSOR_Q4_0, TENSOR_Q4_1, TENSOR_Q5_0, TENSOR_Q5_1, TENSOR_Q8_0, TENSOR_Q4_K, TENSOR_Q5_K, TENSOR_Q6_K};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) check_blocks(types[i]);
}

static void test_f16_widens_every_half_exactly(void **state) {
    (void)state;
    for (uint32_t bits = 0; bits < 0x10000; bits++) {
        unsigned char half[2] = {(unsigned char)bits, (unsigned char)(bits >> 8)};
        float got;
        tensor_layout(TENSOR_F16)->dequantize(half, 1, &got);
        int exponent = bits >> 10 & 31, fraction = bits & 0x3ff; // IEEE 754-2008, binary16
        double expected = exponent == 31 ? (fraction ? NAN : INFINITY)
                        : exponent       ? ldexp(1024 + fraction, exponent - 25)
                                         : ldexp(fraction, -24);
        if (isnan(expected) ? !isnan(got) : (double)got != (bits & 0x8000 ? -expected : expected))
            fail_msg("half %04x is %g, expected %g", bits, (double)got, expected);
        assert_int_equal(!!signbit(got), bits >> 15);
    }
}

static void test_bf16_and_f32_keep_their_bits(void **state) {
    (void)state;
    const unsigned char bf16[] = {0x80, 0x3f, 0x49, 0xc0}, f32[] = {0xdb, 0x0f, 0x49, 0x40};
    float out[2];
    tensor_layout(TENSOR_BF16)->dequantize(bf16, 2, out);
    assert_true(out[0] == 1.0f && out[1] == -3.140625f);
    tensor_layout(TENSOR_F32)->dequantize(f32, 1, out);
    assert_true(out[0] == 3.14159274f);
}

static void test_unknown_types_have_no_layout(void **state) {
    (void)state;
    const uint32_t types[] = {4, 5, 9, 10, 11, 15, 29, 31, 1000, UINT32_MAX};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) assert_null(tensor_layout(types[i]));
}

static void test_file_map_names_what_it_cannot_read(void **state) {
    (void)state;
    struct file_map m;
    struct err err = {""};
    assert_int_equal(file_map_open(&m, "tests/golden/none", &err), -1);
    assert_string_equal(err.text, "cannot open 'tests/golden/none': No such file or directory");
    assert_int_equal(file_map_open(&m, "tests/golden", &err), -1);
    assert_string_equal(err.text, "cannot read 'tests/golden': it is a directory, expected a file");
    file_map_close(&m);
}

static void test_file_map_sha256_equals_fips_180(void **state) {
    (void)state;
    struct file_map abc = {.path = "abc", .bytes = (const unsigned char *)"abc", .size = 3};
    char hex[SHA256_HEX];
    struct err err = {""};
    assert_int_equal(file_map_sha256(&abc, hex, &err), 0);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quantized_blocks_equal_the_gguf_package),
        cmocka_unit_test(test_f16_widens_every_half_exactly),
        cmocka_unit_test(test_bf16_and_f32_keep_their_bits),
        cmocka_unit_test(test_unknown_types_have_no_layout),
        cmocka_unit_test(test_file_map_names_what_it_cannot_read),
        cmocka_unit_test(test_file_map_sha256_equals_fips_180),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
