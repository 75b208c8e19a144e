/* experts.c - see experts.h. */
#include "policies/experts.h"

size_t experts_size(const struct problem *p) {
    return cost_size(p) + sizeof(struct experts) + 4 * (size_t)p->K * sizeof(double);
}

static bool expert(const struct problem *p, double over, int i) {
    const struct arm *arm = &p->arms[i];
    if (arm->stop.rule) return false;
    return over == OVER_ARM || (arm->gamma && chain_arm(p, arm->drafter, arm->gamma) == i && chain_arm(p, arm->drafter, p->L) == i);
}

void experts_init(void *state, const struct problem *p, double over) {
    struct experts *s = experts_of(state, p);
    for (int i = 0; i < p->K; i++)
        if (expert(p, over, i)) s->each[(int)s->N++] = i;
    if (!s->N) for (int i = 0; i < p->K; i++) s->each[(int)s->N++] = i;
    for (int e = 0; e < s->N; e++) experts_weight(s, p)[e] = 1 / s->N;
}

void experts_see(void *state, const struct problem *p, double reward, const struct hindsight *h) {
    struct experts *s = experts_of(state, p);
    const struct cost *c = state;
    double sunk = s->rounds > 0 ? s->draft_s / s->rounds : 0;
    bool rate = reward == REWARD_RATE && c->verify.n > 0; // tokens count until there are seconds
    for (int e = 0; e < s->N; e++) {
        const struct arm *arm = &p->arms[(int)s->each[e]];
        int drafted = arm->gamma ? h->proposed[arm->drafter] : 0, accepted = arm->gamma ? h->accepted[arm->drafter] : 0;
        drafted = drafted < 0 ? 0 : drafted > arm->gamma ? arm->gamma : drafted; // -1: was not asked, as good as no draft
        accepted = accepted < 0 ? 0 : accepted > drafted ? drafted : accepted;
        double est = accepted + 1, worth = est / (p->L + 1);
        if (rate) worth = est / fmax(sunk + cost_verify(c, drafted), 1e-9) * s->reward.scale;
        experts_loss(s, p)[e] = 1 - fmin(worth, 1);
    }
    s->n++;
}

int experts_play(void *state, const struct problem *p, double play, struct rng *rng) {
    struct experts *s = experts_of(state, p);
    const double *w = experts_weight(s, p);
    int best = 0;
    if (play == PLAY_SAMPLE) return (int)s->each[rng_pick(rng, w, (int)s->N)];
    for (int e = 1; e < s->N; e++)
        if (w[e] > w[best]) best = e;
    return (int)s->each[best];
}

void experts_update(void *state, const struct problem *p, const struct outcome *o) {
    struct experts *s = experts_of(state, p);
    const struct cost *c = state;
    reward_raw(&s->reward, p, REWARD_RATE, o);
    if (c->rounds > 0) { // the first round is cold
        s->rounds++;
        s->draft_s += o->draft_s;
    }
    cost_update(state, p, o);
}
