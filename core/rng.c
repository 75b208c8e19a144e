/* rng.c - see rng.h. */
#include "core/rng.h"

#include <Random123/philox.h>
#include <math.h>

struct rng rng_at(uint64_t seed, uint32_t stream, uint32_t sequence, uint32_t round) {
    return (struct rng){.seed = seed, .stream = stream, .sequence = sequence, .round = round};
}

uint32_t rng_stream(const char *text) {
    uint32_t hash = 2166136261u; // FNV-1a, 32 bits: offset basis and prime
    for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 16777619u;
    return hash;
}

uint32_t rng_u32(struct rng *r) {
    if (r->draw % 4 == 0) {
        philox4x32_ctr_t at = {{r->draw / 4, r->round, r->sequence, r->stream}};
        philox4x32_key_t key = {{(uint32_t)r->seed, (uint32_t)(r->seed >> 32)}};
        philox4x32_ctr_t out = philox4x32(at, key);
        for (int i = 0; i < 4; i++) r->block[i] = out.v[i];
    }
    return r->block[r->draw++ % 4];
}

double rng_uniform(struct rng *r) {
    if (r->given) return r->given_at < r->given_n ? r->given[r->given_at++] : 0;
    uint64_t high = rng_u32(r), low = rng_u32(r);
    return (double)((high << 32 | low) >> 11) * 0x1p-53;
}

int rng_below(struct rng *r, int n) {
    int i = (int)(rng_uniform(r) * n);
    return i < n ? i : n - 1;
}

int rng_pick(struct rng *r, const double *p, int n) {
    double u = rng_uniform(r), sum = 0;
    int last = n - 1;
    while (last > 0 && !(p[last] > 0)) last--; // rounding never selects what has no mass
    for (int i = 0; i < last; i++) {
        sum += p[i];
        if (u < sum) return i;
    }
    return last;
}

double rng_normal(struct rng *r) {
    double u = rng_uniform(r), v = rng_uniform(r);
    return sqrt(-2 * log1p(-u)) * cos(2 * 3.14159265358979323846 * v);
}

double rng_gamma(struct rng *r, double shape) {
    double boost = 1;
    if (shape < 1) { // Marsaglia & Tsang, section 6: Gamma(a) = Gamma(a + 1) U^(1/a)
        boost = pow(1 - rng_uniform(r), 1 / shape);
        shape += 1;
    }
    double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        double x = rng_normal(r), v = 1 + c * x;
        if (v <= 0) continue;
        v = v * v * v;
        if (log1p(-rng_uniform(r)) < 0.5 * x * x + d - d * v + d * log(v)) return boost * d * v;
    }
}

double rng_beta(struct rng *r, double a, double b) {
    double x = rng_gamma(r, a), y = rng_gamma(r, b);
    return x + y > 0 ? x / (x + y) : 0.5;
}
