/* drafter_sam.c - SAM decoding: copy what followed the longest suffix seen before.
 *
 * Hu et al., "SAM Decoding: Speculative Decoding via Suffix Automaton", 2024
 * (arXiv 2411.10666), its dynamic automaton. With n tokens of history, `match` is the
 * largest l >= 1 such that the last l tokens also stand ending at some end < n (overlap
 * allowed); the draft is token[end ..]. match=first takes the smallest such end (the
 * paper's min_endpos), match=recent the largest. alpha > 0 caps the draft at alpha * match
 * tokens. newest=drop ends the draft at token n - 1, as the authors' code does, which looks
 * up before it appends: (first, alpha=4, drop) is its DynSAM cut to L.
 *
 * The match is the link of the newest state (sam.h), its first end a field of that state:
 * amortized O(1) a token. The most recent end is harder. Every token is an end of all
 * suffixes, that is of the whole link path up to the root, and that path can be as long as
 * the text (a loop: a a a a ...). Finding the most recent place of the longest repeated
 * suffix online is the problem of Amir, Landau & Ukkonen, "Online timestamped text
 * indexing", IPL 82, 2002. Here the path is painted with the token's number (paint.h) and
 * the colour of the link, read just before, is the answer: exact, amortized O(log n) a
 * token. match=first keeps no such tree. */
#include "core/copier.h"
#include "core/drafter.h"
#include "core/mem.h"
#include "core/paint.h"
#include "core/sam.h"

enum { MATCH, ALPHA, NEWEST };  // param
enum { RECENT, FIRST };         // match=
enum { KEEP, DROP };            // newest=

struct sam_drafter {
    struct history text;
    struct sam sam;
    struct paint ends; // match=recent: the tree of links, each state in the colour of its newest end
    bool first, drop;
    double alpha;
    int match, end;    // of the history so far; match 0: nothing repeats
};

static int sam_open(struct drafter *d, struct err *err) {
    if (copier_no_path(d, err)) return ERR_FAILED;
    struct sam_drafter *s = d->state = mem_alloc(1, sizeof *s, "drafter 'sam'", err);
    if (!s) return ERR_FAILED;
    s->first = d->param[MATCH] == FIRST;
    s->drop = d->param[NEWEST] == DROP;
    s->alpha = d->param[ALPHA];
    return 0;
}

static void sam_drafter_close(struct drafter *d) {
    struct sam_drafter *s = d->state;
    if (!s) return;
    mem_free(s->text.token);
    sam_close(&s->sam);
    paint_close(&s->ends);
    mem_free(s);
}

/* The largest earlier end of the new state's link; then n becomes an end of the whole path. */
static int newest_end(struct sam_drafter *s, const struct sam_step *step, int n, int *end, struct err *err) {
    const struct sam_state *state = s->sam.state;
    int link = state[step->added].link;
    if (paint_reserve(&s->ends, s->sam.states - 1, err)) return ERR_FAILED;
    if (step->clone) paint_insert_above(&s->ends, step->clone, step->cloned, state[step->clone].link);
    *end = paint_colour(&s->ends, link);
    paint_path(&s->ends, link, n);
    paint_leaf(&s->ends, step->added, link, n);
    return 0;
}

static int add_token(struct sam_drafter *s, int token, struct err *err) {
    struct sam_step step;
    int n = s->text.n + 1;
    if (sam_add(&s->sam, token, &step, err)) return ERR_FAILED;
    const struct sam_state *link = &s->sam.state[s->sam.state[step.added].link];
    s->match = link->len;
    s->end = link->first;
    if (!s->first && newest_end(s, &step, n, &s->end, err)) return ERR_FAILED;
    s->text.token[s->text.n++] = token;
    return 0;
}

/* After a failure only reset and close are allowed: the automaton may be half grown. */
static int sam_accept(struct drafter *d, const int *tokens, int n, struct err *err) {
    struct sam_drafter *s = d->state;
    if (history_reserve(&s->text, n, err)) return ERR_FAILED;
    for (int i = 0; i < n; i++)
        if (add_token(s, tokens[i], err)) return ERR_FAILED;
    return 0;
}

static int sam_reset(struct drafter *d, const int *prompt, int n, struct err *err) {
    struct sam_drafter *s = d->state;
    s->text.n = s->match = s->end = 0;
    if (sam_clear(&s->sam, err) || paint_reserve(&s->ends, SAM_ROOT, err)) return ERR_FAILED;
    paint_leaf(&s->ends, SAM_ROOT, 0, 0);
    return sam_accept(d, prompt, n, err);
}

static int sam_draft(struct drafter *d, const int *history, int n, int L, struct draft *out, struct err *err) {
    (void)err;
    struct sam_drafter *s = d->state;
    assert(n == s->text.n && (n == 0 || history[n - 1] == s->text.token[n - 1])); // accept has seen all of it
    (void)history;
    int most = s->match ? L : 0, end = n - (s->drop && n > 0);
    if (s->alpha > 0 && s->alpha * s->match < most) most = (int)(s->alpha * s->match);
    copier_draft(&s->text, s->match ? s->end : 0, end, most, s->match, out);
    return 0;
}

const struct drafter_type drafter_sam = {
    .name = "sam",
    .summary = "suffix automaton: copies what followed the longest suffix that occurred before",
    .cite = "SAM Decoding, arXiv 2411.10666",
    .copier = true,
    .params = {
        [MATCH] = {"match", RECENT, 0, 1, "recent|first", "which of several places of the match"},
        [ALPHA] = {"alpha", 0, 0, DRAFT_MAX, NULL, "drafts at most alpha times the match; 0: no cap"},
        [NEWEST] = {"newest", KEEP, 0, 1, "keep|drop", "drop: a draft stops before the newest token"},
    },
    .open = sam_open, .close = sam_drafter_close, .reset = sam_reset, .draft = sam_draft, .accept = sam_accept,
};
