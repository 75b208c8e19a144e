/* results_fidelity.h - live decoding against simulation, written to a results file (fidelity.sql). */
#ifndef SIM_RESULTS_FIDELITY_H
#define SIM_RESULTS_FIDELITY_H

#include "sim/fidelity.h"
#include "traces/trace.h"

struct fidelity_head {
    const char *device, *scope; // borrowed
    int threads;
    uint64_t seed;
};

/* Appends one run of the command: everything or nothing. */
int results_add_fidelity(const char *path, const struct fidelity *f, const struct trace *t, const struct fidelity_head *head, struct err *err);

#endif
