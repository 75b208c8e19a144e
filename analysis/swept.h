/* swept.h - regret over prompts of a sweep, which keeps no table of it: from the outcomes of its runs (sim/sweep.h), prompt by prompt.
 *
 * What a sweep cannot say is what happens along a prompt: its runs keep a prompt's rounds, not where they fell. */
#ifndef ANALYSIS_SWEPT_H
#define ANALYSIS_SWEPT_H

#include <sqlite3.h>
#include <stdint.h>

#include "core/err.h"

/* As the table `stream` of a replay has it, of the policies that regret_prompts.sql shows. */
#define SWEPT_TABLE "CREATE TEMP TABLE swept (policy, prompts, regret_rounds, regret_rounds_lo, regret_rounds_hi)"

/* Fills it where it is empty; with nothing where the experiment is no sweep. `policies`: JSON array of specs and names, null: those of
 * least regret. */
int swept_fill(sqlite3 *db, const char *path, int64_t experiment, const char *policies, struct err *err);

#endif
