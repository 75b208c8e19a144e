/* print_serving.h - simulated servers as tables and as JSON. */
#ifndef SIM_PRINT_SERVING_H
#define SIM_PRINT_SERVING_H

#include <stdio.h>

#include "sim/serving_grid.h"

const char *load_word(const struct load *l);   // "closed", "poisson", "bursty", or the file
const char *passes_word(const struct grid_plan *p); // "measured", "extrapolated" or "hardware"
const char *who_word(enum batch_who who);      // "request", "batch", "share"

void print_serving(FILE *to, const struct grid *g);
int print_serving_json(FILE *to, const struct grid *g, struct err *err);

#endif
