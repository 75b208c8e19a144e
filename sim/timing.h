/* timing.h - where seconds come from: the words of --timing and --hardware, and how to say it. */
#ifndef SIM_TIMING_H
#define SIM_TIMING_H

#include <stddef.h>

#include "sim/cost.h"

/* timing: "model" or "sampled"; hardware: a file, or null. ERR_USAGE for anything else, or both. */
int timing_check(const char *timing, const char *hardware, struct err *err);
int timing_open(struct cost *c, const struct trace *t, const char *timing, const char *hardware, struct err *err);

const char *timing_word(const struct cost *c);              // "model", "sampled", "hardware"
void timing_say(const struct cost *c, char *words, size_t n); // a line

/* Residuals by width, as a table. */
int timing_print_residuals(const struct cost *c, const struct trace *t, struct err *err);

#endif
