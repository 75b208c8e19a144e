/* live.c - see live.h. */
#include "sim/live.h"

#include <string.h>

#include "core/mem.h"

int rounds_add(struct rounds *r, const struct step *s, struct err *err) {
    if (mem_grow(&r->at, &r->capacity, r->n + 1, sizeof *r->at, "rounds", err)
        || mem_grow(&r->seconds, &r->seconds_capacity, r->n + 1, sizeof *r->seconds, "timings of rounds", err))
        return -1;
    r->at[r->n] = *s;
    r->seconds[r->n++] = (struct round_seconds){s->outcome.draft_s, s->outcome.verify_s};
    return 0;
}

void rounds_close(struct rounds *r) {
    mem_free(r->at), mem_free(r->seconds);
    *r = (struct rounds){.n = 0};
}

int mirror_open(struct mirror *m, const struct trace *t, const struct cost *cost, const char *spec, const struct problem *p, struct err *err) {
    *m = (struct mirror){.trace = t, .cost = cost};
    int rc = agent_open(&m->agent, spec, p, err);
    return rc ? rc : agent_open(&m->simulator, spec, p, err);
}

void mirror_close(struct mirror *m) {
    agent_close(&m->agent), agent_close(&m->simulator);
    ids_close(&m->text);
    *m = (struct mirror){.trace = NULL};
}

int mirror_find(const struct mirror *m, const char *prompt_key) {
    for (int q = 0; q < m->trace->Q; q++)
        if (!strcmp(m->trace->sequences[q].prompt_key, prompt_key)) return q;
    return -1;
}

static int differ(const struct mirror *m, int q, size_t round, const char *field, int live, int replay, struct err *err) {
    return err_set(err, "replay differs from live at sequence %d of '%s', round %zu: %s is %d live and %d in replay",
                   m->trace->sequences[q].ordinal, m->trace->path, round, field, live, replay);
}

struct comparison {
    struct mirror *m;
    const struct rounds *live;
    int q;
    size_t n;
};

static int compare_step(void *user, const struct step *s, struct err *err) {
    struct comparison *c = user;
    if (c->n >= c->live->n) return differ(c->m, c->q, c->n, "the number of rounds", (int)c->live->n, (int)c->n + 1, err);
    const struct step *l = &c->live->at[c->n];
    const struct { const char *name; int live, replay; } fields[] = {
        {"position", l->pos, s->pos}, {"arm", l->outcome.arm, s->outcome.arm}, {"gamma", l->outcome.gamma, s->outcome.gamma},
        {"proposed", l->outcome.proposed, s->outcome.proposed}, {"accepted", l->outcome.accepted, s->outcome.accepted},
        {"emitted", l->outcome.emitted, s->outcome.emitted},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (fields[i].live != fields[i].replay) return differ(c->m, c->q, c->n, fields[i].name, fields[i].live, fields[i].replay, err);
    c->n++;
    return 0;
}

/* What the cost model says of the very rounds that were played live: the same arms, with drafts as long as they were. */
static int add_modelled(struct mirror *m, int q, const struct rounds *live, struct err *err) {
    struct world_trace w = world_trace(m->trace, m->cost);
    w.world.asks = m->agent.policy->flags & WORLD_ASKS, w.world.L = m->agent.problem.L, w.world.drafters = world_drafters(&m->agent.problem);
    if (w.world.type->start(&w.world, q, err)) return -1;
    for (size_t i = 0; i < live->n; i++) {
        struct arm arm = m->agent.problem.arms[live->at[i].outcome.arm];
        struct outcome o;
        struct view v;
        arm.stop.rule = STOP_NEVER;
        if (arm.gamma) arm.gamma = live->at[i].outcome.gamma;
        if ((w.world.asks && w.world.type->look(&w.world, &v, err)) || w.world.type->round(&w.world, &arm, &o, err)) return -1;
        m->modelled_s += o.draft_s + o.verify_s;
    }
    return 0;
}

static int compare_text(struct mirror *m, int q, const int *tokens, int n, struct err *err) {
    if (trace_text(m->trace, q, &m->text, err)) return -1;
    if (!m->text.n) return 0; // --no-text: lengths were compared round by round
    for (int i = 0; i < n && i < (int)m->text.n; i++)
        if (tokens[i] != m->text.at[i]) return differ(m, q, 0, "the text's first differing token", tokens[i], m->text.at[i], err);
    return n == (int)m->text.n ? 0 : differ(m, q, 0, "the text's length", n, (int)m->text.n, err);
}

int mirror_sequence(struct mirror *m, int q, bool fresh, uint64_t seed, const struct rounds *live, const int *tokens, int n, struct err *err) {
    if (compare_text(m, q, tokens, n, err)) return -1;
    struct world_trace w = world_trace(m->trace, NULL);
    world_trace_give(&w, live->seconds, live->n);
    struct comparison c = {.m = m, .live = live, .q = q};
    struct episode_watch watch = {compare_step, &c};
    struct episode_total total = {0};
    if (fresh) agent_reset(&m->agent);
    if (episode_run(&w.world, &m->agent, seed, q, (uint32_t)m->trace->sequences[q].ordinal, NULL, 0, &watch, &total, err)) return -1;
    if (c.n != live->n) return differ(m, q, c.n, "the number of rounds", (int)live->n, (int)c.n, err);
    if (add_modelled(m, q, live, err)) return -1;
    m->live_s += total.seconds;
    m->rounds += total.rounds;
    m->sequences++;
    return 0;
}

int mirror_simulate(struct mirror *m, int q, bool fresh, uint64_t seed, struct episode_total *total, struct err *err) {
    struct world_trace w = world_trace(m->trace, m->cost);
    if (fresh) agent_reset(&m->simulator);
    return episode_run(&w.world, &m->simulator, seed, q, (uint32_t)m->trace->sequences[q].ordinal, NULL, 0, NULL, total, err);
}
