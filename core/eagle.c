/* eagle.c - see eagle.h. */
#include "core/eagle.h"

#include <assert.h>

#include "core/mem.h"

int eagle_open(struct drafter *d, struct err *err) {
    if (!d->path) return err_set(err, "drafter '%s' wants the directory of a head, as in %s=DIR", d->name, d->type->name);
    d->state = mem_alloc(1, sizeof(struct eagle), "a drafter", err);
    return d->state ? 0 : ERR_FAILED;
}

void eagle_close(struct drafter *d) {
    struct eagle *s = d->state;
    if (!s) return;
    if (!d->twin) engine_close(s->e);
    model_close(&s->own);
    mem_free(s->scratch);
    mem_free(s);
}

int eagle_attach(struct drafter *d, const struct drafter_target *t, struct err *err) {
    static const char *const quantize[] = {NULL, "q8_0", "q4_0"};
    struct eagle *s = d->state;
    const struct model *m = engine_model(t->engine);
    s->target = t;
    if (d->twin) {
        const struct eagle *first = d->twin->state;
        s->head = first->head, s->e = first->e;
        return (s->feature = engine_buffer(s->e, (size_t)m->hidden, "a feature", err)) ? 0 : ERR_FAILED;
    }
    s->head = &s->own;
    if (model_open_head(&s->own, d->path, m, d->param[EAGLE_ROPE] == 1, quantize[(int)d->param[EAGLE_QUANTIZE]], err)) return ERR_FAILED;
    int *ids = NULL, count = (int)d->param[EAGLE_VOCAB];
    if (s->own.context < engine_max_context(t->engine)) s->own.context = engine_max_context(t->engine); // positions are relative: no table ends
    if (count && lookahead_frequent(t->tokenizer, d->text[EAGLE_COUNTS], count, m->vocab, &ids, err)) return ERR_FAILED;
    const struct engine_options o = {.share = t->engine, .max_context = engine_max_context(t->engine), .max_rows = engine_max_rows(t->engine), .slots = t->slots,
                                     .output_ids = ids, .outputs = count < m->vocab ? count : m->vocab};
    int rc = engine_open(&s->e, s->head, &o, err);
    mem_free(ids);
    if (!rc && !(s->feature = engine_buffer(s->e, (size_t)m->hidden, "a feature", err))) rc = -1;
    return rc;
}

int eagle_sha256(const struct drafter *d, char hex[SHA256_HEX], struct err *err) {
    return model_sha256(((const struct eagle *)d->state)->head, hex, err);
}

/* Pairs [s->pairs, end) of the history, all true; logits after the last one where wanted. */
static int take_pairs(struct eagle *s, const int *history, int end, bool logits, struct err *err) {
    struct row rows[256];
    const int hidden = s->head->hidden, most = engine_max_rows(s->e) < 256 ? engine_max_rows(s->e) : 256;
    while (s->pairs < end) {
        int n = end - s->pairs < most ? end - s->pairs : most;
        for (int i = 0; i < n; i++) {
            int pair = s->pairs + i;
            rows[i] = (struct row){history[pair + 1], s->target->slot, i - 1, logits && pair == end - 1, s->target->features + (size_t)pair * (size_t)hidden};
        }
        if (engine_forward(s->e, rows, n, err)) return -1;
        engine_commit(s->e, s->target->slot, n);
        s->pairs += n;
        if (s->pairs == end) engine_keep(s->e, n - 1, 1, s->feature);
    }
    return 0;
}

int eagle_reset(struct drafter *d, const int *prompt, int n, struct err *err) {
    struct eagle *s = d->state;
    s->pairs = 0;
    engine_rewind(s->e, s->target->slot, 0);
    return take_pairs(s, prompt, n - 1, false, err);
}

/* Nothing yet: one pass at the next draft takes all pending pairs. */
int eagle_accept(struct drafter *d, const int *tokens, int n, struct err *err) {
    (void)d, (void)tokens, (void)n, (void)err;
    return 0;
}

void eagle_forget(struct drafter *d, int n) {
    struct eagle *s = d->state;
    s->pairs = s->pairs > n ? s->pairs - n : 0;
}

int eagle_catch_up(struct eagle *s, const int *history, int n, struct err *err) {
    assert(s->target->feature_n >= n - 1);
    if (s->pairs > n - 2) s->pairs = n - 2; // drafted from this history before: the last pair's logits are wanted again
    engine_rewind(s->e, s->target->slot, s->pairs);
    return take_pairs(s, history, n - 1, true, err);
}
