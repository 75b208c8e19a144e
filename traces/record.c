/* record.c - see record.h. */
#include "traces/record.h"

#include <stdlib.h>

#include "core/mem.h"
#include "core/rng.h"
#include "traces/latency.h"

int recorded_open(struct recorded *r, int max_new, int D, struct err *err) {
    *r = (struct recorded){.tokens = 0};
    r->token = mem_alloc((size_t)max_new, sizeof *r->token, "tokens", err);
    r->steps = mem_alloc((size_t)max_new, sizeof *r->steps, "steps", err);
    r->drafts = mem_alloc((size_t)max_new * (size_t)(D ? D : 1), sizeof *r->drafts, "drafts", err);
    r->catch_up = mem_alloc((size_t)(D ? D : 1), sizeof *r->catch_up, "timings", err);
    r->again = mem_alloc((size_t)max_new, sizeof *r->again, "timings", err);
    if (r->token && r->steps && r->drafts && r->catch_up && r->again) return 0;
    recorded_close(r);
    return -1;
}

void recorded_close(struct recorded *r) {
    mem_free(r->token), mem_free(r->steps), mem_free(r->drafts), mem_free(r->catch_up), mem_free(r->again);
    *r = (struct recorded){.tokens = 0};
}

/* The rows of a position's verification: the first width - 1 tokens of the longest chain, or the
 * newest token again where it is too short (only the time of such rows is of use). */
static int fill_rows(const struct decoder *d, const struct record_draft *drafts, int width, int *row) {
    int longest = -1;
    for (int i = 0; i < d->D; i++)
        if (!d->drafters[i].type->tree && (longest < 0 || drafts[i].draft.n > drafts[longest].draft.n)) longest = i;
    int real = longest < 0 ? 0 : drafts[longest].draft.n;
    for (int i = 0; i < width - 1; i++) row[i] = i < real ? drafts[longest].draft.token[i] : d->history.at[d->history.n - 1];
    return real < width - 1 ? real : width - 1;
}

/* Predictions of the pass at `pos`, which hold as long as its drafted rows come true. */
struct foresight {
    int pos, n;                // token[i] was predicted for position pos + i
    int token[DRAFT_MAX + 1], draft[DRAFT_MAX + 1];
};
enum { FORESIGHTS = DRAFT_MAX + 1 }; // a pass sees no further: the pass at pos is kept at pos % FORESIGHTS

/* Were the drafted rows before the i-th the text itself? */
static bool came_true(const struct foresight *f, const struct recorded *r, int i) {
    for (int j = 0; j < i; j++)
        if (f->draft[j] != r->token[f->pos + j]) return false;
    return true;
}

/* The token of `pos` must be the one that every earlier pass foresaw. */
static int keep_promises(const struct foresight *all, const struct recorded *r, int pos, int token, int width, struct err *err) {
    for (int k = 0; k < FORESIGHTS; k++) {
        const struct foresight *f = &all[k];
        int i = pos - f->pos;
        if (i <= 0 || i >= f->n || f->token[i] == token || !came_true(f, r, i)) continue;
        return err_set(err, "the target is not batch invariant: token %d of the text is %d as row 0 of a pass of %d rows and %d as row %d of the pass %d positions before",
                       pos, token, width, f->token[i], i, i);
    }
    return 0;
}

/* Whether a verification can be timed right after drafter i: it runs a model, which takes the caches, and drafts chains. */
static bool takes_caches(const struct decoder *d, int i) { return d->drafters[i].type->forget && !d->drafters[i].type->tree; }

/* At a third of the positions (a generator's choice, as a stride could fall in step with the widths) the verification is done once more, right
 * away or after one such drafter has drafted once more, as if it had sat out 1, 2, 4, ... tokens. All drafters draft before the first one, which live
 * decoding never does: what they leave in the caches costs it time. */
static int verify_again(struct recorded *r, struct decoder *d, const int *row, int width, const int *token, struct err *err) {
    int after[65] = {-1}, n = 1, again[DRAFT_MAX + 1], h = (int)d->history.n;
    float margin[DRAFT_MAX + 1];
    struct rng rng = rng_at(0, rng_stream("verify again"), d->sequence, (uint32_t)d->pos);
    for (int i = 0; i < d->D && n < 65; i++)
        if (takes_caches(d, i)) after[n++] = i;
    if (rng_below(&rng, 3)) return 0;
    int i = after[rng_below(&rng, n)];
    struct draft draft = {.n = 0};
    int fresh = 1 << rng_below(&rng, CATCH_UPS);
    while (fresh > 1 && fresh >= h - 1) fresh /= 2;
    if (i >= 0 && width > 1) {
        d->drafters[i].type->forget(&d->drafters[i], fresh);
        if (drafter_draft(&d->drafters[i], d->history.at, h, width - 1, &draft, err)) return -1;
    } else if (i >= 0) return 0; // a draft of none is none of its rounds
    struct record_again *x = &r->again[r->again_n];
    *x = (struct record_again){i, width, h, fresh, 0, draft.n ? draft.ns[0] : 0};
    if (decoder_verify(d, row, width - 1, again, margin, &x->ns, err)) return -1;
    for (int k = 0; k < width; k++)
        if (again[k] != token[k])
            return err_set(err, "the target is not deterministic: token %d after position %d is %d in one pass of %d rows and %d in the same pass again", k, d->pos,
                           token[k], width, again[k]);
    r->again_n++;
    return 0;
}

/* One position: every drafter drafts, one verification, one token. */
static int record_position(struct recorded *r, struct decoder *d, int L, int width, struct foresight *all, struct err *err) {
    struct foresight *f = &all[d->pos % FORESIGHTS];
    int pos = d->pos, row[DRAFT_MAX + 1], token[DRAFT_MAX + 1], asked;
    float margin[DRAFT_MAX + 1];
    struct record_draft *drafts = r->drafts + (size_t)pos * (size_t)d->D;
    for (int i = 0; i < d->D; i++)
        if (decoder_draft(d, i, L, &drafts[i].draft, &asked, &drafts[i].ns, err)) return -1;
    if (width > L + 1) { // the turn of the trees: as many rows as the largest has nodes, and one
        for (int i = 0; i < d->D; i++)
            if (d->drafters[i].type->tree && drafts[i].draft.n + 1 > width) width = drafts[i].draft.n + 1;
    }
    int real = fill_rows(d, drafts, width, row);
    struct store_step *step = &r->steps[pos];
    if (decoder_verify(d, row, width - 1, token, margin, &step->verify_ns, err)) return -1;
    if (keep_promises(all, r, pos, token[0], width, err)) return -1;
    if (width <= L + 1 && verify_again(r, d, row, width, token, err)) return -1;
    f->pos = pos, f->n = real + 1;
    for (int i = 0; i <= real; i++) f->token[i] = token[i], f->draft[i] = i < real ? row[i] : -1;
    step->pos = pos, step->token = r->token[pos] = token[0], step->margin = margin[0], step->verify_width = width;
    return decoder_emit(d, row, 0, token[0], err) < 0 ? -1 : 0;
}

/* The path that the text takes through the tree. */
static int count_path(const struct recorded *r, const struct draft *tree, int pos) {
    int at = -1, n = 0;
    for (int i = 0; i < tree->n && pos + n < r->tokens; i++)
        if (tree->parent[i] == at && tree->token[i] == r->token[pos + n]) at = i, n++;
    return n;
}

static void count_accepted(struct recorded *r, const struct decoder *d) {
    const int D = d->D;
    for (int pos = 1; pos < r->tokens; pos++)
        for (int i = 0; i < D; i++) {
            struct record_draft *x = &r->drafts[(size_t)pos * (size_t)D + (size_t)i];
            x->accepted = 0;
            if (d->drafters[i].type->tree) {
                x->accepted = count_path(r, &x->draft, pos);
                continue;
            }
            while (x->accepted < x->draft.n && pos + x->accepted < r->tokens && x->draft.token[x->accepted] == r->token[pos + x->accepted]) x->accepted++;
        }
}

static int by_value(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Times to the first drafted token with so many tokens to catch up on, sorted; how many into ns (again_n). */
static int timed_catch_ups(const struct recorded *r, int i, int fresh, int64_t *ns) {
    int n = 0;
    for (int k = 0; k < r->again_n; k++)
        if (r->again[k].drafter == i && r->again[k].fresh == fresh && r->again[k].first_ns) ns[n++] = r->again[k].first_ns;
    qsort(ns, (size_t)n, sizeof *ns, by_value);
    return n;
}

/* After the text: the first drafted token with 1, 2, 4, ... tokens to catch up on, where that was not timed along the way. */
static int time_catch_up(struct recorded *r, struct decoder *d, int i, int64_t *scratch, struct err *err) {
    struct drafter *x = &d->drafters[i];
    struct draft out;
    int n = (int)d->history.n;
    for (int k = 0; k < CATCH_UPS; k++) r->catch_up[i].ns[k] = 0;
    if (!x->type->forget || n > engine_max_context(d->engine)) return 0;
    if (drafter_draft(x, d->history.at, n, 1, &out, err)) return -1; // now it has seen everything
    for (int k = 0; k < CATCH_UPS && 1 << k < n - 1; k++) {
        if (timed_catch_ups(r, i, 1 << k, scratch)) continue;
        x->type->forget(x, 1 << k);
        if (drafter_draft(x, d->history.at, n, 1, &out, err)) return -1;
        r->catch_up[i].ns[k] = out.n ? out.ns[0] : 0;
    }
    return 0;
}

int record_sequence(struct recorded *r, struct decoder *d, const int *prompt, int n, int max_new, int L, uint32_t sequence, int turn, struct err *err) {
    struct foresight all[FORESIGHTS];
    bool trees = false;
    for (int i = 0; i < d->D; i++) trees |= d->drafters[i].type->tree;
    for (int i = 0; i < FORESIGHTS; i++) all[i].pos = all[i].n = 0;
    if (decoder_start(d, prompt, n, max_new, sequence, &r->prefill_ns, err)) return -1;
    r->token[0] = d->history.at[n], r->again_n = 0;
    for (int i = 0; i < d->D; i++) // the prompt is not charged to the first draft
        if (decoder_catch_up(d, i, &r->catch_up[i].prompt_ns, err)) return -1;
    while (!d->done) {
        int budget = max_new - d->pos - 1, widest = (L < budget ? L : budget) + 1, turns = widest + (trees && budget > 1);
        int width = (turn + d->pos) % turns + 1;
        if (record_position(r, d, L, width > widest ? L + 2 : width, all, err)) return -1;
    }
    r->tokens = d->pos, r->eos = d->eos;
    count_accepted(r, d);
    int64_t *scratch = mem_alloc((size_t)r->again_n + 1, sizeof *scratch, "timings", err);
    int rc = scratch ? 0 : -1;
    for (int i = 0; !rc && i < d->D; i++) rc = time_catch_up(r, d, i, scratch, err);
    mem_free(scratch);
    return rc;
}

/* Rows of `latency`: time to the k-th drafted token over the sequence's positions, to the first one after catching up, and over the prompt. */
static int store_times(const struct recorded *r, struct store *s, const struct decoder *d, int i, struct err *err) {
    if (!d->drafters[i].type->forget) return 0;
    int64_t *ns = mem_alloc((size_t)r->tokens, sizeof *ns, "timings", err);
    int rc = ns ? 0 : -1;
    for (int k = 0; !rc && k < DRAFT_MAX && !d->drafters[i].type->tree; k++) { // a tree comes at once: its draft rows say how long it takes
        int n = 0, context = 0;
        for (int pos = 1; pos < r->tokens; pos++) {
            const struct draft *x = &r->drafts[(size_t)pos * (size_t)d->D + (size_t)i].draft;
            if (x->n > k) ns[n++] = x->ns[k], context += d->prompt_n + pos;
        }
        if (!n) break;
        qsort(ns, (size_t)n, sizeof *ns, by_value);
        rc = store_latency(s, i, &(struct latency){"draft", 1, k + 1, context / n, n, ns[n / 10], ns[n / 2], ns[n * 9 / 10]}, err);
    }
    const struct record_catch_up *c = &r->catch_up[i];
    for (int k = 0; !rc && k < CATCH_UPS; k++) {
        int n = timed_catch_ups(r, i, 1 << k, ns);
        if (n) rc = store_latency(s, i, &(struct latency){"catchup", 1, 1 << k, d->prompt_n + r->tokens / 2, n, ns[n / 10], ns[n / 2], ns[n * 9 / 10]}, err);
        else if (c->ns[k]) rc = store_latency(s, i, &(struct latency){"catchup", 1, 1 << k, d->prompt_n + r->tokens, 1, c->ns[k], c->ns[k], c->ns[k]}, err);
    }
    mem_free(ns);
    if (!rc) rc = store_latency(s, i, &(struct latency){"prefill", 1, d->prompt_n, 0, 1, c->prompt_ns, c->prompt_ns, c->prompt_ns}, err);
    return rc;
}

/* A tree by depth: nodes down to there, and the largest cumulative probability of a path that long. Returns its depth. */
static int tree_signal(const struct draft *tree, float *signal) {
    int deepest = 0;
    for (int i = 0; i < tree->n; i++) deepest = tree->depth[i] > deepest ? tree->depth[i] : deepest;
    for (int k = 0; k < deepest; k++) {
        int nodes = 0;
        float best = 0;
        for (int i = 0; i < tree->n; i++) {
            nodes += tree->depth[i] <= k + 1;
            if (tree->depth[i] == k + 1 && tree->top_prob[i] > best) best = tree->top_prob[i];
        }
        signal[2 * k] = (float)nodes, signal[2 * k + 1] = best;
    }
    return deepest;
}

static int store_drafts(const struct recorded *r, struct store *s, const struct decoder *d, int pos, struct err *err) {
    for (int i = 0; i < d->D; i++) {
        const struct record_draft *x = &r->drafts[(size_t)pos * (size_t)d->D + (size_t)i];
        float signal[2 * DRAFT_MAX];
        bool copier = d->drafters[i].type->copier;
        if (d->drafters[i].type->tree) {
            int depth = tree_signal(&x->draft, signal);
            if (store_draft(s, i, &(struct store_draft){depth, x->accepted, x->ns, depth ? signal : NULL, 2 * depth}, err)) return -1;
            continue;
        }
        if (copier) signal[0] = (float)x->draft.match;
        for (int k = 0; !copier && k < x->draft.n; k++) signal[2 * k] = x->draft.top_prob[k], signal[2 * k + 1] = x->draft.entropy[k];
        int count = copier ? 1 : 2 * x->draft.n;
        if (store_draft(s, i, &(struct store_draft){x->draft.n, x->accepted, x->ns, count ? signal : NULL, count}, err)) return -1;
    }
    return 0;
}

/* Rows of `latency`: the verifications timed once more, by drafter and width. */
static int store_again(const struct recorded *r, struct store *s, const struct decoder *d, struct err *err) {
    int64_t *ns = mem_alloc((size_t)r->again_n + 1, sizeof *ns, "timings", err);
    int rc = ns ? 0 : -1;
    for (int i = -1; !rc && i < d->D; i++)
        for (int width = 1; !rc && width <= DRAFT_MAX + 1; width++) {
            int n = 0;
            long context = 0;
            for (int k = 0; k < r->again_n; k++)
                if (r->again[k].drafter == i && r->again[k].width == width) ns[n++] = r->again[k].ns, context += r->again[k].context;
            if (!n) continue;
            qsort(ns, (size_t)n, sizeof *ns, by_value);
            rc = store_latency(s, i, &(struct latency){"again", 1, width, (int)(context / n), n, ns[n / 10], ns[n / 2], ns[n * 9 / 10]}, err);
        }
    mem_free(ns);
    return rc;
}

int record_store(const struct recorded *r, struct store *s, const struct decoder *d, const struct store_sequence *q, struct err *err) {
    int rc = store_begin(s, q, err);
    for (int pos = 1; !rc && pos < r->tokens; pos++) {
        rc = store_step(s, &r->steps[pos], err);
        if (!rc) rc = store_drafts(r, s, d, pos, err);
    }
    for (int i = 0; !rc && i < d->D; i++) rc = store_times(r, s, d, i, err);
    if (!rc) rc = store_again(r, s, d, err);
    if (!rc) rc = store_commit(s, err);
    if (rc) store_rollback(s);
    return rc;
}
