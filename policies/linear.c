/* linear.c - see linear.h. */
#include "policies/linear.h"

#include <math.h>

enum { REFACTOR = 256 };

static double *matrix(const struct linear *l) { return (double *)l->at; }
static double *inverse(const struct linear *l) { return matrix(l) + (size_t)l->m * (size_t)l->m; }
static double *factor(const struct linear *l) { return inverse(l) + (size_t)l->m * (size_t)l->m; }
static double *vector_b(const struct linear *l) { return factor(l) + (size_t)l->m * (size_t)l->m; }
static double *theta(const struct linear *l) { return vector_b(l) + (size_t)l->m; }
static double *work(const struct linear *l) { return theta(l) + (size_t)l->m; }

void linear_init(struct linear *l, int m, double lambda) {
    l->m = m;
    l->lambda = lambda;
    for (int i = 0; i < m; i++) {
        matrix(l)[i * m + i] = lambda;
        inverse(l)[i * m + i] = 1 / lambda;
    }
}

static double dot(const double *a, const double *b, int m) {
    double sum = 0;
    for (int i = 0; i < m; i++) sum += a[i] * b[i];
    return sum;
}

static void times(const double *M, const double *z, int m, double *out) {
    for (int i = 0; i < m; i++) out[i] = dot(M + i * m, z, m);
}

double linear_mean(const struct linear *l, const double *z) { return dot(theta(l), z, (int)l->m); }

double linear_width(const struct linear *l, const double *z) {
    int m = (int)l->m;
    double sum = 0;
    for (int i = 0; i < m; i++)
        if (z[i] != 0) sum += z[i] * dot(inverse(l) + i * m, z, m); // one-hot parts skip whole rows
    return sqrt(fmax(sum, 0));
}

/* A = C C', C lower triangular. A's eigenvalues are at least lambda, so no pivot is. */
static void cholesky(struct linear *l) {
    int m = (int)l->m;
    const double *A = matrix(l);
    double *C = factor(l);
    l->factored = 1 + l->updates;
    for (int i = 0; i < m; i++)
        for (int j = 0; j <= i; j++) {
            double left = A[i * m + j] - dot(C + i * m, C + j * m, j);
            C[i * m + j] = i == j ? sqrt(fmax(left, l->lambda)) : left / C[j * m + j];
        }
}

/* Column by column: C C' x = e_j. */
static void refactor(struct linear *l) {
    int m = (int)l->m;
    const double *C = factor(l);
    double *x = work(l), log_det = 0;
    cholesky(l);
    for (int j = 0; j < m; j++) {
        for (int i = 0; i < m; i++) x[i] = ((i == j) - dot(C + i * m, x, i)) / C[i * m + i];
        for (int i = m - 1; i >= 0; i--) {
            double sum = x[i];
            for (int k = i + 1; k < m; k++) sum -= C[k * m + i] * x[k];
            x[i] = sum / C[i * m + i];
        }
        for (int i = 0; i < m; i++) inverse(l)[i * m + j] = x[i];
        log_det += 2 * log(C[j * m + j]) - log(l->lambda);
    }
    l->log_det = log_det;
}

void linear_update(struct linear *l, const double *z, double x) {
    int m = (int)l->m;
    double *A = matrix(l), *inv = inverse(l), *u = work(l), *b = vector_b(l);
    times(inv, z, m, u);
    double growth = fmax(dot(z, u, m), 0);
    for (int i = 0; i < m; i++)
        for (int j = 0; j < m; j++) {
            A[i * m + j] += z[i] * z[j];
            inv[i * m + j] -= u[i] * u[j] / (1 + growth);
        }
    for (int i = 0; i < m; i++) b[i] += x * z[i];
    l->log_det += log1p(growth);
    if (fmod(++l->updates, REFACTOR) == 0) refactor(l);
    times(inv, b, m, theta(l));
}

void linear_noise(struct linear *l, struct rng *rng, double *noise) {
    int m = (int)l->m;
    const double *C = factor(l);
    if (l->factored != 1 + l->updates) cholesky(l);
    for (int i = 0; i < m; i++) noise[i] = rng_normal(rng);
    for (int i = m - 1; i >= 0; i--) {
        double sum = noise[i];
        for (int k = i + 1; k < m; k++) sum -= C[k * m + i] * noise[k];
        noise[i] = sum / C[i * m + i];
    }
}
