/* meter.c - see meter.h. */
#include "sim/meter.h"

#include <stdlib.h>

#include "core/mem.h"

static int on_step(void *user, const struct batch_step *s, struct err *err) {
    struct meter *m = user;
    (void)err;
    m->emitted += s->step.outcome.emitted;
    if (!m->drained || s->now <= m->full_s) m->full_tokens += s->step.outcome.emitted;
    return 0;
}

static int on_join(void *user, int request, int slot, double began, double now, struct err *err) {
    struct meter *m = user;
    const double came = m->plan->arrival ? m->plan->arrival[request] : began;
    (void)slot, (void)err;
    m->queueing[m->began] = began - came, m->ttft[m->began++] = now - came;
    m->first[request] = now;
    m->late[request] = m->slo_ttft > 0 && now - came > m->slo_ttft;
    m->emitted++, m->full_tokens += !m->drained; // prefill emits the first
    return 0;
}

static int on_leave(void *user, int request, int slot, double now, struct err *err) {
    struct meter *m = user;
    const int after = m->tokens[request] - 1;
    double tpot = 0;
    (void)slot, (void)err;
    if (after > 0) {
        tpot = (now - m->first[request]) / after;
        m->tpot[m->timed++] = tpot;
        if (tpot > 0) m->rate += 1 / tpot, m->rate2 += 1 / (tpot * tpot);
    }
    m->done++, m->left_tokens += m->tokens[request], m->last = now;
    if (!m->late[request] && (!m->slo_tpot || tpot <= m->slo_tpot)) m->kept++, m->kept_tokens += m->tokens[request];
    if (!m->drained && m->began == m->plan->requests) m->drained = true, m->full_s = now; // nobody takes its place
    return 0;
}

static int on_turned_away(void *user, int request, struct err *err) {
    struct meter *m = user;
    (void)request, (void)err;
    m->turned_away++;
    return 0;
}

int meter_open(struct meter *m, const struct batch_plan *plan, const int *tokens, double slo_ttft, double slo_tpot, struct err *err) {
    const size_t n = (size_t)plan->requests;
    *m = (struct meter){.plan = plan, .tokens = tokens, .slo_ttft = slo_ttft, .slo_tpot = slo_tpot};
    m->watch = (struct batch_watch){on_step, on_join, on_leave, on_turned_away, m};
    if ((m->first = mem_alloc(n, sizeof *m->first, "times of requests", err))
        && (m->ttft = mem_alloc(n, sizeof *m->ttft, "times of requests", err))
        && (m->late = mem_alloc(n, 1, "times of requests", err)) && (m->tpot = mem_alloc(n, sizeof *m->tpot, "times of requests", err))
            && (m->queueing = mem_alloc(n, sizeof *m->queueing, "times of requests", err))) return 0;
    meter_close(m);
    return -1;
}

void meter_close(struct meter *m) {
    mem_free(m->first), mem_free(m->ttft), mem_free(m->tpot), mem_free(m->queueing), mem_free(m->late);
    *m = (struct meter){.first = NULL};
}

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static struct spread spread_of(double *at, int64_t n) {
    double sum = 0;
    if (!n) return (struct spread){0, 0, 0};
    for (int64_t i = 0; i < n; i++) sum += at[i];
    qsort(at, (size_t)n, sizeof *at, by_value);
    return (struct spread){sum / (double)n, at[(n - 1) / 2], at[(n * 99 - 1) / 100]};
}

struct figures meter_read(struct meter *m, const struct batch_total *total) {
    struct figures f = {.came = m->plan->requests, .turned_away = m->turned_away, .done = m->done, .tokens = m->left_tokens,
                        .kept = m->kept, .seconds = m->last};
    const bool full = !m->plan->arrival && m->full_s > 0;
    f.throughput = full ? (double)m->full_tokens / m->full_s : m->last > 0 ? (double)m->left_tokens / m->last : 0;
    f.goodput = m->left_tokens ? f.throughput * (double)m->kept_tokens / (double)m->left_tokens : 0;
    f.attained = m->plan->requests ? (double)m->kept / m->plan->requests : 0;
    f.fairness = m->rate2 > 0 ? m->rate * m->rate / ((double)m->timed * m->rate2) : 1;
    f.batch = total->passes ? (double)total->rounds / (double)total->passes : 0;
    f.ttft = spread_of(m->ttft, m->began), f.tpot = spread_of(m->tpot, m->timed), f.queueing = spread_of(m->queueing, m->began);
    return f;
}
