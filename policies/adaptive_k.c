/* adaptive_k.c - the draft length of highest goodput from acceptance by position.
 *
 * vllm-project/vllm#44336 and #47111 ("adaptive K", neither merged). Of one drafter, alpha_j is the chance that token j is accepted
 * when those before it were. Every `every` rounds each takes in what they brought:
 *   alpha_j += ema (accepted_j / reached_j - alpha_j)  where any round reached position j
 *   goodput(K) = (1 + sum_{k <= K} prod_{j <= k} alpha_j) / (K c_draft + 1 + overhead)
 * After a round, unless one of the latest `cooldown` rounds changed it, K moves to the best of the drafter's gammas and plain
 * decoding, ties to the shorter, if that is more than 1 away. With chance eps the longest draft plays instead, so that no
 * position stays unseen (the request says only that exploration covers all positions). Costs are constants, as there.
 * Check: alpha = 0.85 throughout, c_draft 0.05, overhead 0: gammas 0-16 peak at 10. */
#include <stdlib.h>

#include "policies/ladder.h"

enum { EMA, PRIOR, EVERY, DRAFT, OVERHEAD, EPS, COOLDOWN, DRAFTER };

struct adaptive_k {
    int arm, drafter;
    double rounds, rest;  // since the latest intake; before K may change again
    struct adaptive_k_token {
        double alpha, reached, accepted;
    } token[];            // (L)
};

static int adaptive_k_check(const struct problem *p, const double *param, struct err *err) {
    int rc = whole("adaptive-k", "every", param[EVERY], err);
    if (!rc) rc = whole("adaptive-k", "cooldown", param[COOLDOWN], err);
    return rc ? rc : ladder_check("adaptive-k", p, param[DRAFTER], err);
}

static size_t adaptive_k_size(const struct problem *p) {
    return sizeof(struct adaptive_k) + (size_t)p->L * sizeof(struct adaptive_k_token);
}

static void adaptive_k_init(void *state, const struct problem *p, const double *param) {
    struct adaptive_k *s = state;
    s->drafter = ladder_drafter(p, param[DRAFTER]);
    s->arm = ladder_nearest(p, s->drafter, p->L); // the server's own K is the largest
    for (int j = 0; j < p->L; j++) s->token[j].alpha = param[PRIOR];
}

static double goodput(const struct adaptive_k *s, const double *param, int K) {
    double emitted = 1, all = 1;
    for (int k = 0; k < K; k++) emitted += all *= s->token[k].alpha;
    return emitted / (K * param[DRAFT] + 1 + param[OVERHEAD]);
}

static int best_arm(const struct adaptive_k *s, const struct problem *p, const double *param) {
    int arm = s->arm;
    double best = -1;
    for (int i = 0; i < p->K; i++) {
        if (p->arms[i].gamma && p->arms[i].drafter != s->drafter) continue;
        double have = goodput(s, param, p->arms[i].gamma);
        if (have > best || (have == best && p->arms[i].gamma < p->arms[arm].gamma)) best = have, arm = i;
    }
    return arm;
}

static int adaptive_k_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    const struct adaptive_k *s = state;
    return rng_uniform(rng) < param[EPS] ? ladder_nearest(p, s->drafter, p->L) : s->arm;
}

static void take_in(struct adaptive_k *s, const struct problem *p, double ema) {
    for (struct adaptive_k_token *x = s->token; x < s->token + p->L; x++) {
        if (x->reached > 0) x->alpha += ema * (x->accepted / x->reached - x->alpha);
        x->reached = x->accepted = 0;
    }
    s->rounds = 0;
}

static void adaptive_k_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct adaptive_k *s = state;
    for (int j = 0; j < o->proposed && j <= o->accepted; j++) s->token[j].reached++, s->token[j].accepted += j < o->accepted;
    if (++s->rounds >= param[EVERY]) take_in(s, p, param[EMA]);
    if (s->rest > 0) {
        s->rest--;
        return;
    }
    int best = best_arm(s, p, param);
    if (abs(p->arms[best].gamma - p->arms[s->arm].gamma) <= 1) return;
    s->arm = best;
    s->rest = param[COOLDOWN];
}

const struct policy policy_adaptive_k = {
    .name = "adaptive-k", .setting = "heuristic",
    .summary = "the length of highest goodput from acceptance by position",
    .cite = "vllm-project/vllm#44336, #47111; exploration by the longest draft is our reading",
    .flags = POLICY_RANDOM,
    .params = {
        {"ema", 0.3, 0, 1, NULL, "weight of what the latest rounds brought"},
        {"prior", 0.85, 0, 1, NULL, "acceptance of a position never reached"},
        {"every", 10, 1, 1e6, NULL, "rounds between intakes"},
        {"draft", 0.05, 0, 100, NULL, "cost of drafting a token in verifications"},
        {"overhead", 0, 0, 100, NULL, "cost of verifying drafts at all in verifications"},
        {"eps", 0.1, 0, 1, NULL, "chance of the longest draft"},
        {"cooldown", 4, 0, 1e6, NULL, "rounds for which a new length stays"},
        LADDER_DRAFTER,
    },
    .check = adaptive_k_check,
    .size = adaptive_k_size, .init = adaptive_k_init, .select = adaptive_k_select, .update = adaptive_k_update,
};
