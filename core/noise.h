/* noise.h - Gumbel noise fixed by (seed, sequence, position, token), on the host and on a device.
 *
 * A token of score logit / T + G, G = -ln(-ln u), is an exact sample of softmax(logits / T) where it is the largest. u of 52 bits comes from
 * Philox4x32-10 (Salmon et al., SC 2011) at (token, position, sequence, "nois"): no policy's stream shares the counter space.
 * Check: Philox at zeros is 6627e8d5 e169c58d bc57ac4c 9b00dbd8 (Random123's known answers). */
#ifndef CORE_NOISE_H
#define CORE_NOISE_H

#include <math.h>

#include "core/logarithm.h"

/* Ten rounds over the counter c (4). */
ON_BOTH void noise_philox(uint32_t *c, uint32_t k0, uint32_t k1) {
    for (int i = 0; i < 10; i++, k0 += 0x9e3779b9u, k1 += 0xbb67ae85u) {
        const uint64_t x = (uint64_t)0xd2511f53u * c[0], y = (uint64_t)0xcd9e8d57u * c[2];
        c[0] = (uint32_t)(y >> 32) ^ c[1] ^ k0, c[2] = (uint32_t)(x >> 32) ^ c[3] ^ k1;
        c[1] = (uint32_t)y, c[3] = (uint32_t)x;
    }
}

/* Never 0 or 1. */
ON_BOTH double noise_uniform(uint64_t seed, uint32_t sequence, int pos, int token) {
    uint32_t c[4] = {(uint32_t)token, (uint32_t)pos, sequence, 0x6e6f6973};
    noise_philox(c, (uint32_t)seed, (uint32_t)(seed >> 32));
    return ((double)(((uint64_t)c[0] << 32 | c[1]) >> 12) + 0.5) * 0x1p-52;
}

ON_BOTH double noise_gumbel(double u) { return -elementary_log(-elementary_log(u)); }

/* G exceeds NOISE_FAR only where u exceeds NOISE_RARE, with room for rounding: G(0.9999546) = 9.99997. Most tokens need no logarithm. */
#define NOISE_FAR 10.0
#define NOISE_RARE 0.9999546

/* The column with the largest score of n logits, of tokens ids[0..n) (null: 0..n - 1), the first of equals; margin: its score less the
 * second's. What cannot even become second is spared its logarithms. */
static inline int noise_row(const float *logits, const int *ids, int n, double temperature, uint64_t seed, uint32_t sequence, int pos, float *margin) {
    const double scale = 1 / temperature;
    double best = -INFINITY, second = -INFINITY;
    int winner = 0;
    for (int v = 0; v < n; v++) {
        const double u = noise_uniform(seed, sequence, pos, ids ? ids[v] : v), logit = logits[v] * scale;
        if (u <= NOISE_RARE && logit + NOISE_FAR <= second) continue;
        const double score = logit + noise_gumbel(u);
        if (score > best) second = best, best = score, winner = v;
        else if (score > second) second = score;
    }
    *margin = (float)(best - second);
    return winner;
}

#endif
