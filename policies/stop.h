/* stop.h - stopping rules: an arm drafts until the drafter itself doubts (policies.md of the field: HF's assistant, SVIP, AdaEDL).
 *
 *   entropy>h   H > h, in nats            maxprob<p   largest probability < p
 *   svip>h      sqrt(H) > h               Zhang et al. 2024, SVIP, arXiv 2411.18462
 *   adaedl<l    1 - sqrt(0.2 H) < l       Agrawal et al. 2024, AdaEDL, arXiv 2410.18351; l then follows the acceptance:
 *               ratio <- 0.5 ratio + 0.5 accepted / proposed;  l' = l + 0.01 if ratio < 0.9, else l - 0.01 unless all was accepted;
 *               l <- 0.9 l + 0.1 l'
 *
 * The token whose distribution fires is the last one drafted: it has been paid for, and one more row of verification is cheap.
 * A rule sees what a trace keeps for every depth, so replay stops exactly where live did. */
#ifndef POLICIES_STOP_H
#define POLICIES_STOP_H

#include <math.h>
#include <stdbool.h>

enum stop_rule { STOP_NEVER, STOP_ENTROPY, STOP_MAXPROB, STOP_SVIP, STOP_ADAEDL };
enum { STOPS = 32 }; // arms with rules, at most

struct stop {
    enum stop_rule rule;
    double threshold;
    int slot; // of the arm's stop_state in its world, 0 .. STOPS - 1
};

struct stop_state { // of one sequence; zeroed at its beginning
    double threshold, ratio;
    bool begun, seen;
};

static inline double stop_threshold(const struct stop *s, const struct stop_state *x) { return x && x->begun ? x->threshold : s->threshold; }

/* Is the token with this confidence the last one to draft? */
static inline bool stop_after(const struct stop *s, const struct stop_state *x, float top_prob, float entropy) {
    double h = stop_threshold(s, x), H = entropy > 0 ? (double)entropy : 0;
    switch (s->rule) {
    case STOP_NEVER: return false;
    case STOP_ENTROPY: return H > h;
    case STOP_MAXPROB: return (double)top_prob < h;
    case STOP_SVIP: return sqrt(H) > h;
    case STOP_ADAEDL: return 1 - sqrt(0.2 * H) < h;
    }
    return false;
}

static inline void stop_learn(const struct stop *s, struct stop_state *x, int proposed, int accepted) {
    if (s->rule != STOP_ADAEDL || proposed < 1) return;
    double now = (double)accepted / proposed, l = stop_threshold(s, x), next = l;
    x->ratio = x->seen ? 0.5 * x->ratio + 0.5 * now : now;
    x->seen = true;
    if (x->ratio < 0.9) next = l + 0.01;
    else if (accepted != proposed) next = l - 0.01;
    x->threshold = 0.9 * l + 0.1 * next;
    x->begun = true;
}

#endif
