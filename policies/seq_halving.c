/* seq_halving.c - sequential halving: a budget of rounds, half the arms dropped at a time, then the last one for ever.
 *
 * Karnin, Koren, Somekh, "Almost optimal exploration in multi-armed bandits", ICML 2013, Algorithm 3. The budget of B rounds
 * is cut into ceil(log2 K) phases. In a phase each arm of S, those left, plays
 *   r = max(1, floor( B / (|S| ceil(log2 K)) ))
 * times, and the ceil(|S|/2) of highest mean reward over these rounds stay, ties to the lowest number. The last one left plays for
 * ever. Rounds of one arm follow each other: a drafter that sits out has to catch up (why MetaSD, arXiv 2604.05417, considers it).
 * Check: K=4, budget=16: 2 rounds of each arm, then 4 of each of two. */
#include "policies/flat.h"
#include "policies/whole.h"

enum { REWARD, BUDGET };

struct seq_halving { // behind the struct flat, which holds the phase
    double left;     // arms in the running
    double out[];    // (K) 1: dropped
};

static struct seq_halving *field(void *state, const struct problem *p) { return (struct seq_halving *)((char *)state + flat_size(p)); }

static size_t seq_halving_size(const struct problem *p) {
    return flat_size(p) + sizeof(struct seq_halving) + (size_t)p->K * sizeof(double);
}

static int seq_halving_check(const struct problem *p, const double *param, struct err *err) {
    (void)p;
    return whole("seq-halving", "budget", param[BUDGET], err);
}

static void seq_halving_init(void *state, const struct problem *p, const double *param) {
    (void)param;
    field(state, p)->left = p->K;
}

static double rounds_each(const struct seq_halving *s, const struct problem *p, const double *param) {
    int phases = 0;
    while (1 << phases < p->K) phases++;
    return fmax(1, floor(param[BUDGET] / (s->left * phases)));
}

static int seq_halving_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    const struct flat *flat = state;
    const struct seq_halving *s = field(state, p);
    double each = s->left > 1 ? rounds_each(s, p, param) : INFINITY;
    int arm = 0;
    (void)rng;
    while (s->out[arm] || flat->arm[arm].n >= each) arm++; // a phase that has played all rounds is over in `update`
    return arm;
}

static void drop_worst(struct seq_halving *s, const struct flat *flat, int K) {
    int worst = -1;
    for (int i = 0; i < K; i++)
        if (!s->out[i] && (worst < 0 || flat_mean(flat, i) <= flat_mean(flat, worst))) worst = i;
    s->out[worst] = 1;
}

static void seq_halving_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct flat *flat = state;
    struct seq_halving *s = field(state, p);
    if (s->left == 1) return;
    double each = rounds_each(s, p, param);
    flat_update(flat, p, param[REWARD], o);
    for (int i = 0; i < p->K; i++)
        if (!s->out[i] && flat->arm[i].n < each) return;
    for (double stay = ceil(s->left / 2); s->left > stay; s->left--) drop_worst(s, flat, p->K);
    for (int i = 0; i < p->K; i++) flat->arm[i] = (struct flat_arm){0};
}

const struct policy policy_seq_halving = {
    .name = "seq-halving", .setting = "pure exploration",
    .summary = "halves the arms in phases, then plays the last one for ever",
    .cite = "Karnin, Koren, Somekh 2013, Algorithm 3",
    .bound = "wrong arm with chance at most 3 log2(K) exp( -B / (8 H2 log2 K) ), H2 = max_i i / Delta_i^2 (Theorem 4.1)",
    .flags = POLICY_SECONDS,
    .params = {
        REWARD_PARAM,
        {"budget", 64, 1, 1e12, NULL, "rounds before it commits; more where each arm's one round a phase takes more"},
    },
    .check = seq_halving_check,
    .size = seq_halving_size, .init = seq_halving_init, .select = seq_halving_select, .update = seq_halving_update,
};
