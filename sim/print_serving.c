/* print_serving.c - see print_serving.h.
 *
 * The first table has the columns of the field's first implementation, bsz, spec_quota, gamma and throughput, and its rows: BanditSpec,
 * gamma=0..4, Best Arm and Worst Arm; to their right, throughput over plain decoding (figure 3 of arXiv 2505.15141) and who that is. */
#include "sim/print_serving.h"

#include <jansson.h>
#include <string.h>

const char *load_word(const struct load *l) {
    static const char *const words[] = {[ARRIVALS_CLOSED] = "closed", [ARRIVALS_POISSON] = "poisson", [ARRIVALS_BURSTY] = "bursty"};
    return l->arrivals == ARRIVALS_FILE ? l->path : words[l->arrivals];
}

const char *passes_word(const struct grid_plan *p) {
    return p->cost->kind == COST_HARDWARE ? "hardware" : p->passes->n ? "measured" : "extrapolated";
}

const char *who_word(enum batch_who who) {
    static const char *const words[] = {[BATCH_REQUEST] = "request", [BATCH_WHOLE] = "batch", [BATCH_SHARE] = "share"};
    return words[who];
}

static void print_head(FILE *to, const struct grid *g) {
    const struct grid_plan *p = &g->plan;
    const struct load *l = p->load;
    const int came = (int)g->rows[0].f.came;
    fprintf(to, "%s on %s, %d sequences; seconds are modelled\n", p->trace->target, p->trace->device, p->trace->Q);
    if (p->cost->kind == COST_HARDWARE) fprintf(to, "passes and prefill: the roofline of %s\n", p->cost->name);
    else if (p->passes->n)
        fprintf(to, "passes over several requests: from %ld timings of the table latency (median error %.1f%%)\n", p->passes->timed,
                100 * p->passes->error);
    else fprintf(to, "passes over several requests: extrapolated from single ones; banditspec bench --batches ... --db %s measures them\n",
                 p->trace->path);
    fprintf(to, "%d requests, %s", came + g->refused, l->random ? "sequences at random" : "sequences in order");
    if (l->arrivals == ARRIVALS_CLOSED) fprintf(to, "; closed loop: a slot that is free takes the next one\n");
    else if (l->arrivals == ARRIVALS_FILE) fprintf(to, "; arrivals from %s, %d may wait\n", l->path, p->queue);
    else if (l->arrivals == ARRIVALS_POISSON) fprintf(to, "; Poisson arrivals, %g a second, %d may wait\n", l->rate, p->queue);
    else fprintf(to, "; bursty arrivals, %g a second, %g in bursts of %g s, %d may wait\n", l->rate, l->rate * l->peak, l->burst_s,
                 p->queue);
    if (g->refused) fprintf(to, "%d of them refused: longer than the context of %d tokens\n", g->refused, l->context);
    if (p->seeds > 1) fprintf(to, "means over %d seeds\n", p->seeds);
}

static void print_throughput(FILE *to, const struct grid *g, int b, int i, const char *label) {
    const struct grid_entry *e = &g->entries[i];
    const struct grid_row *r = grid_at(g, b, i);
    char quota[24] = "-";
    if (e->who == BATCH_SHARE && g->plan.quota) snprintf(quota, sizeof quota, "%d", g->plan.quota);
    fprintf(to, "%-5d%-12s%-12s%10.1f%10.2f  %s", g->plan.batches[b], quota, label, r->f.throughput, r->vs_plain, e->spec);
    if (g->plan.seeds > 1) fprintf(to, "  +- %.1f", 1.96 * r->throughput_se);
    fputc('\n', to);
}

static void print_batch(FILE *to, const struct grid *g, int b) {
    char label[24];
    for (int i = 0; i < g->n; i++)
        if (g->entries[i].kind == GRID_POLICY) print_throughput(to, g, b, i, "BanditSpec");
    for (int gamma = 0; gamma <= 4; gamma++)
        for (int i = 0; i < g->n; i++) {
            if (g->entries[i].kind == GRID_POLICY || g->entries[i].gamma != gamma) continue;
            snprintf(label, sizeof label, "gamma=%d", gamma);
            print_throughput(to, g, b, i, label);
        }
    print_throughput(to, g, b, g->best[b], "Best Arm");
    print_throughput(to, g, b, g->worst[b], "Worst Arm");
}

static void print_users(FILE *to, const struct grid *g, int b, int i) {
    const struct figures *f = &grid_at(g, b, i)->f;
    fprintf(to, "%-5d%9.1f%8.1f%%%8.3f%7.1f%9lld", g->plan.batches[b], f->goodput, 100 * f->attained, f->fairness, f->batch,
            (long long)f->turned_away);
    const struct spread *const all[] = {&f->ttft, &f->tpot, &f->queueing};
    for (int k = 0; k < 3; k++) fprintf(to, "  %9.2f%9.2f%9.2f", 1e3 * all[k]->mean, 1e3 * all[k]->p50, 1e3 * all[k]->p99);
    fprintf(to, "  %s\n", g->entries[i].spec);
}

void print_serving(FILE *to, const struct grid *g) {
    const struct grid_plan *p = &g->plan;
    print_head(to, g);
    fprintf(to, "\n%-5s%-12s%-12s%10s%10s  %s\n", "bsz", "spec_quota", "gamma", "throughput", "vs plain", "policy");
    for (int b = 0; b < p->batch_n; b++) print_batch(to, g, b);
    fprintf(to, "\nwhat users feel, in ms\n%-5s%9s%9s%8s%7s%9s  %9s%9s%9s  %9s%9s%9s  %9s%9s%9s  %s\n", "bsz", "goodput", "in SLO", "Jain",
            "batch", "rejected", "TTFT", "p50", "p99",
            "TPOT", "p50", "p99", "queueing", "p50", "p99", "policy");
    for (int b = 0; b < p->batch_n; b++) {
        for (int i = 0; i < g->n; i++)
            if (g->entries[i].kind == GRID_POLICY) print_users(to, g, b, i);
        print_users(to, g, b, g->best[b]);
        if (g->best[b] != g->n - 1) print_users(to, g, b, g->n - 1);
    }
    fprintf(to, "\nthroughput, goodput: tokens/s. spec_quota: rows a pass, the newest tokens included. Best and Worst Arm: fixed arms, in "
            "hindsight. TTFT: to the first token,\n"
                "from arrival. TPOT: a token, after the first. goodput: of requests within ");
    if (p->slo_ttft || p->slo_tpot) {
        if (p->slo_ttft) fprintf(to, "TTFT %g ms%s", 1e3 * p->slo_ttft, p->slo_tpot ? " and " : ".\n");
        if (p->slo_tpot) fprintf(to, "TPOT %g ms.\n", 1e3 * p->slo_tpot);
    } else fprintf(to, "the objectives (none were set: --slo-ttft, --slo-tpot).\n");
    if (p->seeds > 1)
        fprintf(to, "+-: of the throughput, 1.96 standard errors over %d seeds, which change arrivals and draws; gains over plain, which meets the same\n"
                    "arrivals, vary less. Seconds hold prefill, which replay leaves out.\n", p->seeds);
    else fprintf(to, "Seconds hold prefill, which replay leaves out.\n");
}

/* -- JSON -- */

static json_t *spread_json(const struct spread *s) { return json_pack("{s:f, s:f, s:f}", "mean", s->mean, "p50", s->p50, "p99", s->p99); }

static json_t *row_json(const struct grid *g, int b, int i) {
    static const char *const kinds[] = {[GRID_POLICY] = "policy", [GRID_ARM] = "arm", [GRID_PLAIN] = "plain"};
    const struct grid_entry *e = &g->entries[i];
    const struct grid_row *r = grid_at(g, b, i);
    const struct figures *f = &r->f;
    return json_pack("{s:i, s:o, s:s, s:o, s:s, s:s, s:b, s:b, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:f, "
                     "s:o, s:o, s:o}", "bsz", g->plan.batches[b],
                     "spec_quota", e->who == BATCH_SHARE && g->plan.quota ? json_integer(g->plan.quota) : json_null(), "kind",
                         kinds[e->kind],
                     "gamma", e->gamma < 0 ? json_null() : json_integer(e->gamma), "policy", e->spec, "who", who_word(e->who), "best_arm",
                         i == g->best[b], "worst_arm", i == g->worst[b],
                     "throughput", f->throughput, "throughput_se", r->throughput_se, "vs_plain", r->vs_plain, "goodput", f->goodput,
                         "attained", f->attained, "fairness", f->fairness,
                     "batch", f->batch, "rejected", (json_int_t)f->turned_away, "done", (json_int_t)f->done, "tokens",
                         (json_int_t)f->tokens, "rounds", r->rounds, "proposed", r->proposed,
                     "accepted", r->accepted, "emitted", r->emitted, "seconds", f->seconds, "ttft_s", spread_json(&f->ttft), "tpot_s",
                         spread_json(&f->tpot),
                     "queueing_s", spread_json(&f->queueing));
}

int print_serving_json(FILE *to, const struct grid *g, struct err *err) {
    const struct grid_plan *p = &g->plan;
    json_t *rows = json_array();
    for (int b = 0; b < p->batch_n; b++)
        for (int i = 0; i < g->n; i++) json_array_append_new(rows, row_json(g, b, i));
    json_t *all = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:f, s:s, s:I, s:i, s:i, s:i, s:f, s:f, s:o}", "world", "serving",
                            "trace", p->trace->path, "trace_sha256", p->trace->sha256,
                            "target", p->trace->target, "device", p->trace->device, "passes", passes_word(p), "timings",
                                (int)p->passes->timed,
                            "timing_error", p->passes->error, "arrivals", load_word(p->load), "requests",
                                (json_int_t)(g->rows[0].f.came + g->refused), "refused", g->refused,
                            "queue", p->queue, "seeds", p->seeds, "slo_ttft_s", p->slo_ttft, "slo_tpot_s", p->slo_tpot, "rows", rows);
    int rc = all ? json_dumpf(all, to, JSON_INDENT(2)) : -1;
    if (!rc) fputc('\n', to);
    json_decref(all);
    return rc ? err_set(err, "cannot write JSON") : 0;
}
