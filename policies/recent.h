/* recent.h - indices of the rounds that a forgetting policy still remembers.
 *
 * The formulas of KL-UCB, IMED and UCBSpec with n, the remembered rounds of an arm (a discounted count or those in a window),
 * in the place of its rounds, x the mean reward in [0, 1] of these, x_* the highest such mean, and N the remembered rounds of all arms
 * in the place of t:
 *   kl-ucb:   sup{ q : n kl(x, q) <= ln N }                                       Garivier & Cappe 2011
 *   imed:     -( n kl(x, x_*) + ln n )                                             Honda & Takemura 2015, the highest plays
 *   ucbspec:  x + 1/2 sqrt( (1+n)/n^2 (1 + 2 ln(K N^2 sqrt(1+n) / delta)) )         arXiv 2505.15141, eq. (6), delta = 1/2, width 1
 * Check: with nothing forgotten kl-ucb and imed are those policies. */
#ifndef POLICIES_RECENT_H
#define POLICIES_RECENT_H

#include "policies/index.h"
#include "policies/policy.h"

enum { RECENT_UCB, RECENT_KL_UCB, RECENT_IMED, RECENT_UCBSPEC };
#define RECENT_INDEX {"index", RECENT_UCB, 0, 3, "ucb|kl-ucb|imed|ucbspec", "the index of what is remembered"}

/* Of all but `ucb`, whose width differs from paper to paper. log_all = ln N, at least 0. */
static inline double recent_index(double kind, double K, double mean, double best_mean, double n, double log_all) {
    if (kind == RECENT_KL_UCB) return bernoulli_bound(mean, log_all / n);
    if (kind == RECENT_IMED) return -index_imed(mean, n, elementary_log(n), best_mean);
    return mean + sqrt((1 + n) / (n * n) * (1 + 2 * (elementary_log(2 * K) + 2 * log_all + elementary_log(1 + n) / 2))) / 2;
}

#endif
