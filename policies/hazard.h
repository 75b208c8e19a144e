/* hazard.h - the probability that a drafted token is accepted given that those before it were, learned online from few features.
 *
 *   P(accept | x) = sigmoid(w . x),   w ~ N(prior, V)
 * After each token tested (y = 1 accepted, 0 rejected) one Newton step of the Laplace approximation, in the form of a Kalman filter
 * (Bishop 2006, Pattern Recognition and Machine Learning, sections 4.4 and 4.5): with p = sigmoid(w . x), s = p (1 - p), v = x' V x
 *   V <- V - s (V x)(V x)' / (1 + s v),   w <- w + V x (y - p)
 * A censored draft needs nothing special: tokens that were not tested are not fed. A little variance comes back with every token,
 * so that it follows a text that changes.
 * Check: prior 0, V = I, x = (1, 2, 0, 0), y = 1: V00 = 8/9, w = (2/9, 4/9, 0, 0). */
#ifndef POLICIES_HAZARD_H
#define POLICIES_HAZARD_H

#include <math.h>

enum { HAZARD_X = 4 };

struct hazard {
    double w[HAZARD_X], V[HAZARD_X][HAZARD_X];
};

static inline void hazard_init(struct hazard *h, const double *mean, const double *sd) {
    for (int i = 0; i < HAZARD_X; i++) {
        h->w[i] = mean[i];
        for (int j = 0; j < HAZARD_X; j++) h->V[i][j] = i == j ? sd[i] * sd[i] : 0;
    }
}

/* What was learned may hold less here: a share of the first doubt comes back, never more than there was. */
static inline void hazard_doubt(struct hazard *h, const double *sd, double share) {
    for (int i = 0; i < HAZARD_X; i++) h->V[i][i] = fmin(h->V[i][i] + share * sd[i] * sd[i], fmax(sd[i] * sd[i], h->V[i][i]));
}

static inline double hazard_sigmoid(double z) {
    return 1 / (1 + exp(-fmin(fmax(z, -30), 30)));
}

/* P(accept | x), `optimism` standard deviations of w . x above its mean. */
static inline double hazard_at(const struct hazard *h, const double *x, double optimism) {
    double z = 0, v = 0;
    for (int i = 0; i < HAZARD_X; i++) z += h->w[i] * x[i];
    if (optimism != 0) {
        for (int i = 0; i < HAZARD_X; i++)
            for (int j = 0; j < HAZARD_X; j++) v += x[i] * h->V[i][j] * x[j];
        z += optimism * sqrt(fmax(v, 0));
    }
    return hazard_sigmoid(z);
}

/* One token tested, counted as `weight` of one. */
static inline void hazard_learn(struct hazard *h, const double *x, int y, double weight) {
    enum { NOISE_COUNT = 4000 }; // tokens after which a standard deviation of 1 would be back
    double Vx[HAZARD_X], z = 0, v = 0;
    for (int i = 0; i < HAZARD_X; i++) {
        Vx[i] = 0, z += h->w[i] * x[i];
        for (int j = 0; j < HAZARD_X; j++) Vx[i] += h->V[i][j] * x[j];
        v += x[i] * Vx[i];
    }
    double p = hazard_sigmoid(z), s = weight * p * (1 - p), gain = 1 / (1 + s * v);
    for (int i = 0; i < HAZARD_X; i++) h->w[i] += gain * Vx[i] * weight * (y - p); // the new V times x is gain Vx
    for (int i = 0; i < HAZARD_X; i++)
        for (int j = 0; j < HAZARD_X; j++) h->V[i][j] -= s * gain * Vx[i] * Vx[j];
    for (int i = 0; i < HAZARD_X; i++)
        if (h->V[i][i] < 1) h->V[i][i] += 1.0 / NOISE_COUNT;
}

#endif
