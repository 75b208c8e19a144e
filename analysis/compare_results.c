/* compare_results.c - two experiments: what each says on its own, and which of it both say. */
#include "analysis/compare.h"

#include <string.h>

#include "analysis/report.h"
#include "core/mem.h"

static char *copy(const char *text, struct err *err) { return mem_text(text, strlen(text), err); }

static int fill_side(struct side *s, const struct report *r, struct err *err) {
    const struct scores *x = &r->scores;
    char text[512];
    int rc = side_open(s, x->Q, x->P + 1, err);
    if (rc) return rc;
    snprintf(text, sizeof text, "experiment %lld of '%s'", (long long)r->plot.experiment, r->results);
    if (!(s->path = copy(r->results, err)) || !(s->title = copy(text, err)) || !(s->target = copy(r->target, err))
        || !(s->device = copy(r->device, err))
        || !(s->sha256 = copy(r->sha256, err)) || !(s->seconds = copy(report_timing(r), err))) return ERR_FAILED;
    for (int q = 0; q < x->Q; q++) {
        s->tokens[q] = x->tokens[q];
        if (!(s->prompt_key[q] = copy(x->prompt_key[q], err))) return ERR_FAILED;
        s->rounds[(size_t)x->P * (size_t)x->Q + (size_t)q] = x->reference[REFERENCE_PLAIN][q].rounds;
        s->took[(size_t)x->P * (size_t)x->Q + (size_t)q] = x->reference[REFERENCE_PLAIN][q].seconds;
    }
    size_t cells = (size_t)x->P * (size_t)x->Q;
    memcpy(s->rounds, x->rounds, cells * sizeof *s->rounds);
    memcpy(s->took, x->seconds, cells * sizeof *s->took);
    for (int p = 0; p < x->P; p++)
        if (!(s->names[p] = copy(x->policies[p].spec, err))) return ERR_FAILED;
    return (s->names[x->P] = copy("plain decoding", err)) ? 0 : ERR_FAILED;
}

static int find(const struct report *r, const char *spec) {
    for (int p = 0; p < r->scores.P; p++)
        if (!strcmp(r->scores.policies[p].spec, spec)) return p;
    return -1;
}

enum claim { FASTER_THAN_PLAIN, FASTER_THAN_ARM, FASTEST, LEVEL };

static bool holds(const struct report *r, const char *spec, enum claim claim) {
    const struct finding *f = &r->finding;
    int p = find(r, spec);
    if (p < 0) return false;
    if (claim == FASTER_THAN_PLAIN) return f->with_plain[p].verdict == VERDICT_FASTER;
    if (claim == FASTER_THAN_ARM) return r->scores.has[REFERENCE_BEST_FIXED] && f->with_fixed[p].verdict == VERDICT_FASTER;
    if (claim == FASTEST) return p == r->scores.fastest;
    return f->with_fastest[p].verdict == VERDICT_REFERENCE || f->with_fastest[p].verdict == VERDICT_NONE;
}

static void say_claims(struct compare *c, const struct report *a, const struct report *b, const char *spec) {
    static const char *const words[] = {[FASTER_THAN_PLAIN] = "%s is faster than plain decoding",
        [FASTER_THAN_ARM] = "%s is faster than the best fixed arm", [FASTEST] = "%s has the most tokens/s of the policies",
                                        [LEVEL] = "%s is, or cannot be told apart from, the fastest"};
    if (find(a, spec) < 0 || find(b, spec) < 0) return;
    for (int claim = FASTER_THAN_PLAIN; claim <= LEVEL; claim++) {
        char text[600];
        snprintf(text, sizeof text, words[claim], spec);
        compare_say(c, holds(a, spec, (enum claim)claim), holds(b, spec, (enum claim)claim), "%s", text);
    }
}

static const char *best_arm(const struct report *r) { return r->scores.best < 0 ? "" : r->scores.arms[r->scores.best].name; }

static void say_all(struct compare *c, const struct report *a, const struct report *b) {
    const char *in_a = finding_name(&a->finding, a->finding.recommended), *in_b = finding_name(&b->finding, b->finding.recommended);
    compare_say(c, true, !strcmp(in_a, in_b), "%s is recommended", in_a);
    compare_say(c, !strcmp(in_a, in_b), true, "%s is recommended", in_b);
    if (*best_arm(a)) compare_say(c, true, !strcmp(best_arm(a), best_arm(b)), "the best fixed arm is %s", best_arm(a));
    if (*best_arm(b)) compare_say(c, !strcmp(best_arm(a), best_arm(b)), true, "the best fixed arm is %s", best_arm(b));
    compare_say(c, a->finding.conclusion == CONCLUDE_POLICY,
        b->finding.conclusion == CONCLUDE_POLICY, "some policy is faster than the best fixed arm");
    say_claims(c, a, b, a->scores.policies[a->scores.fastest].spec);
    say_claims(c, a, b, b->scores.policies[b->scores.fastest].spec);
}

int compare_load_results(struct compare *c, const struct compare_options *o, struct err *err) {
    struct report r[2] = {{0}};
    int rc = 0, open = 0;
    for (; !rc && open < 2; open += !rc) {
        const struct report_options one = {.results = o->path[open], .experiment = o->id[open], .margin = o->margin};
        rc = report_open(&r[open], &one, err);
    }
    for (int i = 0; !rc && i < 2; i++) rc = fill_side(&c->side[i], &r[i], err);
    if (!rc) say_all(c, &r[0], &r[1]);
    for (int i = 0; i < open; i++) report_close(&r[i]);
    return rc;
}
