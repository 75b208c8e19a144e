/* test_torch.c - files of torch.save: golden ones value by value, hostile ones refused with a line of text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/map.h"
#include "core/mem.h"
#include "core/pickle.h"
#include "core/rng.h"
#include "core/torch.h"

#define EDGE "tests/golden/pt-edge/"

struct file {
    struct file_map map;
    struct torch torch;
};

static int open_file(struct file *f, const char *name, struct err *err) {
    char path[128];
    snprintf(path, sizeof path, EDGE "%s", name);
    *err = (struct err){""};
    if (file_map_open(&f->map, path, err)) fail_msg("%s", err->text);
    return torch_parse(&f->torch, path, f->map.bytes, f->map.size, err);
}

static void close_file(struct file *f) {
    torch_close(&f->torch);
    file_map_close(&f->map);
}

static const struct tensor *find(const struct torch *t, const char *name) {
    for (size_t i = 0; i < t->count; i++)
        if (t->tensors[i].name_n == strlen(name) && !memcmp(t->tensors[i].name, name, t->tensors[i].name_n)) return &t->tensors[i];
    return NULL;
}

/* Shape and, where the type is one that models use, every value. */
static int check_tensor(const struct tensor *t, const json_t *golden) {
    const json_t *shape = json_object_get(golden, "shape"), *values = json_object_get(golden, "values");
    size_t dims = json_array_size(shape), count = json_array_size(values);
    assert_non_null(t);
    for (size_t d = 0; d < dims; d++) assert_int_equal(t->ne[d], json_integer_value(json_array_get(shape, dims - 1 - d)));
    const struct tensor_layout *l = tensor_layout(t->type);
    if (!l || !count) {
        assert_null(t->data);
        return 0;
    }
    assert_int_equal(t->bytes, count * (size_t)l->bytes);
    float *x = mem_alloc(count, sizeof *x, "values", &(struct err){""});
    l->dequantize(t->data, count, x);
    for (size_t i = 0; i < count; i++) assert_true((double)x[i] == json_number_value(json_array_get(values, i)));
    mem_free(x);
    return 1;
}

static void test_every_golden_tensor_has_its_values(void **state) {
    (void)state;
    json_t *root = json_load_file(EDGE "golden.json", 0, NULL);
    const char *file, *name;
    json_t *tensors, *golden;
    int read = 0;
    json_object_foreach(root, file, tensors) {
        if (!strcmp(file, "legacy.bin")) continue;
        struct file f;
        struct err err;
        if (open_file(&f, file, &err)) fail_msg("%s", err.text);
        assert_int_equal(f.torch.count, json_object_size(tensors));
        json_object_foreach(tensors, name, golden) read += check_tensor(find(&f.torch, name), golden);
        close_file(&f);
    }
    assert_int_equal(read, 17); // offsets, shared storages, strides, expansion, F32, F16, BF16, a scalar, OrderedDict, parameters
    json_decref(root);
}

static void test_the_format_before_the_zip_is_refused(void **state) {
    (void)state;
    struct file f;
    struct err err;
    assert_int_equal(open_file(&f, "legacy.bin", &err), -1);
    assert_non_null(strstr(err.text, EDGE "legacy.bin' is no zip"));
    close_file(&f);
}

/* Parses a block of its exact size. */
static int parse_exact(const unsigned char *bytes, size_t n, struct err *err) {
    unsigned char *exact = malloc(n ? n : 1);
    assert_non_null(exact);
    memcpy(exact, bytes, n);
    struct torch t;
    *err = (struct err){""};
    int rc = torch_parse(&t, "x.bin", exact, n, err);
    if (rc && (!strstr(err->text, "'x.bin'") || strchr(err->text, '\n'))) fail_msg("'%s'", err->text);
    unsigned sum = 0;
    for (size_t i = 0; !rc && i < t.count; i++)
        for (size_t b = 0; t.tensors[i].data && b < t.tensors[i].bytes; b++) sum += ((const unsigned char *)t.tensors[i].data)[b];
    assert_true(sum < 10000000);
    if (!rc) torch_close(&t);
    free(exact);
    return rc;
}

static void test_a_file_cut_anywhere_is_refused(void **state) {
    (void)state;
    struct file_map map;
    struct err err = {""};
    assert_int_equal(file_map_open(&map, EDGE "views.bin", &err), 0);
    for (size_t n = 0; n < map.size; n++) assert_int_equal(parse_exact(map.bytes, n, &err), -1);
    assert_int_equal(parse_exact(map.bytes, map.size, &err), 0);
    file_map_close(&map);
}

static void test_changed_bytes_never_crash(void **state) {
    (void)state;
    static const char *const names[] = {EDGE "views.bin", EDGE "dtypes.bin", EDGE "parameters.bin", EDGE "ordered_dict.bin"};
    struct rng r = rng_at(1, rng_stream("torch"), 0, 0);
    int opened = 0;
    for (int f = 0; f < 4; f++) {
        struct file_map map;
        struct err err = {""};
        assert_int_equal(file_map_open(&map, names[f], &err), 0);
        unsigned char *bytes = malloc(map.size);
        for (int i = 0; i < 1000; i++) {
            memcpy(bytes, map.bytes, map.size);
            int room = i % 2 ? 700 : (int)map.size; // half of them in the pickle
            for (int k = rng_below(&r, 3); k >= 0; k--) bytes[rng_below(&r, room)] = (unsigned char)rng_below(&r, 256);
            opened += parse_exact(bytes, map.size, &err) == 0;
        }
        free(bytes);
        file_map_close(&map);
    }
    assert_in_range(opened, 100, 3900); // both happen
}

/* A pickle's text, its length without the terminator; "\0" inside is fine. */
#define PICKLE(text) (text), sizeof(text) - 1
#define STORAGE "(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0" "0X\3\0\0\0cpuK\4tQ"
#define TENSOR STORAGE "K\0K\4\205K\1\205\211)t"

static void expect_fault(const char *bytes, size_t n, const char *words) {
    char *exact = malloc(n ? n : 1);
    memcpy(exact, bytes, n);
    struct pickle p;
    struct err err = {""};
    int rc = pickle_parse(&p, "p.bin", exact, n, &err);
    if (rc != -1 || !strstr(err.text, words) || !strstr(err.text, "'p.bin'") || strchr(err.text, '\n')) fail_msg("%d '%s', expected '%s'", rc, err.text, words);
    assert_null(p.tensors);
    free(exact);
}

static void test_a_state_dict_is_a_dict_of_tensors(void **state) {
    (void)state;
    static const char bytes[] = "\200\2}X\1\0\0\0wctorch._utils\n_rebuild_tensor_v2\n(" TENSOR "Rs.";
    struct pickle p;
    struct err err = {""};
    if (pickle_parse(&p, "p.bin", bytes, sizeof bytes - 1, &err)) fail_msg("%s", err.text);
    assert_int_equal(p.count, 1);
    assert_int_equal(p.tensors[0].dims, 1);
    assert_int_equal(p.tensors[0].size[0], 4);
    assert_int_equal(p.tensors[0].storage.count, 4);
    assert_memory_equal(p.tensors[0].name.at, "w", 1);
    pickle_close(&p);
}

static void test_programs_that_are_no_state_dict_are_refused_by_name(void **state) {
    (void)state;
    expect_fault(PICKLE("\200\2cos\nsystem\n(X\2\0\0\0lstR."), "asks for 'os.system' at byte 2");
    expect_fault(PICKLE("\200\2cbuiltins\neval\n."), "'builtins.eval'");
    expect_fault(PICKLE("\200\2ctorch\nStorageX\n."), "'torch.StorageX'");
    expect_fault(PICKLE("\200\4\214\2os\214\6system\223."), "opcode STACK_GLOBAL (0x93)");
    expect_fault(PICKLE("\200\2(i__main__\nX\n."), "opcode INST (0x69)");
    expect_fault(PICKLE("\200\2)\201."), "opcode NEWOBJ (0x81)");
    expect_fault(PICKLE("\200\2\377"), "opcode unknown (0xff)");
    expect_fault(PICKLE("\200\7}."), "a protocol other than 2 to 5");
    expect_fault(PICKLE("\200\2}."), "holds no tensors");
    expect_fault(PICKLE("\200\2K\1."), "a number at byte 4, expected a dict");
    expect_fault(PICKLE("\200\2."), "the stack is empty");
    expect_fault(PICKLE("\200\2"), "ends inside");
    expect_fault(PICKLE(""), "ends inside");
    expect_fault(PICKLE("\200\2t"), "no mark");
    expect_fault(PICKLE("\200\2h\5"), "a memo number that was never stored");
    expect_fault(PICKLE("\200\2}r\377\377\377\177"), "a memo number beyond");
    expect_fault(PICKLE("\200\2X\377\377\377\377abc"), "ends inside a pickle's text");
    expect_fault(PICKLE("\200\2}(K\1u"), "a key without a value");
    expect_fault(PICKLE("\200\2K\1Q"), "expected a tuple");
    expect_fault(PICKLE("\200\2)Q"), "a persistent id that is no storage");
    expect_fault(PICKLE("\200\2ccollections\nOrderedDict\nK\1\205R"), "a call that a state dict does not make");
    expect_fault(PICKLE("\200\2ctorch._utils\n_rebuild_tensor_v2\n(" STORAGE "K\0K\4\205)\211)tR"), "shape and stride differ");
    expect_fault(PICKLE("\200\2ctorch._utils\n_rebuild_tensor_v2\n)R"), "a tensor without storage");
    expect_fault(PICKLE("\200\2}(X\1\0\0\0wctorch._utils\n_rebuild_tensor_v2\n(" TENSOR "Rq\1X\1\0\0\0wh\1u."), "appears twice");
}

/* A dict that contains itself, and a stack as deep as the file is long: neither costs more than its bytes. */
static void test_cycles_and_depth_do_no_harm(void **state) {
    (void)state;
    expect_fault(PICKLE("\200\2}q\0X\1\0\0\0ah\0s."), "holds no tensors");
    enum { DEEP = 1 << 20 };
    char *bytes = malloc(DEEP);
    memset(bytes, '(', DEEP);
    expect_fault(bytes, DEEP, "ends inside");
    memset(bytes, ')', DEEP);
    memset(bytes + DEEP / 2, '\205', DEEP / 2); // tuples in tuples
    expect_fault(bytes, DEEP, "ends inside");
    free(bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_golden_tensor_has_its_values), cmocka_unit_test(test_the_format_before_the_zip_is_refused),
        cmocka_unit_test(test_a_file_cut_anywhere_is_refused), cmocka_unit_test(test_changed_bytes_never_crash),
        cmocka_unit_test(test_a_state_dict_is_a_dict_of_tensors), cmocka_unit_test(test_programs_that_are_no_state_dict_are_refused_by_name),
        cmocka_unit_test(test_cycles_and_depth_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
