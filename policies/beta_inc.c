/* beta_inc.c - see beta_inc.h.
 *
 * The distribution function is the continued fraction DLMF 8.17.22 (Lentz's method), on the side of
 * the mean where it converges within about sqrt(a + b) terms. The inverse is Newton's method on it, in a bracket. */
#include "policies/beta_inc.h"

#include <math.h>

#include "policies/bernoulli.h"

/* What Stirling's formula lacks: ln Gamma(x) - (x - 1/2) ln x + x - ln(2 pi)/2, to 1e-16 for x >= 10. */
static double stirling_rest(double x) {
    double y = 1 / (x * x);
    return (1.0 / 12 - y * (1.0 / 360 - y * (1.0 / 1260 - y * (1.0 / 1680 - y * (1.0 / 1188 - y * 691.0 / 360360))))) / x;
}

static double log_gamma(double x) {
    int sign; // lgamma would write it to a global
    return lgamma_r(x, &sign);
}

/* ln Gamma(a + b) - ln Gamma(a): for large a not as the difference of two huge logarithms. */
static double log_gamma_rise(double a, double b) {
    if (a < 10) return log_gamma(a + b) - log_gamma(a);
    return (a - 0.5) * log1p(b / a) + b * (log(a + b) - 1) + stirling_rest(a + b) - stirling_rest(a);
}

/* ln of x^a (1-x)^b / B(a, b). Both large: the divergence, for the same reason. */
static double log_power(double a, double b, double x) {
    double n = a + b;
    if (a < 10 || b < 10) return log_gamma_rise(fmax(a, b), fmin(a, b)) - log_gamma(fmin(a, b)) + a * log(x) + b * log1p(-x);
    return stirling_rest(n) - stirling_rest(a) - stirling_rest(b) - n * bernoulli_kl(a / n, x) +
           0.5 * log(a / n * b / (2 * 3.14159265358979323846));
}

/* I_x(a, b) for x at most about the mean. */
static double fraction(double a, double b, double x) {
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1), value;
    d = 1 / (fabs(d) < tiny ? tiny : d);
    value = d;
    for (int m = 1; m < 1000000; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)), before = value;
        for (int step = 0; step < 2; step++) {
            double term = step ? odd : even;
            d = 1 + term * d, c = 1 + term / c;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            if (fabs(c) < tiny) c = tiny;
            value *= c * d;
        }
        if (fabs(value - before) <= 1e-16 * fabs(value)) break;
    }
    return exp(log_power(a, b, x)) * value / a;
}

double beta_cdf(double a, double b, double x) {
    if (!(x > 0)) return 0;
    if (x >= 1) return 1;
    double p = x < (a + 1) / (a + b + 2) ? fraction(a, b, x) : 1 - fraction(b, a, 1 - x);
    return fmin(fmax(p, 0), 1);
}

double beta_quantile(double a, double b, double p) {
    if (!(p > 0)) return 0;
    if (p >= 1) return 1;
    double lo = 0, hi = 1, x = a / (a + b);
    for (int i = 0; i < 200; i++) {
        double have = beta_cdf(a, b, x), density = exp(log_power(a, b, x)) / (1 - x), next = -1; // x times the density
        if (have > p) hi = x; else lo = x;
        // ln I is concave in ln x: from below Newton's steps never pass the root, from above one of them lands below it.
        if (have > 0 && density > have * 1e-9) next = x * exp(fmin(log(p / have) * have / density, 100));
        if (next >= 0 && (fabs(next - x) <= 1e-14 * x || next < 1e-300)) return next; // even if rounding leaves it at a bracket's end
        if (!(next > lo && next < hi)) next = lo > 0 ? sqrt(lo) * sqrt(hi) : hi * 0.1;
        x = next;
    }
    return x;
}
