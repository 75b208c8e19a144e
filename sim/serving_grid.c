/* serving_grid.c - see serving_grid.h. */
#include "sim/serving_grid.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "core/progress.h"

static const struct arm plain = {.drafter = -1, .name = "plain"};

/* -- who plays -- */

static struct grid_entry entry_of_player(const struct grid *g, const struct player *x) {
    const struct grid_plan *p = &g->plan;
    const struct policy *policy = policy_find(x->name);
    struct grid_entry e = {.kind = GRID_POLICY, .gamma = -1, .problem = {.K = p->arms->K, .D = p->trace->D, .L = p->arms->L,
                                                                         .arms = p->arms->at}};
    memcpy(e.spec, x->spec, sizeof e.spec);
    e.who = policy && policy->share ? BATCH_SHARE : p->per_batch ? BATCH_WHOLE : BATCH_REQUEST;
    e.fresh = p->scope ? p->scope == 1 : !(policy && policy->flags & POLICY_CARRIES);
    return e;
}

static void list_entries(struct grid *g) {
    const struct grid_plan *p = &g->plan;
    for (int i = 0; i < p->lineup->n; i++) g->entries[g->n++] = entry_of_player(g, &p->lineup->at[i]);
    for (int k = 0; k < p->arms->K; k++) {
        const struct arm *a = &p->arms->at[k];
        struct grid_entry e = {.kind = GRID_ARM, .gamma = a->stop.rule ? -1 : a->gamma, .who = BATCH_REQUEST,
                               .problem = {.K = p->arms->K, .D = p->trace->D, .L = p->arms->L, .arms = p->arms->at}};
        if (!a->gamma) continue; // comes last
        snprintf(e.spec, sizeof e.spec, "fixed:arm=%s", a->name);
        g->entries[g->n++] = e;
    }
    struct grid_entry last = {.kind = GRID_PLAIN, .who = BATCH_REQUEST, .problem = {.K = 1, .D = 0, .L = 1, .arms = &plain}};
    snprintf(last.spec, sizeof last.spec, "none");
    g->entries[g->n++] = last;
}

/* -- the runs -- */

struct run_result {
    struct figures f;
    struct batch_total total;
};

static int play(const struct grid *g, int run, const struct workload *loads, struct run_result *out, struct err *err) {
    const struct grid_plan *p = &g->plan;
    const int seed = run % p->seeds, entry = run / p->seeds % g->n, b = run / p->seeds / g->n;
    const struct grid_entry *e = &g->entries[entry];
    const struct serving s = {.trace = p->trace, .cost = p->cost, .passes = p->passes, .work = &loads[seed], .problem = e->problem,
                              .policy = e->spec, .who = e->who, .B = p->batches[b], .quota = p->quota, .queue = p->queue,
                              .fresh = e->fresh, .seed = p->seed + (uint64_t)seed, .slo_ttft = p->slo_ttft, .slo_tpot = p->slo_tpot};
    return serving_run(&s, &out->f, &out->total, err) ? err_add(err, " (batch of %d)", s.B) : 0;
}

static int play_all(const struct grid *g, const struct workload *loads, struct run_result *out, struct err *err) {
    const int runs = g->plan.batch_n * g->n * g->plan.seeds;
    struct progress bar = progress_start("serving", runs, 0);
    int failed = runs, done = 0; // the first failure in order of runs
    #pragma omp parallel for schedule(dynamic, 1)
    for (int run = 0; run < runs; run++) {
        struct err mine = {""};
        int before;
        #pragma omp atomic read
        before = failed;
        const int rc = before < run ? 0 : play(g, run, loads, &out[run], &mine);
        #pragma omp critical(serving)
        {
            if (rc && run < failed) {
                *err = mine;
                #pragma omp atomic write
                failed = run;
            }
            progress_step(&bar, ++done);
        }
    }
    progress_end(&bar);
    return failed < runs ? -1 : 0;
}

/* -- their means -- */

static void add_spread(struct spread *to, const struct spread *x, double share) {
    to->mean += x->mean * share, to->p50 += x->p50 * share, to->p99 += x->p99 * share;
}

static struct grid_row mean_of(const struct run_result *at, int n) {
    struct grid_row r = {.rounds = 0};
    double came = 0, turned_away = 0, done = 0, tokens = 0, kept = 0, spread = 0;
    const double share = 1.0 / n;
    for (int i = 0; i < n; i++) {
        const struct figures *f = &at[i].f;
        came += (double)f->came, turned_away += (double)f->turned_away, done += (double)f->done, tokens += (double)f->tokens,
            kept += (double)f->kept;
        r.f.seconds += f->seconds * share, r.f.throughput += f->throughput * share, r.f.goodput += f->goodput * share,
            r.f.attained += f->attained * share;
        r.f.fairness += f->fairness * share, r.f.batch += f->batch * share;
        add_spread(&r.f.ttft, &f->ttft, share), add_spread(&r.f.tpot, &f->tpot, share), add_spread(&r.f.queueing, &f->queueing, share);
        r.rounds += (double)at[i].total.rounds * share, r.proposed += (double)at[i].total.proposed * share;
        r.accepted += (double)at[i].total.accepted * share, r.emitted += (double)at[i].total.emitted * share;
    }
    for (int i = 0; i < n; i++) spread += (at[i].f.throughput - r.f.throughput) * (at[i].f.throughput - r.f.throughput);
    r.throughput_se = n > 1 ? sqrt(spread / (n - 1) / n) : 0;
    r.f.came = llround(came * share), r.f.turned_away = llround(turned_away * share), r.f.done = llround(done * share);
    r.f.tokens = llround(tokens * share), r.f.kept = llround(kept * share);
    return r;
}

static void rank(struct grid *g, int b) {
    struct grid_row *rows = g->rows + (size_t)b * (size_t)g->n;
    const double base = rows[g->n - 1].f.throughput;
    g->best[b] = g->worst[b] = -1;
    for (int i = 0; i < g->n; i++) {
        rows[i].vs_plain = base > 0 ? rows[i].f.throughput / base : 0;
        if (g->entries[i].kind == GRID_POLICY) continue;
        if (g->best[b] < 0 || rows[i].f.throughput > rows[g->best[b]].f.throughput) g->best[b] = i;
        if (g->worst[b] < 0 || rows[i].f.throughput < rows[g->worst[b]].f.throughput) g->worst[b] = i;
    }
}

int grid_open(struct grid *g, const struct grid_plan *plan, struct err *err) {
    *g = (struct grid){.plan = *plan};
    const size_t most = (size_t)plan->lineup->n + (size_t)plan->arms->K + 1, batches = (size_t)plan->batch_n, seeds = (size_t)plan->seeds;
    struct workload *loads = mem_alloc(seeds, sizeof *loads, "workloads", err);
    struct run_result *out = NULL;
    int rc = -1;
    if (!loads || !(g->entries = mem_alloc(most, sizeof *g->entries, "policies", err))
        || !(g->rows = mem_alloc(batches * most, sizeof *g->rows, "results", err))
        || !(out = mem_alloc(batches * most * seeds, sizeof *out, "results", err))
            || !(g->best = mem_alloc(batches, sizeof *g->best, "results", err))
        || !(g->worst = mem_alloc(batches, sizeof *g->worst, "results", err))) goto out;
    list_entries(g);
    for (int s = 0; s < plan->seeds; s++) {
        if (workload_open(&loads[s], plan->trace, plan->load, plan->seed + (uint64_t)s, err)) goto out;
        g->refused += loads[s].refused;
    }
    g->refused = (g->refused + plan->seeds / 2) / plan->seeds;
    if (play_all(g, loads, out, err)) goto out;
    for (int b = 0; b < plan->batch_n; b++) {
        for (int i = 0; i < g->n; i++) {
            const size_t at = (size_t)b * (size_t)g->n + (size_t)i;
            g->rows[at] = mean_of(out + at * seeds, plan->seeds);
        }
        rank(g, b);
    }
    rc = 0;
out:
    for (size_t s = 0; loads && s < seeds; s++) workload_close(&loads[s]);
    mem_free(loads), mem_free(out);
    if (rc) grid_close(g);
    return rc;
}

void grid_close(struct grid *g) {
    mem_free(g->entries), mem_free(g->rows), mem_free(g->best), mem_free(g->worst);
    *g = (struct grid){.n = 0};
}
