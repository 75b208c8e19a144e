/* test_round.c - law 1: the text is the target's own, whoever drafts, however long, on any number
 * of threads; and the edge rules of a round. The text to expect is decoded here, row by row, by a
 * loop that knows nothing of rounds. */
#include "tests/looping.h"

#include "core/tokenizer_model.h"
#include "core/mem.h"
#include "core/round.h"
#include "tests/liars.h"
#include "tests/tempdir.h"
#include "tests/tiny.h"

LIAR(oracle);
LIAR(wrong);
LIAR(noise);
LIAR(empty);
LIAR(long);
LIAR(foreign);
LIAR(negative);

enum { PLD, SAM, ORACLE, WRONG, NOISE, EMPTY, LONG, GOOD, FOREIGN = GOOD, NEGATIVE, DRAFTERS, N = 40, PROMPT = 12, SEQUENCE = 77 };

struct scene {
    struct model model;
    struct tokenizer tokenizer;
    struct engine *engine;
    struct sampler sampler;
    struct known known;
    struct liar liars[DRAFTERS];
    struct drafter drafters[DRAFTERS];
    struct decoder decoder;
    int prompt[PROMPT];
};

static struct tempdir dir;
static char looping[4200];

/* The target's own N tokens after the prompt, past any end token. */
static void decode_by_hand(struct scene *s) {
    int vocab = s->model.vocab, *text = s->known.text;
    float *logits = malloc((size_t)engine_max_rows(s->engine) * (size_t)vocab * sizeof *logits), margin;
    struct err err = {""};
    assert_non_null(logits);
    memcpy(text, s->prompt, sizeof s->prompt);
    engine_rewind(s->engine, 0, 0);
    for (int n = 0; n < PROMPT + N - 1; n++) {
        if (engine_forward(s->engine, &(struct row){text[n], 0, -1, true}, 1, &err)) fail_msg("%s", err.text);
        engine_commit(s->engine, 0, 1);
        engine_logits(s->engine, logits);
        if (n < PROMPT - 1) continue;
        int best = 0;
        for (int v = 1; v < vocab; v++) best = logits[v] > logits[best] ? v : best;
        text[n + 1] = s->sampler.temperature > 0 ? sampler_row(&s->sampler, logits, NULL, vocab, SEQUENCE, n + 1 - PROMPT, &margin) : best;
    }
    s->known.n = PROMPT + N, s->known.vocab = vocab;
    free(logits);
}

static void scene_open(struct scene *s, const char *path, int threads, double temperature, int max_context) {
    static const struct drafter_type *const types[DRAFTERS] = {[ORACLE] = &oracle_type, [WRONG] = &wrong_type, [NOISE] = &noise_type,
        [EMPTY] = &empty_type, [LONG] = &long_type, [FOREIGN] = &foreign_type, [NEGATIVE] = &negative_type};
    struct err err = {""};
    memset(s, 0, sizeof *s);
    for (int i = ORACLE; i < DRAFTERS; i++) s->drafters[i] = liar(types[i], &s->liars[i], &s->known);
    if (model_open(&s->model, path, NULL, &err) || tokenizer_open_model(&s->tokenizer, &s->model, &err)
        || engine_open(&s->engine, &s->model, &(struct engine_options){.threads = threads, .max_context = max_context}, &err)
        || sampler_open(&s->sampler, temperature, 5, s->engine, &err) || drafter_open(&s->drafters[PLD], "pld", &err)
        || drafter_open(&s->drafters[SAM], "sam", &err)
        || decoder_open(&s->decoder, s->engine, &s->tokenizer, s->drafters, DRAFTERS, &s->sampler, true, &err)) fail_msg("%s", err.text);
    for (int i = 0; i < PROMPT; i++) s->prompt[i] = 20 + i % 5;
    decode_by_hand(s);
}

static void scene_close(struct scene *s) {
    decoder_close(&s->decoder);
    sampler_close(&s->sampler);
    engine_close(s->engine);
    drafter_close(&s->drafters[PLD]), drafter_close(&s->drafters[SAM]);
    tokenizer_close(&s->tokenizer);
    model_close(&s->model);
}

static void start(struct scene *s, int max_new) {
    struct err err = {""};
    int64_t ns;
    if (decoder_start(&s->decoder, s->prompt, PROMPT, max_new, SEQUENCE, &ns, &err)) fail_msg("%s", err.text);
    assert_true(ns > 0);
    assert_int_equal(s->decoder.pos, 1); // prefill emits the first token
    assert_int_equal(s->decoder.history.at[PROMPT], s->known.text[PROMPT]);
}

/* One round, and what holds of every one. */
static struct round play(struct scene *s, int drafter, int gamma) {
    struct decoder *d = &s->decoder;
    struct err err = {""};
    struct round r;
    int pos = d->pos, left = d->max_new - pos - 1, asked = drafter < 0 ? 0 : gamma < left ? gamma : left;
    if (decoder_round(d, drafter, gamma, &r, &err)) fail_msg("%s", err.text);
    assert_int_equal(r.gamma, asked);
    assert_in_range(r.proposed, 0, r.gamma);
    assert_in_range(r.accepted, 0, r.proposed);
    assert_int_equal(r.emitted, d->pos - pos);
    assert_int_equal(r.emitted, d->eos && r.emitted == r.accepted ? r.accepted : r.accepted + 1);
    assert_int_equal((int)d->history.n, PROMPT + d->pos);
    assert_true(d->done == (d->eos || d->pos == d->max_new));
    assert_true(r.verify_ns > 0 && (r.draft_ns > 0) == (asked > 0));
    if (!d->done) assert_int_equal(engine_length(d->engine, 0), PROMPT + d->pos - 1); // all but the newest token
    return r;
}

static void assert_text(const struct scene *s, int n, const char *how, int gamma) {
    const struct decoder *d = &s->decoder;
    assert_int_equal(d->pos, n);
    for (int i = 0; i < PROMPT + n; i++)
        if (d->history.at[i] != s->known.text[i])
            fail_msg("%s at gamma %d: token %d is %d, expected %d", how, gamma, i - PROMPT, d->history.at[i], s->known.text[i]);
}

struct sum {
    int rounds, proposed, accepted;
};

static struct sum decode(struct scene *s, int drafter, int gamma) {
    struct sum sum = {0};
    for (start(s, N); !s->decoder.done; sum.rounds++) {
        struct round r = play(s, drafter, gamma);
        sum.proposed += r.proposed, sum.accepted += r.accepted;
    }
    assert_text(s, N, drafter < 0 ? "plain" : s->drafters[drafter].name, gamma);
    return sum;
}

static void assert_lossless(struct scene *s, int stride, int *copied) {
    assert_int_equal(decode(s, -1, 0).rounds, N - 1);
    for (int gamma = 8; gamma >= 1; gamma -= stride) {
        int full = (N - 1 + gamma) / (gamma + 1); // rounds when all is accepted
        for (int i = 0; i < GOOD; i++) {
            struct sum sum = decode(s, i, gamma);
            if (i == PLD || i == SAM) *copied += sum.accepted;
            if (i == ORACLE || i == LONG) assert_int_equal(sum.rounds, full); // over-long drafts are cut, not refused
            if (i == ORACLE || i == LONG) assert_int_equal(sum.accepted, sum.proposed);
            if (i == WRONG) assert_true(sum.accepted == 0 && sum.proposed > 0 && sum.rounds == N - 1);
            if (i == NOISE) assert_true(sum.accepted > 0 && sum.accepted < sum.proposed);
            if (i == EMPTY) assert_true(sum.proposed == 0 && sum.rounds == N - 1);
        }
    }
    struct rng r = rng_at(3, 0, 0, 0);
    for (int run = 0; run < 6; run++) { // arms that change every round
        for (start(s, N); !s->decoder.done;) play(s, rng_below(&r, GOOD + 1) - 1, 1 + rng_below(&r, run ? 8 : DRAFT_MAX));
        assert_text(s, N, "changing arms", 0);
    }
}

static void check_models(double temperature) {
    const char *const paths[] = {looping, "tests/golden/tiny/a-q8_0.gguf", "tests/golden/tiny/c-bf16.gguf"};
    for (int m = 0; m < 3; m++) {
        struct known first;
        int copied = 0;
        for (int threads = 1; threads <= 3; threads++) {
            struct scene s;
            scene_open(&s, paths[m], threads, temperature, 0);
            if (threads == 1) first = s.known;
            assert_memory_equal(first.text, s.known.text, sizeof(int) * (PROMPT + N)); // the target itself
            assert_lossless(&s, threads == 1 ? 1 : 5, &copied); // every gamma on one thread, 8 and 3 on more
            scene_close(&s);
        }
        if (m == 0 && temperature == 0) assert_true(copied > 100); // copying was put to the test
    }
}

static void test_greedy_text_is_the_targets_own_whoever_drafts(void **state) {
    (void)state;
    check_models(0);
}

static void test_sampled_text_is_the_targets_own_whoever_drafts(void **state) {
    (void)state;
    check_models(0.8);
}

static void test_other_noise_is_another_text(void **state) {
    struct scene s;
    (void)state;
    scene_open(&s, looping, 1, 0.8, 0);
    int text[PROMPT + N];
    memcpy(text, s.known.text, sizeof text);
    s.sampler.noise_seed++;
    decode_by_hand(&s);
    assert_memory_not_equal(text, s.known.text, sizeof text);
    scene_close(&s);
}

static void test_an_end_token_inside_a_draft_ends_the_text_there(void **state) {
    struct scene s;
    struct err err = {""};
    (void)state;
    scene_open(&s, "tests/golden/tiny/a-f32.gguf", 1, 0, 0);
    const int *text = s.known.text + PROMPT;
    int ends = 0; // inside the first draft, as its last token, as the bonus, later
    for (int end = 0; end < 24; end++) {
        bool first = true; // of its token, and no other ends the text before
        for (int i = 0; i < end; i++) first = first && text[i] != text[end] && !tokenizer_is_end(&s.tokenizer, text[i]);
        if (!first) continue;
        ends |= 1 << end;
        struct tokenizer t;
        if (tokenizer_open_model(&t, &s.model, &err) || tokenizer_set_eos(&t, text[end], &err)) fail_msg("%s", err.text);
        s.decoder.tokenizer = &t;
        s.decoder.ignore_eos = false;
        for (int drafter = -1; drafter < GOOD; drafter++) {
            start(&s, N);
            while (!s.decoder.done) {
                struct round r = play(&s, drafter, 6);
                if (drafter != ORACLE) continue;
                int before = s.decoder.pos - r.emitted, ahead = end - before; // drafted tokens before the end token
                assert_int_equal(r.accepted, ahead < 6 ? ahead + 1 : 6);      // what follows it was never there
                assert_int_equal(r.emitted, ahead < 6 ? ahead + 1 : 7);
            }
            assert_true(s.decoder.eos);
            assert_text(&s, end + 1, "ended", 6);
        }
        s.decoder.ignore_eos = true;
        decode(&s, ORACLE, 8);
        tokenizer_close(&t);
    }
    assert_int_equal(ends & 0xc1, 0xc1); // the first token, the draft's last, the bonus
    assert_true(__builtin_popcount((unsigned)ends) >= 10);
    scene_close(&s);
}

static void test_a_draft_never_passes_the_token_budget(void **state) {
    struct scene s;
    (void)state;
    scene_open(&s, looping, 1, 0, 0);
    start(&s, 1);
    assert_true(s.decoder.done && !s.decoder.eos); // the first token is prefill's: no round at all
    start(&s, 2);
    struct round r = play(&s, LONG, 8);
    assert_true(r.gamma == 0 && r.proposed == 0 && r.emitted == 1 && s.decoder.done);
    for (int max_new = 3; max_new < 12; max_new++) {
        start(&s, max_new);
        r = play(&s, LONG, 64);
        assert_true(r.gamma == max_new - 2 && r.accepted == max_new - 2 && s.decoder.done);
        assert_text(&s, max_new, "long", 64);
    }
    scene_close(&s);
}

static void assert_message(const struct err *err, const char *part) {
    if (!strstr(err->text, part)) fail_msg("'%s' lacks '%s'", err->text, part);
}

static void test_the_context_limit_is_named_before_it_is_reached(void **state) {
    struct scene s;
    struct err err = {""};
    int64_t ns;
    (void)state;
    scene_open(&s, looping, 1, 0, PROMPT + N);
    assert_int_equal(decoder_start(&s.decoder, s.prompt, PROMPT, N + 1, SEQUENCE, &ns, &err), -1);
    assert_message(&err, "a prompt of 12 tokens and 41 new ones exceed the context of 52 (see --max-context, --max-new)");
    assert_int_equal(decoder_start(&s.decoder, s.prompt, PROMPT, 1 << 20, SEQUENCE, &ns, &err), -1);
    assert_int_equal(decoder_start(&s.decoder, s.prompt, 0, N, SEQUENCE, &ns, &err), -1);
    assert_message(&err, "the prompt is empty");
    decode(&s, ORACLE, 8); // what just fits is decoded to its end
    decode(&s, WRONG, 8);
    scene_close(&s);
}

static void test_a_drafter_that_breaks_its_word_is_named(void **state) {
    static const struct { int drafter, gamma; const char *text; } cases[] = {
        {FOREIGN, 4, "drafter 'foreign' proposed token 320 at depth 3, expected 0 to 319"},
        {FOREIGN, 3, "drafter 'foreign' proposed token -1 at depth 2, expected 0 to 319"},
        {NEGATIVE, 4, "drafter 'negative' proposed -3 tokens, expected 0 to 4"},
    };
    struct scene s;
    (void)state;
    scene_open(&s, looping, 1, 0, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {""};
        struct round r;
        start(&s, N);
        play(&s, ORACLE, 2);
        assert_int_equal(decoder_round(&s.decoder, cases[i].drafter, cases[i].gamma, &r, &err), -1);
        assert_message(&err, cases[i].text);
        assert_int_equal(s.decoder.pos, 4);
        while (!s.decoder.done) play(&s, NOISE, 5); // and the text can still be finished
        assert_text(&s, N, "after a failure", 5);
    }
    scene_close(&s);
}

/* Every allocation of a sequence fails once; the same decoder then decodes it. */
static void test_a_failed_allocation_costs_one_error_and_no_token(void **state) {
    struct scene s;
    int failures = 0;
    (void)state;
    scene_open(&s, looping, 1, 0, 0);
    for (int nth = 1; nth <= 12; nth++) {
        struct err err = {""};
        struct round r;
        int64_t ns;
        mem_fail_after(nth);
        int rc = decoder_start(&s.decoder, s.prompt, PROMPT, N, SEQUENCE, &ns, &err);
        while (!rc && !s.decoder.done) rc = decoder_round(&s.decoder, PLD, 4, &r, &err);
        mem_fail_after(0);
        failures += rc == -1;
        assert_true(!rc == !err.text[0]);
        decode(&s, PLD, 4);
    }
    assert_true(failures > 0);
    scene_close(&s);
}

static int setup(void **state) {
    (void)state;
    if (tempdir_open(&dir)) return -1;
    snprintf(looping, sizeof looping, "%s/looping.gguf", dir.path);
    looping_model(looping, 0.02f);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    tempdir_close(&dir);
    return 0;
}

int main(int argc, char **argv) {
    (void)argc;
    tiny_calm_threads(argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_greedy_text_is_the_targets_own_whoever_drafts),
        cmocka_unit_test(test_sampled_text_is_the_targets_own_whoever_drafts),
        cmocka_unit_test(test_other_noise_is_another_text),
        cmocka_unit_test(test_an_end_token_inside_a_draft_ends_the_text_there),
        cmocka_unit_test(test_a_draft_never_passes_the_token_budget),
        cmocka_unit_test(test_the_context_limit_is_named_before_it_is_reached),
        cmocka_unit_test(test_a_drafter_that_breaks_its_word_is_named),
        cmocka_unit_test(test_a_failed_allocation_costs_one_error_and_no_token),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
