/* ngram_adaptive.c - llama.cpp's adaptive bound for n-gram drafts: longer while much is accepted, shorter while little is.
 *
 * ggml-org/llama.cpp#19744 (--spec-ngram-adaptive, not merged): a moving average of accepted / proposed over rounds that drafted,
 *   rate = keep rate + (1 - keep) accepted / proposed,   rate > grow: g += step,   rate < shrink: g -= step
 * with g between 4 and twice its start, there; here also between 1 and L, and 4 gives way to a start below it. The rate begins between the
 * two, and steps of one token are ours. The nearest gamma of the drafter plays (policies/ladder.h).
 * Check: start 8, L 16, all accepted: the rate is 0.595, 0.6355, 0.67195, 0.704755 and g becomes 9 in round 4. */
#include "policies/ladder.h"

enum { START, KEEP, GROW, SHRINK, STEP, DRAFTER };

struct ngram_adaptive {
    double gamma, rate;
    int drafter;
};

static int ngram_adaptive_check(const struct problem *p, const double *param, struct err *err) {
    if (param[SHRINK] > param[GROW])
        return err_set(err, "policy 'ngram-adaptive': 'shrink' wants a value up to 'grow' %g, got '%g'", param[GROW], param[SHRINK]);
    return ladder_check("ngram-adaptive", p, param[DRAFTER], err);
}

static size_t ngram_adaptive_size(const struct problem *p) { return (void)p, sizeof(struct ngram_adaptive); }

static void ngram_adaptive_init(void *state, const struct problem *p, const double *param) {
    *(struct ngram_adaptive *)state =
        (struct ngram_adaptive){fmin(param[START], p->L), (param[GROW] + param[SHRINK]) / 2, ladder_drafter(p, param[DRAFTER])};
}

static int ngram_adaptive_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    const struct ngram_adaptive *s = state;
    (void)param, (void)rng;
    return ladder_nearest(p, s->drafter, s->gamma);
}

static void ngram_adaptive_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct ngram_adaptive *s = state;
    if (!o->proposed) return;
    s->rate = param[KEEP] * s->rate + (1 - param[KEEP]) * o->accepted / o->proposed;
    if (s->rate > param[GROW]) s->gamma += param[STEP];
    if (s->rate < param[SHRINK]) s->gamma -= param[STEP];
    s->gamma = fmin(fmax(s->gamma, fmin(4, param[START])), fmin(2 * param[START], p->L));
}

const struct policy policy_ngram_adaptive = {
    .name = "ngram-adaptive", .setting = "heuristic",
    .summary = "llama.cpp: longer drafts while much is accepted, shorter while little is",
    .cite = "ggml-org/llama.cpp#19744 (not merged)",
    .params = {
        {"start", 8, 1, ARM_GAMMA_MAX, NULL, "first draft length; never above twice this"},
        {"keep", 0.9, 0, 1, NULL, "weight of the past in the rate"},
        {"grow", 0.7, 0, 1, NULL, "rate above which drafts grow"},
        {"shrink", 0.4, 0, 1, NULL, "rate below which drafts shrink"},
        {"step", 1, 0, ARM_GAMMA_MAX, NULL, "tokens a change"},
        LADDER_DRAFTER,
    },
    .check = ngram_adaptive_check,
    .size = ngram_adaptive_size, .init = ngram_adaptive_init, .select = ngram_adaptive_select, .update = ngram_adaptive_update,
};
