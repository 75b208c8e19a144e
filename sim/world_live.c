/* world_live.c - see world_live.h. */
#include "sim/world_live.h"

#include <string.h>

#include "core/mem.h"

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
    w->margin = 0, w->round = 0, w->asked_ns = 0; // the prefill's margin is not recorded
    world->sequence = q;
    world->max_new = w->max_new;
    world->prompt_tokens = p->n;
    follow(w);
    return tell(w, 1, 0, err);
}

static struct draft *asked_of(const struct world_live *w, int round) {
    return w->asked + (size_t)(round % LIVE_ASKED) * (size_t)w->decoder->D;
}

/* Does drafter d draft before the choice? */
static bool was_asked(const struct world_live *w, int d) {
    const struct drafter_type *type = w->decoder->drafters[d].type;
    if (!(w->world.drafters >> d & 1)) return false;
    return w->world.asks & POLICY_ALL || (w->world.asks & POLICY_PEEK && type->copier && !type->tree);
}

static int live_look(struct world *world, struct view *v, struct err *err) {
    struct world_live *w = (struct world_live *)world;
    const int D = w->decoder->D;
    v->margin = world->asks & POLICY_MARGIN ? w->margin : 0;
    w->asked_ns = 0;
    if (!D || !(world->asks & (POLICY_PEEK | POLICY_ALL))) return 0;
    if (!w->asked && (!(w->asked = mem_alloc((size_t)D * LIVE_ASKED, sizeof *w->asked, "drafts", err)) || !(w->peeks = mem_alloc((size_t)D, sizeof *w->peeks, "drafts", err))))
        return -1;
    for (int i = 0; i < D; i++) {
        const struct drafter_type *type = w->decoder->drafters[i].type;
        struct draft *draft = asked_of(w, w->round) + i;
        int asked;
        int64_t ns;
        w->peeks[i] = (struct peek){-1, 0};
        if (!was_asked(w, i)) continue;
        if (type->tree) return err_set(err, "a policy that asks every drafter in every round cannot ask '%s', which drafts trees", w->decoder->drafters[i].name);
        if (decoder_draft(w->decoder, i, world->L, draft, &asked, &ns, err)) return -1;
        w->asked_ns += ns;
        if (type->copier) w->peeks[i] = (struct peek){draft->n, draft->match < 255 ? draft->match : 255};
    }
    v->peek = w->peeks;
    return 0;
}

struct stopping {
    const struct world_live *w;
    const struct arm *arm;
    int depth;
};

static bool last(void *user, float top_prob, float entropy) {
    struct stopping *s = user;
    return world_last(&s->w->world, s->arm, s->w->stops, ++s->depth, top_prob, entropy);
}

static void note_signal(struct world_live *w, const struct draft *draft) {
    for (int k = 0; k < draft->n; k++) w->signal[2 * k] = draft->top_prob[k], w->signal[2 * k + 1] = draft->entropy[k];
}

/* A draft made before the round, cut to what the arm asks for. */
static void cut(struct world_live *w, const struct arm *arm, bool copier, struct draft *draft, int *gamma) {
    const int budget = w->max_new - w->decoder->pos - 1;
    *gamma = arm->gamma < budget ? arm->gamma : budget;
    if (draft->n > *gamma) draft->n = *gamma;
    if (copier || !(arm->stop.rule || w->world.agent)) return;
    note_signal(w, draft);
    draft->n = world_stopped(&w->world, arm, w->stops, w->signal, draft->n, *gamma);
    if (draft->n && draft->n < *gamma) *gamma = draft->n;
}

int world_live_draft(struct world_live *w, const struct arm *arm, struct live_turn *t, struct err *err) {
    struct stopping stopping = {w, arm, 0};
    const struct draft_rule rule = {last, &stopping};
    const int d = arm->drafter;
    const struct drafter_type *type = d < 0 ? NULL : w->decoder->drafters[d].type;
    const bool rules = arm->stop.rule || (type && !type->tree && !type->copier && w->world.agent);
    if (arm->stop.rule && type->tree) return err_set(err, "arm '%s': a tree comes at once, so no rule can stop it", arm->name);
    if (arm->stop.rule && type->copier)
        return err_set(err, "arm '%s' wants a drafter with probabilities, which '%s' has not", arm->name, w->decoder->drafters[d].name);
    t->round.draft_ns = 0;
    if (!type || !was_asked(w, d)) return decoder_draft_until(w->decoder, d, arm->gamma, rules ? &rule : NULL, &t->draft, &t->round.gamma, &t->round.draft_ns, err);
    t->draft = asked_of(w, w->round)[d];
    cut(w, arm, type->copier, &t->draft, &t->round.gamma);
    return 0;
}

int world_live_finish(struct world_live *w, const struct arm *arm, const struct live_turn *t, struct outcome *o, struct err *err) {
    struct world *world = &w->world;
    const struct round *r = &t->round;
    const struct drafter_type *type = arm->drafter < 0 ? NULL : w->decoder->drafters[arm->drafter].type;
    const bool signal = world->asks & POLICY_SIGNAL && type && !type->tree && !type->copier;
    if (arm->stop.rule) stop_learn(&arm->stop, &w->stops[arm->stop.slot], r->proposed, r->accepted);
    if (signal) note_signal(w, &t->draft);
    o->signal = signal ? w->signal : NULL;
    o->gamma = r->gamma, o->proposed = r->proposed, o->accepted = r->accepted, o->emitted = r->emitted, o->nodes = r->width - 1;
    o->draft_s = (double)(r->draft_ns + (world->asks ? w->asked_ns : 0)) / 1e9, o->verify_s = (double)r->verify_ns / 1e9;
    w->margin = r->margin;
    w->round++;
    follow(w);
    return tell(w, r->emitted, r->accepted, err);
}

static int live_round(struct world *world, const struct arm *arm, struct outcome *o, struct err *err) {
    struct world_live *w = (struct world_live *)world;
    struct live_turn t;
    if (world_live_draft(w, arm, &t, err) || decoder_settle(w->decoder, arm->drafter, &t.draft, &t.round, err)) return -1;
    return world_live_finish(w, arm, &t, o, err);
}

/* Against the text that has come since. */
static void live_hindsight(struct world *world, int pos, int round, int *proposed, int *accepted) {
    const struct world_live *w = (const struct world_live *)world;
    const struct ids *h = &w->decoder->history;
    const struct draft *drafts = asked_of(w, round);
    for (int i = 0; i < w->decoder->D; i++) {
        if (!was_asked(w, i)) {
            proposed[i] = accepted[i] = -1;
            continue;
        }
        const int *text = h->at + w->decoder->prompt_n + pos;
        proposed[i] = drafts[i].n, accepted[i] = 0;
        while (accepted[i] < drafts[i].n && drafts[i].token[accepted[i]] == text[accepted[i]]) accepted[i]++;
    }
}

static const struct world_type live = {.name = "live", .start = live_start, .look = live_look, .round = live_round, .hindsight = live_hindsight};

struct world_live world_live(struct decoder *d, const struct live_prompt *prompts, int max_new) {
    return (struct world_live){.world = {.type = &live, .max_new = max_new}, .decoder = d, .prompts = prompts, .max_new = max_new};
}

void world_live_close(struct world_live *w) {
    mem_free(w->asked), mem_free(w->peeks);
    w->asked = NULL, w->peeks = NULL;
}
