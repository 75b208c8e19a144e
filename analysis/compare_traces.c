/* compare_traces.c - two traces: what their drafters have accepted, what verification takes, and what fixed arms make of both. */
#include "analysis/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "policies/policy.h"
#include "sim/oracle.h"
#include "sim/replay.h"
#include "sim/timing.h"
#include "traces/hazard.h"

struct played { // a trace, with every fixed arm's walk
    struct trace trace;
    struct arms arms;
    struct cost cost;
    struct oracle oracle;
};

static void played_close(struct played *p) {
    oracle_close(&p->oracle);
    cost_close(&p->cost);
    arms_close(&p->arms);
    trace_close(&p->trace);
}

static int played_open(struct played *p, const char *path, int recording, const struct compare_options *o, struct err *err) {
    *p = (struct played){0};
    int rc = trace_open(&p->trace, path, recording, err);
    if (!rc && p->trace.Q < 1) rc = err_set(err, "trace '%s' has no sequences", path);
    if (!rc) rc = replay_arms(&p->arms, &p->trace, o->arms, o->arms_n, err);
    if (!rc) rc = timing_open(&p->cost, &p->trace, "model", NULL, err);
    if (!rc) {
        struct world_trace w = world_trace(&p->trace, &p->cost);
        rc = oracle_open(&p->oracle, &w, p->arms.at, p->arms.K, err);
    }
    if (rc) played_close(p);
    return rc;
}

static char *copy(const char *text, struct err *err) { return mem_text(text, strlen(text), err); }

/* Rows are the arms but plain decoding, which comes last. */
static int fill_side(struct side *s, const struct played *p, struct err *err) {
    const struct trace *t = &p->trace;
    const struct oracle *o = &p->oracle;
    char text[512];
    int n = 0, drafting = 0;
    for (int k = 0; k < p->arms.K; k++) drafting += p->arms.at[k].drafter >= 0;
    int rc = side_open(s, t->Q, drafting + 1, err);
    if (rc) return rc;
    snprintf(text, sizeof text, "recording %lld of '%s'", (long long)t->recording, t->path);
    if (!(s->path = copy(t->path, err)) || !(s->title = copy(text, err)) || !(s->target = copy(t->target, err))
        || !(s->device = copy(t->device, err)) || !(s->sha256 = copy(t->sha256, err))) return ERR_FAILED;
    timing_say(&p->cost, text, sizeof text);
    if (!(s->seconds = copy(text, err))) return ERR_FAILED;
    for (int q = 0; q < t->Q; q++) {
        s->tokens[q] = t->sequences[q].tokens - 1;
        if (!(s->prompt_key[q] = copy(t->sequences[q].prompt_key, err))) return ERR_FAILED;
    }
    for (int k = -1; k < p->arms.K; k++) {
        if (k >= 0 && p->arms.at[k].drafter < 0) continue;
        int row = k < 0 ? drafting : n++;
        if (!(s->names[row] = copy(k < 0 ? "plain decoding" : p->arms.at[k].name, err))) return ERR_FAILED;
        for (int q = 0; q < t->Q; q++) {
            struct walk x = k < 0 ? o->plain[q] : o->fixed[(size_t)q * (size_t)o->K + (size_t)k];
            s->rounds[(size_t)row * (size_t)t->Q + (size_t)q] = x.rounds, s->took[(size_t)row * (size_t)t->Q + (size_t)q] = x.seconds;
        }
    }
    return 0;
}

static int find_drafter(const struct trace *t, const char *name) {
    for (int d = 0; d < t->D; d++)
        if (!strcmp(t->drafters[d].name, name)) return d;
    return -1;
}

/* Drafters of either trace, each once: mean accepted length of a draft as long as was recorded, and the probability of one token. */
static int add_drafters(struct compare *c, const struct played p[2], struct err *err) {
    int n = p[0].trace.D, at = 0;
    for (int d = 0; d < p[1].trace.D; d++) n += find_drafter(&p[0].trace, p[1].trace.drafters[d].name) < 0;
    struct compare_table *mean = compare_table(c, "Accepted tokens a draft, by drafter", "mean accepted", 3, n, err),
        *one = compare_table(c, "Probability that a drafted token is accepted", "p", 4, n, err);
    struct hazard *h = mem_alloc(1, sizeof *h, "trials", err);
    int rc = mean && one && h ? 0 : ERR_FAILED;
    for (int side = 0; !rc && side < 2; side++)
        for (int d = 0; d < p[side].trace.D; d++) {
            const struct trace *t = &p[side].trace;
            int row = 0;
            double sum = 0;
            for (; row < at && strcmp(mean->names[row], t->drafters[d].name); row++) {}
            if (row == at) {
                if (at == n) break; // names cut to the same letters
                snprintf(mean->names[at], sizeof *mean->names, "%.95s", t->drafters[d].name);
                memcpy(one->names[at], mean->names[at], sizeof *one->names);
                at++;
            }
            for (size_t i = 0; i < t->cells; i++) sum += t->accepted[(size_t)d * t->cells + i];
            hazard_count(h, t, d, NULL);
            (side ? mean->b : mean->a)[row] = t->cells ? sum / (double)t->cells : 0;
            (side ? one->b : one->a)[row] = h->p;
        }
    mem_free(h);
    if (mean) mean->n = at;
    if (one) one->n = at;
    return rc;
}

struct timings {
    double *at[COST_WIDTHS]; // milliseconds by width, owned
    size_t n[COST_WIDTHS], room[COST_WIDTHS];
    struct err *err;
};

static int take_timing(void *user, const struct trace_timing *x) {
    struct timings *t = user;
    int w = x->width;
    if (x->drafter >= 0 || w < 1 || w >= COST_WIDTHS) return 0;
    if (mem_grow(&t->at[w], &t->room[w], t->n[w] + 1, sizeof *t->at[w], "timings", t->err)) return ERR_FAILED;
    t->at[w][t->n[w]++] = (double)x->ns / 1e6;
    return 0;
}

static int ascending(const void *x, const void *y) { return *(const double *)x < *(const double *)y ? -1
    : *(const double *)x > *(const double *)y; }

/* Median milliseconds of a verification by width: of an even number of timings the lower one, as `traces info` has it. */
static int medians(const struct trace *t, double *median, struct err *err) {
    struct timings x = {.err = err};
    int rc = trace_timings(t, take_timing, &x, err);
    for (int w = 0; w < COST_WIDTHS; w++) {
        median[w] = NAN;
        if (x.n[w]) {
            qsort(x.at[w], x.n[w], sizeof *x.at[w], ascending);
            median[w] = x.at[w][(x.n[w] - 1) / 2];
        }
        mem_free(x.at[w]);
    }
    return rc;
}

static int add_latencies(struct compare *c, const struct played p[2], struct err *err) {
    double median[2][COST_WIDTHS];
    int n = 0, at = 0, rc = medians(&p[0].trace, median[0], err);
    if (!rc) rc = medians(&p[1].trace, median[1], err);
    for (int w = 1; !rc && w < COST_WIDTHS; w++) n += !isnan(median[0][w]) || !isnan(median[1][w]);
    struct compare_table *t = rc ? NULL : compare_table(c, "Verification, median by number of rows", "ms", 3, n, err);
    if (!rc && !t) rc = ERR_FAILED;
    for (int w = 1; !rc && w < COST_WIDTHS; w++) {
        if (isnan(median[0][w]) && isnan(median[1][w])) continue;
        snprintf(t->names[at], sizeof *t->names, "%d row%s", w, w == 1 ? "" : "s");
        t->a[at] = median[0][w], t->b[at++] = median[1][w];
    }
    return rc;
}

/* The drafter with the largest mean accepted length. */
static const char *best_drafter(const struct compare_table *t, const double *x) {
    int best = -1;
    for (int i = 0; i < t->n; i++)
        if (!isnan(x[i]) && (best < 0 || x[i] > x[best])) best = i;
    return best < 0 ? "" : t->names[best];
}

static bool pays(const struct played *p) {
    double plain = 0, best = 0;
    for (int q = 0; q < p->trace.Q; q++) plain += p->oracle.plain[q].seconds,
        best += p->oracle.fixed[(size_t)q * (size_t)p->oracle.K + (size_t)p->oracle.best].seconds;
    return best < plain * (1 - 1e-9);
}

static void say_all(struct compare *c, const struct played p[2]) {
    const char *arm_a = p[0].arms.at[p[0].oracle.best].name, *arm_b = p[1].arms.at[p[1].oracle.best].name;
    const char *drafter_a = best_drafter(&c->tables[0], c->tables[0].a), *drafter_b = best_drafter(&c->tables[0], c->tables[0].b);
    compare_say(c, true, !strcmp(arm_a, arm_b), "the best fixed arm is %s", arm_a);
    compare_say(c, !strcmp(arm_a, arm_b), true, "the best fixed arm is %s", arm_b);
    compare_say(c, pays(&p[0]), pays(&p[1]), "drafting pays: the best fixed arm is faster than plain decoding");
    compare_say(c, true, !strcmp(drafter_a, drafter_b), "%s has the most tokens accepted a draft", drafter_a);
    compare_say(c, !strcmp(drafter_a, drafter_b), true, "%s has the most tokens accepted a draft", drafter_b);
}

int compare_load_traces(struct compare *c, const struct compare_options *o, struct err *err) {
    struct played p[2];
    int open = 0, rc = 0;
    for (; !rc && open < 2; open += !rc) rc = played_open(&p[open], o->path[open], o->id[open], o, err);
    for (int i = 0; !rc && i < 2; i++) rc = fill_side(&c->side[i], &p[i], err);
    if (!rc) rc = add_drafters(c, p, err);
    if (!rc) rc = add_latencies(c, p, err);
    if (!rc) say_all(c, p);
    for (int i = 0; i < open; i++) played_close(&p[i]);
    return rc;
}
