/* world.c - where a draft ends: what every world does alike. */
#include "sim/world.h"

bool world_last(const struct world *w, const struct arm *arm, const struct stop_state *stops, int depth, float top_prob, float entropy) {
    const struct drafted x = {.arm = (int)(arm - (w->agent ? w->agent->problem.arms : arm)), .depth = depth, .top_prob = top_prob, .entropy = entropy};
    if (arm->stop.rule && stop_after(&arm->stop, &stops[arm->stop.slot], top_prob, entropy)) return true;
    return w->agent && !agent_deepen(w->agent, &x);
}

int world_stopped(const struct world *w, const struct arm *arm, const struct stop_state *stops, const float *signal, int n, int gamma) {
    for (int k = 0; k < n && k + 1 < gamma; k++) // the last token asked for ends the draft by itself
        if (world_last(w, arm, stops, k + 1, signal[2 * k], signal[2 * k + 1])) return k + 1;
    return n;
}

static void put_lane(struct outcome_lanes *o, int l, const struct outcome *x) {
    o->gamma[l] = x->gamma, o->proposed[l] = x->proposed, o->accepted[l] = x->accepted, o->emitted[l] = x->emitted, o->nodes[l] = x->nodes;
    o->draft_s[l] = x->draft_s, o->verify_s[l] = x->verify_s;
}

int world_each_round(struct world_four *f, const struct arm *arms, struct err *err) {
    f->ended = 0;
    for (int l = 0; l < POLICY_LANES; l++) {
        struct outcome x = {.arm = f->policy.o.arm[l]};
        if (!(f->plays >> l & 1)) continue;
        int rc = f->world[l]->type->round(f->world[l], &arms[x.arm], &x, err);
        if (rc) return rc;
        put_lane(&f->policy.o, l, &x);
        f->ended |= (unsigned)f->world[l]->done << l;
    }
    return 0;
}
