/* drafter_rest.c - retrieval: what most often followed the last tokens in a datastore (He et al. 2023, REST, arXiv 2311.08252).
 *
 * The longest suffix of the history, of most .. least tokens, that occurs in the datastore with at least one token after it in its
 * document; from all its places the continuations form a trie, and the draft follows the child with the largest count from the root
 * down (ties to the smallest id). The suffix array holds that trie: a node is a range of it. */
#include <string.h>

#include "core/copier.h"
#include "core/datastore.h"
#include "core/mem.h"
#include "core/tokenizer.h"

enum { MOST, LEAST }; // param

struct rest {
    struct datastore store;
    int vocab;
};

static int rest_open(struct drafter *d, struct err *err) {
    if (!d->path) return err_set(err, "drafter '%s' wants a datastore, as in rest=FILE (see banditspec datastore --help)", d->name);
    if (copier_whole(d, MOST, err) || copier_whole(d, LEAST, err)) return ERR_FAILED;
    if (d->param[LEAST] > d->param[MOST]) return err_set(err, "drafter '%s' wants least up to most, got %g and %g", d->name, d->param[LEAST], d->param[MOST]);
    struct rest *s = d->state = mem_alloc(1, sizeof *s, "drafter 'rest'", err);
    return s ? datastore_open(&s->store, d->path, err) : ERR_FAILED;
}

static void rest_close(struct drafter *d) {
    struct rest *s = d->state;
    if (!s) return;
    datastore_close(&s->store);
    mem_free(s);
}

static int rest_attach(struct drafter *d, const struct drafter_target *t, struct err *err) {
    const struct rest *s = d->state;
    if (!strcmp(s->store.tokenizer_sha256, t->tokenizer->sha256)) return 0;
    return err_set(err, "datastore '%s' was made with another tokenizer (%.12s) than the target's (%.12s)", d->path, s->store.tokenizer_sha256, t->tokenizer->sha256);
}

static int rest_sha256(const struct drafter *d, char hex[SHA256_HEX], struct err *err) {
    return file_map_sha256(&((const struct rest *)d->state)->store.map, hex, err);
}

static int rest_reset(struct drafter *d, const int *prompt, int n, struct err *err) {
    (void)d, (void)prompt, (void)n, (void)err;
    return 0;
}

static int rest_accept(struct drafter *d, const int *tokens, int n, struct err *err) { return rest_reset(d, tokens, n, err); }

static int rest_draft(struct drafter *d, const int *history, int n, int L, struct draft *out, struct err *err) {
    (void)err;
    const struct rest *s = d->state;
    int most = n < (int)d->param[MOST] ? n : (int)d->param[MOST];
    out->n = out->match = 0;
    for (int span = most; span >= (int)d->param[LEAST] && !out->n; span--) {
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
    .params = {{"most", 16, 1, 64, NULL, "tokens of the longest suffix looked up"}, {"least", 2, 1, 64, NULL, "and of the shortest"}},
    .open = rest_open, .close = rest_close, .attach = rest_attach, .sha256 = rest_sha256,
    .reset = rest_reset, .draft = rest_draft, .accept = rest_accept,
};
