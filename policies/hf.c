/* hf.c - the deployed rule for the draft length: two more after a full draft, one less otherwise.
 *
 * The "heuristic" schedule of Hugging Face transformers' assisted generation (num_assistant_tokens, which starts at 5);
 * ggml-org/llama.cpp#3006 and #11933 carry it too. The rule keeps a length g of one drafter:
 *   all proposed and accepted: g += up,   else g -= down,   g kept within 1 and L
 * and the arm with the gamma nearest to g plays (policies/ladder.h). g itself moves on in steps,
 * so with gammas 2, 4, 8 it takes one full draft of 4 (g = 5) to reach 8 (g = 7). A round with no room to draft changes nothing.
 * Check: start 5, L 8: full, full, cut, cut gives g = 7, 8, 7, 6. */
#include "core/elementary.h"
#include "policies/ladder.h"

enum { START, UP, DOWN, DRAFTER };

struct hf {
    double gamma;
    int drafter;
};

static double clip(const struct problem *p, double gamma) { return elementary_min(elementary_max(gamma, 1), p->L); }

static int hf_check(const struct problem *p, const double *param, struct err *err) { return ladder_check("hf", p, param[DRAFTER], err); }

static size_t hf_size(const struct problem *p) { return (void)p, sizeof(struct hf); }

static void hf_init(void *state, const struct problem *p, const double *param) {
    *(struct hf *)state = (struct hf){clip(p, param[START]), ladder_drafter(p, param[DRAFTER])};
}

static int hf_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    const struct hf *s = state;
    (void)param, (void)rng;
    return ladder_nearest(p, s->drafter, s->gamma);
}

static void hf_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct hf *s = state;
    if (o->gamma) s->gamma = clip(p, s->gamma + (o->accepted == o->gamma ? param[UP] : -param[DOWN]));
}

const struct policy policy_hf = {
    .name = "hf", .setting = "heuristic",
    .summary = "draft two more after a full acceptance, one less otherwise",
    .cite = "Hugging Face transformers, assisted generation, num_assistant_tokens_schedule='heuristic'; ggml-org/llama.cpp#3006",
    .params = {
        {"start", 5, 1, ARM_GAMMA_MAX, NULL, "first draft length"},
        {"up", 2, 0, ARM_GAMMA_MAX, NULL, "added after a draft accepted in full"},
        {"down", 1, 0, ARM_GAMMA_MAX, NULL, "taken off otherwise"},
        LADDER_DRAFTER,
    },
    .check = hf_check,
    .size = hf_size, .init = hf_init, .select = hf_select, .update = hf_update,
};
