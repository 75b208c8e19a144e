/* flat.h - means and variances of [0, 1] rewards by arm, for policies that see arms as a flat list.
 *
 * The whole state of such a policy is one struct flat, so a policy is little more than its index. Sums are raw and
 * scaled when read (policies/reward.h). Arms never played come first, lowest number first; after
 * that the highest index plays, ties to the lowest number. */
#ifndef POLICIES_FLAT_H
#define POLICIES_FLAT_H

#include "policies/index.h"
#include "policies/reward.h"

struct flat {
    double t, log_t;     // rounds so far and their logarithm
    double log_K;        // known from the first round on
    struct reward reward;
    struct flat_arm {
        double n, log_n; // rounds and their logarithm
        double mean;     // of raw rewards, running (Welford 1962)
        double squares;  // sum of squared deviations from it
    } arm[];             // (K)
};

static inline size_t flat_size(const struct problem *p) {
    return sizeof(struct flat) + (size_t)p->K * sizeof(struct flat_arm);
}

/* One more round of arm `i`; raw times s->reward.scale lies in [0, 1]. */
static inline void flat_add(struct flat *s, const struct problem *p, int i, double raw) {
    struct flat_arm *arm = &s->arm[i];
    double before = raw - arm->mean;
    if (s->t == 0) s->log_K = elementary_log(p->K);
    s->log_t = elementary_log(++s->t);
    arm->log_n = elementary_log(++arm->n);
    arm->mean += before / arm->n;
    arm->squares += before * (raw - arm->mean);
}

static inline void flat_update(struct flat *s, const struct problem *p, double kind, const struct outcome *o) {
    flat_add(s, p, o->arm, reward_raw(&s->reward, p, kind, o));
}

static inline double flat_mean(const struct flat *s, int i) { return elementary_min(s->arm[i].mean * s->reward.scale, 1); }

/* The mean as an index: greedy. */
static inline double flat_mean_of(const struct flat *s, const struct problem *p, const double *param, int i) {
    (void)p, (void)param;
    return flat_mean(s, i);
}

/* The biased variance, divided by n. */
static inline double flat_variance(const struct flat *s, int i) {
    return s->arm[i].squares / s->arm[i].n * s->reward.scale * s->reward.scale;
}

/* The shapes of Beta(a + n mean, b + n (1 - mean)): rewards count as fractions of a success. */
static inline void flat_shapes(const struct flat *s, int i, double a, double b, double *won_shape, double *lost_shape) {
    double n = s->arm[i].n, won = n * flat_mean(s, i);
    *won_shape = a + won, *lost_shape = b + (n - won);
}

/* A draw from it. */
static inline double flat_draw(const struct flat *s, int i, double a, double b, struct rng *rng) {
    double won, lost;
    flat_shapes(s, i, a, b, &won, &lost);
    return rng_beta(rng, won, lost);
}

/* The arm of highest index; `index` is asked only for arms played before. */
static inline int flat_best(const struct flat *s, const struct problem *p, const double *param,
                            double (*index)(const struct flat *s, const struct problem *p, const double *param, int i)) {
    double best = -INFINITY;
    int arm = 0;
    for (int i = 0; i < p->K; i++) {
        if (s->arm[i].n == 0) return i;
        index_higher(index(s, p, param, i), i, &best, &arm);
    }
    return arm;
}

#endif
