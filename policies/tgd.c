/* tgd.c - see tgd.h. */
#include "policies/tgd.h"

#include <math.h>

double tgd_mean_inverse(int gamma, double mean) {
    double low = 0, high = 1;
    if (mean <= 1) return 0;
    if (mean >= gamma + 1) return 1;
    for (int i = 0; i < 60; i++) { // halving [0, 1] to the last bit of a double near 1
        double middle = (low + high) / 2;
        if (tgd_mean(gamma, middle) < mean) low = middle;
        else high = middle;
    }
    return (low + high) / 2;
}

/* x ln(x/y), with 0 ln 0 = 0. */
static double term(double x, double y) { return x > 0 ? x * log(x / y) : 0; }

double tgd_kl(int gamma, double p, double q) {
    return tgd_mean(gamma - 1, p) * (term(p, q) + term(1 - p, 1 - q));
}
