/* cascade.c - Cascade: tests the utility of speculation now and then, and sets what it found for a while.
 *
 * Saxena et al., "Utility-driven speculative decoding for mixture-of-experts", arXiv 2506.20675. The utility of a draft length K
 *   U(K) = (tokens per round with K / 1) / (seconds per round with K / seconds per round without)
 * is measured over `test` rounds of plain decoding and then `test` rounds of K. Below 1 speculation is off for the next `set` rounds, for
 * twice as many when it is below 1 again, and so on up to 64 times; else K's shorter and longer neighbour are tested as well,
 * and the highest U, ties to the earlier, is set for `set` rounds. Then all anew from there. The phases' lengths, the doubling and
 * the neighbours (the abstract says only that K is tuned) are ours. Lengths are one drafter's (policies/ladder.h). Without plain
 * decoding among the arms nothing is ever off, and utilities are compared by tokens per second.
 * Check: U = 0.8 always, test 4, set 32: of the first 112 rounds 8 draft. */
#include "policies/ladder.h"

enum { START, TEST, SET, DRAFTER };
enum phase { PLAIN, CENTRE, SHORTER, LONGER, HOLD };

struct cascade {
    int drafter, phase, arm, centre, best;
    double left;                    // rounds left of the phase
    double rounds, tokens, seconds; // of the phase so far
    double plain_s;                 // seconds of a plain round, measured
    double utility;                 // of `best`
    double wait;                    // of the next time off, in `set` rounds
};

static int cascade_check(const struct problem *p, const double *param, struct err *err) {
    int rc = whole("cascade", "test", param[TEST], err);
    if (!rc) rc = whole("cascade", "set", param[SET], err);
    return rc ? rc : ladder_check("cascade", p, param[DRAFTER], err);
}

static size_t cascade_size(const struct problem *p) { return (void)p, sizeof(struct cascade); }

static void enter(struct cascade *s, int phase, int arm, double rounds) {
    s->phase = phase, s->arm = arm, s->left = rounds;
    s->rounds = s->tokens = s->seconds = 0;
}

/* The first phase of a test. */
static void begin(struct cascade *s, const struct problem *p, const double *param) {
    int plain = ladder_plain(p);
    if (plain >= 0) enter(s, PLAIN, plain, param[TEST]);
    else enter(s, CENTRE, s->centre, param[TEST]);
}

static void cascade_init(void *state, const struct problem *p, const double *param) {
    struct cascade *s = state;
    s->drafter = ladder_drafter(p, param[DRAFTER]);
    s->centre = ladder_nearest(p, s->drafter, param[START]);
    s->plain_s = s->wait = 1;
    begin(s, p, param);
}

static int cascade_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    (void)p, (void)param, (void)rng;
    return ((const struct cascade *)state)->arm;
}

/* After a test of `s->arm`: the next phase. */
static void tested(struct cascade *s, const struct problem *p, const double *param) {
    double utility = s->tokens / s->rounds / (s->seconds > 0 && s->plain_s > 0 ? s->seconds / s->rounds / s->plain_s : 1);
    int plain = ladder_plain(p), next = -1, phase = s->phase;
    if (phase == CENTRE || utility > s->utility) s->best = s->arm, s->utility = utility;
    if (phase == CENTRE && plain >= 0 && utility < 1) {
        enter(s, HOLD, plain, s->wait * param[SET]);
        s->wait = fmin(2 * s->wait, 64);
        return;
    }
    s->wait = 1;
    while (next < 0 && phase < LONGER) next = ladder_next(p, s->drafter, s->centre, ++phase == LONGER);
    if (next >= 0) enter(s, phase, next, param[TEST]);
    else enter(s, HOLD, s->centre = s->best, param[SET]);
}

static void cascade_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct cascade *s = state;
    s->rounds++;
    s->tokens += o->emitted;
    s->seconds += o->draft_s + o->verify_s;
    if (--s->left > 0) return;
    if (s->phase == PLAIN) s->plain_s = s->seconds / s->rounds, enter(s, CENTRE, s->centre, param[TEST]);
    else if (s->phase == HOLD) begin(s, p, param);
    else tested(s, p, param);
}

const struct policy policy_cascade = {
    .name = "cascade", .setting = "heuristic",
    .summary = "tests the utility of speculation now and then, and sets the best length",
    .cite = "arXiv 2506.20675 (Cascade); lengths of phases and the choice of lengths to test are ours",
    .flags = POLICY_SECONDS,
    .params = {
        {"start", 3, 1, ARM_GAMMA_MAX, NULL, "first draft length"},
        {"test", 4, 1, 1e6, NULL, "rounds a length is tested"},
        {"set", 32, 1, 1e6, NULL, "rounds for which the outcome holds"},
        LADDER_DRAFTER,
    },
    .check = cascade_check,
    .size = cascade_size, .init = cascade_init, .select = cascade_select, .update = cascade_update,
};
