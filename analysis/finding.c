/* finding.c - see finding.h. */
#include "analysis/finding.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "policies/policy.h"
#include "sim/stats.h"

const char *finding_word(enum verdict x) {
    static const char *const words[] = {[VERDICT_REFERENCE] = "the one compared with", [VERDICT_NONE] = "no difference found",
                                        [VERDICT_FASTER] = "faster", [VERDICT_SLOWER] = "slower"};
    return words[x];
}

int finding_digits(double largest) { return largest >= 999.95 ? 0 : largest >= 99.995 ? 1 : largest >= 9.9995 ? 2 : 3; }

/* -- the arm in words -- */

/* As tables and --arms call it, wherever it is said. */
static void say_arm(const struct scores *s, FILE *to) {
    if (s->best < 0) fputs("the best fixed arm", to);
    else if (!*s->arms[s->best].drafter) fputs("plain decoding", to);
    else fprintf(to, "the best fixed arm (%s)", s->arms[s->best].name);
}

/* -- the recommendation -- */

/* Bytes that a policy keeps on these arms; SIZE_MAX: not one of ours. */
static size_t state_size(const struct scores *s, const struct score *p) {
    const struct policy *policy = policy_find(p->name);
    struct arm *arms = NULL;
    struct err unused = {""};
    size_t size = SIZE_MAX;
    struct problem problem = {.K = s->K, .L = 1};
    if (!policy || !(arms = mem_alloc((size_t)s->K, sizeof *arms, "arms", &unused))) return SIZE_MAX;
    for (int k = 0; k < s->K; k++) {
        int same = 0;
        while (strcmp(s->arms[same].drafter, s->arms[k].drafter)) same++;
        arms[k] = (struct arm){.drafter = !*s->arms[k].drafter ? -1 : same < k ? arms[same].drafter : problem.D++,
            .gamma = s->arms[k].gamma};
        snprintf(arms[k].name, sizeof arms[k].name, "%s", s->arms[k].name);
        if (arms[k].gamma > problem.L) problem.L = arms[k].gamma;
    }
    problem.arms = arms;
    size = policy->size ? policy->size(&problem) : 0;
    mem_free(arms);
    return size;
}

static bool is_level(const struct finding *v, int p, double margin) {
    const struct comparison *c = &v->with_fastest[p];
    return (c->verdict == VERDICT_NONE || c->verdict == VERDICT_REFERENCE) && c->percent.value >= -margin;
}

static bool beats_arm(const struct finding *v, int p) { return v->conclusion != CONCLUDE_POLICY
    || v->with_fixed[p].verdict == VERDICT_FASTER; }

static int recommend_policy(const struct finding *v, double margin) {
    const struct scores *s = v->scores;
    int best = -1;
    size_t least = SIZE_MAX;
    for (int i = 0; i < s->P; i++) { // from the fastest
        int p = v->order[i];
        if (s->policies[p].fixed && v->conclusion == CONCLUDE_POLICY && v->choosing_faster) continue;
        if (!is_level(v, p, margin) || !beats_arm(v, p)) continue;
        if (!strcmp(s->policies[p].spec, "auto")) return p;
        size_t size = state_size(s, &s->policies[p]);
        if (best < 0 || size < least) best = p, least = size;
    }
    for (int i = 0; i < s->P && best < 0; i++) // none is that near: the fastest that beats the arm
        if (beats_arm(v, v->order[i])) best = v->order[i];
    return best;
}

/* Whether nothing has more tokens/s than plain decoding, which is none of the arms. */
static bool plain_is_best(const struct finding *v) {
    const struct scores *s = v->scores;
    bool arm = s->has[REFERENCE_BEST_FIXED];
    if (arm && (s->best < 0 || !*s->arms[s->best].drafter
                || v->with_plain[s->P + REFERENCE_BEST_FIXED].verdict != VERDICT_SLOWER)) return false;
    for (int p = 0; p < s->P; p++)
        if (v->with_plain[p].percent.value > 0) return false;
    return true;
}

static enum conclusion conclude(const struct finding *v) {
    if (plain_is_best(v)) return CONCLUDE_PLAIN;
    if (!v->choosing) return CONCLUDE_ARMS_ONLY;
    if (!v->scores->has[REFERENCE_BEST_FIXED]) return CONCLUDE_NO_ARM;
    if (v->faster) return CONCLUDE_POLICY;
    return !v->slower ? CONCLUDE_SAME : v->same ? CONCLUDE_NONE_FASTER : CONCLUDE_ARM;
}

/* Equal but for rounding is equal, however surely. */
static void drop_rounding(struct comparison *c, int n) {
    const double least = 1e-7; // per cent
    for (int i = 0; i < n; i++)
        if (c[i].verdict != VERDICT_REFERENCE && fabs(c[i].percent.value) < least && fabs(c[i].percent.lo) < least
            && fabs(c[i].percent.hi) < least)
            c[i] = (struct comparison){.p = 1, .p_holm = 1, .verdict = VERDICT_NONE};
}

/* Whether policy p does nothing but play the best fixed arm: held against it, it would be held against itself. */
static bool is_the_arm(const struct scores *s, int p) {
    if (!s->has[REFERENCE_BEST_FIXED] || !s->policies[p].fixed) return false;
    for (int q = 0; q < s->Q; q++) {
        const struct walk *w = &s->reference[REFERENCE_BEST_FIXED][q];
        double seconds = s->seconds[(size_t)p * (size_t)s->Q + (size_t)q];
        if (s->rounds[(size_t)p * (size_t)s->Q + (size_t)q] != w->rounds || fabs(seconds - w->seconds) > 1e-9 * w->seconds) return false;
    }
    return true;
}

static void mark_the_arm(struct finding *v) {
    for (int p = 0; p < v->scores->P; p++)
        if (is_the_arm(v->scores, p)) v->with_fixed[p] = (struct comparison){.p = 1, .p_holm = 1, .verdict = VERDICT_REFERENCE};
}

static void count(struct finding *v) {
    const struct scores *s = v->scores;
    for (int p = 0; p < s->P; p++) {
        v->level += p != s->fastest && v->with_fastest[p].verdict == VERDICT_NONE;
        v->choosing += !s->policies[p].fixed;
        v->choosing_faster += !s->policies[p].fixed && v->with_fixed[p].verdict == VERDICT_FASTER;
        v->faster += v->with_fixed[p].verdict == VERDICT_FASTER;
        v->same += v->with_fixed[p].verdict == VERDICT_NONE;
        v->slower += v->with_fixed[p].verdict == VERDICT_SLOWER;
    }
}

const struct summary *finding_row(const struct finding *v, int row) { return row < v->scores->P ? &v->rows[row]
    : &v->references[row - v->scores->P]; }

const char *finding_spec(const struct finding *v, int row, char *room, size_t size) {
    const struct scores *s = v->scores;
    if (row < s->P) return s->policies[row].spec;
    if (row - s->P == REFERENCE_PLAIN || s->best < 0 || !*s->arms[s->best].drafter) return "none";
    snprintf(room, size, "fixed:arm=%s", s->arms[s->best].name);
    return room;
}

const char *finding_name(const struct finding *v, int row) {
    const struct scores *s = v->scores;
    return row < s->P ? s->policies[row].spec : row - s->P == REFERENCE_PLAIN ? "plain decoding" : v->arm;
}

/* -- words -- */

static void say_interval(FILE *to, const struct measure *m, int digits) { fprintf(to, "[%.*f, %.*f]", digits, m->lo, digits, m->hi); }

static void say_p(FILE *to, double p) { fprintf(to, p < 0.001 ? "p < 0.001" : "p = %.2g", p); }

enum { ENOUGH = 5 }; // prompts; of fewer, resamples are too much alike to find anything out by

static void say_conclusion(const struct finding *v, FILE *to) {
    const struct scores *s = v->scores;
    const struct summary *x = finding_row(v, v->recommended);
    const char *name = finding_name(v, v->recommended), *where = "on this trace";
    const struct comparison *plain = &v->with_plain[v->recommended];
    switch (v->conclusion) {
    case CONCLUDE_POLICY:
        fprintf(to, "use %s: %.1f%% faster than %s and %.2f times as fast as plain decoding %s", name,
                v->with_fixed[v->recommended].percent.value, v->arm, x->speedup.value, where);
        return;
    case CONCLUDE_SAME:
        if (s->Q < ENOUGH) {
            fprintf(to, "too few prompts (%d) to tell any policy from %s %s", s->Q, v->arm, where);
            return;
        }
        fprintf(to, "no policy is distinguishable from %s %s", v->arm, where);
        break;
    case CONCLUDE_NONE_FASTER:
        fprintf(to, "no policy is distinguishably faster than %s %s (%d of %d %s not distinguishable from it, %d %s slower)", v->arm,
            where, v->same,
                v->same + v->slower, v->same == 1 ? "is" : "are", v->slower, v->slower == 1 ? "is" : "are");
        break;
    case CONCLUDE_ARM:
        fprintf(to, "%s is faster than every policy %s", v->arm, where);
        break;
    case CONCLUDE_NO_ARM:
        fprintf(to, "use %s: %.2f times as fast as plain decoding %s; how it compares with the best fixed arm this file does not say",
            name, x->speedup.value, where);
        return;
    case CONCLUDE_PLAIN:
        fprintf(to, "no policy and no fixed arm is faster than plain decoding %s", where);
        return;
    case CONCLUDE_ARMS_ONLY:
        fprintf(to, "use %s: %.2f times as fast as plain decoding %s; no policy that chooses has played", name, x->speedup.value, where);
        return;
    }
    bool itself = s->best >= 0 && !*s->arms[s->best].drafter;
    if (plain->verdict == VERDICT_NONE && !itself) fputs(", nor does it differ distinguishably from plain decoding", to);
}

static void say_headline(const struct finding *v, FILE *to) {
    say_conclusion(v, to);
    if (v->scores->Q < ENOUGH && v->conclusion != CONCLUDE_SAME) fprintf(to, "; too few prompts (%d) to tell", v->scores->Q);
}

static void say_amount(const struct finding *v, FILE *to) {
    const struct scores *s = v->scores;
    const struct summary *x = finding_row(v, v->recommended), *plain = &v->references[REFERENCE_PLAIN],
        *fixed = &v->references[REFERENCE_BEST_FIXED];
    const struct comparison *with_fixed = &v->with_fixed[v->recommended], *with_plain = &v->with_plain[v->recommended];
    int digits = finding_digits(x->tokens_per_s.value);
    fprintf(to, "%s: %.*f tokens/s ", finding_name(v, v->recommended), digits, x->tokens_per_s.value);
    say_interval(to, &x->tokens_per_s, digits);
    if (with_plain->verdict != VERDICT_REFERENCE) {
        fprintf(to, ", %.2f times the %.*f of plain decoding ", x->speedup.value, digits, plain->tokens_per_s.value);
        say_interval(to, &x->speedup, 2);
    }
    if (s->has[REFERENCE_BEST_FIXED] && v->recommended < s->P) {
        fprintf(to, ", %+.1f%% ", with_fixed->percent.value);
        say_interval(to, &with_fixed->percent, 1);
        fprintf(to, " against the %.*f of %s, ", digits, fixed->tokens_per_s.value, v->arm);
        say_p(to, with_fixed->p_holm);
    }
    fputs(".", to);
    int p = s->fastest;
    bool itself = p >= 0 && v->recommended == s->P + REFERENCE_BEST_FIXED && v->with_fixed[p].verdict == VERDICT_REFERENCE;
    if (p >= 0 && p != v->recommended && !itself) { // what the others would bring
        fprintf(to, " The fastest policy, %s: %.*f tokens/s ", s->policies[p].spec, digits, v->rows[p].tokens_per_s.value);
        say_interval(to, &v->rows[p].tokens_per_s, digits);
        const struct comparison *with = v->conclusion == CONCLUDE_PLAIN ? &v->with_plain[p] : &v->with_fixed[p];
        if (s->has[REFERENCE_BEST_FIXED] || v->conclusion == CONCLUDE_PLAIN) {
            fprintf(to, ", %+.1f%% ", with->percent.value);
            say_interval(to, &with->percent, 1);
            fprintf(to, " against %s, ", v->conclusion == CONCLUDE_PLAIN ? "it" : "the arm");
            say_p(to, with->p_holm);
        }
        fputs(".", to);
    }
}

/* Names of the policies that cannot be told apart from the fastest. */
static void say_level(const struct finding *v, FILE *to) {
    enum { NAMED = 8 };
    const struct scores *s = v->scores;
    int named = 0;
    for (int i = 0; i < s->P && named < NAMED; i++) {
        int p = v->order[i];
        if (p != s->fastest && v->with_fastest[p].verdict == VERDICT_NONE) fprintf(to, "%s%s", named++ ? ", " : "", s->policies[p].spec);
    }
    if (v->level > NAMED) fprintf(to, " and %d more", v->level - NAMED);
}

static void say_sureness(const struct finding *v, FILE *to) {
    const struct scores *s = v->scores;
    const char *fastest = s->policies[s->fastest].spec;
    double first = v->first[s->fastest];
    if (s->P == 1) {
        fprintf(to, "%s is the only policy that played, on %d prompt%s.", fastest, s->Q, s->Q == 1 ? "" : "s");
        return;
    }
    fprintf(to, "%s is the fastest of %d policies in ", fastest, s->P);
    if (first >= 1) fputs("all", to);
    else if (first > 0.999) fputs("more than 99.9%", to);
    else fprintf(to, "%.*f%%", first > 0.99 ? 1 : 0, 100 * first);
    fprintf(to, " of %d resamples of the %d prompt%s; ", STATS_RESAMPLES, s->Q, s->Q == 1 ? "" : "s");
    if (!v->level) fputs("every other policy is distinguishably slower.", to);
    else {
        fprintf(to, "%d cannot be told apart from it: ", v->level);
        say_level(v, to);
        fputs(".", to);
    }
}

static void say_reason(const struct finding *v, double margin, FILE *to) {
    const struct scores *s = v->scores;
    int p = v->recommended, automatic = -1;
    for (int i = 0; i < s->P; i++)
        if (!strcmp(s->policies[i].spec, "auto")) automatic = i;
    if (p == s->P + REFERENCE_PLAIN) fputs("It needs no drafter; on other prompts or hardware drafting may pay.", to);
    else if (p >= s->P) {
        char room[512];
        fprintf(to, "A fixed arm (--policy %s) is the simplest choice: it keeps nothing and needs no policy. %s",
            finding_spec(v, p, room, sizeof room), s->held ? "This one was found on the other prompts"
                : "But this one is known only in hindsight of these prompts");
        if (automatic >= 0) {
            fputs("; auto, which must find it, is at ", to);
            fprintf(to, "%+.1f%% ", v->with_fixed[automatic].percent.value);
            say_interval(to, &v->with_fixed[automatic].percent, 1);
            fputs(" of it", to);
        }
        fputs(".", to);
    } else if (p != s->fastest) {
        fprintf(to, "%s is recommended rather than %s, from which it cannot be told apart (%+.1f%% ", s->policies[p].spec,
            s->policies[s->fastest].spec,
                v->with_fastest[p].percent.value);
        say_interval(to, &v->with_fastest[p].percent, 1);
        fprintf(to, "), because it is %s, and not more than %g%% behind.", !strcmp(s->policies[p].spec, "auto")
            ? "what live decoding uses unless told otherwise" : "the simplest of these: it keeps the least state", margin);
    }
}

static int say(char **text, struct finding *v, void (*words)(const struct finding *v, FILE *to), double margin, struct err *err) {
    char *bytes = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&bytes, &n);
    if (!to) return err_set(err, "cannot write the verdict: out of memory");
    if (words) words(v, to);
    else say_reason(v, margin, to);
    int rc = fclose(to) ? err_set(err, "cannot write the verdict: out of memory") : 0;
    if (!rc && !(*text = mem_text(bytes, n, err))) rc = ERR_FAILED;
    free(bytes);
    return rc;
}

static void say_arm_of(const struct finding *v, FILE *to) { say_arm(v->scores, to); }

static int open_rows(struct finding *v, struct err *err) {
    const struct scores *s = v->scores;
    size_t P = (size_t)s->P, all = P + REFERENCES;
    return (v->rows = mem_alloc(P, sizeof *v->rows, "a verdict", err))
        && (v->with_fastest = mem_alloc(3 * all, sizeof *v->with_fastest, "a verdict", err))
        && (v->first = mem_alloc(P, sizeof *v->first, "a verdict", err)) && (v->order = mem_alloc(P, sizeof *v->order, "a verdict", err))
            ? 0 : ERR_FAILED;
}

int finding_open(struct finding *v, const struct scores *s, double margin, struct err *err) {
    *v = (struct finding){.scores = s};
    struct standing x = scores_standing(s);
    const int which[3] = {s->fastest, s->P + REFERENCE_BEST_FIXED, s->P + REFERENCE_PLAIN};
    int rc = open_rows(v, err);
    if (!rc) v->with_fixed = v->with_fastest + s->P + REFERENCES, v->with_plain = v->with_fixed + s->P + REFERENCES;
    if (!rc) rc = summary_several(&x, which, 3, v->rows, v->references, v->with_fastest, v->first, err);
    if (!rc) {
        drop_rounding(v->with_fastest, 3 * (s->P + REFERENCES));
        mark_the_arm(v);
        summary_sort(v->rows, s->P, v->order);
        count(v);
        v->conclusion = conclude(v);
        v->recommended = v->conclusion == CONCLUDE_SAME || v->conclusion == CONCLUDE_NONE_FASTER || v->conclusion == CONCLUDE_ARM
                         ? s->P + REFERENCE_BEST_FIXED : v->conclusion == CONCLUDE_PLAIN ? s->P + REFERENCE_PLAIN
                             : recommend_policy(v, margin);
        rc = say(&v->arm, v, say_arm_of, margin, err);
    }
    if (!rc) rc = say(&v->headline, v, say_headline, margin, err);
    if (!rc) rc = say(&v->amount, v, say_amount, margin, err);
    if (!rc) rc = say(&v->sureness, v, say_sureness, margin, err);
    if (!rc) rc = say(&v->reason, v, NULL, margin, err);
    if (rc) finding_close(v);
    return rc;
}

void finding_close(struct finding *v) {
    void *blocks[] = {v->rows, v->with_fastest, v->first, v->order, v->arm, v->headline, v->amount, v->sureness, v->reason};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) mem_free(blocks[i]);
    *v = (struct finding){0};
}
