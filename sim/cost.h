/* cost.h - seconds of a round, from a recording's own timings.
 *
 *   verify(width, context)   = base[width] + (b0 + b1 * width) * context
 *   draft_d(n > 0, context)  = a + b * n + c * context,   draft_d(0, context) = a0 + c0 * context
 *   catch_up_d(m)            = what a draft takes longer when m tokens are new to the drafter, not 1: between the medians recorded
 *                              for m = 1, 2, 4, ... a straight line, beyond them the last one goes on
 *
 * The recorder lets every drafter draft before each verification, and what they leave in the caches slows it. Live, one drafter drafts. So
 * the recorder also times some verifications as live decoding has them (`latency`, operation 'again'), right after one drafter that runs a
 * model, or right after another verification; by the median of those over verify(), width by width,
 *   verify_after_d(width, context) = (1 - spared_d[width]) base[width] + (1 - spared_d[width]) (b0 + b1 * width) * context,
 * with d none for plain decoding and copiers. A trace without such timings spares nothing, and then overstates seconds.
 *
 * context = prompt + emitted tokens before the round. Coefficients come from robust
 * regression (GSL, Tukey's bisquare), so a scheduler's hiccup does not bend them. They then speak of the typical round, while speeds are
 * sums, and timings lean to the late side: so all of verify(), and all of a drafter's, are multiplied by the mean of recorded over fitted
 * time (Duan 1983, the smearing estimate), single ratios held within 1/2 and 2, as more says something of the machine's other work. Slopes
 * are held at 0 or above, and base is monotone in width (pool adjacent violators), as more
 * rows never take less work. Widths that were not recorded are interpolated, and beyond
 * the ends extrapolated along the straight line through all recorded widths. The fit is
 * a pure function of the recorded rows: large recordings are thinned by a keyed generator. */
#ifndef SIM_COST_H
#define SIM_COST_H

#include <stdbool.h>

#include "core/err.h"
#include "traces/trace.h"

enum { COST_WIDTHS = 66, COST_DRAFTERS = 64, COST_CATCH_UPS = 7 }; // widths 1 .. 65: ARM_GAMMA_MAX drafted tokens and the newest one

struct cost_draft {
    double none, none_context; // n = 0
    double a, b, c;            // n > 0
    double catch_up[COST_CATCH_UPS]; // seconds above those of 1 new token, for 1, 2, 4, ... 64; 0: costs nothing
    double spared[COST_WIDTHS]; // share of its time that a verification right after its draft does without
    bool together;             // COST_HARDWARE: drafts for all requests of a batch in the same passes
    bool keeps;                // accepted drafts stay in its cache: a draft model; a head forgets them, copiers have nothing to take
};

struct cost {
    double base[COST_WIDTHS], slope[COST_WIDTHS]; // by width; [0] is unused
    double spared[COST_WIDTHS]; // the same after no draft
    bool calibrated;           // such timings were recorded
    double smear;              // mean over typical time of a verification, in base and slope already
    int D;
    struct cost_draft draft[COST_DRAFTERS];
    long rows;                 // timings of verifications used
    double error;              // median |residual| / fitted value over those rows
    enum { COST_MODEL, COST_SAMPLED, COST_HARDWARE } kind;
    char name[96];             // of the hardware
    double launch, weights, row; // COST_HARDWARE: seconds of a pass are launch + max(weights, row * rows), without the context
    float *luck;               // (1 + D, cells) COST_SAMPLED: recorded over fitted time of the verification, and of each drafter, at each position; owned
    size_t cells;
};

/* Residuals of the fit by width, in per cent of the typical time. */
struct cost_residual {
    int width;
    long n;
    double p10, p50, p90, worst; // worst: of the largest absolute value
};

/* Fits to every timing of the trace. Errors: no timed step at all, or out of memory. */
int cost_fit(struct cost *c, const struct trace *t, struct err *err);
void cost_close(struct cost *c); // of one that was never fitted, too, when zeroed

/* From then on a round takes what the model says times what was recorded at its position over what the model says of that: the spread,
 * the outliers and the slow hours of the recording come back, the same for every policy and seed. */
int cost_sample(struct cost *c, const struct trace *t, struct err *err);

/* Fills `at` (COST_WIDTHS) with the residuals of every timed verification, one a width that was timed; how many. */
int cost_residuals(const struct cost *c, const struct trace *t, struct cost_residual *at, int *n, struct err *err);

bool cost_keeps(const struct trace_drafter *d); // whether accepted drafts stay in its cache

/* Recorded over fitted time at a position's cell (0 .. cells - 1) of drafter d (-1: the verification); 1 unless sampled. */
static inline double cost_luck(const struct cost *c, int d, size_t cell) { return c->luck ? (double)c->luck[(size_t)(d + 1) * c->cells + cell] : 1; }

/* The same from rows in memory; verification rows have drafter -1 (tests, what-if files). */
int cost_fit_rows(struct cost *c, int D, const struct trace_timing *rows, size_t n, struct err *err);

static inline double cost_verify(const struct cost *c, int width, int context) {
    return c->base[width] + c->slope[width] * context;
}

/* After drafter d has drafted; -1: after nobody. */
static inline double cost_base_after(const struct cost *c, int d, int width) { return (1 - (d < 0 ? c->spared : c->draft[d].spared)[width]) * c->base[width]; }
static inline double cost_slope_after(const struct cost *c, int d, int width) { return (1 - (d < 0 ? c->spared : c->draft[d].spared)[width]) * c->slope[width]; }
static inline double cost_verify_after(const struct cost *c, int d, int width, int context) {
    return cost_base_after(c, d, width) + cost_slope_after(c, d, width) * context;
}

static inline double cost_drafting(const struct cost *c, int d, int n, int context) {
    const struct cost_draft *x = &c->draft[d];
    return n ? x->a + x->b * n + x->c * context : x->none + x->none_context * context;
}

/* Of the tokens a round appended, those that a draft model has in its cache already: it drafted them, and fed all but the last. */
static inline int cost_kept(const struct cost *c, int d, int proposed, int accepted) {
    return c->draft[d].keeps && proposed ? (accepted < proposed - 1 ? accepted : proposed - 1) : 0;
}

/* Seconds of drafter d for `fresh` tokens that it has not seen, beyond the one that every draft begins with. */
static inline double cost_catch_up(const struct cost *c, int d, int fresh) {
    static const double share[COST_CATCH_UPS] = {1, 1.0 / 2, 1.0 / 4, 1.0 / 8, 1.0 / 16, 1.0 / 32, 1.0 / 64};
    const double *at = c->draft[d].catch_up;
    if (fresh <= 1) return 0;
    int k = fresh > 2 ? 31 - __builtin_clz((unsigned)fresh - 1) : 0; // from 2^k to 2^(k + 1)
    k = k < COST_CATCH_UPS - 2 ? k : COST_CATCH_UPS - 2;
    return at[k] + (at[k + 1] - at[k]) * (fresh - (1 << k)) * share[k];
}

#endif
