/* test_drafter_eagle.c - EAGLE-1 heads: drafted ids, features and whole runs as the goldens have them (tests/golden/tiny-hf/eagle-a and
 * -d, computed with PyTorch), and the laws: any mixture of drafters leaves the text alone. */
#include <jansson.h>
#include <math.h>

#include "tests/scene_lm.h"
#include "tests/tempdir.h"

#define HF "tests/golden/tiny-hf/"

static json_t *golden(char head) {
    char path[64];
    snprintf(path, sizeof path, HF "eagle-%c/golden.json", head);
    json_error_t where;
    json_t *g = json_load_file(path, 0, &where);
    if (!g) fail_msg("%s: %s", path, where.text);
    return g;
}

static int integers(const json_t *list, int *out) {
    int n = (int)json_array_size(list);
    for (int i = 0; i < n; i++) out[i] = (int)json_integer_value(json_array_get(list, (size_t)i));
    return n;
}

static float *floats(char head, const json_t *of, const char *key) {
    char path[128];
    snprintf(path, sizeof path, HF "eagle-%c/%s", head, json_string_value(json_object_get(of, key)));
    FILE *f = fopen(path, "rb");
    if (!f) fail_msg("%s", path);
    float *x = calloc(64 * 1024, sizeof *x);
    assert_true(fread(x, sizeof *x, 64 * 1024, f) > 0);
    fclose(f);
    return x;
}

static void near(const float *got, const float *want, int n, const char *what) {
    for (int i = 0; i < n; i++)
        if (!(fabsf(got[i] - want[i]) <= 1e-3f)) fail_msg("%s: %g at %d, expected %g", what, got[i], i, want[i]);
}

static void scene(struct scene_lm *s, char head, const char *rope, int threads) {
    char spec[96], target[64];
    snprintf(spec, sizeof spec, "eagle=" HF "eagle-%c,rope=%s", head, !strcmp(rope, "target") ? "target" : "head");
    snprintf(target, sizeof target, HF "%c", head);
    scene_lm_open(s, target, threads, 0, (const char *[]){spec, NULL});
}

static void check_chain(char head, const json_t *chain) {
    struct scene_lm s;
    struct err err = {""};
    struct draft draft, shorter;
    int prefix[64], want[8], asked, n = integers(json_object_get(chain, "prefix"), prefix);
    int64_t ns;
    scene(&s, head, json_string_value(json_object_get(chain, "rope")), 2);
    scene_lm_start(&s, prefix, n, 40);
    assert_int_equal(s.decoder.history.at[n], json_integer_value(json_object_get(chain, "sampled_token")));
    float *features = floats(head, chain, "target_features_file");
    near(s.decoder.features, features, n * 64, "the target's features");
    assert_int_equal(integers(json_object_get(chain, "draft_ids"), want), 5);
    if (decoder_draft(&s.decoder, 0, 5, &draft, &asked, &ns, &err)) fail_msg("%s", err.text);
    assert_int_equal(draft.n, 5);
    for (int k = 0; k < 5; k++) {
        assert_int_equal(draft.token[k], want[k]);
        assert_true(draft.top_prob[k] > 0 && draft.top_prob[k] <= 1 && draft.entropy[k] >= 0 && draft.entropy[k] < logf(320));
        assert_true(draft.ns[k] > 0 && (!k || draft.ns[k] > draft.ns[k - 1]));
    }
    if (decoder_draft(&s.decoder, 0, 2, &shorter, &asked, &ns, &err)) fail_msg("%s", err.text); // prefix-closed, and drafting twice is harmless
    assert_int_equal(shorter.n, 2);
    assert_memory_equal(shorter.token, draft.token, 2 * sizeof(int));
    assert_memory_equal(shorter.entropy, draft.entropy, 2 * sizeof(float));
    free(features);
    scene_lm_close(&s);
}

/* The head alone, pair by pair: every predicted feature, and confidence against the golden's logits. */
static void check_features(char head, const json_t *chain) {
    struct model target, m;
    struct engine *te, *e;
    struct err err = {""};
    struct row rows[64];
    char path[64], dir[64];
    int prefix[64], drafts[8], n = integers(json_object_get(chain, "prefix"), prefix);
    bool rope = !strcmp(json_string_value(json_object_get(chain, "rope")), "target");
    snprintf(path, sizeof path, HF "%c", head), snprintf(dir, sizeof dir, HF "eagle-%c", head);
    if (model_open(&target, path, NULL, &err) || engine_open(&te, &target, &(struct engine_options){.threads = 1}, &err)
        || model_open_head(&m, dir, &target, rope, NULL, &err) || engine_open(&e, &m, &(struct engine_options){.share = te}, &err)) fail_msg("%s", err.text);
    float *in = floats(head, chain, "target_features_file"), *want = floats(head, chain, "head_prefix_features_file"),
          *deeper = floats(head, chain, "head_draft_features_file"), *logits = floats(head, chain, "head_draft_logits_file"), out[64 * 64];
    prefix[n] = (int)json_integer_value(json_object_get(chain, "sampled_token"));
    integers(json_object_get(chain, "draft_ids"), drafts);
    for (int i = 0; i < n; i++) rows[i] = (struct row){prefix[i + 1], 0, i - 1, i == n - 1, in + 64 * i};
    if (engine_forward(e, rows, n, &err)) fail_msg("%s", err.text);
    engine_features(e, 0, n, out);
    near(out, want, n * 64, "features of the prefix");
    engine_commit(e, 0, n);
    memcpy(out, out + 64 * (n - 1), 64 * sizeof *out);
    for (int k = 0; k < 5; k++) {
        float prob, entropy;
        double top = -1e30, sum = 0, h = 0;
        near(out, deeper + 64 * k, 64, "features of the draft");
        for (int v = 0; v < m.vocab; v++) top = fmax(top, logits[k * m.vocab + v]);
        for (int v = 0; v < m.vocab; v++) sum += exp(logits[k * m.vocab + v] - top);
        for (int v = 0; v < m.vocab; v++) {
            double p = exp(logits[k * m.vocab + v] - top) / sum;
            h -= p > 0 ? p * log(p) : 0;
        }
        engine_confidence(e, &prob, &entropy);
        assert_true(fabs(prob - 1 / sum) < 2e-3 && fabs(entropy - h) < 2e-3 * (1 + h));
        if (engine_forward(e, &(struct row){drafts[k], 0, -1, true, out}, 1, &err)) fail_msg("%s", err.text);
        engine_commit(e, 0, 1);
        engine_features(e, 0, 1, out);
    }
    free(in), free(want), free(deeper), free(logits);
    engine_close(e), model_close(&m), engine_close(te), model_close(&target);
}

static void test_drafts_and_features_are_the_goldens(void **state) {
    (void)state;
    for (const char *head = "ad"; *head; head++) {
        json_t *g = golden(*head), *chain;
        size_t i;
        json_array_foreach(json_object_get(g, "chains"), i, chain) check_chain(*head, chain), check_features(*head, chain);
        json_decref(g);
    }
}

/* Whole speculative runs, round for round. */
static void test_runs_are_the_goldens(void **state) {
    (void)state;
    for (const char *head = "ad"; *head; head++) {
        json_t *g = golden(*head), *run, *round;
        size_t i, k;
        json_array_foreach(json_object_get(g, "rounds"), i, run) {
            struct scene_lm s;
            struct err err = {""};
            int prompt[64], text[128], want[8], n = integers(json_object_get(run, "prompt"), prompt), tokens = integers(json_object_get(run, "tokens"), text);
            int gamma = (int)json_integer_value(json_object_get(run, "gamma"));
            scene(&s, *head, json_string_value(json_object_get(run, "rope")), 1);
            scene_lm_start(&s, prompt, n, tokens + 8);
            json_array_foreach(json_object_get(run, "rounds"), k, round) {
                struct draft draft;
                struct round r;
                int asked;
                int64_t ns;
                assert_int_equal(s.decoder.history.n, json_integer_value(json_object_get(round, "context_len")));
                integers(json_object_get(round, "draft"), want);
                if (decoder_draft(&s.decoder, 0, gamma, &draft, &asked, &ns, &err)) fail_msg("%s", err.text);
                if (json_real_value(json_object_get(round, "min_draft_margin")) > 5e-3) assert_memory_equal(draft.token, want, (size_t)gamma * sizeof *want);
                if (decoder_round(&s.decoder, 0, gamma, &r, &err)) fail_msg("%s", err.text);
                assert_int_equal(r.accepted, json_integer_value(json_object_get(round, "accepted")));
                assert_int_equal(s.decoder.history.at[s.decoder.history.n - 1], json_integer_value(json_object_get(round, "bonus")));
            }
            assert_memory_equal(s.decoder.history.at + n, text, (size_t)tokens * sizeof *text);
            scene_lm_close(&s);
        }
        json_decref(g);
    }
}

/* EAGLE-2: the same nodes in the same order, and the same path accepted. */
static void test_trees_are_the_goldens(void **state) {
    (void)state;
    json_t *g = golden('a'), *tree;
    size_t i;
    json_array_foreach(json_object_get(g, "trees"), i, tree) {
        struct scene_lm s;
        struct err err = {""};
        struct draft draft, cut;
        struct round r;
        char spec[128];
        int prefix[64], tokens[64], parents[64], depths[64], asked, n = integers(json_object_get(tree, "prefix"), prefix),
            count = integers(json_object_get(tree, "tokens"), tokens), levels = (int)json_integer_value(json_object_get(tree, "loops")) + 1;
        int64_t ns;
        integers(json_object_get(tree, "parents"), parents), integers(json_object_get(tree, "depths"), depths);
        snprintf(spec, sizeof spec, "eagle2=" HF "eagle-a,rope=%s,nodes=%d,depth=%d,topk=%d", !strcmp(json_string_value(json_object_get(tree, "rope")), "target") ? "target" : "head",
                 (int)json_integer_value(json_object_get(tree, "drafted_nodes")), levels, (int)json_integer_value(json_object_get(tree, "top_k")));
        scene_lm_open(&s, HF "a", 1 + (int)i % 2, 0, (const char *[]){spec, NULL});
        scene_lm_start(&s, prefix, n, 40);
        assert_int_equal(s.decoder.history.at[n], tokens[0]);
        if (decoder_draft(&s.decoder, 0, 16, &draft, &asked, &ns, &err) || decoder_draft(&s.decoder, 0, 2, &cut, &asked, &ns, &err)) fail_msg("%s", err.text);
        assert_int_equal(draft.n, count - 1);
        for (int k = 0; k < draft.n; k++) {
            assert_int_equal(draft.token[k], tokens[k + 1]);
            assert_int_equal(draft.parent[k] + 1, parents[k + 1]);
            assert_int_equal(draft.depth[k], depths[k + 1] - depths[0]);
        }
        for (int k = 0, c = 0; k < draft.n; k++)
            if (draft.depth[k] <= 2) assert_int_equal(cut.token[c++], draft.token[k]);
        if (decoder_round(&s.decoder, 0, 16, &r, &err)) fail_msg("%s", err.text);
        assert_int_equal(r.width, count);
        assert_int_equal(r.accepted, json_integer_value(json_object_get(tree, "accepted_len")));
        assert_int_equal(s.decoder.history.at[s.decoder.history.n - 1], json_integer_value(json_object_get(tree, "bonus")));
        scene_lm_close(&s);
    }
    json_decref(g);
}

/* Heads, models and copiers take turns; each catches up on what it missed. */
static void test_switching_between_drafters_leaves_the_text_alone(void **state) {
    (void)state;
    const char *const specs[] = {"eagle=" HF "eagle-a", "t@eagle=" HF "eagle-a,rope=target,vocab=200", "pld", "model=" HF "a", "q@eagle=" HF "eagle-a,quantize=q8_0", "eagle2=" HF "eagle-a",
                                 "wide@eagle2=" HF "eagle-a,nodes=63,depth=4,topk=16,rope=target", NULL};
    const int prompt[] = {5, 9, 13, 5, 9, 13, 200, 7};
    enum { N = 90 };
    int plain[N], text[N];
    for (int hot = 0; hot < 2; hot++)
        for (int threads = 1; threads < 4; threads += 2) {
            struct scene_lm s;
            scene_lm_open(&s, HF "a", threads, hot * 0.8, specs);
            scene_lm_decode(&s, prompt, 8, N, true, plain);
            assert_true(scene_lm_decode(&s, prompt, 8, N, false, text) > 10);
            assert_memory_equal(text, plain, sizeof plain);
            assert_true(scene_lm_decode(&s, prompt + 1, 7, N, false, text) > 10); // another prompt, and back
            assert_true(scene_lm_decode(&s, prompt, 8, N, false, text) > 10);
            assert_memory_equal(text, plain, sizeof plain);
            scene_lm_close(&s);
        }
}

/* Up to the last cell of the context with every kind of drafter, and not one token further. */
static void test_the_context_may_be_filled_and_not_overrun(void **state) {
    (void)state;
    const char *const specs[] = {"eagle=" HF "eagle-a", "model=" HF "a", "eagle2=" HF "eagle-a,nodes=40,depth=6", "pld", NULL};
    const int prompt[] = {5, 9, 13, 5, 9, 13, 200, 7};
    enum { N = 152 }; // with the prompt the 160 of scene_lm_open
    static int plain[N], text[N];
    struct scene_lm s;
    struct err err = {""};
    int64_t ns;
    scene_lm_open(&s, HF "a", 2, 0, specs);
    scene_lm_decode(&s, prompt, 8, N, true, plain);
    scene_lm_decode(&s, prompt, 8, N, false, text);
    assert_memory_equal(text, plain, sizeof plain);
    assert_int_not_equal(decoder_start(&s.decoder, prompt, 8, N + 1, 7, &ns, &err), 0);
    assert_contains(err.text, "exceed the context of 160");
    scene_lm_close(&s);
}

/* The same draft however the drafter came to this history: law 3 rests on it. */
static void test_a_draft_depends_on_the_history_alone(void **state) {
    (void)state;
    const char *const specs[] = {"eagle=" HF "eagle-a", "b@eagle=" HF "eagle-a", "model=" HF "a", "m@model=" HF "a,vocab=150", "n@model=" HF "a,vocab=150", NULL};
    const int prompt[] = {5, 9, 13, 5, 9, 13, 200, 7}, pairs[][2] = {{0, 1}, {3, 4}}; // the first of a pair drafts at every position, the second now and then
    struct scene_lm s;
    struct err err = {""};
    scene_lm_open(&s, HF "a", 2, 0, specs);
    scene_lm_start(&s, prompt, 8, 60);
    for (int i = 0; !s.decoder.done; i++) {
        struct draft often, seldom;
        struct round r;
        int asked;
        int64_t ns;
        for (int p = 0; p < 2; p++) {
            if (decoder_draft(&s.decoder, pairs[p][0], 1 + i % 8, &often, &asked, &ns, &err)) fail_msg("%s", err.text);
            if (i % 7) continue;
            if (decoder_draft(&s.decoder, pairs[p][1], 1 + i % 8, &seldom, &asked, &ns, &err)) fail_msg("%s", err.text);
            assert_int_equal(often.n, seldom.n);
            assert_memory_equal(often.token, seldom.token, (size_t)often.n * sizeof(int));
            assert_memory_equal(often.top_prob, seldom.top_prob, (size_t)often.n * sizeof(float));
        }
        if (decoder_round(&s.decoder, i % 3 ? 2 : -1, i % 4, &r, &err)) fail_msg("%s", err.text);
    }
    scene_lm_close(&s);
}

static void refuse(const char *target, const char *spec, const char *part) {
    struct err err = {""};
    struct model m;
    struct tokenizer t;
    struct engine *e;
    struct drafter d;
    struct sampler greedy = {0};
    struct decoder decoder;
    if (drafter_open(&d, spec, &err)) {
        assert_contains(err.text, part);
        return;
    }
    if (model_open(&m, target, NULL, &err) || tokenizer_open_model(&t, &m, &err) || engine_open(&e, &m, &(struct engine_options){.threads = 1}, &err))
        fail_msg("%s", err.text);
    assert_int_not_equal(decoder_open(&decoder, e, &t, &d, 1, &greedy, true, &err), 0);
    assert_contains(err.text, part);
    assert_null(strchr(err.text, '\n'));
    decoder_close(&decoder);
    drafter_close(&d);
    engine_close(e), tokenizer_close(&t), model_close(&m);
}

static void test_what_does_not_fit_is_named(void **state) {
    (void)state;
    struct tempdir dir;
    char text[4200];
    refuse(HF "a", "eagle", "eagle=DIR");
    refuse(HF "a", "eagle=" HF "eagle-a,vocab=-1", "vocab");
    refuse(HF "a", "eagle=" HF "eagle-a,rope=none", "head|target");
    refuse(HF "a", "eagle=no/such/dir", "no/such/dir");
    refuse(HF "b", "eagle=" HF "eagle-a", "has hidden size 64 and 320 tokens, its target '" HF "b' has 64 and 384");
    refuse(HF "a", "eagle=" HF "a", "expected the one of an EAGLE head");
    refuse(HF "a", "model", "model=FILE");
    refuse(HF "a", "model=" HF "b", "384");
    refuse(HF "a", "eagle=" HF "eagle-a,vocab=100,counts=no-such-file", "no-such-file");
    assert_false(tempdir_open(&dir));
    snprintf(text, sizeof text, "eagle=%s,vocab=9,counts=%s", HF "eagle-a", tempdir_file(&dir, "bad.db"));
    write_file(tempdir_file(&dir, "bad.db"), "SQLite format 3");
    refuse(HF "a", text, "bad.db");
    tempdir_close(&dir);
}

/* A tree that is no tree, or that is too deep, is refused before the target sees it. */
static int bad_parent, bad_depth;
static int lie(struct drafter *d, const int *history, int n, int L, struct draft *out, struct err *err) {
    (void)d, (void)history, (void)n, (void)L, (void)err;
    *out = (struct draft){.n = 3, .token = {5, 6, 7}, .parent = {-1, 0, bad_parent}, .depth = {1, 2, bad_depth}};
    return 0;
}
static int ignore_reset(struct drafter *d, const int *tokens, int n, struct err *err) {
    (void)d, (void)tokens, (void)n, (void)err;
    return 0;
}

static void test_a_tree_that_is_none_is_refused(void **state) {
    (void)state;
    static const struct drafter_type type = {.name = "liar", .tree = true, .draft = lie, .reset = ignore_reset, .accept = ignore_reset};
    const int prompt[] = {5, 9, 13, 5}, lies[][2] = {{2, 3}, {3, 1}, {-2, 1}, {1, 2}, {1, 4}};
    struct scene_lm s;
    struct err err = {""};
    struct round r;
    scene_lm_open(&s, HF "a", 1, 0, (const char *[]){"pld", NULL});
    const struct drafter_type *own = s.drafters[0].type;
    s.drafters[0].type = &type;
    scene_lm_start(&s, prompt, 4, 30);
    bad_parent = 0, bad_depth = 2; // siblings 6 and 7: a tree
    if (decoder_round(&s.decoder, 0, 4, &r, &err)) fail_msg("%s", err.text);
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        bad_parent = lies[i][0], bad_depth = lies[i][1];
        err.text[0] = 0;
        assert_int_not_equal(decoder_round(&s.decoder, 0, 4, &r, &err), 0);
        assert_contains(err.text, "node 2");
    }
    bad_parent = 1, bad_depth = 3;
    assert_int_not_equal(decoder_round(&s.decoder, 0, 2, &r, &err), 0); // deeper than asked
    if (decoder_round(&s.decoder, 0, 3, &r, &err)) fail_msg("%s", err.text);
    s.drafters[0].type = own;
    scene_lm_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_drafts_and_features_are_the_goldens),
        cmocka_unit_test(test_runs_are_the_goldens),
        cmocka_unit_test(test_trees_are_the_goldens),
        cmocka_unit_test(test_switching_between_drafters_leaves_the_text_alone),
        cmocka_unit_test(test_the_context_may_be_filled_and_not_overrun),
        cmocka_unit_test(test_a_draft_depends_on_the_history_alone),
        cmocka_unit_test(test_a_tree_that_is_none_is_refused),
        cmocka_unit_test(test_what_does_not_fit_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
