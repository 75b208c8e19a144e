/* trt_gate.c - TensorRT-LLM's gate: speculation ends for good when too little is accepted.
 *
 * NVIDIA/TensorRT-LLM, _torch/speculative/speculation_gate.py (#12905): over the latest `window` rounds that drafted, once there
 * were as many, the mean of accepted / proposed below `threshold` ends speculation until a restart. Its max_concurrency ends it as well
 * for batches above a size. Until then one drafter drafts `gamma` tokens (policies/ladder.h); afterwards plain decoding, or the
 * shortest draft where that is not among the arms. Both window and threshold are the user's there; the defaults are ours.
 * Check: window 2, threshold 0.5: ratios 1, 0.25, 0.5 end it after the third, whose mean with the second is 0.375. */
#include "policies/ladder.h"

enum { GAMMA, WINDOW, THRESHOLD, BATCH, DRAFTER };
enum { WINDOW_MAX = 1024 };

struct trt_gate {
    int drafter, shut;
    double n;                // rounds that drafted
    double ring[WINDOW_MAX]; // accepted / proposed of the latest `window`
};

static int trt_gate_check(const struct problem *p, const double *param, struct err *err) {
    int rc = whole("trt-gate", "window", param[WINDOW], err);
    return rc ? rc : ladder_check("trt-gate", p, param[DRAFTER], err);
}

static size_t trt_gate_size(const struct problem *p) { return (void)p, sizeof(struct trt_gate); }

static void trt_gate_init(void *state, const struct problem *p, const double *param) {
    ((struct trt_gate *)state)->drafter = ladder_drafter(p, param[DRAFTER]);
}

static int trt_gate_select(void *state, const struct problem *p, const double *param, const struct view *v, struct rng *rng) {
    const struct trt_gate *s = state;
    int plain = ladder_plain(p);
    (void)rng;
    if (!s->shut && !(param[BATCH] > 0 && v->batch > param[BATCH])) return ladder_nearest(p, s->drafter, param[GAMMA]);
    return plain >= 0 ? plain : ladder_nearest(p, s->drafter, 1);
}

static void trt_gate_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct trt_gate *s = state;
    int window = (int)param[WINDOW];
    double sum = 0;
    (void)p;
    if (s->shut || !o->proposed) return;
    s->ring[(int)fmod(s->n++, window)] = (double)o->accepted / o->proposed;
    if (s->n < window) return;
    for (int i = 0; i < window; i++) sum += s->ring[i];
    s->shut = sum / window < param[THRESHOLD];
}

const struct policy policy_trt_gate = {
    .name = "trt-gate", .setting = "heuristic",
    .summary = "TensorRT-LLM: a fixed length, off for good when too little is accepted",
    .cite = "NVIDIA/TensorRT-LLM, _torch/speculative/speculation_gate.py, #12905",
    .params = {
        {"gamma", 4, 1, ARM_GAMMA_MAX, NULL, "draft length"},
        {"window", 32, 1, WINDOW_MAX, NULL, "rounds averaged"},
        {"threshold", 0.3, 0, 1, NULL, "mean share accepted below which speculation ends"},
        {"batch", 0, 0, 1e6, NULL, "largest batch that speculates; 0: any"},
        LADDER_DRAFTER,
    },
    .check = trt_gate_check,
    .size = trt_gate_size, .init = trt_gate_init, .select_seeing = trt_gate_select, .update = trt_gate_update,
};
