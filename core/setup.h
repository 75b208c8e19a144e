/* setup.h - what record and live share: the target, its tokenizer and template, the drafters and
 * the decoder, from one set of options. */
#ifndef CORE_SETUP_H
#define CORE_SETUP_H

#include "core/chat.h"
#include "core/opt.h"
#include "core/round.h"

enum { SETUP_DRAFTERS = 64 };

struct setup_options {
    const char *model, *quantize, *backend, *device, *chat_template;
    struct texts drafters;
    int threads, max_context;
    double temperature;
    uint64_t noise_seed;
    bool ignore_eos;
    int slots, rows; // sequences decoded at once and rows a pass, 0: one, and as many as the engine likes
};

/* The rows of an option table that fill these (11 of them). */
#define SETUP_OPTIONS(o)                                                                              \
    {"model", OPT_TEXT, &(o)->model, "M", "the target: a GGUF file or a Hugging Face directory", .required = true}, \
    {"quantize", OPT_TEXT, &(o)->quantize, "TYPE", "q8_0 or q4_0: float matrices become that when loaded"}, \
    {"drafter", OPT_LIST, &(o)->drafters, "D...", "[name@]kind[=PATH][,key=value...], see banditspec drafters"},     \
    {"backend", OPT_TEXT, &(o)->backend, "NAME", "where the target runs: cpu, or cuda (make GPU=1)"}, \
    {"device", OPT_TEXT, &(o)->device, "N", "which card, as nvidia-smi counts them (default 0)"},     \
    {"threads", OPT_INT, &(o)->threads, "N", "CPU threads, 0 for all cores", 0, 1024},                \
    {"max-context", OPT_INT, &(o)->max_context, "N", "tokens a sequence may hold, 0 for the model's, at most 4096", 0, 1 << 24}, \
    {"temperature", OPT_REAL, &(o)->temperature, "T", "0 decodes greedily", 0, 100},                  \
    {"noise-seed", OPT_U64, &(o)->noise_seed, "S", "seed of the sampling noise"},                     \
    {"template", OPT_TEXT, &(o)->chat_template, "NAME", CHAT_NAMES " instead of the model's own"}, \
    {"ignore-eos", OPT_FLAG, &(o)->ignore_eos, NULL, "go on after an end token"}

struct setup {
    const struct setup_options *options; // borrowed
    struct model model;
    struct tokenizer tokenizer;
    struct chat chat;
    struct engine *engine;
    struct drafter drafters[SETUP_DRAFTERS];
    int D;
    struct sampler sampler;
    struct decoder decoder;
    struct decoder **decoders; // (slots) the first is &decoder
    struct crew *crew;         // the others and their drafters, owned
};

/* Drafters first (cheap to refuse), then the model. */
int setup_open(struct setup *s, const struct setup_options *o, struct err *err);
void setup_close(struct setup *s);

#endif
