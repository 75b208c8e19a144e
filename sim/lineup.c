/* lineup.c - see lineup.h. Oracles are agents as well, so that the one loop plays them. */
#include "sim/lineup.h"

#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "sim/world.h"

enum { GRID_MAX = 1024 };

/* -- the clairvoyant as a policy: reads the arm of its position from the oracle's plan -- */

struct plan {
    const uint16_t *choice; // by position
    int pos;
};

static size_t plan_size(const struct problem *p) {
    (void)p;
    return sizeof(struct plan);
}

static int plan_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    (void)p, (void)param, (void)rng;
    const struct plan *plan = state;
    return plan->choice[plan->pos];
}

static void plan_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    (void)p, (void)param;
    ((struct plan *)state)->pos += o->emitted;
}

static const struct policy policy_plan = {
    .name = "clairvoyant", .setting = "oracle", .summary = "the best arm at every position, in seconds",
    .cite = "shortest path over positions", .size = plan_size, .select = plan_select, .update = plan_update,
};

static int plan_agent(const struct problem *p, struct agent *a, struct err *err) {
    *a = (struct agent){.policy = &policy_plan, .problem = *p, .spec = "clairvoyant", .size = sizeof(struct plan)};
    a->state = mem_alloc(1, a->size, "policy state", err);
    return a->state ? 0 : ERR_FAILED;
}

int player_agent(const struct player *x, const struct problem *p, const struct oracle *o, struct agent *a, struct err *err) {
    if (x->kind == PLAYER_CLAIRVOYANT) return plan_agent(p, a, err);
    if (x->kind == PLAYER_POLICY) return agent_open(a, x->spec, p, err);
    char spec[32];
    snprintf(spec, sizeof spec, "fixed:arm=%d", o->best);
    return agent_open(a, spec, p, err);
}

void player_start(const struct player *x, const struct oracle *o, struct agent *a, int q, bool fresh) {
    if (x->kind == PLAYER_CLAIRVOYANT) *(struct plan *)a->state = (struct plan){o->choice + o->at[q], 1};
    else if (fresh) agent_reset(a);
}

/* -- the words of --policy -- */

static bool listed(const struct lineup *l, const char *spec) {
    for (int i = 0; i < l->n; i++)
        if (!strcmp(l->at[i].spec, spec)) return true;
    return false;
}

static int take_oracle(struct lineup *l, enum player_kind kind, const char *word, bool oracles, struct err *err) {
    if (!oracles) return err_usage(err, "policy '%s' is an oracle over a recorded trace (--db)", word);
    if (listed(l, word)) return 0;
    struct player *x = &l->at[l->n++];
    *x = (struct player){.kind = kind, .seeds = 1};
    snprintf(x->spec, sizeof x->spec, "%s", word);
    snprintf(x->name, sizeof x->name, "%s", word);
    return 0;
}

static int take_policy(struct lineup *l, const char *spec, const struct problem *p, int seeds, struct err *err) {
    struct agent a;
    int rc = agent_open(&a, spec, p, err);
    if (rc) return rc;
    l->asks |= a.policy->flags & WORLD_ASKS;
    if (!listed(l, a.spec)) {
        struct player *x = &l->at[l->n++];
        *x = (struct player){.kind = PLAYER_POLICY, .seeds = a.policy->flags & POLICY_RANDOM ? seeds : 1};
        memcpy(x->spec, a.spec, sizeof x->spec);
        snprintf(x->name, sizeof x->name, "%s", a.policy->name);
    }
    agent_close(&a);
    return 0;
}

/* An oracle's name mistyped: policies' own near names know nothing of them. */
static int unknown_oracle(const char *word, struct err *err) {
    static const char *const oracles[] = {"best-fixed", "clairvoyant"};
    for (int i = 0; i < 2; i++)
        if (policy_resembles(word, oracles[i]) && !policy_find(word)) return err_set(err, "unknown policy '%s'; did you mean '%s'?", word, oracles[i]);
    return 0;
}

static int take_word(struct lineup *l, const char *word, const struct problem *p, bool oracles, int seeds, struct err *err) {
    if (!strcmp(word, "best-fixed")) return take_oracle(l, PLAYER_BEST_FIXED, word, oracles, err);
    if (!strcmp(word, "clairvoyant")) return take_oracle(l, PLAYER_CLAIRVOYANT, word, oracles, err);
    if (oracles && unknown_oracle(word, err)) return ERR_FAILED;
    char *specs[GRID_MAX];
    if (l->n >= GRID_MAX) return err_usage(err, "more than %d policies", GRID_MAX);
    int n = policy_grid(word, specs, GRID_MAX - l->n, err), rc = n < 0 ? n : 0;
    for (int i = 0; i < n; i++) {
        if (!rc) rc = take_policy(l, specs[i], p, seeds, err);
        mem_free(specs[i]);
    }
    return rc;
}

int lineup_open(struct lineup *l, const char *const *words, int n, const struct problem *p, bool oracles, int seeds, struct err *err) {
    *l = (struct lineup){0};
    int rc = 0;
    if (!(l->at = mem_alloc(GRID_MAX + 2, sizeof *l->at, "policies", err))) return ERR_FAILED;
    for (int i = 0; !rc && i < n; i++) rc = take_word(l, words[i], p, oracles, seeds, err);
    const struct policy *x;
    for (int i = 0; !rc && !n && (x = policy_at(i)); i++) {
        struct err cannot = {""};
        if (!strcmp(x->name, "fixed")) continue; // means little without its arm; best-fixed stands for all of them
        rc = take_policy(l, x->name, p, seeds, &cannot);
        if (rc == ERR_USAGE) rc = 0; // a policy that these arms do not suit sits out unless it is named
        if (rc) *err = cannot;
    }
    if (!rc && !l->n) rc = err_usage(err, "no registered policy can play these %d arms", p->K);
    if (rc) lineup_close(l);
    return rc;
}

void lineup_close(struct lineup *l) {
    mem_free(l->at);
    *l = (struct lineup){0};
}
