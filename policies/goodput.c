/* goodput.c - the draft length of highest predicted goodput.
 *
 * Liu et al., "Optimizing Speculative Decoding for Serving Large Language Models Using Goodput" (SmartSpec,
 * TurboSpec), arXiv 2406.14066. With alpha a moving average of a drafter's acceptance per token, the arm of highest
 *   goodput = mu_gamma(alpha) / T = (1 + alpha + ... + alpha^gamma) / T
 * plays, ties to the lowest number; T are the expected seconds of its round, learned (policies/cost.h) where
 * the paper fits them offline. alpha is the ratio of two sums over the drafter's rounds, accepted tokens and tested
 * tokens (min(A + 1, gamma)), both multiplied by `memory` a round; before its first round both count one
 * imagined token that is accepted with chance `start`.
 * The rule has no exploration, and plain decoding would end all feedback: a drafter that waited for `probe` rounds
 * plays its best arm once (ours), the one that waited longest first. probe=0: never.
 * Check: p=0.75, gamma 0..8, cost 1 + 0.12 gamma: settles around gamma 4. */
#include "policies/cost.h"
#include "policies/tgd.h"
#include "policies/whole.h"

enum { MEMORY, START, PROBE, REWARD, DOUBT };

struct goodput_drafter { // (D), behind the struct cost
    double accepted, tested; // discounted
    double waited;           // rounds since it last played
};

static size_t goodput_size(const struct problem *p) {
    return cost_size(p) + (size_t)p->D * sizeof(struct goodput_drafter);
}

static int goodput_check(const struct problem *p, const double *param, struct err *err) {
    (void)p;
    return whole("goodput", "probe", param[PROBE], err);
}

static void goodput_init(void *state, const struct problem *p, const double *param) {
    struct goodput_drafter *drafter = cost_end(state, p);
    for (int d = 0; d < p->D; d++) drafter[d] = (struct goodput_drafter){.accepted = param[START], .tested = 1};
}

/* The drafter whose turn it is to be probed, -1 when none waited long enough. */
static int overdue(const struct goodput_drafter *drafter, int D, double probe) {
    int turn = -1;
    for (int d = 0; d < D && probe > 0; d++)
        if (drafter[d].waited >= probe && (turn < 0 || drafter[d].waited > drafter[turn].waited)) turn = d;
    return turn;
}

/* The best arm of one drafter, of all when `only` is -1; -1 when the drafter has no arms. */
static int best_arm(void *state, const struct problem *p, const double *param, int only) {
    const struct goodput_drafter *drafter = cost_end(state, p);
    double best = -1;
    int arm = -1;
    for (int i = 0; i < p->K; i++) {
        const struct arm *x = &p->arms[i];
        if (only >= 0 && x->drafter != only) continue;
        double emitted = x->gamma ? tgd_mean(x->gamma, drafter[x->drafter].accepted / drafter[x->drafter].tested) : 1;
        double value = param[REWARD] == VALUE_LEN ? emitted : cost_rate(state, p, i, param[DOUBT], emitted);
        if (value > best) best = value, arm = i;
    }
    return arm;
}

static int goodput_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    int turn = overdue(cost_end(state, p), p->D, param[PROBE]), arm = turn < 0 ? -1 : best_arm(state, p, param, turn);
    (void)rng;
    return arm >= 0 ? arm : best_arm(state, p, param, -1);
}

static void goodput_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct goodput_drafter *drafter = cost_end(state, p);
    const struct arm *arm = &p->arms[o->arm];
    cost_update(state, p, o);
    for (int d = 0; d < p->D; d++) drafter[d].waited++;
    if (!arm->gamma) return;
    struct goodput_drafter *d = &drafter[arm->drafter];
    d->waited = 0;
    if (!o->gamma) return; // the token budget left no room to draft
    d->accepted = param[MEMORY] * d->accepted + o->accepted;
    d->tested = param[MEMORY] * d->tested + o->accepted + (o->accepted < o->gamma);
}

const struct policy policy_goodput = {
    .name = "goodput", .setting = "heuristic",
    .summary = "highest predicted tokens per second from a moving acceptance rate",
    .cite = "arXiv 2406.14066 (SmartSpec, TurboSpec); probes and learned seconds ours",
    .flags = POLICY_SECONDS,
    .params = {
        {"memory", 0.9, 0, 1, NULL, "weight of the past after one more round of the drafter"},
        {"start", 0.7, 0, 1, NULL, "acceptance rate of a drafter never tried"},
        {"probe", 32, 0, 1e9, NULL, "rounds after which a drafter left aside is tried again; 0: never"},
        COST_REWARD, COST_DOUBT,
    },
    .check = goodput_check,
    .size = goodput_size, .init = goodput_init, .select = goodput_select, .update = goodput_update,
};
