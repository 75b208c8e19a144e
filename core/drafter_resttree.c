/* drafter_resttree.c - REST's trie as a tree (He et al. 2023, arXiv 2311.08252, section 3.2): the prefixes that most of the retrieved
 * continuations begin with.
 *
 * Places are found as by drafter_rest.c; each gives a continuation of up to `depth` tokens within its document. The `nodes` first
 * prefixes are drafted in the order (count descending, length ascending, tokens ascending). A prefix never counts more than what it
 * begins with, so a queue in that order that starts with the root's children and takes in a node's children when the node leaves it
 * gives them out in order. */
#include <stdlib.h>
#include <string.h>

#include "core/copier.h"
#include "core/datastore.h"
#include "core/mem.h"
#include "core/tokenizer.h"

enum { MOST, LEAST, NODES, DEPTH, DEPTH_MAX = 32 }; // param

struct prefix {
    size_t count;
    int depth, parent, token[DEPTH_MAX]; // parent: a node of the draft
    struct datastore_range range;
};

struct resttree {
    struct datastore store;
    struct prefix *queue; // (n) a binary heap, first in order at 0
    size_t n, room;
};

static int resttree_open(struct drafter *d, struct err *err) {
    if (!d->path) return err_set(err, "drafter '%s' wants a datastore, as in resttree=FILE (see banditspec datastore --help)", d->name);
    for (int p = MOST; p <= DEPTH; p++)
        if (copier_whole(d, p, err)) return ERR_FAILED;
    if (d->param[LEAST] > d->param[MOST]) return err_set(err, "drafter '%s' wants least up to most, got %g and %g", d->name, d->param[LEAST], d->param[MOST]);
    struct resttree *s = d->state = mem_alloc(1, sizeof *s, "drafter 'resttree'", err);
    return s ? datastore_open(&s->store, d->path, err) : ERR_FAILED;
}

static void resttree_close(struct drafter *d) {
    struct resttree *s = d->state;
    if (!s) return;
    datastore_close(&s->store);
    mem_free(s->queue);
    mem_free(s);
}

static int resttree_attach(struct drafter *d, const struct drafter_target *t, struct err *err) {
    const struct resttree *s = d->state;
    if (!strcmp(s->store.tokenizer_sha256, t->tokenizer->sha256)) return 0;
    return err_set(err, "datastore '%s' was made with another tokenizer (%.12s) than the target's (%.12s)", d->path, s->store.tokenizer_sha256, t->tokenizer->sha256);
}

static int resttree_sha256(const struct drafter *d, char hex[SHA256_HEX], struct err *err) {
    return file_map_sha256(&((const struct resttree *)d->state)->store.map, hex, err);
}

static int resttree_reset(struct drafter *d, const int *prompt, int n, struct err *err) {
    (void)d, (void)prompt, (void)n, (void)err;
    return 0;
}

static int resttree_accept(struct drafter *d, const int *tokens, int n, struct err *err) { return resttree_reset(d, tokens, n, err); }

static bool before(const struct prefix *a, const struct prefix *b) {
    if (a->count != b->count) return a->count > b->count;
    if (a->depth != b->depth) return a->depth < b->depth;
    for (int i = 0; i < a->depth; i++)
        if (a->token[i] != b->token[i]) return a->token[i] < b->token[i];
    return false;
}

static int push(struct resttree *s, const struct prefix *p, struct err *err) {
    if (mem_grow(&s->queue, &s->room, s->n + 1, sizeof *s->queue, "prefixes", err)) return ERR_FAILED;
    size_t at = s->n++;
    for (; at && before(p, &s->queue[(at - 1) / 2]); at = (at - 1) / 2) s->queue[at] = s->queue[(at - 1) / 2];
    s->queue[at] = *p;
    return 0;
}

static struct prefix pop(struct resttree *s) {
    struct prefix first = s->queue[0], last = s->queue[--s->n];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < s->n; at = child) {
        if (child + 1 < s->n && before(&s->queue[child + 1], &s->queue[child])) child++;
        if (!before(&s->queue[child], &last)) break;
        s->queue[at] = s->queue[child];
    }
    s->queue[at] = last;
    return first;
}

/* The children of a prefix at `depth` tokens after the span join the queue. */
static int push_children(struct resttree *s, const struct prefix *p, int node, int span, struct err *err) {
    struct datastore_range rest = p->range, child;
    for (int token; (token = datastore_child(&s->store, &rest, span + p->depth, &child)) >= 0;) {
        struct prefix next = *p;
        next.parent = node, next.token[next.depth++] = token;
        next.range = child, next.count = child.to - child.from;
        if (push(s, &next, err)) return ERR_FAILED;
    }
    return 0;
}

static int resttree_draft(struct drafter *d, const int *history, int n, int L, struct draft *out, struct err *err) {
    struct resttree *s = d->state;
    int most = n < (int)d->param[MOST] ? n : (int)d->param[MOST], depth = (int)d->param[DEPTH], node[DRAFT_MAX], taken = 0;
    out->n = out->match = 0;
    s->n = 0;
    for (int span = most; L > 0 && span >= (int)d->param[LEAST] && !taken; span--) {
        struct prefix root = {.parent = -1, .range = datastore_find(&s->store, history + n - span, span)};
        if (root.range.from == root.range.to) continue;
        if (push_children(s, &root, -1, span, err)) return ERR_FAILED;
        for (; s->n && taken < (int)d->param[NODES]; taken++) { // counted whole, then cut: a shorter draft is the same tree
            struct prefix p = pop(s);
            node[taken] = -1;
            if (p.depth <= L) {
                node[taken] = out->n, out->match = span;
                out->token[out->n] = p.token[p.depth - 1], out->depth[out->n] = p.depth;
                out->parent[out->n] = p.parent < 0 ? -1 : node[p.parent];
                out->top_prob[out->n] = (float)p.count, out->entropy[out->n] = 0;
                out->ns[out->n++] = 0;
            }
            if (p.depth < depth && push_children(s, &p, taken, span, err)) return ERR_FAILED;
        }
    }
    float places = 0; // counts become shares of all places
    for (int i = 0; i < out->n; i++)
        if (out->parent[i] < 0) places += out->top_prob[i];
    for (int i = 0; i < out->n; i++) out->top_prob[i] /= places;
    return 0;
}

const struct drafter_type drafter_resttree = {
    .name = "resttree",
    .summary = "the likeliest continuations in a datastore as a tree, as in resttree=FILE",
    .cite = "He et al. 2023, REST, arXiv 2311.08252",
    .tree = true,
    .params = {{"most", 16, 1, 64, NULL, "tokens of the longest suffix looked up"}, {"least", 2, 1, 64, NULL, "and of the shortest"},
               {"nodes", 16, 1, DRAFT_MAX, NULL, "tokens drafted"}, {"depth", 8, 1, DEPTH_MAX, NULL, "tokens of the longest path"}},
    .open = resttree_open, .close = resttree_close, .attach = resttree_attach, .sha256 = resttree_sha256,
    .reset = resttree_reset, .draft = resttree_draft, .accept = resttree_accept,
};
