/* runs.h - a sweep's runs in a results file (results_2.sql). */
#ifndef SIM_RUNS_H
#define SIM_RUNS_H

#include "sim/results_rows.h"
#include "sim/sweep.h"

struct runs {
    const char *path;
    sqlite3 *db;
    sqlite3_stmt *find, *add;
};

/* Opens or creates the file. */
int runs_open(struct runs *r, const char *path, struct err *err);
/* Of one that is there, to read: also where it cannot be written. */
int runs_open_read(struct runs *r, const char *path, struct err *err);
void runs_close(struct runs *r);

/* The setting's experiment, added where the file has none of its key. */
int runs_setting(struct runs *r, struct sweep_setting *s, const char *arms, struct err *err);

/* Drops the setting's runs of policies whose own file has changed since (code.h); *dropped counts up. */
int runs_drop_stale(struct runs *r, const struct sweep_setting *s, size_t *dropped, struct err *err);

/* 1: the run is there; 0: it is not. */
int runs_has(struct runs *r, const char *key, struct err *err);

int runs_begin(struct runs *r, struct err *err);
/* A run's bytes as sweep_play made them. A run that another process has written meanwhile is left as it is. */
int runs_add(struct runs *r, const struct sweep_setting *s, const struct sweep_run *x, const char *key, const char *bytes, struct err *err);
int runs_commit(struct runs *r, struct err *err);
void runs_rollback(struct runs *r);

/* Copies settings and runs of another results file. A run that both hold with other outcomes, or of two versions of a policy, is an
 * error. *added: runs that were new. */
int runs_merge(struct runs *r, const char *from, int64_t *added, struct err *err);

#endif
