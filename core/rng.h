/* rng.h - counter-based randomness (Philox4x32-10 of Random123).
 *
 * Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011. A stream is a
 * value: (seed, stream, sequence, round) and the number of draws taken. Nothing else
 * is state, so results do not depend on threads, shards or the order of runs. */
#ifndef CORE_RNG_H
#define CORE_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng {
    uint64_t seed;
    uint32_t stream, sequence, round; // stream: whose randomness (rng_stream of a policy's text)
    uint32_t draw;                    // 32-bit words taken so far
    uint32_t block[4];                // the Philox block that `draw` points into
    const double *given;              // a published sequence instead (NULL: Philox)
    size_t given_n, given_at;
};

/* The generator at the start of one round. */
static inline struct rng rng_at(uint64_t seed, uint32_t stream, uint32_t sequence, uint32_t round) {
    return (struct rng){.seed = seed, .stream = stream, .sequence = sequence, .round = round};
}

/* A stream number from a text (FNV-1a, 32 bits). */
uint32_t rng_stream(const char *text);

uint32_t rng_u32(struct rng *r);
uint64_t rng_u64(struct rng *r);                            // two words, the first one high
double rng_uniform(struct rng *r);                          // [0, 1), 53 bits; two words
int rng_below(struct rng *r, int n);                        // 0..n-1 from one uniform
int rng_pick(struct rng *r, const double *p, int n);        // inverse CDF over p (n), one uniform
int rng_pick_upto(struct rng *r, const double *upto, int n); // the same over weights above or equal 0 by their running sums (n), the last above 0
double rng_normal(struct rng *r);                           // ziggurat of Marsaglia & Tsang 2000, two words and seldom more
double rng_gamma(struct rng *r, double shape);              // Marsaglia & Tsang 2000, scale 1
double rng_beta(struct rng *r, double a, double b);         // X / (X + Y) of two gammas

/* The shape of a gamma with what its draws need, kept by whoever draws it often. */
struct rng_shape {
    double d, c;  // shape - 1/3, 1 / sqrt(9 d)
    double below; // the shape where it is under 1 (d and c are then those of shape + 1), else 0
};

struct rng_shape rng_shape(double shape);                   // above 0
double rng_gamma_of(struct rng *r, const struct rng_shape *shape);
double rng_beta_of(struct rng *r, const struct rng_shape *a, const struct rng_shape *b);

/* x[i] = rng_beta(r, a[i], b[i]) for i < n, in that order and to the bit: up to four at a time where the processor has AVX2. */
void rng_beta_each(struct rng *r, const double *a, const double *b, double *x, int n);

/* x[i] ~ Beta(s[2i], s[2i+1]) for i < n: a whole block for each, worked out four at a time where the processor has AVX2, and
 * more where a draw needs it. The same on every machine; another use of the stream than n calls of rng_beta_of. */
void rng_betas(struct rng *r, const struct rng_shape *s, double *x, int n);

/* Generators of four episodes of one policy, each at the start of its round, side by side. */
struct rng_four {
    uint64_t seed[4], sequence[4], round[4]; // the last two below 2^32
    uint32_t stream;
};
void rng_uniform_four(const struct rng_four *r, double u[4]); // the first rng_uniform of each

struct rng_shape_four { // struct rng_shape of each
    double d[4], c[4], below[4];
};
void rng_betas_four(const struct rng_four *r, const struct rng_shape_four *s, double (*x)[4], int n); // rng_betas of each, from its first word on: s (2n), x (n)

#endif
