/* cost.c - see cost.h. */
#include "policies/cost.h"

#include "core/elementary.h"

static const struct cost_drafter *drafters(const struct cost *c) { return (const struct cost_drafter *)c->each; }

static const struct cost_arm *arms(const struct cost *c, const struct problem *p) {
    return (const struct cost_arm *)(drafters(c) + p->D);
}

size_t cost_size(const struct problem *p) {
    return sizeof(struct cost) + (size_t)p->D * sizeof(struct cost_drafter) + (size_t)p->K * sizeof(struct cost_arm);
}

static double verify_seconds(const struct cost *c, double drafted) {
    double slope = c->verify.sxx > 0 ? c->verify.slope : drafted < c->verify.mean_x ? c->verify.most : 0;
    return c->verify.mean_y + slope * (drafted - c->verify.mean_x);
}

static double predicted_seconds(const struct cost *c, const struct arm *arm) {
    if (arm->gamma == 0) return verify_seconds(c, 0);
    const struct cost_drafter *d = &drafters(c)[arm->drafter];
    double share = d->asked > 0 ? d->share : 1;
    return verify_seconds(c, arm->gamma * share) + arm->gamma * d->token_s;
}

double cost_seconds(const struct cost *c, const struct problem *p, int i, double doubt) {
    const struct cost_arm *arm = &arms(c, p)[i];
    return elementary_max((arm->seconds + (1 - doubt) * predicted_seconds(c, &p->arms[i])) / (arm->n + 1), 1e-12);
}

static void learn_verify(struct cost *c, double drafted, double seconds) {
    c->verify.n++;
    double before = drafted - c->verify.mean_x;
    c->verify.mean_x += before / c->verify.n;
    c->verify.mean_y += (seconds - c->verify.mean_y) / c->verify.n;
    c->verify.sxx += before * (drafted - c->verify.mean_x);
    c->verify.sxy += before * (seconds - c->verify.mean_y);
    c->verify.most = c->verify.mean_y / (1 + c->verify.mean_x);
    if (c->verify.sxx > 0) c->verify.slope = elementary_min(elementary_max(c->verify.sxy / c->verify.sxx, 0), c->verify.most);
}

void cost_update(struct cost *c, const struct problem *p, const struct outcome *o) {
    const struct arm *arm = &p->arms[o->arm];
    struct cost_drafter *d = arm->gamma ? (struct cost_drafter *)c->each + arm->drafter : NULL;
    struct cost_arm *played = (struct cost_arm *)((struct cost_drafter *)c->each + p->D) + o->arm;
    bool warm = c->rounds++ > 0, timed = warm && (!d || d->rounds > 0);
    if (warm) learn_verify(c, outcome_nodes(o), o->verify_s);
    if (timed && (o->gamma == arm->gamma || arm->stop.rule)) { // a rule asks for what it drafts
        played->n++;
        played->seconds += o->draft_s + o->verify_s;
    }
    if (!d) return;
    d->rounds++;
    d->asked += o->gamma;
    d->proposed += outcome_nodes(o);
    if (d->asked > 0) d->share = d->proposed / d->asked;
    if (!timed) return;
    d->timed_asked += o->gamma;
    d->draft_s += o->draft_s;
    if (d->timed_asked > 0) d->token_s = d->draft_s / d->timed_asked;
}

double cost_verify(const struct cost *c, double drafted) { return verify_seconds(c, drafted); }

double cost_token(const struct cost *c, int drafter, int depth) {
    const struct cost_drafter *d = &drafters(c)[drafter];
    return (d->timed_asked > 0 ? d->draft_s / d->timed_asked : 0) + verify_seconds(c, depth) - verify_seconds(c, depth - 1);
}
