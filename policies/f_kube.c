/* f_kube.c - fractional KUBE: reward density under a budget, with known costs.
 *
 * Tran-Thanh, Chapman, Rogers, Jennings, "Knapsack based optimal policies for budget-limited multi-armed bandits", AAAI 2012,
 * fractional KUBE. The budget is wall time, the cost of an arm its expected seconds (policies/cost.h), the reward emitted / (L + 1).
 * After each arm once, with t rounds so far, n of them with an arm of mean reward x and cost c:
 *   index = x / c + sqrt( 2 ln t / n ) / c,   the highest plays, ties to the lowest number
 * That is UCB1 over a known cost. In the paper the budget ends play; here the text does.
 * Check: costs all equal: UCB1 on emitted / (L + 1). */
#include "policies/cost.h"
#include "policies/index.h"

enum { ALPHA };

struct f_kube { // behind the struct cost
    double t, log_t;
    struct f_kube_arm {
        double n, emitted;
    } arm[];    // (K)
};

static size_t f_kube_size(const struct problem *p) {
    return cost_size(p) + sizeof(struct f_kube) + (size_t)p->K * sizeof(struct f_kube_arm);
}

static int f_kube_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    const struct f_kube *s = cost_end(state, p);
    double best = -1;
    int arm = 0;
    (void)rng;
    for (int i = 0; i < p->K; i++) {
        const struct f_kube_arm *a = &s->arm[i];
        if (a->n == 0) return i;
        double index = cost_rate(state, p, i, 0, index_ucb1(a->emitted / a->n / (p->L + 1), a->n, s->log_t, param[ALPHA]));
        if (index > best) best = index, arm = i;
    }
    return arm;
}

static void f_kube_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct f_kube *s = cost_end(state, p);
    (void)param;
    cost_update(state, p, o);
    s->log_t = elementary_log(++s->t);
    s->arm[o->arm].n++;
    s->arm[o->arm].emitted += o->emitted;
}

const struct policy policy_f_kube = {
    .name = "f-kube", .setting = "budgeted",
    .summary = "UCB1 on emitted tokens over expected seconds",
    .cite = "Tran-Thanh, Chapman, Rogers, Jennings 2012 (fractional KUBE)",
    .bound = "O( ln B ) for a budget B and known costs",
    .flags = POLICY_SECONDS,
    .params = {{"alpha", 2, 1e-6, 100, NULL, "width of the bound; 2 in the paper"}},
    .size = f_kube_size, .select = f_kube_select, .update = f_kube_update,
};
