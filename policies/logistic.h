/* logistic.h - logistic regression that learns one observation at a time.
 *
 * P(y = 1 | x) = sigmoid(w . x). The posterior of w is kept as a normal, N(w, S), started at N(w_0, variance I); one
 * Newton step an observation, from the Laplace approximation around the newest w, with s = q (1 - q), q = sigmoid(w . x):
 *   full:      S -= (S x)(S x)' s / (1 + s x' S x),   w += (y - q) S x       (S after the step: the extended Kalman filter)
 *   diagonal:  1/S_i += s x_i^2,                      w_i += (y - q) S_i x_i  (Chapelle & Li 2011, Algorithm 3, one step)
 * Check: variance 1, x = (1, 0), y = 1: w = (0.4, 0), S_00 = 0.8, either way. */
#ifndef POLICIES_LOGISTIC_H
#define POLICIES_LOGISTIC_H

#include <math.h>
#include <stddef.h>

#include "core/elementary.h"

enum { LOGISTIC_FULL, LOGISTIC_DIAGONAL };
#define LOGISTIC_HESSIAN {"hessian", LOGISTIC_FULL, 0, 1, "full|diagonal", "second derivatives that a Newton step uses"}

enum { LOGISTIC_MAX = 16 };

struct logistic {
    double m;
    double at[]; // w (m), S (m, m)
};

static inline size_t logistic_size(int m) { return sizeof(struct logistic) + (size_t)(m + m * m) * sizeof(double); }

static inline void logistic_init(struct logistic *l, int m, double variance) { // on zeroed memory
    l->m = m;
    for (int i = 0; i < m; i++) l->at[m + i * m + i] = variance;
}

static inline double sigmoid(double x) {
    double e = elementary_exp(-fabs(x));
    return (x >= 0 ? 1 : e) / (1 + e);
}

/* w . x, and x' S x in *variance when that is not null. */
static inline double logistic_logit(const struct logistic *l, const double *x, double *variance) {
    int m = (int)l->m;
    double logit = 0, sum = 0;
    for (int i = 0; i < m; i++) logit += l->at[i] * x[i];
    for (int i = 0; i < m && variance; i++)
        for (int j = 0; j < m; j++) sum += x[i] * x[j] * l->at[m + i * m + j];
    if (variance) *variance = fmax(sum, 0);
    return logit;
}

/* `weight`: the observation counts as so many. */
static inline void logistic_update(struct logistic *l, const double *x, double y, double hessian, double weight) {
    int m = (int)l->m;
    double *w = l->at, *S = l->at + m, step[LOGISTIC_MAX], variance;
    double q = sigmoid(logistic_logit(l, x, &variance)), s = weight * q * (1 - q), error = weight * (y - q);
    if (hessian == LOGISTIC_DIAGONAL) {
        for (int i = 0; i < m; i++) {
            S[i * m + i] = 1 / (1 / S[i * m + i] + s * x[i] * x[i]);
            w[i] += error * S[i * m + i] * x[i];
        }
        return;
    }
    for (int i = 0; i < m; i++) {
        step[i] = 0;
        for (int j = 0; j < m; j++) step[i] += S[i * m + j] * x[j];
    }
    double shrink = 1 + s * variance;
    for (int i = 0; i < m; i++) {
        for (int j = 0; j < m; j++) S[i * m + j] -= s / shrink * step[i] * step[j];
        w[i] += error / shrink * step[i];
    }
}

#endif
