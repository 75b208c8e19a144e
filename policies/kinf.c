/* kinf.c - see kinf.h. */
#include "policies/kinf.h"

#include <math.h>

#include "core/elementary.h"

static double total(const double *count, int m) {
    double n = 0;
    for (int k = 0; k <= m; k++) n += count[k];
    return n;
}

static double mean_of(const double *count, int m) {
    double sum = 0;
    for (int k = 1; k <= m; k++) sum += k * count[k];
    return sum / (m * total(count, m));
}

/* The objective's slope in l, falling. */
static double slope_at(const double *count, int m, double mu, double l) {
    double sum = 0;
    for (int k = 0; k <= m; k++)
        if (count[k] > 0) sum -= count[k] * ((double)k / m - mu) / (1 - l * ((double)k / m - mu));
    return sum;
}

static double value_at(const double *count, int m, double mu, double l) {
    double sum = 0;
    for (int k = 0; k <= m; k++)
        if (count[k] > 0) sum += count[k] * log1p(-l * ((double)k / m - mu));
    return fmax(sum / total(count, m), 0);
}

double kinf(const double *count, int m, double mu) {
    if (mean_of(count, m) >= mu) return 0;
    if (mu >= 1) return INFINITY;
    double lo = 0, hi = 1 / (1 - mu);
    if (count[m] == 0 && slope_at(count, m, mu, hi) >= 0) return value_at(count, m, mu, hi); // all that is missing goes to 1
    for (int i = 0; i < 100 && hi - lo > 1e-15 * hi; i++) {
        double l = (lo + hi) / 2;
        if (slope_at(count, m, mu, l) > 0) lo = l; else hi = l;
    }
    return value_at(count, m, mu, lo);
}

/* KL(w, v) for the v that raises the mean most: v_k proportional to w_k / (1 + e - k/m); falls as e > 0 grows.
 * *slope is its derivative in ln e, *mean the mean of v. */
static double tilted(const double *count, int m, double n, double e, double *slope, double *mean) {
    double logs = 0, one = 0, two = 0;
    for (int k = 0; k <= m; k++) {
        if (count[k] == 0) continue;
        double w = count[k] / n, gap = (double)(m - k) / m + e;
        logs += w * elementary_log(gap);
        one += w / gap;
        two += w / (gap * gap);
    }
    *slope = (one - two / one) * e;
    *mean = 1 + e - 1 / one;
    return logs + elementary_log(one);
}

double kinf_bound(const double *count, int m, double d) {
    double n = total(count, m), mean = mean_of(count, m), slope, logs = 0;
    if (count[m] == n || d == INFINITY) return 1;
    if (!(d > 0)) return mean;
    if (count[m] == 0) { // Filippi et al. 2010, section 3.2, case (a): some mass moves to 1, which the sample never saw
        for (int k = 0; k < m; k++) logs += count[k] / n * elementary_log((double)(m - k) / m);
        if (tilted(count, m, n, 0, &slope, &mean) < d) return 1 - exp(logs - d);
    }
    double lo = 1e-12, hi = 1, e; // case (b): KL = d, somewhere in e > 0
    while (tilted(count, m, n, lo, &slope, &mean) < d && lo > 1e-300) lo *= 1e-6;
    while (tilted(count, m, n, hi, &slope, &mean) > d && hi < 1e15) hi *= 10;
    e = hi;
    for (int i = 0; i < 200; i++) { // Newton's steps on ln e, in a bracket
        double over = tilted(count, m, n, e, &slope, &mean) - d;
        if (over > 0) lo = e; else hi = e;
        double next = e * exp(-over / slope);
        if (!(next > lo && next < hi)) next = sqrt(lo * hi);
        if (fabs(next - e) <= 1e-13 * e) break;
        e = next;
    }
    return fmin(mean, 1);
}
