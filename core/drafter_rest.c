/* drafter_rest.c - retrieval: what most often followed the last tokens in a datastore (He et al. 2023, REST, arXiv 2311.08252).
 *
 * The longest suffix of the history, of most .. least tokens, that occurs in the datastore with at least one token after it in its
 * document; from all its places the continuations form a trie, and the draft follows the child with the largest count from the root
 * down (ties to the smallest id). The suffix array holds that trie: a node is a range of it. */
#include <string.h>

#include "core/retrieval.h"

static int rest_draft(struct drafter *d, const int *history, int n, int L, struct draft *out, struct err *err) {
    (void)err;
    const struct retrieval *s = d->state;
    int most = n < (int)d->param[RETRIEVAL_MOST] ? n : (int)d->param[RETRIEVAL_MOST];
    out->n = out->match = 0;
    for (int span = most; span >= (int)d->param[RETRIEVAL_LEAST] && !out->n; span--) {
        struct datastore_range range = datastore_find(&s->store, history + n - span, span);
        size_t count;
        for (int k = 0; k < L && range.from < range.to; k++) {
            int token = datastore_next(&s->store, &range, span + k, &count);
            if (token < 0) break;
            out->token[out->n++] = token, out->match = span;
        }
    }
    memset(out->top_prob, 0, sizeof out->top_prob);
    memset(out->entropy, 0, sizeof out->entropy);
    return 0;
}

const struct drafter_type drafter_rest = {
    .name = "rest",
    .summary = "the likeliest continuation in a datastore, as in rest=FILE",
    .cite = "He et al. 2023, REST, arXiv 2311.08252",
    .copier = true,
    .params = {RETRIEVAL_OPTIONS},
    .open = retrieval_open, .close = retrieval_close, .attach = retrieval_attach, .sha256 = retrieval_sha256,
    .reset = retrieval_reset, .draft = rest_draft, .accept = retrieval_accept,
};
