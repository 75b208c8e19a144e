/* live_batch.c - see live_batch.h. */
#include "sim/live_batch.h"

#include <string.h>

#include "core/mem.h"
#include "sim/batch_live.h"
#include "sim/live.h"
#include "traces/prompt_ids.h"

struct request {
    struct ids prompt, text;
    bool ended;
    int number;   // of its prompt
    int recorded; // sequence of the trace
};

struct run {
    struct live_batch *l;
    struct live_batch_total *total;
    struct batch_live live;
    struct live_prompt *prompts; // (n)
    struct request *requests;    // (n)
    uint32_t *ordinals;          // (n)
    int *sequences;              // (n) of the trace
    int n, shown, refused;
    struct err refusal;          // of the first one refused
    struct batch_step *steps;    // of all requests, as they came
    struct batch_given *given;   // their seconds
    size_t steps_n, steps_capacity, given_capacity;
};

static int find(const struct trace *t, const char *key) {
    for (int q = 0; q < t->Q; q++)
        if (!strcmp(t->sequences[q].prompt_key, key)) return q;
    return -1;
}

static int open_requests(struct run *r, struct err *err) {
    struct live_batch *l = r->l;
    const size_t n = (size_t)l->prompts->n;
    if (!(r->prompts = mem_alloc(n, sizeof *r->prompts, "prompts", err)) || !(r->requests = mem_alloc(n, sizeof *r->requests, "prompts", err))
        || !(r->ordinals = mem_alloc(n, sizeof *r->ordinals, "prompts", err)) || !(r->sequences = mem_alloc(n, sizeof *r->sequences, "prompts", err))) return -1;
    for (int q = 0; q < (int)n; q++) {
        struct request *x = &r->requests[r->n];
        char key[17];
        x->number = q;
        if (prompt_ids(&l->prompts->at[q], &l->setup->chat, l->setup->model.vocab, &x->prompt, err) || prompt_key(x->prompt.at, (int)x->prompt.n, key, err))
            return err_add(err, " (prompt %d)", q);
        if ((int)x->prompt.n + l->max_new > engine_max_context(l->setup->engine)) { // alone: the others are decoded
            if (!r->refused++) err_set(&r->refusal, "prompt %d was refused: its %zu tokens and %d new ones exceed the context of %d (see --max-context, --max-new)", q, x->prompt.n,
                                       l->max_new, engine_max_context(l->setup->engine));
            x->prompt.n = 0;
            continue;
        }
        r->prompts[r->n] = (struct live_prompt){x->prompt.at, (int)x->prompt.n, prompt_sequence(key)};
        r->ordinals[r->n] = (uint32_t)q;
        if (l->trace) {
            if ((x->recorded = find(l->trace, key)) < 0) return err_set(err, "trace '%s' has no such prompt (prompt %d)", l->trace->path, q);
            r->sequences[r->n] = x->recorded, r->ordinals[r->n] = (uint32_t)l->trace->sequences[x->recorded].ordinal;
        }
        r->n++;
    }
    return 0;
}

static void close_run(struct run *r) {
    for (int q = 0; r->requests && q < r->l->prompts->n; q++) ids_close(&r->requests[q].prompt), ids_close(&r->requests[q].text);
    mem_free(r->prompts), mem_free(r->requests), mem_free(r->ordinals), mem_free(r->sequences), mem_free(r->steps), mem_free(r->given);
    batch_live_close(&r->live);
}

/* -- live -- */

static int on_step(void *user, const struct batch_step *s, struct err *err) {
    struct run *r = user;
    if (mem_grow(&r->steps, &r->steps_capacity, r->steps_n + 1, sizeof *r->steps, "rounds", err)
        || mem_grow(&r->given, &r->given_capacity, r->steps_n + 1, sizeof *r->given, "timings of rounds", err)) return -1;
    r->steps[r->steps_n] = *s;
    r->given[r->steps_n++] = (struct batch_given){s->step.outcome.draft_s, s->verify_s};
    const int arm = s->step.outcome.arm, d = r->l->arms->at[arm].drafter;
    r->l->pulls[arm]++;
    return r->l->steps ? steps_add(r->l->steps, r->l->policy, r->l->seed, (int)r->ordinals[s->request], &s->step, d < 0 ? "plain" : r->l->setup->drafters[d].name, err) : 0;
}

static int take_text(struct request *x, const struct decoder *d, struct err *err) {
    for (int i = d->prompt_n; i < (int)d->history.n; i++)
        if (ids_add(&x->text, d->history.at[i], err)) return -1;
    x->ended = true;
    return 0;
}

static int on_leave(void *user, int request, int slot, double now, struct err *err) {
    struct run *r = user;
    (void)now;
    if (take_text(&r->requests[request], r->l->setup->decoders[slot], err)) return -1;
    for (; r->shown < r->n && r->requests[r->shown].ended; r->shown++) {
        const struct ids *t = &r->requests[r->shown].text;
        printer_begin(r->l->printer, r->requests[r->shown].number, &r->l->prompts->at[r->requests[r->shown].number]);
        if (printer_tokens(r->l->printer, t->at, (int)t->n, 0, err) || printer_end(r->l->printer, err)) return -1;
    }
    return 0;
}

static struct batch_plan plan_of(const struct run *r) {
    const struct live_batch *l = r->l;
    return (struct batch_plan){.who = l->who, .policy = l->policy, .problem = l->problem, .seed = l->seed, .fresh = l->fresh, .quota = l->quota,
                               .requests = r->n, .ordinal = r->ordinals};
}

/* -- beside plain decoding -- */

struct plainly {
    struct run *run;
    int differs; // request, -1: none
};

static int plain_left(void *user, int request, int slot, double now, struct err *err) {
    struct plainly *p = user;
    const struct ids *t = &p->run->requests[request].text;
    const struct decoder *d = p->run->l->setup->decoders[slot];
    (void)now, (void)err;
    if (d->pos != (int)t->n || memcmp(d->history.at + d->prompt_n, t->at, t->n * sizeof *t->at)) p->differs = request;
    return 0;
}

static int compare_plain(struct run *r, struct err *err) {
    static const struct arm plain = {.drafter = -1, .name = "plain"};
    struct plainly p = {r, -1};
    struct batch_plan plan = plan_of(r);
    struct batch_total total = {0};
    plan.who = BATCH_REQUEST, plan.policy = "none", plan.problem = (struct problem){.K = 1, .D = 0, .L = 1, .arms = &plain};
    if (batch_run(&r->live.world, &plan, &(struct batch_watch){.left = plain_left, .user = &p}, &total, err)) return -1;
    r->total->plain_s = total.draft_s + total.verify_s;
    return p.differs < 0 ? 0 : err_set(err, "prompt %d: the text differs from plain decoding", r->requests[p.differs].number);
}

/* -- beside a trace -- */

struct check {
    struct run *run;
    size_t at;
    int pass, n, rows[BATCH_SLOTS], context[BATCH_SLOTS], after[BATCH_SLOTS]; // of the pass being read
    double verify_s;
};

static void model_pass(struct check *c) {
    if (!c->n) return;
    c->run->total->modelled_s += passes_seconds(c->run->l->passes, c->run->l->cost, c->rows, c->context, c->after, c->n);
    c->run->total->checked_s += c->verify_s;
    c->n = 0;
}

static int check_step(void *user, const struct batch_step *s, struct err *err) {
    struct check *c = user;
    struct run *r = c->run;
    const struct trace *t = r->l->trace;
    const int q = r->requests[s->request].recorded;
    if (c->at >= r->steps_n) return err_set(err, "replay differs from live: it has more rounds than the %zu live", r->steps_n);
    const struct batch_step *l = &r->steps[c->at++];
    const struct outcome *a = &l->step.outcome, *b = &s->step.outcome;
    const struct { const char *name; int live, replay; } fields[] = {
        {"pass", l->pass, s->pass}, {"slot", l->slot, s->slot}, {"request", l->request, s->request}, {"requests in the pass", l->batch, s->batch}, {"position", l->step.pos, s->step.pos},
        {"arm", a->arm, b->arm}, {"gamma", a->gamma, b->gamma}, {"proposed", a->proposed, b->proposed}, {"accepted", a->accepted, b->accepted}, {"emitted", a->emitted, b->emitted},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (fields[i].live != fields[i].replay)
            return err_set(err, "replay differs from live at sequence %d of '%s', round %d: %s is %d live and %d in replay", t->sequences[q].ordinal, t->path, s->step.round,
                           fields[i].name, fields[i].live, fields[i].replay);
    if (s->pass != c->pass) model_pass(c);
    c->pass = s->pass, c->verify_s = s->verify_s;
    c->after[c->n] = b->gamma > 0 ? r->l->arms->at[b->arm].drafter : -1;
    c->rows[c->n] = outcome_nodes(b) + 1, c->context[c->n++] = t->sequences[q].prompt_tokens + s->step.pos;
    r->total->checked_rounds++;
    return 0;
}

static int same_texts(const struct run *r, struct err *err) {
    struct ids text = {NULL, 0, 0};
    int rc = 0;
    for (int q = 0; !rc && q < r->n; q++) {
        const struct request *x = &r->requests[q];
        rc = trace_text(r->l->trace, x->recorded, &text, err);
        if (!rc && text.n && (text.n != x->text.n || memcmp(text.at, x->text.at, text.n * sizeof *text.at)))
            rc = err_set(err, "the text of prompt %d is not that of sequence %d of '%s'", x->number, r->l->trace->sequences[x->recorded].ordinal, r->l->trace->path);
    }
    ids_close(&text);
    return rc;
}

static int hold_against(struct run *r, struct err *err) {
    struct batch_trace w;
    struct batch_plan plan = plan_of(r);
    struct batch_total total = {0};
    struct check c = {.run = r, .pass = -1};
    plan.sequence = r->sequences;
    if (same_texts(r, err) || batch_trace_open(&w, r->l->trace, r->l->cost, r->l->passes, r->live.world.B, err)) return -1;
    w.given = r->given, w.given_n = r->steps_n;
    int rc = batch_run(&w.world, &plan, &(struct batch_watch){.step = check_step, .user = &c}, &total, err);
    if (!rc) model_pass(&c);
    if (!rc && c.at != r->steps_n) rc = err_set(err, "replay differs from live: it has %zu rounds, live %zu", c.at, r->steps_n);
    w.given = NULL;
    if (!rc) rc = batch_run(&w.world, &plan, NULL, &r->total->simulated, err);
    batch_trace_close(&w);
    return rc;
}

int live_batch_run(struct live_batch *l, struct live_batch_total *total, struct err *err) {
    struct run r = {.l = l, .total = total};
    *total = (struct live_batch_total){.plain_s = 0};
    int rc = open_requests(&r, err);
    if (!rc) rc = batch_live_open(&r.live, l->setup->decoders, l->setup->options->slots > 1 ? l->setup->options->slots : 1, r.prompts, l->max_new, err);
    const struct batch_plan plan = plan_of(&r);
    if (!rc) rc = batch_run(&r.live.world, &plan, &(struct batch_watch){.step = on_step, .left = on_leave, .user = &r}, &total->batch, err);
    if (!rc && l->compare) rc = compare_plain(&r, err);
    if (!rc && l->trace) rc = hold_against(&r, err);
    total->decoded = r.n, total->refused = r.refused;
    if (!rc && r.refused) *err = r.refusal;
    if (!rc && r.refused > 1) err_add(err, ", and %d more", r.refused - 1);
    close_run(&r);
    return rc;
}
