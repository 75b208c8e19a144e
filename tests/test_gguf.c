/* test_gguf.c - good files are read, hostile ones refused with a line of text. Files are
 * built here, in memory, and parsed from blocks of their exact size, so that AddressSanitizer
 * sees the first byte read past the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "core/gguf.h"
#include "core/mem.h"

struct file {
    unsigned char at[4096];
    size_t n;
};

static void put(struct file *f, const void *bytes, size_t n) {
    assert_true(f->n + n <= sizeof f->at);
    memcpy(f->at + f->n, bytes, n);
    f->n += n;
}
static void put_number(struct file *f, uint64_t value, int bytes) { // little-endian
    for (int i = 0; i < bytes; i++) put(f, &(unsigned char){(unsigned char)(value >> 8 * i)}, 1);
}
static void put_text(struct file *f, const char *text) {
    put_number(f, strlen(text), 8);
    put(f, text, strlen(text));
}
static void put_head(struct file *f, uint32_t version, uint64_t tensors, uint64_t values) {
    f->n = 0;
    put(f, "GGUF", 4);
    put_number(f, version, 4);
    put_number(f, tensors, 8);
    put_number(f, values, 8);
}
static void put_key(struct file *f, const char *key, enum gguf_type type) {
    put_text(f, key);
    put_number(f, type, 4);
}
static void put_u32(struct file *f, const char *key, uint32_t value) {
    put_key(f, key, GGUF_U32);
    put_number(f, value, 4);
}
static void put_tensor(struct file *f, const char *name, uint32_t dims, const uint64_t *ne, uint32_t type, uint64_t offset) {
    put_text(f, name);
    put_number(f, dims, 4);
    for (uint32_t d = 0; d < dims; d++) put_number(f, ne[d], 8);
    put_number(f, type, 4);
    put_number(f, offset, 8);
}
static void put_data(struct file *f, size_t alignment, size_t n) {
    while (f->n % alignment) put_number(f, 0, 1);
    for (size_t i = 0; i < n; i++) put_number(f, i, 1);
}

/* A file with every kind of value and three tensors; ends at the last tensor's last byte. */
static void put_whole(struct file *f, uint32_t version) {
    put_head(f, version, 3, 9);
    put_u32(f, "a.u32", 7);
    put_key(f, "a.i8", GGUF_I8), put_number(f, 0xff, 1);
    put_key(f, "a.u64", GGUF_U64), put_number(f, 1ull << 40, 8);
    put_key(f, "a.f32", GGUF_F32), put(f, "\0\0\xc0\x3f", 4); // 1.5
    put_key(f, "a.bool", GGUF_BOOL), put_number(f, 1, 1);
    put_key(f, "a.text", GGUF_STRING), put_text(f, "hello");
    put_key(f, "a.texts", GGUF_ARRAY), put_number(f, GGUF_STRING, 4), put_number(f, 3, 8);
    put_text(f, "x"), put_text(f, ""), put_text(f, "yz");
    put_key(f, "a.ints", GGUF_ARRAY), put_number(f, GGUF_I16, 4), put_number(f, 2, 8), put_number(f, 5, 4);
    put_u32(f, "general.alignment", 64);
    put_tensor(f, "w", 2, (uint64_t[]){32, 2}, TENSOR_Q4_1, 0);
    put_tensor(f, "strange", 1, (uint64_t[]){256}, 15, 64);
    put_tensor(f, "b", 1, (uint64_t[]){3}, TENSOR_F32, 128);
    put_data(f, 64, 128 + 12);
}

static int parse(struct gguf *g, const struct file *f, struct err *err) {
    *err = (struct err){""};
    void *exact = malloc(f->n ? f->n : 1);
    memcpy(exact, f->at, f->n);
    int rc = gguf_parse(g, "m.gguf", exact, f->n, err);
    if (rc) free(exact);
    return rc;
}
static void close_parsed(struct gguf *g) {
    void *exact = (void *)g->bytes;
    gguf_close(g);
    free(exact);
}
static void refuse(const struct file *f, const char *part) {
    struct gguf g;
    struct err err;
    if (parse(&g, f, &err) == 0) fail_msg("accepted, expected '%s'", part);
    if (!strstr(err.text, part) || !strstr(err.text, "'m.gguf'")) fail_msg("'%s' lacks '%s'", err.text, part);
}

static void check_whole(uint32_t version) {
    static struct file f;
    struct gguf g;
    struct err err;
    put_whole(&f, version);
    if (parse(&g, &f, &err)) fail_msg("%s", err.text);
    uint32_t u = 0;
    float x = 0;
    bool b = false;
    struct gguf_text text, texts[3];
    assert_int_equal(gguf_u32(&g, "a.u32", true, 0, &u, &err), 0);
    assert_int_equal(u, 7);
    assert_int_equal(gguf_f32(&g, "a.f32", true, 0, &x, &err), 0);
    assert_true(x == 1.5f);
    assert_int_equal(gguf_bool(&g, "a.bool", true, false, &b, &err), 0);
    assert_true(b);
    assert_int_equal(gguf_string(&g, "a.text", true, &text, &err), 0);
    assert_int_equal(text.n, 5);
    assert_memory_equal(text.at, "hello", 5);
    assert_int_equal(gguf_find(&g, "a.ints")->count, 2);
    assert_int_equal(gguf_strings(&g, gguf_find(&g, "a.texts"), texts, &err), 0);
    assert_true(texts[0].n == 1 && texts[1].n == 0 && texts[2].n == 2 && !memcmp(texts[2].at, "yz", 2));
    const struct tensor *w = gguf_tensor(&g, "w"), *strange = gguf_tensor(&g, "strange"), *last = gguf_tensor(&g, "b");
    assert_true(w && w->bytes == 40 && w->ne[0] == 32 && w->ne[1] == 2 && w->ne[3] == 1);
    assert_int_equal(((const unsigned char *)w->data)[39], 39);
    assert_true(strange && strange->type == 15 && strange->bytes == 0 && !strange->data);
    assert_true(last && last->bytes == 12 && *(const unsigned char *)last->data == 128);
    assert_null(gguf_tensor(&g, "none"));
    assert_null(gguf_find(&g, "none"));
    close_parsed(&g);
}

static void test_gguf_reads_versions_2_and_3(void **state) {
    (void)state;
    check_whole(2);
    check_whole(3);
}

static void test_gguf_lookups_name_file_and_key(void **state) {
    (void)state;
    static struct file f;
    struct gguf g;
    struct err err;
    uint32_t u;
    float x;
    struct gguf_text text;
    put_whole(&f, 3);
    assert_int_equal(parse(&g, &f, &err), 0);
    assert_int_equal(gguf_u32(&g, "none", false, 9, &u, &err), 0);
    assert_int_equal(u, 9);
    assert_int_equal(gguf_u32(&g, "none", true, 9, &u, &err), -1);
    assert_string_equal(err.text, "key 'none' is missing in 'm.gguf'");
    assert_int_equal(gguf_u32(&g, "a.text", false, 9, &u, &err), -1);
    assert_string_equal(err.text, "key 'a.text' in 'm.gguf' is of type string, expected u32");
    assert_int_equal(gguf_u32(&g, "a.u64", false, 9, &u, &err), -1);
    assert_string_equal(err.text, "key 'a.u64' in 'm.gguf' is out of range: 0 to 4294967295 expected");
    assert_int_equal(gguf_u32(&g, "a.i8", false, 9, &u, &err), -1); // -1
    assert_int_equal(gguf_f32(&g, "a.u32", false, 0, &x, &err), -1);
    assert_int_equal(gguf_string(&g, "a.u32", false, &text, &err), -1);
    assert_int_equal(gguf_strings(&g, gguf_find(&g, "a.ints"), &text, &err), -1);
    close_parsed(&g);
}

static void test_gguf_rejects_truncation_at_every_byte(void **state) {
    (void)state;
    static struct file f;
    put_whole(&f, 3);
    for (size_t whole = f.n, n = 0; n < whole; n++) {
        f.n = n;
        refuse(&f, "");
    }
}

static void test_gguf_rejects_foreign_headers(void **state) {
    (void)state;
    static struct file f;
    f.n = 0;
    put(&f, "GGML and more bytes than a header has", 37);
    refuse(&f, "is not a GGUF file");
    put_head(&f, 1, 0, 0);
    refuse(&f, "bad GGUF version 1");
    put_head(&f, 0x03000000, 0, 0); // big-endian
    refuse(&f, "bad GGUF version");
}

static void test_gguf_rejects_hostile_counts_without_allocating_them(void **state) {
    (void)state;
    static struct file f;
    put_head(&f, 3, UINT64_MAX, 0);
    refuse(&f, "bad count 18446744073709551615 of tensors");
    put_head(&f, 3, 0, UINT64_MAX / 48);
    refuse(&f, "of keys");
    put_head(&f, 3, 0, 1);
    put_key(&f, "k", GGUF_ARRAY), put_number(&f, GGUF_U64, 4), put_number(&f, UINT64_MAX / 8 + 2, 8);
    put_number(&f, 0, 8);
    refuse(&f, "bad count");
    put_head(&f, 3, 0, 1);
    put_key(&f, "k", GGUF_ARRAY), put_number(&f, GGUF_STRING, 4), put_number(&f, UINT64_MAX, 8), put_text(&f, "x");
    refuse(&f, "key 'k'");
    put_head(&f, 3, 0, 1);
    put_key(&f, "k", GGUF_STRING), put_number(&f, UINT64_MAX - 7, 8), put_number(&f, 0, 8);
    refuse(&f, "ends inside");
}

static void test_gguf_rejects_bad_types(void **state) {
    (void)state;
    static struct file f;
    put_head(&f, 3, 0, 1);
    put_key(&f, "k", (enum gguf_type)GGUF_TYPES), put_number(&f, 0, 8);
    refuse(&f, "bad type 13 of key 'k'");
    put_head(&f, 3, 0, 1);
    put_key(&f, "k", GGUF_ARRAY), put_number(&f, GGUF_ARRAY, 4), put_number(&f, 1, 8), put_number(&f, 0, 8);
    refuse(&f, "array of arrays");
    put_head(&f, 3, 0, 1);
    put_key(&f, "k", GGUF_BOOL), put_number(&f, 2, 1);
    refuse(&f, "bad bool 2");
}

static void test_gguf_rejects_names_that_come_twice(void **state) {
    (void)state;
    static struct file f;
    put_head(&f, 3, 0, 2);
    put_u32(&f, "k", 1), put_u32(&f, "k", 2);
    refuse(&f, "key 'k' appears twice");
    put_head(&f, 3, 2, 0);
    for (int i = 0; i < 2; i++) put_tensor(&f, "t", 1, (uint64_t[]){1}, TENSOR_F32, 0);
    put_data(&f, 32, 4);
    refuse(&f, "tensor 't' appears twice");
}

static void put_one_tensor(struct file *f, uint32_t dims, const uint64_t *ne, uint32_t type, uint64_t offset) {
    put_head(f, 3, 1, 0);
    put_tensor(f, "t", dims, ne, type, offset);
    put_data(f, 32, 64);
}

static void test_gguf_rejects_bad_shapes_and_places(void **state) {
    (void)state;
    static struct file f;
    const uint64_t huge = 1ull << 62;
    put_one_tensor(&f, 1, (uint64_t[]){16}, TENSOR_F32, 0); // fits exactly
    struct gguf g;
    struct err err;
    assert_int_equal(parse(&g, &f, &err), 0);
    close_parsed(&g);
    put_one_tensor(&f, 0, NULL, TENSOR_F32, 0);
    refuse(&f, "number of dimensions 0");
    put_one_tensor(&f, 5, (uint64_t[]){1, 1, 1, 1, 1}, TENSOR_F32, 0);
    refuse(&f, "number of dimensions 5");
    put_one_tensor(&f, 2, (uint64_t[]){4, 0}, TENSOR_F32, 0);
    refuse(&f, "bad dimension 1 (0)");
    put_one_tensor(&f, 2, (uint64_t[]){huge, 4}, TENSOR_F32, 0); // the product wraps to 0
    refuse(&f, "bad dimension");
    put_one_tensor(&f, 1, (uint64_t[]){huge}, TENSOR_F32, 0);    // the bytes wrap to 0
    refuse(&f, "bad dimension");
    put_one_tensor(&f, 1, (uint64_t[]){33}, TENSOR_Q8_0, 0);
    refuse(&f, "needs a multiple of 32");
    put_one_tensor(&f, 1, (uint64_t[]){17}, TENSOR_F32, 0);
    refuse(&f, "needs 68 bytes at offset 0");
    put_one_tensor(&f, 1, (uint64_t[]){16}, TENSOR_F32, 32);
    refuse(&f, "needs 64 bytes at offset 32");
    put_one_tensor(&f, 1, (uint64_t[]){1}, TENSOR_F32, UINT64_MAX - 31);
    refuse(&f, "the file ends at");
    put_one_tensor(&f, 1, (uint64_t[]){1}, TENSOR_F32, 4);
    refuse(&f, "a multiple of 32 expected");
}

static void test_gguf_rejects_bad_alignment(void **state) {
    (void)state;
    static struct file f;
    const uint32_t bad[] = {0, 3, 48, UINT32_MAX};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put_head(&f, 3, 0, 1);
        put_u32(&f, "general.alignment", bad[i]);
        refuse(&f, "a power of two expected");
    }
}

static void test_gguf_survives_every_single_byte_change(void **state) {
    (void)state;
    static struct file whole, f;
    const unsigned char values[] = {0, 1, 0x7f, 0x80, 0xff};
    put_whole(&whole, 3);
    for (size_t i = 0; i < whole.n; i++)
        for (size_t k = 0; k < sizeof values; k++) {
            f = whole;
            f.at[i] = values[k];
            struct gguf g;
            struct err err;
            if (parse(&g, &f, &err)) {
                assert_true(err.text[0]);
                continue;
            }
            unsigned sum = 0; // what was accepted must be readable
            for (uint64_t t = 0; t < g.tensor_count; t++)
                for (size_t b = 0; b < g.tensors[t].bytes; b++) sum += ((const unsigned char *)g.tensors[t].data)[b];
            assert_true(sum < UINT32_MAX);
            close_parsed(&g);
        }
}

static void test_gguf_reports_a_failed_allocation(void **state) {
    (void)state;
    static struct file f;
    put_whole(&f, 3);
    struct gguf g;
    struct err err;
    int rc = -1;
    for (long n = 1; rc; n++) {
        mem_fail_after(n);
        rc = parse(&g, &f, &err);
        mem_fail_after(0);
        if (rc) assert_non_null(strstr(err.text, "cannot allocate"));
        assert_true(n < 100);
    }
    close_parsed(&g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gguf_reads_versions_2_and_3),
        cmocka_unit_test(test_gguf_lookups_name_file_and_key),
        cmocka_unit_test(test_gguf_rejects_truncation_at_every_byte),
        cmocka_unit_test(test_gguf_rejects_foreign_headers),
        cmocka_unit_test(test_gguf_rejects_hostile_counts_without_allocating_them),
        cmocka_unit_test(test_gguf_rejects_bad_types),
        cmocka_unit_test(test_gguf_rejects_names_that_come_twice),
        cmocka_unit_test(test_gguf_rejects_bad_shapes_and_places),
        cmocka_unit_test(test_gguf_rejects_bad_alignment),
        cmocka_unit_test(test_gguf_survives_every_single_byte_change),
        cmocka_unit_test(test_gguf_reports_a_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
