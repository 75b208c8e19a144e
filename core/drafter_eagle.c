/* drafter_eagle.c - EAGLE: one transformer layer that predicts the target's next feature (Li et al. 2024, arXiv 2401.15077).
 *
 * With x_0 .. x_{n-1} the history and f_i the target's final-norm feature at i (known up to n - 2), input i of the head is the pair
 * (embedding of x_{i+1}, f_i) at rotary position i, its output the predicted f_{i+1}. The target's output layer reads the first
 * drafted token off the last output; next goes in the pair of that token and the predicted feature, and so on. Keys and values of
 * pairs with predicted features are forgotten after the draft: the head's memory only ever holds true ones. */
#include <assert.h>

#include "core/clock.h"
#include "core/lookahead.h"
#include "core/mem.h"

enum { ROPE, VOCAB, COUNTS, QUANTIZE }; // param

struct eagle {
    const struct drafter_target *target;
    struct model head;
    struct engine *e;
    float *feature; // (hidden) the newest prediction
    int pairs;      // with true features, in the head's cache
};

static int eagle_open(struct drafter *d, struct err *err) {
    if (!d->path) return err_set(err, "drafter '%s' wants the directory of a head, as in eagle=DIR", d->name);
    d->state = mem_alloc(1, sizeof(struct eagle), "drafter 'eagle'", err);
    return d->state ? 0 : ERR_FAILED;
}

static void eagle_close(struct drafter *d) {
    struct eagle *s = d->state;
    if (!s) return;
    engine_close(s->e);
    model_close(&s->head);
    mem_free(s->feature);
    mem_free(s);
}

static int eagle_attach(struct drafter *d, const struct drafter_target *t, struct err *err) {
    static const char *const quantize[] = {NULL, "q8_0", "q4_0"};
    struct eagle *s = d->state;
    const struct model *m = engine_model(t->engine);
    s->target = t;
    if (model_open_head(&s->head, d->path, m, d->param[ROPE] == 1, quantize[(int)d->param[QUANTIZE]], err)) return ERR_FAILED;
    int *ids = NULL, count = (int)d->param[VOCAB];
    if (s->head.context < engine_max_context(t->engine)) s->head.context = engine_max_context(t->engine); // positions are relative: no table ends
    if (count && lookahead_frequent(t->tokenizer, d->text[COUNTS], count, m->vocab, &ids, err)) return ERR_FAILED;
    const struct engine_options o = {.share = t->engine, .max_context = engine_max_context(t->engine), .max_rows = engine_max_rows(t->engine),
                                     .output_ids = ids, .outputs = count < m->vocab ? count : m->vocab};
    int rc = engine_open(&s->e, &s->head, &o, err);
    mem_free(ids);
    if (!rc && !(s->feature = mem_alloc((size_t)m->hidden, sizeof *s->feature, "a feature", err))) rc = -1;
    return rc;
}

static int eagle_sha256(const struct drafter *d, char hex[SHA256_HEX], struct err *err) {
    return model_sha256(&((const struct eagle *)d->state)->head, hex, err);
}

/* Pairs [s->pairs, end) of the history, all true; logits after the last one where wanted. */
static int take_pairs(struct eagle *s, const int *history, int end, bool logits, struct err *err) {
    struct row rows[256];
    const int hidden = s->head.hidden, most = engine_max_rows(s->e) < 256 ? engine_max_rows(s->e) : 256;
    while (s->pairs < end) {
        int n = end - s->pairs < most ? end - s->pairs : most;
        for (int i = 0; i < n; i++) {
            int pair = s->pairs + i;
            rows[i] = (struct row){history[pair + 1], 0, i - 1, logits && pair == end - 1, s->target->features + (size_t)pair * (size_t)hidden};
        }
        if (engine_forward(s->e, rows, n, err)) return -1;
        engine_commit(s->e, 0, n);
        s->pairs += n;
        if (s->pairs == end) engine_features(s->e, n - 1, 1, s->feature);
    }
    return 0;
}

static int eagle_reset(struct drafter *d, const int *prompt, int n, struct err *err) {
    struct eagle *s = d->state;
    s->pairs = 0;
    engine_rewind(s->e, 0, 0);
    return take_pairs(s, prompt, n - 1, false, err);
}

static int eagle_draft(struct drafter *d, const int *history, int n, int L, struct draft *out, struct err *err) {
    struct eagle *s = d->state;
    assert(s->target->feature_n >= n - 1);
    int64_t start = clock_ns();
    out->n = out->match = 0;
    if (L < 1 || n < 2) return 0;
    if (s->pairs > n - 2) s->pairs = n - 2; // drafted from this history before: the last pair's logits are wanted again
    engine_rewind(s->e, 0, s->pairs);
    if (take_pairs(s, history, n - 1, true, err)) return ERR_FAILED;
    for (;;) {
        if (lookahead_pick(s->e, s->target, n, start, L, out)) break;
        const struct row row = {out->token[out->n - 1], 0, -1, true, s->feature};
        if (engine_forward(s->e, &row, 1, err)) return ERR_FAILED;
        engine_commit(s->e, 0, 1);
        engine_features(s->e, 0, 1, s->feature);
    }
    engine_rewind(s->e, 0, s->pairs);
    return 0;
}

/* Nothing yet: one pass at the next draft takes all pending pairs. */
static int eagle_accept(struct drafter *d, const int *tokens, int n, struct err *err) {
    (void)d, (void)tokens, (void)n, (void)err;
    return 0;
}

static void eagle_forget(struct drafter *d, int n) {
    struct eagle *s = d->state;
    s->pairs = s->pairs > n ? s->pairs - n : 0;
}

const struct drafter_type drafter_eagle = {
    .name = "eagle",
    .summary = "an EAGLE-1 head: one layer that predicts the target's features, as in eagle=DIR",
    .cite = "Li et al. 2024, EAGLE, arXiv 2401.15077",
    .features = true,
    .params = {{"rope", 0, 0, 0, "head|target", "rotary frequencies of the head's config.json, or of the target"},
               {"vocab", 0, 0, 1 << 22, NULL, "drafts only the N most frequent tokens, 0 for all"},
               {"counts", .text = true, .meaning = "trace or text file in which vocab counts them (default: low ids first)"},
               {"quantize", 0, 0, 0, "none|q8_0|q4_0", "float matrices become that when loaded"}},
    .open = eagle_open, .close = eagle_close, .attach = eagle_attach, .sha256 = eagle_sha256,
    .reset = eagle_reset, .draft = eagle_draft, .accept = eagle_accept, .forget = eagle_forget,
};
