/* linear.h - ridge regression that learns one round at a time, for linear bandits.
 *
 *   A = lambda I + sum z z',   b = sum x z,   theta = A^-1 b
 * A^-1 is kept by Sherman & Morrison 1950:  A^-1 -= (A^-1 z)(A^-1 z)' / (1 + z' A^-1 z),  and made anew from the Cholesky
 * factor of A every 256 updates, so rounding does not pile up. ln det A grows by ln(1 + z' A^-1 z) (determinant lemma).
 * Check: lambda=1, z=(1, 2), x=3: theta = (0.5, 1), width of (1, 0) is sqrt(5/6), ln det A = ln 6. */
#ifndef POLICIES_LINEAR_H
#define POLICIES_LINEAR_H

#include <stddef.h>

#include "core/rng.h"

struct linear {
    double m, updates;
    double log_det;  // ln( det A / lambda^m )
    double lambda;
    double factored; // 1 + the updates that the factor below knows of; 0: there is none yet
    double at[];     // A, A^-1, the Cholesky factor of A (m, m) each; b, theta, a work vector (m) each
};

static inline size_t linear_size(int m) { return sizeof(struct linear) + (3 * (size_t)m * (size_t)m + 3 * (size_t)m) * sizeof(double); }

void linear_init(struct linear *l, int m, double lambda); // on zeroed memory

double linear_mean(const struct linear *l, const double *z);  // theta . z
double linear_width(const struct linear *l, const double *z); // sqrt( z' A^-1 z )

void linear_update(struct linear *l, const double *z, double x);

/* noise = C'^-1 g, A = C C', g of m standard normals in order: distributed N(0, A^-1). */
void linear_noise(struct linear *l, struct rng *rng, double *noise);

#endif
