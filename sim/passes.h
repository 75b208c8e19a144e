/* passes.h - seconds of a pass that several requests share, and of a prefill, from a trace's own measurements.
 *
 *   pass(requests) = base(rows of all) + each * (requests - 1) + sum over requests of (b0 + b1 * its rows) * its context
 * matrices see rows whosever they are, attention sees each request's own context, and a request more may cost by itself. The base is
 * linear between knots, which are measured sums of rows at least a fifth apart, and goes on beyond the last along the line through the
 * upper half of them. It never falls. All is fitted to what `banditspec bench --batches ... --db` left in the table `latency` (operation
 * 'verify', batch above 1) for the recording's target on the same device, by robust regression (GSL, Tukey's bisquare) on relative errors,
 * so that a pass of 1 ms counts as much as one of 1 s.
 *
 * Without such rows a pass is the model of cost.h, which knows single requests, at the rows of all (`each` = 0), beyond its widths along
 * its straight line: an extrapolation, good as long as a row more costs what it did among the first. It takes what a pass of each request
 * alone would take less than such a recorded one (cost.h, verify_after). Of hardware that is not at hand it is the roofline, at the rows
 * of all, and so is prefill.
 *
 *   prefill(n tokens) = start + token * n
 * from each recorded sequence's own prefill and the table's (operation 'prefill'); in proportion where all are as long.
 * Check: tests/test_passes.c recovers known coefficients. */
#ifndef SIM_PASSES_H
#define SIM_PASSES_H

#include <stddef.h>

#include "sim/cost.h"
#include "traces/trace.h"

enum { PASSES_KNOTS = 64 };

struct passes {
    int n;                          // knots; 0: no pass of several requests was measured
    double rows[PASSES_KNOTS], base[PASSES_KNOTS], beyond; // beyond: seconds a row after the last knot
    double each, b0, b1;
    long timed;                     // rows of the table that were used
    double error;                   // median |residual| / fitted over them
    double prefill_start, prefill_token;
};

struct pass_timing {
    int batch, width, context; // requests; rows and tokens before the pass of each
    double seconds;
};

/* From the trace's file. A trace without measurements is no error. */
int passes_fit(struct passes *p, const struct trace *t, struct err *err);

/* The same from rows in memory; those of one request alone are left out. */
int passes_fit_rows(struct passes *p, const struct pass_timing *at, size_t n, struct err *err);
int passes_fit_prefill(struct passes *p, const struct pass_timing *at, size_t n, struct err *err); // width: tokens

/* Seconds of a pass: n requests, rows[i] of each, context[i] tokens before the round, drafted by drafter after[i] (-1: none). `p` may be
 * null: then nothing was measured; so may `after`. */
double passes_seconds(const struct passes *p, const struct cost *c, const int *rows, const int *context, const int *after, int n);

double passes_prefill(const struct passes *p, const struct cost *c, int tokens);

#endif
