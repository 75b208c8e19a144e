/* crew.c - see crew.h. */
#include "sim/crew.h"

#ifdef BANDITSPEC_MPI
#include <mpi.h>
#include <stdlib.h>

int crew_has_mpi(void) { return 1; }

static int under_mpirun(void) {
    static const char *const marks[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_RANK"}; // Open MPI, MPICH and its kin, Slurm with PMIx
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (getenv(marks[i])) return 1;
    return 0;
}

int crew_open(struct crew *c, struct err *err) {
    int provided;
    *c = (struct crew){.size = 1};
    if (!under_mpirun()) return 0;
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS) return err_set(err, "MPI does not start");
    c->started = 1;
    MPI_Comm_rank(MPI_COMM_WORLD, &c->rank);
    MPI_Comm_size(MPI_COMM_WORLD, &c->size);
    return 0;
}

void crew_close(struct crew *c) {
    if (c->started) MPI_Finalize();
    *c = (struct crew){.size = 1};
}

void crew_tell(const struct crew *c, void *bytes, size_t n) {
    enum { PART = 1 << 30 };
    for (size_t at = 0; c->size > 1 && at < n; at += PART)
        MPI_Bcast((char *)bytes + at, (int)(n - at < PART ? n - at : PART), MPI_BYTE, 0, MPI_COMM_WORLD);
}

int crew_worst(const struct crew *c, int rc) {
    int worst = rc;
    if (c->size > 1) MPI_Allreduce(&rc, &worst, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    return worst;
}

int crew_gather(const struct crew *c, char *const *at, const size_t *n, struct err *err) {
    enum { TAG = 7 }; // parts are far below the 2 GB that MPI counts: sweep.c's chunk_bytes
    int r0 = c->rank;
    if (r0) return MPI_Send(at[r0], (int)n[r0], MPI_BYTE, 0, TAG, MPI_COMM_WORLD) == MPI_SUCCESS ? 0 : err_set(err, "rank %d cannot send its results", r0);
    for (int r = 1; r < c->size; r++)
        if (MPI_Recv(at[r], (int)n[r], MPI_BYTE, r, TAG, MPI_COMM_WORLD, MPI_STATUS_IGNORE) != MPI_SUCCESS) return err_set(err, "no results from rank %d", r);
    return 0;
}

#else

int crew_has_mpi(void) { return 0; }

int crew_open(struct crew *c, struct err *err) {
    (void)err;
    *c = (struct crew){.size = 1};
    return 0;
}

void crew_close(struct crew *c) { *c = (struct crew){.size = 1}; }
void crew_tell(const struct crew *c, void *bytes, size_t n) { (void)c, (void)bytes, (void)n; }
int crew_worst(const struct crew *c, int rc) { return (void)c, rc; }

int crew_gather(const struct crew *c, char *const *at, const size_t *n, struct err *err) { return (void)c, (void)at, (void)n, (void)err, 0; }

#endif
