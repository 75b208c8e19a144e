/* bounds.c - see bounds.h. */
#include "sim/bounds.h"

#include <math.h>

#include "policies/kinf.h"
#include "policies/tgd.h"

static int best_of(const double *mu, int K) {
    int best = 0;
    for (int i = 1; i < K; i++)
        if (mu[i] > mu[best]) best = i;
    return best;
}

double bound_ucbspec(const double *mu, int K, int L, double length, double delta) {
    double best = mu[best_of(mu, K)], pi = acos(-1), sum = pi * pi * delta / 6 + K;
    for (int i = 0; i < K; i++) {
        double gap = best - mu[i];
        if (gap > 0) sum += gap / best * (4 + 2.0 * L * L / (gap * gap) * (1 + 2 * log(L * K * length * length / (gap * delta))));
    }
    return sum;
}

double bound_exp3spec(int K, int L, double length, double rounds, double *whole, double *shortest) {
    double k = K * log(K), first = sqrt(length * k), second = 2 * L * k + sqrt(rounds * k);
    if (whole) *whole = first;
    if (shortest) *shortest = second;
    return 2 * L * fmin(first, second);
}

double bound_exp3spec_solved(int K, int L, double rounds) {
    double a2 = 4.0 * L * L * K * log(K);
    return (a2 + sqrt(a2 * a2 + 4 * a2 * rounds)) / 2;
}

double bound_drawn(double bound, double length, double best_mu) { return fmin(bound, length - length / best_mu); }

static double mean_of(const struct bound_arm *a) { return a->gamma ? tgd_mean(a->gamma, a->p) : 1; }

double slope_tgd(const struct bound_arm *arms, int K) {
    const struct bound_arm *best = arms;
    for (int i = 1; i < K; i++)
        if (mean_of(&arms[i]) / arms[i].cost > mean_of(best) / best->cost) best = &arms[i];
    double rho = mean_of(best) / best->cost, sum = 0;
    for (const struct bound_arm *a = arms; a < arms + K; a++) {
        double wanted = a->cost * rho, gap = wanted - mean_of(a);
        if (!(gap > 1e-12 * wanted) || wanted >= a->gamma + 1) continue;
        sum += gap / (rho * best->cost) / tgd_kl(a->gamma, a->p, tgd_mean_inverse(a->gamma, wanted));
    }
    return sum;
}

/* Of accepted lengths; one more is emitted. */
static double counted_mean(const double *count, int L) {
    double n = 0, sum = 0;
    for (int k = 0; k <= L; k++) n += count[k], sum += k * count[k];
    return sum / n;
}

double slope_counts(const double *counts, int K, int L) {
    double best = 0, sum = 0;
    for (int i = 0; i < K; i++) best = fmax(best, counted_mean(counts + i * (L + 1), L));
    for (int i = 0; i < K; i++) {
        double gap = best - counted_mean(counts + i * (L + 1), L);
        if (gap > 0) sum += gap / (best + 1) / kinf(counts + i * (L + 1), L, best / L);
    }
    return sum;
}
