/* hf.c - the deployed rule for the draft length: two more after a full draft, one less otherwise.
 *
 * The "heuristic" schedule of Hugging Face transformers' assisted generation (num_assistant_tokens, which starts at 5);
 * ggml-org/llama.cpp#3006 and #11933 carry it too. The rule keeps a length g:
 *   all proposed and accepted: g += up,   else g -= down,   g kept within 1 and L
 * It speaks of one drafter and of every length from 1 to L; arms need not hold them all. What plays is the arm of
 * that drafter with the gamma nearest to g, the shorter of two as near. g itself moves on in steps,
 * so with gammas 2, 4, 8 it takes one full draft of 4 (g = 5) to reach 8 (g = 7). Without any drafter, arm 0.
 * Check: start 5, L 8: full, full, cut, cut gives g = 7, 8, 7, 6. */
#include <math.h>
#include <stdlib.h>

#include "core/elementary.h"
#include "policies/policy.h"

enum { START, UP, DOWN, DRAFTER };

struct hf {
    double gamma;
    int drafter;
};

static double clip(const struct problem *p, double gamma) { return elementary_min(elementary_max(gamma, 1), p->L); }

static int hf_check(const struct problem *p, const double *param, struct err *err) {
    if (param[DRAFTER] != floor(param[DRAFTER])) return err_set(err, "policy 'hf': 'drafter' wants a whole number, got '%g'", param[DRAFTER]);
    for (int i = 0; i < p->K; i++)
        if (p->arms[i].gamma && p->arms[i].drafter == param[DRAFTER]) return 0;
    if (p->D == 0 || param[DRAFTER] == 0) return 0; // plain decoding only, or the first drafter that has arms
    return err_set(err, "policy 'hf': no arm drafts with drafter %g (drafters 0-%d)", param[DRAFTER], p->D - 1);
}

static void hf_init(void *state, const struct problem *p, const double *param) {
    struct hf *s = state;
    s->gamma = clip(p, param[START]);
    s->drafter = (int)param[DRAFTER];
    for (int i = 0, least = p->D; i < p->K; i++) { // the default may have no arms: the first that has
        if (!p->arms[i].gamma) continue;
        if (p->arms[i].drafter == (int)param[DRAFTER]) { s->drafter = (int)param[DRAFTER]; return; }
        if (p->arms[i].drafter < least) s->drafter = least = p->arms[i].drafter;
    }
}

static size_t hf_size(const struct problem *p) { return (void)p, sizeof(struct hf); }

static int hf_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    const struct hf *s = state;
    double nearest = INFINITY;
    int arm = 0;
    (void)param, (void)rng;
    for (int i = 0; i < p->K; i++) {
        const struct arm *x = &p->arms[i];
        double away = fabs(x->gamma - s->gamma);
        if (!x->gamma || x->drafter != s->drafter || away > nearest) continue;
        if (away < nearest || x->gamma < p->arms[arm].gamma) nearest = away, arm = i;
    }
    return arm;
}

static void hf_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct hf *s = state;
    s->gamma = clip(p, s->gamma + (o->accepted == o->gamma ? param[UP] : -param[DOWN]));
}

const struct policy policy_hf = {
    .name = "hf", .setting = "heuristic",
    .summary = "draft two more after a full acceptance, one less otherwise",
    .cite = "Hugging Face transformers, assisted generation, num_assistant_tokens_schedule='heuristic'; ggml-org/llama.cpp#3006",
    .params = {
        {"start", 5, 1, ARM_GAMMA_MAX, NULL, "first draft length"},
        {"up", 2, 0, ARM_GAMMA_MAX, NULL, "added after a draft accepted in full"},
        {"down", 1, 0, ARM_GAMMA_MAX, NULL, "taken off otherwise"},
        {"drafter", 0, 0, 1e6, NULL, "number of the drafter, counted from 0; 0 without arms: the first that has some"},
    },
    .check = hf_check,
    .size = hf_size, .init = hf_init, .select = hf_select, .update = hf_update,
};
