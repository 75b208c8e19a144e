/* round.c - see round.h. */
#include "core/round.h"

#include <assert.h>

#include "core/clock.h"
#include "core/mem.h"

int decoder_open_slot(struct decoder *d, struct engine *e, int slot, const struct tokenizer *t, struct drafter *drafters, int D,
                 struct sampler *sampler, bool ignore_eos, struct err *err) {
    *d = (struct decoder){.engine = e, .slot = slot, .tokenizer = t, .drafters = drafters, .D = D, .sampler = sampler, .ignore_eos = ignore_eos, .done = true};
    d->target = (struct drafter_target){.engine = e, .slot = slot, .slots = engine_slots(e), .tokenizer = t, .sampler = sampler};
    bool features = false;
    if (!(d->choices = engine_choices(e, DRAFT_MAX + 2 * (size_t)engine_max_rows(e), "chosen tokens", err))) return -1;
    if (!(d->shown = mem_alloc((size_t)D, sizeof *d->shown, "drafters", err))) return -1;
    d->target.drafted = d->choices;
    for (int i = 0; i < D; i++) {
        if (drafter_attach(&drafters[i], &d->target, err)) return -1;
        features |= drafters[i].type->features;
    }
    if (features && !(d->features = engine_buffer(e, (size_t)engine_max_context(e) * (size_t)engine_model(e)->hidden, "the target's features", err)))
        return -1;
    d->target.features = d->features;
    return 0;
}

int decoder_open(struct decoder *d, struct engine *e, const struct tokenizer *t, struct drafter *drafters, int D, struct sampler *sampler, bool ignore_eos,
                 struct err *err) {
    return decoder_open_slot(d, e, 0, t, drafters, D, sampler, ignore_eos, err);
}

void decoder_close(struct decoder *d) {
    ids_close(&d->history);
    mem_free(d->shown);
    d->shown = NULL, d->features = NULL, d->choices = NULL;
}

/* Appends one emitted token and notices the end. */
static int append(struct decoder *d, int token, struct err *err) {
    if (ids_add(&d->history, token, err)) return -1;
    d->pos++;
    d->eos = !d->ignore_eos && tokenizer_is_end(d->tokenizer, token);
    d->done = d->eos || d->pos == d->max_new;
    return 0;
}

/* Tokens of a pass's rows that began at the mark, and how long it took. */
static void choose(struct decoder *d, const struct place *at, int n, int *token, float *margin, int64_t from, int64_t *ns) {
    struct choice *lie = d->choices + DRAFT_MAX, read[n];
    sampler_choose(d->sampler, d->engine, at, false, lie);
    const int64_t to = engine_mark(d->engine);
    engine_read(d->engine, read, lie, n);
    for (int i = 0; i < n; i++) token[i] = read[i].token, margin[i] = read[i].margin;
    *ns = engine_elapsed(d->engine, from, to);
}

int decoder_start(struct decoder *d, const int *prompt, int n, int max_new, uint32_t sequence, int64_t *prefill_ns, struct err *err) {
    int room = engine_max_context(d->engine), token;
    float margin;
    if (n < 1) return err_set(err, "the prompt is empty, expected at least one token");
    if (n > room - max_new)
        return err_set(err, "a prompt of %d tokens and %d new ones exceed the context of %d (see --max-context, --max-new)", n, max_new, room);
    ids_close(&d->history);
    for (int i = 0; i < n; i++)
        if (ids_add(&d->history, prompt[i], err)) return -1;
    for (int i = 0; i < d->D; i++) d->shown[i] = 0;
    d->prompt_n = n, d->max_new = max_new, d->pos = 0, d->sequence = sequence;
    const int64_t from = engine_mark(d->engine);
    engine_rewind(d->engine, d->slot, 0);
    if (engine_prefill(d->engine, d->slot, prompt, n, d->features, err)) return -1;
    d->target.sequence = sequence, d->target.prompt_n = n, d->target.feature_n = n;
    choose(d, &(struct place){sequence, 0}, 1, &token, &margin, from, prefill_ns);
    if (engine_status(d->engine, err)) return -1;
    return append(d, token, err);
}

/* Shows the drafter what it has not seen: everything at first, then what rounds without it emitted. */
static int catch_up(struct decoder *d, int i, struct err *err) {
    struct drafter *drafter = &d->drafters[i];
    if (!d->shown[i]) {
        if (drafter_reset(drafter, d->history.at, d->prompt_n, err)) return -1;
        d->shown[i] = d->prompt_n;
    }
    int fresh = (int)d->history.n - d->shown[i];
    if (fresh && drafter_accept(drafter, d->history.at + d->shown[i], fresh, err)) return -1;
    d->shown[i] = (int)d->history.n;
    return 0;
}

/* What a drafter gets wrong must not reach the target: a draft longer than asked is cut (drafters
 * are prefix-closed: its beginning is the shorter draft), an id that the target lacks is an error. */
static int check_draft(const struct decoder *d, int drafter, int asked, struct draft *out, struct err *err) {
    int vocab = engine_model(d->engine)->vocab;
    const bool tree = d->drafters[drafter].type->tree;
    if (out->n > asked && !tree) out->n = asked;
    for (int i = 0; tree && i < out->n && i < DRAFT_MAX; i++)
        if (out->parent[i] < -1 || out->parent[i] >= i || out->depth[i] > asked || out->depth[i] != (out->parent[i] < 0 ? 1 : out->depth[out->parent[i]] + 1))
            return err_set(err, "drafter '%s' proposed node %d with parent %d at depth %d, expected an earlier one and a depth of at most %d",
                           d->drafters[drafter].name, i, out->parent[i], out->depth[i], asked);
    if (out->n < 0 || out->n > DRAFT_MAX) return err_set(err, "drafter '%s' proposed %d tokens, expected 0 to %d", d->drafters[drafter].name, out->n, asked);
    for (int i = 0; i < out->n; i++)
        if (out->token[i] < 0 || out->token[i] >= vocab)
            return err_set(err, "drafter '%s' proposed token %d at depth %d, expected 0 to %d", d->drafters[drafter].name, out->token[i], i, vocab - 1);
    return 0;
}

int decoder_catch_up(struct decoder *d, int drafter, int64_t *ns, struct err *err) {
    const int64_t from = engine_mark(d->engine);
    if (catch_up(d, drafter, err)) return -1;
    const int64_t to = engine_mark(d->engine);
    if (engine_wait(d->engine, err)) return -1;
    *ns = engine_elapsed(d->engine, from, to);
    return 0;
}

/* Of drafts by a model, where it computes; of others, on the host's clock. */
static int draft(struct decoder *d, int drafter, int gamma, struct draft *out, int *asked, int64_t *ns, struct err *err) {
    assert(drafter < d->D && gamma <= DRAFT_MAX);
    int budget = d->max_new - d->pos - 1;
    *asked = drafter < 0 ? 0 : gamma < budget ? gamma : budget;
    out->n = 0, out->match = 0, out->away = 0, *ns = 0;
    if (!*asked) return 0;
    const int64_t start = clock_ns();
    d->target.begun = engine_mark(d->engine);
    int rc = catch_up(d, drafter, err);
    if (!rc) rc = drafter_draft_away(&d->drafters[drafter], d->history.at, (int)d->history.n, *asked, out, err);
    d->target.begun = 0;
    if (!rc) *ns = clock_ns() - start;
    return rc;
}

/* With all its tokens there. */
static int finish_draft(struct decoder *d, int drafter, int asked, struct draft *out, int64_t *ns, struct err *err) {
    if (out->begun && out->n) *ns = out->ns[out->n - 1];
    if (engine_status(d->engine, err)) return -1;
    return check_draft(d, drafter, asked, out, err);
}

int decoder_draft(struct decoder *d, int drafter, int gamma, struct draft *out, int *asked, int64_t *ns, struct err *err) {
    if (draft(d, drafter, gamma, out, asked, ns, err)) return -1;
    if (out->away) d->drafters[drafter].type->home(&d->drafters[drafter], out, NULL);
    return *asked ? finish_draft(d, drafter, *asked, out, ns, err) : 0;
}

int decoder_verify(struct decoder *d, const int *draft, int n, int *token, float *margin, int64_t *ns, struct err *err) {
    struct row rows[DRAFT_MAX + 1];
    struct place at[DRAFT_MAX + 1];
    d->row0 = 0;
    for (int i = 0; i <= n; i++) {
        rows[i] = (struct row){i ? draft[i - 1] : d->history.at[d->history.n - 1], d->slot, i - 1, true, NULL};
        at[i] = (struct place){d->sequence, d->pos + i};
    }
    const int64_t from = engine_mark(d->engine);
    if (engine_forward(d->engine, rows, n + 1, err)) return -1;
    choose(d, at, n + 1, token, margin, from, ns);
    return engine_status(d->engine, err);
}

/* The newest token and a path of accepted nodes (rows of the pass, ascending) join the prefix; their features are kept. */
static void take_path(struct decoder *d, const int *row, int n) {
    const size_t hidden = (size_t)engine_model(d->engine)->hidden;
    for (int i = 0; d->features && i < n; i++) engine_keep(d->engine, d->row0 + row[i], 1, d->features + ((size_t)d->target.feature_n + (size_t)i) * hidden);
    d->target.feature_n += n;
    engine_commit_path(d->engine, d->slot, row, n);
}

static int append_all(struct decoder *d, const int *draft, int accepted, int next, struct err *err) {
    int before = d->pos;
    for (int i = 0; i < accepted && !d->done; i++)
        if (append(d, draft[i], err)) return -1;
    if (!d->done && append(d, next, err)) return -1;
    return d->pos - before;
}

int decoder_emit(struct decoder *d, const int *draft, int accepted, int next, struct err *err) {
    int row[DRAFT_MAX + 1];
    for (int i = 0; i <= accepted; i++) row[i] = i; // the newest token of before, and the accepted ones
    take_path(d, row, accepted + 1);
    return append_all(d, draft, accepted, next, err);
}

/* From the root down, always the child that the target chose. */
static int emit_path(struct decoder *d, const struct draft *tree, const int *token, int *accepted, int *last, struct err *err) {
    int row[DRAFT_MAX + 1] = {0}, path[DRAFT_MAX], n = 0;
    for (int i = 0; i < tree->n; i++) // parents come before their children
        if (tree->parent[i] + 1 == row[n] && tree->token[i] == token[row[n]]) path[n] = tree->token[i], row[++n] = i + 1;
    *accepted = n, *last = row[n];
    take_path(d, row, n + 1);
    return append_all(d, path, n, token[row[n]], err);
}

int decoder_draft_until(struct decoder *d, int drafter, int gamma, const struct draft_rule *rule, struct draft *out, int *asked, int64_t *ns, struct err *err) {
    d->target.rule = rule;
    int rc = draft(d, drafter, gamma, out, asked, ns, err);
    d->target.rule = NULL;
    if (rc || !*asked) return rc;
    if (out->away) *ns = 0; // with a rule: the last one, at which it did not look
    else rc = finish_draft(d, drafter, *asked, out, ns, err);
    if (!rc && rule && out->n && out->n < *asked) *asked = out->n; // the rule asked for no more
    return rc;
}

static bool is_tree(const struct decoder *d, int drafter) { return drafter >= 0 && d->drafters[drafter].type->tree; }

/* The newest token and the draft as rows of a pass, from its row d->row0 on, and what each decides. */
static void lay_rows(const struct decoder *d, bool tree, const struct draft *x, struct row *rows, struct place *at) {
    rows[0] = (struct row){d->history.at[d->history.n - 1], d->slot, -1, true, NULL};
    at[0] = (struct place){d->sequence, d->pos};
    for (int i = 0; i < x->n; i++) {
        rows[i + 1] = (struct row){x->token[i], d->slot, d->row0 + (tree ? x->parent[i] + 1 : i), true, NULL, i >= x->n - x->away ? &d->target.drafted[i] : NULL};
        at[i + 1] = (struct place){d->sequence, d->pos + (tree ? x->depth[i] : i + 1)};
    }
}

/* token[i + 1], margin[i + 1]: the target's choice after drafted token i. */
static int take(struct decoder *d, bool tree, const struct draft *draft, const int *token, const float *margin, struct round *r, struct err *err) {
    int accepted = 0, last;
    r->proposed = draft->n, r->width = draft->n + 1;
    if (tree) {
        r->proposed = 0;
        for (int i = 0; i < draft->n; i++) r->proposed = draft->depth[i] > r->proposed ? draft->depth[i] : r->proposed;
        r->emitted = emit_path(d, draft, token, &accepted, &last, err);
    } else {
        while (accepted < draft->n && draft->token[accepted] == token[accepted]) accepted++;
        last = accepted;
        r->emitted = decoder_emit(d, draft->token, accepted, token[accepted], err);
    }
    if (r->emitted < 0) return -1;
    r->margin = margin[last];
    r->accepted = accepted < r->emitted ? accepted : r->emitted; // text after the end is dropped
    return 0;
}

/* Reads what the pass chose, and with it the drafted tokens that are still away: those of the first decoder lie before the pass's, those of others
 * are copied after them, so that one copy and one wait bring all. */
static int read_all(struct decoder *const *d, const int *drafter, struct draft *const *draft, int n, int width, int *token, float *margin, struct round *r, struct err *err) {
    struct engine *e = d[0]->engine;
    struct choice *all = d[0]->choices, read[DRAFT_MAX + 2 * width];
    int from = draft[0]->away ? 0 : DRAFT_MAX, to = DRAFT_MAX + width, at[n];
    at[0] = 0;
    for (int i = 1; i < n; i++) {
        at[i] = to;
        if (draft[i]->away) engine_copy(e, all + to, d[i]->target.drafted, draft[i]->n), to += draft[i]->n;
    }
    engine_read(e, read + from, all + from, to - from);
    for (int i = 0; i < width; i++) token[i] = read[DRAFT_MAX + i].token, margin[i] = read[DRAFT_MAX + i].margin;
    for (int i = 0; i < n; i++) {
        if (!draft[i]->away) continue;
        struct drafter *x = &d[i]->drafters[drafter[i]];
        x->type->home(x, draft[i], read + at[i]);
        if (finish_draft(d[i], drafter[i], draft[i]->n, draft[i], &r[i].draft_ns, err)) return -1;
    }
    return 0;
}

int decoders_settle(struct decoder *const *d, const int *drafter, struct draft *const *draft, int n, struct round *r, struct err *err) {
    struct engine *e = d[0]->engine;
    const int most = engine_max_rows(e);
    struct row rows[most];
    struct place at[most];
    int token[most], width = 0;
    float margin[most];
    for (int i = 0; i < n; i++) {
        if (width + draft[i]->n + 1 > most) return err_set(err, "a pass over %d sequences has more than the %d rows that the engine holds", n, most);
        d[i]->row0 = width;
        lay_rows(d[i], is_tree(d[i], drafter[i]), draft[i], rows + width, at + width);
        width += draft[i]->n + 1;
    }
    const int64_t from = engine_mark(e);
    if (engine_forward(e, rows, width, err)) return -1;
    sampler_choose(d[0]->sampler, e, at, false, d[0]->choices + DRAFT_MAX);
    const int64_t to = engine_mark(e);
    if (read_all(d, drafter, draft, n, width, token, margin, r, err) || engine_status(e, err)) return -1;
    const int64_t ns = engine_elapsed(e, from, to);
    for (int i = 0; i < n; i++) {
        r[i].verify_ns = ns;
        if (take(d[i], is_tree(d[i], drafter[i]), draft[i], token + d[i]->row0, margin + d[i]->row0, &r[i], err)) return -1;
    }
    return 0;
}

int decoder_settle(struct decoder *d, int drafter, struct draft *draft, struct round *r, struct err *err) {
    return decoders_settle(&d, &drafter, &draft, 1, r, err);
}

int decoder_round(struct decoder *d, int drafter, int gamma, struct round *r, struct err *err) {
    return decoder_round_until(d, drafter, gamma, NULL, r, err);
}

int decoder_round_until(struct decoder *d, int drafter, int gamma, const struct draft_rule *rule, struct round *r, struct err *err) {
    struct draft draft;
    if (decoder_draft_until(d, drafter, gamma, rule, &draft, &r->gamma, &r->draft_ns, err)) return -1;
    return decoder_settle(d, drafter, &draft, r, err);
}
