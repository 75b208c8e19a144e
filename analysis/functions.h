/* functions.h - SQL functions that figures' queries use beside SQLite's own.
 *
 *   quantile(x, p)            aggregate: the p-quantile of x, NULLs left out; between neighbours linear (GSL)
 *   ratio_lo(a, n), ratio_hi(a, n)
 *                             aggregates: the ends of the 95% interval of sum(a) / sum(n), rows being the independent units: Student's,
 *                             with the variance linearised, m/(m-1) sum (a - r n)^2 / (sum n)^2 (Cochran 1977, eq. (2.39)); NULL for
 *                             fewer than two rows
 *   tgd_p, tgd_chi2, tgd_df, tgd_p_value (depth, tested, accepted)
 *                             aggregates: one acceptance rate for all depths, and Pearson's test of it (traces/hazard.h)
 *   spec_json(spec)           "ucbspec:delta=0.1" as {"delta":"0.1",...}, defaults filled in where the policy is one of ours
 * Check: quantile of 1, 2, 4 at 0.5 is 2, at 0.75 is 3; ratio_hi of 1/1, 2/1, 3/1 is 2 + 4.302653 / sqrt(3) = 4.484138. */
#ifndef ANALYSIS_FUNCTIONS_H
#define ANALYSIS_FUNCTIONS_H

#include <sqlite3.h>

#include "core/err.h"

/* Adds them to the connection. */
int functions_add(sqlite3 *db, struct err *err);

#endif
