/* test_joint.c - several sequences in one pass: each text, and every round of it, is what it would be alone (laws 1 and 2), whatever drafts what beside
 * it; drafters that share a model do not meet. */
#include "tests/scene_lm.h"

#include "core/rng.h"

#define HF "tests/golden/tiny-hf/"
enum { SLOTS = 5, MAX_NEW = 48, DRAFTERS = 5, ROUNDS = MAX_NEW };

static int max_new = MAX_NEW; // fewer where a device is emulated (SCENE_BACKEND)

static const char *const specs[] = {"pld", "e@eagle=" HF "eagle-a", "sam", "m@model=" HF "a,vocab=150", "t@eagle2=" HF "eagle-a,nodes=9,depth=3,topk=3", NULL};
static const int prompts[SLOTS][9] = {{5, 9, 13, 5, 9, 13, 5, 9, 1}, {17, 18, 17, 18, 17, 18, 17, 18, 2}, {300, 2, 44, 300, 2, 44, 300, 2, 3}, {7, 7, 7, 7, 7, 7, 7, 7, 4}, {100, 50, 25, 12, 6, 3, 1, 0, 5}};
static const int lengths[SLOTS] = {9, 4, 7, 9, 2};

/* What sequence q does in its k-th round: any drafter or none, any length. */
static int arm_of(int q, int k, int *gamma) {
    struct rng r = rng_at(3, 9, (uint32_t)q, (uint32_t)k);
    *gamma = 1 + rng_below(&r, 6);
    return rng_below(&r, DRAFTERS + 1) - 1;
}

struct standing {
    struct round rounds[ROUNDS];
    uint32_t drafted[ROUNDS]; // a hash of the drafted tokens
    int n, text[MAX_NEW];
};

static uint32_t hash(const struct draft *x) {
    uint32_t h = 1;
    for (int i = 0; i < x->n; i++) h = (h ^ (uint32_t)x->token[i]) * 16777619u;
    return h;
}

static void play_alone(struct scene_lm *s, int q, struct standing *p) {
    struct err err = {""};
    int64_t ns;
    if (decoder_start(&s->decoder, prompts[q], lengths[q], max_new, (uint32_t)q, &ns, &err)) fail_msg("%s", err.text);
    for (p->n = 0; !s->decoder.done; p->n++) {
        int gamma, drafter = arm_of(q, p->n, &gamma);
        struct draft draft;
        struct round *r = &p->rounds[p->n];
        if (decoder_draft(&s->decoder, drafter, gamma, &draft, &r->gamma, &r->draft_ns, &err) || decoder_settle(&s->decoder, drafter, &draft, r, &err)) fail_msg("%s", err.text);
        p->drafted[p->n] = hash(&draft);
    }
    memcpy(p->text, s->decoder.history.at + lengths[q], (size_t)max_new * sizeof *p->text);
}

struct crew {
    struct model model;
    struct tokenizer tokenizer;
    struct engine *engine;
    struct sampler sampler;
    struct drafter drafters[SLOTS][DRAFTERS];
    struct decoder decoder[SLOTS];
};

static void crew_open(struct crew *c, int threads, double temperature) {
    struct err err = {""};
    memset(c, 0, sizeof *c);
    if (model_open(&c->model, HF "a", NULL, &err) || tokenizer_open_model(&c->tokenizer, &c->model, &err)
        || engine_open(&c->engine, &c->model, &(struct engine_options){.backend = getenv("SCENE_BACKEND"), .threads = threads, .max_context = 160, .slots = SLOTS, .max_rows = 80}, &err)
        || sampler_open(&c->sampler, temperature, 5, c->engine, &err)) fail_msg("%s", err.text);
    for (int b = 0; b < SLOTS; b++) {
        for (int d = 0; d < DRAFTERS; d++)
            if (b ? drafter_open_twin(&c->drafters[b][d], &c->drafters[0][d], &err) : drafter_open(&c->drafters[0][d], specs[d], &err)) fail_msg("%s", err.text);
        if (decoder_open_slot(&c->decoder[b], c->engine, b, &c->tokenizer, c->drafters[b], DRAFTERS, &c->sampler, true, &err)) fail_msg("%s", err.text);
    }
}

static void crew_close(struct crew *c) {
    for (int b = SLOTS - 1; b >= 0; b--) {
        decoder_close(&c->decoder[b]);
        for (int d = 0; d < DRAFTERS; d++) drafter_close(&c->drafters[b][d]);
    }
    sampler_close(&c->sampler);
    engine_close(c->engine);
    tokenizer_close(&c->tokenizer);
    model_close(&c->model);
}

/* Sequences come in one after another, leave when they end, and a slot is taken again by the next. */
static void play_together(struct crew *c, struct standing *p, int *widest, int *away) {
    struct err err = {""};
    int of[SLOTS], n = 0, next = 0, ended = 0;
    *widest = *away = 0;
    for (int b = 0; b < SLOTS; b++) of[b] = -1;
    for (int step = 0; ended < 2 * SLOTS; step++) {
        struct decoder *now[SLOTS];
        struct draft drafts[SLOTS];
        struct draft *draft[SLOTS];
        int drafter[SLOTS], slot[SLOTS];
        struct round r[SLOTS];
        int64_t ns;
        for (int b = 0; b < SLOTS; b++) // one comes in every other step
            if (of[b] < 0 && next < 2 * SLOTS && step % 2 == 0 && next <= step / 2) {
                int q = next++ % SLOTS;
                if (decoder_start(&c->decoder[b], prompts[q], lengths[q], max_new, (uint32_t)q, &ns, &err)) fail_msg("%s", err.text);
                of[b] = next - 1;
                p[of[b]].n = 0;
            }
        n = 0;
        for (int b = 0; b < SLOTS; b++) {
            if (of[b] < 0) continue;
            int gamma;
            drafter[n] = arm_of(of[b] % SLOTS, p[of[b]].n, &gamma);
            int rc = (step + b) % 3 ? decoder_draft_until(&c->decoder[b], drafter[n], gamma, NULL, &drafts[n], &r[n].gamma, &r[n].draft_ns, &err) // tokens may be away
                                    : decoder_draft(&c->decoder[b], drafter[n], gamma, &drafts[n], &r[n].gamma, &r[n].draft_ns, &err);
            if (rc) fail_msg("%s", err.text);
            *away += drafts[n].away;
            now[n] = &c->decoder[b], draft[n] = &drafts[n], slot[n++] = b;
        }
        if (!n) continue;
        if (n > *widest) *widest = n;
        if (decoders_settle(now, drafter, draft, n, r, &err)) fail_msg("%s", err.text);
        for (int i = 0; i < n; i++) {
            struct standing *x = &p[of[slot[i]]];
            x->drafted[x->n] = hash(&drafts[i]), x->rounds[x->n++] = r[i];
            if (drafter[i] == 1 && drafts[i].n && r[i].draft_ns <= 0) fail_msg("a draft in %lld ns", (long long)r[i].draft_ns);
            if (!now[i]->done) continue;
            memcpy(x->text, now[i]->history.at + now[i]->prompt_n, (size_t)max_new * sizeof *x->text);
            of[slot[i]] = -1, ended++;
        }
    }
}

static void check(int threads, double temperature) {
    static struct scene_lm s;
    static struct crew c;
    static struct standing alone[SLOTS], together[2 * SLOTS];
    int accepted[DRAFTERS + 1] = {0}, widest, away;
    scene_lm_open(&s, HF "a", threads, temperature, specs);
    for (int q = 0; q < SLOTS; q++) play_alone(&s, q, &alone[q]);
    scene_lm_close(&s);
    crew_open(&c, threads, temperature);
    play_together(&c, together, &widest, &away);
    crew_close(&c);
    assert_int_equal(widest, SLOTS);
    assert_true(away > max_new);
    for (int i = 0; i < 2 * SLOTS; i++) {
        const struct standing *a = &alone[i % SLOTS], *b = &together[i];
        assert_memory_equal(a->text, b->text, sizeof a->text);
        for (int k = 0; k < a->n && k < b->n; k++) {
            const struct round *x = &a->rounds[k], *y = &b->rounds[k];
            int gamma, drafter = arm_of(i % SLOTS, k, &gamma);
            if (a->drafted[k] != b->drafted[k]) fail_msg("sequence %d, round %d: drafter %d drafts something else in company", i, k, drafter);
            if (x->gamma != y->gamma || x->proposed != y->proposed || x->accepted != y->accepted || x->emitted != y->emitted || x->width != y->width || x->margin != y->margin)
                fail_msg("sequence %d, round %d, drafter %d: alone %d %d %d %d, together %d %d %d %d", i, k, drafter, x->gamma, x->proposed, x->accepted, x->emitted, y->gamma, y->proposed, y->accepted, y->emitted);
            accepted[drafter + 1] += drafter == 3 ? x->accepted : x->proposed; // random weights write texts that nothing but the model itself foresees
        }
        assert_int_equal(a->n, b->n);
    }
    for (int d = 0; d < DRAFTERS; d++)
        if (!accepted[d + 1]) fail_msg("'%s' was of no use: this test tries little", specs[d]);
}

static void test_each_text_is_what_it_would_be_alone(void **state) {
    (void)state;
    if (getenv("SCENE_BACKEND")) {
        max_new = 20;
        check(1, 0.7);
        return;
    }
    check(1, 0);
    check(2, 0);
    check(1, 0.7);
}

static void test_a_pass_that_is_too_wide_is_refused(void **state) {
    (void)state;
    static struct crew c;
    struct err err = {""};
    crew_open(&c, 1, 0);
    struct decoder *d[SLOTS];
    struct draft *draft[SLOTS];
    static struct draft wide = {.n = 20};
    int drafter[SLOTS] = {0};
    struct round r[SLOTS];
    int64_t ns;
    for (int b = 0; b < SLOTS; b++) {
        if (decoder_start(&c.decoder[b], prompts[b], lengths[b], MAX_NEW, 0, &ns, &err)) fail_msg("%s", err.text);
        d[b] = &c.decoder[b], draft[b] = &wide;
    }
    assert_int_equal(decoders_settle(d, drafter, draft, SLOTS, r, &err), -1);
    assert_non_null(strstr(err.text, "a pass over 5 sequences has more than the 80 rows"));
    crew_close(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_text_is_what_it_would_be_alone),
        cmocka_unit_test(test_a_pass_that_is_too_wide_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
