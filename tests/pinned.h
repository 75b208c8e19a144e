/* pinned.h - a policy's decisions against a slow computation from the whole history.
 *
 * A game is a world of coins whose chances change once, and every round it brought. A reference is written in the test from the
 * published formula: it sees the game and no state of its own, so each round it computes everything anew. Where a policy
 * draws, the reference draws from a copy of the same generator. */
#ifndef TESTS_PINNED_H
#define TESTS_PINNED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policies/policy.h"

enum { PIN_ARMS = 12, PIN_ROUNDS = 800, PIN_SEEDS = 4 };

struct game {
    struct problem problem;
    struct arm arms[PIN_ARMS];
    const struct agent *agent; // who plays
    uint32_t seed;
    int change;             // from this round on the drafters change places
    double good;            // chance of a token of the better one
    int t;                  // rounds so far
    struct outcome round[PIN_ROUNDS];
    int batch[PIN_ROUNDS];  // requests in the pass
};

typedef int reference(const struct game *g, const double *param, struct rng *r);

/* Plain, then drafter 0 at n gammas, then drafter 1 at the same. */
static struct game game_new(uint32_t seed, const int *gammas, int n, int change) {
    struct game g = {.seed = seed, .change = change, .good = 0.85};
    g.problem = (struct problem){.K = 1 + 2 * n, .D = 2, .L = gammas[n - 1]};
    g.arms[0] = (struct arm){.drafter = -1, .name = "plain"};
    for (int i = 0; i < 2 * n; i++) {
        g.arms[1 + i] = (struct arm){.drafter = i / n, .gamma = gammas[i % n]};
        snprintf(g.arms[1 + i].name, sizeof g.arms[0].name, "d%d:%d", i / n, gammas[i % n]);
    }
    return g;
}

static struct outcome game_play(const struct game *g, int arm) {
    const struct arm *a = &g->arms[arm];
    struct rng r = rng_at(g->seed, (uint32_t)(a->drafter + 1), (uint32_t)a->gamma, (uint32_t)g->t);
    double accept = (a->drafter == 0) == (g->t < g->change) ? g->good : fmin(g->good, 0.25);
    struct outcome o = {.arm = arm, .gamma = a->gamma, .proposed = a->gamma};
    if (rng_uniform(&r) < 0.1) o.proposed = rng_below(&r, a->gamma + 1); // the drafter found less, or nothing
    if (rng_uniform(&r) < 0.05) o.gamma = o.proposed = a->gamma < 2 ? 0 : 1; // the budget left less
    if (o.proposed > o.gamma) o.proposed = o.gamma;
    while (o.accepted < o.proposed && rng_uniform(&r) < accept) o.accepted++;
    o.emitted = o.accepted + 1;
    o.draft_s = 0.002 * o.proposed * (1 + 0.1 * rng_uniform(&r));
    o.verify_s = (0.03 + 0.004 * o.proposed) * (1 + 0.1 * rng_uniform(&r));
    return o;
}

/* Plays `rounds` rounds and stops where policy and reference part. */
static void pin_game(const char *spec, struct game *g, int rounds, reference *expect) {
    struct agent a;
    struct err err;
    g->problem.arms = g->arms;
    if (agent_open(&a, spec, &g->problem, &err)) fail_msg("%s", err.text);
    g->agent = &a;
    for (g->t = 0; g->t < rounds; g->t++) {
        struct rng r = rng_at(11, a.stream, g->seed, (uint32_t)g->t), same = r;
        struct view v = {.pos = 1 + g->t, .batch = g->batch[g->t] = 1 + (g->problem.R > 1 ? (g->t / 7) % g->problem.R : 0)};
        int have = agent_choose(&a, &v, &r), want = expect(g, a.param, &same);
        if (have != want) fail_msg("%s, seed %u, round %d: arm %d, the formula says %d", spec, g->seed, g->t, have, want);
        g->round[g->t] = game_play(g, have);
        agent_update(&a, &g->round[g->t]);
    }
    agent_close(&a);
}

static const int pin_gammas[] = {2, 4, 8};

/* The usual game, several times. */
__attribute__((unused)) static void pin(const char *spec, int rounds, int change, reference *expect) {
    for (uint32_t seed = 1; seed <= PIN_SEEDS; seed++) {
        struct game g = game_new(seed, pin_gammas, 3, change);
        pin_game(spec, &g, rounds, expect);
    }
}

/* -- what references share; policies/reward.h in other words -- */

/* Least verify seconds of rounds 0 .. until - 1. */
__attribute__((unused)) static double least_s(const struct game *g, int until) {
    double least = INFINITY;
    for (int s = 0; s < until; s++)
        if (g->round[s].verify_s < least) least = g->round[s].verify_s;
    return least;
}

/* Reward of round s in [0, 1] at a rate_max of (L + 1) / least. */
__attribute__((unused)) static double reward_in(const struct game *g, int s, bool len, double least) {
    const struct outcome *o = &g->round[s];
    if (len) return (double)o->accepted / g->problem.L;
    return o->emitted * least / ((o->verify_s + o->draft_s) * (g->problem.L + 1));
}

__attribute__((unused)) static int draw(const double *p, int K, struct rng *r) {
    double u = rng_uniform(r), below = 0;
    for (int i = 0; i < K; i++)
        if ((below += p[i]) > u) return i;
    return K - 1;
}

__attribute__((unused)) static int highest(const double *x, int K) {
    int best = 0;
    for (int i = 1; i < K; i++)
        if (x[i] > x[best]) best = i;
    return best;
}

#endif
