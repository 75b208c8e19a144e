/* synthesis.c - see synthesis.h. */
#include "traces/synthesis.h"

#include <errno.h>
#include <gsl/gsl_statistics_double.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/drafter.h"
#include "core/mem.h"
#include "core/progress.h"
#include "core/rng.h"
#include "traces/hazard.h"
#include "traces/latency.h"
#include "traces/store.h"

const char *const synthesis_laws[LAWS] = {"geometric", "markov", "changes", "adversarial", "resample"};

static int least(int a, int b) { return a < b ? a : b; }

/* -- drafters from words -- */

int synthesis_drafter_parse(struct synthesis_drafter *d, const char *word, struct err *err) {
    const char *equals = strchr(word, '=');
    *d = (struct synthesis_drafter){.proposing = 1, .ms = 1};
    if (!equals || equals == word || (size_t)(equals - word) >= sizeof d->name)
        return err_usage(err, "drafter '%s' is not NAME=P[,P...][@MS]", word);
    memcpy(d->name, word, (size_t)(equals - word));
    for (const char *at = equals; *at == '=' || *at == ',';) {
        char *end;
        double p = strtod(at + 1, &end);
        if (end == at + 1 || !(p >= 0 && p <= 1)) return err_usage(err, "drafter '%s': a probability from 0 to 1 was expected at '%s'", word, at + 1);
        if (d->states == SYNTHESIS_STATES) return err_usage(err, "drafter '%s' has more than %d states", word, SYNTHESIS_STATES);
        d->p[d->states++] = p;
        at = end;
        if (*at == '@') {
            d->ms = strtod(at + 1, &end);
            if (end == at + 1 || !(d->ms >= 0 && d->ms < 1e6)) return err_usage(err, "drafter '%s': milliseconds were expected at '%s'", word, at + 1);
            at = end;
        }
        if (*at && *at != ',') return err_usage(err, "drafter '%s': nothing was expected at '%s'", word, at);
    }
    return 0;
}

/* -- a recorded trace's parameters -- */

struct timings { // of every cell of the trace that is resampled or fitted
    const struct trace *t;
    uint8_t *width;        // (cells)
    int64_t *verify, *draft; // (cells), (D, cells)
};

static int take_timing(void *user, const struct trace_timing *x) {
    struct timings *s = user;
    size_t cell = s->t->sequences[x->sequence].at + (size_t)x->pos - 1;
    if (x->drafter >= 0) s->draft[(size_t)x->drafter * s->t->cells + cell] = x->ns;
    else s->width[cell] = (uint8_t)least(x->width, 255), s->verify[cell] = x->ns;
    return 0;
}

static void timings_close(struct timings *s) { mem_free(s->width), mem_free(s->verify), mem_free(s->draft); }

static int timings_open(struct timings *s, const struct trace *t, struct err *err) {
    *s = (struct timings){.t = t};
    if ((s->width = mem_alloc(t->cells, 1, "widths", err)) && (s->verify = mem_alloc(t->cells, sizeof *s->verify, "timings", err))
        && (s->draft = mem_alloc(t->cells * (size_t)t->D, sizeof *s->draft, "timings", err)) && !trace_timings(t, take_timing, s, err)) return 0;
    timings_close(s);
    return -1;
}

/* Medians by width, those that were not timed from the nearest below (or above). */
static void fit_verify(struct synthesis *x, const struct timings *s, double *scratch) {
    double known = 0;
    for (int w = 1; w < SYNTHESIS_WIDTHS; w++) {
        size_t n = 0;
        for (size_t i = 0; i < s->t->cells; i++)
            if (s->width[i] == w) scratch[n++] = (double)s->verify[i] / 1e6;
        x->verify_ms[w] = n ? gsl_stats_median(scratch, 1, n) : 0;
    }
    for (int w = SYNTHESIS_WIDTHS - 1; w >= 1; w--) known = x->verify_ms[w] > 0 ? x->verify_ms[w] : known;
    for (int w = 1; w < SYNTHESIS_WIDTHS; w++) known = x->verify_ms[w] > 0 ? x->verify_ms[w] : (x->verify_ms[w] = known);
}

/* The median of time over tokens drafted. */
static double fit_draft(const struct timings *s, int d, double *scratch) {
    size_t n = 0;
    for (size_t i = d * s->t->cells; i < (size_t)(d + 1) * s->t->cells; i++)
        if (s->t->proposed[i]) scratch[n++] = (double)s->draft[i] / 1e6 / s->t->proposed[i];
    return n ? gsl_stats_median(scratch, 1, n) : 0;
}

/* The trace's categories in order of appearance. */
static int categories(const struct trace *t, const char **at, struct err *err) {
    int n = 0;
    for (int q = 0; q < t->Q; q++) {
        int i = 0;
        while (i < n && strcmp(at[i], t->sequences[q].category)) i++;
        if (i < n) continue;
        if (n == SYNTHESIS_STATES) return err_set(err, "trace '%s' has more than %d categories, so no state for each", t->path, SYNTHESIS_STATES);
        at[n++] = t->sequences[q].category;
    }
    return n;
}

int synthesis_fit(struct synthesis *x, struct err *err) {
    const struct trace *t = x->like;
    const char *category[SYNTHESIS_STATES] = {NULL};
    struct timings s;
    struct hazard *h = NULL;
    double *scratch = NULL;
    int rc = -1, states = x->law == LAW_GEOMETRIC ? 1 : categories(t, category, err);
    if (states < 0) return -1;
    if (t->D > SYNTHESIS_DRAFTERS) return err_set(err, "trace '%s' has %d drafters, at most %d can be fitted", t->path, t->D, SYNTHESIS_DRAFTERS);
    if (timings_open(&s, t, err)) return -1;
    if (!(scratch = mem_alloc(t->cells, sizeof *scratch, "timings", err)) || !(h = mem_alloc(1, sizeof *h, "trials", err))) goto out;
    x->D = t->D;
    for (int d = 0; d < t->D; d++) {
        struct synthesis_drafter *to = &x->drafter[d];
        *to = (struct synthesis_drafter){.states = states, .ms = fit_draft(&s, d, scratch)};
        snprintf(to->name, sizeof to->name, "%.31s", t->drafters[d].name);
        hazard_count(h, t, d, NULL);
        to->proposing = h->rounds ? (double)h->proposing / (double)h->rounds : 0;
        for (int i = 0; i < states; i++) {
            hazard_count(h, t, d, x->law == LAW_GEOMETRIC ? NULL : category[i]);
            to->p[i] = h->p;
        }
    }
    fit_verify(x, &s, scratch);
    rc = 0;
out:
    timings_close(&s);
    mem_free(scratch), mem_free(h);
    return rc;
}

/* -- the recording -- */

/* The law as JSON, for recording.options: whoever reads the trace knows what it is, and another law is another recording. */
static void write_law(const struct synthesis *x, char *to, size_t size) {
    int n = snprintf(to, size, "{\"synthetic\":true,\"world\":\"%s\",\"seed\":%llu,\"change\":%g,\"period\":%d,\"like\":\"%.16s\"", synthesis_laws[x->law],
                     (unsigned long long)x->seed, x->change, x->period, x->like ? x->like->sha256 : "");
    n += snprintf(to + n, size - (size_t)n, ",\"p\":[");
    for (int d = 0; d < x->D && x->law != LAW_RESAMPLE; d++) {
        n += snprintf(to + n, size - (size_t)n, "%s[", d ? "," : "");
        for (int i = 0; i < x->drafter[d].states; i++) n += snprintf(to + n, size - (size_t)n, "%s%.6g", i ? "," : "", x->drafter[d].p[i]);
        n += snprintf(to + n, size - (size_t)n, "]");
    }
    snprintf(to + n, size - (size_t)n, "]}");
}

static int open_store(const struct synthesis *x, const char *path, struct store *s, struct err *err) {
    enum { LAW = SYNTHESIS_DRAFTERS * (SYNTHESIS_STATES * 16 + 4) + 512 };
    struct store_drafter drafters[64];
    char law[LAW], target[300] = "synthetic";
    int D = x->D, max_new = x->tokens;
    if (x->like) snprintf(target, sizeof target, "synthetic, like %.250s", x->like->target), max_new = x->like->max_new;
    write_law(x, law, sizeof law);
    for (int d = 0; d < x->D; d++)
        drafters[d] = (struct store_drafter){x->drafter[d].name, "synthetic", "", "", x->L};
    if (x->law == LAW_RESAMPLE) {
        D = x->like->D;
        for (int d = 0; d < D; d++) {
            const struct trace_drafter *from = &x->like->drafters[d];
            drafters[d] = (struct store_drafter){from->name, from->kind, from->parameters, "", from->max_draft};
        }
    }
    struct store_recording r = {.target = target, .target_sha256 = "synthetic", .tokenizer_sha256 = "synthetic", .backend = "synthetic",
                                .device = x->like ? x->like->device : "none", .dtype = "none", .template = "none", .engine_version = VERSION,
                                .options = law, .threads = 1, .max_new = max_new, .max_draft = x->law == LAW_RESAMPLE ? x->like->L : x->L,
                                .noise_seed = (int64_t)x->seed, .alone = !x->add};
    return store_open(s, path, &r, drafters, D, false, false, err);
}

/* -- one sequence -- */

struct maker {
    struct synthesis *x;
    struct store *s;
    struct timings timings; // of x->like, when it is resampled
    uint8_t *state;         // (longest + L + 1) by position
    uint8_t *match;         // (D, longest + L + 1) bits
    int longest;
};

static struct rng draws(const struct maker *m, const char *purpose, int q, int pos) {
    return rng_at(m->x->seed, rng_stream(purpose), (uint32_t)q, (uint32_t)pos);
}

/* States of positions 1 .. n. */
static void draw_states(struct maker *m, int q, int n) {
    const struct synthesis *x = m->x;
    int states = x->drafter[0].states, state = 0;
    long turn_ends = x->period;
    for (int pos = 1; pos <= n; pos++) {
        struct rng r = draws(m, "state", q, pos);
        if (x->law == LAW_MARKOV) {
            if (pos == 1) state = rng_below(&r, states);
            else if (states > 1 && rng_uniform(&r) < x->change) state = (state + 1 + rng_below(&r, states - 1)) % states;
        }
        if (x->law == LAW_CHANGES) state = (pos - 1) / x->period % states;
        if (x->law == LAW_ADVERSARIAL && pos > turn_ends) {
            state = (state + 1) % x->D;             // whose turn it is
            turn_ends = 2 * turn_ends + x->period; // period (1 + 2 + 4 + ...)
        }
        m->state[pos] = (uint8_t)state;
    }
}

static double probability(const struct synthesis *x, int d, int state) {
    if (x->law == LAW_ADVERSARIAL) return x->drafter[d].p[d == state ? 0 : 1];
    return x->drafter[d].p[x->law == LAW_GEOMETRIC ? 0 : state];
}

static int made_sequence(struct maker *m, int q, int tokens, int max_new, struct err *err) {
    const struct synthesis *x = m->x;
    int n = tokens + x->L, rc = 0;
    draw_states(m, q, n);
    for (int d = 0; d < x->D; d++)
        for (int pos = 1; pos <= n; pos++) {
            struct rng r = rng_at(x->seed, rng_stream("match") + (uint32_t)d, (uint32_t)q, (uint32_t)pos);
            m->match[(size_t)d * (size_t)m->longest + (size_t)pos] = rng_uniform(&r) < probability(x, d, m->state[pos]);
        }
    for (int pos = 1; !rc && pos < tokens; pos++) {
        int most = least(x->L, max_new - pos - 1), width = 1 + (q + pos) % (most + 1);
        struct store_step step = {.pos = pos, .verify_width = width, .verify_ns = (int64_t)(x->verify_ms[width] * 1e6 + 0.5)};
        rc = store_step(m->s, &step, err);
        for (int d = 0; !rc && d < x->D; d++) {
            const uint8_t *match = m->match + (size_t)d * (size_t)m->longest + (size_t)pos;
            struct rng r = rng_at(x->seed, rng_stream("proposing") + (uint32_t)d, (uint32_t)q, (uint32_t)pos);
            struct store_draft draft = {.proposed = rng_uniform(&r) < x->drafter[d].proposing ? most : 0};
            while (draft.accepted < draft.proposed && draft.accepted < tokens - pos && match[draft.accepted]) draft.accepted++;
            draft.draft_ns = (int64_t)(x->drafter[d].ms * 1e6 * draft.proposed + 0.5);
            rc = store_draft(m->s, d, &draft, err);
        }
    }
    return rc;
}

/* Rows of `latency` of the recorded drafters; they speak of the recording, so the first sequence brings them all. */
struct copy {
    struct maker *m;
    const char *operation;
    struct err *err;
};

static int copy_latency(void *user, const struct trace_timing *x) {
    struct copy *c = user;
    return store_latency(c->m->s, x->drafter, &(struct latency){c->operation, 1, x->width, x->context, 1, x->ns, x->ns, x->ns}, c->err);
}

static int copied_sequence(struct maker *m, int q, int from, struct err *err) {
    const struct trace *t = m->x->like;
    int rc = 0;
    for (int pos = 1; !rc && pos < t->sequences[from].tokens; pos++) {
        size_t at = t->sequences[from].at + (size_t)pos - 1;
        struct store_step step = {.pos = pos, .margin = t->margin[at], .verify_width = m->timings.width[at], .verify_ns = m->timings.verify[at]};
        rc = store_step(m->s, &step, err);
        for (int d = 0; !rc && d < t->D; d++) {
            size_t cell = (size_t)d * t->cells + at;
            struct store_draft draft = {.proposed = t->proposed[cell], .accepted = t->accepted[cell], .draft_ns = m->timings.draft[cell]};
            float match = t->match[cell];
            if (t->drafters[d].copier) draft.signal = &match, draft.signal_n = 1;
            else if (t->signal && t->signal[d] && draft.proposed) draft.signal = t->signal[d] + at * (size_t)t->L * 2, draft.signal_n = 2 * draft.proposed;
            rc = store_draft(m->s, d, &draft, err);
        }
    }
    for (int i = 0; !rc && q == 0 && i < 2; i++) {
        struct copy copy = {m, i ? "catchup" : "draft", err};
        rc = trace_latencies(t, copy.operation, copy_latency, &copy, err);
    }
    return rc;
}

static int make_sequence(struct maker *m, int q, struct err *err) {
    const struct synthesis *x = m->x;
    struct rng r = draws(m, "sequence", q, 0);
    int from = x->like ? rng_below(&r, x->like->Q) : -1, max_new = x->like ? x->like->max_new : x->tokens;
    const struct trace_sequence *like = x->like ? &x->like->sequences[from] : NULL;
    char key[17], question[96] = "";
    snprintf(key, sizeof key, "%08x%08x", rng_stream(synthesis_laws[x->law]) ^ (uint32_t)x->seed, (uint32_t)q);
    int rc = store_has(m->s, q, key, err);
    if (rc) return rc < 0 ? -1 : 0;
    if (like) snprintf(question, sizeof question, "like sequence %d", like->ordinal);
    struct store_sequence head = {.ordinal = q, .prompt_key = key, .category = like ? like->category : "", .question = question,
                                  .prompt_tokens = like ? like->prompt_tokens : x->prompt_tokens, .tokens = like ? like->tokens : x->tokens,
                                  .eos = like && like->eos};
    if (store_begin(m->s, &head, err)) return -1;
    rc = x->law == LAW_RESAMPLE ? copied_sequence(m, q, from, err) : made_sequence(m, q, head.tokens, max_new, err);
    if (!rc) rc = store_commit(m->s, err);
    if (rc) store_rollback(m->s);
    return rc;
}

/* Confidences of the drafters that have some, matches and margins. */
static int load_signals(struct trace *t, struct err *err) {
    for (int d = 0; d < t->D; d++)
        if (drafter_type_find(t->drafters[d].kind) && !t->drafters[d].copier && trace_load_signal(t, d, err)) return -1;
    return trace_load_match(t, err) || trace_load_margin(t, err) ? -1 : 0;
}

static int maker_open(struct maker *m, struct err *err) {
    struct synthesis *x = m->x;
    if (x->law == LAW_RESAMPLE) return load_signals(x->like, err) || timings_open(&m->timings, x->like, err) ? -1 : 0;
    m->longest = (x->like ? x->like->max_new : x->tokens) + x->L + 1;
    m->state = mem_alloc((size_t)m->longest, 1, "states", err);
    m->match = mem_alloc((size_t)m->longest * (size_t)x->D, 1, "match bits", err);
    return m->state && m->match ? 0 : -1;
}

int synthesis_write(struct synthesis *x, const char *path, struct err *err) {
    struct store s;
    if (open_store(x, path, &s, err)) return -1;
    struct maker m = {.x = x, .s = &s};
    struct progress bar = progress_start("synthesizing", x->sequences, 0);
    int rc = maker_open(&m, err);
    for (int q = 0; !rc && q < x->sequences; q++) {
        rc = make_sequence(&m, q, err);
        progress_step(&bar, q + 1);
    }
    progress_end(&bar);
    timings_close(&m.timings);
    mem_free(m.state), mem_free(m.match);
    store_close(&s);
    return rc;
}
