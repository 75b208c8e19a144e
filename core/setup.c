/* setup.c - see setup.h. */
#include "core/setup.h"

#include "core/mem.h"
#include "core/tokenizer_model.h"

#include <string.h>

static int open_drafters(struct setup *s, const struct texts *specs, struct err *err) {
    if (specs->n > SETUP_DRAFTERS) return err_usage(err, "%d drafters, expected at most %d", specs->n, SETUP_DRAFTERS);
    for (int i = 0; i < specs->n; i++) {
        int rc = drafter_open(&s->drafters[s->D], specs->at[i], err);
        if (rc) return rc;
        s->D++;
        for (int j = 0; j < i; j++)
            if (!strcmp(s->drafters[j].name, s->drafters[i].name))
                return err_usage(err, "two drafters are called '%s': name one of them, as in other@%s", s->drafters[i].name, specs->at[i]);
    }
    return 0;
}

/* The decoder of a slot beyond the first, with drafters of its own. */
struct crew {
    struct decoder decoder;
    struct drafter *drafters; // (D)
};

static int open_crew(struct setup *s, int slots, struct err *err) {
    if (!(s->decoders = mem_alloc((size_t)slots, sizeof *s->decoders, "decoders", err))) return -1;
    s->decoders[0] = &s->decoder;
    if (slots > 1 && !(s->crew = mem_alloc((size_t)slots - 1, sizeof *s->crew, "decoders", err))) return -1;
    for (int b = 1; b < slots; b++) {
        struct crew *c = &s->crew[b - 1];
        s->decoders[b] = &c->decoder;
        if (!(c->drafters = mem_alloc((size_t)s->D, sizeof *c->drafters, "drafters", err))) return -1;
        for (int d = 0; d < s->D; d++)
            if (drafter_open_twin(&c->drafters[d], &s->drafters[d], err)) return -1;
        if (decoder_open_slot(&c->decoder, s->engine, b, &s->tokenizer, c->drafters, s->D, &s->sampler, s->options->ignore_eos, err)) return -1;
    }
    return 0;
}

static void close_crew(struct setup *s) {
    for (int b = 1; s->crew && b < s->options->slots; b++) {
        struct crew *c = &s->crew[b - 1];
        decoder_close(&c->decoder);
        for (int d = 0; c->drafters && d < s->D; d++) drafter_close(&c->drafters[d]);
        mem_free(c->drafters);
    }
    mem_free(s->crew), mem_free(s->decoders);
}

int setup_open(struct setup *s, const struct setup_options *o, struct err *err) {
    memset(s, 0, sizeof *s);
    s->options = o;
    int rc = open_drafters(s, &o->drafters, err);
    if (!rc) rc = model_open(&s->model, o->model, o->quantize, err);
    if (!rc) rc = tokenizer_open_model(&s->tokenizer, &s->model, err);
    if (!rc) rc = chat_open(&s->chat, &s->tokenizer, o->chat_template, err);
    if (!rc && s->tokenizer.size > s->model.vocab)
        rc = err_set(err, "'%s' has %d tokens but embeddings for %d", o->model, s->tokenizer.size, s->model.vocab);
    const struct engine_options engine = {.backend = o->backend, .device = o->device, .threads = o->threads, .max_context = o->max_context,
                                          .slots = o->slots, .max_rows = o->rows};
    if (!rc) rc = engine_open(&s->engine, &s->model, &engine, err);
    if (!rc) rc = sampler_open(&s->sampler, o->temperature, o->noise_seed, s->engine, err);
    if (!rc) rc = decoder_open(&s->decoder, s->engine, &s->tokenizer, s->drafters, s->D, &s->sampler, o->ignore_eos, err);
    if (!rc) rc = open_crew(s, o->slots > 1 ? o->slots : 1, err);
    if (rc) setup_close(s);
    return rc;
}

void setup_close(struct setup *s) {
    close_crew(s);
    decoder_close(&s->decoder);
    for (int i = 0; i < s->D; i++) drafter_close(&s->drafters[i]);
    sampler_close(&s->sampler);
    engine_close(s->engine);
    chat_close(&s->chat);
    tokenizer_close(&s->tokenizer);
    model_close(&s->model);
    memset(s, 0, sizeof *s);
}
