/* own.h - what a policy's own arithmetic costs here: nanoseconds of select and update a round, measured. */
#ifndef SIM_OWN_H
#define SIM_OWN_H

#include "sim/lineup.h"
#include "sim/world_trace.h"

/* The policy plays a sequence (the longest) of the world once, which is noted; then its choices and the noted outcomes run again, without
 * the world, in a few timed passes, of which the fastest counts. What it asks the world for (peeks, hindsight) is charged to rounds, not here. */
int own_measure(const struct player *x, const struct problem *p, const struct oracle *o, struct world_trace w, double *ns, struct err *err);

#endif
