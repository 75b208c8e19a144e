/* sam.c - see sam.h. */
#include "core/sam.h"

#include <stdint.h>
#include <string.h>

#include "core/mem.h"

static size_t slot_of(const struct sam *s, int from, int token) {
    uint64_t h = ((uint64_t)(uint32_t)from << 32 | (uint32_t)token) * 0x9E3779B97F4A7C15u; // 2^64 / golden ratio (Knuth 6.4)
    h ^= h >> 32;
    h *= 0xD6E8FEB86659FD93u; // a second round: neighbouring (from, token) must not form runs
    return (h ^ h >> 32) & (s->slots - 1);
}

/* The transition's number, or 0. */
static int find_edge(const struct sam *s, int from, int token) {
    for (size_t i = slot_of(s, from, token);; i = (i + 1) & (s->slots - 1)) {
        int e = s->slot[i];
        if (!e || (s->edge[e].from == from && s->edge[e].token == token)) return e;
    }
}

static void place_edge(struct sam *s, int e) {
    size_t i = slot_of(s, s->edge[e].from, s->edge[e].token);
    while (s->slot[i]) i = (i + 1) & (s->slots - 1);
    s->slot[i] = e;
}

static int grow_slots(struct sam *s, struct err *err) {
    size_t slots = s->slots ? s->slots * 2 : 256;
    int *slot = mem_alloc(slots, sizeof *slot, "suffix automaton", err);
    if (!slot) return ERR_FAILED;
    mem_free(s->slot);
    s->slot = slot;
    s->slots = slots;
    for (int e = 1; e < s->edges; e++) place_edge(s, e);
    return 0;
}

static int add_edge(struct sam *s, int from, int token, int to, struct err *err) {
    if (mem_grow(&s->edge, &s->edge_capacity, (size_t)s->edges + 1, sizeof *s->edge, "suffix automaton", err)) return ERR_FAILED;
    if ((size_t)s->edges >= s->slots / 2 && grow_slots(s, err)) return ERR_FAILED;
    int e = s->edges++;
    s->edge[e] = (struct sam_edge){from, token, to, s->state[from].edges};
    s->state[from].edges = e;
    place_edge(s, e);
    return 0;
}

static int add_state(struct sam *s, struct sam_state state, struct err *err) {
    if (mem_grow(&s->state, &s->state_capacity, (size_t)s->states + 1, sizeof *s->state, "suffix automaton", err)) return ERR_FAILED;
    s->state[s->states] = state;
    return s->states++;
}

/* Splits off q its substrings of at most `len` tokens: they now end at one more place. */
static int clone_state(struct sam *s, int q, int len, struct err *err) {
    struct sam_state copy = {.len = len, .link = s->state[q].link, .first = s->state[q].first};
    int clone = add_state(s, copy, err);
    if (clone < 0) return ERR_FAILED;
    for (int e = s->state[q].edges; e; e = s->edge[e].next)
        if (add_edge(s, clone, s->edge[e].token, s->edge[e].to, err)) return ERR_FAILED;
    s->state[q].link = clone;
    return clone;
}

int sam_add(struct sam *s, int token, struct sam_step *step, struct err *err) {
    int len = s->state[s->last].len + 1;
    int added = add_state(s, (struct sam_state){.len = len, .first = len}, err);
    if (added < 0) return ERR_FAILED;
    *step = (struct sam_step){.added = added};

    int p = s->last, e = 0;
    for (; p && !(e = find_edge(s, p, token)); p = s->state[p].link)
        if (add_edge(s, p, token, added, err)) return ERR_FAILED;
    s->last = added;
    if (!p) {
        s->state[added].link = SAM_ROOT;
        return 0;
    }
    int q = s->edge[e].to;
    if (s->state[q].len == s->state[p].len + 1) {
        s->state[added].link = q;
        return 0;
    }
    int clone = clone_state(s, q, s->state[p].len + 1, err);
    if (clone < 0) return ERR_FAILED;
    for (; p && (e = find_edge(s, p, token)) && s->edge[e].to == q; p = s->state[p].link) s->edge[e].to = clone;
    s->state[added].link = clone;
    step->clone = clone;
    step->cloned = q;
    return 0;
}

int sam_clear(struct sam *s, struct err *err) {
    s->states = s->edges = 1;
    if (s->slots) memset(s->slot, 0, s->slots * sizeof *s->slot);
    else if (grow_slots(s, err)) return ERR_FAILED;
    s->last = add_state(s, (struct sam_state){0}, err);
    return s->last < 0 ? ERR_FAILED : 0;
}

void sam_close(struct sam *s) {
    mem_free(s->state);
    mem_free(s->edge);
    mem_free(s->slot);
    *s = (struct sam){0};
}
