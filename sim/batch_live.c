/* batch_live.c - see batch_live.h. */
#include "sim/batch_live.h"

#include "core/mem.h"

static int live_round(struct batch_world *world, const int *slot, const struct arm *const *arm, int n, struct outcome *o, double *verify_s, struct err *err) {
    struct batch_live *w = (struct batch_live *)world;
    struct decoder *decoders[BATCH_SLOTS] = {NULL};
    struct draft *drafts[BATCH_SLOTS] = {NULL};
    struct round rounds[BATCH_SLOTS];
    int drafters[BATCH_SLOTS] = {0};
    for (int i = 0; i < n; i++) {
        struct live_turn *t = &w->turns[slot[i]];
        if (world_live_draft(&w->live[slot[i]], arm[i], t, err)) return -1;
        decoders[i] = w->live[slot[i]].decoder, drafts[i] = &t->draft, drafters[i] = arm[i]->drafter, rounds[i] = t->round;
    }
    if (decoders_settle(decoders, drafters, drafts, n, rounds, err)) return -1;
    *verify_s = (double)rounds[0].verify_ns / 1e9;
    for (int i = 0; i < n; i++) {
        w->turns[slot[i]].round = rounds[i];
        if (world_live_finish(&w->live[slot[i]], arm[i], &w->turns[slot[i]], &o[i], err)) return -1;
    }
    return 0;
}

static double live_prefill(const struct batch_world *world, int slot) { return (double)((const struct batch_live *)world)->live[slot].prefill_ns / 1e9; }

static const struct batch_world_type type = {"live", live_round, live_prefill};

int batch_live_open(struct batch_live *w, struct decoder *const *decoders, int B, const struct live_prompt *prompts, int max_new, struct err *err) {
    *w = (struct batch_live){.world = {.type = &type, .B = B}};
    if (!(w->live = mem_alloc((size_t)B, sizeof *w->live, "slots", err)) || !(w->turns = mem_alloc((size_t)B, sizeof *w->turns, "slots", err))
        || !(w->world.slot = mem_alloc((size_t)B, sizeof *w->world.slot, "slots", err))) {
        batch_live_close(w);
        return -1;
    }
    for (int s = 0; s < B; s++) {
        w->live[s] = world_live(decoders[s], prompts, max_new);
        w->world.slot[s] = &w->live[s].world;
    }
    return 0;
}

void batch_live_close(struct batch_live *w) {
    for (int s = 0; w->live && s < w->world.B; s++) world_live_close(&w->live[s]);
    mem_free(w->live), mem_free(w->turns), mem_free(w->world.slot);
    *w = (struct batch_live){.live = NULL};
}
