/* lanes.h - four episodes of one policy side by side: numbers that four lanes of a register hold, for policies with a struct policy_lanes.
 *
 * An episode's arithmetic is a chain: a choice waits for the reward before it. Four independent ones fill a register (AVX2; elsewhere two
 * or four smaller ones), and IEEE 754 rounds each lane as it rounds a number alone. So a method here writes the formulas of its
 * policy once more, operation for operation, and gets the same bits (tests/test_lanes.c holds every policy that has lanes to that).
 *
 * A method is a static inline body over pointers; LANES_METHODS compiles it twice and takes the one that the processor can run. */
#ifndef POLICIES_LANES_H
#define POLICIES_LANES_H

#include "core/elementary.h"
#include "policies/policy.h"

typedef elementary_four four;
typedef int64_t four_mask __attribute__((vector_size(32))); // of a comparison: all bits or none

typedef int32_t four_ints __attribute__((vector_size(16)));

#define LANES_INLINE static inline __attribute__((always_inline))

/* `type name parameters`, which calls name_body with the arguments that follow: for any processor, and for those with AVX2. */
#ifdef __x86_64__
#define LANES_BODY(type, name, parameters, ...) \
    static __attribute__((target("avx2"))) type name##_avx2 parameters { return name##_body(__VA_ARGS__); } \
    static type name##_plain parameters { return name##_body(__VA_ARGS__); } \
    static type name parameters { return __builtin_cpu_supports("avx2") ? name##_avx2(__VA_ARGS__) : name##_plain(__VA_ARGS__); }
#else
#define LANES_BODY(type, name, parameters, ...) \
    static type name##_plain parameters { return name##_body(__VA_ARGS__); } \
    static type name parameters { return name##_plain(__VA_ARGS__); }
#endif

/* `const struct policy_lanes lanes` of the bodies, of one four each,
 *   lanes_select_body(void *state, const struct problem *p, const double *param, const struct rng_four *rng, int *arm)
 *   lanes_update_body(void *state, const struct problem *p, const double *param, const struct outcome_lanes *o) */
#define LANES_PARAMETERS (struct policy_four *const *at, int n, const struct problem *p, const double *param)
/* A copy that no state can be, so that what comes of it is worked out once for all fours. */
#define LANES_HERE const struct problem here = *p;
#define LANES_METHODS(size, init) \
    LANES_INLINE void lanes_select_all_body LANES_PARAMETERS { \
        LANES_HERE \
        for (int i = 0; i < n; i++) lanes_select_body(at[i]->state, &here, param, &at[i]->rng, at[i]->o.arm); \
    } \
    LANES_INLINE void lanes_update_all_body LANES_PARAMETERS { \
        LANES_HERE \
        for (int i = 0; i < n; i++) lanes_update_body(at[i]->state, &here, param, &at[i]->o); \
    } \
    LANES_BODY(void, lanes_select_all, LANES_PARAMETERS, at, n, p, param) \
    LANES_BODY(void, lanes_update_all, LANES_PARAMETERS, at, n, p, param) \
    static const struct policy_lanes lanes_plain = {size, init, lanes_select_all_plain, lanes_update_all_plain}; \
    static const struct policy_lanes lanes = {size, init, lanes_select_all, lanes_update_all, &lanes_plain};

LANES_INLINE four four_of(double x) { return (four){x, x, x, x}; }

/* Four numbers anywhere, at once: memcpy may go by halves, and a load of what was stored in pieces waits for all of them. */
typedef double four_loose __attribute__((vector_size(32), aligned(8), may_alias));
typedef int64_t four_loose_mask __attribute__((vector_size(32), aligned(8), may_alias));
typedef int32_t four_loose_ints __attribute__((vector_size(16), aligned(4), may_alias));
LANES_INLINE four four_from(const double *x) { return *(const four_loose *)x; }
LANES_INLINE void four_put(double *to, four x) { *(four_loose *)to = x; }
LANES_INLINE four_ints ints_from(const int *n) { return *(const four_loose_ints *)n; }
LANES_INLINE void ints_put(int *to, four_ints n) { *(four_loose_ints *)to = n; }

/* Of a comparison of four_ints, a bit a lane. */
LANES_INLINE int ints_mask(four_ints m) {
#ifdef __SSE2__
    return _mm_movemask_ps((__m128)m);
#else
    return (m[0] & 1) | (m[1] & 2) | (m[2] & 4) | (m[3] & 8);
#endif
}

/* By loops over memory that never gets there, as those are what a compiler knows how to make one instruction of: minima, blends, roots. */
#define FOUR_LOOP(x, expression) do { for (int l = 0; l < 4; l++) (x)[l] = (expression); } while (0)
LANES_INLINE four four_min(four a, four b) {
    double x[4], y[4];
    four_put(x, a), four_put(y, b);
    FOUR_LOOP(x, x[l] < y[l] ? x[l] : y[l]);
    return four_from(x);
}
LANES_INLINE four four_max(four a, four b) {
    double x[4], y[4];
    four_put(x, a), four_put(y, b);
    FOUR_LOOP(x, x[l] > y[l] ? x[l] : y[l]);
    return four_from(x);
}
LANES_INLINE four four_choose(four_mask m, four yes, four no) {
    double x[4], y[4];
    int64_t chosen[4];
    four_put(x, yes), four_put(y, no), *(four_loose_mask *)chosen = m;
    FOUR_LOOP(x, chosen[l] ? x[l] : y[l]);
    return four_from(x);
}
LANES_INLINE four four_sqrt(four x) {
    double at[4];
    four_put(at, x);
    FOUR_LOOP(at, sqrt(at[l]));
    return four_from(at);
}
LANES_INLINE four_mask four_choose_int(four_mask m, four_mask yes, four_mask no) { return (four_mask)four_choose(m, (four)yes, (four)no); }

LANES_INLINE bool four_any(four_mask m) {
    elementary_two either = (elementary_two)(__builtin_shufflevector(m, m, 0, 1) | __builtin_shufflevector(m, m, 2, 3));
#ifdef __SSE2__
    return _mm_movemask_pd((__m128d)either);
#else
    return elementary_bits(either[0]) | elementary_bits(either[1]);
#endif
}

/* Arms (or what else an array has) of four lanes, as four addresses: left to itself, a compiler works out some more. */
#define LANES_AT(type, name, array, i0, i1, i2, i3) \
    type *name[4] = {&(array)[i0], &(array)[i1], &(array)[i2], &(array)[i3]}; \
    __asm__("" : "+r"(name[0]), "+r"(name[1]), "+r"(name[2]), "+r"(name[3]))
#define LANES_ARMS(type, name, s, o) LANES_AT(type, name, (s)->arm, (o)->arm[0], (o)->arm[1], (o)->arm[2], (o)->arm[3])

/* The field of four things, each lane's own number in it. */
#define LANES_GATHER(at, field) ((four){(at)[0]->field[0], (at)[1]->field[1], (at)[2]->field[2], (at)[3]->field[3]})

/* Puts x's lanes into the field of four things. */
#define LANES_SCATTER(at, field, x) \
    ((at)[0]->field[0] = (x)[0], (at)[1]->field[1] = (x)[1], (at)[2]->field[2] = (x)[2], (at)[3]->field[3] = (x)[3])

/* index_higher of each lane, and the arms that won. */
LANES_INLINE void four_highest(four index, four_mask i, four *best, four_mask *arm) {
    four_mask higher = index > *best;
    *arm = four_choose_int(higher, i, *arm);
    *best = four_choose(higher, index, *best);
}
/* Whole numbers from 0 to 2^31. */
LANES_INLINE four_mask four_whole(four x) { return (four_mask)(x + 0x1p52) & 0x7fffffff; }

LANES_INLINE void four_arms(four_mask at, int *arm) {
    typedef int32_t eight __attribute__((vector_size(32)));
    ints_put(arm, __builtin_shufflevector((eight)at, (eight)at, 0, 2, 4, 6));
}

/* elementary_exp of each. */
LANES_INLINE four four_exp(four x) {
    x = four_max(x, four_of(-700));
    elementary_exp_four(&x);
    return x;
}

/* elementary_log of each. */
LANES_INLINE four four_log(four x) {
    typedef elementary_four_bits bits4;
    const uint64_t half = 0x3fe6a09e667f3bcd, one = 0x3ff0000000000000, fraction = 0x000fffffffffffff;
    bits4 bits = (bits4)x + (one - half);
    four m = (four)((bits & fraction) + half), e = (four)(bits >> 52 | 0x4330000000000000) - (0x1p52 + 1023);
    four f = m - 1, s = f / (2 + f), q = s * s, q2 = q * q;
    four even = 1.0 / 3 + q2 * (1.0 / 7 + q2 * (1.0 / 11 + q2 * (1.0 / 15 + q2 * (1.0 / 19))));
    four odd = 1.0 / 5 + q2 * (1.0 / 9 + q2 * (1.0 / 13 + q2 * (1.0 / 17 + q2 * (1.0 / 21))));
    four tail = q * (even + q * odd);
    return e * 0x1.62e42fefa3800p-1 + (f - (s * (f - 2 * tail) - e * 0x1.ef35793c76730p-45));
}

/* elementary_log_next of each. */
LANES_INLINE four four_log_next(four log_n, four n) {
    four_mask whole = (four_mask)(n + 0x1p52), small = whole & (LOGARITHMS - 1), beyond = n >= LOGARITHMS; // n in the low bits
    four kept = {logarithms[small[0]], logarithms[small[1]], logarithms[small[2]], logarithms[small[3]]};
    if (!four_any(beyond)) return kept;
    four z = 1 / (2 * n + 1), q = z * z;
    four next = log_n + 2 * z * (1 + q * (1.0 / 3 + q * (1.0 / 5 + q * (1.0 / 7 + q * (1.0 / 9)))));
    four_mask anew = (whole & 63) == 0;
    if (four_any(anew)) next = four_choose(anew, four_log(n + 1), next);
    return four_choose(beyond, next, kept);
}

/* Four rows' columns. */
LANES_INLINE void four_transpose(const four row[4], four *a, four *b, four *c, four *d) {
    const four even = __builtin_shufflevector(row[0], row[1], 0, 4, 2, 6), odd = __builtin_shufflevector(row[0], row[1], 1, 5, 3, 7);
    const four even2 = __builtin_shufflevector(row[2], row[3], 0, 4, 2, 6), odd2 = __builtin_shufflevector(row[2], row[3], 1, 5, 3, 7);
    *a = __builtin_shufflevector(even, even2, 0, 1, 4, 5), *b = __builtin_shufflevector(odd, odd2, 0, 1, 4, 5);
    *c = __builtin_shufflevector(even, even2, 2, 3, 6, 7), *d = __builtin_shufflevector(odd, odd2, 2, 3, 6, 7);
}

LANES_INLINE four four_from_int(const int n[4]) { return __builtin_convertvector(ints_from(n), four); }

static inline size_t lanes_bytes(size_t bytes) { return (bytes + 63) & ~(size_t)63; }
#define LANES_SIZE(head, arm, p) lanes_bytes(sizeof(head) + (size_t)(p)->K * sizeof(arm)) // of a head and (K) arms

/* Zeroes one lane of a state that is made of numbers by four alone. */
static inline void lanes_zero(void *state, size_t bytes, int lane) {
    for (double *x = (double *)state + lane; bytes; x += 4, bytes -= sizeof(four)) *x = 0;
}

/* reward.h by lane: struct reward of each, but least_s infinite and the scale its largest before the first round; reward_raw and reward_of of
 * four outcomes. */
struct four_reward {
    four least_s, scale, most;
};

static inline void four_reward_init(struct four_reward *r, const struct problem *p, int lane) {
    r->least_s[lane] = INFINITY, r->scale[lane] = 1e-9 / (p->L + 1), r->most[lane] = 1 / r->scale[lane];
}

LANES_INLINE four four_reward_raw(struct four_reward *r, const struct problem *p, bool len, const struct outcome_lanes *o) {
    if (len) {
        r->most = four_of(p->L), r->scale = 1 / r->most;
        return four_from_int(o->accepted);
    }
    four verify_s = four_from(o->verify_s);
    four_mask record = (verify_s > 1e-9) & (verify_s < r->least_s);
    if (four_any(record)) {
        r->least_s = four_choose(record, verify_s, r->least_s);
        r->scale = four_choose(record, r->least_s / (p->L + 1.0), r->scale);
        r->most = 1 / r->scale;
    }
    return four_min(four_from_int(o->emitted) / four_max(four_from(o->draft_s) + verify_s, four_of(1e-9)), r->most);
}

LANES_INLINE four four_reward_of(struct four_reward *r, const struct problem *p, bool len, const struct outcome_lanes *o) {
    return four_min(four_reward_raw(r, p, len, o) * r->scale, four_of(1));
}

#endif
