/* batch_live.h - a batch decoded by the engine: one decoder a slot, one pass for all of them. */
#ifndef SIM_BATCH_LIVE_H
#define SIM_BATCH_LIVE_H

#include "sim/batch.h"
#include "sim/world_live.h"

struct batch_live {
    struct batch_world world;   // first: a struct batch_world * is a struct batch_live *
    struct world_live *live;    // (B), owned
    struct live_turn *turns;    // (B), owned
};

/* decoders (B) sit in slots of one engine; prompts (requests) in the order in which they are taken. Both are borrowed. */
int batch_live_open(struct batch_live *w, struct decoder *const *decoders, int B, const struct live_prompt *prompts, int max_new, struct err *err);
void batch_live_close(struct batch_live *w);

#endif
