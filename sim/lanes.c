/* lanes.c - see lanes.h. */
#include "sim/lanes.h"

#include "core/mem.h"
#include "policies/lanes.h"

enum { GROUPS = LANES_ABREAST / POLICY_LANES };

/* POLICY_LANES episodes in play. */
struct group {
    struct world_four four;   // first
    int task[POLICY_LANES];
    struct {                  // of the episodes so far
        four_ints pos, proposed, accepted;
        four seconds, draft_s, verify_s;
    } sum;
};

struct play {
    struct agent *a;
    const struct lanes_task *tasks;
    int n, next;              // tasks, and the first not yet begun
    struct episode_total *totals;
    const struct episode_watch *watch;
    struct group groups[GROUPS];
};

/* Seats the next task that has rounds in a lane, or leaves it empty. */
static int begin(struct play *p, struct group *g, int lane, struct err *err) {
    struct seat seat;
    while (p->next < p->n) {
        const struct lanes_task *t = &p->tasks[p->next];
        p->totals[p->next] = (struct episode_total){0};
        int rc = seat_start(&seat, g->four.world[lane], p->a, t->q, err);
        if (rc) return rc;
        g->task[lane] = p->next++;
        if (g->four.world[lane]->done) continue;
        g->four.policy.rng.seed[lane] = t->seed, g->four.policy.rng.sequence[lane] = t->ordinal, g->four.policy.rng.round[lane] = 0;
        g->sum.pos[lane] = 1, g->sum.proposed[lane] = g->sum.accepted[lane] = 0;
        g->sum.seconds[lane] = g->sum.draft_s[lane] = g->sum.verify_s[lane] = 0;
        p->a->policy->lanes->init(g->four.policy.state, &p->a->problem, p->a->param, lane);
        g->four.plays |= 1u << lane;
        break;
    }
    return 0;
}

static int end(struct play *p, struct group *g, int lane, struct err *err) {
    p->totals[g->task[lane]] = (struct episode_total){
        (int64_t)g->four.policy.rng.round[lane], g->sum.proposed[lane], g->sum.accepted[lane], g->sum.pos[lane] - 1,
        g->sum.seconds[lane], g->sum.draft_s[lane], g->sum.verify_s[lane]};
    g->four.plays &= ~(1u << lane);
    return begin(p, g, lane, err);
}

static struct outcome outcome_of(const struct outcome_lanes *o, int l) {
    return (struct outcome){.arm = o->arm[l], .gamma = o->gamma[l], .proposed = o->proposed[l], .accepted = o->accepted[l],
                            .emitted = o->emitted[l], .draft_s = o->draft_s[l], .verify_s = o->verify_s[l], .nodes = o->nodes[l]};
}

static int tell(const struct play *p, const struct group *g, struct err *err) {
    int rc = 0;
    for (int l = 0; !rc && l < POLICY_LANES; l++) {
        if (!(g->four.plays >> l & 1)) continue;
        const struct world *w = g->four.world[l];
        const struct step s = {.sequence = w->sequence, .round = (int)g->four.policy.rng.round[l], .pos = g->sum.pos[l],
                               .outcome = outcome_of(&g->four.policy.o, l)};
        rc = p->watch->step(p->watch->user, &s, err);
    }
    return rc;
}

static void pull(const struct episode_pulls *to, const struct group *g) {
    const struct policy_four *f = &g->four.policy;
    for (int l = 0; l < POLICY_LANES; l++)
        if (g->four.plays >> l & 1) episode_pull(to, (int)f->rng.round[l], f->o.arm[l]);
}

/* After they were told. */
LANES_INLINE void count_body(struct group *const *at, int n) {
    for (int i = 0; i < n; i++) {
        struct group *g = at[i];
        const struct outcome_lanes *o = &g->four.policy.o;
        const four draft_s = four_from(o->draft_s), verify_s = four_from(o->verify_s);
        g->sum.pos += ints_from(o->emitted), g->sum.proposed += ints_from(o->proposed), g->sum.accepted += ints_from(o->accepted);
        g->sum.draft_s += draft_s, g->sum.verify_s += verify_s, g->sum.seconds += draft_s + verify_s;
        for (int l = 0; l < POLICY_LANES; l++) g->four.policy.rng.round[l]++;
    }
}
LANES_BODY(void, count, (struct group *const *at, int n), at, n)

static __attribute__((noinline)) int no_arm(const struct play *p, struct group *const *at, int n, struct err *err) {
    for (int l = 0; l < n * POLICY_LANES; l++) {
        const struct policy_four *f = &at[l / POLICY_LANES]->four.policy;
        const int arm = f->o.arm[l % POLICY_LANES];
        if (arm < 0 || arm >= p->a->problem.K)
            return err_set(err, "policy '%s' chose arm %d in round %d, expected 0 to %d", p->a->spec, arm,
                           (int)f->rng.round[l % POLICY_LANES], p->a->problem.K - 1);
    }
    return err_set(err, "policy '%s' chose no arm", p->a->spec);
}

static __attribute__((noinline)) int end_all(struct play *p, struct group *g, struct err *err) {
    int rc = 0;
    for (unsigned left = g->four.ended; !rc && left; left &= left - 1) rc = end(p, g, __builtin_ctz(left), err);
    return rc;
}

/* Each step for all groups before the next step: one group's chain of dependent instructions is longer than a processor looks ahead,
 * and those of four fill each other's waits. */
static int play_all(struct play *p, struct err *err) {
    const struct agent *a = p->a;
    const struct policy_lanes *lanes = a->policy->lanes;
    const struct world_type *type = p->groups[0].four.world[0]->type;
    struct group *groups[GROUPS]; // those in play
    struct world_four *fours[GROUPS];
    struct policy_four *policies[GROUPS];
    const int K = a->problem.K;
    int n = 0, rc = 0;
    for (bool fewer = true;;) {
        if (fewer) {
            n = 0, fewer = false;
            for (int g = 0; g < GROUPS; g++)
                if (p->groups[g].four.plays) groups[n] = &p->groups[g], fours[n] = &groups[n]->four, policies[n] = &fours[n]->policy, n++;
            if (!n) return 0;
        }
        lanes->select(policies, n, &a->problem, a->param);
        four_ints wrong = {0};
        for (int g = 0; g < n; g++) {
            const four_ints arm = ints_from(policies[g]->o.arm);
            wrong |= (arm < 0) | (arm >= K);
        }
        if (ints_mask(wrong)) return no_arm(p, groups, n, err);
        if (type->rounds) rc = type->rounds(fours, n, a->problem.arms, err);
        else
            for (int g = 0; !rc && g < n; g++) rc = world_each_round(fours[g], a->problem.arms, err);
        for (int g = 0; p->watch && p->watch->pulls && !rc && g < n; g++) pull(p->watch->pulls, groups[g]);
        for (int g = 0; p->watch && p->watch->step && !rc && g < n; g++) rc = tell(p, groups[g], err);
        if (rc) return rc;
        count(groups, n);
        lanes->update(policies, n, &a->problem, a->param); // also where the round has ended its sequence: that lane is new then
        for (int g = 0; g < n; g++) {
            if (!fours[g]->ended) continue;
            if ((rc = end_all(p, groups[g], err))) return rc;
            fewer |= !fours[g]->plays;
        }
    }
}

int lanes_run(struct world *const *worlds, struct agent *a, const struct lanes_task *tasks, int n, const struct episode_watch *watch,
              struct episode_total *totals, struct err *err) {
    const struct policy_lanes *lanes = a->policy->lanes;
    size_t bytes = lanes->size(&a->problem);
    struct play *p = mem_alloc(1, sizeof *p, "lanes", err);
    char *states = mem_alloc(GROUPS, bytes, "policies in lanes", err);
    int rc = p && states ? 0 : ERR_FAILED;
    if (!rc) *p = (struct play){.a = a, .tasks = tasks, .n = n, .totals = totals, .watch = watch};
    for (int i = 0; !rc && i < LANES_ABREAST; i++) {
        struct group *g = &p->groups[i / POLICY_LANES];
        int lane = i % POLICY_LANES;
        g->four.policy.state = states + (size_t)(i / POLICY_LANES) * bytes;
        g->four.policy.rng.stream = a->stream;
        g->four.world[lane] = worlds[i];
        lanes->init(g->four.policy.state, &a->problem, a->param, lane);
        rc = begin(p, g, lane, err);
    }
    if (!rc) rc = play_all(p, err);
    mem_free(states);
    mem_free(p);
    return rc;
}
