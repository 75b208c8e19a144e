/* world_trace.c - see world_trace.h. */
#include "sim/world_trace.h"

#include <string.h>

#include "core/mem.h"
#include "policies/lanes.h"

static inline int least(int a, int b) { return a < b ? a : b; }

static int trace_start(struct world *world, int q, struct err *err) {
    struct world_trace *w = (struct world_trace *)world;
    if (q < 0 || q >= w->trace->Q)
        return err_set(err, "sequence %d of '%s' does not exist, it holds %d", q, w->trace->path, w->trace->Q);
    const struct trace_sequence *x = &w->trace->sequences[q];
    w->cell0 = x->at - 1; // position s is cell at + s - 1; wraps for at = 0 and comes back with s >= 1
    w->tokens = x->tokens;
    w->given_at = 0;
    memset(w->shown, 0, (size_t)least(w->trace->D, COST_DRAFTERS) * sizeof *w->shown);
    w->shown[COST_DRAFTERS] = 0;
    if (w->ruled) memset(w->stops, 0, sizeof w->stops), w->ruled = false;
    world->sequence = q;
    world->pos = 1;
    world->max_new = w->trace->max_new;
    world->prompt_tokens = x->prompt_tokens;
    world->done = x->tokens <= 1;
    w->plain = w->prices && w->cost && !w->cost->luck && !w->given && !w->caught_up && !world->asks && !world->agent && w->trace->D > 0;
    for (int d = 0; d < w->trace->D; d++) w->plain = w->plain && !w->trace->drafters[d].tree;
    return 0;
}

/* -- rounds in lanes -- */

/* trace_round where all worlds are plain and no arm has a rule: the same without a branch, as which arm played and what it brought is what a
 * processor cannot guess. */
LANES_INLINE void plain_lanes(struct world *const *worlds, struct outcome_lanes *o, const bool late) {
    const struct world_trace *one = (const struct world_trace *)worlds[0];
    const struct prices *prices = one->prices;
    const struct price *price[POLICY_LANES];
    const double *catch_up[POLICY_LANES];
    double long_ago[POLICY_LANES];
    int context[POLICY_LANES];
#pragma GCC unroll 4
    for (int l = 0; l < POLICY_LANES; l++) {
        struct world_trace *w = (struct world_trace *)worlds[l];
        const struct priced_arm *arm = &prices->arms[o->arm[l]];
        const int pos = w->world.pos, gamma = least(arm->gamma, w->world.max_new - pos - 1);
        const size_t cell = w->cell0 + (size_t)pos;
        const int proposed = least(gamma, arm->proposed[cell]), accepted = least(proposed, arm->accepted[cell]), emitted = least(accepted + 1, w->tokens - pos);
        o->gamma[l] = gamma, o->proposed[l] = o->nodes[l] = proposed, o->accepted[l] = accepted, o->emitted[l] = emitted;
        context[l] = w->world.prompt_tokens + pos;
        price[l] = gamma > 0 ? &arm->price[proposed] : prices->at;
        w->world.pos = pos + emitted;
        w->world.done = w->world.pos >= w->tokens;
        if (late) {
            int *shown = &w->shown[gamma > 0 ? arm->drafter : COST_DRAFTERS];
            const int fresh = context[l] - *shown;
            catch_up[l] = (gamma > 0 ? arm->fresh : prices->fresh[0]) + fresh;
            if (__builtin_expect(fresh >= PRICES_FRESH, 0)) {
                long_ago[l] = gamma > 0 ? cost_catch_up(one->cost, arm->drafter, fresh) : 0;
                catch_up[l] = &long_ago[l];
            }
            *shown = context[l] + least(accepted, (int)price[l]->kept);
        }
    }
#define PRICE(field) ((four){price[0]->field, price[1]->field, price[2]->field, price[3]->field})
    const four history = four_from_int(context), verify = PRICE(keep) * (PRICE(base) + PRICE(slope) * history);
    four draft = PRICE(once) + PRICE(longer) * history;
#undef PRICE
    if (late) draft += (four){*catch_up[0], *catch_up[1], *catch_up[2], *catch_up[3]};
    memcpy(o->draft_s, &draft, sizeof draft);
    memcpy(o->verify_s, &verify, sizeof verify);
}

LANES_INLINE void plain_rounds_body(struct world *const *worlds, struct outcome_lanes *o) {
    if (((const struct world_trace *)worlds[0])->prices->late) plain_lanes(worlds, o, true);
    else plain_lanes(worlds, o, false);
}
LANES_BODY(plain_rounds, (struct world *const *worlds, struct outcome_lanes *o), worlds, o)

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
    if (!w->caught_up) seconds += cost_catch_up(w->cost, d, context - w->shown[d]);
    w->shown[d] = context + cost_kept(w->cost, d, proposed, accepted);
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
        if (t->drafters[d].tree) return err_set(err, "a policy that asks every drafter in every round cannot ask '%s', which drafts trees", t->drafters[d].name);
        if (most > 0) w->asked_s += drafting(w, d, proposed, least(proposed, t->accepted[cell]), context);
    }
    v->peek = w->peeks;
    return 0;
}

static int trace_round(struct world *world, const struct arm *arm, struct outcome *o, struct err *err) {
    struct world_trace *w = (struct world_trace *)world;
    const struct trace *t = w->trace;
    int pos = world->pos, proposed = 0, accepted = 0, d = arm->drafter;
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

static int trace_rounds(struct world *const *worlds, const struct arm *arms, struct outcome_lanes *o, unsigned lanes, struct err *err) {
    const struct world_trace *one = (const struct world_trace *)worlds[0]; // the others are like it
    if (lanes == (1u << POLICY_LANES) - 1 && one->plain && !one->prices->ruled) {
        plain_rounds(worlds, o);
        return 0;
    }
    for (int l = 0; l < POLICY_LANES; l++) {
        struct outcome x = {.arm = o->arm[l]};
        if (!(lanes >> l & 1)) continue;
        if (trace_round(worlds[l], &arms[x.arm], &x, err)) return ERR_FAILED;
        o->gamma[l] = x.gamma, o->proposed[l] = x.proposed, o->accepted[l] = x.accepted, o->emitted[l] = x.emitted, o->nodes[l] = x.nodes;
        o->draft_s[l] = x.draft_s, o->verify_s[l] = x.verify_s;
    }
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

static const struct world_type type = {.name = "trace", .start = trace_start, .look = trace_look, .round = trace_round, .rounds = trace_rounds, .hindsight = trace_hindsight};

struct world_trace world_trace(const struct trace *t, const struct cost *cost) {
    return (struct world_trace){.world = {.type = &type, .done = true}, .trace = t, .cost = cost};
}

static int prices_open(struct prices *p, const struct trace *t, const struct cost *c, const struct arm *arms, int K, struct err *err) {
    p->row = t->L + 1;
    if (!(p->at = mem_alloc((size_t)((1 + t->D) * p->row), sizeof *p->at, "prices", err))
        || !(p->fresh = mem_alloc((size_t)(1 + t->D), sizeof *p->fresh, "prices", err))
        || !(p->arms = mem_alloc((size_t)K, sizeof *p->arms, "prices", err))) return ERR_FAILED;
    for (int k = 0; k < K; k++) {
        const int d = arms[k].drafter < 0 ? 0 : arms[k].drafter;
        p->arms[k] = (struct priced_arm){t->proposed + (size_t)d * t->cells, t->accepted + (size_t)d * t->cells, p->at + (d + 1) * p->row, p->fresh[d + 1], d, arms[k].gamma};
        p->ruled = p->ruled || arms[k].stop.rule;
    }
    for (int d = -1; d < t->D; d++) {
        const struct cost_draft *x = &c->draft[d < 0 ? 0 : d];
        for (int k = 0; d >= 0 && k < COST_CATCH_UPS; k++) p->late = p->late || x->catch_up[k] != 0;
        for (int k = 0; d >= 0 && k < PRICES_FRESH; k++) p->fresh[d + 1][k] = cost_catch_up(c, d, k);
        for (int n = 0; n <= (d < 0 ? 0 : t->L); n++)
            p->at[(d + 1) * p->row + n] = (struct price){
                .once = d < 0 ? 0 : n ? x->a + x->b * n : x->none, .longer = d < 0 ? 0 : n ? x->c : x->none_context,
                .keep = 1 - (d < 0 ? c->spared : x->spared)[n + 1], .base = c->base[n + 1], .slope = c->slope[n + 1], .kept = d >= 0 && x->keeps && n ? n - 1 : 0};
    }
    return 0;
}

int trace_lanes_open(struct trace_lanes *l, const struct trace *t, const struct cost *cost, const struct arm *arms, int K, struct err *err) {
    *l = (struct trace_lanes){0};
    if (!(l->worlds = mem_alloc(LANES_ABREAST, sizeof *l->worlds, "worlds in lanes", err)) || prices_open(&l->prices, t, cost, arms, K, err)) {
        trace_lanes_close(l);
        return ERR_FAILED;
    }
    for (int i = 0; i < LANES_ABREAST; i++) {
        l->worlds[i] = world_trace(t, cost);
        l->worlds[i].prices = &l->prices;
        l->at[i] = &l->worlds[i].world;
    }
    return 0;
}

void trace_lanes_close(struct trace_lanes *l) {
    mem_free(l->worlds), mem_free(l->prices.at), mem_free(l->prices.fresh), mem_free(l->prices.arms);
    *l = (struct trace_lanes){0};
}

void world_trace_give(struct world_trace *w, const struct round_seconds *seconds, size_t n) {
    w->given = seconds;
    w->given_n = n;
}

int world_trace_ready(struct trace *t, unsigned asks, const struct arm *arms, int K, struct err *err) {
    for (int k = 0; k < K; k++) {
        int d = arms[k].drafter;
        if (d >= 0 && (arms[k].stop.rule || (asks & POLICY_SIGNAL && !t->drafters[d].copier && !t->drafters[d].silent && !t->drafters[d].tree)) && trace_load_signal(t, d, err)) return -1;
    }
    if (asks & POLICY_PEEK && trace_load_match(t, err)) return -1;
    return asks & POLICY_MARGIN ? trace_load_margin(t, err) : 0;
}
