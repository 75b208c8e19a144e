/* episode.c - see episode.h. Nothing here allocates; a round of a recorded trace costs tens
 * of nanoseconds on top of the policy's own arithmetic. */
#include "sim/episode.h"

#include <string.h>

enum { EPISODE_DRAFTERS = 4096 }; // a table has a drafter a column

static int arm_out_of_range(const struct agent *a, int arm, int round, struct err *err) {
    return err_set(err, "policy '%s' chose arm %d in round %d, expected 0 to %d", a->spec, arm, round, a->problem.K - 1);
}

static int uniforms_gone(const struct agent *a, int round, size_t n, struct err *err) {
    return err_set(err, "policy '%s' needs more than the %zu uniforms given, in round %d", a->spec, n, round);
}

/* Rounds whose drafts the text has not yet judged: POLICY_ALL. */
struct pending {
    int n, at[ARM_GAMMA_MAX + 2], round[ARM_GAMMA_MAX + 2]; // oldest first: each round emits a token, so L + 1 of them at most
};

/* Those that the text has passed by L tokens are told, in order. */
static void tell(struct world *w, struct agent *a, struct pending *p, int *proposed, int *accepted) {
    int told = 0;
    for (; told < p->n && p->at[told] + a->problem.L <= w->pos; told++) {
        w->type->hindsight(w, p->at[told], p->round[told], proposed, accepted);
        const struct hindsight h = {p->at[told], proposed, accepted};
        a->policy->learn_all(a->state, &a->problem, a->param, &h);
    }
    p->n -= told;
    memmove(p->at, p->at + told, (size_t)p->n * sizeof *p->at);
    memmove(p->round, p->round + told, (size_t)p->n * sizeof *p->round);
}

static int look(struct world *w, struct view *v, struct err *err) {
    *v = (struct view){.pos = w->pos, .prompt_tokens = w->prompt_tokens, .max_new = w->max_new, .batch = 1};
    return w->asks && w->type->look ? w->type->look(w, v, err) : 0;
}

int episode_run(struct world *w, struct agent *a, uint64_t seed, int q, uint32_t ordinal,
                const double *given, size_t given_n,
                const struct episode_watch *watch, struct episode_total *total, struct err *err) {
    w->asks = a->policy->flags & WORLD_ASKS, w->L = a->problem.L, w->agent = a->policy->deepen ? a : NULL;
    int rc = w->type->start(w, q, err), judged[2][EPISODE_DRAFTERS];
    if (rc) return rc;
    const bool all = w->asks & (POLICY_ALL | POLICY_PEEK) && a->policy->learn_all, sees = w->asks || a->policy->select_seeing;
    if (all && (!w->type->hindsight || a->problem.D > EPISODE_DRAFTERS))
        return err_set(err, "policy '%s' learns from all drafters, which %s cannot tell it of %d", a->spec, w->type->name, a->problem.D);
    struct episode_total sum = {0};
    struct pending pending = {.n = 0};
    struct view view = {.batch = 1};
    size_t given_at = 0;
    for (struct step s = {0}; !w->done; s.round++) {
        struct rng rng = rng_at(seed, a->stream, ordinal, (uint32_t)s.round);
        if (given) {
            if (given_at == given_n && a->policy->flags & POLICY_RANDOM) return uniforms_gone(a, s.round, given_n, err);
            rng.given = given, rng.given_n = given_n, rng.given_at = given_at;
        }
        if (sees && (rc = look(w, &view, err))) return rc;
        int arm = agent_choose(a, &view, &rng);
        given_at = rng.given_at;
        if (arm < 0 || arm >= a->problem.K) return arm_out_of_range(a, arm, s.round, err);

        s.pos = w->pos;
        s.outcome.arm = arm;
        if (all) pending.at[pending.n] = s.pos, pending.round[pending.n++] = s.round;
        if ((rc = w->type->round(w, &a->problem.arms[arm], &s.outcome, err))) return rc;
        if (!w->done) agent_update(a, &s.outcome); // the round that ends a sequence is not fed back
        if (!w->done && all) tell(w, a, &pending, judged[0], judged[1]);

        sum.rounds++;
        sum.proposed += s.outcome.proposed;
        sum.accepted += s.outcome.accepted;
        sum.emitted += s.outcome.emitted;
        sum.draft_s += s.outcome.draft_s;
        sum.verify_s += s.outcome.verify_s;
        sum.seconds += s.outcome.draft_s + s.outcome.verify_s;
        if (watch && (rc = watch->step(watch->user, &s, err))) return rc;
    }
    total->rounds += sum.rounds;
    total->proposed += sum.proposed;
    total->accepted += sum.accepted;
    total->emitted += sum.emitted;
    total->draft_s += sum.draft_s;
    total->verify_s += sum.verify_s;
    total->seconds += sum.seconds;
    return 0;
}
