/* world_trace.c - see world_trace.h. */
#include "sim/world_trace.h"

#include <string.h>

static inline int least(int a, int b) { return a < b ? a : b; }

static int trace_start(struct world *world, int q, struct err *err) {
    struct world_trace *w = (struct world_trace *)world;
    if (q < 0 || q >= w->trace->Q)
        return err_set(err, "sequence %d of '%s' does not exist, it holds %d", q, w->trace->path, w->trace->Q);
    const struct trace_sequence *x = &w->trace->sequences[q];
    w->cell0 = x->at - 1; // position s is cell at + s - 1; wraps for at = 0 and comes back with s >= 1
    w->tokens = x->tokens;
    w->prompt_tokens = x->prompt_tokens;
    w->given_at = 0;
    memset(w->shown, 0, sizeof w->shown);
    memset(w->stops, 0, sizeof w->stops);
    world->sequence = q;
    world->pos = 1;
    world->max_new = w->trace->max_new;
    world->done = x->tokens <= 1;
    return 0;
}

static int take_given(struct world_trace *w, struct outcome *o, struct err *err) {
    if (w->given_at == w->given_n)
        return err_set(err, "sequence %d of '%s' has more rounds than the %zu timings given",
                       w->trace->sequences[w->world.sequence].ordinal, w->trace->path, w->given_n);
    o->draft_s = w->given[w->given_at].draft_s;
    o->verify_s = w->given[w->given_at++].verify_s;
    return 0;
}

/* Tokens drafted until the rule says stop, of those that were recorded. */
static int stopped(const struct world_trace *w, const struct arm *arm, size_t cell, int proposed) {
    const struct trace *t = w->trace;
    const float *signal = t->signal[arm->drafter] + (cell - (size_t)arm->drafter * t->cells) * (size_t)t->L * 2;
    for (int k = 0; k < proposed; k++)
        if (stop_after(&arm->stop, &w->stops[arm->stop.slot], signal[2 * k], signal[2 * k + 1])) return k + 1;
    return proposed;
}

static int trace_round(struct world *world, const struct arm *arm, struct outcome *o, struct err *err) {
    struct world_trace *w = (struct world_trace *)world;
    const struct trace *t = w->trace;
    int pos = world->pos, proposed = 0, accepted = 0;
    int gamma = least(arm->gamma, world->max_new - pos - 1), width = 1;
    if (gamma > 0) {
        size_t cell = (size_t)arm->drafter * t->cells + w->cell0 + (size_t)pos;
        proposed = least(gamma, t->proposed[cell]);
        if (arm->stop.rule) {
            int n = stopped(w, arm, cell, proposed);
            if (n && n < gamma) gamma = n; // the rule asked for no more
            proposed = n;
        }
        accepted = least(proposed, t->accepted[cell]);
        width = trace_width(t, arm->drafter, cell, proposed);
    }
    if (arm->stop.rule && !w->caught_up) stop_learn(&arm->stop, &w->stops[arm->stop.slot], proposed, accepted);
    o->gamma = gamma;
    o->proposed = proposed;
    o->accepted = accepted;
    o->emitted = least(accepted + 1, w->tokens - pos);
    o->nodes = width - 1;
    if (w->given) {
        if (take_given(w, o, err)) return ERR_FAILED;
    } else if (w->cost) {
        int context = w->prompt_tokens + pos;
        o->draft_s = 0;
        if (gamma > 0) {
            o->draft_s = cost_drafting(w->cost, arm->drafter, proposed, context);
            if (!w->caught_up) o->draft_s += cost_catch_up(w->cost, arm->drafter, context - w->shown[arm->drafter]);
            w->shown[arm->drafter] = context + cost_kept(w->cost, arm->drafter, proposed, accepted);
        }
        o->verify_s = cost_verify(w->cost, width, context);
    } else {
        o->draft_s = o->verify_s = 0;
    }
    world->pos = pos + o->emitted;
    world->done = world->pos >= w->tokens;
    return 0;
}

static const struct world_type type = {.name = "trace", .start = trace_start, .round = trace_round};

struct world_trace world_trace(const struct trace *t, const struct cost *cost) {
    return (struct world_trace){.world = {.type = &type, .done = true}, .trace = t, .cost = cost};
}

void world_trace_give(struct world_trace *w, const struct round_seconds *seconds, size_t n) {
    w->given = seconds;
    w->given_n = n;
}
