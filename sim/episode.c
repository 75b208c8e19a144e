/* episode.c - see episode.h. Nothing here allocates; a round of a recorded trace costs tens
 * of nanoseconds on top of the policy's own arithmetic. */
#include "sim/episode.h"

static int arm_out_of_range(const struct agent *a, int arm, int round, struct err *err) {
    return err_set(err, "policy '%s' chose arm %d in round %d, expected 0 to %d", a->spec, arm, round, a->problem.K - 1);
}

static int uniforms_gone(const struct agent *a, int round, size_t n, struct err *err) {
    return err_set(err, "policy '%s' needs more than the %zu uniforms given, in round %d", a->spec, n, round);
}

int episode_run(struct world *w, struct agent *a, uint64_t seed, int q, uint32_t ordinal,
                const double *given, size_t given_n,
                const struct episode_watch *watch, struct episode_total *total, struct err *err) {
    int rc = w->type->start(w, q, err);
    if (rc) return rc;
    struct episode_total sum = {0};
    size_t given_at = 0;
    for (struct step s = {0}; !w->done; s.round++) {
        struct rng rng = rng_at(seed, a->stream, ordinal, (uint32_t)s.round);
        if (given) {
            if (given_at == given_n && a->policy->flags & POLICY_RANDOM) return uniforms_gone(a, s.round, given_n, err);
            rng.given = given, rng.given_n = given_n, rng.given_at = given_at;
        }
        int arm = agent_select(a, &rng);
        given_at = rng.given_at;
        if (arm < 0 || arm >= a->problem.K) return arm_out_of_range(a, arm, s.round, err);

        s.pos = w->pos;
        s.outcome.arm = arm;
        if ((rc = w->type->round(w, &a->problem.arms[arm], &s.outcome, err))) return rc;
        if (!w->done) agent_update(a, &s.outcome); // the round that ends a sequence is not fed back

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
