/* summary.c - see summary.h.
 *
 * One table (Q, columns) holds what each row and its comparators took on each prompt; every
 * figure is a function of column sums, so one set of resamples serves them all. */
#include "sim/summary.h"

#include <gsl/gsl_sort.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "sim/columns.h"
#include "sim/stats.h"

enum { BOOTSTRAP_SEED = 0 };

/* Columns shared by all rows, then two a row. */
enum { TOKENS, PLAIN, BEST_ROUNDS, BEST_SECONDS, SHARED };
static int rounds_column(int row) { return SHARED + 2 * row; }
static int seconds_column(int row) { return SHARED + 2 * row + 1; }

static double mat(const double *at, size_t stride, int row, int Q) {
    (void)Q;
    return sum_at(at, stride, TOKENS) / sum_at(at, stride, rounds_column(row));
}
static double tokens_per_s(const double *at, size_t stride, int row, int Q) {
    (void)Q;
    return sum_at(at, stride, TOKENS) / sum_at(at, stride, seconds_column(row));
}
static double speedup(const double *at, size_t stride, int row, int Q) {
    (void)Q;
    return sum_at(at, stride, PLAIN) / sum_at(at, stride, seconds_column(row));
}
/* a - b, and nothing where sums that ran in another order differ in their last bits alone. */
static double apart(double a, double b) { return fabs(a - b) > 1e-9 * (fabs(a) + fabs(b)) ? a - b : 0; }

static double regret_rounds(const double *at, size_t stride, int row, int Q) {
    return apart(sum_at(at, stride, rounds_column(row)), sum_at(at, stride, BEST_ROUNDS)) / Q;
}
static double regret_seconds(const double *at, size_t stride, int row, int Q) {
    return apart(sum_at(at, stride, seconds_column(row)), sum_at(at, stride, BEST_SECONDS)) / Q;
}

static double gain(const double *at, size_t stride, int row, int other) {
    return apart(tokens_per_s(at, stride, row, 0), tokens_per_s(at, stride, other, 0));
}
static double gain_percent(const double *at, size_t stride, int row, int other) {
    return 100 * apart(sum_at(at, stride, seconds_column(other)) / sum_at(at, stride, seconds_column(row)), 1);
}

static struct measure measure(const struct columns *c, statistic *f, int row) {
    double value;
    struct bca b = columns_bca(c, f, row, c->Q, c->Q - 1, &value);
    return columns_measure(c, &b, value);
}

static void fill_row(struct columns *c, int row, int q, double rounds, double seconds) {
    double *x = c->x + (size_t)q * (size_t)c->M;
    x[rounds_column(row)] = rounds;
    x[seconds_column(row)] = seconds;
}

static void fill(struct columns *c, const struct standing *p) {
    for (int q = 0; q < p->Q; q++) {
        double *x = c->x + (size_t)q * (size_t)c->M;
        x[TOKENS] = p->tokens[q];
        x[PLAIN] = p->reference[REFERENCE_PLAIN][q].seconds;
        x[BEST_ROUNDS] = p->best_rounds[q];
        x[BEST_SECONDS] = p->reference[REFERENCE_BEST_PER_PROMPT][q].seconds;
        for (int i = 0; i < p->P; i++) {
            size_t cell = (size_t)i * (size_t)p->Q + (size_t)q;
            double own = p->charge && p->own_ns ? p->rounds[cell] * p->own_ns[i] / 1e9 : 0;
            fill_row(c, i, q, p->rounds[cell], p->seconds[cell] + own);
        }
        for (int i = 0; i < REFERENCES; i++) fill_row(c, p->P + i, q, p->reference[i][q].rounds, p->reference[i][q].seconds);
    }
}

static void summarise(const struct columns *c, int row, int P, struct summary *s) {
    double mine = c->total[seconds_column(row)], best = c->total[seconds_column(P + REFERENCE_BEST_FIXED)];
    double least = c->total[seconds_column(P + REFERENCE_CLAIRVOYANT)];
    s->rounds = c->total[rounds_column(row)] / c->Q;
    s->mat = measure(c, mat, row);
    s->tokens_per_s = measure(c, tokens_per_s, row);
    s->speedup = measure(c, speedup, row);
    s->regret_rounds = measure(c, regret_rounds, row);
    s->regret_seconds = measure(c, regret_seconds, row);
    s->has_gap = best - least > 1e-12 * best; // less is rounding
    s->gap_closed = s->has_gap ? (best - mine) / (best - least) : 0;
}

static void name_references(const struct standing *p, struct summary *s) {
    static const char *const names[REFERENCES] = {"plain", "best-fixed", "best-per-category", "best-per-prompt",
        "clairvoyant-rounds", "clairvoyant"};
    for (int i = 0; i < REFERENCES; i++) {
        s[i].oracle = i != REFERENCE_PLAIN;
        s[i].seeds = 1;
        snprintf(s[i].name, sizeof s[i].name, "%s", names[i]);
        if (i == REFERENCE_BEST_FIXED) snprintf(s[i].spec, sizeof s[i].spec, "best-fixed (%s)", p->best_arm);
        else snprintf(s[i].spec, sizeof s[i].spec, "%s", names[i]);
    }
}

/* Ranks by tokens/s, in each resample and over all prompts; equals share the better one. */
static int rank(const struct columns *c, struct summary *players, int P, struct err *err) {
    int *row = mem_alloc((size_t)P, sizeof *row, "ranks", err), n = 0;
    for (int p = 0; row && p < P; p++)
        if (!players[p].oracle) row[n++] = p;
    double *speed = mem_alloc((size_t)n, sizeof *speed, "ranks", err),
        *sample = mem_alloc((size_t)n * STATS_RESAMPLES, sizeof *sample, "ranks", err);
    size_t *order = mem_alloc((size_t)n, sizeof *order, "ranks", err);
    bool good = row && speed && sample && order;
    for (int b = -1; good && b < STATS_RESAMPLES; b++) { // -1: all prompts
        for (int i = 0; i < n; i++)
            speed[i] = b < 0 ? tokens_per_s(c->total, 1, row[i], c->Q) : tokens_per_s(c->sums + b, STATS_RESAMPLES, row[i], c->Q);
        gsl_sort_index(order, speed, 1, (size_t)n);
        for (int i = n - 1, place = 1; i >= 0; i--) { // from the fastest
            if (i < n - 1 && speed[order[i]] < speed[order[i + 1]]) place = n - i;
            if (b < 0) players[row[order[i]]].rank = place;
            else sample[order[i] * STATS_RESAMPLES + (size_t)b] = place;
        }
    }
    for (int i = 0; good && i < n; i++) {
        struct interval x = stats_interval(sample + (size_t)i * STATS_RESAMPLES, STATS_RESAMPLES);
        players[row[i]].rank_lo = (int)x.lo, players[row[i]].rank_hi = (int)ceil(x.hi);
    }
    mem_free(row), mem_free(speed), mem_free(sample), mem_free(order);
    return good ? 0 : ERR_FAILED;
}

/* The row that others are compared with. */
static int find_against(const char *word, const struct summary *players, int P, const struct summary *references, int *which,
    struct err *err) {
    *which = -1;
    for (int p = 0; p < P && word && *which < 0; p++)
        if (!strcmp(word, players[p].spec)) *which = p;
    for (int p = 0; p < P && word && *which < 0; p++)
        if (!strcmp(word, players[p].name)) *which = p;
    for (int i = 0; i < REFERENCES && word && *which < 0; i++)
        if (!strcmp(word, references[i].name)) *which = P + i;
    for (int p = 0; p < P && !word; p++)
        if (players[p].rank && (*which < 0 || players[p].rank < players[*which].rank)) *which = p;
    if (*which >= 0) return 0;
    if (!word) { *which = P + REFERENCE_PLAIN; return 0; } // all of them use hindsight
    err_usage(err, "option '--against' wants one of the policies that play, or plain, best-fixed, best-per-category, best-per-prompt, "
        "clairvoyant-rounds, clairvoyant; got '%s', there are", word);
    for (int p = 0; p < P && p < 20; p++) err_add(err, " %s", players[p].spec);
    return ERR_USAGE;
}

/* Row `row` held against row `which`, the p-value as of one pair. */
static struct comparison compare_rows(const struct columns *c, int row, int which) {
    struct comparison x = {0};
    double value;
    struct bca b = columns_bca(c, gain, row, which, which, &value);
    x.tokens_per_s = columns_measure(c, &b, value);
    b = columns_bca(c, gain_percent, row, which, which, &value);
    x.percent = columns_measure(c, &b, value);
    x.p = x.p_holm = row == which ? 1 : stats_level_p(stats_bca_p(&b, 0), c->Q);
    return x;
}

/* Every row (players, then references) against `which`. Policies without hindsight are one family of hypotheses; the others' p-values
 * stand beside it, uncorrected. */
static int compare(const struct columns *c, const struct player *players, int P, int which, struct comparison *out, struct err *err) {
    double *p = mem_alloc((size_t)(P ? P : 1), sizeof *p, "p-values", err);
    if (!p) return ERR_FAILED;
    for (int row = 0; row < P + REFERENCES; row++) out[row] = compare_rows(c, row, which);
    int n = 0;
    for (int i = 0; i < P; i++)
        if (i != which && players[i].kind == PLAYER_POLICY) p[n++] = out[i].p;
    stats_holm(p, n);
    n = 0;
    for (int i = 0; i < P; i++)
        if (i != which && players[i].kind == PLAYER_POLICY) out[i].p_holm = p[n++];
    for (int row = 0; row < P + REFERENCES; row++) {
        struct comparison *x = &out[row];
        x->verdict = row == which ? VERDICT_REFERENCE : x->p_holm >= 0.05 ? VERDICT_NONE : x->percent.value > 0 ? VERDICT_FASTER
            : VERDICT_SLOWER;
    }
    mem_free(p);
    return 0;
}

/* How often each player without hindsight is the fastest; equals, but for rounding, share it. */
static void count_firsts(const struct columns *c, const struct player *players, int P, double *first) {
    memset(first, 0, (size_t)P * sizeof *first);
    for (int b = 0; b < STATS_RESAMPLES; b++) {
        double least = INFINITY;
        int n = 0;
        for (int p = 0; p < P; p++)
            if (players[p].kind == PLAYER_POLICY) least = fmin(least, sum_at(c->sums + b, STATS_RESAMPLES, seconds_column(p)));
        least *= 1 + 1e-10;
        for (int p = 0; p < P; p++) n += players[p].kind == PLAYER_POLICY
            && sum_at(c->sums + b, STATS_RESAMPLES, seconds_column(p)) <= least;
        for (int p = 0; p < P; p++)
            if (players[p].kind == PLAYER_POLICY && sum_at(c->sums + b, STATS_RESAMPLES,
                seconds_column(p)) <= least) first[p] += 1.0 / n / STATS_RESAMPLES;
    }
}

static int open_standing(struct columns *c, const struct standing *x, struct err *err) {
    if (columns_open(c, x->Q, SHARED + 2 * (x->P + REFERENCES), err)) return ERR_FAILED;
    fill(c, x);
    int rc = columns_resample(c, BOOTSTRAP_SEED, err);
    if (rc) columns_close(c);
    return rc;
}

static void summarise_all(const struct columns *c, const struct standing *x, struct summary *players, struct summary *references) {
    for (int p = 0; p < x->P; p++) {
        const struct player *player = &x->players[p];
        players[p] = (struct summary){.oracle = player->kind != PLAYER_POLICY, .seeds = player->seeds};
        memcpy(players[p].spec, player->spec, sizeof player->spec);
        memcpy(players[p].name, player->name, sizeof player->name);
        players[p].own_ns = x->own_ns ? x->own_ns[p] : 0;
        summarise(c, p, x->P, &players[p]);
    }
    memset(references, 0, REFERENCES * sizeof *references);
    name_references(x, references);
    for (int i = 0; i < REFERENCES; i++) summarise(c, x->P + i, x->P, &references[i]);
}

int summary_several(const struct standing *x, const int *which, int n, struct summary *players, struct summary *references,
    struct comparison *out, double *first, struct err *err) {
    struct columns c;
    int rc = open_standing(&c, x, err);
    if (rc) return rc;
    summarise_all(&c, x, players, references);
    rc = rank(&c, players, x->P, err);
    for (int i = 0; !rc && i < n; i++) rc = compare(&c, x->players, x->P, which[i], out + (size_t)i * (size_t)(x->P + REFERENCES), err);
    if (!rc) count_firsts(&c, x->players, x->P, first);
    columns_close(&c);
    return rc;
}

int summary_of(const struct standing *x, const char *against, struct summary *players, struct summary *references, int *which,
    struct err *err) {
    struct columns c;
    struct comparison *with = NULL;
    int rc = open_standing(&c, x, err);
    if (rc) return rc;
    summarise_all(&c, x, players, references);
    rc = rank(&c, players, x->P, err);
    if (!rc) rc = find_against(against, players, x->P, references, which, err);
    if (!rc) rc = (with = mem_alloc((size_t)(x->P + REFERENCES), sizeof *with, "comparisons", err))
        ? compare(&c, x->players, x->P, *which, with, err) : ERR_FAILED;
    for (int p = 0; !rc && p < x->P; p++) players[p].against = with[p];
    for (int i = 0; !rc && i < REFERENCES; i++) references[i].against = with[x->P + i];
    mem_free(with);
    columns_close(&c);
    return rc;
}

/* Tokens, plain's seconds, then rounds and seconds a player. */
static double category_mat(const double *at, size_t stride, int row, int Q) {
    (void)Q;
    return sum_at(at, stride, 0) / sum_at(at, stride, 2 + 2 * row);
}
static double category_speed(const double *at, size_t stride, int row, int Q) {
    (void)Q;
    return sum_at(at, stride, 0) / sum_at(at, stride, 3 + 2 * row);
}

static void fill_category(struct columns *c, const struct standing *x, const char *const *category, const char *which) {
    for (int q = 0, i = 0; q < x->Q; q++) {
        if (strcmp(category[q], which)) continue;
        double *at = c->x + (size_t)i++ * (size_t)c->M;
        at[0] = x->tokens[q], at[1] = x->reference[REFERENCE_PLAIN][q].seconds;
        for (int p = 0; p < x->P; p++) {
            size_t cell = (size_t)p * (size_t)x->Q + (size_t)q;
            at[2 + 2 * p] = x->rounds[cell];
            at[3 + 2 * p] = x->seconds[cell] + (x->charge && x->own_ns ? x->rounds[cell] * x->own_ns[p] / 1e9 : 0);
        }
    }
}

int summary_category(const struct standing *x, const char *const *category, const char *which, struct category_row *out, struct err *err) {
    struct columns c;
    int n = 0, rc = 0;
    for (int q = 0; q < x->Q; q++) n += !strcmp(category[q], which);
    if (columns_open(&c, n, 2 + 2 * x->P, err)) return ERR_FAILED;
    fill_category(&c, x, category, which);
    rc = columns_resample(&c, BOOTSTRAP_SEED, err);
    #pragma omp parallel if (!rc)
    {
        struct columns mine = c; // a sample of its own
        struct err here = {""};
        mine.sample = mem_alloc(STATS_RESAMPLES, sizeof *mine.sample, "bootstrap resamples", &here);
        mine.without = mem_alloc((size_t)n, sizeof *mine.without, "bootstrap resamples", &here);
        bool good = !rc && mine.sample && mine.without;
        #pragma omp for schedule(static)
        for (int p = 0; p < x->P; p++)
            if (good) out[p] = (struct category_row){n, measure(&mine, category_mat, p), measure(&mine, category_speed, p),
                                                     c.total[1] > 0 ? c.total[0] / c.total[1] : 0};
        if (!rc && !good) {
            #pragma omp critical(summary_category)
            rc = ERR_FAILED, *err = here;
        }
        mem_free(mine.sample), mem_free(mine.without);
    }
    columns_close(&c);
    return rc;
}

/* Over prompts of this category (null: any) that are in; -1: there is none. */
static int least_seconds(const struct walk *fixed, const char *const *category, const char *which, const bool *in, int Q, int K) {
    const double rounding = 1e-10; // less is no difference: the first one stays
    double least = INFINITY;
    int best = -1;
    for (int k = 0; k < K; k++) {
        double sum = 0;
        int n = 0;
        for (int q = 0; q < Q; q++) {
            if ((in && !in[q]) || (which && strcmp(category[q], which))) continue;
            sum += fixed[(size_t)q * (size_t)K + (size_t)k].seconds, n++;
        }
        if (n && (best < 0 || sum < (1 - rounding) * least)) least = sum, best = k;
    }
    return best;
}

int summary_fixed_arm(const struct walk *fixed, const bool *in, int Q, int K) {
    int best = least_seconds(fixed, NULL, NULL, in, Q, K);
    return best < 0 ? 0 : best;
}

void summary_category_arms(const struct walk *fixed, const char *const *category, const bool *in, int Q, int K, int *arms) {
    for (int q = 0; q < Q; q++) {
        int same = 0;
        while (strcmp(category[same], category[q])) same++;
        arms[q] = same < q ? arms[same] : least_seconds(fixed, category, category[q], in, Q, K);
        if (arms[q] < 0) arms[q] = summary_fixed_arm(fixed, in, Q, K);
    }
}

int summary_against(const struct replay *r, const double *own_ns, bool charge, const char *against, struct summary *players,
    struct summary *references, int *which, struct err *err) {
    const struct oracle *o = &r->oracle;
    size_t Q = (size_t)r->Q;
    double *tokens = mem_alloc(Q, sizeof *tokens, "a summary", err), *best_rounds = mem_alloc(Q, sizeof *best_rounds, "a summary", err);
    struct walk *fixed = mem_alloc(3 * Q, sizeof *fixed, "a summary", err);
    const char **category = mem_alloc(Q, sizeof *category, "categories", err);
    int *arms = mem_alloc(Q, sizeof *arms, "categories", err);
    int rc = tokens && best_rounds && fixed && category && arms ? 0 : ERR_FAILED;
    for (int q = 0; !rc && q < r->Q; q++) category[q] = r->plan.trace->sequences[q].category;
    if (!rc) summary_category_arms(o->fixed, category, NULL, r->Q, o->K, arms);
    for (int q = 0; !rc && q < r->Q; q++) {
        const struct walk *of = o->fixed + (size_t)q * (size_t)o->K;
        tokens[q] = r->plan.trace->sequences[q].tokens - 1;
        best_rounds[q] = of[o->best_rounds[q]].rounds;
        fixed[q] = of[o->best], fixed[Q + (size_t)q] = of[arms[q]], fixed[2 * Q + (size_t)q] = of[o->best_seconds[q]];
    }
    const struct standing x = {.P = r->plan.lineup->n, .Q = r->Q, .players = r->plan.lineup->at, .rounds = r->rounds, .seconds = r->seconds,
                             .tokens = tokens, .best_rounds = best_rounds,
                                 .reference = {o->plain, fixed, fixed + Q, fixed + 2 * Q, o->shortest, o->clairvoyant},
                             .best_arm = r->problem.arms[o->best].name, .own_ns = own_ns, .charge = charge};
    if (!rc) rc = summary_of(&x, against, players, references, which, err);
    mem_free(tokens), mem_free(best_rounds), mem_free(fixed), mem_free(category), mem_free(arms);
    return rc;
}

int summary_make(const struct replay *r, struct summary *players, struct summary *references, struct err *err) {
    int which;
    return summary_against(r, NULL, false, NULL, players, references, &which, err);
}

/* Columns of a curve: three a checkpoint. A prompt too short for it is out of all three. */
static double curve_rounds(const double *at, size_t stride, int row, int Q) {
    (void)Q;
    return sum_at(at, stride, 3 * row + 1) / sum_at(at, stride, 3 * row);
}
static double curve_seconds(const double *at, size_t stride, int row, int Q) {
    (void)Q;
    return sum_at(at, stride, 3 * row + 2) / sum_at(at, stride, 3 * row);
}

int summary_curve(const struct replay *r, int p, struct curve_point *out, struct err *err) {
    int C = r->tokens.n;
    struct columns c;
    if (columns_open(&c, r->Q, 3 * C, err)) return ERR_FAILED;
    for (int q = 0; q < r->Q; q++)
        for (int i = 0; i < C && r->tokens.at[i] <= r->plan.trace->sequences[q].tokens; i++) {
            double *x = c.x + (size_t)q * (size_t)c.M + 3 * (size_t)i;
            size_t best = (size_t)q * (size_t)C + (size_t)i, mine = (size_t)p * (size_t)r->Q * (size_t)C + best;
            x[0] = 1;
            x[1] = r->curve_rounds[mine] - r->best_rounds[best];
            x[2] = r->curve_seconds[mine] - r->best_seconds[best];
        }
    int rc = columns_resample(&c, BOOTSTRAP_SEED, err);
    for (int i = 0; !rc && i < C; i++)
        out[i] = (struct curve_point){r->tokens.at[i], (int)c.total[3 * i], measure(&c, curve_rounds, i), measure(&c, curve_seconds, i)};
    columns_close(&c);
    return rc;
}

/* Three columns a point, as a curve's: whether the prompt has come by then, and what it has cost. */
static double stream_rounds(const double *at, size_t stride, int row, int Q) {
    (void)Q;
    return sum_at(at, stride, 3 * row + 1) / sum_at(at, stride, 3 * row);
}
static double stream_seconds(const double *at, size_t stride, int row, int Q) {
    (void)Q;
    return sum_at(at, stride, 3 * row + 2) / sum_at(at, stride, 3 * row);
}

static struct measure times(struct measure m, double n) { return (struct measure){m.value * n, m.lo * n, m.hi * n}; }

int summary_stream(const struct replay *r, int p, struct stream_point *out, struct err *err) {
    struct columns c;
    int n = 0, at[STREAM_POINTS];
    for (int64_t prompts = 1; prompts < r->Q; prompts *= 2) at[n++] = (int)prompts;
    at[n++] = r->Q;
    if (columns_open(&c, r->Q, 3 * n, err)) return ERR_FAILED;
    const struct oracle *o = &r->oracle;
    for (int q = 0; q < r->Q; q++)
        for (int i = 0; i < n; i++) {
            double *x = c.x + (size_t)q * (size_t)c.M + 3 * (size_t)i;
            const struct walk *fixed = o->fixed + (size_t)q * (size_t)o->K;
            size_t cell = (size_t)p * (size_t)r->Q + (size_t)q;
            if (q >= at[i]) continue;
            x[0] = 1, x[1] = r->rounds[cell] - fixed[o->best_rounds[q]].rounds, x[2] = r->seconds[cell] - fixed[o->best_seconds[q]].seconds;
        }
    int rc = columns_resample(&c, BOOTSTRAP_SEED, err);
    for (int i = 0; !rc && i < n; i++) {
        out[i] = (struct stream_point){.prompts = at[i], .rounds = times(measure(&c, stream_rounds, i), at[i]),
            .seconds = times(measure(&c, stream_seconds, i), at[i])};
        for (int q = 0; q < at[i]; q++) out[i].tokens += r->plan.trace->sequences[q].tokens - 1;
    }
    columns_close(&c);
    return rc ? rc : n;
}

void summary_sort(const struct summary *rows, int n, int *order) {
    for (int i = 0; i < n; i++) {
        int j = i;
        for (; j > 0 && rows[order[j - 1]].tokens_per_s.value < rows[i].tokens_per_s.value; j--) order[j] = order[j - 1];
        order[j] = i;
    }
}
