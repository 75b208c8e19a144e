/* logarithm.h - elementary.h's logarithm, as C that a CUDA compiler takes as well (gpu/choose.cu): the same bits on both.
 *
 * Products and sums must not be contracted (-ffp-contract=off, -fmad=false). Check: elementary_log(10) = 2.302585092994046. */
#ifndef CORE_LOGARITHM_H
#define CORE_LOGARITHM_H

#include <stdint.h>
#include <string.h>

#ifdef __CUDACC__
#define ON_BOTH static __host__ __device__ inline
#else
#define ON_BOTH static inline
#endif

ON_BOTH uint64_t elementary_bits(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

ON_BOTH double elementary_double(uint64_t bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* ln x for positive normal x. x = 2^e m with m in [sqrt(1/2), sqrt(2)), s = (m-1)/(m+1), ln m = 2 (s + s^3/3 + s^5/5 + ...). */
ON_BOTH double elementary_log(double x) {
    const uint64_t half = 0x3fe6a09e667f3bcd, one = 0x3ff0000000000000, fraction = 0x000fffffffffffff;
    uint64_t bits = elementary_bits(x) + (one - half);
    double m = elementary_double((bits & fraction) + half);
    double e = elementary_double(bits >> 52 | 0x4330000000000000) - (0x1p52 + 1023); // a small whole number as a double
    double f = m - 1, s = f / (2 + f), q = s * s, q2 = q * q;
    double even = 1.0 / 3 + q2 * (1.0 / 7 + q2 * (1.0 / 11 + q2 * (1.0 / 15 + q2 * (1.0 / 19))));
    double odd = 1.0 / 5 + q2 * (1.0 / 9 + q2 * (1.0 / 13 + q2 * (1.0 / 17 + q2 * (1.0 / 21))));
    double tail = q * (even + q * odd); // ln m = 2 s (1 + tail) = f - s (f - 2 tail), since 2 s = f - s f
    return e * 0x1.62e42fefa3800p-1 + (f - (s * (f - 2 * tail) - e * 0x1.ef35793c76730p-45));
}

#endif
