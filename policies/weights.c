/* weights.c - see weights.h. */
#include "policies/weights.h"

#include <string.h>

/* The weights w = exp(-eta (S - least S)), their running sums against u times the whole, and p = w / whole: neither a quotient nor a
 * guess at the arm stands between the sums and the choice. Sums are loaded one by one, since one of them was stored just now. */
static inline __attribute__((always_inline)) int draw(struct weights *s, int K, double eta, double u) {
    double *w = weights_drawn(s, K), total = 0, upto = 0, top = s->at[0];
    for (int i = 1; i < K; i++) top = elementary_min(top, s->at[i]);
    for (int i = 0; i < K; i += LANES) {
        const double *S = &s->at[i];
        elementary_four x = {S[0], S[1], S[2], S[3]};
        x = -eta * (x - top);
        elementary_max_four(&x, &(elementary_four){-690, -690, -690, -690});
        elementary_exp_four(&x);
        memcpy(&w[i], &x, sizeof x);
    }
    for (int i = 0; i < K; i++) total += w[i];
    double at = u * total;
    int arm = 0;
    for (int i = 0; i < K - 1; i++) {
        upto += w[i];
        arm += at >= upto;
    }
    for (int i = 0; i < weights_row(K); i++) w[i] /= total;
    return arm;
}

int weights_draw_plain(struct weights *s, int K, double eta, struct rng *rng) { return draw(s, K, eta, rng_uniform(rng)); }

#ifdef __x86_64__
static __attribute__((target("avx2"))) int draw_avx2(struct weights *s, int K, double eta, double u) { return draw(s, K, eta, u); }
#endif

int weights_draw(struct weights *s, int K, double eta, struct rng *rng) {
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2")) return draw_avx2(s, K, eta, rng_uniform(rng));
#endif
    return weights_draw_plain(s, K, eta, rng);
}
