/* test_drafter_rest.c - retrieval drafting against its definition by brute force, the datastore's file, and what is refused. */
#include "tests/run_command.h"

#include "core/datastore.h"
#include "core/drafter.h"
#include "core/rng.h"
#include "core/tokenizer.h"
#include "tests/tempdir.h"

command cmd_datastore;

enum { CAP = 10, MOST = 16, ALPHABET = 3, DOCUMENTS = 12 };
static const char sha[SHA256_HEX] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static void make_store(struct rng *r, struct ids *ids, const char *path) {
    struct err err = {""};
    for (int d = 0; d < DOCUMENTS; d++) {
        for (int i = 0, n = 1 + rng_below(r, 60); i < n; i++) ids_add(ids, rng_below(r, ALPHABET) * 70000, &err);
        ids_add(ids, DATASTORE_END, &err);
    }
    if (datastore_write(path, ids, sha, &err)) fail_msg("%s", err.text);
}

/* A datastore of random documents, and a drafter that looks into it: spec is "rest=%s" or the like. */
static void open_drafter(struct rng *r, struct ids *ids, struct drafter *d, const char *path, const char *spec) {
    struct err err = {""};
    char text[4200];
    make_store(r, ids, path);
    snprintf(text, sizeof text, spec, path);
    if (drafter_open(d, text, &err)) fail_msg("%s", err.text);
}

static int make_history(struct rng *r, int *history) {
    int n = 1 + rng_below(r, 40);
    for (int k = 0; k < n; k++) history[k] = rng_below(r, ALPHABET) * 70000;
    return n;
}

/* Do the n tokens stand at `at`, whole and within one document? */
static bool stands(const struct ids *ids, size_t at, const int *tokens, int n) {
    for (int i = 0; i < n; i++)
        if (at + (size_t)i >= ids->n || ids->at[at + (size_t)i] != tokens[i]) return false;
    return true;
}

/* The definition: the longest suffix with a continuation, then always the token that most of its places continue with. */
static int by_hand(const struct ids *ids, const int *history, int n, int L, int *draft, int *span) {
    for (*span = n < MOST ? n : MOST; *span >= 2; --*span) {
        int pattern[MOST + CAP], k = 0;
        memcpy(pattern, history + n - *span, (size_t)*span * sizeof *pattern);
        for (; k < L; k++) {
            int best = 0, token = -1;
            for (int a = 0; a < ALPHABET; a++) {
                int count = 0;
                pattern[*span + k] = a * 70000;
                for (size_t at = 0; at < ids->n; at++) count += stands(ids, at, pattern, *span + k + 1);
                if (count > best) best = count, token = a * 70000;
            }
            if (token < 0) break;
            draft[k] = pattern[*span + k] = token;
        }
        if (k) return k;
    }
    *span = 0;
    return 0;
}

static void test_drafts_are_those_of_the_definition(void **state) {
    (void)state;
    struct tempdir dir;
    struct rng r = rng_at(3, rng_stream("rest"), 0, 0);
    assert_false(tempdir_open(&dir));
    for (int turn = 0; turn < 6; turn++) {
        struct ids ids = {0};
        struct drafter d;
        struct err err = {""};
        open_drafter(&r, &ids, &d, tempdir_file(&dir, "x.rest"), "rest=%s");
        for (int i = 0; i < 60; i++) {
            int history[80], n = make_history(&r, history), want[CAP], span, L = 1 + rng_below(&r, CAP);
            struct draft draft, shorter;
            int k = by_hand(&ids, history, n, L, want, &span);
            if (drafter_draft(&d, history, n, L, &draft, &err) || drafter_draft(&d, history, n, (L + 1) / 2, &shorter, &err)) fail_msg("%s", err.text);
            assert_int_equal(draft.n, k);
            assert_int_equal(draft.match, span);
            assert_memory_equal(draft.token, want, (size_t)k * sizeof *want);
            assert_int_equal(shorter.n, k < (L + 1) / 2 ? k : (L + 1) / 2); // prefix-closed
            assert_memory_equal(shorter.token, want, (size_t)shorter.n * sizeof *want);
        }
        drafter_close(&d);
        ids_close(&ids);
    }
    tempdir_close(&dir);
}

/* Does prefix a come before b: count descending, length ascending, tokens ascending? */
struct counted {
    int n, count, token[4];
};
static int by_order(const void *x, const void *y) {
    const struct counted *a = x, *b = y;
    if (a->count != b->count) return b->count - a->count;
    if (a->n != b->n) return a->n - b->n;
    for (int i = 0; i < a->n; i++)
        if (a->token[i] != b->token[i]) return a->token[i] - b->token[i];
    return 0;
}

/* Every continuation of up to three tokens, counted one by one and sorted. */
static int tree_by_hand(const struct ids *ids, const int *history, int n, struct counted *all) {
    for (int span = n < MOST ? n : MOST; span >= 2; span--) {
        int pattern[MOST + 4], m = 0;
        memcpy(pattern, history + n - span, (size_t)span * sizeof *pattern);
        for (int code = 0; code < 3 + 9 + 27; code++) {
            struct counted c = {.n = code < 3 ? 1 : code < 12 ? 2 : 3};
            for (int k = c.n - 1, rest = code - (c.n == 1 ? 0 : c.n == 2 ? 3 : 12); k >= 0; k--, rest /= 3) pattern[span + k] = c.token[k] = rest % 3 * 70000;
            for (size_t at = 0; at < ids->n; at++) c.count += stands(ids, at, pattern, span + c.n);
            if (c.count) all[m++] = c;
        }
        if (m) {
            qsort(all, (size_t)m, sizeof *all, by_order);
            return m;
        }
    }
    return 0;
}

static void test_trees_are_those_of_the_definition(void **state) {
    (void)state;
    struct tempdir dir;
    struct rng r = rng_at(5, rng_stream("rest"), 0, 0);
    assert_false(tempdir_open(&dir));
    for (int turn = 0; turn < 6; turn++) {
        struct ids ids = {0};
        struct drafter d;
        struct err err = {""};
        open_drafter(&r, &ids, &d, tempdir_file(&dir, "x.rest"), "resttree=%s,nodes=9,depth=3");
        for (int i = 0; i < 40; i++) {
            int history[80], n = make_history(&r, history), most = 0, cut = 0;
            struct counted all[39];
            struct draft draft, shallow;
            int m = tree_by_hand(&ids, history, n, all);
            if (drafter_draft(&d, history, n, 8, &draft, &err) || drafter_draft(&d, history, n, 2, &shallow, &err)) fail_msg("%s", err.text);
            most = m < 9 ? m : 9;
            assert_int_equal(draft.n, most);
            for (int k = 0; k < most; k++) {
                assert_int_equal(draft.depth[k], all[k].n);
                for (int at = k, left = all[k].n; left > 0; at = draft.parent[at]) assert_int_equal(draft.token[at], all[k].token[--left]);
                if (all[k].n <= 2) assert_int_equal(shallow.token[cut++], draft.token[k]); // the same tree, cut
            }
            assert_int_equal(shallow.n, cut);
        }
        drafter_close(&d);
        ids_close(&ids);
    }
    tempdir_close(&dir);
}

static void put(const char *path, long at, const void *bytes, size_t n) {
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    fseek(f, at, SEEK_SET);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

static void refused(const char *path, const char *part) {
    struct datastore d;
    struct err err = {""};
    assert_int_not_equal(datastore_open(&d, path, &err), 0);
    assert_contains(err.text, part);
    assert_null(d.map.bytes);
}

static void test_a_damaged_file_is_named(void **state) {
    (void)state;
    struct tempdir dir;
    struct rng r = rng_at(4, rng_stream("rest"), 0, 0);
    struct ids ids = {0};
    struct err err = {""};
    struct datastore d;
    assert_false(tempdir_open(&dir));
    const char *path = tempdir_file(&dir, "x.rest");
    make_store(&r, &ids, path);
    assert_int_equal(datastore_open(&d, path, &err), 0);
    assert_int_equal(d.n, ids.n);
    assert_int_equal(d.documents, DOCUMENTS);
    assert_string_equal(d.tokenizer_sha256, sha);
    datastore_close(&d);
    put(path, 128 + 8, &(int32_t){70001}, 4);
    refused(path, "damaged");
    assert_int_equal(truncate(path, 140), 0);
    refused(path, "140 bytes");
    put(path, 0, "X", 1);
    refused(path, "no datastore");
    refused(tempdir_file(&dir, "none"), "none");
    assert_int_not_equal(datastore_write(path, &(struct ids){0}, sha, &err), 0);
    assert_contains(err.text, "no documents");
    assert_int_not_equal(datastore_write(tempdir_file(&dir, "no/such/x"), &ids, sha, &err), 0);
    assert_contains(err.text, "no/such/x");
    ids_close(&ids);
    tempdir_close(&dir);
}

static void test_the_command_builds_from_texts_and_traces(void **state) {
    (void)state;
    struct tempdir dir;
    struct datastore d;
    struct err err = {""};
    assert_false(tempdir_open(&dir));
    char *out = (char *)tempdir_file(&dir, "x.rest"), *text = (char *)tempdir_file(&dir, "a.txt");
    char *model = "tests/golden/tokenizer/smollm2.tokenizer.json", *trace = "traces/demo/smollm2.db";
    write_file(text, "one two three four five six seven");
    if (run_command(cmd_datastore, &err, NULL, (char *[]){"datastore", "build", "--model", model, "--text", text, "--traces", trace, "--out", out, NULL}))
        fail_msg("%s", err.text);
    if (datastore_open(&d, out, &err)) fail_msg("%s", err.text);
    assert_int_equal(d.documents, 1 + query_number(trace, "SELECT count(*) FROM sequence"));
    assert_int_equal(d.n - d.documents, 7 + query_number(trace, "SELECT sum(tokens + prompt_tokens) FROM sequence"));
    datastore_close(&d);
    assert_refused(cmd_datastore, (char *[]){"datastore", "build", "--model", model, "--out", out, NULL}, ERR_USAGE, "--text");
    assert_refused(cmd_datastore, (char *[]){"datastore", "bake", NULL}, ERR_USAGE, "bake");
    assert_refused(cmd_datastore, (char *[]){"datastore", "build", "--model", "tests/golden/tokenizer/qwen2-tiny.tokenizer.json", "--traces", trace, "--out", out, NULL}, -1,
                   "smollm2.db");
    assert_refused(cmd_datastore, (char *[]){"datastore", "info", text, NULL}, -1, "a.txt");
    tempdir_close(&dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_drafts_are_those_of_the_definition),
        cmocka_unit_test(test_trees_are_those_of_the_definition),
        cmocka_unit_test(test_a_damaged_file_is_named),
        cmocka_unit_test(test_the_command_builds_from_texts_and_traces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
