/* priced.c - see priced.h. */
#include "sim/priced.h"

#include "core/mem.h"

bool priced_can(const struct trace *t, const struct cost *cost, const struct arm *arms, int K) {
    if (!cost || cost->luck || t->D > COST_DRAFTERS) return false;
    for (int d = 0; d < t->D; d++)
        if (t->drafters[d].tree) return false;
    for (int k = 0; k < K; k++)
        if (arms[k].stop.rule) return false;
    return true;
}

static void price_all(struct priced *p, size_t contexts) {
    const struct cost *c = p->cost;
    const int row = p->trace->L + 1;
    p->prices[0] = (struct price){.base = cost_base_after(c, -1, 1), .slope = cost_slope_after(c, -1, 1)};
    p->of_taker[0] = p->fresh;
    for (int d = 0; d < p->trace->D; d++) {
        const struct cost_draft *x = &c->draft[d];
        double *fresh = p->fresh + (size_t)(1 + d) * contexts;
        for (int n = 0; n < row; n++)
            p->prices[(1 + d) * row + n] = (struct price){.once = n ? x->a + x->b * n : x->none, .longer = n ? x->c : x->none_context,
                                                          .base = cost_base_after(c, d, n + 1), .slope = cost_slope_after(c, d, n + 1)};
        for (size_t m = 0; m < contexts; m++) fresh[m] = cost_catch_up(c, d, (int)m);
        p->of_taker[1 + d] = fresh;
    }
}

static void count_all(struct priced *p) {
    const struct trace *t = p->trace;
    #pragma omp parallel for schedule(dynamic, 16)
    for (int q = 0; q < t->Q; q++) {
        const struct trace_sequence *x = &t->sequences[q];
        for (int k = 0; k < p->K; k++) {
            struct priced_round *at = p->rounds + (size_t)k * (t->cells + 1) + x->at;
            for (int pos = 1; pos < x->tokens; pos++) at[pos - 1] = priced_round_at(p, k, x->at + (size_t)pos - 1, pos, x->tokens);
        }
    }
    for (int k = 0; k < p->K; k++) p->of_arm[k] = p->rounds + (size_t)k * (t->cells + 1);
}

int priced_open(struct priced *p, const struct trace *t, const struct cost *cost, const struct arm *arms, int K, struct err *err) {
    *p = (struct priced){.trace = t, .cost = cost, .arms = arms, .K = K};
    const size_t n = (t->cells + 1) * (size_t)K, takers = (size_t)t->D + 1;
    size_t contexts = 0;
    for (int q = 0; q < t->Q; q++) {
        const size_t longest = (size_t)t->sequences[q].prompt_tokens + (size_t)t->sequences[q].tokens + 1;
        if (longest > contexts) contexts = longest;
    }
    if (!(p->prices = mem_alloc(takers * (size_t)(t->L + 1), sizeof *p->prices, "prices", err))
        || !(p->fresh = mem_alloc(takers * contexts, sizeof *p->fresh, "prices", err))
        || !(p->of_taker = mem_alloc(takers, sizeof *p->of_taker, "prices", err))
        || (n <= PRICED_BYTES / sizeof *p->rounds && !(p->rounds = mem_alloc(n, sizeof *p->rounds, "rounds of a trace", err)))
        || !(p->of_arm = mem_alloc((size_t)K, sizeof *p->of_arm, "rounds of a trace", err))) {
        priced_close(p);
        return ERR_FAILED;
    }
    price_all(p, contexts);
    if (p->rounds) count_all(p);
    return 0;
}

void priced_close(struct priced *p) {
    mem_free(p->rounds), mem_free(p->prices), mem_free(p->fresh), mem_free(p->of_arm), mem_free(p->of_taker);
    *p = (struct priced){0};
}
