/* test_safetensors.c - good headers are read, hostile ones refused with a line of text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/rng.h"
#include "core/safetensors.h"

/* Parses a block of its exact size, so that AddressSanitizer sees the first byte read past the end. */
static int parse(struct safetensors *s, const void *bytes, size_t n, struct err *err) {
    static void *kept; // tensors point into it until the next call
    free(kept);
    kept = malloc(n ? n : 1);
    assert_non_null(kept);
    memcpy(kept, bytes, n);
    *err = (struct err){""};
    int rc = safetensors_parse(s, "x.safetensors", kept, n, err);
    if (!n) free(kept), kept = NULL;
    return rc;
}

static size_t make(unsigned char *out, const char *header, size_t data) {
    size_t n = strlen(header);
    for (int i = 0; i < 8; i++) out[i] = (unsigned char)((uint64_t)n >> 8 * i);
    memcpy(out + 8, header, n);
    for (size_t i = 0; i < data; i++) out[8 + n + i] = (unsigned char)i;
    return 8 + n + data;
}

#define TWO "{\"__metadata__\":{\"format\":\"pt\"},\"b\":{\"dtype\":\"BF16\",\"shape\":[2,3],\"data_offsets\":[8,20]},\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}  "

static void test_tensors_lie_where_the_header_says(void **state) {
    (void)state;
    unsigned char bytes[512];
    struct safetensors s;
    struct err err;
    if (parse(&s, bytes, make(bytes, TWO, 20), &err)) fail_msg("%s", err.text);
    assert_int_equal(s.count, 2);
    assert_memory_equal(s.tensors[0].name, "a", 1);
    assert_int_equal(s.tensors[0].type, TENSOR_F32);
    assert_int_equal(s.tensors[0].ne[0], 2);
    assert_int_equal(s.tensors[0].ne[1], 1);
    assert_int_equal(s.tensors[1].type, TENSOR_BF16);
    assert_int_equal(s.tensors[1].ne[0], 3); // the last dimension is the contiguous one
    assert_int_equal(s.tensors[1].ne[1], 2);
    assert_int_equal(*(const unsigned char *)s.tensors[1].data, 8);
    assert_int_equal(s.tensors[1].bytes, 12);
    safetensors_close(&s);
}

static void test_types_of_no_use_are_listed_without_data(void **state) {
    (void)state;
    unsigned char bytes[512];
    struct safetensors s;
    struct err err;
    size_t n = make(bytes, "{\"ids\":{\"dtype\":\"I64\",\"shape\":[2],\"data_offsets\":[0,16]},\"none\":{\"dtype\":\"F32\",\"shape\":[0,4],\"data_offsets\":[16,16]},"
                           "\"one\":{\"dtype\":\"F16\",\"shape\":[],\"data_offsets\":[16,18]}}", 18);
    if (parse(&s, bytes, n, &err)) fail_msg("%s", err.text);
    for (size_t i = 0; i < s.count; i++) assert_int_equal(s.tensors[i].data != NULL, s.tensors[i].type == TENSOR_F16);
    safetensors_close(&s);
}

static void test_bad_headers_are_named(void **state) {
    (void)state;
    static const struct { const char *header; size_t data; const char *words; } cases[] = {
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}", 12, "no overlap"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}", 12, "begins at 4"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 12, "cover 8"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 7, "which has 7 bytes"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8, "need 12"},
        {"{\"a\":{\"dtype\":\"F99\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "bad dtype of tensor 'a'"},
        {"{\"a\":{\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "bad dtype of tensor 'a'"},
        {"{\"a\":[]}", 0, "bad dtype of tensor 'a'"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", 8, "bad dimension 0"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,8]}}", 8, "bad dimension 0"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904],\"data_offsets\":[0,0]}}", 0, "need"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":2,\"data_offsets\":[0,8]}}", 8, "bad shape of tensor 'a'"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,2],\"data_offsets\":[0,8]}}", 8, "bad shape of tensor 'a'"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", 8, "lies at 8 to 0"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[-8,0]}}", 8, "lies at -8 to 0"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8,9]}}", 8, "bad data_offsets of tensor 'a'"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"a\":{}}", 8, "duplicate"},
        {"{\"a\":", 0, "bad JSON"}, {"[]", 0, "no JSON object"}, {"", 0, "bad JSON"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned char bytes[512];
        struct safetensors s;
        struct err err;
        assert_int_equal(parse(&s, bytes, make(bytes, cases[i].header, cases[i].data), &err), -1);
        if (!strstr(err.text, cases[i].words) || !strstr(err.text, "x.safetensors") || strchr(err.text, '\n')) fail_msg("case %zu: '%s'", i, err.text);
        assert_null(s.tensors);
    }
}

static void test_a_file_cut_anywhere_is_refused(void **state) {
    (void)state;
    unsigned char bytes[512];
    size_t whole = make(bytes, TWO, 20);
    for (size_t n = 0; n < whole; n++) {
        struct safetensors s;
        struct err err;
        assert_int_equal(parse(&s, bytes, n, &err), -1);
    }
    memset(bytes, 0xff, 8); // a header longer than any file
    struct safetensors s;
    struct err err;
    assert_int_equal(parse(&s, bytes, whole, &err), -1);
    assert_non_null(strstr(err.text, "18446744073709551615"));
}

static void test_changed_bytes_never_crash(void **state) {
    (void)state;
    struct rng r = rng_at(1, rng_stream("safetensors"), 0, 0);
    int opened = 0;
    for (int i = 0; i < 3000; i++) {
        unsigned char bytes[512];
        size_t n = make(bytes, TWO, 20);
        for (int k = rng_below(&r, 3); k >= 0; k--) bytes[rng_below(&r, (int)n)] = (unsigned char)rng_below(&r, 256);
        struct safetensors s;
        struct err err;
        if (parse(&s, bytes, n, &err)) continue;
        opened++;
        unsigned sum = 0;
        for (size_t t = 0; t < s.count; t++)
            for (size_t b = 0; s.tensors[t].data && b < s.tensors[t].bytes; b++) sum += ((const unsigned char *)s.tensors[t].data)[b];
        assert_true(sum < 100000);
        safetensors_close(&s);
    }
    assert_in_range(opened, 30, 2900); // both happen
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tensors_lie_where_the_header_says), cmocka_unit_test(test_types_of_no_use_are_listed_without_data),
        cmocka_unit_test(test_bad_headers_are_named), cmocka_unit_test(test_a_file_cut_anywhere_is_refused),
        cmocka_unit_test(test_changed_bytes_never_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
