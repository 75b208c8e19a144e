/* cmd_traces_synth.c - `banditspec traces synth`: worlds besides recorded ones, and how well a recorded one follows the law. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "core/cmd.h"
#include "core/mem.h"
#include "core/opt.h"
#include "traces/hazard.h"
#include "traces/synthesis.h"

command traces_synth;

static const struct opt_help help = {
    .usage = "traces synth [--db] TRACE --drafter NAME=P[,P...][@MS]... [--world LAW --tokens N ...]\n"
             "       banditspec traces synth [--db TRACE] --like RECORDED [--world LAW]",
    .about = "Writes a trace whose law is known. Accepted lengths are run lengths of match bits of probability P:\n"
             "  geometric    one P a drafter: truncated geometric lengths, stationary\n"
             "  markov       a P a state; a token changes the state with probability --change\n"
             "  changes      a P a state; each holds for --period tokens, in turn\n"
             "  adversarial  turns of period, 2 period, 4 period, ... tokens: the drafter whose turn it is has\n"
             "               the first P, all others the second\n"
             "  resample     sequences of --like, drawn with replacement, timings and all\n"
             "With --like the parameters are fitted from a recorded trace (states are then its categories), and a\n"
             "chi-square test tells whether its accepted lengths are truncated geometric: the same probability at\n"
             "every depth. Without --db only that is printed. The recording says that it is synthetic.",
    .example = "  banditspec traces synth s.db --drafter good=0.8 fair=0.6@0.2 --sequences 100 --tokens 256\n"
               "  banditspec traces synth s.db --world markov --drafter a=0.9,0.2 b=0.3,0.8 --change 0.05\n"
               "  banditspec traces synth s.db --world resample --like run.db --sequences 1000\n"
               "  banditspec traces synth --like run.db",
};

struct options {
    const char *db, *world, *like;
    struct texts drafters;
    int sequences, tokens, prompt_tokens, L, period, recording;
    double change, verify_ms, row_ms;
    uint64_t seed;
    bool json, add;
};

static int find_law(const char *word, enum synthesis_law *law, struct err *err) {
    for (int i = 0; i < LAWS; i++)
        if (!strcmp(word, synthesis_laws[i])) {
            *law = (enum synthesis_law)i;
            return 0;
        }
    err_usage(err, "option '--world' wants");
    for (int i = 0; i < LAWS; i++) err_add(err, "%s %s", i ? "," : "", synthesis_laws[i]);
    err_add(err, ", got '%s'", word);
    return ERR_USAGE;
}

/* Probabilities by the command line; each law wants its number of them. */
static int take_drafters(struct synthesis *x, const struct options *o, struct err *err) {
    if (o->drafters.n > SYNTHESIS_DRAFTERS) return err_usage(err, "at most %d drafters, got %d", SYNTHESIS_DRAFTERS, o->drafters.n);
    for (int d = 0; d < o->drafters.n; d++) {
        int rc = synthesis_drafter_parse(&x->drafter[d], o->drafters.at[d], err);
        if (rc) return rc;
        int want = x->law == LAW_GEOMETRIC ? 1 : x->law == LAW_ADVERSARIAL ? 2 : x->drafter[0].states;
        if (x->drafter[d].states != want)
            return err_usage(err, "drafter '%s' has %d probabilities, world '%s' wants %d%s", o->drafters.at[d], x->drafter[d].states,
                             synthesis_laws[x->law], want, x->law == LAW_MARKOV || x->law == LAW_CHANGES ? " as the first drafter has" : "");
    }
    x->D = o->drafters.n;
    for (int w = 1; w < SYNTHESIS_WIDTHS; w++) x->verify_ms[w] = o->verify_ms + o->row_ms * (w - 1);
    return 0;
}

static int check_options(const struct options *o, enum synthesis_law law, struct err *err) {
    if (!o->db && !o->like) return err_usage(err, "give --db, the trace to write, or --like, the trace to fit (see banditspec traces synth --help)");
    if (o->like && o->drafters.n) return err_usage(err, "give either --drafter or --like: the latter's drafters are fitted");
    if (!o->like && law == LAW_RESAMPLE) return err_usage(err, "world 'resample' wants --like, the trace whose sequences are drawn");
    if (o->like && law == LAW_ADVERSARIAL) return err_usage(err, "world 'adversarial' is nobody's likeness: give --drafter, not --like");
    if (!o->like && !o->drafters.n) return err_usage(err, "option '--drafter' is required without --like");
    return 0;
}

/* -- the fit, in words and as JSON -- */

static const char *verdict(const struct hazard *h) {
    return !h->df ? "too few trials to tell" : h->p_value < 0.01 ? "not truncated geometric" : "no difference found";
}

static void print_fit(const struct trace *t, struct hazard *h) {
    enum { SHOWN = 6 };
    printf("%s: are accepted lengths truncated geometric?\n\n%-14s %9s %7s", t->path, "drafter", "proposing", "p");
    for (int k = 1; k <= SHOWN; k++) printf(" %5s%d", "p at ", k);
    printf(" %8s %3s %9s\n", "X^2", "df", "p-value");
    for (int d = 0; d < t->D; d++) {
        hazard_count(h, t, d, NULL);
        printf("%-14s %8.1f%% %7.4f", t->drafters[d].name, h->rounds ? 100.0 * (double)h->proposing / (double)h->rounds : 0, h->p);
        for (int k = 1; k <= SHOWN; k++)
            if (h->tested[k]) printf(" %6.3f", (double)h->accepted[k] / (double)h->tested[k]);
            else printf(" %6s", "-");
        printf(" %8.1f %3d %9.2g  %s\n", h->chi2, h->df, h->p_value, verdict(h));
    }
    printf("\np: probability that a drafted token is accepted; p at k: of the k-th, the first k - 1 having been accepted.\n"
           "The model has one p at every depth; X^2 compares them (Pearson), 'not' means a p-value below 0.01.\n");
}

static int print_fit_json(const struct trace *t, struct hazard *h, struct err *err) {
    json_t *list = json_array();
    for (int d = 0; d < t->D; d++) {
        hazard_count(h, t, d, NULL);
        json_t *tested = json_array(), *accepted = json_array();
        for (int k = 1; k <= h->depths; k++)
            json_array_append_new(tested, json_integer((json_int_t)h->tested[k])), json_array_append_new(accepted, json_integer((json_int_t)h->accepted[k]));
        json_array_append_new(list, json_pack("{s:s, s:I, s:I, s:f, s:o, s:o, s:f, s:i, s:f, s:s}", "drafter", t->drafters[d].name, "rounds",
            (json_int_t)h->rounds, "proposing", (json_int_t)h->proposing, "p", h->p, "tested", tested, "accepted", accepted, "chi2", h->chi2,
            "df", h->df, "p_value", h->p_value, "verdict", verdict(h)));
    }
    json_t *all = json_pack("{s:s, s:s, s:o}", "trace", t->path, "trace_sha256", t->sha256, "drafters", list);
    int rc = all ? json_dumpf(all, stdout, JSON_INDENT(2)) : -1;
    json_decref(all);
    putchar('\n');
    return rc ? err_set(err, "cannot write JSON") : 0;
}

static int report_fit(const struct options *o, const struct trace *t, struct err *err) {
    struct hazard *h = mem_alloc(1, sizeof *h, "trials", err);
    if (!h) return -1;
    int rc = 0;
    if (o->json) rc = print_fit_json(t, h, err);
    else print_fit(t, h);
    mem_free(h);
    return rc;
}

static int run(const struct options *o, struct synthesis *x, struct trace *like, struct err *err) {
    int rc = 0;
    if (o->like) {
        if (trace_open(like, o->like, o->recording, err)) return -1;
        x->like = like;
        if (x->law != LAW_RESAMPLE) rc = synthesis_fit(x, err);
        if (!rc) rc = report_fit(o, like, err);
    } else rc = take_drafters(x, o, err);
    if (rc || !o->db) return rc;
    if ((rc = synthesis_write(x, o->db, err))) return rc;
    if (!o->json) printf("%s'%s' holds %d synthetic sequences (world %s, seed %llu)\n", o->like ? "\n" : "", o->db, x->sequences,
                         synthesis_laws[x->law], (unsigned long long)x->seed);
    return 0;
}

int traces_synth(int argc, char **argv, struct err *err) {
    struct options o = {.world = "geometric", .sequences = 100, .tokens = 128, .prompt_tokens = 64, .L = 8, .period = 32, .change = 0.02,
                        .verify_ms = 10, .row_ms = 0.2};
    const struct opt table[] = {
        {"db", OPT_TEXT, &o.db, "TRACE", "the trace to write, or to go on with; one of other options is refused, see --add", 0, 0, false},
        {"world", OPT_TEXT, &o.world, "LAW", "geometric, markov, changes, adversarial or resample", 0, 0, false},
        {"drafter", OPT_LIST, &o.drafters, "D...", "NAME=P[,P...][@MS]: probabilities, and ms a drafted token (@1 where not given)", 0, 0, false},
        {"like", OPT_TEXT, &o.like, "RECORDED", "fit or resample this trace; its lengths and categories", 0, 0, false},
        {"recording", OPT_INT, &o.recording, "ID", "which recording of --like, 0 for the only one", 0, 2147483647, false},
        {"sequences", OPT_INT, &o.sequences, "N", "how many", 1, 1 << 30, false},
        {"tokens", OPT_INT, &o.tokens, "N", "of a sequence, without --like", 1, 1 << 20, false},
        {"prompt-tokens", OPT_INT, &o.prompt_tokens, "N", "before them", 0, 1 << 20, false},
        {"max-draft", OPT_INT, &o.L, "L", "tokens a drafter drafts", 1, 64, false},
        {"change", OPT_REAL, &o.change, "P", "markov: probability that a token changes the state", 0, 1, false},
        {"period", OPT_INT, &o.period, "N", "changes, adversarial: tokens to a (first) turn", 1, 1 << 20, false},
        {"verify-ms", OPT_REAL, &o.verify_ms, "MS", "a verification of one row takes, without --like", 1e-6, 1e6, false},
        {"row-ms", OPT_REAL, &o.row_ms, "MS", "and each further row", 0, 1e6, false},
        {"seed", OPT_U64, &o.seed, "S", "of the draws", 0, 0, false},
        {"add", OPT_FLAG, &o.add, NULL, "put it beside other recordings of --db (then chosen with --recording)", 0, 0, false},
        {"json", OPT_FLAG, &o.json, NULL, "the fit as JSON", 0, 0, false},
        {0},
    };
    int rc = opt_parse(table, &help, argc, argv, err);
    if (rc) return rc == 1 ? 0 : rc;
    enum synthesis_law law;
    if ((rc = find_law(o.world, &law, err)) || (rc = check_options(&o, law, err))) return rc;
    struct synthesis *x = mem_alloc(1, sizeof *x, "a synthesis", err);
    struct trace like = {0};
    if (!x) return -1;
    *x = (struct synthesis){.law = law, .sequences = o.sequences, .tokens = o.tokens, .prompt_tokens = o.prompt_tokens, .L = o.L,
                            .period = o.period, .change = o.change, .seed = o.seed, .add = o.add};
    rc = run(&o, x, &like, err);
    trace_close(&like);
    mem_free(x);
    return rc;
}
