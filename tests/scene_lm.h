/* scene_lm.h - a target from tests/golden/tiny-hf, its tokenizer, and drafters that run models, ready to decode: on the CPU, or on the
 * backend that the environment variable SCENE_BACKEND names. */
#ifndef TESTS_SCENE_LM_H
#define TESTS_SCENE_LM_H

#include "tests/run_command.h"

#include "core/round.h"
#include "core/tokenizer_model.h"

enum { SCENE_DRAFTERS = 8 };

struct scene_lm {
    struct model model;
    struct tokenizer tokenizer;
    struct engine *engine;
    struct sampler sampler;
    struct drafter drafters[SCENE_DRAFTERS];
    struct decoder decoder;
    int D;
};

static inline void scene_lm_open(struct scene_lm *s, const char *path, int threads, double temperature, const char *const *specs) {
    struct err err = {""};
    memset(s, 0, sizeof *s);
    for (; specs[s->D]; s->D++)
        if (drafter_open(&s->drafters[s->D], specs[s->D], &err)) fail_msg("%s", err.text);
    if (model_open(&s->model, path, NULL, &err) || tokenizer_open_model(&s->tokenizer, &s->model, &err)
        || engine_open(&s->engine, &s->model, &(struct engine_options){.backend = getenv("SCENE_BACKEND"), .threads = threads, .max_context = 160}, &err)
        || sampler_open(&s->sampler, temperature, 5, s->engine, &err)
        || decoder_open(&s->decoder, s->engine, &s->tokenizer, s->drafters, s->D, &s->sampler, true, &err)) fail_msg("%s", err.text);
}

static inline void scene_lm_close(struct scene_lm *s) {
    decoder_close(&s->decoder);
    for (int i = 0; i < s->D; i++) drafter_close(&s->drafters[i]);
    sampler_close(&s->sampler);
    engine_close(s->engine);
    tokenizer_close(&s->tokenizer);
    model_close(&s->model);
}

static inline void scene_lm_start(struct scene_lm *s, const int *prompt, int n, int max_new) {
    struct err err = {""};
    int64_t ns;
    if (decoder_start(&s->decoder, prompt, n, max_new, 7, &ns, &err)) fail_msg("%s", err.text);
}

/* Rounds with the drafters in turn, plain decoding among them, and with draft lengths that change; the text goes to `text`
 * (max_new). Returns the number of accepted tokens. */
static inline int scene_lm_decode(struct scene_lm *s, const int *prompt, int n, int max_new, bool plain, int *text) {
    struct err err = {""};
    struct round r;
    int accepted = 0;
    scene_lm_start(s, prompt, n, max_new);
    for (int i = 0; !s->decoder.done; i++) {
        if (decoder_round(&s->decoder, plain ? -1 : i % (s->D + 1) - 1, 1 + i % 6, &r, &err)) fail_msg("%s", err.text);
        accepted += r.accepted;
    }
    memcpy(text, s->decoder.history.at + n, (size_t)max_new * sizeof *text);
    return accepted;
}

#endif
