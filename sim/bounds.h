/* bounds.h - what theory promises of regret, as numbers: overlays for curves, and what the policies are tested against.
 *
 * Regret counts rounds: those a policy needs for a text beyond those of the best fixed arm (arXiv 2505.15141, eq. (1)-(2)).
 * An upper bound is a number at one length. A lower bound is asymptotic, a slope: liminf Regret / ln(length).
 * Upper bounds are vacuous at the lengths of answers; draw bound_drawn() and say so. Proposition 4.5 (eq. (11)) is left
 * out: its proof bounds p^(L+1) - q^(L+1) the wrong way round, and at L = 1, p = .9, q = .5 it exceeds Theorem 4.4. */
#ifndef SIM_BOUNDS_H
#define SIM_BOUNDS_H

/* Theorem 4.3 with its constants, eq. (42): what UCBSpec may lose on K arms of mean emitted lengths mu, largest draft L.
 * Check: L=4, mu = 3.2, 2.6, 2.0, length 256, delta 1/2: 758.4817311777. */
double bound_ucbspec(const double *mu, int K, int L, double length, double delta);

/* Theorem 5.3, eq. (15): what EXP3Spec may lose on any lengths, 2L min(*whole, *shortest) with
 *   whole = sqrt(length K ln K),   shortest = 2L K ln K + sqrt(rounds K ln K),   rounds: of the best fixed arm
 * Check: L=4, K=3, length 256, rounds 80: 2L whole = 232.3768301975, 2L shortest = 340.8361566036. */
double bound_exp3spec(int K, int L, double length, double rounds, double *whole, double *shortest); // the last two may be null

/* The inequality that ends the proof of Theorem 5.3, Reg <= a sqrt(rounds + Reg) with a = 2L sqrt(K ln K), solved: never above
 * the second term. */
double bound_exp3spec_solved(int K, int L, double rounds);

/* No bound says more than the lengths do: at most every token by itself, against the best arm's mean. */
double bound_drawn(double bound, double length, double best_mu);

/* An arm of the truncated geometric model (policies/tgd.h). */
struct bound_arm {
    double p, cost; // acceptance rate, seconds a round
    int gamma;
};

/* Theorem 4.4 for tokens per second (our form, costs known), in rounds of the best arm; times its cost in seconds. With
 * rho_i = mu_i / cost_i, rho = max rho_i at arm *, and the sum over what is worse and could be better:
 *   sum (cost_i rho - mu_i) / (rho cost_*) / KL(TGD(p_i), TGD(q_i)),   mu_gamma_i(q_i) = cost_i rho
 * Equal costs and gammas give Theorem 4.4 itself, eq. (9): sum (Delta_i / mu_*) / KL(TGD_i, TGD_*). An arm that no acceptance
 * rate makes best (cost_i rho >= gamma_i + 1) costs a bounded number of rounds and drops out. */
double slope_tgd(const struct bound_arm *arms, int K);

/* Theorem 4.4 without a model: arms by counts of their accepted lengths 0..L, (K, L+1) row after row. */
double slope_counts(const double *counts, int K, int L);

#endif
