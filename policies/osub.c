/* osub.c - OSUB, for a reward with one peak along the draft length.
 *
 * Combes & Proutiere, "Unimodal bandits: regret lower bounds and optimal algorithms", ICML 2014, Algorithm 1.
 * Arms form a graph: of one drafter, each gamma is joined to the next shorter and next longer (plain decoding is the
 * shortest of every drafter), and equal gammas of two drafters are joined. After each arm once, the leader
 * is the arm of highest mean; with l counting its rounds as leader, this one included, and d the largest number of
 * neighbours any arm has:
 *   (l - 1) mod (d + 1) = 0: the leader plays, else the highest KL-UCB index with budget ln l + c ln ln l
 * plays among the leader and its neighbours, ties to the lowest number. Accepted tokens over seconds have one
 * peak when acceptance is geometric and a round's seconds grow linearly with gamma; accepted tokens
 * alone only grow, so reward=len climbs to the largest gamma.
 * Check: p=0.75, gamma 0..8, cost 1 + 0.12 gamma: 131.8 s for 256 tokens, 2024 s for 4096. */
#include "policies/flat.h"
#include "policies/index.h"

enum { REWARD, C };

struct osub {          // behind the struct flat
    int degree;        // most neighbours of any arm
    int leader;        // of the latest choice, -1 while arms are untried
    struct osub_arm {
        double led;    // rounds as leader
        int below, above; // next shorter and next longer gamma of its drafter, -1: none
    } arm[];           // (K)
};

static size_t osub_size(const struct problem *p) {
    return flat_size(p) + sizeof(struct osub) + (size_t)p->K * sizeof(struct osub_arm);
}

static struct osub *graph(void *state, const struct problem *p) { return (struct osub *)((char *)state + flat_size(p)); }

static bool joined(const struct osub *s, const struct problem *p, int i, int j) {
    const struct arm *a = &p->arms[i], *b = &p->arms[j];
    if (s->arm[i].below == j || s->arm[i].above == j || s->arm[j].below == i) return true;
    return a->gamma && a->gamma == b->gamma && a->drafter != b->drafter;
}

static void join_drafter(struct osub *s, const struct problem *p, int i) {
    const struct arm *at = p->arms, *a = &at[i];
    struct osub_arm *x = &s->arm[i];
    x->below = x->above = -1;
    for (int j = 0; j < p->K && a->gamma; j++) {
        if (at[j].gamma && at[j].drafter != a->drafter) continue;
        if (at[j].gamma < a->gamma && (x->below < 0 || at[j].gamma > at[x->below].gamma)) x->below = j;
        if (at[j].gamma > a->gamma && (x->above < 0 || at[j].gamma < at[x->above].gamma)) x->above = j;
    }
}

static void osub_init(void *state, const struct problem *p, const double *param) {
    struct osub *s = graph(state, p);
    (void)param;
    s->leader = -1;
    for (int i = 0; i < p->K; i++) join_drafter(s, p, i);
    for (int i = 0; i < p->K; i++) {
        int degree = 0;
        for (int j = 0; j < p->K; j++) degree += j != i && joined(s, p, i, j);
        if (degree > s->degree) s->degree = degree;
    }
}

static double mean_of(const struct flat *s, const struct problem *p, const double *param, int i) {
    (void)p, (void)param;
    return flat_mean(s, i);
}

static int osub_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    const struct flat *flat = state;
    struct osub *s = graph(state, p);
    int leader = flat_best(flat, p, param, mean_of), arm = leader;
    (void)rng;
    s->leader = flat->arm[leader].n > 0 ? leader : -1;
    if (s->leader < 0 || fmod(s->arm[leader].led, s->degree + 1) == 0) return leader;
    double budget = index_budget(elementary_log(s->arm[leader].led + 1), param[C]), best = -1;
    for (int i = 0; i < p->K; i++) {
        if (i != leader && !joined(s, p, leader, i)) continue;
        double index = bernoulli_bound(flat_mean(flat, i), budget / flat->arm[i].n);
        if (index > best) best = index, arm = i;
    }
    return arm;
}

static void osub_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct osub *s = graph(state, p);
    if (s->leader >= 0) s->arm[s->leader].led++;
    flat_update(state, p, param[REWARD], o);
}

const struct policy policy_osub = {
    .name = "osub", .setting = "stochastic",
    .summary = "KL-UCB among the best gamma and its neighbours",
    .cite = "Combes & Proutiere 2014, Algorithm 1",
    .bound = "sum over the best arm's neighbours of Delta_i ln T / kl(mu_i, mu_*), whatever the number of gammas",
    .flags = POLICY_SECONDS,
    .params = {
        REWARD_PARAM,
        {"c", 0, 0, 100, NULL, "factor of ln ln l in the bound"},
    },
    .size = osub_size, .init = osub_init, .select = osub_select, .update = osub_update,
};
