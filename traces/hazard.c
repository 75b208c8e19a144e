/* hazard.c - see hazard.h. */
#include "traces/hazard.h"

#include <gsl/gsl_cdf.h>
#include <string.h>

static int least(int a, int b) { return a < b ? a : b; }

static void count_sequence(struct hazard *h, const struct trace *t, int d, int q) {
    int tokens = t->sequences[q].tokens;
    for (int pos = 1; pos < tokens;) {
        size_t cell = trace_cell(t, d, q, pos);
        int proposed = t->proposed[cell], accepted = t->accepted[cell];
        int tested = least(least(proposed, accepted + 1), tokens - pos);
        h->rounds++;
        h->proposing += proposed > 0;
        for (int k = 1; k <= tested; k++) h->tested[k]++, h->accepted[k] += k <= accepted;
        pos += least(accepted + 1, tokens - pos);
    }
}

void hazard_count(struct hazard *h, const struct trace *t, int d, const char *category) {
    *h = (struct hazard){0};
    for (int q = 0; q < t->Q; q++)
        if (!category || !strcmp(category, t->sequences[q].category)) count_sequence(h, t, d, q);
    hazard_test(h);
}

void hazard_test(struct hazard *h) {
    enum { EXPECTED = 5 }; // of accepted and of rejected tokens in a cell: the usual rule for Pearson's test
    double n = 0, a = 0;
    h->depths = 0, h->chi2 = 0, h->df = 0, h->p_value = 1;
    for (int k = 1; k < HAZARD_DEPTHS; k++) {
        n += (double)h->tested[k], a += (double)h->accepted[k];
        if (h->tested[k]) h->depths = k;
    }
    h->p = n > 0 ? a / n : 0;
    if (!(h->p > 0 && h->p < 1)) return;
    double cell_n = 0, cell_a = 0, left = n, rare = h->p < 0.5 ? h->p : 1 - h->p;
    int cells = 0;
    for (int k = 1; k <= h->depths; k++) {
        cell_n += (double)h->tested[k], cell_a += (double)h->accepted[k], left -= (double)h->tested[k];
        if (cell_n * rare < EXPECTED || (left > 0 && left * rare < EXPECTED)) continue; // pool on; too thin a rest joins the last cell
        double off = cell_a - cell_n * h->p;
        h->chi2 += off * off / (cell_n * h->p * (1 - h->p));
        cells++, cell_n = cell_a = 0;
    }
    h->df = cells > 1 ? cells - 1 : 0;
    if (h->df) h->p_value = gsl_cdf_chisq_Q(h->chi2, h->df);
    else h->chi2 = 0;
}
