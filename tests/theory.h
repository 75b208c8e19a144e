/* theory.h - a bandit of truncated geometric arms, played by many seeds at once, and lines fitted to what it loses. */
#ifndef TESTS_THEORY_H
#define TESTS_THEORY_H

#include <math.h>
#include <stdlib.h>

#include "core/rng.h"
#include "policies/policy.h"
#include "policies/tgd.h"

enum { THEORY_ARMS = 8, THEORY_MARKS = 32, THEORY_SEEDS = 512, THEORY_L = 4 };

/* K drafters of gamma L that accept with p, from round `change` on (0: never) with `after`; or a table of emitted tokens. */
struct theory {
    int K, rounds, change;
    double p[THEORY_ARMS], after[THEORY_ARMS];
    const unsigned char *emitted; // (rounds, K) in their place; null: none
};

/* Where regret is read: 10 places a decade from 100 rounds on. */
static inline int theory_marks(int rounds, int *at) {
    int n = 0;
    for (; n < THEORY_MARKS; n++) {
        at[n] = (int)lround(100 * pow(10, n / 10.0));
        if (at[n] > rounds) break;
    }
    return n;
}

static inline const double *theory_rates(const struct theory *w, int t) { return w->change && t >= w->change ? w->after : w->p; }

static inline int theory_emitted(const struct theory *w, uint32_t seed, int t, int arm) {
    if (w->emitted) return w->emitted[(size_t)t * (size_t)w->K + (size_t)arm];
    struct rng r = rng_at(9, (uint32_t)arm, seed, (uint32_t)t);
    double p = theory_rates(w, t)[arm], u = rng_uniform(&r), reach = p;
    int n = 1;
    while (n <= THEORY_L && u < reach) n++, reach *= p; // P(emitted > n) = p^n
    return n;
}

/* (mu_* - mu_arm) / mu_* in round t. */
static inline double theory_gap(const struct theory *w, int t, int arm) {
    double best = 0;
    for (int i = 0; i < w->K; i++) best = fmax(best, tgd_mean(THEORY_L, theory_rates(w, t)[i]));
    return 1 - tgd_mean(THEORY_L, theory_rates(w, t)[arm]) / best;
}

/* Rounds lost against the best arm at mean lengths, sum (mu_* - mu_arm) / mu_*, at each mark; with `emitted` the tokens
 * emitted so far instead. One seed. Returns nonzero when the policy cannot be opened. */
static inline int theory_play(const char *spec, const struct theory *w, uint32_t seed, const int *at, int marks, double *lost) {
    struct arm arms[THEORY_ARMS];
    struct problem p = {.K = w->K, .D = w->K, .L = THEORY_L, .arms = arms};
    struct agent a;
    struct err err;
    double sum = 0;
    for (int i = 0; i < w->K; i++) arms[i] = (struct arm){.drafter = i, .gamma = THEORY_L, .name = {(char)('a' + i)}};
    if (agent_open(&a, spec, &p, &err)) return -1;
    for (int t = 0, m = 0; t < w->rounds && m < marks; t++) {
        struct rng r = rng_at(1, a.stream, seed, (uint32_t)t);
        int arm = agent_select(&a, &r);
        struct outcome o = {.arm = arm, .gamma = THEORY_L, .proposed = THEORY_L, .emitted = theory_emitted(w, seed, t, arm), .verify_s = 1};
        o.accepted = o.emitted - 1;
        sum += w->emitted ? o.emitted : theory_gap(w, t, arm);
        agent_update(&a, &o);
        while (m < marks && t + 1 == at[m]) lost[m++] = sum;
    }
    agent_close(&a);
    return 0;
}

/* All seeds, over the threads there are: lost is (seeds, marks). */
static inline int theory_run(const char *spec, const struct theory *w, int seeds, const int *at, int marks, double *lost) {
    int bad = 0;
#pragma omp parallel for schedule(dynamic) reduction(| : bad)
    for (int s = 0; s < seeds; s++) bad |= theory_play(spec, w, (uint32_t)s, at, marks, lost + s * marks) != 0;
    return bad;
}

struct theory_line {
    double slope, r2;
};

/* Least squares of y over x, n points. */
static inline struct theory_line theory_fit(const double *x, const double *y, int n) {
    double mx = 0, my = 0, sxx = 0, sxy = 0, syy = 0;
    for (int i = 0; i < n; i++) mx += x[i] / n, my += y[i] / n;
    for (int i = 0; i < n; i++) sxx += (x[i] - mx) * (x[i] - mx), sxy += (x[i] - mx) * (y[i] - my), syy += (y[i] - my) * (y[i] - my);
    return (struct theory_line){sxy / sxx, syy > 0 ? sxy * sxy / (sxx * syy) : 1};
}

struct theory_mean {
    double mean, error; // error: of the mean, from the seeds' own spread
};

static inline struct theory_mean theory_mean(const double *x, int n, int stride) {
    double sum = 0, squares = 0;
    for (int i = 0; i < n; i++) sum += x[i * stride];
    for (int i = 0; i < n; i++) squares += (x[i * stride] - sum / n) * (x[i * stride] - sum / n);
    return (struct theory_mean){sum / n, sqrt(squares / (n - 1) / n)};
}

#endif
