/* print_fidelity.h - live decoding by several policies as a table, and as JSON. */
#ifndef SIM_PRINT_FIDELITY_H
#define SIM_PRINT_FIDELITY_H

#include <stdio.h>

#include "sim/fidelity.h"

struct fidelity_more {
    double plain_s, plain_simulated_s; // of the same prompts decoded plainly, 0: they were not
    int64_t checked_rounds;  // of all policies, equal to their replay
};

int print_fidelity(FILE *to, const struct fidelity *f, const struct fidelity_more *more, struct err *err);
int print_fidelity_json(FILE *to, const struct fidelity *f, const struct fidelity_more *more, struct err *err);

#endif
