/* batch_trace.c - see batch_trace.h. */
#include "sim/batch_trace.h"

#include "core/mem.h"

/* A model's drafts for several requests: see batch_trace.h. */
static void draft_together(const struct cost *c, const struct arm *const *arm, int n, struct outcome *o) {
    double sum[COST_DRAFTERS] = {0}, most[COST_DRAFTERS] = {0};
    for (int i = 0; i < n; i++) {
        const int d = arm[i]->drafter;
        if (d < 0 || !c->draft[d].together) continue;
        sum[d] += o[i].draft_s;
        if (o[i].draft_s > most[d]) most[d] = o[i].draft_s;
    }
    for (int i = 0; i < n; i++) {
        const int d = arm[i]->drafter;
        if (d >= 0 && sum[d] > 0) o[i].draft_s *= most[d] / sum[d];
    }
}

static int trace_round(struct batch_world *world, const int *slot, const struct arm *const *arm, int n, struct outcome *o,
                       double *verify_s, struct err *err) {
    struct batch_trace *w = (struct batch_trace *)world;
    int rows[BATCH_SLOTS], context[BATCH_SLOTS], after[BATCH_SLOTS];
    for (int i = 0; i < n; i++) {
        struct world *one = world->slot[slot[i]];
        context[i] = one->prompt_tokens + one->pos;
        if (one->type->round(one, arm[i], &o[i], err)) return -1;
        rows[i] = outcome_nodes(&o[i]) + 1, after[i] = o[i].gamma > 0 ? arm[i]->drafter : -1;
    }
    if (!w->given) {
        if (n > 1 && w->cost && w->cost->kind == COST_HARDWARE) draft_together(w->cost, arm, n, o);
        *verify_s = !w->cost ? 0 : n == 1 ? o[0].verify_s : passes_seconds(w->passes, w->cost, rows, context, after, n);
        return 0;
    }
    if (w->given_n - w->given_at < (size_t)n) return err_set(err, "replay has more rounds than the %zu of the live run", w->given_n);
    *verify_s = w->given[w->given_at].verify_s;
    for (int i = 0; i < n; i++) o[i].draft_s = w->given[w->given_at++].draft_s;
    return 0;
}

static double trace_prefill(const struct batch_world *world, int slot) {
    const struct batch_trace *w = (const struct batch_trace *)world;
    return w->passes && !w->given ? passes_prefill(w->passes, w->cost, world->slot[slot]->prompt_tokens) : 0;
}

static const struct batch_world_type type = {"trace", trace_round, trace_prefill};

int batch_trace_open(struct batch_trace *w, const struct trace *t, const struct cost *cost, const struct passes *passes, int B,
                     struct err *err) {
    *w = (struct batch_trace){.world = {.type = &type, .B = B}, .cost = cost, .passes = passes};
    if (!(w->slots = mem_alloc((size_t)B, sizeof *w->slots, "slots", err))
        || !(w->world.slot = mem_alloc((size_t)B, sizeof *w->world.slot, "slots", err))) {
        batch_trace_close(w);
        return -1;
    }
    for (int s = 0; s < B; s++) {
        w->slots[s] = world_trace(t, cost);
        w->world.slot[s] = &w->slots[s].world;
    }
    return 0;
}

void batch_trace_close(struct batch_trace *w) {
    mem_free(w->slots), mem_free(w->world.slot);
    *w = (struct batch_trace){.slots = NULL};
}
