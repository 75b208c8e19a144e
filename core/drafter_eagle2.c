/* drafter_eagle2.c - EAGLE-2: a tree whose shape follows the head's own confidence (Li et al. 2024, arXiv 2406.16858).
 *
 * Level 1 holds the topk likeliest tokens after the history. Then depth - 1 times the topk nodes of largest cumulative
 * probability of the newest level go through the head, each attending to its own ancestors only, and each offers its topk
 * children. Of all offers the `nodes` of largest cumulative probability are drafted, in the order they were made; a child is never
 * likelier than its parent, so parents are among them. Ties go to the earlier offer. */
#include <math.h>
#include <string.h>

#include "core/clock.h"
#include "core/eagle.h"
#include "core/mem.h"

enum { NODES = EAGLE_PARAMS, DEPTH, TOPK }; // param
enum { DEPTH_MAX = 12, TOPK_MAX = 16, OFFERS = TOPK_MAX + (DEPTH_MAX - 1) * TOPK_MAX * TOPK_MAX };

struct offer {
    int token, parent, depth; // parent: an offer, -1: the history
    float score;              // log of the cumulative probability
};

struct growth {
    struct offer offer[OFFERS];
    int n;
    int fed[(DEPTH_MAX - 1) * TOPK_MAX], fed_n; // offers that went through the head, level by level; their rows of a pass
    int row[OFFERS];                            // of a fed offer
    float *feature;                             // (fed, hidden) what the head made of them, the engine's
};

static int eagle2_attach(struct drafter *d, const struct drafter_target *t, struct err *err) {
    int depth = (int)d->param[DEPTH], topk = (int)d->param[TOPK], rows = engine_max_rows(t->engine), hidden = engine_model(t->engine)->hidden;
    struct eagle *s = d->state;
    if (eagle_attach(d, t, err)) return ERR_FAILED;
    if ((depth - 1) * topk > rows) return err_set(err, "drafter '%s' feeds up to %d nodes in a pass, expected at most %d", d->name, (depth - 1) * topk, rows);
    if (topk > engine_outputs(s->e)) return err_set(err, "drafter '%s' wants %d children of %d tokens", d->name, topk, engine_outputs(s->e));
    struct growth *g = NULL;
    s->scratch = g = mem_alloc(1, sizeof *g, "a tree", err);
    return g && (g->feature = engine_buffer(s->e, (size_t)(depth - 1) * (size_t)topk * (size_t)hidden, "a tree's features", err)) ? 0 : ERR_FAILED;
}

/* The topk children of each of `wanted` nodes, whose logits are the engine's; parent[i] is an offer or -1. */
static void offer_children(struct eagle *s, struct growth *g, const int *parent, int wanted, int topk) {
    int ids[TOPK_MAX * TOPK_MAX];
    float values[TOPK_MAX * TOPK_MAX], top[TOPK_MAX], entropy[TOPK_MAX];
    engine_top(s->e, topk, ids, values);
    engine_confidence(s->e, top, entropy);
    for (int i = 0; i < wanted; i++) {
        const struct offer *p = parent[i] < 0 ? NULL : &g->offer[parent[i]];
        float base = logf(top[i]) - values[i * topk] + (p ? p->score : 0);
        for (int k = 0; k < topk; k++) {
            float score = base + values[i * topk + k], most = p ? p->score : 0; // rounding must not lift a child above its parent
            g->offer[g->n++] = (struct offer){ids[i * topk + k], parent[i], p ? p->depth + 1 : 1, score < most ? score : most};
        }
    }
}

/* The `want` offers of [from, n) with the largest scores, best first; returns how many. */
static int best_offers(const struct growth *g, int from, int want, int *best) {
    int n = 0;
    for (int i = from; i < g->n; i++) {
        int at = n < want ? n : want - 1;
        if (n == want && !(g->offer[i].score > g->offer[best[want - 1]].score)) continue;
        for (; at > 0 && g->offer[i].score > g->offer[best[at - 1]].score; at--) best[at] = best[at - 1];
        best[at] = i;
        n += n < want;
    }
    return n;
}

/* One level more: the beam goes through the head beside all that did before, since a pass keeps nothing of the last one. */
static int grow(struct eagle *s, struct growth *g, const int *beam, int n, int topk, struct err *err) {
    struct row rows[(DEPTH_MAX - 1) * TOPK_MAX];
    const size_t hidden = (size_t)s->head->hidden;
    int old = g->fed_n;
    for (int i = 0; i < n; i++) g->row[beam[i]] = g->fed_n, g->fed[g->fed_n++] = beam[i];
    for (int i = 0; i < g->fed_n; i++) {
        const struct offer *o = &g->offer[g->fed[i]];
        int parent = o->parent < 0 ? -1 : g->row[o->parent];
        rows[i] = (struct row){o->token, s->target->slot, parent, i >= old, parent < 0 ? s->feature : g->feature + (size_t)parent * hidden};
    }
    if (engine_forward(s->e, rows, g->fed_n, err)) return -1;
    engine_keep(s->e, old, n, g->feature + (size_t)old * hidden);
    offer_children(s, g, beam, n, topk);
    return 0;
}

static int ascending(const int *at, int n, int *sorted) { // insertion sort of a few
    for (int i = 0; i < n; i++) {
        int k = i;
        for (; k > 0 && sorted[k - 1] > at[i]; k--) sorted[k] = sorted[k - 1];
        sorted[k] = at[i];
    }
    return n;
}

static int eagle2_draft(struct drafter *d, const int *history, int n, int L, struct draft *out, struct err *err) {
    struct eagle *s = d->state;
    struct growth *g = s->scratch;
    const int topk = (int)d->param[TOPK], depth = (int)d->param[DEPTH];
    int64_t start = clock_ns();
    out->n = out->match = 0;
    if (L < 1 || n < 2) return 0;
    if (eagle_catch_up(s, history, n, err)) return ERR_FAILED;
    g->n = g->fed_n = 0;
    offer_children(s, g, (const int[]){-1}, 1, topk);
    for (int level = 1, from = 0; level < depth; level++) {
        int beam[TOPK_MAX], count = best_offers(g, from, topk, beam);
        from = g->n;
        if (grow(s, g, beam, count, topk, err)) return ERR_FAILED;
    }
    int best[DRAFT_MAX], kept[DRAFT_MAX], node[OFFERS];
    int count = ascending(best, best_offers(g, 0, (int)d->param[NODES], best), kept);
    for (int i = 0; i < count; i++) {
        const struct offer *o = &g->offer[kept[i]];
        if (o->depth > L) continue; // the tree of a shorter draft is the same tree, cut
        node[kept[i]] = out->n;
        out->token[out->n] = o->token, out->depth[out->n] = o->depth, out->parent[out->n] = o->parent < 0 ? -1 : node[o->parent];
        out->top_prob[out->n] = expf(o->score), out->entropy[out->n] = 0;
        out->ns[out->n++] = clock_ns() - start;
    }
    return 0;
}

const struct drafter_type drafter_eagle2 = {
    .name = "eagle2",
    .summary = "trees from an EAGLE head, shaped by its confidence, as in eagle2=DIR",
    .cite = "Li et al. 2024, EAGLE-2, arXiv 2406.16858",
    .features = true, .tree = true,
    .params = {EAGLE_OPTIONS,
               {"nodes", 15, 1, DRAFT_MAX - 1, NULL, "tokens drafted"},
               {"depth", 5, 1, DEPTH_MAX, NULL, "levels"},
               {"topk", 4, 1, TOPK_MAX, NULL, "children offered by a node, and nodes of a level that offer some"}},
    .open = eagle_open, .close = eagle_close, .attach = eagle2_attach, .sha256 = eagle_sha256,
    .reset = eagle_reset, .draft = eagle2_draft, .accept = eagle_accept, .forget = eagle_forget,
};
