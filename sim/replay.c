/* replay.c - see replay.h. */
#include "sim/replay.h"

#include <errno.h>
#include <omp.h>
#include <string.h>

#include "core/mem.h"
#include "core/progress.h"
#include "policies/state_file.h"
#include "sim/episode.h"
#include "sim/steps.h"

/* -- series -- */

static struct series doubling(const int *head, int n, int last) {
    struct series s = {0};
    for (int i = 0; i < n; i++)
        if (head[i] <= last) s.at[s.n++] = head[i];
    for (int64_t power = 4; power <= last; power *= 2) {
        s.at[s.n++] = (int)power;
        if (power + power / 2 <= last) s.at[s.n++] = (int)(power + power / 2);
    }
    return s;
}

struct series series_rounds(int last) { return doubling((const int[]){0, 1, 2, 3}, 4, last); }

struct series series_tokens(int last) {
    struct series s = doubling((const int[]){2, 3}, 2, last);
    if (last >= 2 && s.at[s.n - 1] != last) s.at[s.n++] = last;
    return s;
}

/* -- arms -- */

struct problem replay_problem(const struct trace *t, const struct arms *arms) {
    return (struct problem){.K = arms->K, .D = t->D, .L = arms->L, .arms = arms->at};
}

int replay_arms(struct arms *arms, struct trace *t, const char *const *words, int n, struct err *err) {
    const char *names[COST_DRAFTERS];
    int L = t->L; // without words every drafter gets the same lengths: those that all recorded
    if (t->D > COST_DRAFTERS) return err_set(err, "recording in '%s' has %d drafters, expected at most %d", t->path, t->D, COST_DRAFTERS);
    for (int d = 0; d < t->D; d++) {
        names[d] = t->drafters[d].name;
        if (!n && t->drafters[d].max_draft < L) L = t->drafters[d].max_draft;
    }
    int rc = arms_parse(arms, words, n, names, t->D, L, err);
    if (rc) return rc;
    for (int k = 0; k < arms->K; k++) {
        const struct arm *a = &arms->at[k];
        if (a->stop.rule && t->drafters[a->drafter].tree) {
            rc = err_set(err, "arm '%s': a tree comes at once, so no rule can stop it", a->name);
            arms_close(arms);
            return rc;
        }
        if (a->drafter < 0 || a->gamma <= t->drafters[a->drafter].max_draft) continue;
        rc = err_set(err, "arm '%s' drafts more than the %d tokens that '%s' recorded for '%s'",
                       a->name, t->drafters[a->drafter].max_draft, t->path, t->drafters[a->drafter].name);
        arms_close(arms);
        return rc;
    }
    if ((rc = world_trace_ready(t, 0, arms->at, arms->K, err))) arms_close(arms);
    return rc;
}

/* -- one run -- */

/* What one thread needs for one run; the episode loop calls record_step on it. */
struct recorder {
    const struct replay *r;
    const uint8_t *bucket_of;  // round -> bucket
    int64_t *pulls;            // (buckets, K) of the run
    int64_t *prompt_pulls;     // (Q, K) of the run
    double *rounds, *seconds;  // (Q, C) of the run
    struct steps steps;
    bool want_steps;
    const struct player *player;
    uint64_t seed;
    struct cursor {
        int next;              // checkpoint
        double spent;          // seconds so far
    } *cursors;                // (Q)
    struct episode_total *totals; // (Q)
};

static int record_step(void *user, const struct step *s, struct err *err) {
    struct recorder *x = user;
    const struct replay *r = x->r;
    const struct outcome *o = &s->outcome;
    struct cursor *c = &x->cursors[s->sequence];
    x->pulls[x->bucket_of[s->round] * r->K + o->arm]++;
    x->prompt_pulls[s->sequence * r->K + o->arm]++;
    c->spent += o->draft_s + o->verify_s;
    for (; c->next < r->tokens.n && r->tokens.at[c->next] <= s->pos + o->emitted; c->next++) {
        size_t cell = (size_t)s->sequence * (size_t)r->tokens.n + (size_t)c->next;
        x->rounds[cell] = s->round + 1;
        x->seconds[cell] = c->spent;
    }
    if (!x->want_steps) return 0;
    int d = r->problem.arms[o->arm].drafter;
    return steps_add(&x->steps, x->player->spec, x->seed, r->plan.trace->sequences[s->sequence].ordinal, s,
                     d < 0 ? "plain" : r->plan.trace->drafters[d].name, err);
}

int replay_price(struct replay *r, struct err *err) {
    const struct replay_plan *p = &r->plan;
    return priced_can(p->trace, p->cost, r->problem.arms, r->K) ? priced_open(&r->priced, p->trace, p->cost, r->problem.arms, r->K, err) : 0;
}

int replay_sequences(const struct replay *r, const struct player *player, struct agent *a, uint64_t seed, bool in_order,
                     const struct episode_watch *watch, struct episode_total *totals, struct err *err) {
    const struct trace *t = r->plan.trace;
    int rc = 0;
    if (player->kind == PLAYER_POLICY && lanes_can(a) && !r->plan.stream && !in_order) {
        struct lanes_task *tasks = mem_alloc((size_t)r->Q, sizeof *tasks, "sequences", err);
        struct trace_lanes lanes;
        trace_lanes_start(&lanes, t, r->plan.cost, r->priced.prices ? &r->priced : NULL);
        rc = tasks ? 0 : ERR_FAILED;
        for (int q = 0; !rc && q < r->Q; q++) tasks[q] = (struct lanes_task){seed, (uint32_t)t->sequences[q].ordinal, q};
        if (!rc) rc = lanes_run(lanes.at, a, tasks, r->Q, watch, totals, err);
        mem_free(tasks);
        return rc;
    }
    struct world_trace w = world_trace(t, r->plan.cost);
    w.priced = r->priced.prices ? &r->priced : NULL;
    for (int q = 0; !rc && q < r->Q; q++) {
        totals[q] = (struct episode_total){0};
        player_start(player, &r->oracle, a, q, !r->plan.stream);
        rc = episode_run(&w.world, a, seed, q, (uint32_t)t->sequences[q].ordinal, NULL, 0, watch, &totals[q], err);
    }
    return rc;
}

static int play_run(const struct replay *r, int run, struct recorder *x, struct run_outcome *out, struct err *err) {
    const struct player *player = &r->plan.lineup->at[r->player[run]];
    struct episode_watch watch = {record_step, x};
    struct agent a;
    x->player = player;
    x->seed = r->plan.seed + (uint64_t)(run - r->first[r->player[run]]);
    x->steps.n = 0;
    memset(x->pulls, 0, (size_t)r->buckets.n * (size_t)r->K * sizeof *x->pulls);
    memset(x->prompt_pulls, 0, (size_t)r->Q * (size_t)r->K * sizeof *x->prompt_pulls);
    memset(x->cursors, 0, (size_t)r->Q * sizeof *x->cursors);
    memset(x->rounds, 0, (size_t)r->Q * (size_t)r->tokens.n * sizeof *x->rounds);
    memset(x->seconds, 0, (size_t)r->Q * (size_t)r->tokens.n * sizeof *x->seconds);
    int rc = player_agent(player, &r->problem, &r->oracle, &a, err);
    if (rc) return rc;
    if (r->plan.state_path) rc = state_load_if_there(&a, r->plan.state_path, err);
    if (!rc) rc = replay_sequences(r, player, &a, x->seed, x->want_steps, &watch, x->totals, err);
    for (int q = 0; !rc && q < r->Q; q++) {
        const struct episode_total *sum = &x->totals[q];
        out[q] = (struct run_outcome){(int)sum->rounds, (int)sum->proposed, (int)sum->accepted, (int)sum->emitted, sum->seconds, sum->draft_s};
    }
    if (!rc && r->plan.state_path) rc = state_save(&a, r->plan.state_path, err);
    agent_close(&a);
    return rc;
}

/* -- all runs -- */

/* Adds a run to its policy's sums; called in run order. */
static int merge_run(struct replay *r, int run, const struct recorder *x, struct err *err) {
    size_t p = (size_t)r->player[run], Q = (size_t)r->Q, QC = Q * (size_t)r->tokens.n, BK = (size_t)r->buckets.n * (size_t)r->K, QK = Q * (size_t)r->K;
    double share = 1.0 / (r->first[p + 1] - r->first[p]);
    const struct run_outcome *out = r->outcomes + (size_t)run * Q;
    for (size_t q = 0; q < Q; q++) {
        r->rounds[p * Q + q] += out[q].rounds * share;
        r->seconds[p * Q + q] += out[q].seconds * share;
    }
    for (size_t i = 0; i < QC; i++) {
        r->curve_rounds[p * QC + i] += x->rounds[i] * share;
        r->curve_seconds[p * QC + i] += x->seconds[i] * share;
    }
    for (size_t i = 0; i < BK; i++) r->pulls[p * BK + i] += x->pulls[i];
    for (size_t i = 0; i < QK; i++) r->prompt_pulls[p * QK + i] += x->prompt_pulls[i];
    if (x->steps.n && fwrite(x->steps.text, 1, x->steps.n, r->plan.steps) != x->steps.n)
        return err_set(err, "cannot write '%s': %s", r->plan.steps_path, strerror(errno));
    return 0;
}

static int recorders_open(struct recorder *at, int T, const struct replay *r, const uint8_t *bucket_of, struct err *err) {
    size_t QC = (size_t)r->Q * (size_t)r->tokens.n;
    for (int t = 0; t < T; t++) {
        at[t] = (struct recorder){.r = r, .bucket_of = bucket_of, .want_steps = r->plan.steps != NULL};
        at[t].pulls = mem_alloc((size_t)r->buckets.n * (size_t)r->K, sizeof *at[t].pulls, "pulls", err);
        at[t].rounds = mem_alloc(QC, sizeof *at[t].rounds, "regret curves", err);
        at[t].seconds = mem_alloc(QC, sizeof *at[t].seconds, "regret curves", err);
        at[t].prompt_pulls = mem_alloc((size_t)r->Q * (size_t)r->K, sizeof *at[t].prompt_pulls, "pulls", err);
        at[t].cursors = mem_alloc((size_t)r->Q, sizeof *at[t].cursors, "sequences", err);
        at[t].totals = mem_alloc((size_t)r->Q, sizeof *at[t].totals, "sequences", err);
        if (!at[t].pulls || !at[t].rounds || !at[t].seconds || !at[t].prompt_pulls || !at[t].cursors || !at[t].totals) return ERR_FAILED;
    }
    return 0;
}

static int play_all(struct replay *r, struct recorder *recorders, struct err *err) {
    struct progress bar = progress_start("replaying", r->runs, 0);
    int failed = 0; // the first failure in run order; later runs are then skipped
    #pragma omp parallel for ordered schedule(dynamic, 1)
    for (int run = 0; run < r->runs; run++) {
        struct recorder *x = &recorders[omp_get_thread_num()];
        struct err mine = {""};
        int skip, rc = 0;
        #pragma omp atomic read
        skip = failed;
        if (!skip) rc = play_run(r, run, x, r->outcomes + (size_t)run * (size_t)r->Q, &mine);
        #pragma omp ordered
        {
            if (!failed && !rc && !skip) rc = merge_run(r, run, x, &mine);
            if (!failed && rc) {
                *err = mine;
                #pragma omp atomic write
                failed = rc;
            }
            progress_step(&bar, run + 1);
        }
    }
    progress_end(&bar);
    return failed;
}

static int play(struct replay *r, struct err *err) {
    int T = omp_get_max_threads(), longest = r->plan.trace->max_new, rc = ERR_FAILED;
    struct recorder *recorders = mem_alloc((size_t)T, sizeof *recorders, "runs", err);
    uint8_t *bucket_of = mem_alloc((size_t)longest + 1, 1, "round buckets", err);
    if (!recorders || !bucket_of || recorders_open(recorders, T, r, bucket_of, err)) goto out;
    for (int round = 0, b = 0; round <= longest; round++) {
        if (b + 1 < r->buckets.n && r->buckets.at[b + 1] <= round) b++;
        bucket_of[round] = (uint8_t)b;
    }
    rc = r->plan.steps && fputs(STEPS_HEADER, r->plan.steps) < 0
        ? err_set(err, "cannot write '%s': %s", r->plan.steps_path, strerror(errno)) : play_all(r, recorders, err);
out:
    for (int t = 0; recorders && t < T; t++) {
        mem_free(recorders[t].pulls), mem_free(recorders[t].prompt_pulls);
        mem_free(recorders[t].rounds);
        mem_free(recorders[t].seconds);
        mem_free(recorders[t].cursors);
        mem_free(recorders[t].totals);
        steps_close(&recorders[t].steps);
    }
    mem_free(recorders);
    mem_free(bucket_of);
    return rc;
}

/* Rounds and seconds of arm k of sequence q on first reaching each checkpoint (C); null: not wanted. */
static int fixed_curve(struct world_trace *w, int q, const struct arm *arm, const struct series *at, double *rounds, double *seconds, struct err *err) {
    int played = 0, rc = w->world.type->start(&w->world, q, err);
    double spent = 0;
    for (int c = 0; !rc && !w->world.done;) {
        struct outcome o;
        rc = w->world.type->round(&w->world, arm, &o, err);
        played++;
        spent += o.draft_s + o.verify_s;
        for (; c < at->n && at->at[c] <= w->world.pos; c++) {
            if (rounds) rounds[c] = played;
            if (seconds) seconds[c] = spent;
        }
    }
    return rc;
}

static int best_curves(struct replay *r, struct world_trace w, struct err *err) {
    int rc = 0;
    for (int q = 0; !rc && q < r->Q; q++) {
        size_t at = (size_t)q * (size_t)r->tokens.n;
        const struct arm *arms = r->problem.arms;
        rc = fixed_curve(&w, q, &arms[r->oracle.best_rounds[q]], &r->tokens, r->best_rounds + at, NULL, err);
        if (!rc) rc = fixed_curve(&w, q, &arms[r->oracle.best_seconds[q]], &r->tokens, NULL, r->best_seconds + at, err);
    }
    return rc;
}

/* -- open and close -- */

static int allocate(struct replay *r, struct err *err) {
    const struct trace *t = r->plan.trace;
    const struct lineup *l = r->plan.lineup;
    int longest = 1;
    for (int q = 0; q < r->Q; q++)
        if (t->sequences[q].tokens > longest) longest = t->sequences[q].tokens;
    r->tokens = series_tokens(longest);
    r->buckets = series_rounds(longest);
    if (!(r->first = mem_alloc((size_t)l->n + 1, sizeof *r->first, "runs", err))) return ERR_FAILED;
    for (int p = 0; p < l->n; p++) r->first[p + 1] = r->first[p] + l->at[p].seeds;
    r->runs = r->first[l->n];
    size_t P = (size_t)l->n, Q = (size_t)r->Q, C = (size_t)r->tokens.n, R = (size_t)r->runs;
    bool good = (r->player = mem_alloc(R, sizeof *r->player, "runs", err))
        && (r->outcomes = mem_alloc(R * Q, sizeof *r->outcomes, "outcomes", err))
        && (r->rounds = mem_alloc(P * Q, sizeof *r->rounds, "mean rounds", err))
        && (r->seconds = mem_alloc(P * Q, sizeof *r->seconds, "mean seconds", err))
        && (r->curve_rounds = mem_alloc(P * Q * C, sizeof *r->curve_rounds, "regret curves", err))
        && (r->curve_seconds = mem_alloc(P * Q * C, sizeof *r->curve_seconds, "regret curves", err))
        && (r->best_rounds = mem_alloc(Q * C, sizeof *r->best_rounds, "regret curves", err))
        && (r->best_seconds = mem_alloc(Q * C, sizeof *r->best_seconds, "regret curves", err))
        && (r->pulls = mem_alloc(P * (size_t)r->buckets.n * (size_t)r->K, sizeof *r->pulls, "pulls", err))
        && (r->prompt_pulls = mem_alloc(P * Q * (size_t)r->K, sizeof *r->prompt_pulls, "pulls", err));
    for (int p = 0; good && p < l->n; p++)
        for (int run = r->first[p]; run < r->first[p + 1]; run++) r->player[run] = p;
    return good ? 0 : ERR_FAILED;
}

int replay_open(struct replay *r, const struct replay_plan *plan, struct err *err) {
    *r = (struct replay){.plan = *plan, .problem = replay_problem(plan->trace, plan->arms), .Q = plan->trace->Q, .K = plan->arms->K};
    struct world_trace w = world_trace(plan->trace, plan->cost);
    int rc = allocate(r, err);
    if (!rc) rc = oracle_open(&r->oracle, &w, plan->arms->at, r->K, err);
    if (!rc) rc = best_curves(r, w, err);
    if (!rc) rc = replay_price(r, err);
    if (!rc) rc = play(r, err);
    if (rc) replay_close(r);
    return rc;
}

void replay_close(struct replay *r) {
    oracle_close(&r->oracle);
    priced_close(&r->priced);
    void *blocks[] = {r->player, r->first, r->outcomes, r->rounds, r->seconds, r->curve_rounds, r->curve_seconds,
                      r->best_rounds, r->best_seconds, r->pulls, r->prompt_pulls};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) mem_free(blocks[i]);
    *r = (struct replay){0};
}
