/* seconds.h - what a round takes, as two lines learned online, for policies that weigh every token (auto).
 *
 *   verification = base + slope * (tokens verified beside the newest)
 *   drafting     = token * (tokens drafted) + fresh * (tokens of the text that the drafter had not taken in)
 * Least squares with imagined observations, so that the first choices are sensible: a row more costs 6% of plain decoding, a
 * drafted token 15%, one taken in 5%. Unlike cost.h, which keeps a mean for each arm, all arms share what they learn.
 * A scheduler's hiccup is not the round's: beyond three times what was expected it counts as that.
 * Check: nothing learned: verify_seconds(5) = 1.3; after (0, 1 s) and (4, 2 s): slope = (2 + 0.06 * 1.5 / 1.12) / (8 + 1) = 0.2311507937 s. */
#ifndef POLICIES_SECONDS_H
#define POLICIES_SECONDS_H

#include <math.h>

static inline double seconds_calm(double seconds, double expected) { return fmin(seconds, 3 * expected); }

struct verify_line { // running least squares (Welford 1962)
    double n, mean_x, mean_y, sxx, sxy;
};

/* Seconds of one row more; at least 0, and at most in proportion to the rows. */
static inline double verify_slope(const struct verify_line *l) {
    const double share = 0.06, weight = 1; // of the imagined spread of drafted tokens
    if (l->n == 0) return share;
    double imagined = share * l->mean_y / (1 + share * l->mean_x);
    return fmin(fmax((l->sxy + weight * imagined) / (l->sxx + weight), 0), l->mean_y / (1 + l->mean_x));
}

/* Seconds of a pass over the newest token and x drafted ones; plain decoding is the unit before anything was timed. */
static inline double verify_seconds(const struct verify_line *l, double x) {
    if (l->n == 0) return 1 + verify_slope(l) * x;
    return fmax(l->mean_y + verify_slope(l) * (x - l->mean_x), 1e-12);
}

static inline void verify_learn(struct verify_line *l, double x, double y) {
    if (l->n > 3) y = seconds_calm(y, verify_seconds(l, x));
    double before = x - l->mean_x;
    l->n++;
    l->mean_x += before / l->n;
    l->mean_y += (y - l->mean_y) / l->n;
    l->sxx += before * (x - l->mean_x);
    l->sxy += before * (y - l->mean_y);
}

struct pace { // sums of products of (drafted, fresh) and seconds
    double dd, df, ff, dy, fy;
};

struct pace_rates {
    double token, fresh; // seconds a token drafted, and taken in
};

static inline struct pace_rates pace_rates(const struct pace *x, double plain) {
    const double drafted = 1, fresh = 4; // weights of what is imagined
    double dd = x->dd + drafted, ff = x->ff + fresh, dy = x->dy + drafted * 0.15 * plain, fy = x->fy + fresh * 0.05 * plain, det = dd * ff - x->df * x->df;
    struct pace_rates p = {(dy * ff - fy * x->df) / det, (fy * dd - dy * x->df) / det};
    if (p.token < 0) return (struct pace_rates){0, fy / ff};
    if (p.fresh < 0) return (struct pace_rates){dy / dd, 0};
    return p;
}

static inline void pace_learn(struct pace *x, double drafted, double fresh, double seconds) {
    x->dd += drafted * drafted, x->df += drafted * fresh, x->ff += fresh * fresh;
    x->dy += drafted * seconds, x->fy += fresh * seconds;
}

#endif
