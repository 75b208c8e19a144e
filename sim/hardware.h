/* hardware.h - seconds of hardware that is not at hand: a roofline from a JSON file in place of a fit to recorded timings.
 *
 *   pass(rows, context) = launch + max( weights / bandwidth, 2 * parameters * rows / flops ) + kv * context / bandwidth
 *   verify(width)       = pass of the target over `width` rows
 *   draft_d(n)          = n passes of the drafter over one row (its kv once a draft), or n * us_per_token where that is given
 *   catch_up_d(m)       = its pass over m rows beyond that over one; 0 where us_per_token is given
 *
 * (Williams, Waterman & Patterson 2009, the roofline; 2 operations a parameter and row.) Counts stay those of the trace. The file:
 *   { "name": "H100, LLaMA-3.1-8B in bf16",
 *     "bandwidth_gb_s": 3350, "tflop_s": 990,
 *     "target":   { "weights_gb": 16.06, "parameters_b": 8.03, "kv_bytes_a_token": 131072, "launch_us": 300 },
 *     "drafters": { "eagle": { "weights_gb": 0.5, "parameters_b": 0.25, "kv_bytes_a_token": 4096, "launch_us": 40 },
 *                   "pld":   { "us_per_token": 1 } } }
 * Bandwidth and flops are those reached, not those on the box: multiply by your efficiency. Every drafter of the trace must be named;
 * an unknown key is refused.
 * Check: the target above at width 5, context 1000: 300 us + max(4794 us, 81 us) + 39 us = 5.133 ms. */
#ifndef SIM_HARDWARE_H
#define SIM_HARDWARE_H

#include "sim/cost.h"

/* Fills the cost model from the file, for the trace's drafters. Errors name file and key. */
int hardware_load(struct cost *c, const struct trace *t, const char *path, struct err *err);

/* The same from bytes (tests, fuzzing). */
int hardware_parse(struct cost *c, const struct trace *t, const char *path, const char *text, size_t n, struct err *err);

#endif
