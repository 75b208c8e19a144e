/* bench_lanes.c - decisions a second of one core, five arms: episodes one by one and several abreast (sim/lanes.h), on a table and on a trace.
 *
 *   make bench        or        build/tests/bench_lanes [ROUNDS_OF_TURNS]
 *
 * The table has 500 rounds and a seed an episode; the trace is the demo's, recorded from SmolLM2, with plain decoding and four arms of its three
 * drafters, every prompt with 128 seeds. Everything a replay's round does is in it: choice, outcome, modelled seconds, learning. Every policy that has lanes; they take
 * turns, time is the thread's own processor time, and a figure is the median of its turns. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/mem.h"
#include "sim/lanes.h"
#include "sim/replay.h"
#include "sim/world_table.h"
#include "sim/world_trace.h"
#include "tests/stopwatch.h"

enum { TURNS = 15, POLICIES = 64, COLUMNS = 4, ARMS = 5, L = 4, ROUNDS = 500, SEEDS = 128, EPISODES = 1024, MOST = 8192 };

/* Truncated geometric lengths, arm k at 0.3 + 0.5 (k+1)/K; a round takes a second, give or take a tenth. */
static int draw(struct table *t, struct err *err) {
    static double cells[ROUNDS * ARMS], seconds[ROUNDS * ARMS];
    for (int r = 0; r < ROUNDS; r++)
        for (int k = 0; k < ARMS; k++) {
            struct rng rng = rng_at(1, 0, (uint32_t)k, (uint32_t)r);
            int n = 1;
            while (n <= L && rng_uniform(&rng) < 0.3 + 0.5 * (k + 1) / ARMS) n++;
            cells[r * ARMS + k] = n;
            seconds[r * ARMS + k] = 0.9 + 0.2 * rng_uniform(&rng);
        }
    const struct matrix a = {.path = "drawn", .at = cells, .rows = ROUNDS, .columns = ARMS}, b = {.path = "drawn", .at = seconds, .rows = ROUNDS, .columns = ARMS};
    return table_open(t, &a, &b, L, err);
}

struct course {
    struct problem problem;
    struct world *one, *const *lanes;
    struct lanes_task tasks[MOST];
    int n;
};

/* Seconds of processor time a decision, in ns: one[0] one by one, lanes[0] abreast. */
static int run(const struct course *c, const char *name, double *one, double *lanes, struct err *err) {
    static struct episode_total totals[MOST];
    struct agent a;
    int64_t rounds = 0;
    if (agent_open(&a, name, &c->problem, err)) return -1;
    double start = cpu_ns();
    int rc = 0;
    for (int i = 0; !rc && i < c->n; i++) {
        struct episode_total sum = {0};
        agent_reset(&a);
        rc = episode_run(c->one, &a, c->tasks[i].seed, c->tasks[i].q, c->tasks[i].ordinal, NULL, 0, NULL, &sum, err);
        rounds += sum.rounds;
    }
    double middle = cpu_ns();
    if (!rc) rc = lanes_run(c->lanes, &a, c->tasks, c->n, NULL, totals, err);
    *lanes = (cpu_ns() - middle) / (double)rounds, *one = (middle - start) / (double)rounds;
    agent_close(&a);
    return rc;
}

static double ns[POLICIES][COLUMNS][TURNS];

static int bench(const char *path, int turns, struct err *err) {
    static const char *const words[] = {"plain", "pld:4", "sam:4", "eagle:2,4"};
    static struct course table, trace;
    struct table drawn = {0};
    struct trace t = {0};
    struct arms arms = {0};
    struct cost cost = {0};
    struct trace_lanes lanes;
    struct priced priced = {0};
    struct world_table one, abreast[LANES_ABREAST];
    struct world *at[LANES_ABREAST];
    int rc = draw(&drawn, err);
    if (!rc) rc = trace_open(&t, path, 0, err);
    if (!rc) rc = cost_fit(&cost, &t, err);
    if (!rc) rc = replay_arms(&arms, &t, words, 4, err);
    if (!rc) rc = priced_open(&priced, &t, &cost, arms.at, arms.K, err);
    trace_lanes_start(&lanes, &t, &cost, &priced);
    if (!rc && t.Q * SEEDS > MOST) rc = err_set(err, "%d prompts in '%s'", t.Q, path);
    if (rc) return rc;
    one = world_table(&drawn);
    for (int l = 0; l < LANES_ABREAST; l++) abreast[l] = world_table(&drawn), at[l] = &abreast[l].world;
    struct world_trace single = world_trace(&t, &cost);
    single.priced = &priced;
    table = (struct course){.problem = {.K = ARMS, .D = ARMS, .L = L, .arms = drawn.arms}, .one = &one.world, .lanes = at, .n = EPISODES};
    trace = (struct course){.problem = replay_problem(&t, &arms), .one = &single.world, .lanes = lanes.at, .n = t.Q * SEEDS};
    for (int i = 0; i < table.n; i++) table.tasks[i].seed = (uint64_t)i;
    for (int i = 0; i < trace.n; i++) trace.tasks[i] = (struct lanes_task){(uint64_t)(i / t.Q), (uint32_t)t.sequences[i % t.Q].ordinal, i % t.Q};

    const struct policy *with[POLICIES];
    int n = 0;
    for (const struct policy *const *x = policies; *x && n < POLICIES; x++)
        if ((*x)->lanes) with[n++] = *x;
    for (int turn = 0; !rc && turn < turns; turn++)
        for (int i = 0; !rc && i < n; i++) {
            rc = run(&table, with[i]->name, &ns[i][0][turn], &ns[i][1][turn], err);
            if (!rc) rc = run(&trace, with[i]->name, &ns[i][2][turn], &ns[i][3][turn], err);
        }
    printf("%-24s %10s %10s %6s %10s %10s %6s\n", "M decisions/s, one core", "table", "in lanes", "", "trace", "in lanes", "");
    for (int i = 0; !rc && i < n; i++) {
        double at[COLUMNS];
        for (int c = 0; c < COLUMNS; c++) qsort(ns[i][c], (size_t)turns, sizeof ns[i][c][0], by_value), at[c] = 1e3 / ns[i][c][turns / 2];
        printf("%-24s %10.2f %10.2f %5.2fx %10.2f %10.2f %5.2fx\n", with[i]->name, at[0], at[1], at[1] / at[0], at[2], at[3], at[3] / at[2]);
    }
    priced_close(&priced), arms_close(&arms), cost_close(&cost), trace_close(&t), table_close(&drawn);
    return rc;
}

int main(int argc, char **argv) {
    struct err err = {""};
    int turns = argc > 1 ? atoi(argv[1]) : TURNS;
    if (turns < 1 || turns > TURNS) return fprintf(stderr, "bench_lanes: 1 to %d turns\n", TURNS), 2;
    int rc = bench("traces/demo/smollm2.db", turns, &err);
    if (rc) fprintf(stderr, "bench_lanes: %s\n", err.text);
    return rc != 0;
}
