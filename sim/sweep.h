/* sweep.h - many runs: policies x seeds x settings, a setting being a trace, a set of arms, a scope and how seconds come about.
 *
 * Runs stand in one order: settings as given, in each the policies as given, in each the seeds. A chunk of them is played at a time, split
 * over the crew's processes and each one's threads, then written by rank 0 in that order in one transaction. So a kill loses at most the
 * chunk in flight (about a second), and what is written does not depend on threads, processes or shards, timings aside (law 4).
 * A run's key is a hash of everything that shapes it; one whose key is in the results file is never played again. */
#ifndef SIM_SWEEP_H
#define SIM_SWEEP_H

#include "sim/crew.h"
#include "sim/key.h"
#include "sim/replay.h"

struct sweep_options {
    const char *const *traces, *const *policies, *const *arms; // arms: a set a word; none: the default set
    int traces_n, policies_n, arms_n, recording, seeds;
    bool prompt, stream;    // scopes
    uint64_t seed;          // the first
    int shard, shards;      // this process plays runs number i with i % shards == shard - 1; 1/1: all
    const char *results, *timing, *hardware; // timing.h
    const char *const *plugins; // files that plugins_load took: what is in them is part of every key
    int plugins_n;
};

struct sweep_setting {
    struct replay replay;   // plan, problem, oracle, Q, K, buckets; nothing is played in it
    struct arms arms;
    struct lineup lineup;
    char key[KEY_HEX], seconds[KEY_HEX];
    double *own_ns;         // (lineup.n)
    uint8_t *bucket_of;     // round -> bucket
    int64_t experiment;     // in the results file, rank 0
    size_t bytes;           // of a run's outcomes, draft seconds and pulls
};

struct sweep_run {
    int setting, player;
    uint64_t seed;
    bool done;              // in the results file already, or not of this shard
};

struct sweep {
    const struct sweep_options *o;
    struct trace *traces;   // (traces_n), owned
    struct cost *costs;     // (traces_n), owned
    struct sweep_setting *settings; // (settings_n), owned
    struct sweep_run *runs; // (runs_n), owned
    int settings_n;
    size_t runs_n, there, fresh; // runs in all; found in the file; played now (of this shard, by all ranks)
    size_t dropped;     // found in the file, of other versions of their policies
};

/* Loads traces, fits their seconds, expands grids. */
int sweep_open(struct sweep *s, const struct sweep_options *o, struct err *err);
void sweep_close(struct sweep *s);

/* Plays what is missing and writes it (runs.h). Every rank calls it. */
int sweep_play(struct sweep *s, const struct crew *crew, struct err *err);

/* A run's key from its setting's. */
int sweep_key(const char *setting, const char *spec, uint64_t seed, char hex[KEY_HEX], struct err *err);

/* What is kept of a sequence of a run, and of a run: outcomes (Q), the seconds of all its drafting (a double), then pulls (buckets, K) as int32. */
struct sweep_outcome {
    int32_t rounds, proposed, accepted, emitted;
    double seconds;
};

#endif
