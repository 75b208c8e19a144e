/* drafter_resttree.c - REST's trie as a tree (He et al. 2023, arXiv 2311.08252, section 3.2): the prefixes that most of the retrieved
 * continuations begin with.
 *
 * Places are found as by drafter_rest.c; each gives a continuation of up to `depth` tokens within its document. The `nodes` first
 * prefixes are drafted in the order (count descending, length ascending, tokens ascending). A prefix never counts more than what it
 * begins with, so a queue in that order that starts with the root's children and takes in a node's children when the node leaves it
 * gives them out in order. */
#include "core/mem.h"
#include "core/retrieval.h"

enum { NODES = RETRIEVAL_PARAMS, DEPTH, DEPTH_MAX = 32 }; // param

struct prefix {
    size_t count;
    int depth, parent, token[DEPTH_MAX]; // parent: a node of the draft
    struct datastore_range range;
};

static bool before(const struct prefix *a, const struct prefix *b) {
    if (a->count != b->count) return a->count > b->count;
    if (a->depth != b->depth) return a->depth < b->depth;
    for (int i = 0; i < a->depth; i++)
        if (a->token[i] != b->token[i]) return a->token[i] < b->token[i];
    return false;
}

static int push(struct retrieval *s, const struct prefix *p, struct err *err) {
    if (mem_grow(&s->queue, &s->room, s->n + 1, sizeof *p, "prefixes", err)) return ERR_FAILED;
    struct prefix *queue = s->queue; // a binary heap, first in order at 0
    size_t at = s->n++;
    for (; at && before(p, &queue[(at - 1) / 2]); at = (at - 1) / 2) queue[at] = queue[(at - 1) / 2];
    queue[at] = *p;
    return 0;
}

static struct prefix pop(struct retrieval *s) {
    struct prefix *queue = s->queue, first = queue[0], last = queue[--s->n];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < s->n; at = child) {
        if (child + 1 < s->n && before(&queue[child + 1], &queue[child])) child++;
        if (!before(&queue[child], &last)) break;
        queue[at] = queue[child];
    }
    queue[at] = last;
    return first;
}

/* The children of a prefix at `depth` tokens after the span join the queue. */
static int push_children(struct retrieval *s, const struct prefix *p, int node, int span, struct err *err) {
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
    struct retrieval *s = d->state;
    int most = n < (int)d->param[RETRIEVAL_MOST] ? n : (int)d->param[RETRIEVAL_MOST], depth = (int)d->param[DEPTH], node[DRAFT_MAX], taken = 0;
    out->n = out->match = 0;
    s->n = 0;
    for (int span = most; L > 0 && span >= (int)d->param[RETRIEVAL_LEAST] && !taken; span--) {
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
    .params = {RETRIEVAL_OPTIONS,
               {"nodes", 16, 1, DRAFT_MAX, NULL, "tokens drafted"}, {"depth", 8, 1, DEPTH_MAX, NULL, "tokens of the longest path"}},
    .open = retrieval_open, .close = retrieval_close, .attach = retrieval_attach, .sha256 = retrieval_sha256,
    .reset = retrieval_reset, .draft = resttree_draft, .accept = retrieval_accept,
};
