/* paint.h - a growing tree whose paths to the root are painted.
 *
 * The access operation of link-cut trees (Sleator & Tarjan, "A data structure for dynamic
 * trees", JCSS 26, 1983; with splay trees, JACM 32, 1985), and nothing else of them: the
 * tree never changes its root. Painting cuts the tree into vertical strips of one colour:
 *
 *      1
 *      2        paint_path(4, red), then paint_path(3, blue):
 *     3 4       1-2-3 is a blue strip, 4 alone a red one hanging on 2
 *
 * A strip is a splay tree ordered by depth (left: nearer the tree's root). Its colour is
 * kept at its splay root only, so painting a path of any length writes one number.
 * Amortized O(log n) an operation; vertices are numbered from 1, 0 is none. */
#ifndef CORE_PAINT_H
#define CORE_PAINT_H

#include <stddef.h>

#include "core/err.h"

struct paint_vertex {
    int up;       // splay parent; at a splay root: the tree parent of the strip's top
    int child[2]; // of the splay tree
    int colour;   // meant at splay roots only
};

struct paint {
    struct paint_vertex *at; // [0] unused
    size_t capacity;
};

/* Room for vertices 1..n, new ones without parent and colour. */
int paint_reserve(struct paint *t, int n, struct err *err);
void paint_close(struct paint *t);

/* Makes v (fresh) a single vertex below parent (0: a root). */
void paint_leaf(struct paint *t, int v, int parent, int colour);
/* Puts v (fresh) between w and its parent; it takes w's colour. */
void paint_insert_above(struct paint *t, int v, int w, int parent);
/* Paints v and everything up to the root. */
void paint_path(struct paint *t, int v, int colour);
int paint_colour(struct paint *t, int v);

#endif
