/* bench_replay.c - what a policy costs a round, and how many decisions a second replay makes on one core.
 *
 *   make bench        or        build/tests/bench_replay
 *
 * Every policy plays the same synthetic trace (synth.h: 40 sequences of up to 512 tokens) over five arms, plain and
 * drafter1 at 2, 4, 6, 8, as replay does: select, look the round up, model its seconds, feed it back. The policies
 * take turns, so that a noisy machine blurs all alike; a policy's time is the median of its turns. What `none`
 * takes, which decides nothing, is the loop's own. */
#include <stdio.h>
#include <stdlib.h>

#include "core/clock.h"
#include "sim/episode.h"
#include "sim/replay.h"
#include "sim/world_trace.h"
#include "tests/stopwatch.h"
#include "tests/synth.h"
#include "tests/tempdir.h"

enum { TURNS = 15, POLICIES = 256 };

/* One pass over all sequences; *ns is nanoseconds a round. */
static int time_player(const struct player *x, const struct problem *p, const struct trace *t, const struct cost *cost, double *ns, struct err *err) {
    struct world_trace w = world_trace(t, cost);
    struct episode_total total = {0};
    struct agent a;
    if (player_agent(x, p, NULL, &a, err)) return -1;
    int64_t start = clock_ns();
    int rc = 0;
    for (int q = 0; !rc && q < t->Q; q++) {
        player_start(x, NULL, &a, q, true);
        rc = episode_run(&w.world, &a, 1, q, (uint32_t)t->sequences[q].ordinal, NULL, 0, NULL, &total, err);
    }
    *ns = (double)(clock_ns() - start) / (double)(total.rounds ? total.rounds : 1);
    agent_close(&a);
    return rc;
}

static int time_all(const struct lineup *l, const struct problem *p, const struct trace *t, const struct cost *cost, struct err *err) {
    static double ns[POLICIES][TURNS];
    if (l->n > POLICIES) return err_set(err, "%d policies, expected at most %d", l->n, POLICIES);
    for (int turn = 0; turn < TURNS; turn++)
        for (int i = 0; i < l->n; i++)
            if (time_player(&l->at[i], p, t, cost, &ns[i][turn], err)) return -1;
    printf("%-24s %10s %22s\n", "policy, 5 arms", "ns a round", "decisions/s, one core");
    for (int i = 0; i < l->n; i++) {
        qsort(ns[i], TURNS, sizeof ns[i][0], by_value);
        printf("%-24s %10.0f %22.0f\n", l->at[i].spec, ns[i][TURNS / 2], 1e9 / ns[i][TURNS / 2]);
    }
    return 0;
}

static int bench(const char *path, struct err *err) {
    static const char *const words[] = {"plain", "drafter1:2,4,6,8"};
    struct synth x = {.D = 2, .Q = 40, .max_new = 512, .L = 8, .seed = 1, .text = true};
    struct trace t = {0};
    struct arms arms = {0};
    struct lineup lineup = {0};
    struct cost cost;
    int rc = synth_write(path, &x, err);
    if (!rc) rc = trace_open(&t, path, 0, err);
    if (!rc) rc = cost_fit(&cost, &t, err);
    if (!rc) rc = replay_arms(&arms, &t, words, 2, err);
    struct problem p = replay_problem(&t, &arms);
    if (!rc) rc = lineup_open(&lineup, NULL, 0, &p, false, 1, err);
    if (!rc) rc = world_trace_ready(&t, lineup.asks, arms.at, arms.K, err);
    if (!rc) rc = time_all(&lineup, &p, &t, &cost, err);
    lineup_close(&lineup);
    arms_close(&arms);
    trace_close(&t);
    return rc;
}

int main(void) {
    struct err err = {""};
    struct tempdir dir;
    if (tempdir_open(&dir)) return perror("bench_replay: a temporary directory"), 1;
    int rc = bench(tempdir_file(&dir, "trace.db"), &err);
    tempdir_close(&dir);
    if (rc) fprintf(stderr, "bench_replay: %s\n", err.text);
    return rc != 0;
}
