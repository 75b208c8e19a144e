/* sglang_ema.c - SGLang's adaptive number of draft steps: up or down the ladder by a moving average of accepted tokens.
 *
 * sgl-project/sglang, srt/speculative/adaptive_spec_params.py, AdaptiveStepSlot. Its candidates are 1, 3, 5, 7 steps at batch 1;
 * here they are the gammas that the drafter has arms for. From `start`, with m = start - 1 to begin with:
 *   m += ema (accepted - m);   after `warmup` rounds, in every `every`-th one:
 *   down while m <= shorter - 1/2 - down,  and if none,  up while m > gamma - 1/2 + up
 * Check: gammas 1, 3, 5, 7 from 3 with all accepted: in round 15 m = 2.96 > 2.5 and the length becomes 5. */
#include "policies/ladder.h"

enum { START, EMA, WARMUP, EVERY, DOWN, UP, DRAFTER };

struct sglang_ema {
    double mean, rounds;
    int arm, drafter;
};

static int sglang_ema_check(const struct problem *p, const double *param, struct err *err) {
    int rc = whole("sglang-ema", "warmup", param[WARMUP], err);
    if (!rc) rc = whole("sglang-ema", "every", param[EVERY], err);
    return rc ? rc : ladder_check("sglang-ema", p, param[DRAFTER], err);
}

static size_t sglang_ema_size(const struct problem *p) { return (void)p, sizeof(struct sglang_ema); }

static void sglang_ema_init(void *state, const struct problem *p, const double *param) {
    struct sglang_ema *s = state;
    s->drafter = ladder_drafter(p, param[DRAFTER]);
    s->arm = ladder_nearest(p, s->drafter, param[START]);
    s->mean = p->arms[s->arm].gamma - 1;
}

static int sglang_ema_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    (void)p, (void)param, (void)rng;
    return ((const struct sglang_ema *)state)->arm;
}

static void climb(struct sglang_ema *s, const struct problem *p, const double *param) {
    int from = s->arm, next;
    while ((next = ladder_next(p, s->drafter, s->arm, false)) >= 0 && s->mean <= p->arms[next].gamma - 0.5 - param[DOWN]) s->arm = next;
    if (s->arm != from) return;
    while ((next = ladder_next(p, s->drafter, s->arm, true)) >= 0 && s->mean > p->arms[s->arm].gamma - 0.5 + param[UP]) s->arm = next;
}

static void sglang_ema_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct sglang_ema *s = state;
    if (!o->gamma) return; // no room to draft, or plain decoding only
    s->mean = (1 - param[EMA]) * s->mean + param[EMA] * o->accepted;
    s->rounds++;
    if (s->rounds > param[WARMUP] && fmod(s->rounds - param[WARMUP], param[EVERY]) == 0) climb(s, p, param);
}

const struct policy policy_sglang_ema = {
    .name = "sglang-ema", .setting = "heuristic",
    .summary = "SGLang: up or down the gammas by a moving average of accepted tokens",
    .cite = "sgl-project/sglang, srt/speculative/adaptive_spec_params.py, AdaptiveStepSlot",
    .params = {
        {"start", 3, 1, ARM_GAMMA_MAX, NULL, "first draft length"},
        {"ema", 0.2, 0, 1, NULL, "weight of the latest round"},
        {"warmup", 10, 0, 1e6, NULL, "rounds before the first change"},
        {"every", 5, 1, 1e6, NULL, "rounds between changes"},
        {"down", 0.25, -100, 100, NULL, "tokens by which a drop is held back"},
        {"up", 0, -100, 100, NULL, "tokens by which a rise is held back"},
        LADDER_DRAFTER,
    },
    .check = sglang_ema_check,
    .size = sglang_ema_size, .init = sglang_ema_init, .select = sglang_ema_select, .update = sglang_ema_update,
};
