/* check.h - proves a trace whole: invariants 1-9 of schema.sql, each by queries that look for
 * the first row that breaks it. */
#ifndef TRACES_CHECK_H
#define TRACES_CHECK_H

#include <stdint.h>

#include "core/err.h"

enum { CHECK_MOST = 32 };

struct check_finding {
    int invariant;  // 1..9
    char text[1024]; // "accepted 7 exceeds proposed 4 at sequence 3, position 17, drafter 'pld'"
};

struct check {
    int n;
    struct check_finding at[CHECK_MOST]; // by invariant; at most one a query: the first place
    int64_t recordings, sequences, steps, drafts; // rows looked at
};

/* 0 when the file could be judged (c->n == 0: whole), < 0 when not: no trace at all, no such
 * file, an I/O error. A damaged database is a finding of invariant 1. */
int check_trace(struct check *c, const char *path, struct err *err);

#endif
