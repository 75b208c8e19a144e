/* serving.c - see serving.h. */
#include "sim/serving.h"

#include "core/mem.h"
#include "sim/arrivals.h"

/* Which sequence the i-th request is, and the name that the policy's randomness knows it by: in order, those of the first time round are
 * the recording's own, so that a batch of one repeats its replay. */
static int draw(const struct trace *t, const struct load *l, uint64_t seed, int i, uint32_t *name) {
    if (!l->random) {
        const int last = t->sequences[t->Q - 1].ordinal + 1;
        *name = (uint32_t)t->sequences[i % t->Q].ordinal + (uint32_t)(i / t->Q) * (uint32_t)last;
        return i % t->Q;
    }
    struct rng r = rng_at(seed, rng_stream("requests"), (uint32_t)i, 0);
    *name = (uint32_t)i;
    return rng_below(&r, t->Q);
}

int workload_open(struct workload *w, const struct trace *t, const struct load *l, uint64_t seed, struct err *err) {
    int came = l->requests;
    *w = (struct workload){.n = 0};
    if (t->Q < 1) return err_set(err, "recording in '%s' holds no sequences", t->path);
    if (l->arrivals == ARRIVALS_FILE && arrivals_read(&w->arrival, &came, l->path, l->requests, err)) return -1;
    const size_t n = (size_t)came;
    if ((l->arrivals == ARRIVALS_POISSON || l->arrivals == ARRIVALS_BURSTY)
        && !(w->arrival = mem_alloc(n, sizeof *w->arrival, "requests", err)))
        return -1;
    if (!(w->sequence = mem_alloc(n, sizeof *w->sequence, "requests", err))
        || !(w->tokens = mem_alloc(n, sizeof *w->tokens, "requests", err))
        || !(w->ordinal = mem_alloc(n, sizeof *w->ordinal, "requests", err))) {
        workload_close(w);
        return -1;
    }
    if (l->arrivals == ARRIVALS_POISSON) arrivals_poisson(w->arrival, came, l->rate, seed);
    if (l->arrivals == ARRIVALS_BURSTY) arrivals_bursty(w->arrival, came, l->rate, l->peak, l->burst_s, seed);
    for (int i = 0; i < came; i++) {
        uint32_t name;
        const int q = draw(t, l, seed, i, &name);
        const struct trace_sequence *x = &t->sequences[q];
        if (l->context && (x->prompt_tokens > l->context || t->max_new > l->context - x->prompt_tokens)) {
            w->refused++;
            continue;
        }
        w->sequence[w->n] = q, w->tokens[w->n] = x->tokens, w->ordinal[w->n] = name;
        if (w->arrival) w->arrival[w->n] = w->arrival[i];
        w->n++;
    }
    if (w->n) return 0;
    workload_close(w);
    return err_set(err, "all %d requests were refused: prompt and budget exceed the context of %d tokens", came, l->context);
}

void workload_close(struct workload *w) {
    mem_free(w->sequence), mem_free(w->tokens), mem_free(w->ordinal), mem_free(w->arrival);
    *w = (struct workload){.n = 0};
}

int serving_run(const struct serving *s, struct figures *f, struct batch_total *total, struct err *err) {
    const struct batch_plan plan = {.who = s->who, .policy = s->policy, .problem = s->problem, .seed = s->seed, .fresh = s->fresh,
                                    .quota = s->who == BATCH_SHARE ? s->quota : 0, .requests = s->work->n, .sequence = s->work->sequence,
                                        .ordinal = s->work->ordinal,
                                    .arrival = s->work->arrival, .queue = s->queue};
    struct batch_trace w = {.slots = NULL};
    struct meter m = {.first = NULL};
    *total = (struct batch_total){.passes = 0};
    int rc = meter_open(&m, &plan, s->work->tokens, s->slo_ttft, s->slo_tpot, err);
    if (!rc) rc = batch_trace_open(&w, s->trace, s->cost, s->passes, s->B, err);
    if (!rc) rc = batch_run(&w.world, &plan, &m.watch, total, err);
    if (!rc) *f = meter_read(&m, total);
    batch_trace_close(&w), meter_close(&m);
    return rc;
}
