/* auto.c - the policy to use when one has none: what to draft, how far, and whether to draft at all.
 *
 * Ours. Decoding for long pays tokens over seconds, so a round is worth its tokens less what its seconds would have brought elsewhere
 * (renewal reward; Dinkelbach's linear form of the ratio):
 *   surplus = E[emitted] - rate * E[seconds]
 * and the arm with the largest surplus plays. Its parts, each with a parameter that switches it off:
 *   context     The hazard of a drafted token (policies/hazard.h) is a logistic function of what is known before the draft: for copiers how many
 *               tokens of the text their match has in common (copiers draft before the choice, at hardly any cost), the depth,
 *               and how often the drafter was right lately. So all lengths of a drafter learn from each other.
 *   confidence  A model drafter is asked for one more token as long as that pays: P(all so far accepted) * h >= rate * (its drafting and one more
 *               row of verification). The P come from its own probabilities, calibrated online by a second logistic function.
 *   hindsight   What copiers drafted while something else played is judged when the text has come: they learn in every round.
 *   risk        Plain decoding is always among the choices, and whenever the sequence has lost more than this share of the time that plain
 *               decoding would have taken (and one round), it decodes plainly until it has caught up.
 * Seconds come from two lines learned from outcomes: verification over rows, and each drafter's drafting over tokens. They begin with imagined
 * rounds, as do the hazards; a kept state (--policy-state) begins with real ones.
 * The beginnings were chosen on the kept traces of traces/demo; policies/README.md says how it does elsewhere, and what each part brings. */
#include <string.h>

#include "policies/hazard.h"
#include "policies/policy.h"

enum { CONTEXT, CONFIDENCE, HINDSIGHT, RISK, OPTIMISM, SLACK, NEWS };

struct line { // y = base + slope * x, least squares with imagined observations
    double n, mean_x, mean_y, sxx, sxy;
};

struct pace { // seconds = token * drafted + fresh * tokens of the text that it had not seen: least squares
    double n, dd, df, ff, dy, fy;
};

struct drafter {
    struct hazard copied;    // of (1, log2(1 + match), log2(depth), lately): copiers
    struct hazard before;    // of (1, 0, log2(depth), lately): the others, before they have drafted
    struct hazard confident; // of (1, logit of the top probability, log2(depth), lately)
    double lately;          // moving mean of "its first token was accepted"
    struct pace pace;       // of a model drafter
    int seen;               // tokens of the sequence that it has taken in
};

struct waiting { // a round whose copiers will be judged
    int pos, played, tested; // the drafter that played, and how many of its tokens it has learned from
};

struct auto_state {
    struct line verify;            // seconds over tokens verified beside the newest
    double tokens, seconds;        // of the sequence
    double ahead;                  // seconds of plain decoding saved
    double known;                  // rounds timed
    int text;                      // tokens of prompt and text before the round
    double P;                      // of the draft at hand: probability that all its tokens are accepted
    int n;                         // waiting rounds
    struct waiting waiting[ARM_GAMMA_MAX + 2];
    struct drafter d[];            // (D), then (ARM_GAMMA_MAX + 2, D) int: matches of the waiting rounds, then (K) double: nodes of an arm's trees
};

static size_t auto_size(const struct problem *p) {
    return sizeof(struct auto_state) + (size_t)p->D * sizeof(struct drafter) + (size_t)p->K * 2 * sizeof(double)
           + (((size_t)p->D * (ARM_GAMMA_MAX + 2) * sizeof(int)) + 7) / 8 * 8;
}

/* Behind the drafters: of each arm its rounds and nodes, then the matches. */
static double *arm_nodes(struct auto_state *s, const struct problem *p) { return (double *)(s->d + p->D); }
static int *matches(struct auto_state *s, const struct problem *p, int waiting) {
    return (int *)(arm_nodes(s, p) + 2 * p->K) + (size_t)waiting * (size_t)p->D;
}

static const double copier[HAZARD_X] = {-1.9, 0.8, 0.5, 1.5}, copier_sd[HAZARD_X] = {0.5, 0.2, 0.2, 0.5};
static const double model[HAZARD_X] = {-0.6, 0, 0, 2.2}, model_sd[HAZARD_X] = {0.8, 0.01, 0.2, 0.5};
static const double confident[HAZARD_X] = {-0.1, 0.85, -0.1, 0.6}, confident_sd[HAZARD_X] = {0.5, 0.2, 0.2, 0.5};

static void auto_init(void *state, const struct problem *p, const double *param) {
    struct auto_state *s = state;
    (void)param;
    for (int d = 0; d < p->D; d++) {
        hazard_init(&s->d[d].copied, copier, copier_sd);
        hazard_init(&s->d[d].before, model, model_sd);
        hazard_init(&s->d[d].confident, confident, confident_sd);
        s->d[d].lately = 0.5;
    }
}

/* -- seconds -- */

static void line_learn(struct line *l, double x, double y) {
    double before = x - l->mean_x;
    l->n++;
    l->mean_x += before / l->n;
    l->mean_y += (y - l->mean_y) / l->n;
    l->sxx += before * (x - l->mean_x);
    l->sxy += before * (y - l->mean_y);
}

/* The slope leans to `prior` with the weight of a spread of 16; base and slope stay at or above 0. */
static double line_slope(const struct line *l, double prior) {
    double most = l->mean_x > 0 ? l->mean_y / l->mean_x : INFINITY;
    return fmin(fmax((l->sxy + 16 * prior) / (l->sxx + 16), 0), most);
}

/* A verification of x tokens beside the newest; 1 before any was timed. A row more is first taken to cost 6% of one. */
static double verify_slope(const struct auto_state *s) { return line_slope(&s->verify, 0.06 * s->verify.mean_y / (1 + 0.06 * s->verify.mean_x)); }
static double verify_seconds(const struct auto_state *s, double x) {
    if (s->verify.n == 0) return 1 + 0.06 * x;
    return fmax(s->verify.mean_y + verify_slope(s) * (x - s->verify.mean_x), 0);
}

/* A token drafted by a model is first taken to cost 15% of plain decoding, and one that it has to take in a tenth of that. */
struct paces {
    double token, fresh;
};
static struct paces paces(const struct auto_state *s, int d) {
    enum { DRAFTED = 16, FRESH = 64 }; // weights of what is imagined: a draft of 4 tokens, a catch-up of 8
    const struct pace *x = &s->d[d].pace;
    const double plain = verify_seconds(s, 0), t0 = 0.15 * plain, f0 = 0.015 * plain;
    double dd = x->dd + DRAFTED, ff = x->ff + FRESH, dy = x->dy + DRAFTED * t0, fy = x->fy + FRESH * f0, det = dd * ff - x->df * x->df;
    struct paces p = {(dy * ff - fy * x->df) / det, (fy * dd - dy * x->df) / det};
    if (p.token < 0) p = (struct paces){0, fy / ff};
    if (p.fresh < 0) p = (struct paces){dy / dd, 0};
    return p;
}

static void pace_learn(struct pace *x, double drafted, double fresh, double y) {
    x->n++;
    x->dd += drafted * drafted, x->df += drafted * fresh, x->ff += fresh * fresh;
    x->dy += drafted * y, x->fy += fresh * y;
}

/* What taking in the text costs is shared by the rounds to come, of some two tokens. How many tokens those will have nobody knows: about as
 * many as there were, and a few. */
static double taking_in(const struct auto_state *s, int d, const struct view *v, struct paces pace) {
    double fresh = v->prompt_tokens + v->pos - s->d[d].seen, left = fmin(v->max_new - v->pos, 24 + v->pos);
    return fresh > 1 ? pace.fresh * fresh * 2 / (2 + fmax(left, 0)) : 0;
}

/* Tokens a second: the sequence's own, and eight rounds of plain decoding. */
static double rate(const struct auto_state *s) {
    double plain = verify_seconds(s, 0);
    return fmax((s->tokens + 8) / (s->seconds + 8 * plain), 1 / plain);
}

/* -- tokens -- */

static bool is_copier(const struct view *v, int d) { return v->peek && v->peek[d].proposed >= 0; }

static void features(double *x, double signal, int depth, double lately) {
    x[0] = 1, x[1] = signal, x[2] = log2(depth), x[3] = lately;
}

static double match_feature(const double *param, int match) { return param[CONTEXT] ? log2(1.0 + match) : 2; }

static double logit(float p) {
    double q = fmin(fmax((double)p, 1e-4), 1 - 1e-4);
    return log(q / (1 - q));
}

/* Surplus of the best draft of at most `most` tokens by model drafter d; *gamma: its length. */
static double best_surplus(const struct auto_state *s, int d, const struct view *v, int most, double rho, double optimism, int *gamma) {
    const struct paces pace = paces(s, d);
    const double start = taking_in(s, d, v, pace);
    double P = 1, tokens = 1, best = -INFINITY;
    for (int k = 1; k <= most; k++) {
        double x[HAZARD_X];
        features(x, 0, k, s->d[d].lately);
        P *= hazard_at(&s->d[d].before, x, k == 1 ? optimism : 0);
        tokens += P;
        double surplus = tokens - rho * (verify_seconds(s, k) + start + pace.token * k);
        if (surplus > best) best = surplus, *gamma = k;
    }
    return best;
}

/* The mean nodes of an arm's trees; two a level before it was played. */
static double tree_nodes(struct auto_state *s, const struct problem *p, int i) {
    const double *arm = arm_nodes(s, p) + 2 * i;
    return (arm[1] + 2.0 * p->arms[i].gamma) / (arm[0] + 1);
}

static double arm_surplus(struct auto_state *s, const struct problem *p, const double *param, const struct view *v, int i, double rho, double optimism) {
    const struct arm *arm = &p->arms[i];
    const int d = arm->drafter;
    int most = arm->gamma, budget = v->max_new ? v->max_new - v->pos - 1 : most, gamma = 0;
    if (budget < most) most = budget;
    if (most < 1) return d < 0 ? 1 - rho * verify_seconds(s, 0) : -INFINITY;
    if (is_copier(v, d)) {
        if (v->peek[d].proposed < most) most = v->peek[d].proposed;
        if (most < 1) return -INFINITY; // plain decoding by another name
        double P = 1, tokens = 1, x[HAZARD_X];
        for (int k = 1; k <= most; k++) {
            features(x, match_feature(param, v->peek[d].match), k, s->d[d].lately);
            tokens += P *= hazard_at(&s->d[d].copied, x, fmin(optimism, 0));
        }
        return tokens - rho * verify_seconds(s, most);
    }
    double surplus = best_surplus(s, d, v, most, rho, optimism, &gamma), nodes = tree_nodes(s, p, i);
    if (param[CONFIDENCE] && !arm->stop.rule) return surplus + 1e-9 * most; // `deepen` ends it in time: the longest is the best
    if (gamma == most) return surplus;
    (void)nodes;
    double P = 1, tokens = 1, x[HAZARD_X];
    for (int k = 1; k <= most; k++) features(x, 0, k, s->d[d].lately), tokens += P *= hazard_at(&s->d[d].before, x, 0);
    return tokens - rho * (verify_seconds(s, most) + taking_in(s, d, v, paces(s, d)) + paces(s, d).token * most);
}

/* How far behind plain decoding, in units of what may be lost. */
static double behind(const struct auto_state *s, const double *param) {
    return s->verify.n > 0 ? -s->ahead / (verify_seconds(s, 0) * (param[SLACK] + param[RISK] * s->tokens)) : 0;
}

static int auto_select(void *state, const struct problem *p, const double *param, const struct view *v, struct rng *rng) {
    struct auto_state *s = state;
    (void)rng;
    if (v->pos == 1) { // a new sequence: what is learned of drafters stays, if anything does
        s->n = 0;
        s->tokens = s->seconds = 0;
        for (int d = 0; d < p->D; d++) {
            struct drafter *x = &s->d[d];
            x->lately = 0.5, x->seen = 0;
            hazard_doubt(&x->copied, copier_sd, param[NEWS]), hazard_doubt(&x->before, model_sd, param[NEWS]), hazard_doubt(&x->confident, confident_sd, param[NEWS]);
        }
    }
    const double rho = rate(s);
    s->text = v->prompt_tokens + v->pos;
    int best = -1;
    double most = -INFINITY;
    const double lost = behind(s, param), optimism = lost > 1 ? -1 : param[OPTIMISM];
    for (int i = 0; i < p->K; i++) {
        if (lost > 3 && p->arms[i].gamma) continue;
        double surplus = arm_surplus(s, p, param, v, i, rho, optimism);
        if (surplus > most) most = surplus, best = i;
    }
    if (best < 0) best = 0;
    if (s->n == ARM_GAMMA_MAX + 2) { // nobody judges: a world without hindsight
        memmove(s->waiting, s->waiting + 1, (size_t)(s->n - 1) * sizeof *s->waiting);
        memmove(matches(s, p, 0), matches(s, p, 1), (size_t)(s->n - 1) * (size_t)p->D * sizeof(int));
        s->n--;
    }
    s->waiting[s->n] = (struct waiting){v->pos, p->arms[best].drafter, 0};
    for (int d = 0; d < p->D; d++) matches(s, p, s->n)[d] = is_copier(v, d) ? v->peek[d].match : -1;
    s->n++;
    s->P = 1;
    return best;
}

static bool auto_deepen(void *state, const struct problem *p, const double *param, const struct drafted *t) {
    struct auto_state *s = state;
    const int d = p->arms[t->arm].drafter;
    double x[HAZARD_X], rho = rate(s);
    if (!param[CONFIDENCE]) return true;
    features(x, logit(t->top_prob), t->depth, s->d[d].lately);
    s->P *= hazard_at(&s->d[d].confident, x, 0);
    features(x, 0, t->depth + 1, s->d[d].lately);
    return s->P * hazard_at(&s->d[d].before, x, 0) > rho * (paces(s, d).token + verify_slope(s));
}

/* Tokens [from, to) of a draft of which `accepted` were accepted. */
static void learn_tokens(struct drafter *d, bool copier, double signal, const float *confidence, int from, int to, int accepted) {
    for (int k = from; k < to && k <= accepted; k++) {
        double x[HAZARD_X];
        features(x, signal, k + 1, d->lately);
        hazard_learn(copier ? &d->copied : &d->before, x, k < accepted);
        if (!confidence) continue;
        x[1] = logit(confidence[2 * k]);
        hazard_learn(&d->confident, x, k < accepted);
    }
}

static void remember(struct drafter *d, bool right) { d->lately += 0.2 * (right - d->lately); }

/* A scheduler's hiccup is not the arm's: beyond three times what was expected it counts as that. */
static double calm(double seconds, double expected) { return fmin(seconds, 3 * expected); }

static void learn_seconds(struct auto_state *s, const struct problem *p, const struct outcome *o, int text) {
    const int d = p->arms[o->arm].drafter, nodes = outcome_nodes(o);
    double investment = 0;
    if (d >= 0 && o->gamma > 0 && o->signal) { // copiers cost every round the same
        const double fresh = text - s->d[d].seen;
        const struct paces pace = paces(s, d);
        double seconds = calm(o->draft_s, pace.token * o->proposed + pace.fresh * fresh);
        if (!s->d[d].seen) investment = fmax(o->draft_s - pace.token * o->proposed, 0);
        pace_learn(&s->d[d].pace, o->proposed, fresh, seconds);
        s->d[d].seen = text;
    }
    if (s->known++ == 0) return; // the first round meets cold caches
    line_learn(&s->verify, nodes, s->verify.n > 3 ? calm(o->verify_s, verify_seconds(s, nodes)) : o->verify_s);
    s->tokens += o->emitted;
    s->seconds += o->draft_s + o->verify_s - investment;
    s->ahead += o->emitted * verify_seconds(s, 0) - (o->draft_s + o->verify_s - investment);
}

static void auto_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct auto_state *s = state;
    const struct arm *arm = &p->arms[o->arm];
    struct waiting *w = s->n ? &s->waiting[s->n - 1] : NULL;
    learn_seconds(s, p, o, s->text);
    if (arm->drafter < 0 || o->proposed < 1) return;
    struct drafter *d = &s->d[arm->drafter];
    const int match = w ? matches(s, p, s->n - 1)[arm->drafter] : -1;
    double *nodes = arm_nodes(s, p) + 2 * o->arm;
    nodes[0]++, nodes[1] += outcome_nodes(o);
    learn_tokens(d, match >= 0, match >= 0 ? match_feature(param, match) : 0, o->signal, 0, o->proposed, o->accepted);
    remember(d, o->accepted > 0);
    if (w) w->tested = o->accepted < o->proposed ? ARM_GAMMA_MAX : o->proposed; // a rejection tells all
}

static void auto_learn_all(void *state, const struct problem *p, const double *param, const struct hindsight *h) {
    struct auto_state *s = state;
    int at = 0;
    while (at < s->n && s->waiting[at].pos != h->pos) at++;
    if (at == s->n) return;
    const struct waiting *w = &s->waiting[at];
    for (int d = 0; d < p->D && param[HINDSIGHT]; d++) {
        int match = matches(s, p, at)[d], from = d == w->played ? w->tested : 0;
        if (match < 0 || h->accepted[d] < 0) continue;
        learn_tokens(&s->d[d], true, match_feature(param, match), NULL, from, h->proposed[d], h->accepted[d]);
        if (!from && h->proposed[d]) remember(&s->d[d], h->accepted[d] > 0);
    }
    s->n -= at + 1;
    memmove(s->waiting, s->waiting + at + 1, (size_t)s->n * sizeof *s->waiting);
    memmove(matches(s, p, 0), matches(s, p, at + 1), (size_t)s->n * (size_t)p->D * sizeof(int));
}

const struct policy policy_auto = {
    .name = "auto", .setting = "contextual",
    .summary = "hazards by context, drafts as long as they pay, plain decoding when nothing does: the default of live",
    .cite = "ours; renewal reward with logistic hazards, this file",
    .flags = POLICY_SECONDS | POLICY_PEEK | POLICY_SIGNAL,
    .params = {{"context", 1, 0, 1, NULL, "1: copiers by the length of their match"},
               {"confidence", 1, 0, 1, NULL, "1: model drafters end their draft by their own confidence"},
               {"hindsight", 1, 0, 1, NULL, "1: copiers learn from every round"},
               {"risk", 0.01, 0, 1, NULL, "share of plain decoding's time that a sequence may lose"},
               {"optimism", 2, 0, 10, NULL, "standard deviations by which a model drafter's first token is taken to be better than it seems"},
               {"slack", 2, 0, 1000, NULL, "rounds of plain decoding that a sequence may lose besides"},
               {"news", 0.1, 0, 1, NULL, "share of the first doubt that a new prompt brings back, when learning goes on from prompt to prompt"}},
    .size = auto_size, .init = auto_init, .select_seeing = auto_select, .deepen = auto_deepen, .learn_all = auto_learn_all, .update = auto_update,
};
