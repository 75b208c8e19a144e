/* cost.h - seconds of a round, from a recording's own timings.
 *
 *   verify(width, context)   = base[width] + (b0 + b1 * width) * context
 *   draft_d(n > 0, context)  = a + b * n + c * context,   draft_d(0, context) = a0 + c0 * context
 *
 * context = prompt + emitted tokens before the round. Coefficients come from robust
 * regression (GSL, Tukey's bisquare), so a scheduler's hiccup does not bend them; slopes
 * are held at 0 or above, and base is monotone in width (pool adjacent violators), as more
 * rows never take less work. Widths that were not recorded are interpolated, and beyond
 * the ends extrapolated along the straight line through all recorded widths. The fit is
 * a pure function of the recorded rows: large recordings are thinned by a keyed generator. */
#ifndef SIM_COST_H
#define SIM_COST_H

#include "core/err.h"
#include "traces/trace.h"

enum { COST_WIDTHS = 66, COST_DRAFTERS = 64 }; // widths 1 .. 65: ARM_GAMMA_MAX drafted tokens and the newest one

struct cost_draft {
    double none, none_context; // n = 0
    double a, b, c;            // n > 0
};

struct cost {
    double base[COST_WIDTHS], slope[COST_WIDTHS]; // by width; [0] is unused
    int D;
    struct cost_draft draft[COST_DRAFTERS];
    long rows;                 // timings of verifications used
    double error;              // median |residual| / fitted value over those rows
};

/* Fits to every timing of the trace. Errors: no timed step at all, or out of memory. */
int cost_fit(struct cost *c, const struct trace *t, struct err *err);

/* The same from rows in memory; verification rows have drafter -1 (tests, what-if files). */
int cost_fit_rows(struct cost *c, int D, const struct trace_timing *rows, size_t n, struct err *err);

static inline double cost_verify(const struct cost *c, int width, int context) {
    return c->base[width] + c->slope[width] * context;
}

static inline double cost_drafting(const struct cost *c, int d, int n, int context) {
    const struct cost_draft *x = &c->draft[d];
    return n ? x->a + x->b * n + x->c * context : x->none + x->none_context * context;
}

#endif
