/* dinkelbach.c - makes a policy for the mean of a reward one for tokens per second.
 *
 * Dinkelbach, "On nonlinear fractional programming", Management Science 1967: the highest ratio rho* = E[emitted] / E[seconds]
 * belongs to the arm of highest E[emitted] - rho* E[seconds], where that is 0. With rho the tokens per second so far (and one
 * imagined plain round, 1 token in the least seconds of a round), an arm's mean and variance of
 *   x = ( emitted - rho seconds - low ) / ( L + 1 - low ),   low = 1 - rho (longest round's seconds),   x in [0, 1]
 * follow from sums over its rounds, whatever rho has become: nothing of the past is stored. Before each choice they are handed to
 * the policy `of`, at its default parameters, as its own (policies/flat.h); of=ucb1 is the index of UCB1 with this alpha.
 * Check: K arms of constant emitted and seconds: the best ratio has x highest at rho = rho*. */
#include "policies/flat.h"
#include "policies/index.h"

enum { OF, ALPHA };
enum { UCB1 };
#define OF_WORDS "ucb1|ucb1-tuned|ucb-v|moss|kl-ucb|kl-ucb-pp|imed|ts-bern|ts-gauss|boltzmann|epsilon-greedy"
// Those that keep nothing in their state but a struct flat, and what is no reward behind it.
static const char *const names[] = {
    "ucb1", "ucb1-tuned", "ucb-v", "moss", "kl-ucb", "kl-ucb-pp", "imed", "ts-bern", "ts-gauss", "boltzmann", "epsilon-greedy",
};
enum { INNERS = sizeof names / sizeof *names };

struct dinkelbach {
    double emitted, seconds;   // sums over all rounds
    double least, longest;     // seconds of a round; least of those that took any
    struct dinkelbach_arm {    // running (Welford 1962): means, sums of squared deviations and of their products
        double y, c, yy, cc, yc;
    } arm[];                   // (K), then the state of `of`
};

static size_t own_size(const struct problem *p) { return sizeof(struct dinkelbach) + (size_t)p->K * sizeof(struct dinkelbach_arm); }

static struct flat *inner_state(void *state, const struct problem *p) { return (struct flat *)((char *)state + own_size(p)); }

/* Room for any of them. */
static size_t dinkelbach_size(const struct problem *p) {
    size_t most = flat_size(p);
    for (int k = UCB1 + 1; k < INNERS; k++) {
        size_t size = policy_find(names[k])->size(p);
        if (size > most) most = size;
    }
    return own_size(p) + most;
}

/* Writes the arms' means and variances of x, as of now. */
static void restate(const struct dinkelbach *s, const struct problem *p, struct flat *flat) {
    double rho = (1 + s->emitted) / fmax(s->least + s->seconds, 1e-12), low = 1 - rho * s->longest, width = p->L + 1 - low;
    flat->reward.scale = 1;
    for (int i = 0; i < p->K; i++) {
        const struct dinkelbach_arm *a = &s->arm[i];
        flat->arm[i].mean = fmax((a->y - rho * a->c - low) / width, 0);
        flat->arm[i].squares = fmax(a->yy - 2 * rho * a->yc + rho * rho * a->cc, 0) / (width * width);
    }
}

static double ucb1_index(const struct flat *s, const struct problem *p, const double *param, int i) {
    (void)p;
    return index_ucb1(flat_mean(s, i), s->arm[i].n, s->log_t, param[ALPHA]);
}

static int dinkelbach_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    struct flat *flat = inner_state(state, p);
    restate(state, p, flat);
    if (param[OF] == UCB1) return flat_best(flat, p, param, ucb1_index);
    const struct policy *of = policy_find(names[(int)param[OF]]);
    double inner[POLICY_PARAMS];
    for (int i = 0; of->params[i].name; i++) inner[i] = of->params[i].value;
    return of->select(flat, p, inner, rng);
}

static void dinkelbach_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct dinkelbach *s = state;
    struct dinkelbach_arm *a = &s->arm[o->arm];
    struct flat *flat = inner_state(state, p);
    double seconds = o->draft_s + o->verify_s, y = o->emitted - a->y, c = seconds - a->c;
    (void)param;
    flat_add(flat, p, o->arm, 0); // counts; its mean is written before each choice
    s->emitted += o->emitted;
    s->seconds += seconds;
    s->longest = fmax(s->longest, seconds);
    if (seconds > 0 && (s->least == 0 || seconds < s->least)) s->least = seconds;
    double n = flat->arm[o->arm].n;
    a->y += y / n;
    a->c += c / n;
    a->yy += y * (o->emitted - a->y);
    a->cc += c * (seconds - a->c);
    a->yc += y * (seconds - a->c);
}

const struct policy policy_dinkelbach = {
    .name = "dinkelbach", .setting = "budgeted",
    .summary = "any policy of means, on tokens less their fair price in seconds",
    .cite = "Dinkelbach 1967; renewal-reward form ours",
    .bound = "that of the policy it runs, at the fixed point of rho; not proved on the way there",
    .flags = POLICY_RANDOM | POLICY_SECONDS,
    .params = {
        {"of", UCB1, 0, INNERS - 1, OF_WORDS, "the policy it runs"},
        {"alpha", 0.5, 1e-6, 100, NULL, "width of the bound of ucb1"},
    },
    .size = dinkelbach_size, .select = dinkelbach_select, .update = dinkelbach_update,
};
