/* paint.c - see paint.h. */
#include "core/paint.h"

#include "core/mem.h"

static int is_splay_root(const struct paint_vertex *at, int v) {
    int up = at[v].up;
    return !up || (at[up].child[0] != v && at[up].child[1] != v);
}

/* Turns v above its splay parent; a colour stays at the top. */
static void rotate(struct paint_vertex *at, int v) {
    int parent = at[v].up, above = at[parent].up;
    int side = at[parent].child[1] == v, inner = at[v].child[!side];
    if (is_splay_root(at, parent)) at[v].colour = at[parent].colour;
    else at[above].child[at[above].child[1] == parent] = v;
    at[v].up = above;
    at[v].child[!side] = parent;
    at[parent].up = v;
    at[parent].child[side] = inner;
    if (inner) at[inner].up = parent;
}

static void splay(struct paint_vertex *at, int v) {
    while (!is_splay_root(at, v)) {
        int parent = at[v].up;
        if (!is_splay_root(at, parent)) {
            int above = at[parent].up;
            int straight = (at[parent].child[1] == v) == (at[above].child[1] == parent);
            rotate(at, straight ? parent : v);
        }
        rotate(at, v);
    }
}

int paint_reserve(struct paint *t, int n, struct err *err) {
    return mem_grow(&t->at, &t->capacity, (size_t)n + 1, sizeof *t->at, "painted tree", err);
}

void paint_close(struct paint *t) {
    mem_free(t->at);
    *t = (struct paint){0};
}

void paint_leaf(struct paint *t, int v, int parent, int colour) {
    t->at[v] = (struct paint_vertex){.up = parent, .colour = colour};
}

void paint_insert_above(struct paint *t, int v, int w, int parent) {
    struct paint_vertex *at = t->at;
    splay(at, w);
    int upper = at[w].child[0]; // the part of w's strip above w goes its own way, in the same colour
    if (upper) {
        at[upper].colour = at[w].colour;
        at[upper].up = at[w].up;
        at[w].child[0] = 0;
    }
    paint_leaf(t, v, parent, at[w].colour);
    at[w].up = v;
}

void paint_path(struct paint *t, int v, int colour) {
    struct paint_vertex *at = t->at;
    for (int below = 0, w = v; w; below = w, w = at[w].up) {
        splay(at, w);
        int lower = at[w].child[1]; // hung on w, as `below` was: only w's word for it changes
        if (lower) at[lower].colour = at[w].colour;
        at[w].child[1] = below;
    }
    splay(at, v);
    at[v].colour = colour;
}

int paint_colour(struct paint *t, int v) {
    splay(t->at, v);
    return t->at[v].colour;
}
