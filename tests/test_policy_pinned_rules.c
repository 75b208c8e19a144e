/* test_policy_pinned_rules.c - deployed rules and policies made for speculative decoding: decisions against their descriptions.
 *
 * Where a rule is a machine (cascade, sglang-cost), the reference lays out the whole game from its beginning each round. */
#include "tests/pinned.h"

static const int every_gamma[] = {1, 2, 3, 4, 5}, odd_gammas[] = {1, 3, 5, 7};

static void pin_over(const char *spec, const int *gammas, int n, int rounds, int change, reference *expect) {
    for (uint32_t seed = 1; seed <= PIN_SEEDS; seed++) {
        struct game g = game_new(seed, gammas, n, change);
        pin_game(spec, &g, rounds, expect);
    }
}

/* The arm of drafter d nearest to a length; of two as near the shorter. */
static int nearest(const struct game *g, int d, double length) {
    for (int away2 = 0; ; away2++) // in halves
        for (int gamma = 0; gamma <= g->problem.L; gamma++)
            for (int i = 0; i < g->problem.K; i++)
                if (g->arms[i].drafter == d && g->arms[i].gamma == gamma && fabs(gamma - length) <= away2 / 2.0) return i;
}

static double clip(double x, double low, double high) { return x < low ? low : x > high ? high : x; }

static int hf(const struct game *g, const double *param, struct rng *r) {
    double length = clip(param[0], 1, g->problem.L);
    (void)r;
    for (int s = 0; s < g->t; s++) {
        const struct outcome *o = &g->round[s];
        if (o->gamma > 0) length = clip(length + (o->accepted < o->gamma ? -param[2] : param[1]), 1, g->problem.L);
    }
    return nearest(g, (int)param[3], length);
}

static int ngram_adaptive(const struct game *g, const double *param, struct rng *r) {
    double rate = (param[2] + param[3]) / 2, length = fmin(param[0], g->problem.L), least = param[0] < 4 ? param[0] : 4;
    (void)r;
    for (int s = 0; s < g->t; s++) {
        if (g->round[s].proposed == 0) continue;
        rate += (1 - param[1]) * ((double)g->round[s].accepted / g->round[s].proposed - rate);
        length = clip(length + (rate > param[2] ? param[4] : rate < param[3] ? -param[4] : 0), least, fmin(2 * param[0], g->problem.L));
    }
    return nearest(g, (int)param[5], length);
}

static int trt_gate(const struct game *g, const double *param, struct rng *r) {
    bool off = param[3] > 0 && g->batch[g->t] > param[3];
    (void)r;
    for (int s = 0; s < g->t; s++) { // is there any stretch of `window` drafts that ends here?
        double sum = 0, n = 0;
        for (int q = s; q >= 0 && n < param[1]; q--)
            if (g->round[q].proposed) sum += (double)g->round[q].accepted / g->round[q].proposed, n++;
        if (n == param[1] && sum / n < param[2]) off = true;
    }
    return off ? 0 : nearest(g, (int)param[4], param[0]);
}

static int sglang_ema(const struct game *g, const double *param, struct rng *r) {
    int steps = g->arms[nearest(g, (int)param[6], param[0])].gamma, rounds = 0;
    double mean = steps - 1;
    (void)r;
    for (int s = 0; s < g->t; s++) {
        if (g->round[s].gamma == 0) continue;
        mean += param[1] * (g->round[s].accepted - mean);
        rounds++;
        if (rounds <= param[2] || (rounds - (int)param[2]) % (int)param[3]) continue;
        int ladder[PIN_ARMS], n = 0, at = 0, from;
        for (int i = 0; i < g->problem.K; i++)
            if (g->arms[i].drafter == (int)param[6]) ladder[n++] = g->arms[i].gamma; // written in order
        while (ladder[at] != steps) at++;
        from = at;
        while (at > 0 && mean <= ladder[at - 1] - 0.5 - param[4]) at--;
        while (at >= from && at < n - 1 && mean > ladder[at] - 0.5 + param[5]) at++;
        steps = ladder[at];
    }
    return nearest(g, (int)param[6], steps);
}

static int adaptive_k(const struct game *g, const double *param, struct rng *r) {
    double alpha[64], rest = 0;
    int K = nearest(g, (int)param[7], g->problem.L), longest = K;
    for (int j = 0; j < 64; j++) alpha[j] = param[1];
    for (int s = 0; s < g->t; s++) {
        if ((s + 1) % (int)param[2] == 0)
            for (int j = 0; j < 64; j++) {
                double reached = 0, accepted = 0;
                for (int q = s + 1 - (int)param[2]; q <= s; q++)
                    if (g->round[q].accepted >= j && g->round[q].proposed > j) reached++, accepted += g->round[q].accepted > j;
                if (reached) alpha[j] = (1 - param[0]) * alpha[j] + param[0] * accepted / reached;
            }
        if (rest-- > 0) continue;
        rest = 0;
        double value[PIN_ARMS];
        for (int i = 0; i < g->problem.K; i++) {
            value[i] = g->arms[i].gamma && g->arms[i].drafter != (int)param[7] ? -1 : 1;
            for (int k = 1; k <= g->arms[i].gamma && value[i] > 0; k++) {
                double all = 1;
                for (int j = 0; j < k; j++) all *= alpha[j];
                value[i] += all;
            }
            value[i] /= 1 + param[4] + param[3] * g->arms[i].gamma;
        }
        int best = highest(value, g->problem.K); // gammas are written in order, so that ties go to the shorter
        if (g->arms[best].gamma > g->arms[K].gamma + 1 || g->arms[best].gamma < g->arms[K].gamma - 1) K = best, rest = param[6];
    }
    return rng_uniform(r) < param[5] ? longest : K;
}

static void test_rules_of_one_drafter_are_their_descriptions(void **state) {
    (void)state;
    pin("hf", 60, 30, hf);
    pin("hf:start=1,up=1.5,down=0.5,drafter=1", 60, 30, hf);
    pin_over("hf", every_gamma, 5, 60, 30, hf);
    pin("ngram-adaptive", 60, 30, ngram_adaptive);
    pin_over("ngram-adaptive:start=3,keep=0.6,step=1.5,drafter=1", every_gamma, 5, 100, 50, ngram_adaptive);
    pin("trt-gate", 120, 30, trt_gate);
    pin("trt-gate:gamma=8,window=5,threshold=0.45,drafter=1", 60, 30, trt_gate);
    pin_over("sglang-ema", odd_gammas, 4, 200, 80, sglang_ema);
    pin_over("sglang-ema:start=7,ema=0.5,warmup=3,every=2,up=0.2,drafter=1", odd_gammas, 4, 100, 50, sglang_ema);
    pin_over("sglang-ema:down=-1.5,up=-1.5,warmup=0,every=1", odd_gammas, 4, 100, 50, sglang_ema); // what went down is not to rise at once
    pin("adaptive-k", 200, 100, adaptive_k);
    pin_over("adaptive-k:ema=0.9,every=1,cooldown=6", every_gamma, 5, 200, 100, adaptive_k);
    pin_over("adaptive-k:ema=0.8,prior=0.5,every=3,draft=0.2,overhead=0.1,eps=0.3,cooldown=2,drafter=1", every_gamma, 5, 200, 100,
             adaptive_k);
}

static void test_the_gate_heeds_the_batch(void **state) {
    (void)state;
    for (uint32_t seed = 1; seed <= PIN_SEEDS; seed++) {
        struct game g = game_new(seed, pin_gammas, 3, 1000);
        g.problem.R = 5;
        pin_game("trt-gate:batch=2", &g, 60, trt_gate);
        assert_true(g.round[0].gamma > 0 && g.round[30].gamma == 0);
    }
}

/* -- a cost model from the whole history; policies/cost.h in other words -- */

static double seconds_of(const struct game *g, int i, double doubt) {
    double n = 0, x_mean = 0, y_mean = 0, xx = 0, xy = 0, own_n = 0, own_s = 0;
    double asked[2] = {0}, proposed[2] = {0}, timed[2] = {0}, drafting[2] = {0};
    bool seen[2] = {false, false};
    for (int s = 1; s < g->t; s++) n++, x_mean += g->round[s].proposed, y_mean += g->round[s].verify_s; // the first is cold
    if (n) x_mean /= n, y_mean /= n;
    for (int s = 1; s < g->t; s++) {
        double dx = g->round[s].proposed - x_mean;
        xx += dx * dx, xy += dx * (g->round[s].verify_s - y_mean);
    }
    for (int s = 0; s < g->t; s++) {
        const struct outcome *o = &g->round[s];
        const struct arm *a = &g->arms[o->arm];
        bool warm = s > 0 && (a->drafter < 0 || seen[a->drafter]);
        if (warm && o->arm == i && o->gamma == a->gamma) own_n++, own_s += o->draft_s + o->verify_s;
        if (a->drafter < 0) continue;
        seen[a->drafter] = true;
        asked[a->drafter] += o->gamma, proposed[a->drafter] += o->proposed;
        if (warm) timed[a->drafter] += o->gamma, drafting[a->drafter] += o->draft_s;
    }
    const struct arm *a = &g->arms[i];
    double share = a->drafter >= 0 && asked[a->drafter] ? proposed[a->drafter] / asked[a->drafter] : 1;
    double each = a->drafter >= 0 && timed[a->drafter] ? drafting[a->drafter] / timed[a->drafter] : 0, width = a->gamma * share;
    double most = y_mean / (1 + x_mean), slope = xx > 1e-12 ? clip(xy / xx, 0, most) : width < x_mean ? most : 0;
    double predicted = y_mean + slope * (width - x_mean) + a->gamma * each;
    return (own_s + (1 - doubt) * predicted) / (own_n + 1);
}

static int goodput(const struct game *g, const double *param, struct rng *r) {
    double value[PIN_ARMS], waited[2];
    int turn = -1;
    (void)r;
    for (int i = 0; i < g->problem.K; i++) {
        const struct arm *a = &g->arms[i];
        double accepted = param[1], tested = 1, mu = 0;
        for (int s = 0; s < g->t; s++) {
            const struct outcome *o = &g->round[s];
            if (a->drafter < 0 || g->arms[o->arm].drafter != a->drafter || !o->gamma) continue;
            accepted = accepted * param[0] + o->accepted;
            tested = tested * param[0] + (o->accepted == o->gamma ? o->accepted : o->accepted + 1);
        }
        for (int k = 0; k <= a->gamma; k++) mu += pow(accepted / tested, k);
        value[i] = param[3] == 1 || g->t < 2 ? mu : mu / seconds_of(g, i, param[4]);
    }
    for (int d = 0; d < g->problem.D; d++) {
        waited[d] = g->t;
        for (int s = 0; s < g->t; s++)
            if (g->arms[g->round[s].arm].drafter == d) waited[d] = g->t - 1 - s;
        if (param[2] > 0 && waited[d] >= param[2] && (turn < 0 || waited[d] > waited[turn])) turn = d;
    }
    for (int i = 0; i < g->problem.K && turn >= 0; i++)
        if (g->arms[i].drafter != turn) value[i] = -1;
    return highest(value, g->problem.K);
}

static void test_goodput_is_its_formula(void **state) {
    (void)state;
    pin("goodput", 100, 50, goodput);
    pin("goodput:reward=len,memory=0.6,start=0.4,probe=7", 100, 50, goodput);
    pin_over("goodput:memory=0.7,probe=10,doubt=0.4", every_gamma, 5, 100, 50, goodput);
    pin("goodput:probe=0", 60, 30, goodput);
    for (uint32_t seed = 1; seed <= PIN_SEEDS; seed++) { // plain decoding is best, and both drafters wait for their turn
        struct game g = game_new(seed, pin_gammas, 3, 50);
        g.good = 0.1;
        pin_game("goodput:probe=5", &g, 100, goodput);
    }
}

/* Lays out the phases of the whole game: which round belongs to which. */
static int cascade(const struct game *g, const double *param, struct rng *r) {
    int d = (int)param[3], centre = nearest(g, d, param[0]), at = 0, test = (int)param[1], set = (int)param[2], off = 1;
    (void)r;
    for (;;) {
        double plain = 0, most = 0;
        int tried[3] = {centre, -1, -1}, best = centre; // then the next shorter, the next longer
        for (int i = 0; i < g->problem.K; i++) {
            int gamma = g->arms[i].gamma, mid = g->arms[centre].gamma;
            if (g->arms[i].drafter != d) continue;
            if (gamma < mid && (tried[1] < 0 || gamma > g->arms[tried[1]].gamma)) tried[1] = i;
            if (gamma > mid && (tried[2] < 0 || gamma < g->arms[tried[2]].gamma)) tried[2] = i;
        }
        if (g->t < at + test) return 0;
        for (int s = at; s < at + test; s++) plain += (g->round[s].draft_s + g->round[s].verify_s) / test;
        at += test;
        for (int k = 0; k < 3; k++) {
            double tokens = 0, seconds = 0;
            if (tried[k] < 0) continue;
            if (g->t < at + test) return tried[k];
            for (int s = at; s < at + test; s++) tokens += g->round[s].emitted, seconds += g->round[s].draft_s + g->round[s].verify_s;
            at += test;
            double U = tokens * plain / seconds;
            if (k == 0 && U < 1) {
                if (g->t < at + off * set) return 0;
                at += off * set, off = off < 64 ? 2 * off : 64, best = -1;
                break;
            }
            if (k == 0 || U > most) most = U, best = tried[k];
        }
        if (best < 0) continue; // off: anew from the same centre
        centre = best, off = 1;
        if (g->t < at + set) return centre;
        at += set;
    }
}

static void test_cascade_is_its_description(void **state) {
    (void)state;
    pin("cascade", 150, 75, cascade);
    pin_over("cascade:start=2,test=3,set=10", every_gamma, 5, 300, 100, cascade);
    pin_over("cascade:test=2,set=3,drafter=1", odd_gammas, 4, 500, 400, cascade); // off for long
}

static double curve(int gamma) {
    const double at[] = {0.9, 1, 1.35, 1.7, 2.05, 2.45, 2.85, 3.25, 3.6};
    return at[gamma];
}

static int sglang_cost(const struct game *g, const double *param, struct rng *r) {
    int d = (int)param[7], arm = nearest(g, d, param[0]), K = g->problem.K;
    double len[PIN_ARMS], sec[PIN_ARMS], n[PIN_ARMS] = {0};
    (void)r;
    for (int s = 0; s < g->t; s++) {
        const struct outcome *o = &g->round[s];
        double took = o->draft_s + o->verify_s;
        for (int i = 0; i < K; i++) { // counts of tokens and of seconds agree, since no round here takes none
            n[i] *= param[5];
            if (i != o->arm && n[i] < 1) n[i] = 0;
        }
        len[o->arm] = n[o->arm] > 0 ? len[o->arm] + param[2] * (o->emitted - len[o->arm]) : o->emitted;
        sec[o->arm] = n[o->arm] > 0 ? sec[o->arm] + param[1] * (took - sec[o->arm]) : took;
        n[o->arm]++;
        if (s + 1 <= 10 || (s + 1 - 10) % (int)param[6]) continue;
        double score[PIN_ARMS], asked[PIN_ARMS], most = 0;
        for (int i = 0; i < K; i++) {
            int gamma = g->arms[i].gamma;
            double num = 0, den = 0, tokens = n[i] > 0 ? len[i] : gamma ? 1 + 0.7 * (gamma - 1) : 1;
            for (int j = 0; j < K; j++)
                if (n[j] > 0) num += fmin(n[j], 20) * sec[j] / curve(g->arms[j].gamma), den += fmin(n[j], 20);
            score[i] = tokens / (n[i] > 0 ? sec[i] : curve(gamma) * num / den);
            if (gamma && g->arms[i].drafter != d) score[i] = -1;
            asked[i] = n[i] < param[3] ? score[i] : -1;
            most = fmax(most, asked[i]);
        }
        if (most > 0) arm = n[arm] < param[3] ? arm : highest(asked, K);
        else if (score[highest(score, K)] / score[arm] > 1 + param[4]) arm = highest(score, K);
    }
    return arm;
}

static void test_sglang_cost_is_its_description(void **state) {
    (void)state;
    pin("sglang-cost", 200, 100, sglang_cost);
    pin_over("sglang-cost", odd_gammas, 4, 200, 100, sglang_cost);
    pin_over("sglang-cost:probe=0,start=7", odd_gammas, 4, 300, 100, sglang_cost); // what is left is forgotten, and guessed again
    pin_over("sglang-cost:start=1,seconds=0.5,tokens=0.3,probe=2,margin=0.1,decay=0.9,every=1,drafter=1", every_gamma, 5, 200, 100,
             sglang_cost);
}

/* -- bandits made for speculative decoding -- */

static double blend(const struct game *g, const struct outcome *o, double alpha) {
    return alpha * o->accepted / g->problem.L + (o->proposed > 0 ? (1 - alpha) * o->accepted / o->proposed : 0);
}

static int tapout(const struct game *g, const double *param, struct rng *r) {
    enum { UCB1, TUNED, BETA, GAUSS };
    double value[PIN_ARMS];
    bool rules = g->arms[g->problem.K - 1].stop.rule;
    for (int i = 0; i < g->problem.K; i++) {
        double n = 0, sum = 0, squares = 0, t = g->t;
        value[i] = -1e9;
        if (rules && !g->arms[i].stop.rule) continue;
        for (int s = 0; s < g->t; s++)
            if (g->round[s].arm == i) n++, sum += blend(g, &g->round[s], param[1]), squares += pow(blend(g, &g->round[s], param[1]), 2);
        double mean = n ? sum / n : 0, V = n ? squares / n - mean * mean : 0;
        if (param[0] == UCB1) value[i] = n ? mean + sqrt(2 * log(t) / n) : INFINITY;
        if (param[0] == TUNED) value[i] = n ? mean + sqrt(fmin(0.25, V + sqrt(2 * log(t) / n)) * log(t) / n) : INFINITY;
        if (param[0] == BETA) {
            double x = rng_gamma(r, 1 + sum), y = rng_gamma(r, 1 + n - sum);
            value[i] = x / (x + y);
        }
        if (param[0] == GAUSS) value[i] = sum / (n + 1) + rng_normal(r) * sqrt(0.25 / (n + 1));
    }
    return highest(value, g->problem.K);
}

static void test_tapout_is_its_formula(void **state) {
    (void)state;
    static const char *const specs[] = {
        "tapout", "tapout:bandit=ucb1-tuned", "tapout:bandit=beta", "tapout:bandit=gauss", "tapout:alpha=0.2",
    };
    for (size_t k = 0; k < sizeof specs / sizeof *specs; k++) {
        pin(specs[k], 80, 40, tapout); // no rule among the arms: all play
        struct game g = game_new(9, pin_gammas, 3, 40);
        for (int i = 3; i < 7; i++) g.arms[i].stop = (struct stop){STOP_ENTROPY, i, i - 3};
        pin_game(specs[k], &g, 80, tapout);
        for (int s = 0; s < 80; s++) assert_true(g.round[s].arm >= 3); // arms that a rule ends, and no others
    }
}

/* Which choices of a batch size begin a bin, and how: found by going through its rounds. */
static int nightjar(const struct game *g, const double *param, struct rng *r) {
    int bin = (int)param[0], K = g->problem.K, n = 0, first = 0, block = 1;
    double mean[PIN_ARMS] = {0}, plays[PIN_ARMS] = {0}, value[PIN_ARMS];
    int latest = -1;
    for (int s = 0; s < g->t; s++) {
        if (g->batch[s] != g->batch[g->t]) continue;
        const struct outcome *o = &g->round[s];
        plays[o->arm]++, mean[o->arm] += (o->draft_s + o->verify_s) / o->emitted;
        n++, latest = o->arm;
    }
    if (n % bin) return latest;
    n /= bin; // bins over; blocks of 1, 2, 4, ... bins
    while (first + block <= n) first += block, block *= 2;
    if (rng_uniform(r) * (n - first + 1) < 1) return rng_below(r, K);
    for (int i = 0; i < K; i++) {
        bool starts = g->t > 0 && g->arms[g->round[g->t - 1].arm].gamma == 0 && g->arms[i].gamma > 0;
        value[i] = plays[i] ? -mean[i] / plays[i] - (starts ? param[1] / g->arms[i].gamma : 0) : -INFINITY;
    }
    return highest(value, K);
}

static void test_nightjar_is_its_formula(void **state) {
    (void)state;
    pin("nightjar", 300, 150, nightjar);
    pin("nightjar:bin=1,switch=0.02", 300, 150, nightjar);
    for (uint32_t seed = 1; seed <= PIN_SEEDS; seed++) {
        struct game g = game_new(seed, pin_gammas, 3, 200);
        g.problem.R = 3;
        pin_game("nightjar:bin=2", &g, 400, nightjar);
    }
}

/* -- the check values of the files' headers -- */

enum { ALL = 100 };

/* One round: what was chosen, of which `accepted` tokens hold (ALL: every one), in `seconds`. */
static int play_one(struct agent *a, int accepted, double seconds) {
    static uint32_t round;
    struct rng r = rng_at(5, a->stream, 0, round++);
    struct outcome o = {.arm = agent_select(a, &r), .verify_s = seconds};
    o.gamma = o.proposed = a->problem.arms[o.arm].gamma;
    o.accepted = accepted < o.gamma ? accepted : o.gamma, o.emitted = o.accepted + 1;
    agent_update(a, &o);
    return o.gamma;
}

static struct agent open_over(struct game *g, const char *spec) {
    struct agent a;
    struct err err;
    g->problem.arms = g->arms;
    if (agent_open(&a, spec, &g->problem, &err)) fail_msg("%s", err.text);
    return a;
}

static void test_headers_keep_their_word(void **state) {
    (void)state;
    static const int all[] = {1, 2, 3, 4, 5};
    struct game g = game_new(1, all, 5, 0), odd = game_new(1, odd_gammas, 4, 0);
    for (int i = 6; i < 11; i++) g.arms[i].drafter = 0, g.arms[i].gamma = i; // one drafter at 1 .. 10
    g.problem.L = 10;
    struct agent a = open_over(&g, "hf:up=3");
    assert_true(play_one(&a, ALL, 1) == 5 && play_one(&a, ALL, 1) == 8 && play_one(&a, 0, 1) == 10 && play_one(&a, 0, 1) == 9);
    g.problem.L = 16;
    agent_close(&a), a = open_over(&g, "ngram-adaptive");
    for (int i = 0; i < 4; i++) assert_int_equal(play_one(&a, ALL, 1), 8);
    assert_int_equal(play_one(&a, ALL, 1), 9);
    agent_close(&a), a = open_over(&g, "trt-gate:window=2,threshold=0.5");
    assert_true(play_one(&a, 4, 1) == 4 && play_one(&a, 1, 1) == 4 && play_one(&a, 2, 1) == 4);
    assert_true(play_one(&a, 2, 1) == 0 && play_one(&a, 0, 1) == 0);
    agent_close(&a), a = open_over(&odd, "sglang-ema");
    for (int i = 0; i < 15; i++) assert_int_equal(play_one(&a, ALL, 1), 3);
    assert_int_equal(play_one(&a, ALL, 1), 5);
    agent_close(&a), a = open_over(&g, "adaptive-k:eps=0,cooldown=0,every=1000000");
    play_one(&a, 0, 1);
    assert_int_equal(play_one(&a, 0, 1), 10);
    agent_close(&a), a = open_over(&g, "adaptive-k:eps=0,cooldown=0,every=1000000,draft=0.1");
    play_one(&a, 0, 1);
    assert_int_equal(play_one(&a, 0, 1), 7); // sum of 0.85^k over 1 + 0.1 K peaks there
    agent_close(&a), a = open_over(&g, "cascade");
    int drafts = 0;
    for (int i = 0; i < 112; i++) {
        bool drafting = (i >= 4 && i < 8) || (i >= 44 && i < 48); // 1 token in 1 s plain, 1 in 1.25 s: U = 0.8
        drafts += play_one(&a, 0, drafting ? 1.25 : 1) > 0;
    }
    assert_int_equal(drafts, 8);
    assert_true(play_one(&a, 0, 1) == 0); // and a test begins with plain decoding
    agent_close(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules_of_one_drafter_are_their_descriptions),
        cmocka_unit_test(test_the_gate_heeds_the_batch),
        cmocka_unit_test(test_goodput_is_its_formula),
        cmocka_unit_test(test_cascade_is_its_description),
        cmocka_unit_test(test_sglang_cost_is_its_description),
        cmocka_unit_test(test_tapout_is_its_formula),
        cmocka_unit_test(test_nightjar_is_its_formula),
        cmocka_unit_test(test_headers_keep_their_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
