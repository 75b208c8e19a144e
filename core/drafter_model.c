/* drafter_model.c - a smaller model of the same tokenizer drafts (Leviathan et al. 2023, arXiv 2211.17192).
 *
 * Its keys and values stay for as much of the history as they were computed from: after a rejection, or after rounds it sat out,
 * the next draft begins with one pass over the tokens it lacks. */
#include <string.h>

#include "core/lookahead.h"
#include "core/mem.h"
#include "core/tokenizer_model.h"

enum { VOCAB, COUNTS, QUANTIZE }; // param

struct small {
    const struct drafter_target *target;
    struct model m;   // unless a twin has it
    struct engine *e; // the twin's, if there is one
    int *fed; // (max_context) the tokens in the cache
    int n;    // how many
};

static int small_open(struct drafter *d, struct err *err) {
    if (!d->path) return err_set(err, "drafter '%s' wants a model, as in model=FILE", d->name);
    d->state = mem_alloc(1, sizeof(struct small), "drafter 'model'", err);
    return d->state ? 0 : ERR_FAILED;
}

static void small_close(struct drafter *d) {
    struct small *s = d->state;
    if (!s) return;
    if (!d->twin) engine_close(s->e);
    model_close(&s->m);
    mem_free(s->fed);
    mem_free(s);
}

/* Token by token: an id must mean the same to both. Rows of the embedding beyond the tokenizers' are padding. */
static int compare_tokens(const struct model *m, const struct drafter_target *target, struct err *err) {
    const struct tokenizer *want = target->tokenizer;
    struct tokenizer t;
    if (tokenizer_open_model(&t, m, err)) return -1;
    int rc = 0, both = t.size < want->size ? t.size : want->size;
    for (int i = 0; !rc && !t.ids_only && !want->ids_only && i < both; i++) {
        const struct token *a = &t.tokens[i], *b = &want->tokens[i];
        if (a->n != b->n || memcmp(a->at, b->at, a->n))
            rc = err_set(err, "draft model '%s' is of another tokenizer: token %d is '%.*s' there and '%.*s' in '%s'", m->files.path, i,
                         a->n > 40 ? 40 : (int)a->n, a->at, b->n > 40 ? 40 : (int)b->n, b->at, want->path);
    }
    if (!rc && t.size != want->size)
        rc = err_set(err, "draft model '%s' is of another tokenizer: %d tokens, %d in '%s'; the first that only one has is %d", m->files.path, t.size,
                     want->size, want->path, both);
    tokenizer_close(&t);
    return rc;
}

static int small_attach(struct drafter *d, const struct drafter_target *t, struct err *err) {
    static const char *const quantize[] = {NULL, "q8_0", "q4_0"};
    struct small *s = d->state;
    s->target = t;
    if (d->twin) {
        s->e = ((const struct small *)d->twin->state)->e;
        return (s->fed = mem_alloc((size_t)engine_max_context(s->e), sizeof *s->fed, "tokens", err)) ? 0 : ERR_FAILED;
    }
    if (model_open(&s->m, d->path, quantize[(int)d->param[QUANTIZE]], err) || compare_tokens(&s->m, t, err)) return ERR_FAILED;
    int cells = engine_max_context(t->engine), vocab = engine_model(t->engine)->vocab, *ids = NULL, count = (int)d->param[VOCAB];
    if (s->m.context < cells)
        return err_set(err, "draft model '%s' was made for %d tokens, fewer than the context of %d (see --max-context)", d->path, s->m.context, cells);
    if (vocab > s->m.vocab) vocab = s->m.vocab;
    if (!count && s->m.vocab > vocab) count = vocab; // its padding beyond the target's is never drafted
    if (count && lookahead_frequent(t->tokenizer, d->text[COUNTS], count, vocab, &ids, err)) return ERR_FAILED;
    const struct engine_options o = {.share = t->engine, .max_context = cells, .max_rows = engine_max_rows(t->engine), .slots = t->slots,
                                     .output_ids = ids, .outputs = count < vocab ? count : vocab};
    int rc = engine_open(&s->e, &s->m, &o, err);
    mem_free(ids);
    if (!rc && !(s->fed = mem_alloc((size_t)cells, sizeof *s->fed, "tokens", err))) rc = -1;
    return rc;
}

static int small_sha256(const struct drafter *d, char hex[SHA256_HEX], struct err *err) {
    return model_sha256(&((const struct small *)d->state)->m, hex, err);
}

/* Brings the cache to the first n tokens of the history; the last of them goes through the model in any case, for its logits. */
static int feed(struct small *s, const int *history, int n, struct err *err) {
    int same = 0;
    while (same < s->n && same < n - 1 && s->fed[same] == history[same]) same++;
    engine_rewind(s->e, s->target->slot, same);
    s->n = same;
    if (engine_prefill(s->e, s->target->slot, history + same, n - same, NULL, err)) return ERR_FAILED;
    memcpy(s->fed + same, history + same, (size_t)(n - same) * sizeof *s->fed);
    s->n = n;
    return 0;
}

static int small_reset(struct drafter *d, const int *prompt, int n, struct err *err) { return n ? feed(d->state, prompt, n, err) : 0; }

static int small_draft(struct drafter *d, const int *history, int n, int L, struct draft *out, struct err *err) {
    struct small *s = d->state;
    out->n = out->match = 0;
    if (L < 1) return 0;
    lookahead_begin(s->e, s->target, out);
    if (feed(s, history, n, err)) return ERR_FAILED;
    for (;;) {
        if (lookahead_pick(s->e, s->target, n, L, out)) return 0;
        const struct row row = lookahead_row(s->target, out, NULL);
        if (engine_forward(s->e, &row, 1, err)) return ERR_FAILED;
        engine_commit(s->e, s->target->slot, 1);
        s->fed[s->n++] = out->token[out->n - 1]; // -1 where it is away: not yet a token of any history
    }
}

static void small_home(struct drafter *d, struct draft *out, const struct choice *choices) {
    struct small *s = d->state;
    const int fed = out->n - 1; // the last one's logits nobody asked for
    lookahead_home(s->e, s->target, out, choices);
    memcpy(s->fed + s->n - fed, out->token, (size_t)fed * sizeof *s->fed);
}

/* Nothing yet: one pass at the next draft takes all pending tokens. */
static int small_accept(struct drafter *d, const int *tokens, int n, struct err *err) {
    (void)d, (void)tokens, (void)n, (void)err;
    return 0;
}

static void small_forget(struct drafter *d, int n) {
    struct small *s = d->state;
    s->n = s->n > n ? s->n - n : 0;
}

const struct drafter_type drafter_model = {
    .name = "model",
    .summary = "a smaller model of the same tokenizer, as in small@model=FILE",
    .cite = "Leviathan et al. 2023, arXiv 2211.17192",
    .params = {{"vocab", 0, 0, 1 << 22, NULL, "drafts only the N most frequent tokens, 0 for all"},
               {"counts", .text = true, .meaning = "trace or text file in which vocab counts them (default: low ids first)"},
               {"quantize", 0, 0, 0, "none|q8_0|q4_0", "float matrices become that when loaded"}},
    .open = small_open, .close = small_close, .attach = small_attach, .sha256 = small_sha256,
    .reset = small_reset, .draft = small_draft, .home = small_home, .accept = small_accept, .forget = small_forget,
};
