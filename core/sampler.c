/* sampler.c - see sampler.h. */
#include "core/sampler.h"

#include <Random123/philox.h>
#include <math.h>

#include "core/mem.h"

enum { NOISE_STREAM = 0x6e6f6973 }; // "nois": no policy's stream shares the counter space

int sampler_open(struct sampler *s, double temperature, uint64_t noise_seed, const struct engine *e, struct err *err) {
    *s = (struct sampler){temperature, noise_seed, NULL};
    if (temperature <= 0) return 0;
    s->logits = mem_alloc((size_t)engine_max_rows(e) * (size_t)engine_model(e)->vocab, sizeof *s->logits, "logits", err);
    return s->logits ? 0 : -1;
}

void sampler_close(struct sampler *s) {
    mem_free(s->logits);
    s->logits = NULL;
}

/* The uniform of one token: 52 bits, never 0 or 1. */
static double uniform(const struct sampler *s, uint32_t sequence, int pos, int token) {
    philox4x32_ctr_t at = {{(uint32_t)token, (uint32_t)pos, sequence, NOISE_STREAM}};
    philox4x32_key_t key = {{(uint32_t)s->noise_seed, (uint32_t)(s->noise_seed >> 32)}};
    philox4x32_ctr_t out = philox4x32(at, key);
    return ((double)(((uint64_t)out.v[0] << 32 | out.v[1]) >> 12) + 0.5) * 0x1p-52;
}

static double gumbel(double u) { return -log(-log(u)); }

int sampler_row(const struct sampler *s, const float *logits, const int *ids, int n, uint32_t sequence, int pos, float *margin) {
    const double scale = 1 / s->temperature, far = 10, rare = exp(-exp(-far)); // gumbel(u) > far only when u > rare
    double best = -INFINITY, second = -INFINITY;
    int winner = 0;
    for (int v = 0; v < n; v++) {
        double u = uniform(s, sequence, pos, ids ? ids[v] : v), logit = logits[v] * scale;
        if (u <= rare && logit + far <= second) continue; // cannot even become second: spares two logarithms
        double score = logit + gumbel(u);
        if (score > best) {
            second = best, best = score, winner = v;
        } else if (score > second) {
            second = score;
        }
    }
    *margin = (float)(best - second);
    return ids ? ids[winner] : winner;
}

struct picking {
    const struct sampler *s;
    const int *ids;
    int outputs;
    const struct place *at;
    int *token;
    float *margin;
};

static void pick_row(void *user, int i, int worker) {
    const struct picking *p = user;
    (void)worker;
    p->token[i] = sampler_row(p->s, p->s->logits + (size_t)i * p->outputs, p->ids, p->outputs, p->at[i].sequence, p->at[i].pos, &p->margin[i]);
}

int sampler_pick_at(struct sampler *s, struct engine *e, const struct place *at, int *token, float *margin) {
    if (s->temperature <= 0) {
        int ids[2 * engine_max_rows(e)];
        float values[2 * engine_max_rows(e)];
        int n = engine_top(e, 2, ids, values);
        for (int i = 0; i < n; i++) token[i] = ids[2 * i], margin[i] = values[2 * i] - values[2 * i + 1];
        return n;
    }
    int n = engine_logits(e, s->logits);
    struct picking p = {s, engine_output_ids(e), engine_outputs(e), at, token, margin};
    engine_each(e, n, pick_row, &p);
    return n;
}

int sampler_pick_tree(struct sampler *s, struct engine *e, uint32_t sequence, int pos, const int *depth, int *token, float *margin) {
    struct place at[engine_max_rows(e)];
    for (int i = 0, n = engine_wanted(e); i < n; i++) at[i] = (struct place){sequence, pos + (depth ? depth[i] : i)};
    return sampler_pick_at(s, e, at, token, margin);
}

int sampler_pick(struct sampler *s, struct engine *e, uint32_t sequence, int pos, int *token, float *margin) {
    return sampler_pick_tree(s, e, sequence, pos, NULL, token, margin);
}
