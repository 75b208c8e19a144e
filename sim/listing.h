/* listing.h - which experiments a results file holds, a row each: what sweeps and replays have written, and how to choose one. */
#ifndef SIM_LISTING_H
#define SIM_LISTING_H

#include <stdbool.h>

#include "sim/runs.h"

/* How many experiments the file holds that have anything to show; < 0 on error. */
int listing_count(struct runs *r, bool sweeps_alone, struct err *err);

/* The table, for people or as a JSON array. `sweeps_alone`: without what replay wrote, which reports alone show. */
int listing_print(struct runs *r, bool sweeps_alone, struct err *err);
int listing_json(struct runs *r, struct err *err);

#endif
