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

static void price_all(struct priced *p) {
    const struct cost *c = p->cost;
    const int row = p->trace->L + 1;
    p->prices[0] = (struct price){.base = cost_base_after(c, -1, 1), .slope = cost_slope_after(c, -1, 1)};
    for (int d = 0; d < p->trace->D; d++) {
        const struct cost_draft *x = &c->draft[d];
        for (int n = 0; n < row; n++)
            p->prices[(1 + d) * row + n] = (struct price){.once = n ? x->a + x->b * n : x->none, .longer = n ? x->c : x->none_context,
                                                          .base = cost_base_after(c, d, n + 1), .slope = cost_slope_after(c, d, n + 1)};
        for (int m = 0; m < PRICED_FRESH; m++) p->fresh[1 + d][m] = cost_catch_up(c, d, m);
    }
}

static void count_all(struct priced *p) {
    const struct trace *t = p->trace;
    #pragma omp parallel for schedule(dynamic, 16)
    for (int q = 0; q < t->Q; q++) {
        const struct trace_sequence *x = &t->sequences[q];
        for (int pos = 1; pos < x->tokens; pos++) {
            const size_t cell = x->at + (size_t)pos - 1;
            for (int k = 0; k < p->K; k++) p->rounds[cell * (size_t)p->K + (size_t)k] = priced_round_at(p, k, cell, pos, x->tokens);
        }
    }
}

int priced_open(struct priced *p, const struct trace *t, const struct cost *cost, const struct arm *arms, int K, struct err *err) {
    *p = (struct priced){.trace = t, .cost = cost, .arms = arms, .K = K};
    const size_t n = (t->cells + 1) * (size_t)K;
    if (!(p->prices = mem_alloc((size_t)((1 + t->D) * (t->L + 1)), sizeof *p->prices, "prices", err))
        || !(p->fresh = mem_alloc((size_t)(1 + t->D), sizeof *p->fresh, "prices", err))
        || (n <= PRICED_BYTES / sizeof *p->rounds && !(p->rounds = mem_alloc(n, sizeof *p->rounds, "rounds of a trace", err)))) {
        priced_close(p);
        return ERR_FAILED;
    }
    price_all(p);
    if (p->rounds) count_all(p);
    return 0;
}

void priced_close(struct priced *p) {
    mem_free(p->rounds), mem_free(p->prices), mem_free(p->fresh);
    *p = (struct priced){0};
}
