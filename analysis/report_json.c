/* report_json.c - everything a report says, as one JSON object. */
#include "analysis/report.h"

#include <jansson.h>

#include "analysis/escape.h"
#include "core/mem.h"

static json_t *measure(const struct measure *m) { return json_pack("{s:f, s:f, s:f}", "value", m->value, "lo", m->lo, "hi", m->hi); }

static json_t *comparison(const struct comparison *c) {
    return json_pack("{s:o, s:f, s:f, s:s}", "percent", measure(&c->percent), "p", c->p, "p_holm", c->p_holm, "verdict",
        finding_word(c->verdict));
}

static json_t *row_json(const struct report *r, int row, json_t *name) {
    const struct finding *f = &r->finding;
    const struct summary *x = finding_row(f, row);
    const bool known = r->scores.has[REFERENCE_BEST_FIXED];
    json_t *rank = x->rank ? json_pack("{s:i, s:i, s:i}", "value", x->rank, "lo", x->rank_lo, "hi", x->rank_hi) : json_null();
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "policy", name, "rank", rank, "tokens_per_s",
        measure(&x->tokens_per_s),
                     "speedup", measure(&x->speedup), "mat", measure(&x->mat), "regret_rounds",
                         measure(&x->regret_rounds), "regret_seconds", measure(&x->regret_seconds),
                     "gap_closed", known && x->has_gap ? json_real(x->gap_closed) : json_null(),
                     "against_best_fixed", known ? comparison(&f->with_fixed[row]) : json_null(), "against_plain",
                         comparison(&f->with_plain[row]),
                     "against_fastest", comparison(&f->with_fastest[row]), "share_first", row < r->scores.P ? json_real(f->first[row])
                         : json_null());
}

static json_t *rows_of(const struct report *r, bool policies) {
    static const char *const names[REFERENCES] = {"plain", "best-fixed", "best-per-category", "best-per-prompt",
        "clairvoyant-rounds", "clairvoyant"};
    const struct scores *s = &r->scores;
    json_t *list = json_array();
    for (int i = 0; i < s->P && policies; i++) json_array_append_new(list,
        row_json(r, r->finding.order[i], json_lossy(s->policies[r->finding.order[i]].spec)));
    for (int i = 0; i < REFERENCES && !policies; i++)
        if (s->has[i]) json_array_append_new(list, row_json(r, s->P + i, json_string(names[i])));
    return list;
}

static json_t *categories_of(const struct report *r) {
    json_t *list = json_array();
    for (int i = 0; i < r->categories_n; i++) {
        const struct report_category *c = &r->categories[i];
        json_t *fixed = r->scores.has[REFERENCE_BEST_FIXED] ? measure(&c->fixed) : json_null();
        json_array_append_new(list, json_pack("{s:o, s:i, s:f, s:o, s:o, s:o, s:o, s:o, s:o}", "category", c->name ? json_lossy(c->name)
            : json_null(), "prompts", c->prompts,
                                              "tokens", c->tokens, "plain", measure(&c->plain), "best_fixed", fixed, "recommended",
                                                  measure(&c->chosen), "speedup", measure(&c->speedup),
                                              "percent_best_fixed", measure(&c->gain), "fastest",
                                                  json_lossy(r->scores.policies[c->fastest].spec)));
    }
    return list;
}

static json_t *caveats_of(const struct report *r) {
    json_t *list = json_array();
    char text[1024];
    for (int i = 0; report_caveat(r, i, text, sizeof text); i++) json_array_append_new(list, json_lossy(text));
    return list;
}

static json_t *fidelity_of(const struct report *r) {
    json_t *list = json_array();
    for (int i = 0; i < r->fidelity_n; i++) {
        const struct report_fidelity *x = &r->fidelity[i];
        json_array_append_new(list, json_pack("{s:o, s:o, s:i, s:f, s:f}", "policy", json_lossy(x->spec), "device",
            json_lossy(r->fidelity_device), "prompts", x->prompts, "live_tokens_per_s", x->live,
                                              "simulated_tokens_per_s", x->simulated));
    }
    return list;
}

static json_t *verdict_of(const struct report *r) {
    static const char *const words[] = {[CONCLUDE_POLICY] = "a policy is faster", [CONCLUDE_SAME] = "no policy is distinguishable",
        [CONCLUDE_NONE_FASTER] = "no policy is faster",
                                        [CONCLUDE_ARM] = "the arm is faster", [CONCLUDE_NO_ARM] = "the best fixed arm is not known",
                                            [CONCLUDE_ARMS_ONLY] = "only fixed arms played", [CONCLUDE_PLAIN] = "drafting does not pay"};
    const struct finding *f = &r->finding;
    const struct scores *s = &r->scores;
    char room[512];
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:i, s:i, s:i, s:i}", "conclusion", words[f->conclusion], "headline",
        json_lossy(f->headline), "amount", json_lossy(f->amount),
                     "sureness", json_lossy(f->sureness), "reason", json_lossy(f->reason), "recommended",
                         json_lossy(finding_spec(f, f->recommended, room, sizeof room)),
                     "fastest", json_lossy(s->policies[s->fastest].spec), "best_fixed_arm", s->best < 0 ? json_null()
                         : json_lossy(s->arms[s->best].name),
                     "policies", s->P, "faster", f->faster, "not_distinguishable", f->same, "slower",
                         f->slower, "level_with_fastest", f->level);
}

int report_json(const struct report *r, FILE *to, struct err *err) {
    json_t *all = json_pack("{s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:s, s:s, s:s, s:s, s:i, s:i, s:f, s:i, s:o, s:o, s:o, s:o, s:o, "
        "s:o}", "results", json_lossy(r->results), "experiment",
                            (json_int_t)r->plot.experiment, "created", json_lossy(r->created), "trace",
                                json_lossy(r->trace), "trace_sha256", json_lossy(r->sha256), "target", json_lossy(r->target),
                            "device", json_lossy(r->device), "world", r->world, "scope", r->scope, "timing", r->timing, "version",
                                r->version, "seeds", r->seeds, "prompts", r->scores.Q,
                            "holdout", r->holdout, "chosen_on", r->scores.chosen_on, "verdict", verdict_of(r), "policies",
                                rows_of(r, true), "references", rows_of(r, false),
                            "categories", categories_of(r), "caveats", caveats_of(r), "fidelity", fidelity_of(r));
    if (!all || json_dumpf(all, to, JSON_INDENT(2))) return json_decref(all), err_set(err, "cannot write JSON");
    json_decref(all);
    putc('\n', to);
    return ferror(to) ? err_set(err, "cannot write JSON") : 0;
}
