/* bench_policies.c - what every policy takes for a round, select and update, on one core.
 *
 *   make bench        or        build/tests/bench_policies [POLICY...]
 *
 * K drafters of the same gamma 4, as a reward table has them, K = 5 and K = 20; episodes of 500 rounds, each from a new
 * state. `alone` is the policy with outcomes drawn beforehand, `table` the same rounds inside episode_run() on a
 * table in memory. Policies take turns, so that a noisy machine blurs all alike; time is the thread's own
 * processor time, and a policy's is the least of its turns: company on the core only adds. `fixed`, which decides nothing, is the loop's own cost. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/mem.h"
#include "sim/episode.h"
#include "sim/world_table.h"
#include "tests/stopwatch.h"

enum { TURNS = 21, EPISODES = 8, ROUNDS = 500, L = 4, POLICIES = 128, COLUMNS = 4 };
static const int widths[2] = {5, 20};

/* Truncated geometric lengths, drafter k at 0.3 + 0.5 (k+1)/K; a round takes a second, give or take a tenth. */
static void draw(struct matrix *cells, struct matrix *seconds, int K) {
    for (int r = 0; r < ROUNDS; r++)
        for (int k = 0; k < K; k++) {
            struct rng rng = rng_at(1, 0, (uint32_t)k, (uint32_t)r);
            int n = 1;
            while (n <= L && rng_uniform(&rng) < 0.3 + 0.5 * (k + 1) / K) n++;
            cells->at[r * K + k] = n;
            seconds->at[r * K + k] = 0.9 + 0.2 * rng_uniform(&rng);
        }
}

static double alone(struct agent *a, const struct outcome *outcomes) {
    double start = cpu_ns();
    for (uint32_t e = 0; e < EPISODES; e++) {
        agent_reset(a);
        for (uint32_t r = 0; r < ROUNDS; r++) {
            struct rng rng = rng_at(1, a->stream, e, r);
            int arm = agent_select(a, &rng);
            agent_update(a, &outcomes[(int)r * a->problem.K + arm]);
        }
    }
    return (cpu_ns() - start) / (EPISODES * ROUNDS);
}

static double in_episode(struct agent *a, const struct table *t) {
    struct world_table w = world_table(t);
    struct episode_total total = {0};
    struct err err;
    double start = cpu_ns();
    for (uint32_t e = 0; e < EPISODES; e++) {
        agent_reset(a);
        if (episode_run(&w.world, a, 1, 0, e, NULL, 0, NULL, &total, &err)) return -1;
    }
    return (cpu_ns() - start) / (EPISODES * ROUNDS);
}

struct bench {
    struct table table;
    struct problem problem;
    struct outcome *outcomes; // (ROUNDS, K)
};

static int bench_open(struct bench *b, int K, struct err *err) {
    struct matrix m[2];
    *b = (struct bench){0};
    for (int i = 0; i < 2; i++) {
        m[i] = (struct matrix){.path = "drawn", .rows = ROUNDS, .columns = (size_t)K};
        if (!(m[i].at = mem_alloc((size_t)(ROUNDS * K), sizeof *m[i].at, "matrix", err))) return -1;
    }
    draw(&m[0], &m[1], K);
    int rc = table_open(&b->table, &m[0], &m[1], L, err);
    for (int i = 0; i < 2; i++) mem_free(m[i].at);
    if (rc || !(b->outcomes = mem_alloc((size_t)(ROUNDS * K), sizeof *b->outcomes, "outcomes", err))) return -1;
    for (int i = 0; i < ROUNDS * K; i++)
        b->outcomes[i] = (struct outcome){.arm = i % K, .gamma = L, .proposed = L, .accepted = b->table.emitted[i] - 1,
                                          .emitted = b->table.emitted[i], .verify_s = b->table.seconds[i]};
    b->problem = (struct problem){.K = K, .D = K, .L = L, .arms = b->table.arms};
    return 0;
}

static double ns[POLICIES][COLUMNS][TURNS];

/* One turn of one policy; columns stay 0 for a problem that it cannot play. */
static void turn_of(struct bench *b, const char *name, int turn, double (*into)[TURNS]) {
    for (int i = 0; i < 2; i++) {
        struct agent a;
        struct err err;
        if (agent_open(&a, name, &b[i].problem, &err)) continue;
        into[2 * i][turn] = alone(&a, b[i].outcomes);
        into[2 * i + 1][turn] = in_episode(&a, &b[i].table);
        agent_close(&a);
    }
}

int main(int argc, char **argv) {
    struct bench b[2];
    struct err err;
    const char *names[POLICIES];
    int n = 0;
    for (int i = 0; i < 2; i++)
        if (bench_open(&b[i], widths[i], &err)) return fprintf(stderr, "bench_policies: %s\n", err.text), 1;
    for (int i = 1; i < argc && n < POLICIES; i++) names[n++] = argv[i];
    for (const struct policy *const *p = policies; argc < 2 && *p && n < POLICIES; p++) names[n++] = (*p)->name;
    for (int turn = 0; turn < TURNS; turn++)
        for (int i = 0; i < n; i++) turn_of(b, names[i], turn, ns[i]);
    printf("%-24s %12s %12s %12s %12s\n", "ns a round", "K=5 alone", "K=5 table", "K=20 alone", "K=20 table");
    for (int i = 0; i < n; i++) {
        printf("%-24s", names[i]);
        for (int c = 0; c < COLUMNS; c++) {
            qsort(ns[i][c], TURNS, sizeof ns[i][c][0], by_value);
            double least = ns[i][c][0];
            if (least > 0) printf(" %12.1f", least);
            else printf(" %12s", "-");
        }
        printf("\n");
    }
    for (int i = 0; i < 2; i++) table_close(&b[i].table), mem_free(b[i].outcomes);
    return 0;
}
