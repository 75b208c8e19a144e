/* elementary.h - exp and log from additions, products and quotients alone.
 *
 * IEEE 754 rounds + - * / and sqrt alike on every machine, so these give the same bits everywhere and in every SIMD
 * lane (law 4), which a libm does not: its exp and log may use fused multiply-add where a processor has it.
 * Each is a range reduction and a Taylor series, without a branch or a table. Within 1 ulp (exp, log; tests/test_elementary.c against long double).
 * Domains are the caller's duty and said beside each.
 * Checks: elementary_exp(1) = 2.718281828459045, elementary_log(10) = 2.302585092994046. */
#ifndef CORE_ELEMENTARY_H
#define CORE_ELEMENTARY_H

#ifdef __SSE2__
#include <emmintrin.h>
#endif
#include <math.h>

#include "core/logarithm.h"
#include "core/log_table.h"

/* The smaller and the larger of two numbers, neither a NaN: one instruction, where fmin and fmax are calls. */
static inline double elementary_min(double a, double b) { return a < b ? a : b; }
static inline double elementary_max(double a, double b) { return a > b ? a : b; }

/* Two numbers in one SSE2 or NEON register: what they are computed for, they share. */
typedef double elementary_two __attribute__((vector_size(16)));
typedef uint64_t elementary_two_bits __attribute__((vector_size(16)));

/* Both roots for the price of one. */
static inline elementary_two elementary_sqrt_two(elementary_two x) {
#ifdef __SSE2__
    return (elementary_two)_mm_sqrt_pd((__m128d)x);
#else
    return (elementary_two){sqrt(x[0]), sqrt(x[1])};
#endif
}

/* Four, in one AVX2 register where a function is compiled for it, else in two: the same bits. */
typedef double elementary_four __attribute__((vector_size(32)));
typedef uint64_t elementary_four_bits __attribute__((vector_size(32)));

/* e^x of two or four numbers in [-700, 700]. x = n ln 2 + r with |r| <= ln(2)/2, then 2^n sum r^k / k!. */
#define ELEMENTARY_EXP(x, lanes, lanes_bits) do { \
    const double whole = 0x1.8p52; /* adding it leaves the nearest whole number in the low bits */ \
    lanes shifted = x * 0x1.71547652b82fep0 + whole, n = shifted - whole; \
    lanes high = x - n * 0x1.62e42fefa3800p-1, low = n * 0x1.ef35793c76730p-45; /* ln 2 in two parts, n times the first exact */ \
    lanes r = high - low, q = r * r, q2 = q * q, q4 = q2 * q2; \
    lanes even = (1.0 / 2 + q * (1.0 / 24)) + q2 * (1.0 / 720 + q * (1.0 / 40320)) + q4 * (1.0 / 3628800 + q * (1.0 / 479001600)); \
    lanes odd = (1.0 / 6 + q * (1.0 / 120)) + q2 * (1.0 / 5040 + q * (1.0 / 362880)) + q4 * (1.0 / 39916800 + q * (1.0 / 6227020800)); \
    lanes one = 1 + r, lost = r - (one - 1) + ((high - r) - low); /* what two roundings lose, so that the last one is all that counts */ \
    lanes series = one + (lost + q * (even + r * odd)); \
    x = (lanes)((lanes_bits)series + ((lanes_bits)shifted << 52)); /* its exponent plus n */ \
} while (0)

static inline elementary_two elementary_exp_two(elementary_two x) {
    ELEMENTARY_EXP(x, elementary_two, elementary_two_bits);
    return x;
}

/* Four by four, in place: a call that hands them over by value would depend on the processor. The larger of two, neither a NaN. */
static inline __attribute__((always_inline)) void elementary_max_four(elementary_four *x, const elementary_four *y) {
    elementary_four_bits more = (elementary_four_bits)(*x > *y);
    *x = (elementary_four)(((elementary_four_bits)*x & more) | ((elementary_four_bits)*y & ~more));
}

static inline __attribute__((always_inline)) void elementary_exp_four(elementary_four *in) {
    elementary_four x = *in;
    ELEMENTARY_EXP(x, elementary_four, elementary_four_bits);
    *in = x;
}

/* e^x for x <= 700; what is below -700 counts as -700 (1e-304). */
static inline double elementary_exp(double x) {
    double y = elementary_max(x, -700);
    return elementary_exp_two((elementary_two){y, y})[0];
}

/* ln(n + 1) from ln n, of whole n >= 1 counted upwards: 2 (z + z^3/3 + z^5/5 + ...), z = 1 / (2n + 1), and from the
 * start again every 64 counts, so that roundings do not add up: within 32 ulp. A third of the work of elementary_log. */
static inline double elementary_log_after(double log_n, double n) {
    if (n < 16 || ((uint64_t)(int64_t)n & 63) == 0) return elementary_log(n + 1);
    double z = 1 / (2 * n + 1), q = z * z;
    return log_n + 2 * z * (1 + q * (1.0 / 3 + q * (1.0 / 5 + q * (1.0 / 7 + q * (1.0 / 9)))));
}

/* The same, where the small ones are kept. */
static inline double elementary_log_next(double log_n, double n) {
    if (n < LOGARITHMS) return logarithms[(int)n];
    return elementary_log_after(log_n, n);
}

#endif
