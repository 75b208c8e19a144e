/* quota.c - see quota.h. */
#include "policies/quota.h"

#include <string.h>

void quota_lengths(struct quota_lengths *l, const struct problem *p, int drafter) {
    bool offered[ARM_GAMMA_MAX + 1] = {true};
    l->n = 0;
    for (int i = 0; i < p->K; i++)
        if (chain_is(&p->arms[i]) && p->arms[i].drafter == drafter) offered[p->arms[i].gamma] = true;
    for (int g = 0; g <= ARM_GAMMA_MAX; g++)
        if (offered[g]) l->at[l->n++] = g;
}

static bool before(const struct quota_step *a, const struct quota_step *b) {
    if (a->gain != b->gain) return a->gain > b->gain;
    return a->step != b->step ? a->step < b->step : a->request < b->request;
}

/* Moves heap[i] down to where it belongs. */
static void sink(struct quota_step *heap, int n, int i) {
    for (int child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && before(&heap[child + 1], &heap[child])) child++;
        if (!before(&heap[child], &heap[i])) break;
        struct quota_step x = heap[i];
        heap[i] = heap[child], heap[child] = x;
    }
}

/* Gain per token of going from lengths->at[step - 1] to at[step]. */
static struct quota_step step_of(const double *tail, const struct quota_lengths *l, int request, int step) {
    double sum = 0;
    for (int j = l->at[step - 1]; j < l->at[step]; j++) sum += tail[j];
    return (struct quota_step){sum / (l->at[step] - l->at[step - 1]), request, step};
}

int quota_fill(const double *tail, int L, int n, int quota, const struct quota_lengths *l, struct quota_step *heap, int *length,
               double (*seconds)(const void *user, int total), const void *user) {
    int open = 0, total = 0;
    double tokens = n;
    for (int r = 0; r < n; r++) length[r] = 0;
    for (int r = 0; r < n && l->n > 1; r++) heap[open++] = step_of(tail + r * L, l, r, 1);
    for (int i = open / 2 - 1; i >= 0; i--) sink(heap, open, i);
    while (open > 0) {
        struct quota_step x = heap[0];
        int size = l->at[x.step] - l->at[x.step - 1];
        bool fits = total + size <= quota;
        // Where seconds are proportional to rows and every token is accepted the rate stays the same: rounding is no fall.
        if (fits && seconds && (tokens + x.gain * size) * seconds(user, total) < tokens * seconds(user, total + size) * (1 - 1e-12)) break;
        if (fits) {
            total += size, tokens += x.gain * size;
            length[x.request] = l->at[x.step];
        }
        if (fits && x.step + 1 < l->n) heap[0] = step_of(tail + x.request * L, l, x.request, x.step + 1);
        else heap[0] = heap[--open];
        sink(heap, open, 0);
    }
    return total;
}

size_t quota_size(const struct problem *p) {
    size_t R = (size_t)quota_requests(p), L = (size_t)p->L;
    size_t each = sizeof(struct quota_step) + 2 * sizeof(double), each_depth = sizeof(double) + sizeof(struct quota_depth);
    return sizeof(struct quota) + R * each + R * L * each_depth;
}

static struct quota_step *heap_of(const struct quota *s) { return (struct quota_step *)s->each; }
static double *positions(const struct quota *s, const struct problem *p) { return (double *)(heap_of(s) + quota_requests(p)); }
static int *lengths_of(const struct quota *s, const struct problem *p) { return (int *)(positions(s, p) + quota_requests(p)); }
static double *tails(const struct quota *s, const struct problem *p) { return positions(s, p) + 2 * quota_requests(p); }

double *quota_tail(const struct quota *s, const struct problem *p, int i) { return tails(s, p) + i * p->L; }

struct quota_depth *quota_depths(const struct quota *s, const struct problem *p, int request) {
    return (struct quota_depth *)(tails(s, p) + quota_requests(p) * p->L) + request * p->L;
}

void quota_init(struct quota *s, const struct problem *p, int drafter) {
    s->drafter = chain_drafter(p, drafter);
    quota_lengths(&s->lengths, p, s->drafter);
}

int quota_check(const struct problem *p, const char *policy, double drafter, struct err *err) {
    if (p->R > 1 && chain_plain(p) < 0)
        return err_set(err, "policy '%s' wants the arm 'plain': a quota may leave a request nothing to draft", policy);
    return chain_check(p, policy, drafter, err);
}

void quota_meet(struct quota *s, const struct problem *p, int request, int pos) {
    double *seen = &positions(s, p)[request];
    if (pos < *seen) memset(quota_depths(s, p, request), 0, (size_t)p->L * sizeof(struct quota_depth));
    *seen = pos;
}

void quota_share(struct quota *s, const struct problem *p, int n, int quota, int *arm,
                 double (*seconds)(const void *user, int total), const void *user) {
    int *length = lengths_of(s, p);
    quota_fill(tails(s, p), p->L, n, quota, &s->lengths, heap_of(s), length, seconds, user);
    s->open = true;
    for (int i = 0; i < n; i++) arm[i] = chain_arm(p, s->drafter, length[i]);
}
