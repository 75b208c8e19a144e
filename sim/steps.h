/* steps.h - rounds as CSV, one line each: what `--steps` writes, live and in replay alike, so
 * that two files of the same policy, seed and prompts can be compared byte for byte.
 *
 *   policy,seed,sequence,round,pos,arm,drafter,gamma,proposed,accepted,emitted
 *
 * `sequence` is the ordinal, `arm` the arm's index, `drafter` its drafter's name or "plain";
 * gamma is what was asked for after the token budget. A policy with a comma in it is quoted
 * (RFC 4180). */
#ifndef SIM_STEPS_H
#define SIM_STEPS_H

#include <stddef.h>
#include <stdint.h>

#include "core/whole.h"
#include "sim/episode.h"

#define STEPS_HEADER "policy,seed,sequence,round,pos,arm,drafter,gamma,proposed,accepted,emitted\n"

/* Text that grows; zeroed is empty. */
struct steps {
    char *text; // (n bytes), owned, not terminated
    size_t n, capacity;
};

/* Appends one line. `policy` and `drafter` as they are; quoting is done here. */
int steps_add(struct steps *to, const char *policy, uint64_t seed, int ordinal, const struct step *s, const char *drafter, struct err *err);
void steps_close(struct steps *to);

/* Begins the file of --steps, which must be none of those that are read or appended to (n, some of them null), by whatever name. */
int steps_begin(struct whole *file, const char *path, const char *const *read, size_t n, struct err *err);

#endif
