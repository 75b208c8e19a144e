/* oracle.c - see oracle.h. */
#include "sim/oracle.h"

#include <math.h>

#include "core/mem.h"

int jumps_open(struct jumps *j, int tokens, int K, struct err *err) {
    *j = (struct jumps){.tokens = tokens, .K = K};
    j->emitted = mem_alloc((size_t)tokens * (size_t)K, sizeof *j->emitted, "jumps", err);
    j->seconds = mem_alloc((size_t)tokens * (size_t)K, sizeof *j->seconds, "seconds of jumps", err);
    if (j->emitted && j->seconds) return 0;
    jumps_close(j);
    return ERR_FAILED;
}

void jumps_close(struct jumps *j) {
    mem_free(j->emitted);
    mem_free(j->seconds);
    *j = (struct jumps){0};
}

struct walk jumps_fixed(const struct jumps *j, int k) {
    struct walk walk = {0};
    for (int s = 1; s < j->tokens; walk.rounds++) {
        size_t cell = (size_t)s * (size_t)j->K + (size_t)k;
        walk.seconds += j->seconds[cell];
        s += j->emitted[cell];
    }
    return walk;
}

int jumps_fewest_rounds(const struct jumps *j, double *value) {
    value[j->tokens] = 0;
    for (int s = j->tokens - 1; s >= 1; s--) {
        const uint8_t *emitted = j->emitted + (size_t)s * (size_t)j->K;
        double least = value[s + emitted[0]];
        for (int k = 1; k < j->K; k++)
            if (value[s + emitted[k]] < least) least = value[s + emitted[k]];
        value[s] = least + 1;
    }
    return j->tokens > 1 ? (int)value[1] : 0;
}

struct walk jumps_shortest(const struct jumps *j, double *value, double *seconds) {
    value[j->tokens] = seconds[j->tokens] = 0;
    for (int s = j->tokens - 1; s >= 1; s--) {
        value[s] = INFINITY;
        for (int k = 0; k < j->K; k++) {
            size_t cell = (size_t)s * (size_t)j->K + (size_t)k;
            int to = s + j->emitted[cell];
            double rounds = value[to] + 1, spent = seconds[to] + j->seconds[cell];
            if (rounds < value[s] || (rounds == value[s] && spent < seconds[s])) value[s] = rounds, seconds[s] = spent;
        }
    }
    return j->tokens > 1 ? (struct walk){(int)value[1], seconds[1]} : (struct walk){0};
}

struct walk jumps_fewest_seconds(const struct jumps *j, double *value, uint16_t *choice) {
    value[j->tokens] = 0;
    for (int s = j->tokens - 1; s >= 1; s--) {
        const uint8_t *emitted = j->emitted + (size_t)s * (size_t)j->K;
        const double *seconds = j->seconds + (size_t)s * (size_t)j->K;
        int best = 0;
        double least = seconds[0] + value[s + emitted[0]];
        for (int k = 1; k < j->K; k++) {
            double v = seconds[k] + value[s + emitted[k]];
            if (v < least) least = v, best = k;
        }
        value[s] = least;
        choice[s] = (uint16_t)best;
    }
    struct walk walk = {0}; // summed forward, as an episode sums: equal paths have equal seconds, bit for bit
    for (int s = 1; s < j->tokens; walk.rounds++) {
        size_t cell = (size_t)s * (size_t)j->K + choice[s];
        walk.seconds += j->seconds[cell];
        s += j->emitted[cell];
    }
    return walk;
}

/* Plays every arm at every position once. */
static int fill(struct jumps *j, struct world_trace *w, int q, const struct arm *arms, struct err *err) {
    for (int s = 1; s < j->tokens; s++)
        for (int k = 0; k < j->K; k++) {
            struct outcome o;
            w->world.pos = s;
            if (w->world.type->round(&w->world, &arms[k], &o, err))
                return err_add(err, " (sequence %d)", q);
            size_t cell = (size_t)s * (size_t)j->K + (size_t)k;
            j->emitted[cell] = (uint8_t)o.emitted;
            j->seconds[cell] = o.draft_s + o.verify_s;
        }
    return 0;
}

/* The arm from the first round to the last, catching up as it goes. */
static int play_fixed(struct world_trace *w, int q, const struct arm *arm, struct walk *walk, struct err *err) {
    *walk = (struct walk){0};
    if (w->world.type->start(&w->world, q, err)) return ERR_FAILED;
    for (; !w->world.done; walk->rounds++) {
        struct outcome o;
        if (w->world.type->round(&w->world, arm, &o, err)) return err_add(err, " (sequence %d)", q);
        walk->seconds += o.draft_s + o.verify_s;
    }
    return 0;
}

static const struct arm plain_arm = {.drafter = -1, .gamma = 0, .name = "plain"};

/* Everything of one sequence into its own rows, so that threads share nothing. */
static int one_sequence(struct oracle *o, struct world_trace w, int q, const struct arm *arms, struct err *err) {
    int tokens = w.trace->sequences[q].tokens, rc = ERR_FAILED;
    struct jumps j = {0}, plain = {0};
    double *value = mem_alloc((size_t)tokens + 1, sizeof *value, "shortest paths", err);
    double *seconds = mem_alloc((size_t)tokens + 1, sizeof *seconds, "shortest paths", err);
    if (!value || !seconds || jumps_open(&j, tokens, o->K, err) || jumps_open(&plain, tokens, 1, err)) goto out;
    w.caught_up = true;
    if (w.world.type->start(&w.world, q, err) || fill(&j, &w, q, arms, err) || fill(&plain, &w, q, &plain_arm, err)) goto out;
    struct walk *fixed = o->fixed + (size_t)q * (size_t)o->K;
    w.caught_up = false;
    for (int k = 0; k < o->K; k++) {
        if (play_fixed(&w, q, &arms[k], &fixed[k], err)) goto out;
        if (fixed[k].rounds < fixed[o->best_rounds[q]].rounds) o->best_rounds[q] = k;
        if (fixed[k].seconds < fixed[o->best_seconds[q]].seconds) o->best_seconds[q] = k;
    }
    o->plain[q] = jumps_fixed(&plain, 0);
    o->shortest[q] = jumps_shortest(&j, value, seconds);
    o->fewest_rounds[q] = o->shortest[q].rounds;
    o->clairvoyant[q] = jumps_fewest_seconds(&j, value, o->choice + o->at[q]);
    rc = 0;
out:
    mem_free(value), mem_free(seconds);
    jumps_close(&j);
    jumps_close(&plain);
    return rc;
}

static void choose_best(struct oracle *o) {
    double least = 0;
    for (int k = 0; k < o->K; k++) {
        double sum = 0;
        for (int q = 0; q < o->Q; q++) sum += o->fixed[(size_t)q * (size_t)o->K + (size_t)k].seconds;
        if (!k || sum < least) least = sum, o->best = k;
    }
}

int oracle_open(struct oracle *o, const struct world_trace *w, const struct arm *arms, int K, struct err *err) {
    *o = (struct oracle){.Q = w->trace->Q, .K = K};
    size_t Q = (size_t)o->Q, positions = 0;
    for (int q = 0; q < o->Q; q++) positions += (size_t)w->trace->sequences[q].tokens;
    if (!(o->fixed = mem_alloc(Q * (size_t)K, sizeof *o->fixed, "fixed arms", err))
        || !(o->plain = mem_alloc(Q, sizeof *o->plain, "plain decoding", err))
        || !(o->clairvoyant = mem_alloc(Q, sizeof *o->clairvoyant, "clairvoyant", err))
        || !(o->shortest = mem_alloc(Q, sizeof *o->shortest, "clairvoyant", err))
        || !(o->fewest_rounds = mem_alloc(Q, sizeof *o->fewest_rounds, "clairvoyant", err))
        || !(o->best_rounds = mem_alloc(Q, sizeof *o->best_rounds, "best arms", err))
        || !(o->best_seconds = mem_alloc(Q, sizeof *o->best_seconds, "best arms", err))
        || !(o->at = mem_alloc(Q, sizeof *o->at, "clairvoyant", err))
        || !(o->choice = mem_alloc(positions, sizeof *o->choice, "clairvoyant", err)))
        goto fail;
    for (int q = 1; q < o->Q; q++) o->at[q] = o->at[q - 1] + (size_t)w->trace->sequences[q - 1].tokens;

    int failed = 0;
    #pragma omp parallel for schedule(dynamic, 4)
    for (int q = 0; q < o->Q; q++) {
        struct err mine = {""};
        if (!one_sequence(o, *w, q, arms, &mine)) continue;
        #pragma omp critical
        if (!failed++) *err = mine;
    }
    if (failed) goto fail;
    choose_best(o);
    return 0;
fail:
    oracle_close(o);
    return ERR_FAILED;
}

void oracle_close(struct oracle *o) {
    mem_free(o->fixed);
    mem_free(o->plain);
    mem_free(o->clairvoyant);
    mem_free(o->shortest);
    mem_free(o->fewest_rounds);
    mem_free(o->best_rounds);
    mem_free(o->best_seconds);
    mem_free(o->at);
    mem_free(o->choice);
    *o = (struct oracle){0};
}
