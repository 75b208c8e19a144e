/* test_lanes.c - episodes in lanes are those that episode_run() plays one by one, to the bit: counts, seconds, and the arm of every round.
 *
 * Every policy that has lanes, with the parameters below and for any processor, over random tables and traces, with as many tasks as leave
 * lanes empty in every way. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "policies/lanes.h"
#include "sim/lanes.h"
#include "sim/replay.h"
#include "sim/world_table.h"
#include "sim/world_trace.h"
#include "tests/synth.h"
#include "tests/tempdir.h"

enum { TASKS = 40, LONGEST = 700 };

struct arms_played {
    unsigned char at[TASKS][LONGEST]; // by task and round
};

struct pair {
    struct world *one, *lanes[LANES_ABREAST];
    struct lanes_task tasks[TASKS];
    int n;
};

static int note(void *user, const struct step *s, struct err *err) {
    (void)err;
    assert_in_range(s->round, 0, LONGEST - 1);
    ((struct arms_played *)user)->at[s->sequence][s->round] = (unsigned char)(1 + s->outcome.arm);
    return 0;
}

static void same(struct pair *p, struct agent *a, bool watched, const char *what) {
    static struct arms_played one, lanes;
    static struct episode_total want[TASKS], have[TASKS];
    struct err err = {""};
    memset(&one, 0, sizeof one), memset(&lanes, 0, sizeof lanes), memset(want, 0, sizeof want), memset(have, 0xff, sizeof have);
    const struct episode_watch first = {note, &one}, second = {note, &lanes};
    for (int i = 0; i < p->n; i++) {
        const struct lanes_task *t = &p->tasks[i];
        agent_reset(a);
        if (episode_run(p->one, a, t->seed, t->q, t->ordinal, NULL, 0, watched ? &first : NULL, &want[i], &err)) fail_msg("%s: %s", what, err.text);
    }
    if (lanes_run(p->lanes, a, p->tasks, p->n, watched ? &second : NULL, have, &err)) fail_msg("%s in lanes: %s", what, err.text);
    for (int i = 0; i < p->n; i++)
        if (memcmp(&want[i], &have[i], sizeof want[i]))
            fail_msg("%s, task %d of %d: %lld rounds, %lld emitted, %.17g s alone and %lld, %lld, %.17g in lanes", what, i, p->n, (long long)want[i].rounds,
                     (long long)want[i].emitted, want[i].seconds, (long long)have[i].rounds, (long long)have[i].emitted, have[i].seconds);
    for (int i = 0; i < TASKS; i++)
        for (int r = 0; r < LONGEST; r++)
            if (one.at[i][r] != lanes.at[i][r]) fail_msg("%s, sequence %d, round %d: arm %d alone and %d in lanes", what, i, r, one.at[i][r] - 1, lanes.at[i][r] - 1);
}

/* With and without what the processor offers. */
static void both(struct pair *p, const char *spec, const struct problem *problem, bool watched) {
    struct agent a;
    struct err err = {""};
    char what[400];
    if (agent_open(&a, spec, problem, &err)) fail_msg("%s: %s", spec, err.text);
    assert_true(lanes_can(&a));
    snprintf(what, sizeof what, "%s, K = %d", a.spec, problem->K);
    same(p, &a, watched, what);
    struct policy plain = *a.policy;
    plain.lanes = a.policy->lanes->plain;
    a.policy = &plain;
    snprintf(what, sizeof what, "%s, K = %d, any processor", a.spec, problem->K);
    same(p, &a, watched, what);
    agent_close(&a);
}

static const char *const specs[] = {
    "ucb1:reward=len", "ucb1:alpha=0.5", "exp3:reward=len", "exp3:horizon=1", "exp3:horizon=3", "exp3:horizon=1e9",
    "ucbspec:delta=1e-6,cscale=0.2", "ucbspec:cscale=0", "thompson:value=len", "thompson:pooled=0", "thompson:a=0.3,b=0.5", "thompson:a=0.01,pooled=0,doubt=0.5",
    "exp3-ix:reward=len", "exp3-s:horizon=1", "exp3-s:reward=len,switches=9", "tsallis-inf:estimate=iw", "tsallis-inf:reward=len", "boltzmann:tau=0.002", "boltzmann:tau=1e-6",
    "boltzmann:reward=len,tau=5", "epsilon-greedy:eps=0.6", "epsilon-greedy:schedule=fall,gap=0.5", "epsilon-greedy:reward=len,eps=0",
};

static void every(struct pair *p, const struct problem *problem, bool watched) {
    int seen = 0;
    for (const struct policy *const *x = policies; *x; x++)
        if ((*x)->lanes) both(p, (*x)->name, problem, watched), seen++;
    assert_true(seen >= 11);
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) both(p, specs[i], problem, watched);
}

/* Some seconds are all alike, some rows bring the most or the least with any arm. */
static void draw(struct matrix *cells, struct matrix *seconds, int L, uint64_t seed) {
    for (size_t i = 0; i < cells->rows * cells->columns; i++) {
        struct rng r = rng_at(seed, 7, 0, (uint32_t)i);
        cells->at[i] = 1 + rng_below(&r, L + 1);
        if (i / cells->columns % 5 == 3) cells->at[i] = 1;
        if (i / cells->columns % 7 == 4) cells->at[i] = L + 1;
        seconds->at[i] = i % 11 == 0 ? 1 : 0.01 + rng_uniform(&r);
    }
}

static void test_tables_in_lanes(void **state) {
    static const struct { int K, rows; } shapes[] = {{1, 30}, {2, 1700}, {3, 1}, {5, 200}, {20, 90}};
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct err err = {""};
        struct matrix m[2];
        struct table t;
        for (int k = 0; k < 2; k++) {
            m[k] = (struct matrix){.path = "drawn", .rows = (size_t)shapes[i].rows, .columns = (size_t)shapes[i].K};
            assert_non_null(m[k].at = calloc(m[k].rows * m[k].columns, sizeof *m[k].at));
        }
        draw(&m[0], &m[1], 4, i);
        if (table_open(&t, &m[0], i % 2 ? &m[1] : NULL, 4, &err)) fail_msg("%s", err.text);
        free(m[0].at), free(m[1].at);
        struct problem problem = {.K = t.K, .D = t.K, .L = t.L, .arms = t.arms};
        struct world_table one = world_table(&t), lanes[LANES_ABREAST];
        struct pair p = {.one = &one.world, .n = 23};
        for (int l = 0; l < LANES_ABREAST; l++) lanes[l] = world_table(&t), p.lanes[l] = &lanes[l].world;
        for (int k = 0; k < p.n; k++) p.tasks[k] = (struct lanes_task){.seed = (uint64_t)k * 0x123456789abULL, .ordinal = (uint32_t)k % 3};
        every(&p, &problem, false);
        table_close(&t);
    }
}

struct traced {
    struct tempdir dir;
    struct trace t;
    struct cost cost;
    struct arms arms;
    struct problem problem;
};

/* Two drafters that have to catch up and one that copies; a rule that ends drafts where `rule`. */
static void traced_open(struct traced *x, int Q, int max_new, const char *const *words, int n) {
    const struct synth synth = {.D = 3, .Q = Q, .max_new = max_new, .L = 8, .seed = 3, .text = true};
    struct err err = {""};
    tempdir_open(&x->dir);
    const char *path = tempdir_file(&x->dir, "t.db");
    if (synth_write(path, &synth, &err) || trace_open(&x->t, path, 0, &err) || cost_fit(&x->cost, &x->t, &err) || replay_arms(&x->arms, &x->t, words, n, &err)) fail_msg("%s", err.text);
    for (int d = 0; d < 3; d += 2)
        for (int k = 0; k < COST_CATCH_UPS; k++) x->cost.draft[d].catch_up[k] = 1e-4 * k * (d + 1.3);
    x->cost.draft[0].keeps = true;
    x->problem = replay_problem(&x->t, &x->arms);
}

static void traced_close(struct traced *x) {
    arms_close(&x->arms);
    trace_close(&x->t);
    cost_close(&x->cost);
    tempdir_close(&x->dir);
}

static void test_traces_in_lanes(void **state) {
    static const char *const plain[] = {"plain", "drafter0:2,5", "drafter1:1,8", "drafter2:3"}, *const ruled[] = {"plain", "drafter1:4", "drafter0:stop(entropy>0.8)", "drafter2:8"};
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct traced x;
        struct trace_lanes lanes;
        struct priced priced;
        struct err err = {""};
        traced_open(&x, TASKS, i == 1 ? 5 : 300, i == 2 ? ruled : plain, 4);
        if (priced_can(&x.t, &x.cost, x.arms.at, x.arms.K) != (i != 2)) fail_msg("looked up: %d", i == 2);
        if (i < 2 && priced_open(&priced, &x.t, &x.cost, x.arms.at, x.arms.K, &err)) fail_msg("%s", err.text);
        trace_lanes_start(&lanes, &x.t, &x.cost, i < 2 ? &priced : NULL);
        struct world_trace one = world_trace(&x.t, &x.cost);
        struct pair p = {.one = &one.world};
        memcpy(p.lanes, lanes.at, sizeof p.lanes);
        for (int k = 0; k < TASKS; k++) p.tasks[k] = (struct lanes_task){5, (uint32_t)x.t.sequences[k].ordinal, k};
        for (p.n = 0; p.n <= TASKS; p.n += i ? 13 : p.n < 21 ? 1 : 19) every(&p, &x.problem, true);
        if (i < 2) { // as if there were too many to keep
            mem_free(priced.rounds), priced.rounds = NULL, p.n = 27;
            every(&p, &x.problem, true);
            one.priced = &priced; // rounds looked up one by one, and played in lanes
            trace_lanes_start(&lanes, &x.t, &x.cost, NULL);
            every(&p, &x.problem, true);
        }
        if (i < 2) priced_close(&priced);
        traced_close(&x);
    }
}

/* A replay in lanes is one whose rounds are wanted in order, which are then played one by one. */
static void test_replays_in_lanes(void **state) {
    static const char *const words[] = {"plain", "drafter0:2,5", "drafter1:1,8"}, *const specs[] = {"ucb1", "exp3", "random", "thompson", "clairvoyant"};
    (void)state;
    struct traced x;
    struct lineup lineup;
    struct err err = {""};
    traced_open(&x, 21, 120, words, 3);
    if (lineup_open(&lineup, specs, 5, &x.problem, true, 5, &err)) fail_msg("%s", err.text);
    struct replay_plan plan = {.trace = &x.t, .cost = &x.cost, .arms = &x.arms, .lineup = &lineup, .seed = 9};
    struct replay in_lanes, in_order;
    if (replay_open(&in_lanes, &plan, &err)) fail_msg("%s", err.text);
    plan.steps_path = "/dev/null";
    assert_non_null(plan.steps = fopen(plan.steps_path, "w"));
    if (replay_open(&in_order, &plan, &err)) fail_msg("%s", err.text);
    fclose(plan.steps);
    size_t P = (size_t)lineup.n, QC = (size_t)in_lanes.Q * (size_t)in_lanes.tokens.n;
    assert_int_equal(in_lanes.runs, in_order.runs);
    assert_memory_equal(in_lanes.outcomes, in_order.outcomes, (size_t)in_lanes.runs * (size_t)in_lanes.Q * sizeof *in_lanes.outcomes);
    assert_memory_equal(in_lanes.curve_rounds, in_order.curve_rounds, P * QC * sizeof(double));
    assert_memory_equal(in_lanes.curve_seconds, in_order.curve_seconds, P * QC * sizeof(double));
    assert_memory_equal(in_lanes.pulls, in_order.pulls, P * (size_t)in_lanes.buckets.n * (size_t)in_lanes.K * sizeof *in_lanes.pulls);
    replay_close(&in_lanes), replay_close(&in_order);
    lineup_close(&lineup);
    traced_close(&x);
}

static void test_four_at_once_are_one_by_one(void **state) {
    (void)state;
    double log_n[4] = {0};
    for (int n = 1; n < 20000; n++) {
        struct rng r = rng_at(1, 2, 3, (uint32_t)n);
        double at[4] = {n, n + 1, n + 37, 3 * n}, x[4], y[4], z[4], w[4];
        four next, ln, e, root;
        for (int l = 0; l < 4; l++) log_n[l] = elementary_log(at[l]), x[l] = 1500 * (rng_uniform(&r) - 0.5), y[l] = elementary_exp(700 * (rng_uniform(&r) * 2 - 1));
        next = four_log_next(four_from(log_n), four_from(at)), ln = four_log(four_from(y)), root = four_sqrt(four_from(y));
        for (int l = 0; l < 4; l++) x[l] = x[l] > 700 ? 700 : x[l];
        e = four_exp(four_from(x));
        memcpy(z, &next, sizeof z), memcpy(w, &ln, sizeof w);
        for (int l = 0; l < 4; l++)
            if (z[l] != elementary_log_next(log_n[l], at[l]) || w[l] != elementary_log(y[l]) || e[l] != elementary_exp(x[l]) || root[l] != sqrt(y[l])) fail_msg("lane %d at %g, %.17g, %.17g", l, at[l], x[l], y[l]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables_in_lanes), cmocka_unit_test(test_traces_in_lanes), cmocka_unit_test(test_replays_in_lanes),
        cmocka_unit_test(test_four_at_once_are_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
