/* arrivals.h - when requests come.
 *
 *   poisson  gaps are exponential with mean 1 / rate
 *   bursty   a Poisson process whose rate switches between two values (Markov-modulated, MMPP-2; Fischer & Meier-Hellstern 1993): in
 *            a burst it is `peak` times the mean, bursts last `burst_s` on average, and half of all requests come in them. With
 *            p = 1 / (2 peak) of the time in a burst the other rate is rate * (1/2) / (1 - p), and quiet spells last
 *            burst_s * (1 - p) / p on average.
 *   a file   a line a request: seconds, never falling
 *
 * Draws are counter-based: the i-th is a function of (seed, i). Check: rate 2, peak 4: rates 8 and 8/7, 1/8 of the time in bursts, mean
 * 2. */
#ifndef SIM_ARRIVALS_H
#define SIM_ARRIVALS_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

void arrivals_poisson(double *at, int n, double rate, uint64_t seed);
void arrivals_bursty(double *at, int n, double rate, double peak, double burst_s, uint64_t seed); // peak > 1/2

/* All lines of the file, at most `most` of them (0: all); *at is the caller's to free. */
int arrivals_read(double **at, int *n, const char *path, int most, struct err *err);

#endif
