/* sglang_cost.c - SGLang's cost-aware width: the draft length of most tokens a second, by moving averages.
 *
 * sgl-project/sglang, srt/speculative/adaptive_spec_params.py, CostAwareStepSlot (behind an environment variable). The
 * candidates are the gammas of one drafter and plain decoding. Of each, moving averages of seconds and emitted tokens a round,
 *   seconds += 0.1 (round - seconds),   tokens += 0.05 (emitted - tokens),   the first round sets them,
 * and counts n = decay n + 1 of the rounds behind them. Every other candidate's counts fade by `decay` as well, and what falls below 1 is
 * forgotten. After 10 rounds, in every `every`-th one: while a candidate's n < probe it is measured (the one in play first, else the
 * highest score), otherwise the highest tokens / seconds plays if it is more than `margin` ahead of the one in play.
 * Never measured: 1 + 0.7 (gamma - 1) tokens (1 for plain), and seconds in proportion to a curve over gamma (below), scaled by the
 * candidates that were measured, each weighted by min(n, 20).
 * As deployed, n of a candidate left after its probe falls below 3 within 13 rounds, so probing never ends; that is theirs.
 * Check: gammas 1, 2 never measured: scores 1 / 1 and 1.7 / 1.35, so 2 is probed first. */
#include "policies/ladder.h"

enum { START, SECONDS, TOKENS, PROBE, MARGIN, DECAY, EVERY, DRAFTER };
enum { WARMUP = 10 };

struct sglang_cost {
    int arm, drafter;
    double rounds;
    struct sglang_cost_arm {
        double seconds, timed; // moving average, its n
        double tokens, n;
    } at[];                    // (K)
};

static int sglang_cost_check(const struct problem *p, const double *param, struct err *err) {
    int rc = whole("sglang-cost", "every", param[EVERY], err);
    return rc ? rc : ladder_check("sglang-cost", p, param[DRAFTER], err);
}

static size_t sglang_cost_size(const struct problem *p) {
    return sizeof(struct sglang_cost) + (size_t)p->K * sizeof(struct sglang_cost_arm);
}

static void sglang_cost_init(void *state, const struct problem *p, const double *param) {
    struct sglang_cost *s = state;
    s->drafter = ladder_drafter(p, param[DRAFTER]);
    s->arm = ladder_nearest(p, s->drafter, param[START]);
}

static int sglang_cost_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    (void)p, (void)param, (void)rng;
    return ((const struct sglang_cost *)state)->arm;
}

/* Cost of a round relative to gamma = 1; their table, linear beyond it. */
static double shape(int gamma) {
    static const double curve[] = {0.9, 1, 1.35, 1.7, 2.05, 2.45, 2.85, 3.25, 3.6};
    return gamma <= 8 ? curve[gamma] : curve[8] + 0.35 * (gamma - 8);
}

static bool candidate(const struct sglang_cost *s, const struct problem *p, int i) {
    return !p->arms[i].gamma || p->arms[i].drafter == s->drafter;
}

static double seconds_of(const struct sglang_cost *s, const struct problem *p, int i) {
    double sum = 0, weights = 0;
    if (s->at[i].timed > 0) return s->at[i].seconds;
    for (int j = 0; j < p->K; j++) {
        double weight = fmin(s->at[j].timed, 20);
        sum += weight * s->at[j].seconds * shape(p->arms[i].gamma) / shape(p->arms[j].gamma);
        weights += weight;
    }
    return weights > 0 ? sum / weights : shape(p->arms[i].gamma);
}

static double score(const struct sglang_cost *s, const struct problem *p, int i) {
    int gamma = p->arms[i].gamma;
    double tokens = s->at[i].n > 0 ? s->at[i].tokens : gamma ? 1 + 0.7 * (gamma - 1) : 1;
    return tokens / seconds_of(s, p, i);
}

/* The candidate of highest score, of those with too few rounds only if `probing`; -1 when there is none. */
static int best_arm(const struct sglang_cost *s, const struct problem *p, const double *param, bool probing) {
    double best = -1;
    int arm = -1;
    for (int i = 0; i < p->K; i++) {
        if (!candidate(s, p, i) || (probing && s->at[i].n >= param[PROBE])) continue;
        double have = score(s, p, i);
        if (have > best) best = have, arm = i;
    }
    return arm;
}

static int choose(const struct sglang_cost *s, const struct problem *p, const double *param) {
    int probe = best_arm(s, p, param, true);
    if (probe >= 0) return s->at[s->arm].n < param[PROBE] ? s->arm : probe;
    int best = best_arm(s, p, param, false);
    return best >= 0 && score(s, p, best) > score(s, p, s->arm) * (1 + param[MARGIN]) ? best : s->arm;
}

static void average(double *mean, double *n, double x, double weight, double decay) {
    *mean = *n > 0 ? (1 - weight) * *mean + weight * x : x;
    *n = decay * *n + 1;
}

static void fade(double *n, double decay) {
    *n *= decay;
    if (*n < 1) *n = 0;
}

static void sglang_cost_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct sglang_cost *s = state;
    struct sglang_cost_arm *arm = &s->at[o->arm];
    double seconds = o->draft_s + o->verify_s;
    if (seconds > 0) average(&arm->seconds, &arm->timed, seconds, param[SECONDS], param[DECAY]);
    average(&arm->tokens, &arm->n, o->emitted, param[TOKENS], param[DECAY]);
    for (int i = 0; i < p->K; i++)
        if (i != o->arm) fade(&s->at[i].timed, param[DECAY]), fade(&s->at[i].n, param[DECAY]);
    s->rounds++;
    if (s->rounds > WARMUP && fmod(s->rounds - WARMUP, param[EVERY]) == 0) s->arm = choose(s, p, param);
}

const struct policy policy_sglang_cost = {
    .name = "sglang-cost", .setting = "heuristic",
    .summary = "SGLang, cost-aware: the gamma of most tokens a second by moving averages",
    .cite = "sgl-project/sglang, srt/speculative/adaptive_spec_params.py, CostAwareStepSlot",
    .flags = POLICY_SECONDS,
    .params = {
        {"start", 3, 1, ARM_GAMMA_MAX, NULL, "first draft length"},
        {"seconds", 0.1, 0, 1, NULL, "weight of the latest round in the average of seconds"},
        {"tokens", 0.05, 0, 1, NULL, "weight of the latest round in the average of tokens"},
        {"probe", 3, 0, 1e6, NULL, "rounds, faded, that a gamma is measured before scores decide"},
        {"margin", 0.03, 0, 10, NULL, "share by which a gamma must be ahead to take over"},
        {"decay", 0.98, 0, 0.999999, NULL, "weight of the past in the counts after one more round"},
        {"every", 4, 1, 1e6, NULL, "rounds between changes"},
        LADDER_DRAFTER,
    },
    .check = sglang_cost_check,
    .size = sglang_cost_size, .init = sglang_cost_init, .select = sglang_cost_select, .update = sglang_cost_update,
};
