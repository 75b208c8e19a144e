/* world_live.c - see world_live.h. */
#include "sim/world_live.h"

#include <string.h>

static int tell(struct world_live *w, int n, int accepted, struct err *err) {
    const struct ids *h = &w->decoder->history;
    return w->listen ? w->listen(w->user, h->at + h->n - n, n, accepted, err) : 0;
}

static void follow(struct world_live *w) {
    w->world.pos = w->decoder->pos;
    w->world.done = w->decoder->done;
}

static int live_start(struct world *world, int q, struct err *err) {
    struct world_live *w = (struct world_live *)world;
    const struct live_prompt *p = &w->prompts[q];
    if (decoder_start(w->decoder, p->ids, p->n, w->max_new, p->sequence, &w->prefill_ns, err)) return -1;
    memset(w->stops, 0, sizeof w->stops);
    world->sequence = q;
    world->max_new = w->max_new;
    follow(w);
    return tell(w, 1, 0, err);
}

struct stopping {
    const struct stop *stop;
    const struct stop_state *state;
};

static bool last(const void *user, float top_prob, float entropy) {
    const struct stopping *s = user;
    return stop_after(s->stop, s->state, top_prob, entropy);
}

static int live_round(struct world *world, const struct arm *arm, struct outcome *o, struct err *err) {
    struct world_live *w = (struct world_live *)world;
    struct round r;
    struct stop_state *state = &w->stops[arm->stop.slot];
    const struct stopping stopping = {&arm->stop, state};
    const struct draft_rule rule = {last, &stopping};
    const struct drafter_type *type = arm->drafter < 0 ? NULL : w->decoder->drafters[arm->drafter].type;
    if (arm->stop.rule && type->tree) return err_set(err, "arm '%s': a tree comes at once, so no rule can stop it", arm->name);
    if (arm->stop.rule && type->copier)
        return err_set(err, "arm '%s' wants a drafter with probabilities, which '%s' has not", arm->name, w->decoder->drafters[arm->drafter].name);
    if (decoder_round_until(w->decoder, arm->drafter, arm->gamma, arm->stop.rule ? &rule : NULL, &r, err)) return -1;
    if (arm->stop.rule) stop_learn(&arm->stop, state, r.proposed, r.accepted);
    o->gamma = r.gamma, o->proposed = r.proposed, o->accepted = r.accepted, o->emitted = r.emitted, o->nodes = r.width - 1;
    o->draft_s = (double)r.draft_ns / 1e9, o->verify_s = (double)r.verify_ns / 1e9;
    follow(w);
    return tell(w, r.emitted, r.accepted, err);
}

static const struct world_type live = {.name = "live", .start = live_start, .round = live_round};

struct world_live world_live(struct decoder *d, const struct live_prompt *prompts, int max_new) {
    return (struct world_live){.world = {.type = &live, .max_new = max_new}, .decoder = d, .prompts = prompts, .max_new = max_new};
}
