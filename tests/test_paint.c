/* test_paint.c - painted paths of a growing tree against a walk along parent pointers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/paint.h"
#include "core/rng.h"

enum { VERTICES = 600 };

struct plain {
    int parent[VERTICES + 1], colour[VERTICES + 1];
};

static void assert_colours(struct paint *t, const struct plain *p, int vertices) {
    for (int v = 1; v <= vertices; v++)
        if (paint_colour(t, v) != p->colour[v])
            fail_msg("vertex %d of %d has colour %d, expected %d", v, vertices, paint_colour(t, v), p->colour[v]);
}

/* chance: of a new vertex to hang on the newest, out of 100; high makes the tree deep. */
static void grow_and_compare(uint64_t seed, int chance) {
    struct rng r = rng_at(seed, 0, 0, 0);
    struct paint t = {0};
    struct plain p = {{0}, {0}};
    struct err err;
    int n = 1;
    assert_int_equal(paint_reserve(&t, 1, &err), 0);
    paint_leaf(&t, 1, 0, p.colour[1] = 7);
    while (n < VERTICES) {
        int old = rng_below(&r, 100) < chance ? n : 1 + rng_below(&r, n), v = ++n;
        assert_int_equal(paint_reserve(&t, n, &err), 0);
        if (old == 1 || rng_below(&r, 3)) {
            p.parent[v] = old;
            paint_leaf(&t, v, old, p.colour[v] = n);
        } else {
            p.parent[v] = p.parent[old];
            p.parent[old] = v;
            p.colour[v] = p.colour[old];
            paint_insert_above(&t, v, old, p.parent[v]);
        }
        if (rng_below(&r, 2)) {
            int low = 1 + rng_below(&r, n);
            for (int w = low; w; w = p.parent[w]) p.colour[w] = 1000 + n;
            paint_path(&t, low, 1000 + n);
        }
        if (n % 7 == 0) assert_colours(&t, &p, n);
    }
    paint_close(&t);
}

static void test_colours_equal_a_walk_along_the_parents(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 12; seed++) grow_and_compare(seed, (int)seed * 9);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_colours_equal_a_walk_along_the_parents)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
