/* beta_inc.h - the distribution function of Beta(a, b) and its inverse, with nothing but the C library.
 *
 * I_x(a, b) = 1/B(a, b) integral_0^x u^(a-1) (1-u)^(b-1) du, the regularised incomplete beta function (DLMF 8.17). a, b > 0.
 * Checks: beta_cdf(2, 3, 0.5) = 0.6875, beta_quantile(1, 1, p) = p, beta_quantile(2, 1, p) = sqrt(p). */
#ifndef POLICIES_BETA_INC_H
#define POLICIES_BETA_INC_H

double beta_cdf(double a, double b, double x);

/* The x with beta_cdf(a, b, x) = p. Near 1 a tail is sharper: 1 - beta_quantile(b, a, 1 - p). */
double beta_quantile(double a, double b, double p);

#endif
