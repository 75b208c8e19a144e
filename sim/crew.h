/* crew.h - the processes that work on one sweep: one, or as many as `mpirun -n N` started.
 *
 * Built with MPI where it was found (Makefile); then `mpirun` is recognized by what it leaves in the environment, so that a
 * plain run never waits for MPI to start. Without MPI, or without mpirun, a crew is one process and every call returns at once. */
#ifndef SIM_CREW_H
#define SIM_CREW_H

#include <stddef.h>

#include "core/err.h"

struct crew {
    int rank, size; // rank 0 writes
    int started;    // this process has called MPI_Init
};

int crew_open(struct crew *c, struct err *err);
void crew_close(struct crew *c);

/* Rank 0's bytes for all. */
void crew_tell(const struct crew *c, void *bytes, size_t n);

/* The least of all ranks' values: 0 when all are, else some rank's error code. */
int crew_worst(const struct crew *c, int rc);

/* Each rank's part, n[rank] bytes from at[rank], reaches the same place on rank 0. */
int crew_gather(const struct crew *c, char *const *at, const size_t *n, struct err *err);

/* Whether MPI was built in. */
int crew_has_mpi(void);

#endif
