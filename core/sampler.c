/* sampler.c - see sampler.h. */
#include "core/sampler.h"

#include "core/noise.h"

int sampler_open(struct sampler *s, double temperature, uint64_t noise_seed, struct engine *e, struct err *err) {
    *s = (struct sampler){temperature, noise_seed, engine_choices(e, (size_t)engine_max_rows(e), "chosen tokens", err)};
    return s->choices ? 0 : -1;
}

void sampler_close(struct sampler *s) { s->choices = NULL; }

void sampler_choose(const struct sampler *s, struct engine *e, const struct place *at, bool signals, struct choice *to) {
    engine_choose(e, &(struct choosing){.temperature = s->temperature, .seed = s->noise_seed, .at = at, .signals = signals}, to);
}

int sampler_pick_at(struct sampler *s, struct engine *e, const struct place *at, int *token, float *margin) {
    const int n = engine_wanted(e);
    struct choice read[n + 1];
    sampler_choose(s, e, at, false, s->choices);
    engine_read(e, read, s->choices, n);
    for (int i = 0; i < n; i++) token[i] = read[i].token, margin[i] = read[i].margin;
    return n;
}

int sampler_pick(struct sampler *s, struct engine *e, uint32_t sequence, int pos, int *token, float *margin) {
    struct place at[engine_max_rows(e)];
    for (int i = 0, n = engine_wanted(e); i < n; i++) at[i] = (struct place){sequence, pos + i};
    return sampler_pick_at(s, e, at, token, margin);
}

int sampler_row(const struct sampler *s, const float *logits, const int *ids, int n, uint32_t sequence, int pos, float *margin) {
    const int winner = noise_row(logits, ids, n, s->temperature, s->noise_seed, sequence, pos, margin);
    return ids ? ids[winner] : winner;
}
