/* specdec_pp.c - SpecDec++: draft on while a rejection among the drafted tokens is unlikely enough.
 *
 * Huang, Guo, Wang, "SpecDec++: Boosting Speculative Decoding via Adaptive Candidate Lengths", arXiv 2405.19715 (COLM 2025).
 * With f_i the chance that the i-th drafted token is accepted given those before it, the draft ends after token k when
 *   1 - f_1 ... f_k > threshold
 * For a fixed cost ratio the best policy is such a threshold (their Theorem on the Markov decision process). The paper trains a head for
 * f; here f is the drafter's own largest probability (policies/confidence.h), calibrated online or taken as it is.
 * Plays the longest arm of one drafter; copiers and trees, which draft all at once, are not asked and draft it whole.
 * Check: calibrate=no, threshold 0.7: probabilities 0.6, 0.6, 0.6 go on after two (1 - 0.36) and end after three (1 - 0.216). */
#include "policies/confidence.h"

enum { THRESHOLD, CALIBRATE, DRAFTER };

struct specdec_pp {
    struct confidence confidence;
    struct speaker speaker;
    double kept; // f_1 ... f_k of the draft in the making
};

static size_t specdec_pp_size(const struct problem *p) { return (void)p, sizeof(struct specdec_pp); }

static int specdec_pp_check(const struct problem *p, const double *param, struct err *err) {
    return speaker_check(p, "specdec-pp", param[DRAFTER], err);
}

static void specdec_pp_init(void *state, const struct problem *p, const double *param) {
    struct specdec_pp *s = state;
    confidence_init(&s->confidence);
    speaker_init(&s->speaker, p, param[DRAFTER]);
}

static int specdec_pp_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    const struct specdec_pp *s = state;
    (void)param, (void)rng;
    return chain_arm(p, s->speaker.drafter, p->L);
}

static bool specdec_pp_deepen(void *state, const struct problem *p, const double *param, const struct drafted *x) {
    struct specdec_pp *s = state;
    (void)p;
    if (x->depth == 1) s->kept = 1;
    s->kept *= confidence_of(&s->confidence, param[CALIBRATE], (double)x->top_prob);
    return 1 - s->kept <= param[THRESHOLD];
}

static void specdec_pp_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct specdec_pp *s = state;
    (void)param;
    speaker_learn(&s->speaker, p, o);
    confidence_learn(&s->confidence, o);
}

const struct policy policy_specdec_pp = {
    .name = "specdec-pp", .setting = "stopping",
    .summary = "draft on until a rejection among the drafted tokens is too likely",
    .cite = "arXiv 2405.19715 (SpecDec++); Platt 1999 for the calibration",
    .flags = POLICY_SIGNAL,
    .params = {
        {"threshold", 0.7, 0, 1, NULL, "chance of a rejection so far that ends the draft"},
        CONFIDENCE_CALIBRATE(CALIBRATE_YES), CONFIDENCE_DRAFTER,
    },
    .check = specdec_pp_check,
    .size = specdec_pp_size, .init = specdec_pp_init, .select = specdec_pp_select, .deepen = specdec_pp_deepen, .update = specdec_pp_update,
};
