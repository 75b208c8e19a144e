/* drafter_eagle.c - EAGLE: one transformer layer that predicts the target's next feature (Li et al. 2024, arXiv 2401.15077).
 *
 * With x_0 .. x_{n-1} the history and f_i the target's final-norm feature at i (known up to n - 2), input i of the head is the pair
 * (embedding of x_{i+1}, f_i) at rotary position i, its output the predicted f_{i+1}. The target's output layer reads the first
 * drafted token off the last output; next goes in the pair of that token and the predicted feature, and so on. Keys and values of
 * pairs with predicted features are forgotten after the draft: the head's memory only ever holds true ones. */
#include "core/eagle.h"

static int eagle_draft(struct drafter *d, const int *history, int n, int L, struct draft *out, struct err *err) {
    struct eagle *s = d->state;
    out->n = out->match = 0;
    if (L < 1 || n < 2) return 0;
    lookahead_begin(s->e, s->target, out);
    if (eagle_catch_up(s, history, n, err)) return ERR_FAILED;
    for (;;) {
        if (lookahead_pick(s->e, s->target, n, L, out)) break;
        const struct row row = lookahead_row(s->target, out, s->feature);
        if (engine_forward(s->e, &row, 1, err)) return ERR_FAILED;
        engine_commit(s->e, s->target->slot, 1);
        engine_keep(s->e, 0, 1, s->feature);
    }
    engine_rewind(s->e, s->target->slot, s->pairs);
    return 0;
}

static void eagle_home(struct drafter *d, struct draft *out, const struct choice *choices) {
    struct eagle *s = d->state;
    lookahead_home(s->e, s->target, out, choices);
}

const struct drafter_type drafter_eagle = {
    .name = "eagle",
    .summary = "an EAGLE-1 head: one layer that predicts the target's features, as in eagle=DIR",
    .cite = "Li et al. 2024, EAGLE, arXiv 2401.15077",
    .features = true,
    .params = {EAGLE_OPTIONS},
    .open = eagle_open, .close = eagle_close, .attach = eagle_attach, .sha256 = eagle_sha256,
    .reset = eagle_reset, .draft = eagle_draft, .home = eagle_home, .accept = eagle_accept, .forget = eagle_forget,
};
