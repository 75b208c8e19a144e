/* print_live.c - see print_live.h. */
#include "sim/print_live.h"

#include <jansson.h>
#include <stdio.h>

#include "sim/live_batch.h"

void printer_begin(struct printer *p, int q, const struct prompt *prompt) {
    p->printed = 0;
    if (p->ids) putchar('[');
    else if (!p->json && p->many) printf("%s--- prompt %d %s\n", q ? "\n" : "", q, prompt->category);
}

/* Text in the colour of its origin: drafted and accepted in green, the target's own plain. */
static void put(struct printer *p, bool drafted) {
    if (!p->text.n) return;
    if (drafted && p->colour) fputs("\033[32m", stdout);
    fwrite(p->text.at, 1, p->text.n, stdout);
    if (drafted && p->colour) fputs("\033[0m", stdout);
    p->text.n = 0;
}

int printer_tokens(struct printer *p, const int *tokens, int n, int accepted, struct err *err) {
    for (int i = 0; i < n; i++, p->printed++) {
        if (p->json) continue;
        if (p->ids) {
            printf(p->printed ? ",%d" : "%d", tokens[i]);
            continue;
        }
        if (text_stream_push(&p->stream, p->tokenizer, tokens[i], &p->text, err)) return -1;
        put(p, i < accepted);
    }
    if (!p->json && p->colour) fflush(stdout);
    return 0;
}

int printer_end(struct printer *p, struct err *err) {
    if (p->json) return 0;
    if (p->ids) return puts("]") < 0 ? err_set(err, "cannot write to standard output") : 0;
    if (text_stream_flush(&p->stream, &p->text, err)) return -1;
    put(p, false);
    putchar('\n');
    return 0;
}

static double ratio(double a, double b) { return b > 0 ? a / b : 0; }

static int report_json(const struct live_report *r, struct err *err) {
    const struct live_total *t = r->total;
    double seconds = t->draft_s + t->verify_s;
    json_t *pulls = json_object(), *all = json_pack("{s:s, s:i, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:f}", "policy", r->policy, "prompts", r->prompts,
        "rounds", (json_int_t)t->rounds, "emitted", (json_int_t)t->emitted, "proposed", (json_int_t)t->proposed, "accepted", (json_int_t)t->accepted,
        "mat", ratio((double)t->emitted, (double)t->rounds), "tokens_per_s", ratio((double)t->emitted, seconds),
        "draft_s", t->draft_s, "verify_s", t->verify_s, "prefill_s", t->prefill_s);
    for (int k = 0; k < r->arms->K; k++) json_object_set_new(pulls, r->arms->at[k].name, json_integer((json_int_t)r->pulls[k]));
    json_object_set_new(all, "pulls", pulls);
    if (r->compared) {
        json_object_set_new(all, "plain_tokens_per_s", json_real(ratio((double)t->emitted, t->plain_s)));
        json_object_set_new(all, "speedup", json_real(ratio(t->plain_s, seconds)));
        if (r->speedup.hi > 0) json_object_set_new(all, "speedup_interval", json_pack("[f, f]", r->speedup.lo, r->speedup.hi));
    }
    if (r->mirror) {
        json_object_set_new(all, "checked_rounds", json_integer((json_int_t)r->mirror->rounds));
        json_object_set_new(all, "modelled_tokens_per_s", json_real(ratio((double)t->emitted, r->mirror->modelled_s)));
    }
    int rc = all ? json_dumpf(all, stdout, JSON_INDENT(1)) : -1;
    json_decref(all);
    putchar('\n');
    return rc ? err_set(err, "cannot write JSON") : 0;
}

static void report_pulls(FILE *to, const struct live_report *r) {
    fprintf(to, "  pulls       ");
    for (int k = 0; k < r->arms->K; k++)
        if (r->pulls[k]) fprintf(to, " %s %lld", r->arms->at[k].name, (long long)r->pulls[k]);
    fputc('\n', to);
}

int printer_report(struct printer *p, const struct live_report *r, struct err *err) {
    if (p->json) return report_json(r, err);
    const struct live_total *t = r->total;
    FILE *to = p->ids ? stderr : stdout; // --ids keeps standard output to the arrays
    double seconds = t->draft_s + t->verify_s;
    fprintf(to, "\n%s: %lld tokens in %lld rounds, %.2f tokens a round (MAT)\n", r->policy, (long long)t->emitted, (long long)t->rounds,
            ratio((double)t->emitted, (double)t->rounds));
    fprintf(to, "  speed        %.1f tokens/s (draft %.3f s, verify %.3f s; prefill %.3f s apart)\n", ratio((double)t->emitted, seconds),
            t->draft_s, t->verify_s, t->prefill_s);
    fprintf(to, "  drafted      %lld tokens, %lld accepted (%.0f%%)\n", (long long)t->proposed, (long long)t->accepted,
            100 * ratio((double)t->accepted, (double)t->proposed));
    report_pulls(to, r);
    if (r->compared) {
        fprintf(to, "  plain        %.1f tokens/s: %.2f times as fast with the policy", ratio((double)t->emitted, t->plain_s), ratio(t->plain_s, seconds));
        if (r->speedup.hi > 0) fprintf(to, " [%.2f, %.2f], same text (95%%, BCa over prompts)\n", r->speedup.lo, r->speedup.hi);
        else fputs(", same text\n", to);
    }
    if (r->mirror)
        fprintf(to, "  replay       equals live: %d prompts, %lld rounds, same arms, proposed, accepted, emitted and text\n"
                    "  modelled     %.1f tokens/s for these rounds, %+.1f%% against the clock\n",
                r->mirror->sequences, (long long)r->mirror->rounds, ratio((double)t->emitted, r->mirror->modelled_s),
                100 * (ratio(r->mirror->live_s, r->mirror->modelled_s) - 1));
    return 0;
}

static int batch_json(const struct live_batch *l, const struct live_batch_total *t, int B, double seconds, struct err *err) {
    const struct batch_total *b = &t->batch;
    json_t *pulls = json_object(), *all = json_pack("{s:s, s:i, s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:f}", "policy", l->policy, "batch", B, "quota", l->quota,
        "prompts", t->decoded, "refused", t->refused, "passes", (json_int_t)b->passes, "rounds", (json_int_t)b->rounds, "rows", (json_int_t)b->rows, "emitted", (json_int_t)b->emitted,
        "proposed", (json_int_t)b->proposed, "accepted", (json_int_t)b->accepted, "mat", ratio((double)b->emitted, (double)b->rounds),
        "tokens_per_s", ratio((double)b->emitted, seconds), "draft_s", b->draft_s, "verify_s", b->verify_s, "prefill_s", b->prefill_s);
    for (int k = 0; k < l->arms->K; k++) json_object_set_new(pulls, l->arms->at[k].name, json_integer((json_int_t)l->pulls[k]));
    json_object_set_new(all, "pulls", pulls);
    if (l->compare) {
        json_object_set_new(all, "plain_tokens_per_s", json_real(ratio((double)b->emitted, t->plain_s)));
        json_object_set_new(all, "speedup", json_real(ratio(t->plain_s, seconds)));
    }
    if (l->trace) {
        json_object_set_new(all, "checked_rounds", json_integer((json_int_t)t->checked_rounds));
        json_object_set_new(all, "modelled_verify_s", json_real(t->modelled_s));
        json_object_set_new(all, "simulated_tokens_per_s", json_real(ratio((double)t->simulated.emitted, t->simulated.draft_s + t->simulated.verify_s)));
        json_object_set_new(all, "simulated_prefill_s", json_real(t->simulated.prefill_s));
    }
    int rc = all ? json_dumpf(all, stdout, JSON_INDENT(1)) : -1;
    json_decref(all);
    putchar('\n');
    return rc ? err_set(err, "cannot write JSON") : 0;
}

int printer_batch(struct printer *p, const struct live_batch *l, const struct live_batch_total *t, int B, struct err *err) {
    const struct batch_total *b = &t->batch;
    const double seconds = b->draft_s + b->verify_s;
    if (p->json) return batch_json(l, t, B, seconds, err);
    FILE *to = p->ids ? stderr : stdout;
    fprintf(to, "\n%s, %d at once: %lld tokens of %d prompts in %lld passes, %.2f requests and %.2f rows a pass, %.2f tokens a request and round (MAT)\n", l->policy, B,
            (long long)b->emitted, t->decoded, (long long)b->passes, ratio((double)b->rounds, (double)b->passes), ratio((double)b->rows, (double)b->passes),
            ratio((double)b->emitted, (double)b->rounds));
    fprintf(to, "  throughput   %.1f tokens/s (draft %.3f s, verify %.3f s; prefill %.3f s apart)\n", ratio((double)b->emitted, seconds), b->draft_s, b->verify_s, b->prefill_s);
    fprintf(to, "  drafted      %lld tokens, %lld accepted (%.0f%%)\n", (long long)b->proposed, (long long)b->accepted, 100 * ratio((double)b->accepted, (double)b->proposed));
    report_pulls(to, &(struct live_report){.arms = l->arms, .pulls = l->pulls});
    if (l->compare)
        fprintf(to, "  plain        %.1f tokens/s, as many at once: %.2f times as fast with the policy, same texts\n", ratio((double)b->emitted, t->plain_s), ratio(t->plain_s, seconds));
    if (l->trace)
        fprintf(to, "  replay       equals live: %d prompts, %lld rounds, same passes, arms, proposed, accepted, emitted and texts\n"
                    "  modelled     %.3f s for these passes, %+.1f%% against the clock\n", t->decoded, (long long)t->checked_rounds, t->modelled_s,
                100 * (ratio(t->modelled_s, t->checked_s) - 1));
    const struct batch_total *s = &t->simulated;
    if (l->trace)
        fprintf(to, "  simulated    %.1f tokens/s (draft %.3f s, verify %.3f s; prefill %.3f s apart), %+.1f%% against the clock\n", ratio((double)s->emitted, s->draft_s + s->verify_s), s->draft_s,
                s->verify_s, s->prefill_s, 100 * (ratio(ratio((double)s->emitted, s->draft_s + s->verify_s), ratio((double)b->emitted, seconds)) - 1));
    return 0;
}

void printer_close(struct printer *p) { buffer_close(&p->text); }
