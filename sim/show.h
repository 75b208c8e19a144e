/* show.h - leaderboards of every setting in a results file, for people and as JSON. */
#ifndef SIM_SHOW_H
#define SIM_SHOW_H

#include "sim/board.h"

struct show_options {
    int64_t experiment;   // this one alone; 0: all that are sweeps
    const char *against;  // null: the fastest
    double holdout;       // share of prompts; 0: none
    const char *own;      // "charge": seconds hold policies' own time; "show"; "none": as if it had not been measured
    bool json;
};

/* ERR_USAGE for another word than these. */
int show_own(const char *own, struct err *err);

int show_boards(struct runs *r, const struct show_options *o, struct err *err);

/* Every setting's policy, comparison and pull rows anew, for plots. */
int show_store(struct runs *r, struct err *err);

#endif
