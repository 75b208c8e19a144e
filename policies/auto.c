/* auto.c - the policy to use when one has none: what to draft, how far, and whether to draft at all.
 *
 * Ours. Decoding for long pays tokens over seconds, so a round is worth its tokens less what its seconds would have brought elsewhere
 * (renewal reward; Dinkelbach's linear form of the ratio):
 *   surplus = E[emitted] - rate * E[seconds]
 * and the arm with the largest surplus plays; the longer one of equals, since it may end early. Its parts, each with a parameter:
 *   context     The hazard of a drafted token (hazard.h) is a logistic function of what is known before the draft: how many tokens of the
 *               text a copier's match has in common (copiers draft before the choice, at hardly any cost), the depth, and how often the
 *               drafter was right lately. So all lengths of a drafter learn from each other.
 *   confidence  A model drafter is asked for one more token as long as that pays: P(all so far accepted) * h >= rate * (its drafting and one
 *               more row of verification). P comes from its own probabilities, calibrated online by a second logistic function.
 *   hindsight   What copiers drafted while something else played is judged when the text has come, and can be learned from with this weight: off,
 *               since on the kept traces what was not chosen teaches little about what will be.
 *   risk        Plain decoding is always among the choices. Once more is lost against it than `slack` rounds and this share of the tokens,
 *               every hazard is doubted instead of hoped for; at three times that only plain decoding is left until it has caught up.
 * Seconds come from two lines learned from outcomes, verification over tokens and each drafter's drafting over tokens drafted and taken in
 * (policies/seconds.h). They begin with imagined rounds, as do the hazards; a kept state (--policy-state) begins with real ones.
 * The beginnings were chosen on the traces of traces/demo; policies/README.md says how it does elsewhere, and what each part brings. */
#include <string.h>

#include "policies/hazard.h"
#include "policies/policy.h"
#include "policies/seconds.h"

enum { CONTEXT, CONFIDENCE, HINDSIGHT, RISK, SLACK, OPTIMISM, NEWS };

/* What the hazards begin with: weights of (1, signal, log2 depth, lately), and their standard deviations. */
static const struct {
    double mean[HAZARD_X], sd[HAZARD_X];
} copied = {{-1.9, 0.8, 0.5, 1.5}, {0.5, 0.2, 0.2, 0.5}}, // signal: log2(1 + match)
  drafted = {{-0.6, 0, 0, 2.2}, {0.8, 0.01, 0.2, 0.5}},   // no signal yet
  confident = {{-0.1, 0.85, -0.1, 0.6}, {0.5, 0.2, 0.2, 0.5}}; // the logit of the drafter's probability

struct drafter {
    struct hazard before;    // of a token before it is drafted
    struct hazard confident; // of a token that a model drafted
    int newest;              // position of the latest news of it
    double lately;           // moving mean of "its first token was accepted"
    struct pace pace;        // of a drafter that runs a model
    int seen;                // tokens of prompt and text that it has taken in
    bool copier;
};

enum { WAITING = ARM_GAMMA_MAX + 2 };
struct waiting { // a round whose copiers will be judged
    int pos, played, tested; // the drafter that played, and how many of its tokens it has learned from
};

struct auto_state {
    struct verify_line verify;
    double tokens, seconds; // of the sequence
    double all, ahead;      // tokens since the beginning, and the seconds of plain decoding saved
    bool warm;              // the first round has met cold caches
    bool plainly;           // plain decoding was timed
    int text;               // tokens of prompt and text before the round
    double P;               // of the draft at hand: probability that all its tokens are accepted
    int n;
    struct waiting waiting[WAITING];
    struct drafter d[];     // (D); then of each arm its rounds and nodes (K, 2), then the matches of waiting rounds (WAITING, D)
};

static double *arm_nodes(struct auto_state *s, const struct problem *p) { return (double *)(s->d + p->D); }
static int *matches(struct auto_state *s, const struct problem *p, int waiting) {
    return (int *)(arm_nodes(s, p) + 2 * p->K) + (size_t)waiting * (size_t)p->D;
}

static size_t auto_size(const struct problem *p) {
    return sizeof(struct auto_state) + (size_t)p->D * sizeof(struct drafter) + (size_t)p->K * 2 * sizeof(double)
           + ((size_t)p->D * WAITING * sizeof(int) + 7) / 8 * 8;
}

static void begin_drafter(struct drafter *d, bool copier) {
    d->copier = copier;
    hazard_init(&d->before, copier ? copied.mean : drafted.mean, copier ? copied.sd : drafted.sd);
    hazard_init(&d->confident, confident.mean, confident.sd);
    d->lately = 0.5;
}

static void auto_init(void *state, const struct problem *p, const double *param) {
    struct auto_state *s = state;
    (void)param;
    for (int d = 0; d < p->D; d++) begin_drafter(&s->d[d], false); // until one is seen to copy
}

/* Tokens a second: the sequence's own and those of eight rounds of plain decoding, which it will not fall below. */
static double rate(const struct auto_state *s) {
    double plain = verify_seconds(&s->verify, 0);
    return fmax((s->tokens + 8) / (s->seconds + 8 * plain), 1 / plain);
}

static double binary_log(double x) { return elementary_log(x) * 1.4426950408889634; }

static double match_signal(const double *param, int match) { return param[CONTEXT] ? binary_log(1.0 + match) : 2; }

static double logit(float p) {
    double q = fmin(fmax((double)p, 1e-4), 1 - 1e-4);
    return elementary_log(q / (1 - q));
}

static void features(double *x, double signal, int depth, double lately) {
    x[0] = 1, x[1] = signal, x[2] = binary_log(depth), x[3] = lately;
}

/* -- before the draft -- */

/* tokens[k] = E[emitted] of a draft of k tokens, k = 0 .. most. Optimism helps a model drafter's first token, which decides whether it is tried. */
static void expect_tokens(const struct drafter *d, double signal, int most, double optimism, double *tokens) {
    double P = 1, x[HAZARD_X];
    tokens[0] = 1;
    for (int k = 1; k <= most; k++) {
        features(x, signal, k, d->lately);
        P *= hazard_at(&d->before, x, k == 1 && !d->copier ? optimism : fmin(optimism, 0));
        tokens[k] = tokens[k - 1] + P;
    }
}

/* Taking in the text serves all rounds to come, of some two tokens each. How many tokens those will have nobody knows: about as many as there were. */
static double taking_in(const struct drafter *d, const struct view *v, struct pace_rates pace) {
    double fresh = v->prompt_tokens + v->pos - d->seen, left = fmin(v->max_new - v->pos, 24 + v->pos);
    return fresh > 1 ? pace.fresh * fresh * 2 / (2 + fmax(left, 0)) : 0;
}

/* Surplus of an arm of drafter d. A draft that its drafter may end is as good as the best of its beginnings. */
static double arm_surplus(struct auto_state *s, const struct problem *p, const double *param, const struct view *v, int i, const double *tokens, double rho) {
    const struct arm *arm = &p->arms[i];
    const struct drafter *d = &s->d[arm->drafter];
    const double *played = arm_nodes(s, p) + 2 * i;
    int most = v->max_new - v->pos - 1;
    if (arm->gamma < most) most = arm->gamma;
    if (d->copier) {
        if (v->peek[arm->drafter].proposed < most) most = v->peek[arm->drafter].proposed;
        return most > 0 ? tokens[most] - rho * verify_seconds(&s->verify, most) : -INFINITY; // nothing to copy: plain decoding by another name
    }
    const struct pace_rates pace = pace_rates(&d->pace, verify_seconds(&s->verify, 0));
    double start = taking_in(d, v, pace), best = -INFINITY, nodes = (played[1] + arm->gamma) / (played[0] + 1) / arm->gamma; // a level; trees have several
    for (int k = param[CONFIDENCE] && nodes <= 1 ? 1 : most; k >= 1 && k <= most; k++)
        best = fmax(best, tokens[k] - rho * (verify_seconds(&s->verify, k * fmax(nodes, 1)) + start + pace.token * k));
    return best;
}

/* How much is lost against plain decoding, in units of what may be. */
static double lost(const struct auto_state *s, const double *param) {
    double may = verify_seconds(&s->verify, 0) * (param[SLACK] + param[RISK] * s->all);
    return s->ahead < 0 ? -s->ahead / may : 0;
}

static void begin_sequence(struct auto_state *s, const struct problem *p, const double *param, const struct view *v) {
    s->n = 0;
    s->tokens = s->seconds = 0;
    for (int i = 0; i < p->D; i++) {
        struct drafter *d = &s->d[i];
        const bool copier = v->peek && v->peek[i].proposed >= 0;
        if (copier != d->copier) begin_drafter(d, copier);
        d->lately = 0.5, d->seen = d->newest = 0;
        hazard_doubt(&d->before, copier ? copied.sd : drafted.sd, param[NEWS]);
        hazard_doubt(&d->confident, confident.sd, param[NEWS]);
    }
}

static void forget_oldest(struct auto_state *s, const struct problem *p, int n) {
    s->n -= n;
    memmove(s->waiting, s->waiting + n, (size_t)s->n * sizeof *s->waiting);
    memmove(matches(s, p, 0), matches(s, p, n), (size_t)s->n * (size_t)p->D * sizeof(int));
}

static void await_judgement(struct auto_state *s, const struct problem *p, const struct view *v, int drafter) {
    if (s->n == WAITING) forget_oldest(s, p, 1); // a world without hindsight
    s->waiting[s->n] = (struct waiting){v->pos, drafter, 0};
    for (int d = 0; d < p->D; d++) matches(s, p, s->n)[d] = s->d[d].copier ? v->peek[d].match : -1;
    s->n++;
}

static int auto_select(void *state, const struct problem *p, const double *param, const struct view *view, struct rng *rng) {
    struct auto_state *s = state;
    struct view v = *view;
    (void)rng;
    if (v.max_new <= 0) v.max_new = v.pos + ARM_GAMMA_MAX + 1; // nobody told
    if (v.pos == 1 || !v.peek) begin_sequence(s, p, param, &v);
    s->text = v.prompt_tokens + v.pos;
    const double rho = rate(s), behind = lost(s, param), optimism = behind > 1 ? -1 : param[OPTIMISM];
    double most = -INFINITY, tokens[ARM_GAMMA_MAX + 1];
    int best = -1, plain = -1;
    for (int d = -1; d < p->D; d++) {
        if (d >= 0 && behind > 3) break;
        if (d >= 0) expect_tokens(&s->d[d], s->d[d].copier ? match_signal(param, v.peek[d].match) : 0, p->L, optimism, tokens);
        for (int i = 0; i < p->K; i++) {
            if (p->arms[i].drafter != d) continue;
            if (d < 0) plain = i;
            double surplus = d < 0 ? 1 - rho * verify_seconds(&s->verify, 0) : arm_surplus(s, p, param, &v, i, tokens, rho);
            if (surplus > most || (best >= 0 && surplus == most && p->arms[i].gamma > p->arms[best].gamma)) most = surplus, best = i;
        }
    }
    if (s->warm && !s->plainly && plain >= 0) best = plain; // what all is measured against is measured first
    if (best < 0) best = 0;
    await_judgement(s, p, &v, p->arms[best].drafter);
    return best;
}

/* -- inside a draft -- */

static bool auto_deepen(void *state, const struct problem *p, const double *param, const struct drafted *t) {
    struct auto_state *s = state;
    const struct drafter *d = &s->d[p->arms[t->arm].drafter];
    double x[HAZARD_X];
    if (!param[CONFIDENCE]) return true;
    features(x, logit(t->top_prob), t->depth, d->lately);
    s->P = (t->depth > 1 ? s->P : 1) * hazard_at(&d->confident, x, 0);
    features(x, 0, t->depth + 1, d->lately);
    double one_more = pace_rates(&d->pace, verify_seconds(&s->verify, 0)).token + verify_slope(&s->verify);
    return s->P * hazard_at(&d->before, x, 0) > rate(s) * one_more;
}

/* -- after the round -- */

/* Tokens [from, to) of a draft of which `accepted` were accepted. */
static void learn_tokens(struct drafter *d, double signal, const float *confidence, int from, int to, int accepted, double weight) {
    for (int k = from; k < to && k <= accepted; k++) {
        double x[HAZARD_X];
        features(x, signal, k + 1, d->lately);
        hazard_learn(&d->before, x, k < accepted, weight);
        if (!confidence) continue;
        x[1] = logit(confidence[2 * k]);
        hazard_learn(&d->confident, x, k < accepted, weight);
    }
}

/* News of a position may come late: what is known of a later one stands. */
static void remember(struct drafter *d, int pos, bool right) {
    if (pos <= d->newest) return;
    d->lately += 0.2 * (right - d->lately);
    d->newest = pos;
}

/* The first time a drafter takes in the text is not held against the round: it was weighed before. */
static double learn_drafting(struct auto_state *s, struct drafter *d, const struct outcome *o) {
    const double fresh = s->text - d->seen;
    const struct pace_rates pace = pace_rates(&d->pace, verify_seconds(&s->verify, 0));
    double investment = d->seen ? 0 : fmax(o->draft_s - pace.token * o->proposed, 0);
    pace_learn(&d->pace, o->proposed, fresh, seconds_calm(o->draft_s, pace.token * o->proposed + pace.fresh * fresh));
    d->seen = s->text;
    return investment;
}

static void auto_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct auto_state *s = state;
    struct drafter *d = p->arms[o->arm].drafter < 0 ? NULL : &s->d[p->arms[o->arm].drafter];
    double seconds = o->draft_s + o->verify_s, *played = arm_nodes(s, p) + 2 * o->arm;
    if (d && !d->copier && o->gamma > 0) seconds -= learn_drafting(s, d, o);
    if (s->warm) {
        s->plainly |= !d;
        verify_learn(&s->verify, outcome_nodes(o), o->verify_s);
        s->tokens += o->emitted, s->seconds += seconds;
        s->all += o->emitted, s->ahead += o->emitted * verify_seconds(&s->verify, 0) - seconds;
    }
    s->warm = true;
    if (!d || o->proposed < 1 || s->n < 1) return;
    struct waiting *w = &s->waiting[s->n - 1];
    played[0]++, played[1] += outcome_nodes(o) / (double)o->proposed * p->arms[o->arm].gamma;
    learn_tokens(d, d->copier ? match_signal(param, matches(s, p, s->n - 1)[p->arms[o->arm].drafter]) : 0, o->signal, 0, o->proposed, o->accepted, 1);
    remember(d, w->pos, o->accepted > 0);
    w->tested = o->accepted < o->proposed ? ARM_GAMMA_MAX : o->proposed; // a rejection tells all
}

static void auto_learn_all(void *state, const struct problem *p, const double *param, const struct hindsight *h) {
    struct auto_state *s = state;
    int at = 0;
    while (at < s->n && s->waiting[at].pos != h->pos) at++;
    if (at == s->n) return;
    for (int d = 0; d < p->D && param[HINDSIGHT]; d++) {
        if (!s->d[d].copier || h->proposed[d] < 1) continue;
        const int known = d == s->waiting[at].played ? s->waiting[at].tested : 0;
        learn_tokens(&s->d[d], match_signal(param, matches(s, p, at)[d]), NULL, known, h->proposed[d], h->accepted[d], param[HINDSIGHT]);
        remember(&s->d[d], h->pos, h->accepted[d] > 0);
    }
    forget_oldest(s, p, at + 1);
}

const struct policy policy_auto = {
    .name = "auto", .setting = "contextual",
    .summary = "hazards by context, drafts as long as they pay, plain decoding when nothing does; the default of live",
    .cite = "ours: renewal reward (Dinkelbach 1967) over logistic hazards with online Laplace steps, as policies/auto.c says",
    .flags = POLICY_SECONDS | POLICY_PEEK | POLICY_SIGNAL | POLICY_CARRIES,
    .params = {{"context", 1, 0, 1, "0|1", "1: a copier's hazard depends on the length of its match"},
               {"confidence", 1, 0, 1, "0|1", "1: model drafters end their draft by their own confidence"},
               {"hindsight", 0, 0, 1, NULL, "weight of what copiers learn from rounds that something else played"},
               {"risk", 0.005, 0, 1, NULL, "share of the tokens that it may fall behind plain decoding before it grows careful"},
               {"slack", 2, 0.1, 1000, NULL, "and the rounds besides"},
               {"optimism", 2, 0, 10, NULL, "standard deviations by which a model drafter's first token is hoped to be better than it seems"},
               {"news", 0.1, 0, 1, NULL, "share of the first doubt that a new prompt brings back, when learning goes on from prompt to prompt"}},
    .size = auto_size, .init = auto_init, .select_seeing = auto_select, .deepen = auto_deepen, .learn_all = auto_learn_all, .update = auto_update,
};
