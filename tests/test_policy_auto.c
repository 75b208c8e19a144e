/* test_policy_auto.c - auto: its parts against the formulas, its decisions against a slow reading of them, and what it promises: on traces it is the
 * best policy here, and where nothing is ever accepted it hardly loses. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "core/rng.h"
#include "policies/hazard.h"
#include "policies/policy.h"
#include "policies/seconds.h"
#include "sim/summary.h"

#define NEAR(have, want, tolerance) \
    do { \
        double have_ = (have), want_ = (want); \
        if (!(fabs(have_ - want_) <= (tolerance))) fail_msg("%s is %.12g, expected %.12g", #have, have_, want_); \
    } while (0)

/* -- the parts -- */

static void test_a_hazard_learns_by_newton_steps(void **state) {
    (void)state;
    struct hazard h;
    const double zero[HAZARD_X] = {0}, one[HAZARD_X] = {1, 1, 1, 1}, x[HAZARD_X] = {1, 2, 0, 0};
    hazard_init(&h, zero, one);
    NEAR(hazard_at(&h, x, 0), 0.5, 0);
    NEAR(hazard_at(&h, x, 1), 1 / (1 + exp(-sqrt(5))), 1e-12);
    hazard_learn(&h, x, 1, 1);
    NEAR(hazard_w(&h)[0], 2.0 / 9, 1e-12);
    NEAR(hazard_w(&h)[1], 4.0 / 9, 1e-12);
    NEAR(*hazard_variance(&h, 0), 8.0 / 9 + 1.0 / 4000, 1e-12);
    NEAR(hazard_fit(&h)->at[HAZARD_X + 1], -2.0 / 9, 1e-12);
    NEAR(*hazard_variance(&h, 2), 1, 0); // untouched, and no wider than it was
}

static void test_a_hazard_finds_a_logistic_law(void **state) {
    (void)state;
    struct hazard h;
    const double mean[HAZARD_X] = {0}, sd[HAZARD_X] = {2, 2, 2, 2}, law[HAZARD_X] = {-1, 1.5, 0.5, -0.7};
    hazard_init(&h, mean, sd);
    struct rng r = rng_at(4, 1, 0, 0);
    for (int i = 0; i < 40000; i++) {
        double x[HAZARD_X] = {1, 2 * rng_uniform(&r), 2 * rng_uniform(&r), 2 * rng_uniform(&r)}, z = 0;
        for (int j = 0; j < HAZARD_X; j++) z += law[j] * x[j];
        hazard_learn(&h, x, rng_uniform(&r) < 1 / (1 + exp(-z)), 1);
    }
    for (int j = 0; j < HAZARD_X; j++) NEAR(hazard_w(&h)[j], law[j], 0.45); // what comes back of the doubt keeps it at some hundred tokens' worth
}

static void test_seconds_are_ridge_regressions(void **state) {
    (void)state;
    struct verify_line l = {0};
    NEAR(verify_seconds(&l, 5), 1.3, 1e-15);
    verify_learn(&l, 0, 1);
    verify_learn(&l, 4, 2);
    double slope = (2 + 0.06 * 1.5 / 1.12) / (8 + 1); // sxx = 8, sxy = 2
    NEAR(verify_slope(&l), slope, 1e-12);
    NEAR(verify_seconds(&l, 0), 1.5 - 2 * slope, 1e-12);
    struct pace p = {0};
    NEAR(pace_rates(&p, 2).token, 0.3, 1e-12);
    NEAR(pace_rates(&p, 2).fresh, 0.1, 1e-12);
    pace_learn(&p, 8, 80, 4);
    // (1 + 64) t + 640 f = 0.3 + 32; 640 t + (4 + 6400) f = 4 * 0.1 + 320
    double t = (32.3 * 6404 - 320.4 * 640) / (65.0 * 6404 - 640 * 640), f = (320.4 * 65 - 32.3 * 640) / (65.0 * 6404 - 640 * 640);
    NEAR(pace_rates(&p, 2).token, t, 1e-12);
    NEAR(pace_rates(&p, 2).fresh, f, 1e-12);
}

/* -- decisions -- */

enum { K = 8, D = 3, L = 6, ROUNDS = 120, MAX_NEW = 400, PROMPT = 40 };
static const struct arm arms[K] = {{-1, 0, "plain"}, {0, 2, "c:2"}, {0, 6, "c:6"}, {1, 2, "m:2"}, {1, 6, "m:6"}, {2, 1, "n:1"}, {2, 3, "n:3"}, {2, 6, "n:6"}};
static const struct problem problem = {.K = K, .D = D, .L = L, .arms = arms};

/* What the world does at a position: a copier (0) and two model drafters. */
struct place {
    struct peek peek[D];
    int accepted[D];
    float signal[D][2 * L];
};

static void look(struct place *w, int pos) {
    struct rng r = rng_at(8, 2, 0, (uint32_t)pos);
    bool copying = pos / 40 % 2;
    w->peek[0] = (struct peek){rng_uniform(&r) < 0.7 ? L : 0, copying ? 3 + rng_below(&r, 20) : 1 + rng_below(&r, 3)};
    if (!w->peek[0].proposed) w->peek[0].match = 0;
    w->peek[1] = w->peek[2] = (struct peek){-1, 0};
    for (int d = 0; d < D; d++) {
        double p = d == 0 ? (copying ? 0.9 : 0.2) : d == 1 ? 0.6 : 0.75;
        w->accepted[d] = 0;
        bool going = true;
        for (int k = 0; k < L; k++) {
            double top = fmin(0.98, p * (0.5 + rng_uniform(&r)));
            w->signal[d][2 * k] = (float)top, w->signal[d][2 * k + 1] = 1;
            going = going && rng_uniform(&r) < top;
            w->accepted[d] += going;
        }
    }
    if (w->accepted[0] > w->peek[0].proposed) w->accepted[0] = w->peek[0].proposed;
}

/* The slow reading: all that happened is kept, and everything is computed from it anew. The hazards' filter is run in its information
 * form: V = (V^-1 + s x x')^-1 by elimination. */
struct trial {
    int d, kind;    // kind 0: before the draft, 1: by confidence
    double x[4], weight;
    int y;
};
struct timing {
    double x, fresh, y;
};
struct past {
    struct trial trials[20000];
    int n;
    struct timing verify[ROUNDS], draft[D][ROUNDS];
    int verifies, drafts[D];
    struct { int pos; bool right; } news[D][2 * ROUNDS];
    int newses[D], seen[D];
    double tokens, seconds, ahead;
    int rounds;
};

static void invert(double a[4][4], double out[4][4]) {
    double m[4][8] = {{0}};
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++) m[i][j] = a[i][j];
        m[i][4 + i] = 1;
    }
    for (int c = 0; c < 4; c++) {
        int best = c;
        for (int i = c; i < 4; i++)
            if (fabs(m[i][c]) > fabs(m[best][c])) best = i;
        for (int j = 0; j < 8; j++) {
            double t = m[c][j];
            m[c][j] = m[best][j], m[best][j] = t;
        }
        double pivot = m[c][c];
        for (int j = 0; j < 8; j++) m[c][j] /= pivot;
        for (int i = 0; i < 4; i++) {
            double factor = m[i][c];
            for (int j = 0; j < 8 && i != c; j++) m[i][j] -= factor * m[c][j];
        }
    }
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) out[i][j] = m[i][4 + j];
}

struct belief {
    double w[4], V[4][4];
};

static struct belief believe(const struct past *p, int d, int kind) {
    static const double mean[3][4] = {{-1.9, 0.8, 0.5, 1.5}, {-0.6, 0, 0, 2.2}, {-0.1, 0.85, -0.1, 0.6}};
    static const double sd[3][4] = {{0.5, 0.2, 0.2, 0.5}, {0.8, 0.01, 0.2, 0.5}, {0.5, 0.2, 0.2, 0.5}};
    int row = kind ? 2 : d > 0;
    struct belief b = {.w = {0}};
    for (int i = 0; i < 4; i++) b.w[i] = mean[row][i], b.V[i][i] = sd[row][i] * sd[row][i];
    for (int t = 0; t < p->n; t++) {
        const struct trial *x = &p->trials[t];
        if (x->d != d || x->kind != kind) continue;
        double z = 0, info[4][4];
        for (int i = 0; i < 4; i++) z += b.w[i] * x->x[i];
        double q = 1 / (1 + exp(-z));
        invert(b.V, info);
        for (int i = 0; i < 4; i++)
            for (int j = 0; j < 4; j++) info[i][j] += x->weight * q * (1 - q) * x->x[i] * x->x[j];
        invert(info, b.V);
        for (int i = 0; i < 4; i++)
            for (int j = 0; j < 4; j++) b.w[i] += b.V[i][j] * x->x[j] * x->weight * (x->y - q);
        for (int i = 0; i < 4; i++)
            if (b.V[i][i] < 1) b.V[i][i] += 1.0 / 4000;
    }
    return b;
}

static double probability(const struct belief *b, double signal, int depth, double lately, double sds) {
    double x[4] = {1, signal, log2(depth), lately}, z = 0, v = 0;
    for (int i = 0; i < 4; i++) {
        z += b->w[i] * x[i];
        for (int j = 0; j < 4; j++) v += x[i] * b->V[i][j] * x[j];
    }
    return 1 / (1 + exp(-(z + sds * sqrt(v))));
}

static double lately_of(const struct past *p, int d) {
    double m = 0.5;
    for (int i = 0, newest = 0; i < p->newses[d]; i++)
        if (p->news[d][i].pos > newest) m = 0.8 * m + 0.2 * p->news[d][i].right, newest = p->news[d][i].pos;
    return m;
}

/* Base and slope of verification after the first n timings. */
static void verify_of(const struct past *p, int n, double *base, double *slope) {
    *base = 1, *slope = 0.06;
    if (!n) return;
    double mx = 0, my = 0, xx = 0, xy = 0;
    for (int i = 0; i < n; i++) mx += p->verify[i].x / n, my += p->verify[i].y / n;
    for (int i = 0; i < n; i++) xx += (p->verify[i].x - mx) * (p->verify[i].x - mx), xy += (p->verify[i].x - mx) * (p->verify[i].y - my);
    *slope = (xy + 0.06 * my / (1 + 0.06 * mx)) / (xx + 1);
    *slope = *slope < 0 ? 0 : *slope > my / (1 + mx) ? my / (1 + mx) : *slope;
    *base = my - *slope * mx;
}

static void pace_of(const struct past *p, int d, double plain, double *token, double *fresh) {
    double a = 1, b = 0, c = 4, u = 0.15 * plain, v = 4 * 0.05 * plain;
    for (int i = 0; i < p->drafts[d]; i++) {
        const struct timing *t = &p->draft[d][i];
        a += t->x * t->x, b += t->x * t->fresh, c += t->fresh * t->fresh, u += t->x * t->y, v += t->fresh * t->y;
    }
    *fresh = (v - b * u / a) / (c - b * b / a); // by substitution
    *token = (u - b * *fresh) / a;
    if (*token < 0) *token = 0, *fresh = v / c;
    else if (*fresh < 0) *fresh = 0, *token = u / a;
}

static double rate_of(const struct past *p, double plain) { return fmax((p->tokens + 8) / (p->seconds + 8 * plain), 1 / plain); }

static int slow_choice(const struct past *p, const struct place *w, int pos) {
    double base, slope, best = -INFINITY;
    int choice = -1, budget = MAX_NEW - pos - 1, plainly = 0;
    for (int i = 0; i < p->verifies; i++) plainly += p->verify[i].x == 0;
    if (p->rounds && !plainly) return 0; // measured first
    verify_of(p, p->verifies, &base, &slope);
    double rho = rate_of(p, base), lost = -p->ahead / (base * (2 + 0.005 * p->tokens)), hope = lost > 1 ? -1 : 2;
    for (int d = -1; d < D; d++)
        for (int i = 0; i < K; i++) {
            if (arms[i].drafter != d || (lost > 3 && d >= 0)) continue;
            double value = 1 - rho * base;
            int most = arms[i].gamma < budget ? arms[i].gamma : budget;
            if (d == 0) {
                if (w->peek[0].proposed < most) most = w->peek[0].proposed;
                struct belief b = believe(p, 0, 0);
                double P = 1, tokens = 1;
                for (int k = 1; k <= most; k++) tokens += P *= probability(&b, log2(1 + w->peek[0].match), k, lately_of(p, 0), hope < 0 ? hope : 0);
                value = most ? tokens - rho * (base + slope * most) : -INFINITY;
            } else if (d > 0) {
                struct belief b = believe(p, d, 0);
                double P = 1, tokens = 1, token, fresh, news = PROMPT + pos - p->seen[d], left = fmin(MAX_NEW - pos, 24 + pos);
                pace_of(p, d, base, &token, &fresh);
                value = -INFINITY;
                for (int k = 1; k <= most; k++) {
                    tokens += P *= probability(&b, 0, k, lately_of(p, d), k == 1 || hope < 0 ? hope : 0);
                    value = fmax(value, tokens - rho * (base + slope * k + token * k + (news > 1 ? fresh * news * 2 / (2 + left) : 0)));
                }
            }
            if (value > best + 1e-11 || (choice >= 0 && fabs(value - best) <= 1e-11 && arms[i].gamma > arms[choice].gamma)) best = value, choice = i;
        }
    return choice;
}

static bool slow_deepen(const struct past *p, int d, const float *signal, int depth) {
    double base, slope, token, fresh, P = 1;
    struct belief sure = believe(p, d, 1), before = believe(p, d, 0);
    verify_of(p, p->verifies, &base, &slope);
    pace_of(p, d, base, &token, &fresh);
    for (int k = 1; k <= depth; k++) {
        double q = fmin(fmax((double)signal[2 * k - 2], 1e-4), 1 - 1e-4);
        P *= probability(&sure, log(q / (1 - q)), k, lately_of(p, d), 0);
    }
    return P * probability(&before, 0, depth + 1, lately_of(p, d), 0) > rate_of(p, base) * (token + slope);
}

static void note_tokens(struct past *p, int d, double signal, const float *confidence, int from, int proposed, int accepted, double weight) {
    double lately = lately_of(p, d);
    for (int k = from; k < proposed && k <= accepted; k++) {
        p->trials[p->n++] = (struct trial){d, 0, {1, signal, log2(k + 1), lately}, weight, k < accepted};
        if (!confidence) continue;
        double q = fmin(fmax((double)confidence[2 * k], 1e-4), 1 - 1e-4);
        p->trials[p->n++] = (struct trial){d, 1, {1, log(q / (1 - q)), log2(k + 1), lately}, weight, k < accepted};
    }
}

static void note_news(struct past *p, int d, int pos, bool right) {
    p->news[d][p->newses[d]].pos = pos, p->news[d][p->newses[d]++].right = right;
}

static void note_round(struct past *p, const struct place *w, const struct outcome *o, int pos) {
    int d = arms[o->arm].drafter;
    double base, slope, token, fresh, seconds = o->draft_s + o->verify_s;
    verify_of(p, p->verifies, &base, &slope);
    if (d > 0) {
        double news = PROMPT + pos - p->seen[d];
        pace_of(p, d, base, &token, &fresh);
        if (!p->seen[d]) seconds -= fmax(o->draft_s - token * o->proposed, 0);
        p->draft[d][p->drafts[d]++] = (struct timing){o->proposed, news, fmin(o->draft_s, 3 * (token * o->proposed + fresh * news))};
        p->seen[d] = PROMPT + pos;
    }
    if (p->rounds++) {
        double y = p->verifies > 3 ? fmin(o->verify_s, 3 * (base + slope * o->proposed)) : o->verify_s;
        p->verify[p->verifies++] = (struct timing){o->proposed, 0, y};
        p->tokens += o->emitted, p->seconds += seconds;
        verify_of(p, p->verifies, &base, &slope);
        p->ahead += o->emitted * base - seconds;
    }
    if (d < 0 || !o->proposed) return;
    note_tokens(p, d, d ? 0 : log2(1 + w->peek[0].match), d ? w->signal[d] : NULL, 0, o->proposed, o->accepted, 1);
    note_news(p, d, pos, o->accepted > 0);
}

static void test_decisions_are_those_of_a_slow_reading(void **state) {
    (void)state;
    static struct past past;
    static struct place worlds[MAX_NEW + 1];
    struct err err = {""};
    struct agent a;
    if (agent_open(&a, "auto:hindsight=0.1", &problem, &err)) fail_msg("%s", err.text);
    int pos = 1, waiting[ROUNDS], tested[ROUNDS], told = 0, pulls[K] = {0}, stopped = 0, rounds = 0;
    memset(&past, 0, sizeof past);
    for (; rounds < ROUNDS && pos < MAX_NEW - 40; rounds++) {
        struct place *w = &worlds[pos];
        look(w, pos);
        const struct view v = {.pos = pos, .prompt_tokens = PROMPT, .max_new = MAX_NEW, .batch = 1, .peek = w->peek};
        int arm = agent_choose(&a, &v, NULL), d = arms[arm].drafter, slow = slow_choice(&past, w, pos);
        if (arm != slow) fail_msg("round %d plays %s, the slow reading %s", rounds, arms[arm].name, arms[slow < 0 ? 0 : slow].name);
        pulls[arm]++;
        struct outcome o = {.arm = arm, .gamma = arms[arm].gamma, .proposed = arms[arm].gamma};
        if (d == 0 && w->peek[0].proposed < o.proposed) o.proposed = w->peek[0].proposed;
        for (int k = 1; d > 0 && k < arms[arm].gamma; k++) {
            const struct drafted t = {arm, k, w->signal[d][2 * k - 2], 1};
            bool on = agent_deepen(&a, &t), slow_on = slow_deepen(&past, d, w->signal[d], k);
            if (on != slow_on) fail_msg("round %d, %d tokens drafted: %d, the slow reading %d", rounds, k, on, slow_on);
            if (on) continue;
            o.gamma = o.proposed = k;
            stopped++;
            break;
        }
        o.accepted = d < 0 ? 0 : w->accepted[d] < o.proposed ? w->accepted[d] : o.proposed;
        o.emitted = o.accepted + 1;
        o.signal = d > 0 ? w->signal[d] : NULL;
        struct rng r = rng_at(9, 3, 0, (uint32_t)rounds);
        o.verify_s = 0.02 * (1 + 0.05 * o.proposed) * (rounds == 30 ? 9 : 1 + 0.1 * rng_uniform(&r)); // round 30: a hiccup
        o.draft_s = d > 0 ? (0.001 * d * o.proposed + 0.0006 * (PROMPT + pos - past.seen[d])) * (1 + 0.1 * rng_uniform(&r)) : 0;
        agent_update(&a, &o);
        note_round(&past, w, &o, pos);
        waiting[rounds] = pos, tested[rounds] = d ? 0 : o.accepted < o.proposed ? L : o.proposed;
        pos += o.emitted;
        for (; told <= rounds && waiting[told] + L <= pos; told++) {
            const struct place *then = &worlds[waiting[told]];
            const int proposed[D] = {then->peek[0].proposed, -1, -1}, accepted[D] = {then->accepted[0], -1, -1};
            const struct hindsight h = {waiting[told], proposed, accepted};
            a.policy->learn_all(a.state, &a.problem, a.param, &h);
            if (proposed[0] < 1) continue;
            note_tokens(&past, 0, log2(1 + then->peek[0].match), NULL, tested[told], proposed[0], accepted[0], 0.1);
            note_news(&past, 0, waiting[told], accepted[0] > 0);
        }
    }
    agent_close(&a);
    assert_true(rounds >= 50 && stopped > 5);
    assert_true(pulls[2] > 3 && pulls[4] + pulls[7] > 3); // it did try things
}

static void test_it_plays_without_anything_to_see(void **state) {
    (void)state;
    struct err err = {""};
    struct agent a;
    if (agent_open(&a, "auto", &problem, &err)) fail_msg("%s", err.text);
    for (int t = 0; t < 3 * 70; t++) { // nobody judges its waiting rounds
        struct outcome o = {.arm = agent_select(&a, NULL), .emitted = 1, .verify_s = 1};
        assert_in_range(o.arm, 0, K - 1);
        o.gamma = o.proposed = arms[o.arm].gamma;
        agent_update(&a, &o);
    }
    agent_close(&a);
}

/* -- on the kept traces -- */

enum { PLAYERS = 256 };
struct board {
    struct trace trace;
    struct cost cost;
    struct arms arms;
    struct lineup lineup;
    struct replay replay;
    struct summary players[PLAYERS], references[REFERENCES];
    int which;
};

static void play(struct board *p, const char *path, const char *const *words, int n, bool hopeless) {
    struct err err = {""};
    memset(p, 0, sizeof *p);
    if (trace_open(&p->trace, path, 0, &err) || cost_fit(&p->cost, &p->trace, &err) || replay_arms(&p->arms, &p->trace, NULL, 0, &err)) fail_msg("%s", err.text);
    if (hopeless) memset(p->trace.accepted, 0, p->trace.cells * (size_t)p->trace.D);
    struct problem problem_ = replay_problem(&p->trace, &p->arms);
    if (lineup_open(&p->lineup, words, n, &problem_, true, 3, &err) || world_trace_ready(&p->trace, p->lineup.asks, p->arms.at, p->arms.K, &err)) fail_msg("%s", err.text);
    assert_true(p->lineup.n <= PLAYERS);
    const struct replay_plan plan = {.trace = &p->trace, .cost = &p->cost, .arms = &p->arms, .lineup = &p->lineup, .stream = true};
    if (replay_open(&p->replay, &plan, &err) || summary_against(&p->replay, NULL, false, "auto", p->players, p->references, &p->which, &err)) fail_msg("%s", err.text);
}

static void finish(struct board *p) {
    replay_close(&p->replay);
    lineup_close(&p->lineup);
    arms_close(&p->arms);
    trace_close(&p->trace);
}

static const char *const kept[] = {"traces/demo/smollm2.db", "traces/demo/coding.db"};

static void test_it_is_the_best_policy_on_the_kept_traces_and_beats_the_best_fixed_arm(void **state) {
    (void)state;
    static struct board p;
    for (int i = 0; i < 2; i++) {
        play(&p, kept[i], NULL, 0, false);
        const struct comparison *best = &p.references[REFERENCE_BEST_FIXED].against; // less auto
        double mine = 0, fixed = p.references[REFERENCE_BEST_FIXED].tokens_per_s.value;
        for (int k = 0; k < p.lineup.n; k++)
            if (!strcmp(p.lineup.at[k].name, "auto")) mine = p.players[k].tokens_per_s.value;
        print_message("  %s: auto %.1f tokens/s, best fixed arm %.1f (%+.1f%%, %+.1f to %+.1f), plain %.1f, clairvoyant %.1f\n", kept[i], mine, fixed, best->percent.value,
                      best->percent.lo, best->percent.hi, p.references[REFERENCE_PLAIN].tokens_per_s.value, p.references[REFERENCE_CLAIRVOYANT].tokens_per_s.value);
        assert_true(mine > fixed && best->percent.value < 0);
        for (int k = 0; k < p.lineup.n; k++)
            if (p.players[k].tokens_per_s.value > mine) fail_msg("%s: '%s' has %.1f tokens/s", kept[i], p.lineup.at[k].spec, p.players[k].tokens_per_s.value);
        finish(&p);
    }
}

static void test_where_nothing_is_accepted_it_loses_less_than_two_percent(void **state) {
    (void)state;
    static struct board p;
    static const char *const words[] = {"auto"};
    for (int i = 0; i < 2; i++) {
        play(&p, kept[i], words, 1, true);
        print_message("  %s, nothing accepted: %.4f of plain decoding's speed\n", kept[i], p.players[0].speedup.value);
        assert_true(p.players[0].speedup.value > 0.98 && p.players[0].speedup.value <= 1);
        finish(&p);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_hazard_learns_by_newton_steps),
        cmocka_unit_test(test_a_hazard_finds_a_logistic_law),
        cmocka_unit_test(test_seconds_are_ridge_regressions),
        cmocka_unit_test(test_decisions_are_those_of_a_slow_reading),
        cmocka_unit_test(test_it_plays_without_anything_to_see),
        cmocka_unit_test(test_it_is_the_best_policy_on_the_kept_traces_and_beats_the_best_fixed_arm),
        cmocka_unit_test(test_where_nothing_is_accepted_it_loses_less_than_two_percent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
