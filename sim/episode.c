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

int seat_start(struct seat *s, struct world *w, struct agent *a, int q, struct err *err) {
    w->asks = a->policy->flags & WORLD_ASKS, w->L = a->problem.L, w->drafters = w->asks ? world_drafters(&a->problem) : 0, w->agent = a->policy->deepen ? a : NULL;
    int rc = w->type->start(w, q, err);
    if (rc) return rc;
    s->world = w, s->agent = a, s->pending.n = 0;
    s->all = w->asks & (POLICY_ALL | POLICY_PEEK) && a->policy->learn_all, s->sees = w->asks || a->policy->select_seeing || a->policy->share;
    if (s->all && (!w->type->hindsight || a->problem.D > EPISODE_DRAFTERS))
        return err_set(err, "policy '%s' learns from all drafters, which %s cannot tell it of %d", a->spec, w->type->name, a->problem.D);
    return 0;
}

int seat_look(struct seat *s, int batch, struct err *err) {
    struct world *w = s->world;
    if (!s->sees) return 0;
    s->view = (struct view){.pos = w->pos, .prompt_tokens = w->prompt_tokens, .max_new = w->max_new, .batch = batch};
    return w->asks && w->type->look ? w->type->look(w, &s->view, err) : 0;
}

void seat_choose(struct seat *s, int round) {
    if (s->all) s->pending.at[s->pending.n] = s->world->pos, s->pending.round[s->pending.n++] = round;
}

/* Rounds that the text has passed by L tokens are told, in order. */
static void tell(struct seat *s) {
    struct world *w = s->world;
    const struct agent *a = s->agent;
    int told = 0, proposed[EPISODE_DRAFTERS], accepted[EPISODE_DRAFTERS];
    for (; told < s->pending.n && s->pending.at[told] + a->problem.L <= w->pos; told++) {
        w->type->hindsight(w, s->pending.at[told], s->pending.round[told], proposed, accepted);
        const struct hindsight h = {s->pending.at[told], proposed, accepted};
        a->policy->learn_all(a->state, &a->problem, a->param, &h);
    }
    s->pending.n -= told;
    memmove(s->pending.at, s->pending.at + told, (size_t)s->pending.n * sizeof *s->pending.at);
    memmove(s->pending.round, s->pending.round + told, (size_t)s->pending.n * sizeof *s->pending.round);
}

void seat_learn(struct seat *s, const struct outcome *o) {
    agent_update(s->agent, o);
    if (s->all) tell(s);
}

int episode_run(struct world *w, struct agent *a, uint64_t seed, int q, uint32_t ordinal,
                const double *given, size_t given_n,
                const struct episode_watch *watch, struct episode_total *total, struct err *err) {
    struct seat seat;
    int rc = seat_start(&seat, w, a, q, err);
    if (rc) return rc;
    struct episode_total sum = {0};
    size_t given_at = 0;
    seat.view = (struct view){.batch = 1};
    for (struct step s = {.sequence = q}; !w->done; s.round++) {
        struct rng rng = rng_at(seed, a->stream, ordinal, (uint32_t)s.round);
        if (given) {
            if (given_at == given_n && a->policy->flags & POLICY_RANDOM) return uniforms_gone(a, s.round, given_n, err);
            rng.given = given, rng.given_n = given_n, rng.given_at = given_at;
        }
        if ((rc = seat_look(&seat, 1, err))) return rc;
        int arm = agent_choose(a, &seat.view, &rng);
        given_at = rng.given_at;
        if (arm < 0 || arm >= a->problem.K) return arm_out_of_range(a, arm, s.round, err);

        s.pos = w->pos;
        s.outcome.arm = arm;
        seat_choose(&seat, s.round);
        if ((rc = w->type->round(w, &a->problem.arms[arm], &s.outcome, err))) return rc;
        if (!w->done) seat_learn(&seat, &s.outcome); // the round that ends a sequence is not fed back

        sum.rounds++;
        sum.proposed += s.outcome.proposed;
        sum.accepted += s.outcome.accepted;
        sum.emitted += s.outcome.emitted;
        sum.draft_s += s.outcome.draft_s;
        sum.verify_s += s.outcome.verify_s;
        sum.seconds += s.outcome.draft_s + s.outcome.verify_s;
        if (watch && watch->pulls) episode_pull(watch->pulls, s.round, arm);
        if (watch && watch->step && (rc = watch->step(watch->user, &s, err))) return rc;
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
