/* print_fidelity.c - see print_fidelity.h. */
#include "sim/print_fidelity.h"

#include <jansson.h>
#include <math.h>

#include "core/mem.h"

enum { INTERVAL = 17 }; // columns of a speed-up's

static double live_s(const struct fidelity_sum *s) { return s->live_draft + s->live_verify; }
static double ratio(double a, double b) { return b > 0 ? a / b : 0; }

/* Mean absolute difference, per cent, of speed-ups over plain decoding: without what the machine as a whole was slower than when it recorded. */
static double relative_difference(const struct fidelity *f, const struct fidelity_more *more, const struct fidelity_sum *sums) {
    double sum = 0;
    for (int p = 0; p < f->P; p++)
        sum += fabs(ratio(more->plain_simulated_s / more->plain_s * live_s(&sums[p]), sums[p].simulated_draft + sums[p].simulated_verify) - 1);
    return 100 * sum / f->P;
}

static void print_row(FILE *to, const struct fidelity *f, const struct fidelity_more *more, int p, const struct fidelity_sum *s) {
    char interval[48];
    fprintf(to, "%-28s%7.1f%7.3f%10.1f", f->row[p].spec, (double)s->rounds / f->Q, ratio((double)s->tokens, (double)s->rounds), ratio((double)s->tokens, live_s(s)));
    if (more->plain_s > 0) {
        if (f->Q < FIDELITY_ENOUGH) interval[0] = 0;
        else snprintf(interval, sizeof interval, " [%.3f, %.3f]", s->speedup.lo, s->speedup.hi);
        fprintf(to, "%9.3f%-*s", ratio(more->plain_s, live_s(s)), f->simulated ? INTERVAL : 0, interval);
    }
    if (f->simulated) {
        snprintf(interval, sizeof interval, "%+.1f%% [%.1f, %.1f]", s->difference.value, s->difference.lo, s->difference.hi);
        fprintf(to, "%11.1f  %-22s%6.3f /%6.3f%8.3f /%7.3f", fidelity_speed(s->tokens, s->simulated_draft, s->simulated_verify), interval, s->live_draft,
                s->simulated_draft, s->live_verify, s->simulated_verify);
    }
    fputc('\n', to);
}

int print_fidelity(FILE *to, const struct fidelity *f, const struct fidelity_more *more, struct err *err) {
    double mean = 0;
    struct fidelity_sum *sums = mem_alloc((size_t)f->P, sizeof *sums, "sums", err);
    int rc = sums ? fidelity_sums(f, sums, &mean, err) : ERR_FAILED;
    if (!rc) {
        fprintf(to, "%d prompts, each decoded by %d policies in turn; tokens/s after prefill\n\n", f->Q, f->P);
        fprintf(to, "%-28s%7s%7s%10s%s%*s%s\n", "policy", "rounds", "MAT", "live", more->plain_s > 0 ? " speed-up" : "",
                more->plain_s > 0 && f->simulated ? INTERVAL : 0, "",
                f->simulated ? "  simulated  difference            draft s, live/sim  verify s, live/sim" : "");
        for (int p = 0; p < f->P; p++) print_row(to, f, more, p, &sums[p]);
        if (more->plain_s > 0) fprintf(to, "%-28s%24.1f%9.3f%*s", "plain", ratio((double)sums[0].tokens, more->plain_s), 1.0, f->simulated ? INTERVAL : 0, "");
        if (more->plain_s > 0 && f->simulated)
            fprintf(to, "%11.1f  %+.1f%%", ratio((double)sums[0].tokens, more->plain_simulated_s), 100 * (ratio(more->plain_s, more->plain_simulated_s) - 1));
        if (more->plain_s > 0) fputc('\n', to);
        if (more->plain_s > 0 && f->Q < FIDELITY_ENOUGH) fprintf(to, "\nspeed-up: over plain decoding; fewer than %d prompts give no interval\n", FIDELITY_ENOUGH);
        else if (more->plain_s > 0) fprintf(to, "\nspeed-up: over plain decoding of the same prompts, 95%% BCa intervals over prompts\n");
        if (f->simulated)
            fprintf(to, "\nreplay equals live: %lld rounds, same arms, proposed, accepted, emitted and text\n"
                        "simulated against live: %.1f%% off on average (mean absolute difference; 95%% intervals over prompts)\n",
                    (long long)more->checked_rounds, mean);
        if (more->plain_s > 0 && f->simulated) fprintf(to, "their speed-ups over plain decoding: %.1f%% off on average\n", relative_difference(f, more, sums));
        const double slower = 100 * (ratio(more->plain_s, more->plain_simulated_s) - 1);
        if (more->plain_s > 0 && f->simulated && fabs(slower) > 10)
            fprintf(to, "this machine decodes plainly %.0f%% %s than when it recorded, if it did: compare speed-ups, or record again while it is quiet\n", fabs(slower),
                    slower > 0 ? "slower" : "faster");
    }
    mem_free(sums);
    return rc;
}

static json_t *row_json(const struct fidelity *f, const struct fidelity_more *more, int p, const struct fidelity_sum *s) {
    json_t *one = json_pack("{s:s, s:I, s:I, s:f, s:f, s:f, s:f}", "policy", f->row[p].spec, "rounds", (json_int_t)s->rounds, "emitted", (json_int_t)s->tokens,
                            "mat", ratio((double)s->tokens, (double)s->rounds), "tokens_per_s", ratio((double)s->tokens, live_s(s)), "draft_s", s->live_draft,
                            "verify_s", s->live_verify);
    if (one && more->plain_s > 0) json_object_set_new(one, "speedup", json_real(ratio(more->plain_s, live_s(s))));
    if (one && more->plain_s > 0 && f->Q >= FIDELITY_ENOUGH) json_object_set_new(one, "speedup_interval", json_pack("[f, f]", s->speedup.lo, s->speedup.hi));
    json_t *simulated = one && f->simulated
        ? json_pack("{s:f, s:f, s:f, s:f, s:[f, f]}", "simulated_tokens_per_s", fidelity_speed(s->tokens, s->simulated_draft, s->simulated_verify), "simulated_draft_s",
                    s->simulated_draft, "simulated_verify_s", s->simulated_verify, "difference_percent", s->difference.value, "difference_interval", s->difference.lo, s->difference.hi)
        : NULL;
    if (simulated) json_object_update(one, simulated);
    json_decref(simulated);
    return one;
}

int print_fidelity_json(FILE *to, const struct fidelity *f, const struct fidelity_more *more, struct err *err) {
    double mean = 0;
    struct fidelity_sum *sums = mem_alloc((size_t)f->P, sizeof *sums, "sums", err);
    int rc = sums ? fidelity_sums(f, sums, &mean, err) : ERR_FAILED;
    if (!rc) {
        json_t *rows = json_array(), *all = json_pack("{s:i, s:o}", "prompts", f->Q, "policies", rows);
        for (int p = 0; p < f->P; p++) json_array_append_new(rows, row_json(f, more, p, &sums[p]));
        if (more->plain_s > 0) json_object_set_new(all, "plain_tokens_per_s", json_real(ratio((double)sums[0].tokens, more->plain_s)));
        if (f->simulated) {
            json_object_set_new(all, "checked_rounds", json_integer((json_int_t)more->checked_rounds));
            json_object_set_new(all, "mean_absolute_difference_percent", json_real(mean));
            if (more->plain_s > 0) json_object_set_new(all, "plain_simulated_tokens_per_s", json_real(ratio((double)sums[0].tokens, more->plain_simulated_s)));
            if (more->plain_s > 0) json_object_set_new(all, "mean_absolute_speedup_difference_percent", json_real(relative_difference(f, more, sums)));
        }
        if (!all || json_dumpf(all, to, JSON_INDENT(1)) || fputc('\n', to) < 0) rc = err_set(err, "cannot write JSON");
        json_decref(all);
    }
    mem_free(sums);
    return rc;
}
