/* world_trace.c - see world_trace.h. */
#include "sim/world_trace.h"

#include <string.h>

#include "core/mem.h"
#include "policies/lanes.h"

static inline int least(int a, int b) { return a < b ? a : b; }

/* At the first position of the sequence, whose cell is `at`. */
static void seat_lane(struct world_trace *w, size_t at) {
    struct trace_four *f = w->four;
    f->cell[w->lane] = at, f->pos[w->lane] = 1, f->tokens[w->lane] = w->tokens, f->prompt_tokens[w->lane] = w->world.prompt_tokens;
    for (int taker = 0; taker <= w->trace->D; taker++) f->shown[taker][w->lane] = 0;
}

static int trace_start(struct world *world, int q, struct err *err) {
    struct world_trace *w = (struct world_trace *)world;
    if (q < 0 || q >= w->trace->Q)
        return err_set(err, "sequence %d of '%s' does not exist, it holds %d", q, w->trace->path, w->trace->Q);
    const struct trace_sequence *x = &w->trace->sequences[q];
    w->cell0 = x->at - 1; // position s is cell at + s - 1; wraps for at = 0 and comes back with s >= 1
    w->tokens = x->tokens;
    w->given_at = 0;
    memset(w->shown, 0, (size_t)(1 + least(w->trace->D, COST_DRAFTERS)) * sizeof *w->shown);
    if (w->ruled) memset(w->stops, 0, sizeof w->stops), w->ruled = false;
    world->sequence = q;
    world->pos = 1;
    world->max_new = w->trace->max_new;
    world->prompt_tokens = x->prompt_tokens;
    world->done = x->tokens <= 1;
    if (w->four) seat_lane(w, x->at);
    return 0;
}

/* -- rounds in lanes -- */

typedef uint32_t four_counts __attribute__((vector_size(16)));

static inline uint32_t priced_counts(const struct priced_round *x) {
    uint32_t counts; // gamma, proposed, accepted, emitted, from the lowest byte on (little-endian, as all that this runs on)
    memcpy(&counts, x, sizeof counts);
    return counts;
}

/* Without a branch, as which arm played and what it brought is what a processor cannot guess; and from registers to vectors, as a load of
 * what was stored in pieces waits. */
LANES_INLINE int look_up_four(struct trace_four *f, struct outcome_lanes *o, const bool counted) {
    const struct priced *p = f->priced;
    const four_ints pos = ints_from(f->pos), context = ints_from(f->prompt_tokens) + pos;
    struct priced_round fresh_rounds[POLICY_LANES];
    const struct priced_round *x[POLICY_LANES];
    four price[POLICY_LANES];
    double catch_up[POLICY_LANES];
    unsigned now[POLICY_LANES];
    ints_put((int *)now, context);
#pragma GCC unroll 4
    for (int l = 0; l < POLICY_LANES; l++) {
        const size_t cell = f->cell[l];
        if (counted) x[l] = &p->of_arm[o->arm[l]][cell];
        else fresh_rounds[l] = priced_round_at(p, o->arm[l], cell, f->pos[l], f->tokens[l]), x[l] = &fresh_rounds[l];
        const size_t taker = x[l]->taker;
        catch_up[l] = p->of_taker[taker][now[l] - f->shown[taker][l]];
        f->shown[taker][l] = now[l] + x[l]->kept;
        f->cell[l] = cell + x[l]->emitted;
        price[l] = four_from(&p->prices[x[l]->price].once);
    }
    const four_counts counts = {priced_counts(x[0]), priced_counts(x[1]), priced_counts(x[2]), priced_counts(x[3])};
    const four_ints proposed = (four_ints)(counts >> 8 & 255), emitted = (four_ints)(counts >> 24);
    ints_put(o->gamma, (four_ints)(counts & 255)), ints_put(o->proposed, proposed), ints_put(o->nodes, proposed);
    ints_put(o->accepted, (four_ints)(counts >> 16 & 255)), ints_put(o->emitted, emitted);
    ints_put(f->pos, pos + emitted);
    four once, longer, base, slope;
    four_transpose(price, &once, &longer, &base, &slope);
    const four history = __builtin_convertvector(context, four);
    four_put(o->draft_s, once + longer * history + (four){catch_up[0], catch_up[1], catch_up[2], catch_up[3]});
    four_put(o->verify_s, base + slope * history);
    return ints_mask(pos + emitted >= ints_from(f->tokens));
}

/* Those without an episode are nowhere. */
static __attribute__((noinline)) void leave(struct trace_four *f, unsigned plays) {
    for (int l = 0; l < POLICY_LANES; l++)
        if (!(plays >> l & 1)) f->cell[l] = f->priced->trace->cells;
}

LANES_INLINE void look_up_body(struct world_four *const *at, int n) {
    for (int i = 0; i < n; i++) {
        struct trace_four *f = ((const struct world_trace *)at[i]->world[0])->four;
        if (at[i]->plays != (1u << POLICY_LANES) - 1) leave(f, at[i]->plays);
        const int ended = f->priced->rounds ? look_up_four(f, &at[i]->policy.o, true) : look_up_four(f, &at[i]->policy.o, false);
        at[i]->ended = at[i]->plays & (unsigned)ended;
    }
}
LANES_BODY(void, look_up, (struct world_four *const *at, int n), at, n)

static int take_given(struct world_trace *w, struct outcome *o, struct err *err) {
    if (w->given_at == w->given_n)
        return err_set(err, "sequence %d of '%s' has more rounds than the %zu timings given",
                       w->trace->sequences[w->world.sequence].ordinal, w->trace->path, w->given_n);
    o->draft_s = w->given[w->given_at].draft_s;
    o->verify_s = w->given[w->given_at++].verify_s;
    return 0;
}

/* Confidences of drafter d at one of its cells, (L, 2); null where it has none. */
static const float *signal_at(const struct trace *t, int d, size_t cell) {
    if (!t->signal || !t->signal[d] || t->drafters[d].tree) return NULL;
    return t->signal[d] + (cell - (size_t)d * t->cells) * (size_t)t->L * 2;
}

/* Drafting `proposed` tokens now, catching up first. */
static double drafting(struct world_trace *w, int d, int proposed, int accepted, int context) {
    if (!w->cost) return 0;
    double seconds = cost_drafting(w->cost, d, proposed, context) * cost_luck(w->cost, d, w->cell0 + (size_t)w->world.pos);
    if (!w->caught_up) seconds += cost_catch_up(w->cost, d, context - w->shown[1 + d]);
    w->shown[1 + d] = context + cost_kept(w->cost, d, proposed, accepted);
    return seconds;
}

/* Does drafter d draft before the choice? */
static bool was_asked(const struct world_trace *w, int d) {
    if (d < 0 || !(w->world.drafters >> d & 1)) return false;
    return w->world.asks & POLICY_ALL || (w->world.asks & POLICY_PEEK && w->trace->drafters[d].copier && !w->trace->drafters[d].tree);
}

static int trace_look(struct world *world, struct view *v, struct err *err) {
    struct world_trace *w = (struct world_trace *)world;
    const struct trace *t = w->trace;
    const int pos = world->pos, most = least(world->L, world->max_new - pos - 1), context = world->prompt_tokens + pos;
    if (world->asks & POLICY_MARGIN) v->margin = t->margin && pos > 1 ? t->margin[w->cell0 + (size_t)pos - 1] : 0;
    w->asked_s = 0;
    if (!(world->asks & (POLICY_PEEK | POLICY_ALL))) return 0;
    for (int d = 0; d < t->D; d++) {
        size_t cell = (size_t)d * t->cells + w->cell0 + (size_t)pos;
        int proposed = most > 0 ? least(most, t->proposed[cell]) : 0;
        w->peeks[d] = (struct peek){-1, 0};
        if (!was_asked(w, d)) continue;
        if (t->drafters[d].copier) w->peeks[d] = (struct peek){proposed, t->match ? t->match[cell] : 0};
        if (t->drafters[d].tree)
            return err_set(err, "a policy that asks every drafter in every round cannot ask '%s', which drafts trees", t->drafters[d].name);
        if (most > 0) w->asked_s += drafting(w, d, proposed, least(proposed, t->accepted[cell]), context);
    }
    v->peek = w->peeks;
    return 0;
}

/* trace_round where nobody looks, ends a draft or gives timings. */
static void looked_up_round(struct world_trace *w, int k, struct outcome *o) {
    const struct priced *p = w->priced;
    struct world *world = &w->world;
    const int pos = world->pos, context = world->prompt_tokens + pos;
    const size_t cell = w->cell0 + (size_t)pos;
    const struct priced_round x = p->rounds ? p->of_arm[k][cell] : priced_round_at(p, k, cell, pos, w->tokens);
    const struct price *price = &p->prices[x.price];
    const int fresh = context - w->shown[x.taker];
    w->shown[x.taker] = context + x.kept;
    o->gamma = x.gamma, o->proposed = o->nodes = x.proposed, o->accepted = x.accepted, o->emitted = x.emitted;
    o->signal = NULL;
    o->draft_s = price->once + price->longer * context + p->of_taker[x.taker][fresh];
    o->verify_s = price->base + price->slope * context;
    world->pos = pos + o->emitted;
    world->done = world->pos >= w->tokens;
}

static int trace_round(struct world *world, const struct arm *arm, struct outcome *o, struct err *err) {
    struct world_trace *w = (struct world_trace *)world;
    const struct trace *t = w->trace;
    int pos = world->pos, proposed = 0, accepted = 0, d = arm->drafter;
    if (w->priced && !world->asks && !world->agent && !w->given && !w->caught_up) {
        looked_up_round(w, (int)(arm - w->priced->arms), o);
        return 0;
    }
    int gamma = least(arm->gamma, world->max_new - pos - 1), width = 1;
    o->signal = NULL;
    if (gamma > 0) {
        size_t cell = (size_t)d * t->cells + w->cell0 + (size_t)pos;
        const float *signal = signal_at(t, d, cell);
        proposed = least(gamma, t->proposed[cell]);
        if (signal && (arm->stop.rule || world->agent)) {
            int n = world_stopped(world, arm, w->stops, signal, proposed, gamma);
            if (n && n < gamma) gamma = n; // no more was asked for
            proposed = n;
        }
        accepted = least(proposed, t->accepted[cell]);
        width = trace_width(t, d, cell, proposed);
        if (world->asks & POLICY_SIGNAL) o->signal = signal;
    }
    if (arm->stop.rule && !w->caught_up) w->ruled = true, stop_learn(&arm->stop, &w->stops[arm->stop.slot], proposed, accepted);
    o->gamma = gamma;
    o->proposed = proposed;
    o->accepted = accepted;
    o->emitted = least(accepted + 1, w->tokens - pos);
    o->nodes = width - 1;
    if (w->given) {
        if (take_given(w, o, err)) return ERR_FAILED;
    } else if (w->cost) {
        int context = world->prompt_tokens + pos;
        o->draft_s = world->asks ? w->asked_s : 0;
        if (gamma > 0 && !was_asked(w, d)) o->draft_s += drafting(w, d, proposed, accepted, context);
        o->verify_s = cost_verify_after(w->cost, gamma > 0 ? d : -1, width, context) * cost_luck(w->cost, -1, w->cell0 + (size_t)pos);
    } else {
        o->draft_s = o->verify_s = 0;
    }
    world->pos = pos + o->emitted;
    world->done = world->pos >= w->tokens;
    return 0;
}

static int trace_rounds(struct world_four *const *at, int n, const struct arm *arms, struct err *err) {
    int rc = 0;
    if (!((const struct world_trace *)at[0]->world[0])->four) {
        for (int i = 0; !rc && i < n; i++) rc = world_each_round(at[i], arms, err);
        return rc;
    }
    look_up(at, n);
    return 0;
}

static void trace_hindsight(struct world *world, int pos, int round, int *proposed, int *accepted) {
    const struct world_trace *w = (const struct world_trace *)world;
    const struct trace *t = w->trace;
    const int most = least(world->L, world->max_new - pos - 1);
    (void)round;
    for (int d = 0; d < t->D; d++) {
        size_t cell = (size_t)d * t->cells + w->cell0 + (size_t)pos;
        if (!was_asked(w, d)) {
            proposed[d] = accepted[d] = -1;
            continue;
        }
        proposed[d] = least(most, t->proposed[cell]);
        accepted[d] = least(proposed[d], t->accepted[cell]);
    }
}

static const struct world_type type = {.name = "trace", .start = trace_start, .look = trace_look, .round = trace_round, .rounds = trace_rounds,
                                       .hindsight = trace_hindsight};

struct world_trace world_trace(const struct trace *t, const struct cost *cost) {
    return (struct world_trace){.world = {.type = &type, .done = true}, .trace = t, .cost = cost};
}

void trace_lanes_start(struct trace_lanes *l, const struct trace *t, const struct cost *cost, const struct priced *priced) {
    for (int i = 0; i < LANES_ABREAST; i++) {
        struct trace_four *f = &l->fours[i / POLICY_LANES];
        l->worlds[i] = world_trace(t, cost);
        l->worlds[i].four = priced ? f : NULL, l->worlds[i].lane = i % POLICY_LANES;
        l->at[i] = &l->worlds[i].world;
        if (i % POLICY_LANES == 0) *f = (struct trace_four){.priced = priced};
        if (priced) f->cell[i % POLICY_LANES] = t->cells;
    }
}

void world_trace_give(struct world_trace *w, const struct round_seconds *seconds, size_t n) {
    w->given = seconds;
    w->given_n = n;
}

int world_trace_ready(struct trace *t, unsigned asks, const struct arm *arms, int K, struct err *err) {
    for (int k = 0; k < K; k++) {
        int d = arms[k].drafter;
        const struct trace_drafter *x = d >= 0 ? &t->drafters[d] : NULL;
        const bool sees = x && asks & POLICY_SIGNAL && !x->copier && !x->silent && !x->tree;
        if (x && (arms[k].stop.rule || sees) && trace_load_signal(t, d, err)) return -1;
    }
    if (asks & POLICY_PEEK && trace_load_match(t, err)) return -1;
    return asks & POLICY_MARGIN ? trace_load_margin(t, err) : 0;
}
